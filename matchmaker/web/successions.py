"""A succession in confidence as others read it before both said yes: kind, trade, size, area, horizon; never a title, a word of its own or a name."""

from flask import Flask

from matchmaker.models import Need, Offer
from matchmaker.web import labels

# As the form of the category asks for it.
KINDS = {"salaried": "direction salariée", "voluntary": "présidence ou trésorerie bénévole", "takeover": "reprise en SCOP ou en SCIC"}
A_YEAR = 12


def told_title(declaration: Need | Offer, revealed: bool = False) -> str:
    """Its title, or what stands for it while it is in confidence: people write in a title who they are."""
    if not declaration.is_confidential or revealed:
        return declaration.title
    kind = KINDS.get(declaration.details.get("kind") or "", "")
    wanted = "Transmission en confiance" if declaration.is_need else "Reprise en confiance"
    return f"{wanted}\u00a0: {kind}" if kind else wanted


def anonymous_card(declaration: Need | Offer) -> list[tuple[str, str]]:
    """What others may know of it, as (label, words); what was not said is absent."""
    organisation = declaration.organisation
    lines = [
        ("Ce que c’est", KINDS.get(declaration.details.get("kind") or "", "")),
        ("Famille", labels.kind_of(organisation)),
        ("Taille", labels.label(organisation.headcount)),
        ("Territoire", declaration.territory.name),
        ("Horizon", horizon(declaration.details.get("horizon_months"))),
    ]
    return [(label, words) for label, words in lines if words]


def horizon(months: object) -> str:
    """« dans moins d’un an »: a band, because a month may be known around."""
    if not isinstance(months, int | float):
        return ""
    if months <= A_YEAR / 2:
        return "dans les six mois"
    return "dans l’année" if months <= A_YEAR else "dans un à deux ans" if months <= 2 * A_YEAR else "dans plus de deux ans"


def init_app(app: Flask) -> None:
    for function in (told_title, anonymous_card):
        app.jinja_env.filters[function.__name__] = function
