"""Responsible purchasing in plain words: the legal line of each frame, what is told of a supplier, and every refusal."""

from dataclasses import dataclass

from matchmaker.models import Commune, Frame, InclusionKind, Offer, Organisation, Sector
from matchmaker.models.organisations import ESS_FAMILIES
from matchmaker.services.purchasing import KINDS, Supplier
from matchmaker.web import formats, labels
from matchmaker.web.formats import NBSP
from matchmaker.web.place_words import of_place

UNSAID = "non dit"


@dataclass(frozen=True)
class Law:
    """A frame for who buys: what it is, whom it is for, and the articles of the public procurement code."""

    title: str
    who: str
    what: str
    articles: str


LAWS: dict[Frame, Law] = {
    Frame.OPEN: Law(
        "Sans condition de statut",
        "toutes les structures de l’ESS, de l’insertion et du handicap",
        "Un acheteur public peut se renseigner avant de passer un marché, s’il donne la même information à tous et n’avantage personne.",
        "article R2111-1",
    ),
    Frame.CLAUSE: Law(
        "Clause sociale d’insertion",
        "EI, ACI, AI, ETTI, GEIQ, EA et ESAT, seules ou avec qui remporte le marché",
        "Une condition d’exécution\u00a0: une part des heures va à des personnes éloignées de l’emploi. Un facilitateur aide à l’écrire.",
        "article L2112-2",
    ),
    Frame.RESERVED_DISABILITY: Law(
        "Marché réservé, handicap",
        "entreprises adaptées (EA) et ESAT",
        f"Le marché, ou un lot, leur est réservé. Au moins 50{NBSP}% des personnes employées sont en situation de handicap.",
        "articles L2113-12 et R2113-7",
    ),
    Frame.RESERVED_INSERTION: Law(
        "Marché réservé, insertion",
        "EI, ACI, AI et ETTI",
        f"Le marché, ou un lot, leur est réservé. Au moins 50{NBSP}% des personnes employées sont défavorisées.",
        "articles L2113-13 et R2113-7",
    ),
    Frame.RESERVED_BOTH: Law(
        "Marché réservé, handicap et insertion",
        "EA, ESAT, EI, ACI, AI et ETTI",
        "Depuis la loi ASAP, un même marché peut être réservé aux deux à la fois.",
        "articles L2113-12, L2113-13 et R2113-7",
    ),
    Frame.RESERVED_ESS: Law(
        "Marché réservé, économie sociale et solidaire",
        "associations, coopératives, mutuelles, fondations et sociétés de l’ESS",
        "Pour des services de santé, sociaux ou culturels seulement.",
        "article L2113-15",
    ),
}
PRISON = Law(
    "Marché réservé, travail en prison",
    "établissements pénitentiaires",
    "La Croisée n’en inscrit pas\u00a0: adressez-vous à l’administration pénitentiaire.",
    "article L2113-13-1",
)
PROMOTION = "Les grands acheteurs publics adoptent un schéma de promotion des achats socialement et écologiquement responsables (article L2111-3)."
# How an answer together binds its members.
LIABILITIES = {
    "conjoint": "Chacun s’engage sur sa part seulement. Si l’un ne peut plus, les autres ne paient pas pour lui.",
    "solidaire": "Chacun s’engage pour le tout. Si l’un ne peut plus, les autres terminent ou paient à sa place.",
}
CLOSED = {
    "need": "L’acheteur a mis son besoin en pause, l’a fermé, ou il a expiré.",
    "stopped": "L’acheteur a arrêté sa recherche.",
    "late": "La date limite est passée.",
}
REFUSALS = {
    **CLOSED,
    "own": "C’est la recherche de votre structure\u00a0: on ne répond pas à soi-même.",
    "member": "Cette structure est déjà dans le groupe.",
    "declined": "Cette structure a dit non. Elle seule peut revenir sur son choix, depuis «\u00a0Mes réponses\u00a0».",
    "handed_in": "La réponse est déjà remise. Reprenez-la d’abord pour la changer.",
    "composed": "La réponse est déjà en préparation.",
    "withdrawn": "Cette réponse est retirée\u00a0: plus rien ne s’y change.",
    "lead": "Vous menez cette réponse\u00a0: retirez-la tout entière, ou passez d’abord la main.",
    "leads another": "Cette structure mène déjà une autre réponse à la même recherche.",
    "invited": "Cette structure n’a pas encore dit oui.",
    "removed": "Cette structure n’est plus dans le groupe.",
}
NOT_READY = {
    "summary": "Écrivez d’abord ce que vous proposez.",
    "contact": "Écrivez d’abord qui l’acheteur peut appeler.",
    "waiting": "Tout le monde n’a pas encore dit oui.",
    "parts": "Dites la part de chaque structure\u00a0: ce qu’elle fait, et combien pour cent.",
    "shares": f"Les parts doivent faire 100{NBSP}% ensemble.",
}


def nearest_to(commune: Commune) -> str:
    """The order of the list near a commune."""
    return f"De la plus proche {of_place(commune.label)} à la plus lointaine"


def refusal(why: str) -> str:
    return f"Rien n’a été changé. {REFUSALS.get(why, 'Quelque chose a changé entre-temps.')}"


def frames_of(organisation: Organisation) -> list[Frame]:
    """The frames under which this structure may be turned to, as far as it declares itself."""
    kind: InclusionKind | None = organisation.inclusion_kind
    fitting = [frame for frame, kinds in KINDS.items() if kinds is not None and kind in kinds]
    return fitting + ([Frame.RESERVED_ESS] if organisation.family in ESS_FAMILIES else [])


def frames_words(organisation: Organisation) -> str:
    return "\u00a0; ".join(labels.label(frame) for frame in frames_of(organisation)) or "aucun d’après ce qu’elle déclare"


def sector_words(offer: Offer) -> str:
    code = offer.details.get("sector")
    return labels.label(Sector(code)) if code in set(Sector) else UNSAID


def place_words(offer: Offer) -> str:
    """Where an offer is served."""
    areas = f", et {formats.enumeration([area.name for area in offer.areas])}" if offer.areas else ""
    return f"{offer.commune.label}, jusqu’à {offer.radius_km}{NBSP}km{areas}"


def offer_facts(offer: Offer) -> list[tuple[str, str]]:
    """The same lines for every offer, in the same order; what was not said is told as such."""
    return [
        ("Secteur", sector_words(offer)),
        ("Volume", labels.volume(offer.volume, offer.volume_unit) or UNSAID),
        ("À la fois", formats.plural(offer.capacity, "acheteur", "acheteurs")),
        ("Délai", str(offer.details.get("lead_time") or UNSAID)),
        ("Où", place_words(offer)),
        ("Garanti", ", ".join(labels.flag(code) for code in offer.flags) or UNSAID),
    ]


def structure_facts(supplier: Supplier) -> list[tuple[str, str]]:
    """The same lines for every supplier, in the same order."""
    one = supplier.organisation
    label = labels.label(one.ess_label) if one.is_ess or one.ess_label != "declared" else "ne déclare pas l’ESS"
    return [
        ("Label", label),
        ("Taille", labels.label(one.headcount) or UNSAID),
        ("Cadres possibles", frames_words(one)),
    ]
