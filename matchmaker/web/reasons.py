"""Why two declarations were brought together, in sentences that their people would say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matchmaker.engine.scoring import CRITERIA
from matchmaker.models import Match, MatchingRun, Need, Offer
from matchmaker.web import formats, labels

CRITERION_LABELS = {criterion.name: criterion.label_fr for criterion in CRITERIA} | {"turn": "Tour de rôle"}


@dataclass(frozen=True)
class ScoreLine:
    """One line of the score's detail: what is looked at, what the declarations say of it, the points."""

    label: str
    fact: str
    earned: int
    possible: int


def reasons(match: Match) -> list[tuple[str, str]]:
    """Three to five lines: (« common » or « ask », sentence). What remains to be checked comes last."""
    lines = [fact for fact in (place(match), words(match), themes(match), halfdays(match), volumes(match)) if fact]
    common = [("common", text) for text, is_sure in lines if is_sure]
    ask = [("ask", text) for text, is_sure in lines if not is_sure]
    ask += [("ask", f"À vérifier ensemble\u00a0: {labels.flag(code).lower()}") for code in to_check(match)]
    return common[:4] + ask[:2]


Fact = tuple[str, bool] | None


def place(match: Match) -> Fact:
    """Where they are from each other."""
    need, offer = match.need, match.offer
    if need.remote_share == 100 or offer.remote_share == 100:
        return "Cela peut se faire à distance", True
    if match.distance_km is None:
        return "À vérifier ensemble\u00a0: la distance", False
    if need.is_confidential or offer.is_confidential:
        return "Vos territoires se recouvrent", True
    if need.commune.epci_code == offer.commune.epci_code and need.commune.epci_code:
        return f"À {kilometres(match.distance_km)}, dans la même intercommunalité", True
    return f"À {kilometres(match.distance_km)} l’un de l’autre", True


def kilometres(distance: float) -> str:
    return f"moins d’un{formats.NBSP}km" if distance < 1 else f"{formats.number(distance)}{formats.NBSP}km"


def words(match: Match) -> Fact:
    shared = sorted(set(match.need.skills) & set(match.offer.skills))
    if shared:
        return "En commun\u00a0: " + formats.enumeration(shared[:3]), True
    return None


def themes(match: Match) -> Fact:
    shared = [code for code in match.need.themes if code in match.offer.themes]
    return (f"Même thème\u00a0: {labels.theme(shared[0])}", True) if shared else None


def halfdays(match: Match) -> Fact:
    both = match.need.halfdays & match.offer.halfdays
    if not both:
        return None
    named, count = formats.halfdays(both), formats.plural(both.bit_count(), "demi-journée commune", "demi-journées communes")
    return (f"{count}, dont {formats.enumeration(named[:2])}" if len(named) > 3 else f"{count}\u00a0: {formats.enumeration(named)}", True)


def volumes(match: Match) -> Fact:
    need, offer = match.need, match.offer
    if need.volume is None and offer.volume is None:
        return None
    if need.volume is None or offer.volume is None:
        return "À vérifier ensemble\u00a0: le volume", False
    if need.volume_unit is not offer.volume_unit:
        return None
    told = f"Demandé\u00a0: {labels.volume(need.volume, need.volume_unit)}, proposé\u00a0: {labels.volume(offer.volume, offer.volume_unit)}"
    near = min(need.volume, offer.volume) / max(need.volume, offer.volume) >= 0.5
    return (told, True) if near else (f"À vérifier ensemble\u00a0: {told[0].lower()}{told[1:]}", False)


def to_check(match: Match) -> list[str]:
    """Flags that the need requires and of which the offer says nothing."""
    return [code for code in match.need.flags if code not in match.offer.flags]


def score_lines(match: Match) -> list[ScoreLine]:
    """The score's detail, criterion by criterion; its points sum to the score."""
    return [ScoreLine(CRITERION_LABELS[line["criterion"]], fact_of(match, line), line["earned"], line["possible"]) for line in match.breakdown]


def fact_of(match: Match, line: dict[str, Any]) -> str:
    """What the declarations say of a criterion."""
    if line["unknown"]:
        return "non précisé"
    need, offer = match.need, match.offer
    facts = {
        "skills": ", ".join(sorted(set(need.skills) & set(offer.skills))) or "aucun mot commun",
        "distance": (place(match) or ("", True))[0].removeprefix("À ") if match.distance_km is not None else "à distance",
        "themes": ", ".join(labels.theme(code) for code in need.themes if code in offer.themes) or "thèmes différents",
        "volume": f"{labels.volume(need.volume, need.volume_unit)} et {labels.volume(offer.volume, offer.volume_unit)}",
        "budget": "budgets un peu éloignés" if line["earned"] < line["possible"] else "les budgets se rejoignent",
        "never_met": "jamais rencontrés" if line["earned"] else "déjà rencontrés",
        "freshness": "annonces récentes" if line["earned"] * 2 >= line["possible"] else "une annonce plus ancienne",
        "availability": "demi-journées et dates",
        "text": "mots de vos deux annonces",
        "turn": "une annonce qui attend son tour",
        "occupation": "métiers proches" if line["earned"] else "métiers éloignés",
    }
    return facts[line["criterion"]]


OBSTACLES = {
    "distance": "hors de portée",
    "dates": "dates qui ne se croisent pas",
    "halfdays": "demi-journées qui ne se croisent pas",
    "flags": "ce qui est indispensable n’est pas offert",
    "refused": "les structures possibles ont déjà été sollicitées",
    "organisation": "la seule offre vient de la même structure",
    "never_with": "ces structures ne travaillent pas ensemble",
}


def why_unserved(need: Need, told: dict[str, Any]) -> str:
    """Why nobody was found for a need, in one or two sentences."""
    reason, removed, nearest = told["reason"], told.get("removed", {}), told.get("nearest_km")
    if reason == "outbid":
        return "Une offre convient, mais toutes ses places servent mieux ailleurs."
    if reason == "no_offer":
        return f"Aucune offre publiée en «\u00a0{labels.label(need.category).lower()}\u00a0»."
    if reason == "all_refused":
        return "Les structures possibles ont déjà été sollicitées."
    if reason == "other_subject":
        return "Des offres sont à portée, mais elles parlent d’autre chose."
    obstacle = max(removed, key=lambda name: removed[name])
    if obstacle == "distance" and nearest is not None:
        if nearest <= need.radius_km:
            return "Les offres proches ne se déplacent pas jusque-là."
        return f"Rien à moins de {need.radius_km}\u00a0km. L’offre la plus proche est à {nearest}\u00a0km."
    return f"{formats.plural(removed[obstacle], 'offre écartée', 'offres écartées')}\u00a0: {OBSTACLES[obstacle]}."


def first_obstacle(run: MatchingRun, need_ids: Sequence[str]) -> str:
    """The obstacle that comes back most often among these needs, in few words."""
    found = Counter(obstacle_of(run.unserved[need_id]) for need_id in need_ids)
    return found.most_common(1)[0][0] if found else ""


def obstacle_of(told: dict[str, Any]) -> str:
    words = {
        "outbid": "offre mieux placée ailleurs",
        "no_offer": "aucune offre",
        "all_refused": "structures déjà sollicitées",
        "other_subject": "offres d’un autre sujet",
    }
    if told["reason"] in words:
        return words[told["reason"]]
    removed = told["removed"]
    return OBSTACLES[max(removed, key=lambda name: removed[name])]


def side_line(declaration: Need | Offer, *, revealed: bool) -> str:
    """Who it is and where, or where alone while a succession is in confidence."""
    if declaration.is_confidential and not revealed:
        return f"{declaration.territory.name}. Les noms sont montrés si vous dites oui tous les deux."
    organisation = declaration.organisation
    return f"{organisation.name}, {labels.kind_of(organisation)}, {declaration.commune.name}"
