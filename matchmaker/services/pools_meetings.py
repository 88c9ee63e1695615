"""The meeting of a whole group at a job dating: a table for those who will share a job, beside the meetings of two."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Pool, PoolMeeting, PoolStatus, Territory, Venue
from matchmaker.models.base import now
from matchmaker.services import job_dating_groups, job_dating_lists, job_datings, outbox, pools
from matchmaker.services.errors import NotAllowedNow


def coming(territory: Territory) -> list[JobDating]:
    """The published job datings of a département that have not begun, the next one first."""
    return job_dating_lists.listed(
        JobDating.status == JobDatingStatus.PUBLISHED, JobDating.starts_at > now(), Venue.territory_id == territory.id, newest_first=False, limit=20
    )


def arrange(pool: Pool, job_dating_id: UUID, *, settings: outbox.MailSettings) -> PoolMeeting:
    """Let a group in which all are interested meet when a job dating opens; each employer gets one mail.

    Raises NotAllowedNow, and TooManyPeople when the venue may not receive those who do not come already.
    """
    pools.lock(pool)
    chosen = next((one for one in coming(pool.territory) if one.id == job_dating_id), None)
    if pool.status is not PoolStatus.AGREED or pool.meeting is not None or chosen is None:
        raise NotAllowedNow(f"{pool.status} {job_dating_id}")
    job_datings.lock(chosen)
    there = job_dating_groups.employers_at([chosen.id])[chosen.id]
    job_datings.check_headcount(chosen, job_dating_groups.people(chosen, there | employers(pool)))
    pool.meeting = PoolMeeting(job_dating=chosen, starts_at=chosen.starts_at, venue_id=chosen.venue_id, told=0)
    db.session.flush()
    tell(pool.meeting, settings=settings)
    return pool.meeting


def employers(pool: Pool) -> set[UUID]:
    return {share.need.organisation_id for share in pool.members}


def follow(*, settings: outbox.MailSettings) -> int:
    """Tell the groups whose job dating was moved or called off; a called off meeting is forgotten. Returns how many groups."""
    moved = or_(PoolMeeting.starts_at != JobDating.starts_at, PoolMeeting.venue_id != JobDating.venue_id, JobDating.status != JobDatingStatus.PUBLISHED)
    query = select(PoolMeeting).join(PoolMeeting.job_dating).where(moved).options(joinedload(PoolMeeting.job_dating))
    changed = list(db.session.scalars(query.order_by(PoolMeeting.pool_id).with_for_update(of=PoolMeeting, skip_locked=True)))
    for meeting in changed:
        meeting.starts_at, meeting.venue_id = meeting.job_dating.starts_at, meeting.job_dating.venue_id
        if meeting.pool.status in (PoolStatus.AGREED, PoolStatus.SIGNED):
            tell(meeting, settings=settings)
        if meeting.job_dating.status is not JobDatingStatus.PUBLISHED:
            meeting.pool.meeting = None
    db.session.flush()
    return len(changed)


def tell(meeting: PoolMeeting, *, settings: outbox.MailSettings) -> None:
    """One mail to each employer: when and where, or that it is called off."""
    meeting.told += 1
    for share in meeting.pool.members:
        organisation = share.need.organisation
        if organisation.can_be_written_to():
            outbox.queue(
                "pool_meeting",
                uid=f"pool-meeting-{share.id}-{meeting.job_dating_id}-{meeting.told}",
                recipient=organisation.email,
                organisation_id=organisation.id,
                settings=settings,
                organisation=organisation,
                pool=meeting.pool,
                job_dating=meeting.job_dating,
            )
