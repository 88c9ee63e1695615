"""How each category is asked about: its five questions, examples, and what it is not."""

from dataclasses import dataclass

from matchmaker.models import Category, Flag, Unit
from matchmaker.web.declaration_fields import (
    DeclarationForm,
    JobForm,
    MaterialForm,
    PooledJobForm,
    PremisesForm,
    PurchaseForm,
    SponsorshipForm,
    SuccessionForm,
    TrainingForm,
)


@dataclass(frozen=True)
class Question:
    """One of the five questions of a form: its words, the fields that answer it, and those of them that are rarely needed."""

    words: str
    fields: tuple[str, ...]
    rare: tuple[str, ...] = ()


# Each field of every category answers exactly one of them. What differs by category is which fields there are.
NEED_QUESTIONS = (
    Question("Que cherchez-vous ?", ("title", "kind", "sector", "occupation", "occupation_code", "use", "contract", "condition", "description", "skills")),
    Question("Combien, et à quel prix ?", ("volume", "volume_unit", "format", "budget_min", "budget_max", "handover_months", "idcc", "vat"), ("capacity",)),
    Question(
        "Quand ?",
        ("rhythm", "starts_on", "halfdays", "months", "hours", "horizon_months", "lead_time", "lease"),
        ("ends_on",),
    ),
    Question("Où, et jusqu’où ?", ("commune", "radius_km", "remote_share", "pickup"), ("areas",)),
    Question("Qu’est-ce qui compte vraiment ?", ("flags", "is_confidential"), ("denied_flags", "themes")),
)
OFFER_WORDS = (
    "Que proposez-vous ?",
    "Combien, et à quel prix ?",
    "Quand ?",
    "Où, et jusqu’où ?",
    "Que pouvez-vous garantir ?",
)
OFFER_QUESTIONS = tuple(Question(words, one.fields, one.rare) for words, one in zip(OFFER_WORDS, NEED_QUESTIONS, strict=True))


def questions(form: DeclarationForm, *, is_need: bool) -> list[Question]:
    """The five questions with the fields that this form has."""
    asked = NEED_QUESTIONS if is_need else OFFER_QUESTIONS
    return [Question(one.words, tuple(name for name in one.fields if name in form), tuple(name for name in one.rare if name in form)) for one in asked]


@dataclass(frozen=True)
class Guide:
    """How a category is asked about: its form, its own fields, the unit of its volume, the flags that make sense, and words of help."""

    form: type[DeclarationForm]
    details: tuple[str, ...]
    unit: Unit
    flags: tuple[Flag, ...]
    example_need: str
    example_offer: str
    example_words: str
    is_not: str


GUIDES: dict[Category, Guide] = {
    Category.JOB: Guide(
        JobForm,
        ("contract", "hours"),
        Unit.FTE,
        (Flag.DRIVING_LICENCE, Flag.PUBLIC_TRANSPORT, Flag.WHEELCHAIR, Flag.CERTIFICATE),
        "Trois postes d’agents de tri, horaires décalés",
        "Un parcours passerelle vers nos entrepôts, six places",
        "tri, conduite d’engins, lecture de plans",
        "Ni un site d’annonces ni une collecte de CV\u00a0: deux structures se parlent d’un parcours ou d’un poste.",
    ),
    Category.POOLED_JOB: Guide(
        PooledJobForm,
        ("kind", "occupation", "months", "idcc", "vat"),
        Unit.FTE,
        (Flag.DRIVING_LICENCE, Flag.CERTIFICATE, Flag.VAT),
        "Comptable associatif, deux jours par semaine",
        "Notre groupement d’employeurs cherche des adhérents",
        "paie, comptabilité, tableur",
        "Ni de l’intérim ni une prestation\u00a0: plusieurs employeurs partagent un même contrat.",
    ),
    Category.PURCHASE: Guide(
        PurchaseForm,
        ("sector", "rhythm", "lead_time"),
        Unit.PEOPLE,
        (Flag.RESERVED_MARKET, Flag.CERTIFICATE, Flag.DELIVERY, Flag.WHEELCHAIR),
        "Entretien de 4 hectares d’espaces verts sans pesticides",
        "Buffets de saison, vaisselle réutilisable",
        "tonte, taille, zéro pesticide",
        "Ni un appel d’offres, ni une commande\u00a0: une prise de contact. Vous restez libre jusqu’au bout.",
    ),
    Category.PREMISES: Guide(
        PremisesForm,
        ("use", "lease"),
        Unit.SQUARE_METRES,
        (Flag.WHEELCHAIR, Flag.VEHICLE_ACCESS, Flag.PUBLIC_TRANSPORT, Flag.CONFIDENTIALITY),
        "Local de stockage de 80 m² de plain-pied",
        "Trois bureaux et une salle, à la demi-journée",
        "rez-de-chaussée, quai, chauffage",
        "Ni un bail ni une agence\u00a0: deux structures voient si un lieu peut se partager.",
    ),
    Category.SKILLS_SPONSORSHIP: Guide(
        SponsorshipForm,
        ("format", "rhythm"),
        Unit.DAYS,
        (Flag.GENERAL_INTEREST, Flag.CONFIDENTIALITY),
        "Refonte de notre site et de son accessibilité, 15 jours",
        "Deux développeuses, un jour par mois chacune",
        "site web, accessibilité, rédaction",
        "Ni du bénévolat le soir ni de la sous-traitance\u00a0: du temps de travail offert à une cause d’intérêt général.",
    ),
    Category.PEER_TRAINING: Guide(
        TrainingForm,
        ("format",),
        Unit.PEOPLE,
        (Flag.WHEELCHAIR, Flag.PUBLIC_TRANSPORT),
        "Apprendre à répondre à un marché avec clause sociale",
        "Retour d’expérience\u00a0: nos trois premiers marchés réservés",
        "marchés publics, clause sociale",
        "Ni un organisme de formation ni un diplôme\u00a0: des pairs qui se montrent ce qu’ils savent faire.",
    ),
    Category.SUCCESSION: Guide(
        SuccessionForm,
        ("kind", "horizon_months", "handover_months"),
        Unit.PEOPLE,
        (Flag.CONFIDENTIALITY, Flag.CERTIFICATE),
        "Départ en retraite de la directrice dans 14 mois",
        "Cadre de PME souhaitant diriger une structure de l’ESS",
        "direction, insertion, gestion",
        "Ni une annonce publique ni une mise en vente\u00a0: votre nom n’est montré qu’à qui vous dit oui, quand vous avez dit oui.",
    ),
    Category.MATERIAL: Guide(
        MaterialForm,
        ("condition", "pickup"),
        Unit.ITEMS,
        (Flag.DELIVERY, Flag.CERTIFICATE, Flag.VEHICLE_ACCESS),
        "Vingt chaises et six tables pour une salle commune",
        "Vingt ordinateurs de bureau, révisés",
        "mobilier, informatique, palettes",
        "Ni une brocante ni un dépôt\u00a0: du matériel qui change de mains entre structures.",
    ),
}
