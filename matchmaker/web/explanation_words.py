"""The sentences that explain a run: what a pair lacked, what keeps two declarations apart, what would serve a need."""

from typing import Any

from matchmaker.engine.changes import Kind
from matchmaker.models import Category, Flag, Need, Offer
from matchmaker.services.matching_changes import ShownChange
from matchmaker.web import formats, labels
from matchmaker.web.reasons import OBSTACLES, kilometres, side_line, why_unserved
from matchmaker.web.successions import told_title

POINT = 10_000
APART = OBSTACLES | {
    "category": "ce n’est pas la même catégorie",
    "other_subject": "elles ne parlent pas de la même chose",
    "locked": "toutes les places sont réservées aux mises en relation que l’animation a fixées",
}


def points(millionths: int) -> str:
    """« 12 points » of one hundred, never more than there are; tenths below ten."""
    tenths = millionths * 10 // POINT
    decimals = 1 if tenths < 100 and tenths % 10 else 0
    return f"{formats.number(tenths / 10 if decimals else tenths // 10, decimals)}{formats.NBSP}{'points' if tenths >= 20 else 'point'}"


def lack(loss: int) -> str:
    """What a pair that was left out lacked: what the whole would lose by it."""
    if loss == 0:
        return "à égalité avec ce qui a été choisi"
    return f"il manquait {points(loss)}" if loss * 10 >= POINT else f"il manquait moins de 0,1{formats.NBSP}point"


def worth(price: int) -> str:
    """What one more place is worth."""
    return f"une place de plus vaudrait jusqu’à {points(price)}" if price >= POINT // 10 else "une place de plus n’apporterait rien"


def in_confidence(*sides: Need | Offer) -> bool:
    """Distances and points would tell where who publishes without a name is."""
    return any(side.is_confidential for side in sides)


def distance(need: Need, offer: Offer, km: float | None) -> str:
    if km is None or in_confidence(need, offer):
        return ""
    return f"à {kilometres(km)}"


def reason(told: dict[str, Any] | None, need: Need) -> str:
    """Why a run left a need without an offer, in a sentence or two; nothing when it did not."""
    if told is None:
        return ""
    # How far the nearest one is would tell where who publishes without a name is.
    return why_unserved(need, told | {"nearest_km": None} if need.category is Category.SUCCESSION else told)


def change(one: ShownChange) -> str:
    """A change as what one would do."""
    before, after = int(one.before), int(one.after)
    match one.kind:
        case Kind.RADIUS:
            return f"Chercher jusqu’à {after}{formats.NBSP}km au lieu de {before}{formats.NBSP}km"
        case Kind.HALFDAYS:
            return "Accepter aussi " + formats.enumeration([f"le {name}" for name in formats.halfdays(after & ~before)])
        case Kind.FLAGS:
            dropped = [labels.label(flag) for place, flag in enumerate(Flag) if (before & ~after) >> place & 1]
            return f"Ne plus exiger\u00a0: {formats.enumeration([words[:1].lower() + words[1:] for words in dropped])}"
        case Kind.DATES:
            days = formats.plural(abs(after), "jour plus tard", "jours plus tard") if after > 0 else formats.plural(-after, "jour plus tôt", "jours plus tôt")
            return f"Décaler les dates de {days}"
        case Kind.CAPACITY:
            taken = formats.plural(after, "partenaire", "partenaires")
            whose = one.place_at or one.offer
            return f"«\u00a0{told_title(whose)}\u00a0»\u00a0: accueillir {taken} au lieu de {before}"


def is_tellable(one: ShownChange, need: Need) -> bool:
    """A radius tells a distance: not that of somebody who publishes without a name."""
    return one.kind is not Kind.RADIUS or not in_confidence(need, one.offer)


def who(side: Need | Offer) -> str:
    return side_line(side, revealed=False)
