"""The mail of the day after: thanks, and the link behind which one says in a minute what came of it."""

from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Participant, Venue
from matchmaker.models.base import PARIS, now
from matchmaker.services import feedback_memory, outbox, participant_links

# In the morning of the day after. Who was not told within these days is not told any more.
AT, LATEST = time(9), timedelta(days=3)


def thank_due(*, settings: outbox.MailSettings) -> int:
    """Queue one mail for each structure that came to a job dating of yesterday or the days before. Returns how many are new.

    Safe to run many times: a mail is queued once. Who is known to have been absent is not thanked; nobody is taken as absent whom nobody marked.
    """
    told = 0
    for job_dating in due():
        away = feedback_memory.absent([job_dating.id]).get(job_dating.id, frozenset())
        met = feedback_memory.who_met(job_dating.id)
        thanked = [one for one in job_dating.participants if one.is_expected and one.organisation_id in met - away]
        known = outbox.latest_statuses([key(one) for one in thanked])
        for participant in sorted(thanked, key=lambda one: one.id):
            if key(participant) not in known:
                told += thank(job_dating, participant, settings=settings)
    return told


def due() -> list[JobDating]:
    """Published job datings over since a morning, the last few days', in a fixed order."""
    present = now()
    query = select(JobDating).where(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at < present, JobDating.ends_at > present - LATEST)
    people = selectinload(JobDating.participants).joinedload(Participant.organisation)
    query = query.options(people, joinedload(JobDating.venue).joinedload(Venue.commune)).order_by(JobDating.ends_at, JobDating.id)
    return [job_dating for job_dating in db.session.scalars(query) if morning_after(job_dating) <= present]


def morning_after(job_dating: JobDating) -> datetime:
    return datetime.combine(job_dating.ends_at.astimezone(PARIS).date() + timedelta(days=1), AT, PARIS)


def key(participant: Participant) -> str:
    return f"thanks-{participant.id}"


def thank(job_dating: JobDating, participant: Participant, *, settings: outbox.MailSettings) -> bool:
    return outbox.queue(
        "thanks",
        uid=key(participant),
        recipient=participant.organisation.email,
        organisation_id=participant.organisation_id,
        settings=settings,
        useless_after=job_dating.ends_at + timedelta(days=14),
        job_dating=job_dating,
        organisation=participant.organisation,
        link=f"{participant_links.link(participant, settings)}/retour",
    )
