"""The groups of shared jobs that meet at a job dating: their employers fill the house too, beside those who have meetings of two."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import JobDating, Need, Organisation, Pool, PoolMeeting, PoolShare, PoolStatus
from matchmaker.models.pools import GONE

MEETING = (PoolStatus.AGREED, PoolStatus.SIGNED)


def groups_at(job_dating: JobDating) -> list[Pool]:
    """The groups that meet here when it opens, with their employers."""
    employer = selectinload(Pool.shares).joinedload(PoolShare.need).joinedload(Need.organisation).joinedload(Organisation.commune)
    query = select(Pool).join(Pool.meeting).where(PoolMeeting.job_dating_id == job_dating.id, Pool.status.in_(MEETING))
    return list(db.session.scalars(query.options(employer, joinedload(Pool.meeting)).order_by(Pool.occupation, Pool.id)))


def employers_at(job_dating_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Job dating id → the organisations whose groups meet there, in one query."""
    query = select(PoolMeeting.job_dating_id, Need.organisation_id).join(PoolMeeting.pool).join(Pool.shares).join(PoolShare.need)
    here = query.where(PoolMeeting.job_dating_id.in_(job_dating_ids), Pool.status.in_(MEETING), PoolShare.status.not_in(GONE))
    found: dict[UUID, set[UUID]] = {job_dating_id: set() for job_dating_id in job_dating_ids}
    for job_dating_id, organisation_id in db.session.execute(here):
        found[job_dating_id].add(organisation_id)
    return found


def people(job_dating: JobDating, employers: Collection[UUID] | None = None) -> int:
    """How many people are expected: what participants said, and one for each employer of a group that does not take part otherwise.

    ``employers`` are those of its groups where many job datings are asked about at once.
    """
    if employers is None:
        employers = employers_at([job_dating.id])[job_dating.id]
    delegates = {one.organisation_id: one.delegates for one in job_dating.expected}
    return sum(delegates.values()) + len(set(employers) - delegates.keys())
