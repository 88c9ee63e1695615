"""Declaring needs and offers, and their life: draft, published, paused, closed, expired."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Category, Commune, Need, Offer, Organisation, Status, Territory
from matchmaker.models.base import now
from matchmaker.models.declarations import LIFETIME_DAYS
from matchmaker.services import outbox, proposal_ends
from matchmaker.services.errors import NoReach, NotAllowedNow
from matchmaker.services.territories import departement_of

D = TypeVar("D", Need, Offer)
# The same words again within this time are a second click.
SECOND_CLICK = timedelta(seconds=30)
SIDES: tuple[type[Need] | type[Offer], ...] = (Need, Offer)


def declare_need(organisation: Organisation, *, category: Category, title: str, commune: Commune, **fields: Any) -> Need:
    """A need, as a draft. ``fields`` are columns of Declaration and ``areas``; raises NoReach outside the loaded regions."""
    return draft(Need(), organisation, category=category, title=title, commune=commune, **fields)


def declare_offer(organisation: Organisation, *, category: Category, title: str, commune: Commune, **fields: Any) -> Offer:
    """An offer, as a draft. See declare_need."""
    return draft(Offer(), organisation, category=category, title=title, commune=commune, **fields)


def draft(declaration: D, organisation: Organisation, **fields: Any) -> D:
    revise(declaration, **fields)
    if (twin := second_click(declaration, organisation)) is not None:
        return twin
    declaration.organisation = organisation
    db.session.add(declaration)
    db.session.flush()
    return declaration


def second_click(declaration: D, organisation: Organisation) -> D | None:
    """The draft that the same form made a moment ago. Two at once wait for each other here."""
    with db.session.no_autoflush:
        db.session.execute(select(Organisation.id).where(Organisation.id == organisation.id).with_for_update())
        model = type(declaration)
        same = (model.organisation_id == organisation.id, model.status == Status.DRAFT, model.created_at > now() - SECOND_CLICK)
        query = select(model).where(*same, model.category == declaration.category, model.title == declaration.title)
        return db.session.scalars(query.where(model.description == (declaration.description or "")).limit(1)).first()


def revise(declaration: Need | Offer, *, commune: Commune, skills: Sequence[str] = (), **fields: Any) -> None:
    """Write what its organisation says of it. Skills are folded to lower case, each once."""
    departement = departement_of(commune)
    if departement is None:
        raise NoReach(commune.code)
    declaration.commune = commune
    declaration.territory = departement
    declaration.skills = sorted({skill.strip().lower() for skill in skills if skill.strip()})
    for name, value in fields.items():
        setattr(declaration, name, value)


def publish(declaration: Need | Offer, *, today: date) -> None:
    """Let it take part in matching for 90 days; also brings back a paused, expired or closed one."""
    change_status(declaration, Status.PUBLISHED)
    declaration.published_at = now()
    declaration.expires_on = today + timedelta(days=LIFETIME_DAYS)


def change_status(declaration: Need | Offer, status: Status) -> None:
    """Raises NotAllowedNow when the declaration cannot become that."""
    if not declaration.can_become(status):
        raise NotAllowedNow(f"{declaration.status} to {status}")
    declaration.status = status


def delete_draft(declaration: Need | Offer) -> None:
    """Raises NotAllowedNow for anything but a draft."""
    if declaration.status is not Status.DRAFT:
        raise NotAllowedNow(declaration.status)
    db.session.delete(declaration)
    db.session.flush()


def expire_due(*, today: date, settings: outbox.MailSettings) -> int:
    """Published declarations past their day become expired, with their open questions. Returns how many."""
    due: list[Need | Offer] = []
    for model in SIDES:
        due += db.session.scalars(select(model).where(model.status == Status.PUBLISHED, model.expires_on < today).with_for_update(skip_locked=True))
    for declaration in due:
        change_status(declaration, Status.EXPIRED)
        proposal_ends.end_of_declaration(declaration, settings=settings)
    return len(due)


def declarations_of(organisation: Organisation) -> tuple[list[Need], list[Offer]]:
    """Needs and offers of an organisation, the newest first."""
    needs = select(Need).where(Need.organisation_id == organisation.id).options(joinedload(Need.commune)).order_by(Need.created_at.desc())
    offers = select(Offer).where(Offer.organisation_id == organisation.id).options(joinedload(Offer.commune)).order_by(Offer.created_at.desc())
    return list(db.session.scalars(needs)), list(db.session.scalars(offers))


def public_declarations_of(organisation: Organisation) -> tuple[list[Need], list[Offer]]:
    """What anybody may see of an organisation's needs and offers: published, and not in confidence."""
    return public_of(Need, organisation), public_of(Offer, organisation)


def public_of(model: type[D], organisation: Organisation) -> list[D]:
    query = select(model).where(model.organisation_id == organisation.id, *public(model)).options(joinedload(model.commune))
    return list(db.session.scalars(query.order_by(model.published_at.desc(), model.id)))


def public(model: type[Need] | type[Offer]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions under which anybody may see a declaration."""
    return model.status == Status.PUBLISHED, model.is_confidential.is_(False)


def public_categories(organisation_ids: Sequence[UUID]) -> dict[UUID, list[Category]]:
    """Organisation id → the categories of what anybody may see of it, in the order of the categories, in one query."""
    shown = [select(model.organisation_id, model.category).where(model.organisation_id.in_(organisation_ids), *public(model)) for model in SIDES]
    found: dict[UUID, set[Category]] = {}
    for organisation_id, category in db.session.execute(union(*shown)):
        found.setdefault(organisation_id, set()).add(Category(category))
    return {key: [category for category in Category if category in categories] for key, categories in found.items()}


def declaration(model: type[D], row_id: UUID) -> D | None:
    """One declaration with what its page shows, in three queries whatever it holds."""
    query = select(model).where(model.id == row_id).options(joinedload(model.organisation), joinedload(model.commune), selectinload(model.areas))
    return db.session.scalars(query).one_or_none()


def open_needs(territory: Territory) -> list[Need]:
    """The published needs of a département, with their organisation, commune and areas."""
    query = select(Need).where(Need.status == Status.PUBLISHED, Need.territory_id == territory.id)
    return list(db.session.scalars(query.options(joinedload(Need.organisation), joinedload(Need.commune), selectinload(Need.areas)).order_by(Need.id)))


def open_offers() -> list[Offer]:
    """All published offers: a need of one département may be served from another within the radius."""
    query = select(Offer).where(Offer.status == Status.PUBLISHED)
    return list(db.session.scalars(query.options(joinedload(Offer.organisation), joinedload(Offer.commune), selectinload(Offer.areas)).order_by(Offer.id)))


def public_counts_by_epci() -> dict[str, tuple[int, int]]:
    """EPCI code → published needs and offers, confidential ones left out."""
    needs, offers = count_by_epci(Need), count_by_epci(Offer)
    return {code: (needs.get(code, 0), offers.get(code, 0)) for code in needs.keys() | offers.keys()}


def count_by_epci(model: type[Need] | type[Offer]) -> dict[str, int]:
    query = select(Commune.epci_code, func.count()).join(model, model.commune_code == Commune.code).where(*public(model)).group_by(Commune.epci_code)
    return {code: number for code, number in db.session.execute(query) if code is not None}
