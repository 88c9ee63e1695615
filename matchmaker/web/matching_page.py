"""What the pages of a run say: where needs are served, how the scores spread, what a decision changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from matchmaker import reference
from matchmaker.engine.problem import displayed
from matchmaker.models import MatchingRun, Need, Offer, RunStatus, Verdict
from matchmaker.services import matching, matching_decisions, matching_files, matching_freshness, matching_overview, matching_withdrawal
from matchmaker.services.errors import ChangedMeanwhile, DomainError, LockedAndRefused, NoPlaceToLock
from matchmaker.services.matching_decisions import Change
from matchmaker.services.matching_inputs import PairIds
from matchmaker.web import fairness_words, formats, maps, reasons
from matchmaker.web.successions import told_title

# How many lines a list shows at first, and on demand: a page of twenty thousand lines is read by nobody.
SHOWN, MOST_SHOWN = 12, 500
NAMED = 3
LONGEST_TITLE = 60
# What the forms send → what is decided.
VERDICTS = {"locked": Verdict.LOCKED, "refused": Verdict.REFUSED, "none": None}
OLD_PAGE = "Ce calcul a changé pendant que vous le lisiez. Le voici à jour\u00a0; votre geste n’a rien changé."
OVER = "Ce calcul n’attend plus de relecture. Rien n’a été changé."


@dataclass(frozen=True)
class PlaceLine:
    """One EPCI of a run: served needs of all needs, and what stands in the way of the others."""

    code: str
    name: str
    served: int
    total: int
    obstacle: str


@dataclass(frozen=True)
class Undo:
    """The form that takes the last act back: the pair, and what to send."""

    need_id: UUID
    offer_id: UUID
    verdict: str


def context(run: MatchingRun, *, everything: bool, today: date) -> dict[str, object]:
    """What templates/matching/show.html needs."""
    limit = MOST_SHOWN if everything else SHOWN
    places = by_epci(run)
    shade = {line.code: shade_of(line) for line in places if line.code}
    is_ready = run.status is RunStatus.READY
    decisions = matching_decisions.decisions_in(run) if is_ready else []
    aside = {(UUID(need), UUID(offer)) for need, offer in run.set_aside} if is_ready else set()
    return {
        "run": run,
        "matches": matching.matches_of(run, limit=limit),
        "matches_count": matching_overview.matches_count(run),
        "unserved": matching.needs_of(run, limit=limit),
        "places": places,
        "bands": bands(run),
        "map": maps.departement_map(run.territory.code, shade),
        "reasons": reasons,
        "everything": everything,
        "most_shown": MOST_SHOWN,
        "is_stale": is_ready and matching_freshness.is_stale(run, today=today),
        "locked": {(one.need_id, one.offer_id) for one in decisions if one.verdict is Verdict.LOCKED},
        "refused": [one for one in decisions if one.verdict is Verdict.REFUSED],
        "set_aside": [one for one in decisions if (one.need_id, one.offer_id) in aside],
        "kept": matching_overview.kept(run, limit=SHOWN),
        "earlier": matching_overview.earlier(run),
        "can_be_taken_back": matching_withdrawal.can_be_taken_back(run),
        "has_files": matching_files.can_be_written(run),
        "has_instance": matching_files.has_instance(run),
        "fairness_words": fairness_words,
        "epci_name": epci_name,
        "RunStatus": RunStatus,
    }


def earlier_runs(runs: Sequence[MatchingRun]) -> dict[UUID, UUID]:
    """Run → the one of its territory that came before it in the list; runs stand newest first, and only those with a result are compared."""
    newer: dict[int, UUID] = {}
    found: dict[UUID, UUID] = {}
    for run in runs:
        if run.value is not None:
            if run.territory_id in newer:
                found[newer[run.territory_id]] = run.id
            newer[run.territory_id] = run.id
    return found


@dataclass(frozen=True)
class Measure:
    """A figure of two runs, in words, and the difference."""

    label: str
    before: str
    after: str
    difference: str


def measures(before: MatchingRun, after: MatchingRun) -> list[Measure]:
    """What a comparison says of two results."""
    weakest = [matching_overview.weakest(run) for run in (before, after)]
    low, high = (None if one is None else displayed(one) for one in weakest)
    lines = [
        counted("Besoins servis", before.served_count, after.served_count),
        counted("Besoins en attente d’une offre", before.needs_count - before.served_count, after.needs_count - after.served_count),
        Measure(
            "Accord total, en points",
            formats.points(before.value),
            formats.points(after.value),
            signed(((after.value or 0) - (before.value or 0)) / 1_000_000, decimals=2),
        ),
    ]
    if low is not None and high is not None:
        lines.append(Measure("Accord le plus faible", f"{low} sur 100", f"{high} sur 100", signed(high - low)))
    return lines + fairness_measures(before, after)


# Figure of fairness → its words, and how many decimals it is told with.
FAIRNESS = {
    "small_served": ("Structures de moins de 10 salariés servies", 0),
    "new_served": ("Structures nouvelles servies", 0),
    "partners_median": ("Partenaires d’une structure, au milieu du classement", 1),
    "partners_gini": ("Inégalité entre structures, de 0 à 1", 2),
}


def fairness_measures(before: MatchingRun, after: MatchingRun) -> list[Measure]:
    """The figures of fairness that both runs kept."""
    lines = []
    for key, (label, decimals) in FAIRNESS.items():
        old, new = before.fairness.get(key), after.fairness.get(key)
        if old is not None and new is not None:
            lines.append(Measure(label, formats.number(old, decimals), formats.number(new, decimals), signed(new - old, decimals=decimals)))
    return lines


def counted(label: str, before: int, after: int) -> Measure:
    return Measure(label, formats.number(before), formats.number(after), signed(after - before))


def signed(value: float, *, decimals: int = 0) -> str:
    """« + 5 », « − 0,12 », « 0 »."""
    told = formats.number(abs(value), decimals)
    return told if not round(value, decimals) else f"{'+' if value > 0 else '−'}{formats.NBSP}{told}"


def by_epci(run: MatchingRun) -> list[PlaceLine]:
    """The EPCI that have needs in this run, those with most needs first."""
    lines = [
        PlaceLine(place.code or "", epci_name(place.code), place.served, place.served + len(place.unserved), reasons.first_obstacle(run, place.unserved))
        for place in matching_overview.places(run)
    ]
    return sorted(lines, key=lambda line: (-line.total, line.name))


def epci_name(code: str | None) -> str:
    return reference.short_name(reference.epcis()[code].name) if code else "Hors intercommunalité"


def shade_of(line: PlaceLine) -> str:
    """All served, three in four or more, more than half, or a white zone."""
    if line.served == line.total:
        return "s5"
    return "s3" if line.served * 4 >= line.total * 3 else "s2" if line.served * 2 > line.total else "white-zone"


def bands(run: MatchingRun) -> list[tuple[str, int]]:
    """« 90 à 100 » → how many pairs, from the best band that has any to the last."""
    counts = list(enumerate(matching_overview.score_bands(run)))
    lines = [(f"{10 * row} à {10 * row + (10 if row == 9 else 9)}", count) for row, count in reversed(counts)]
    some = [row for row, (_words, count) in enumerate(lines) if count]
    return lines[some[0] : some[-1] + 1] if some else []


def undo_of(arguments: dict[str, str]) -> Undo | None:
    """What the address of the page says of the last act, if it says it well."""
    try:
        need_id, offer_id = UUID(arguments.get("besoin", "")), UUID(arguments.get("offre", ""))
    except ValueError:
        return None
    verdict = arguments.get("defaire", "")
    return Undo(need_id, offer_id, verdict) if verdict in VERDICTS else None


def change_words(change: Change, pair: PairIds, verdict: Verdict | None) -> str:
    """What was done, and what it changed elsewhere."""
    done = {
        Verdict.LOCKED: "Cette mise en relation est verrouillée. Elle reste dans ce calcul et dans les suivants",
        Verdict.REFUSED: "Cette mise en relation est refusée. Elle ne sera plus proposée",
        None: "Votre choix est retiré. Le calcul décide de nouveau de cette mise en relation",
    }[verdict]
    others = [one for one in change.left if one != pair], [one for one in change.entered if one != pair]
    number = len(others[0]) + len(others[1])
    back = " Elle revient dans ce calcul." if verdict is None and pair in change.entered else ""
    if not number:
        return f"{done}.{back} Aucune autre mise en relation ne change."
    told = [f"{title} entre" for title in named(others[1])] + [f"{title} sort" for title in named(others[0])]
    more = f" et {number - len(told)} autres" if number > len(told) else ""
    total = f"Total\u00a0: {formats.points(change.before)} → {formats.points(change.after)}\u00a0points."
    return (
        f"{done}.{back} {formats.plural(number, 'autre mise en relation change', 'autres mises en relation changent')}\u00a0: {', '.join(told)}{more}. {total}"
    )


def named(pairs: Sequence[PairIds]) -> list[str]:
    """The first of the pairs by the titles of both sides, short: the words travel in a cookie."""
    found = matching_decisions.sides(pairs[:NAMED])
    return [f"«\u00a0{short(need)}\u00a0» avec «\u00a0{short(offer)}\u00a0»" for need, offer in found]


def short(declaration: Need | Offer) -> str:
    title = told_title(declaration)
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"


def refusal_words(refusal: DomainError) -> str:
    """Why a decision was not taken."""
    match refusal:
        case ChangedMeanwhile():
            return OLD_PAGE
        case LockedAndRefused():
            return "Cette mise en relation est déjà verrouillée ou refusée. Retirez d’abord ce premier choix."
        case NoPlaceToLock():
            places = formats.plural(len(refusal.partners), "place", "places")
            partners = formats.enumeration([f"«\u00a0{short(partner)}\u00a0»" for partner in refusal.partners[:NAMED]])
            return f"«\u00a0{short(refusal.side)}\u00a0» n’a que {places}, et tout est verrouillé\u00a0: {partners}. Déverrouillez d’abord l’une d’elles."
        case _:
            return OVER


def word_of(verdict: Verdict | None) -> str:
    """What a form sends for it."""
    return next(word for word, meant in VERDICTS.items() if meant is verdict)
