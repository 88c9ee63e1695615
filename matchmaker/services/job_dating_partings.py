"""« Never again » and the job datings to come: two of whom one said so do not meet there, whatever was planned.

It is done after the refusal and not with it: whoever publishes a job dating locks it before the matches, whoever answers the other way round.
"""

from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Match, Meeting, Need, Offer
from matchmaker.models.base import now
from matchmaker.services import job_dating_guests, job_datings, outbox, refusal_bounds

OPEN = (JobDatingStatus.DRAFT, JobDatingStatus.PUBLISHED)


def due() -> list[UUID]:
    """The job datings that have not begun and hold a place for two that are not to be put in touch any more."""
    query = select(JobDating.id, Need.organisation_id, Offer.organisation_id).join(Meeting, Meeting.job_dating_id == JobDating.id)
    query = query.join(Match, Match.id == Meeting.match_id).join(Need, Need.id == Match.need_id).join(Offer, Offer.id == Match.offer_id)
    query = query.where(JobDating.status.in_(OPEN), JobDating.starts_at > now(), Meeting.round.is_not(None)).order_by(JobDating.starts_at, JobDating.id)
    planned = db.session.execute(query).all()
    apart = refusal_bounds.parted({key for _id, *pair in planned for key in pair})
    return list(dict.fromkeys(one for one, *pair in planned if frozenset(pair) in apart))


def part(job_dating: JobDating, *, settings: outbox.MailSettings) -> None:
    """Withdraw their meeting: it has no place any more, and the host sees why. What it leaves free goes to who waits.

    The host tells those whose day it changes, as after any change.
    """
    job_datings.lock(job_dating)
    if job_dating.status is JobDatingStatus.PUBLISHED:
        job_dating_guests.settle(job_dating, settings=settings)
    elif job_dating.is_open:
        job_dating_guests.replan(job_dating)
    db.session.flush()
