"""The indicators in words: what each is called, how it is counted, over what; and its figures as people read them."""

from dataclasses import dataclass
from decimal import Decimal

from matchmaker.models import Category, EuroBand
from matchmaker.services.indicators import BY_KEY, Kind
from matchmaker.services.observatory_snapshots import Cell
from matchmaker.web import formats, labels
from matchmaker.web.formats import NBSP

HIDDEN = "non publié"
NOTHING = "—"


@dataclass(frozen=True)
class Words:
    """``counted``: what the figure counts; ``among``: what its denominator counts; ``unit`` follows a measure."""

    title: str
    counted: str
    among: str = ""
    unit: str = ""
    decimals: int = 0


WORDS = {
    "needs": Words("Besoins publiés", "Besoins publiés pendant la période, brouillons et transmissions confidentielles exclus."),
    "offers": Words("Offres publiées", "Offres publiées pendant la période, brouillons et transmissions confidentielles exclus."),
    "served": Words(
        "Besoins servis sous 10\u00a0jours",
        "Besoins de la période qui ont donné lieu à une proposition dans les 10\u00a0jours.",
        "besoins publiés, dont les 10\u00a0jours sont passés ou qui sont déjà servis",
    ),
    "answered": Words(
        "Taux de réponse",
        "Propositions de la période qui ont reçu un oui ou un non.",
        "propositions envoyées (une par structure, là où est le besoin)",
    ),
    "answer_days": Words("Délai médian de réponse", "La moitié des réponses est arrivée plus vite, en jours ouvrés.", "propositions répondues", "j", 1),
    "answered_in_3": Words("Répondues sous 3\u00a0jours", "Propositions répondues en 3\u00a0jours ouvrés au plus.", "propositions envoyées"),
    "answered_in_5": Words("Répondues sous 5\u00a0jours", "Propositions répondues en 5\u00a0jours ouvrés au plus.", "propositions envoyées"),
    "mutual": Words("Oui des deux côtés", "Paires où les deux structures ont dit oui.", "paires proposées à leurs deux côtés pendant la période"),
    "planned": Words("Entretiens programmés", "Entretiens qui avaient un tour et une table, au job dating de la période."),
    "held": Words("Entretiens tenus", "Entretiens où personne n’a été noté absent. Objectif\u00a0: 80\u00a0%.", "entretiens programmés"),
    "no_show_needs": Words("Absences non excusées, côté besoin", "Structures notées absentes sans excuse à l’accueil.", "structures attendues pour un besoin"),
    "no_show_offers": Words("Absences non excusées, côté offre", "Structures notées absentes sans excuse à l’accueil.", "structures attendues pour une offre"),
    "meetings_least": Words("Entretiens par participant, minimum", "Le plus petit nombre d’entretiens d’une structure attendue.", "structures attendues"),
    "meetings_middle": Words("Entretiens par participant, médiane", "La moitié des structures attendues en a davantage.", "structures attendues", "", 1),
    "meetings_gini": Words(
        "Entretiens par participant, Gini", "0\u00a0: chacune en a autant\u00a0; près de 1\u00a0: une seule a tout.", "structures attendues", "", 2
    ),
    "newcomers": Words("Participants nouveaux", "Structures attendues à un job dating pour la première fois.", "structures attendues"),
    "followed": Words(
        "Suites données à 30\u00a0jours",
        "Mises en relation où un côté au moins dit s’être vu, s’être mis d’accord ou avoir signé.",
        "mises en relation dont un côté a répondu à la question des 30\u00a0jours",
    ),
    "cooperations": Words(
        "Coopérations conclues",
        "Accords ou signatures dits pendant la période par un côté, sans que l’autre dise le contraire (questions à 30, 90 et 180\u00a0jours).",
    ),
    "shared_fte": Words("Emplois partagés signés", "Équivalents temps plein des contrats signés entre plusieurs employeurs.", "emplois partagés", "ETP", 2),
    "sponsorship_days": Words(
        "Jours de mécénat de compétences",
        "Au moins ce nombre de jours\u00a0: chaque réponse compte pour le bas de sa tranche.",
        "coopérations qui le disent",
        "j",
    ),
    "purchase_euros": Words(
        "Achats responsables",
        "Au moins ce montant\u00a0: chaque réponse compte pour le bas de sa tranche.",
        "coopérations d’achat qui le disent",
        "€",
    ),
    "across": Words("Entre intercommunalités", "Oui des deux côtés entre deux intercommunalités différentes.", "oui des deux côtés de la période"),
    "ratio": Words("Besoins pour une offre", "Besoins publiés, divisés par les offres publiées.", "offres publiées", "", 2),
    "idle_epcis": Words(
        "Intercommunalités sans activité",
        "Intercommunalités où rien n’a été publié ni aucun job dating tenu depuis 12\u00a0mois.",
        "intercommunalités du territoire",
    ),
    "additional": Words(
        "Additionnalité",
        "Coopérations qui, à la question «\u00a0vous seriez-vous trouvés sans La Croisée\u00a0?\u00a0», répondent non.",
        "coopérations qui répondent",
    ),
    "useful_needs": Words("Entretiens utiles, côté besoin", "Avis qui disent l’entretien utile.", "avis donnés par les structures qui cherchaient"),
    "useful_offers": Words("Entretiens utiles, côté offre", "Avis qui disent l’entretien utile.", "avis donnés par les structures qui proposaient"),
    "fresh": Words("Fiches à jour", "Structures qui ont publié ou changé quelque chose depuis moins de 90\u00a0jours.", "structures inscrites"),
    "active_places": Words("Tiers-lieux actifs", "Lieux qui ont accueilli un job dating pendant la période."),
    "gatherings": Words("Job datings tenus", "Job datings publiés dont le jour est venu pendant la période."),
    "filled": Words("Remplissage des tables", "Entretiens placés.", "places (tables × tours du plan)"),
}


def figure(key: str, cell: Cell) -> str:
    """« 71 % », « 12,4 ETP », « 4 »; a dash where there was nothing to measure."""
    kind, words = BY_KEY[key].kind, WORDS[key]
    if kind is Kind.SHARE:
        return f"{formats.number(100 * cell.value / cell.denominator)}{NBSP}%" if cell.denominator else NOTHING
    if kind is Kind.RATIO:
        return formats.number(cell.value / cell.denominator, words.decimals) if cell.denominator else NOTHING
    if kind is Kind.MEASURE:
        return " ".join(filter(None, (formats.number(cell.value, words.decimals), words.unit))).replace(" ", NBSP) if cell.denominator else NOTHING
    return formats.number(cell.value)


def counted(key: str, cell: Cell) -> str:
    """« 34 sur 48 propositions envoyées »: numerator and denominator in full."""
    kind, words = BY_KEY[key].kind, WORDS[key]
    if not cell.denominator and kind is not Kind.SUM:
        return f"Rien à mesurer\u00a0: aucun cas parmi les {words.among}."
    if kind is Kind.RATIO:
        return f"{formats.number(cell.value)} pour {formats.number(cell.denominator)} {words.among}"
    if kind is Kind.SHARE:
        return f"{formats.number(cell.value)} sur {formats.number(cell.denominator)} {words.among}"
    if kind is Kind.MEASURE:
        return f"sur {formats.number(cell.denominator)} {words.among}"
    return f"{formats.number(cell.value)} en tout"


def briefly(key: str, cell: Cell) -> str:
    """« 34 sur 48 »: numerator and denominator where a heading says what they count."""
    kind = BY_KEY[key].kind
    if kind is Kind.SUM:
        return ""
    if not cell.denominator:
        return "rien à mesurer"
    among = formats.number(cell.denominator)
    return {
        Kind.SHARE: f"{formats.number(cell.value)} sur {among}",
        Kind.RATIO: f"{formats.number(cell.value)} pour {among}",
        Kind.MEASURE: f"sur {among}",
    }[kind]


def plain(key: str, cell: Cell) -> Decimal | None:
    """The figure as a number, for files and curves."""
    if BY_KEY[key].kind is Kind.SHARE:
        return round(100 * cell.value / cell.denominator, 2) if cell.denominator else None
    if BY_KEY[key].kind is Kind.RATIO:
        return round(cell.value / cell.denominator, 4) if cell.denominator else None
    if BY_KEY[key].kind is Kind.MEASURE and not cell.denominator:
        return None
    return cell.value


def part_label(part: str) -> str:
    """A category or a band of money in words."""
    return labels.label(EuroBand(part)) if part in {band.value for band in EuroBand} else labels.label(Category(part))
