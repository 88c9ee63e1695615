"""Who follows a territory. A structure joins by itself and leaves when it wants; its animators see the same list as everybody."""

from collections.abc import Sequence
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import CommunityMember, Level, Organisation, Territory
from matchmaker.services.organisations import LAST_PAGE


def join(territory: Territory, organisation: Organisation) -> bool:
    """From now on the page names it and news reach it. False when it was a member already."""
    row = {"territory_id": territory.id, "organisation_id": organisation.id}
    statement = insert(CommunityMember).values(row).on_conflict_do_nothing().returning(CommunityMember.organisation_id)
    return db.session.scalar(statement) is not None


def leave(territory: Territory, organisation: Organisation) -> bool:
    """False when it was no member."""
    here = (CommunityMember.territory_id == territory.id, CommunityMember.organisation_id == organisation.id)
    return db.session.scalar(delete(CommunityMember).where(*here).returning(CommunityMember.organisation_id)) is not None


def is_member(territory: Territory, organisation: Organisation) -> bool:
    return db.session.get(CommunityMember, (territory.id, organisation.id)) is not None


def members(territory: Territory, *, page: int = 1, per_page: int = 12) -> Pagination:
    """Its members by name, with their commune."""
    name = func.unaccent(func.lower(Organisation.name))
    query = select(Organisation).join(CommunityMember).where(CommunityMember.territory_id == territory.id)
    query = query.options(joinedload(Organisation.commune)).order_by(name, Organisation.id)
    return db.paginate(query, page=max(1, min(page, LAST_PAGE)), per_page=per_page, error_out=False)


def counts(territory_ids: Sequence[int]) -> dict[int, int]:
    """Territory → how many follow it; those that nobody follows are absent."""
    query = select(CommunityMember.territory_id, func.count()).where(CommunityMember.territory_id.in_(territory_ids))
    return {one: number for one, number in db.session.execute(query.group_by(CommunityMember.territory_id))}  # noqa: C416


def followed_by(organisation_id: UUID) -> list[Territory]:
    """The territories that a structure follows, the widest first."""
    query = select(Territory).join(CommunityMember).where(CommunityMember.organisation_id == organisation_id)
    order = {level: place for place, level in enumerate(Level)}
    return sorted(db.session.scalars(query), key=lambda one: (order[one.level], one.name))
