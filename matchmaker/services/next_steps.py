"""What two sides that said yes may do next: the job dating where they meet, or those near both that have room."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Match, Meeting, Venue
from matchmaker.models.base import now
from matchmaker.services import job_dating_groups
from matchmaker.services.territories import commune_point, kilometres

# Further away nobody drives for a talk of twelve minutes.
NEAR_KM = 50.0
MOST = 2


def meeting_of(match: Match) -> JobDating | None:
    """The coming job dating at which the two have a meeting."""
    is_coming = (JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now())
    query = select(JobDating).join(Meeting).where(Meeting.match_id == match.id, *is_coming).order_by(JobDating.starts_at).limit(1)
    return db.session.scalars(query.options(joinedload(JobDating.venue).joinedload(Venue.commune))).first()


def near_job_datings(match: Match) -> list[JobDating]:
    """The next ones within reach of both sides where two more people may come. None for a succession in confidence: others would see them meet."""
    if match.need.is_confidential or match.offer.is_confidential:
        return []
    venue = joinedload(JobDating.venue).options(joinedload(Venue.commune), joinedload(Venue.territory))
    query = select(JobDating).where(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.starts_at > now()).order_by(JobDating.starts_at, JobDating.id)
    coming: Sequence[JobDating] = db.session.scalars(query.limit(100).options(venue, selectinload(JobDating.participants))).all()
    near = [job_dating for job_dating in coming if is_near(job_dating, match)]
    employers = job_dating_groups.employers_at([job_dating.id for job_dating in near])
    return [job_dating for job_dating in near if job_dating_groups.people(job_dating, employers[job_dating.id]) + 2 <= job_dating.venue.seats_for_guests][:MOST]


def is_near(job_dating: JobDating, match: Match) -> bool:
    venue = commune_point(job_dating.venue.commune)
    sides = [commune_point(declaration.commune) for declaration in (match.need, match.offer)]
    return venue is not None and all(side is not None and kilometres(venue, side) <= NEAR_KM for side in sides)
