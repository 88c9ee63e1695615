"""The menu: seven entries at most, which differ by role, and the account last."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, request, url_for

from matchmaker.models import Organisation, Role, User
from matchmaker.services import pools, pools_welcomes, proposal_lists, purchasing_groups_reading
from matchmaker.web.access import is_signed_in, signed_in

PUBLIC = (
    ("pages.about", "Comment ça marche"),
    ("organisations.directory", "Annuaire"),
    ("purchasing.suppliers", "Achats"),
    ("job_datings.public_list", "Job datings"),
    ("territory_pages.all_territories", "Territoires"),
    ("observatory.public_page", "Observatoire"),
)
MENUS = {
    Role.MEMBER: (
        ("proposals.inbox", "Propositions"),
        ("pools.mine", "Emplois partagés"),
        ("declarations.mine", "Mes annonces"),
        ("purchasing.suppliers", "Achats"),
        ("job_datings.public_list", "Job datings"),
        ("organisations.directory", "Annuaire"),
        ("territory_pages.all_territories", "Territoires"),
    ),
    Role.HOST: (
        ("job_datings.mine", "Mes job datings"),
        ("venues.mine", "Mes lieux"),
        ("proposals.inbox", "Propositions"),
        ("pools.mine", "Emplois partagés"),
        ("declarations.mine", "Mes annonces"),
        ("organisations.directory", "Annuaire"),
    ),
    Role.ANIMATOR: (
        ("work_queue.show", "À faire"),
        ("matching.runs", "Calculs"),
        ("job_datings.mine", "Job datings"),
        ("venues.mine", "Lieux"),
        ("organisations.directory", "Structures"),
        ("observatory.public_page", "Observatoire"),
    ),
    Role.ADMIN: (
        ("accounts.all_accounts", "Comptes"),
        ("matching.runs", "Calculs"),
        ("job_datings.mine", "Job datings"),
        ("venues.mine", "Lieux"),
        ("organisations.directory", "Structures"),
        ("observatory.public_page", "Observatoire"),
    ),
}

# Pages that are entries themselves: another entry of the same concept is not current on them.
LISTS = {endpoint for entries in (PUBLIC, *MENUS.values()) for endpoint, _words in entries}
# Pages of an entry that are not named after it: the beginnings of their blueprints' names.
PARTS = {"job_datings": ("job_dating", "day_desk", "day_replan", "papers", "feedback", "series"), "venues": ("venue",)}

# Behind which entries something may wait for the structure's answer, and how much does.
PENDING: dict[str, Callable[[Organisation], int]] = {
    "proposals.inbox": lambda organisation: proposal_lists.counts(organisation)["pending"],
    "pools.mine": lambda organisation: pools.awaiting(organisation) + pools_welcomes.awaiting(organisation),
    "purchasing.suppliers": purchasing_groups_reading.awaiting,
}


@dataclass(frozen=True)
class Entry:
    endpoint: str
    label: str
    count: int | None
    is_current: bool


def menu() -> dict[str, object]:
    """What the layout asks for on every page."""
    user = signed_in() if is_signed_in() else None
    entries = [Entry(endpoint, words, pending(user, endpoint), is_current(endpoint)) for endpoint, words in (MENUS[user.role] if user else PUBLIC)]
    if user is None:
        return {"navigation": entries, "account_label": "Se connecter", "account_url": url_for("accounts.login"), "user": None}
    name = user.organisation.name if user.organisation else user.name
    return {"navigation": entries, "account_label": name or user.email, "account_url": url_for("accounts.mine"), "user": user}


def is_current(endpoint: str) -> bool:
    """The entry of the page, or of the list that the page belongs to."""
    concept = endpoint.partition(".")[0]
    # « matching_explanations » are pages of « matching ».
    same_concept = (request.blueprint or "").startswith((concept, *PARTS.get(concept, ()))) and concept not in {"pages", "accounts"}
    return request.endpoint == endpoint or (same_concept and request.endpoint not in LISTS)


def pending(user: User | None, endpoint: str) -> int | None:
    """What awaits an answer behind an entry."""
    if user is None or user.organisation is None or endpoint not in PENDING:
        return None
    return PENDING[endpoint](user.organisation)


def may_write() -> bool:
    """Are buttons that change something of one's structure shown? A reader only reads. Macros ask it, which no context reaches."""
    return not is_signed_in() or signed_in().may_write


def init_app(app: Flask) -> None:
    app.jinja_env.globals["may_write"] = may_write
    app.context_processor(menu)
