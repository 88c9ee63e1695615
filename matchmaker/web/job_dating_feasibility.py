"""Whether a job dating fits, in one line: what holds and what is to spare, or what is short and the smallest change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from matchmaker.models import JobDating
from matchmaker.services.errors import TooManyPeople
from matchmaker.services.job_dating_feasibility import Feasibility, Fix, Kind
from matchmaker.web import formats, job_dating_plan

WHY_NOT = {
    "not_now": "l’une des deux ne le souhaite pas cette fois",
    "never_again": "l’une des deux ne souhaite plus être mise en relation avec l’autre",
    "met_before": "elles se sont déjà rencontrées, et aucune ne demande à se revoir",
    "not_expected": "l’une des deux ne vient pas",
    "window": "elles ne sont pas là assez longtemps ensemble",
    "max_meetings": "l’une des deux a déjà tous ses entretiens",
    "tables": "il manque une table",
    "round_limit": "il manque un tour",
}


@dataclass(frozen=True)
class Line:
    """What the page says. Kind: success, warn or error, as for a notice."""

    kind: str
    answer: str
    advice: str = ""
    # Said beside it: the venue is closed then.
    closed: str = ""


def line(job_dating: JobDating, found: Feasibility) -> Line:
    """« 74 entretiens, 10 tables, 8 tours : tout tient, 1 tour de marge », or what is short and the smallest fix."""
    if found.people > found.allowed:
        return Line("error", job_dating_plan.too_many(TooManyPeople(found.people, found.allowed)))
    if not found.chosen:
        return capacity(job_dating)
    size = f"{formats.plural(found.chosen, 'entretien', 'entretiens')}, {formats.plural(found.tables, 'table', 'tables')}"
    if found.fits:
        spare = formats.plural(found.spare, "tour de marge", "tours de marge") if found.spare else "sans tour de marge"
        alone = formats.plural(found.alone, "structure n’a pas d’entretien.", "structures n’ont pas d’entretien.") if found.alone else ""
        return Line("success", f"{size}, {formats.plural(found.rounds, 'tour', 'tours')}\u00a0: tout tient, {spare}.", alone)
    if found.held < found.chosen:
        short = f"{size}, {formats.plural(found.fitting, 'tour', 'tours')}\u00a0: {formats.plural(found.held, 'entretien tient', 'entretiens tiennent')}."
    else:
        short = f"{size}\u00a0: il faut {formats.plural(found.rounds, 'tour', 'tours')}, {fitting(job_dating, found)}."
    return Line("warn", short, advice(job_dating, found))


def fitting(job_dating: JobDating, found: Feasibility) -> str:
    words = {0: "aucun ne tient", 1: "un seul tient"}.get(found.fitting, f"{found.fitting} tiennent")
    return f"{words} avant {job_dating_plan.end(job_dating.ends_at)}"


def advice(job_dating: JobDating, found: Feasibility) -> str:
    """The smallest changes, each enough by itself."""
    if job_dating.only_what_fits or not found.fixes:
        kept = f"Les {found.held} meilleurs sont gardés." if job_dating.only_what_fits and found.held else ""
        least = f"Demandez {formats.plural(found.fitting, 'entretien', 'entretiens')} par structure au plus, ou ne gardez que ce qui tient."
        return kept or (least if found.fitting else "Allongez la demi-journée.")
    return f"Ajoutez {ways(job_dating, found.fixes, found.fitting)}\u00a0: tout tiendra."


def ways(job_dating: JobDating, fixes: Sequence[Fix], fitting: int) -> str:
    """« 2 tables ou 1 tour (fin à 12 h 15) »."""
    return " ou ".join(in_words(job_dating, fix, fitting) for fix in fixes)


def in_words(job_dating: JobDating, fix: Fix, fitting: int) -> str:
    match fix.kind:
        case Kind.TABLES:
            return formats.plural(fix.amount, "table", "tables")
        case Kind.ACCESSIBLE_TABLES:
            return formats.plural(fix.amount, "table accessible", "tables accessibles")
        case Kind.ROUNDS:
            late = job_dating.round_ends_at(fitting + fix.amount - 1)
            return f"{formats.plural(fix.amount, 'tour', 'tours')} (fin à {formats.hour(late + timedelta(minutes=-late.minute % 5))})"


def capacity(job_dating: JobDating) -> Line:
    """Nobody is chosen yet: how many could come."""
    tables, rounds = len(job_dating.tables), job_dating.rounds_that_fit
    if not tables:
        return Line("warn", "Aucune table ne sert." if job_dating.lost_tables else "Ce lieu n’a pas de table.")
    if not rounds:
        return Line("warn", "Aucun tour ne tient dans cet horaire.", "Allongez la demi-journée.")
    seats = tables * rounds
    room = f"{formats.plural(tables, 'table', 'tables')}, {formats.plural(rounds, 'tour', 'tours')}"
    size = f"{room}\u00a0: {formats.plural(seats, 'entretien', 'entretiens')} au plus."
    most = min(seats * 2 // 5, job_dating.venue.seats_for_guests)
    least = min(seats * 2 // 6, most)
    return Line("success", size, f"De quoi accueillir {least} à {most} structures, à 5 ou 6 entretiens chacune." if least > 1 else "")


def why_not(reason: str) -> str:
    return WHY_NOT[reason]
