"""The French words of the interface for every code of the models, and the filters of the pages."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask import Flask
from jinja2 import StrictUndefined

from matchmaker.models import (
    Answer,
    AnswerState,
    Category,
    ClusterAnswer,
    DaysBand,
    DeclineReason,
    DoneReason,
    Eligibility,
    Equipment,
    EssLabel,
    EuroBand,
    Family,
    Flag,
    FoundAnyway,
    Frame,
    FteBand,
    Headcount,
    InclusionKind,
    JobDatingStatus,
    Level,
    Liability,
    MailStatus,
    MatchStatus,
    Matter,
    MemberState,
    Obstacle,
    ParticipantState,
    ProposalStatus,
    ReportReason,
    Result,
    Rhythm,
    Role,
    RunStatus,
    Seated,
    Sector,
    Standing,
    Status,
    Theme,
    Topic,
    Trait,
    Unit,
)
from matchmaker.web import formats

WORDS: dict[type[StrEnum], dict[Any, str]] = {
    Category: {
        Category.JOB: "Emploi",
        Category.POOLED_JOB: "Emploi mutualisé",
        Category.PURCHASE: "Achat responsable",
        Category.PREMISES: "Locaux",
        Category.SKILLS_SPONSORSHIP: "Mécénat de compétences",
        Category.PEER_TRAINING: "Formation entre pairs",
        Category.SUCCESSION: "Transmission",
        Category.MATERIAL: "Matériel et réemploi",
    },
    Status: {
        Status.DRAFT: "brouillon",
        Status.PUBLISHED: "publiée",
        Status.PAUSED: "en pause",
        Status.CLOSED: "fermée",
        Status.EXPIRED: "expirée",
    },
    Unit: {Unit.FTE: "ETP", Unit.DAYS: "jours", Unit.SQUARE_METRES: "m²", Unit.PEOPLE: "personnes", Unit.ITEMS: "unités"},
    Flag: {
        Flag.WHEELCHAIR: "Accessible en fauteuil roulant",
        Flag.DRIVING_LICENCE: "Permis B",
        Flag.PUBLIC_TRANSPORT: "Accessible en transport en commun",
        Flag.VAT: "Assujetti à la TVA",
        Flag.RESERVED_MARKET: "Structure d’insertion ou du handicap (SIAE, EA, ESAT)",
        Flag.CERTIFICATE: "Certificat ou habilitation",
        Flag.GENERAL_INTEREST: "Intérêt général",
        Flag.VEHICLE_ACCESS: "Accès fourgon, de plain-pied",
        Flag.DELIVERY: "Livraison ou enlèvement sur place",
        Flag.CONFIDENTIALITY: "Confidentialité",
    },
    Family: {
        Family.ASSOCIATION: "association",
        Family.COOPERATIVE: "coopérative",
        Family.MUTUAL: "mutuelle",
        Family.FOUNDATION: "fondation",
        Family.ESS_COMPANY: "société commerciale de l’ESS",
        Family.COMPANY: "entreprise",
        Family.PUBLIC: "organisme public",
        Family.COLLECTIVE: "collectif en émergence",
    },
    InclusionKind: {
        InclusionKind.EI: "entreprise d’insertion",
        InclusionKind.ACI: "chantier d’insertion",
        InclusionKind.AI: "association intermédiaire",
        InclusionKind.ETTI: "intérim d’insertion",
        InclusionKind.EITI: "insertion par le travail indépendant",
        InclusionKind.EA: "entreprise adaptée",
        InclusionKind.ESAT: "ESAT",
        InclusionKind.GEIQ: "GEIQ",
        InclusionKind.GE: "groupement d’employeurs",
    },
    EssLabel: {EssLabel.DECLARED: "ESS déclarée", EssLabel.LISTED: "ESS, d’après une liste publique", EssLabel.VERIFIED: "ESS vérifiée par l’animation"},
    Eligibility: {
        Eligibility.UNKNOWN: "je ne sais pas",
        Eligibility.DECLARED: "oui, nous sommes d’intérêt général",
        Eligibility.RULING: "oui, et nous avons un rescrit fiscal",
        Eligibility.NO: "non",
    },
    Headcount: {
        Headcount.NONE: "aucun salarié",
        Headcount.VERY_SMALL: "1 à 9 salariés",
        Headcount.SMALL: "10 à 49 salariés",
        Headcount.MEDIUM: "50 à 249 salariés",
        Headcount.LARGE: "250 salariés et plus",
    },
    Seated: {
        Seated.NOBODY: "Personne\u00a0: tout le monde change de table",
        Seated.COMPANIES: "Les entreprises",
        Seated.OTHERS: "Les structures de l’ESS",
    },
    ParticipantState: {
        ParticipantState.REQUESTED: "demande à venir",
        ParticipantState.INVITED: "invitée",
        ParticipantState.CONFIRMED: "vient",
        ParticipantState.WAITING: "en liste d’attente",
        ParticipantState.DECLINED: "ne vient pas",
    },
    Level: {Level.REGION: "région", Level.DEPARTEMENT: "département", Level.EPCI: "intercommunalité"},
    Theme: {
        Theme.EMPLOYMENT: "emploi et insertion",
        Theme.BUSINESS_PREMISES: "immobilier d’entreprise",
        Theme.WATER: "eau",
        Theme.MOBILITY: "mobilité",
        Theme.HOUSING: "habitat",
        Theme.FOOD: "agriculture et alimentation",
        Theme.TOURISM: "attractivité et tourisme",
        Theme.SOCIAL_LINK: "lien social",
        Theme.SUPPORT: "accompagnement des structures",
        Theme.CSR: "lien entre entreprises et ESS",
        Theme.SOCIAL_CLAUSES: "clauses sociales",
        Theme.COOPERATION: "coopération entre acteurs",
        Theme.PUBLIC_AWARENESS: "acteurs publics",
        Theme.FUNDING: "aides et financement",
        Theme.FLAX_WOOD: "lin et bois",
        Theme.CIRCULAR: "économie circulaire",
        Theme.URBAN_FARMING: "agriculture urbaine",
    },
    DeclineReason: {
        DeclineReason.FOUND: "Déjà trouvé",
        DeclineReason.TOO_FAR: "Trop loin",
        DeclineReason.WRONG_DATES: "Pas à ces dates",
        DeclineReason.WRONG_VOLUME: "Pas le bon volume",
        DeclineReason.TOO_EXPENSIVE: "Hors budget",
        DeclineReason.WRONG_FIT: "Ce n’est pas ce que je cherche",
        DeclineReason.NO_TIME: "Pas le temps en ce moment",
        DeclineReason.OTHER: "Autre",
    },
    ProposalStatus: {
        ProposalStatus.PENDING: "attend votre réponse",
        ProposalStatus.ACCEPTED: "vous avez dit oui",
        ProposalStatus.DECLINED: "vous avez dit non",
        ProposalStatus.EXPIRED: "sans réponse à temps",
        ProposalStatus.WITHDRAWN: "retirée",
    },
    MatchStatus: {
        MatchStatus.PREVIEW: "pas encore envoyée",
        MatchStatus.PROPOSED: "proposée",
        MatchStatus.CONFIRMED: "oui des deux côtés",
        MatchStatus.ENDED: "terminée",
    },
    RunStatus: {
        RunStatus.QUEUED: "en attente",
        RunStatus.RUNNING: "en cours",
        RunStatus.READY: "à relire",
        RunStatus.PUBLISHED: "envoyé",
        RunStatus.SUPERSEDED: "remplacé",
        RunStatus.FAILED: "échoué",
    },
    JobDatingStatus: {JobDatingStatus.DRAFT: "en préparation", JobDatingStatus.PUBLISHED: "publié", JobDatingStatus.CANCELLED: "annulé"},
    Answer: {Answer.ACCEPTED: "vient", Answer.DECLINED: "ne vient pas", Answer.TENTATIVE: "peut-être"},
    MailStatus: {
        MailStatus.QUEUED: "en attente",
        MailStatus.SENDING: "en cours d’envoi",
        MailStatus.SENT: "envoyé",
        MailStatus.FAILED: "échoué",
        MailStatus.SUPERSEDED: "remplacé",
        MailStatus.CANCELLED: "annulé",
        MailStatus.BOUNCED: "retourné",
    },
    Topic: {
        Topic.INVITATIONS: "invitations aux job datings",
        Topic.PROPOSALS: "propositions et leurs rappels",
        Topic.DIGEST: "nouvelles de la semaine, le lundi",
        Topic.SEARCHES: "nouveautés des recherches que vous gardez",
        Topic.CAMPAIGNS: "messages à toutes les structures",
    },
    Matter: {
        Matter.CALLED_FOR: "Coup de main demandé",
        Matter.UNREACHABLE: "Injoignable par courriel",
        Matter.CONTRADICTORY: "Suites contradictoires",
        Matter.REFUSED: "Refusé deux fois",
        Matter.SILENT: "Sans oui",
        Matter.UNSERVED: "Sans offre",
        Matter.REPORTED: "Fiche signalée",
        Matter.TO_REVIEW: "À relire",
    },
    DoneReason: {
        DoneReason.CALLED: "Appelé, tout est dit",
        DoneReason.CORRECTED: "Corrigé",
        DoneReason.ELSEWHERE: "Réglé autrement",
        DoneReason.NO_LONGER: "Plus d’actualité",
        DoneReason.OTHER: "Autre",
    },
    Obstacle: {
        Obstacle.NO_ADDRESS: "pas d’adresse",
        Obstacle.BAD_ADDRESS: "adresse mal écrite",
        Obstacle.BLOCKED: "adresse qui ne marche plus",
        Obstacle.OBJECTED: "ne veut plus de ces courriels",
        Obstacle.PAUSED: "en pause",
        Obstacle.BUDGET: "assez sollicitée ce mois-ci",
    },
    Result: {Result.NOTHING: "rien pour le moment", Result.MET: "nous nous sommes rencontrés", Result.AGREED: "c’est convenu", Result.SIGNED: "c’est signé"},
    FteBand: {
        FteBand.UP_TO_HALF: "jusqu’à un mi-temps",
        FteBand.UP_TO_ONE: "d’un mi-temps à un temps plein",
        FteBand.UP_TO_THREE: "de 1 à 3 temps pleins",
        FteBand.MORE: "plus de 3 temps pleins",
    },
    DaysBand: {
        DaysBand.UP_TO_FIVE: "1 à 5 jours",
        DaysBand.UP_TO_TWENTY: "6 à 20 jours",
        DaysBand.UP_TO_SIXTY: "21 à 60 jours",
        DaysBand.MORE: "plus de 60 jours",
    },
    EuroBand: {
        EuroBand.UP_TO_1K: "moins de 1\u00a0000\u00a0€",
        EuroBand.UP_TO_5K: "1\u00a0000 à 5\u00a0000\u00a0€",
        EuroBand.UP_TO_20K: "5\u00a0000 à 20\u00a0000\u00a0€",
        EuroBand.UP_TO_100K: "20\u00a0000 à 100\u00a0000\u00a0€",
        EuroBand.MORE: "plus de 100\u00a0000\u00a0€",
    },
    ClusterAnswer: {ClusterAnswer.INTERESTED: "intéressée", ClusterAnswer.NOT_NOW: "pas maintenant"},
    FoundAnyway: {FoundAnyway.YES: "oui", FoundAnyway.MAYBE: "peut-être, plus tard", FoundAnyway.NO: "non"},
    Equipment: {
        Equipment.WIFI: "wifi",
        Equipment.PROJECTOR: "vidéoprojecteur ou grand écran",
        Equipment.SOUND: "micro et haut-parleurs",
        Equipment.HEARING_LOOP: "boucle magnétique",
        Equipment.POWER: "prises près des tables",
        Equipment.PRINTER: "imprimante",
        Equipment.COFFEE: "café et eau",
        Equipment.CLOAKROOM: "vestiaire",
        Equipment.QUIET_ROOM: "coin calme",
        Equipment.ADAPTED_TOILETS: "toilettes adaptées",
        Equipment.CAR_PARK: "parking",
        Equipment.BIKE_PARK: "stationnement vélo",
    },
    Standing: {Standing.READER: "lecture", Standing.EDITOR: "écriture", Standing.ADMINISTRATOR: "administration"},
    Sector: {
        Sector.FOOD: "agroalimentaire",
        Sector.FURNITURE: "ameublement, décoration, textile et artisanat",
        Sector.OFFICE: "assistance administrative",
        Sector.BUILDING: "bâtiment et travaux publics",
        Sector.WASTE: "collecte et traitement des déchets",
        Sector.COMMUNICATION: "communication",
        Sector.CULTURE: "culture, loisirs et tourisme",
        Sector.TRANSPORT: "déménagements, livraisons et transports",
        Sector.LAUNDRY: "entretien du linge",
        Sector.GREEN: "espaces verts et extérieurs",
        Sector.CLEANING: "hygiène et propreté",
        Sector.HEALTH: "médico-social",
        Sector.COMPUTING: "prestations informatiques",
        Sector.CONSULTING: "prestations intellectuelles",
        Sector.RECYCLING: "recyclage, économie circulaire",
        Sector.REPAIR: "réparations et dépannages",
        Sector.CATERING: "restauration",
        Sector.SAFETY: "sécurité et prévention",
        Sector.PERSONAL: "services à la personne",
        Sector.INDUSTRY: "sous-traitance industrielle",
    },
    Frame: {
        Frame.OPEN: "sans condition de statut",
        Frame.CLAUSE: "clause sociale d’insertion",
        Frame.RESERVED_DISABILITY: "marché réservé, handicap (EA, ESAT)",
        Frame.RESERVED_INSERTION: "marché réservé, insertion (SIAE)",
        Frame.RESERVED_BOTH: "marché réservé, handicap et insertion",
        Frame.RESERVED_ESS: "marché réservé, ESS (santé, social, culture)",
    },
    Liability: {
        Liability.JOINT: "chacun répond de sa part (conjoint)",
        Liability.SEVERAL: "chacun répond du tout (solidaire)",
    },
    MemberState: {
        MemberState.INVITED: "n’a pas encore répondu",
        MemberState.ACCEPTED: "a dit oui",
        MemberState.DECLINED: "a dit non",
        MemberState.REMOVED: "n’y est plus",
    },
    AnswerState: {
        AnswerState.COMPOSED: "en préparation",
        AnswerState.HANDED_IN: "remise à l’acheteur",
        AnswerState.WITHDRAWN: "retirée",
    },
    Trait: {
        Trait.THIRD_PLACE: "tiers-lieu",
        Trait.CLAUSE: "insertion ou handicap, pour une clause sociale",
        Trait.ACCESSIBLE: "accessible en fauteuil roulant",
    },
    Rhythm: {Rhythm.DAILY: "chaque jour", Rhythm.WEEKLY: "chaque semaine"},
    ReportReason: {
        ReportReason.CLOSED: "Cette structure n’existe plus",
        ReportReason.MOVED: "Elle n’est plus dans cette commune",
        ReportReason.WRONG: "Ce qui est écrit est faux",
        ReportReason.TWICE: "Elle est deux fois dans l’annuaire",
        ReportReason.IMPROPER: "Cela n’a rien à faire ici",
        ReportReason.OTHER: "Autre chose",
    },
    Role: {Role.MEMBER: "membre", Role.HOST: "hôte", Role.ANIMATOR: "animation", Role.ADMIN: "administration"},
}


def label(value: StrEnum | None) -> str:
    """The words for a code of the models; nothing for nothing."""
    return WORDS[type(value)][value] if value is not None else ""


def theme(code: str) -> str:
    return label(Theme(code))


def equipment(code: str) -> str:
    return label(Equipment(code))


def flag(code: str) -> str:
    return label(Flag(code))


def choices(enum: type[StrEnum], *, empty: str | None = None) -> dict[str, str]:
    """Value and words of each member, for a form's list; ``empty`` stands first for none of them."""
    first = {} if empty is None else {"": empty}
    return first | {member.value: words[:1].upper() + words[1:] for member, words in WORDS[enum].items()}


def volume(value: Decimal | None, unit: Unit | None) -> str:
    """« 0,4 ETP », « 120 m² »."""
    if value is None or unit is None:
        return ""
    digits = format(value.normalize(), "f").replace(".", ",")
    word = label(unit)
    return f"{digits}{formats.NBSP}{word if value >= 2 else word.removesuffix('s')}"


def kind_of(organisation: Any) -> str:
    """« chantier d’insertion », else its legal family."""
    return label(organisation.inclusion_kind or organisation.family)


WRITERS = ("number", "points", "long_date", "short_date", "hour", "day_and_hour", "plural", "halfdays", "enumeration", "numeral")
FILTERS = (label, theme, equipment, flag, volume, kind_of, *(getattr(formats, name) for name in WRITERS))


def init_app(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for function in FILTERS:
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["Category"] = Category
