"""Lists of job datings: those to come and those that were held, and those that somebody runs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Commune, JobDating, JobDatingStatus, Match, Meeting, Need, Offer, Role, Side, User, Venue
from matchmaker.models.base import now


def coming(*, limit: int = 50) -> list[JobDating]:
    """Published job datings to come, the next one first."""
    return listed(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now(), newest_first=False, limit=limit)


def past(*, limit: int = 20) -> list[JobDating]:
    return listed(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at < now(), newest_first=True, limit=limit)


def in_charge_of(user: User) -> list[JobDating]:
    """All job datings that this person may run: a host those of its venues, an animator those of its territories."""
    if user.role is Role.HOST:
        return listed(Venue.organisation_id == user.organisation_id, newest_first=True)
    if user.role is Role.ADMIN:
        return listed(newest_first=True)
    ids = [territory.id for mine in user.territories for territory in (mine, *mine.children)]
    return listed(Venue.territory_id.in_(ids), newest_first=True)


def listed(*conditions: ColumnElement[bool], newest_first: bool, limit: int = 100) -> list[JobDating]:
    order = JobDating.starts_at.desc() if newest_first else JobDating.starts_at
    venue = joinedload(JobDating.venue).options(joinedload(Venue.commune), joinedload(Venue.territory))
    query = select(JobDating).join(JobDating.venue).where(*conditions).order_by(order, JobDating.id).limit(limit)
    return list(db.session.scalars(query.options(venue, selectinload(JobDating.participants))))


def crossings(job_dating_ids: Sequence[UUID]) -> dict[UUID, list[tuple[Side, Commune]]]:
    """Job dating id → where the needs and the offers of its meetings come from, each commune once a side, the biggest first."""
    found: dict[UUID, list[tuple[Side, Commune]]] = {job_dating_id: [] for job_dating_id in job_dating_ids}
    for side, declaration in ((Side.NEED, Need), (Side.OFFER, Offer)):
        query = (
            select(Meeting.job_dating_id, Commune)
            .join(Meeting.match)
            .join(declaration, declaration.id == (Match.need_id if side is Side.NEED else Match.offer_id))
            .join(Commune, Commune.code == declaration.commune_code)
            .where(Meeting.job_dating_id.in_(job_dating_ids), Commune.latitude.is_not(None))
            .distinct()
        )
        for job_dating_id, commune in sorted(db.session.execute(query), key=lambda row: -row[1].population):
            found[job_dating_id].append((side, commune))
    return found
