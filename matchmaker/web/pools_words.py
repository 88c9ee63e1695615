"""Shared jobs in words and as a grid: the week of a group, its cautions with their source, why a need is in no group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from matchmaker import reference
from matchmaker.models import Need, Pool, PoolMeeting, PoolShare, PoolStatus
from matchmaker.models.organisations import Organisation
from matchmaker.models.pools import HOURS_A_HALFDAY
from matchmaker.services.pools_fractions import distance_km
from matchmaker.services.pools_warnings import Caution, Warned
from matchmaker.web import formats, labels
from matchmaker.web.formats import NBSP

STATES = {
    PoolStatus.COMPOSED: "composé, pas encore proposé",
    PoolStatus.PROPOSED: "proposé au groupe",
    PoolStatus.AGREED: "tout le groupe est intéressé",
    PoolStatus.SIGNED: "contrat signé",
    PoolStatus.DISSOLVED: "sans suite",
}
STEPS = {PoolStatus.COMPOSED: "composés", PoolStatus.PROPOSED: "proposés", PoolStatus.AGREED: "tout le groupe intéressé", PoolStatus.SIGNED: "signés"}
HALVES = ("Matin", "Après-midi")
HOURS_A_YEAR = 1607
TITLES = {
    Caution.VAT: "TVA\u00a0: situations différentes.",
    Caution.IDCC: "Conventions collectives différentes.",
    Caution.WAGE: "Salaires différents.",
    Caution.PART_TIME: "Moins de 24\u00a0heures par semaine.",
    Caution.PUBLIC: "Beaucoup d’employeurs publics.",
    Caution.LIABILITY: "Les membres d’un groupement sont solidaires.",
}
SOURCES = {
    Caution.VAT: "Code général des impôts, article 261\u00a0B\u00a0; BOI-TVA-CHAMP-30-10-40.",
    Caution.IDCC: "Code du travail, articles L1253-17 et L1253-18.",
    Caution.WAGE: "Code du travail, article L1253-9\u00a0: à travail égal, même rémunération que dans la structure.",
    Caution.PART_TIME: "Code du travail, articles L3123-7 et L3123-27.",
    Caution.PUBLIC: "Code du travail, articles L1253-19 et L1253-20.",
    Caution.LIABILITY: "Code du travail, article L1253-8.",
}


@dataclass(frozen=True)
class Cell:
    """A half-day that somebody has: the letter, and the name where it is told."""

    letter: str
    name: str


@dataclass(frozen=True)
class Week:
    """The same week in some months: two rows of five cells, None for a free half-day."""

    months: str
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def weeks(pool: Pool, *, names: Mapping[UUID, str]) -> list[Week]:
    """The different weeks of a year, the longest in force first. ``names``: need id → what its employer is called."""
    months_of: dict[str, list[int]] = {}
    for month in sorted(map(int, pool.plan)):
        months_of.setdefault(str(sorted(pool.plan[str(month)].items())), []).append(month)
    letters = {str(share.need_id): share.letter for share in pool.shares}
    grids = []
    for months in sorted(months_of.values(), key=len, reverse=True):
        owner = {halfday: need_id for need_id, halfdays in pool.plan[str(months[0])].items() for halfday in halfdays}
        cells = [Cell(letters.get(owner[bit], "?"), names.get(UUID(owner[bit]), "")) if bit in owner else None for bit in range(10)]
        grids.append(Week(month_words(months), tuple((half, tuple(cells[start::2])) for start, half in enumerate(HALVES))))
    return grids


def month_words(months: Sequence[int]) -> str:
    """« toute l’année », « de novembre à mars », « en juin et en septembre »."""
    active = set(months)
    if len(active) == 12:
        return "toute l’année"
    starts = [month for month in sorted(active) if (month - 2) % 12 + 1 not in active]
    told = []
    for start in starts:
        end = start
        while end % 12 + 1 in active:
            end = end % 12 + 1
        told.append(
            f"en {formats.MONTHS[start - 1]}"
            if end == start
            else f"de {formats.MONTHS[start - 1]} à {formats.MONTHS[end - 1]}".replace("de a", "d’a").replace("de o", "d’o")
        )
    return formats.enumeration(told)


def full_names(pool: Pool) -> dict[UUID, str]:
    return {share.need_id: share.need.organisation.name for share in pool.shares}


def hidden_names(pool: Pool, own: PoolShare | None) -> dict[UUID, str]:
    """One's own name, and letters for the others; letters for all who look from outside."""
    return {share.need_id: share.need.organisation.name if share is own else f"Employeur {share.letter}" for share in pool.shares}


def about(organisation: Organisation) -> str:
    """Who it is without its name: « association, 10 à 49 salariés, CA Flers Agglo »."""
    epci = reference.epcis().get(organisation.commune.epci_code or "")
    place = reference.short_name(epci.name) if epci else f"département {organisation.commune.departement_code}"
    size = labels.label(organisation.headcount) if organisation.headcount else ""
    return ", ".join(part for part in (labels.kind_of(organisation), size, place) if part)


def halfday_words(mask: int) -> str:
    """« lundi et mardi », « jeudi après-midi, vendredi »: whole days where both halves are taken."""
    told, kinds = [], set()
    for day in range(5):
        both = mask >> 2 * day & 3
        if both:
            kinds.add(both == 3)
            told.append(formats.DAYS[day] if both == 3 else formats.HALF_DAYS[2 * day + both - 1])
    return formats.enumeration(told) if len(kinds) == 1 else ", ".join(told)


def hours_words(share: PoolShare) -> str:
    """« 10,5 h par semaine, 482 h par an »."""
    week = formats.number(share.hours, 1).removesuffix(",0")
    return f"{week}{NBSP}h par semaine, {formats.number(round(float(share.fte) * HOURS_A_YEAR))}{NBSP}h par an"


def loads(pool: Pool) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Month by month: the months, hours a week of each letter, and of all; months that are alike stand together."""
    letters = {str(share.need_id): share.letter for share in pool.members}
    months_of: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for month in range(1, 13):
        halfdays = pool.plan.get(str(month), {})
        months_of.setdefault(tuple((letter, len(halfdays.get(need_id, ()))) for need_id, letter in letters.items()), []).append(month)
    return [
        (month_words(months), [(letter, load_words(halfdays)) for letter, halfdays in load], load_words(sum(halfdays for _letter, halfdays in load)))
        for load, months in months_of.items()
    ]


def load_words(halfdays: int) -> str:
    return f"{formats.number(halfdays * HOURS_A_HALFDAY, 1).removesuffix(',0')}{NBSP}h"


def cost_words(share: PoolShare) -> str:
    """« 30 % des heures »: its part of what the job costs."""
    return f"{formats.number(100 * share.fte / (share.pool.fte or 1))}{NBSP}% des heures"


def journeys(pool: Pool) -> list[tuple[str, str, str]]:
    """Letter, letter, distance of each two places."""
    members = pool.members
    pairs = [(one, other) for place, one in enumerate(members) for other in members[place + 1 :]]
    return [(one.letter, other.letter, km_words(distance_km(one.need, other.need))) for one, other in pairs]


def km_words(km: float | None) -> str:
    return "distance inconnue" if km is None else f"{formats.number(max(km, 1))}{NBSP}km"


def caution_text(told: Warned) -> str:
    """What a caution is about in this group, in one or two sentences."""
    if told.caution is Caution.VAT:
        paid = f"{formats.enumeration(told.yes)} {'la paient' if len(told.yes) > 1 else 'la paie'}, {formats.enumeration(told.no)} non."
        unknown = f" Pour {formats.enumeration(told.unknown)}, nous ne savons pas." if told.unknown else ""
        return f"{paid}{unknown} Le groupement peut y perdre une exonération\u00a0: à voir avec un expert-comptable."
    if told.caution is Caution.IDCC:
        return f"Numéros {formats.enumeration(told.numbers)}. Il faudra en choisir une pour le poste, et le déclarer."
    if told.caution is Caution.WAGE:
        top, bottom = (f"{formats.number(amount)}{NBSP}€" for amount in (told.amount, told.other_amount))
        return f"{told.yes[0]} va jusqu’à {top} par an, {told.no[0]} commence à {bottom}. À accorder avant d’embaucher."
    if told.caution is Caution.PART_TIME:
        hours = formats.number(told.amount, 1).removesuffix(",0")
        return f"Le mois le plus calme ne fait que {hours}{NBSP}h par semaine. Il y faut un accord de branche, ou la demande écrite de la personne."
    if told.caution is Caution.PUBLIC:
        part = f"{formats.number(told.amount)}{NBSP}% du poste"
        return f"{formats.enumeration(told.yes)}\u00a0: {part}. Le temps passé chez eux est limité, et la forme du groupement aussi."
    return "Chacun répond des dettes du groupement envers les personnes employées. Les statuts peuvent dire comment."


def miss_text(miss: Mapping[str, Any], needs: Mapping[str, Need]) -> str:
    """Why a need is in no group, and the nearest one that would take it. ``needs``: id → need, those that are open still."""
    kind, amount = miss["kind"], float(miss.get("amount", 0))
    others = [needs[need_id].organisation.name for need_id in miss.get("needs", ()) if need_id in needs]
    group = f"avec {formats.enumeration(others)}" if others else "dans un groupe"
    halfdays = [formats.HALF_DAYS[bit] for bit in miss.get("halfdays", ())]
    verb = "étaient possibles" if len(halfdays) > 1 else "était possible"
    told = {
        "outbid": f"Possible {group}, mais un autre choix de groupes couvre davantage.",
        "start": f"Possible {group}, si {formats.number(amount)}{NBSP}jours pouvaient séparer le premier début du dernier.",
        "halfdays": f"Possible {group}, si {formats.enumeration(halfdays)} {verb}.",
        "km": f"Possible {group}, si l’on acceptait {formats.number(amount)}{NBSP}km entre deux sites.",
        "fte": f"Le plus grand groupe possible ne fait que {formats.number(amount, 2)}{NBSP}ETP{' (' + formats.enumeration(others) + ')' if others else ''}.",
        "none": "Personne d’autre ne cherche ce métier assez près, avec des jours qui s’accordent.",
        "volume": "L’annonce ne dit pas quelle part d’un temps plein est cherchée.",
        "few_halfdays": "L’annonce demande plus de demi-journées qu’elle n’en permet.",
        "place": "Nous ne savons pas situer cette commune.",
        "unknown": "Nous n’avons pas eu le temps de chercher ce qui manque.",
    }
    return told[kind]


def no_week_text(halfdays: int) -> str:
    """Why other days do not do, and which would."""
    would = f" Il faudrait par exemple\u00a0: {halfday_words(halfdays)}." if halfdays else ""
    return f"Avec ces demi-journées, aucune semaine ne convient à tout le groupe.{would}"


def moved_text(others: int) -> str:
    """What becomes of other days that do."""
    if not others:
        return "Vos jours sont notés, et la semaine du groupe les suit. Vous comptez comme intéressé."
    whom = "son avis à une autre structure" if others == 1 else f"leur avis à {others} structures"
    return f"Vos jours sont notés. D’autres jours changent aussi\u00a0: nous redemandons {whom}."


def answers_of(pool: Pool) -> dict[UUID, str]:
    """Employer group → what it said of taking the pool in."""
    return {welcome.organisation_id: welcome.status.value for welcome in pool.welcomes}


def meeting_words(meeting: PoolMeeting) -> str:
    """« Le groupe se réunit le 12 mars 2027 à 9 h, à L’Écoutille Rousse »."""
    dating = meeting.job_dating
    return (
        f"Le groupe se réunit le {formats.long_date(dating.starts_at)} à {formats.hour(dating.starts_at)}, à l’ouverture du job dating de {dating.venue.name}"
    )
