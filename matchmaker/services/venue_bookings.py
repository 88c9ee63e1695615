"""When a venue is taken: by job datings that are published there, and by hours that its host keeps for something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Venue, VenueBlock
from matchmaker.models.base import now
from matchmaker.services import venues
from matchmaker.services.errors import NotAllowedNow, VenueTaken


@dataclass(frozen=True)
class Booking:
    """One line of the calendar: a job dating in preparation or published, or blocked hours."""

    starts_at: datetime
    ends_at: datetime
    job_dating: JobDating | None = None
    block: VenueBlock | None = None


def block(venue: Venue, *, starts_at: datetime, ends_at: datetime, reason: str) -> VenueBlock:
    """Keep these hours for something else. Raises VenueTaken when a job dating is published there then, NotAllowedNow when they are over.

    Whoever publishes waits for the venue, and then sees this.
    """
    venues.lock(venue)
    if ends_at <= now():
        raise NotAllowedNow("over")
    taken = (JobDating.venue_id == venue.id, JobDating.status == JobDatingStatus.PUBLISHED, JobDating.starts_at < ends_at, JobDating.ends_at > starts_at)
    if other := db.session.scalars(select(JobDating).where(*taken).order_by(JobDating.starts_at).limit(1)).one_or_none():
        raise VenueTaken(other)
    kept = VenueBlock(venue=venue, starts_at=starts_at, ends_at=ends_at, reason=reason)
    db.session.add(kept)
    db.session.flush()
    return kept


def unblock(venue: Venue, block_id: UUID) -> bool:
    """Give the hours back. False when that was done already."""
    kept = db.session.scalars(select(VenueBlock).where(VenueBlock.id == block_id, VenueBlock.venue_id == venue.id)).one_or_none()
    if kept is not None:
        db.session.delete(kept)
        db.session.flush()
    return kept is not None


def blocked(venue: Venue, starts_at: datetime, ends_at: datetime) -> VenueBlock | None:
    """The first hours that are kept for something else at this time."""
    where = (VenueBlock.venue_id == venue.id, VenueBlock.starts_at < ends_at, VenueBlock.ends_at > starts_at)
    return db.session.scalars(select(VenueBlock).where(*where).order_by(VenueBlock.starts_at).limit(1)).one_or_none()


def between(venue: Venue, starts_at: datetime, ends_at: datetime) -> Sequence[Booking]:
    """All that takes the venue in this time, cancelled job datings left out, in the order of the days."""
    there = (JobDating.venue_id == venue.id, JobDating.status != JobDatingStatus.CANCELLED, JobDating.starts_at < ends_at, JobDating.ends_at > starts_at)
    kept = (VenueBlock.venue_id == venue.id, VenueBlock.starts_at < ends_at, VenueBlock.ends_at > starts_at)
    found = [Booking(one.starts_at, one.ends_at, job_dating=one) for one in db.session.scalars(select(JobDating).where(*there))]
    found += [Booking(one.starts_at, one.ends_at, block=one) for one in db.session.scalars(select(VenueBlock).where(*kept))]
    return sorted(found, key=lambda one: (one.starts_at, one.ends_at))
