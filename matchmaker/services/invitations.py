"""Invitations to a job dating: sending them, calling them off, and recording the answers."""

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, joinedload

from matchmaker import ics, mail
from matchmaker.extensions import db
from matchmaker.models import (
    Answer,
    Channel,
    Declaration,
    Invitation,
    InvitationAnswer,
    JobDating,
    JobDatingStatus,
    Match,
    Meeting,
    Need,
    Offer,
    Organisation,
    Participant,
    Territory,
    Venue,
)
from matchmaker.models.base import now
from matchmaker.services import outbox
from matchmaker.services.errors import NotAllowedNow

SALT = "invitation"
NOTICE = timedelta(days=3)
# Less time than this to answer is none: the door stays open until the start then.
SHORTEST_DEADLINE = timedelta(days=1)


def invite(job_dating: JobDating, *, settings: outbox.MailSettings) -> list[Invitation]:
    """An invitation for each participant, with one mail queued per usable address. Called again, it adds what is missing only."""
    answer_by = deadline(job_dating, at=now())
    query = select(Participant).where(Participant.job_dating_id == job_dating.id).options(joinedload(Participant.organisation))
    rows = [
        {"job_dating_id": job_dating.id, "organisation_id": one.organisation_id, "email": one.organisation.email, "answer_by": answer_by}
        for one in db.session.scalars(query)
    ]
    if rows:
        keys = [Invitation.job_dating_id, Invitation.organisation_id]
        db.session.execute(insert(Invitation).values(rows).on_conflict_do_nothing(index_elements=keys))
    invitations = invitations_of(job_dating)
    partners = partners_of(job_dating)
    for invitation in invitations:
        queue_request(invitation, partners=partners[invitation.organisation_id], settings=settings)
    return invitations


def cancel(job_dating: JobDating, *, settings: outbox.MailSettings) -> list[Invitation]:
    """Take the event out of the calendars that may hold it. An invitation that surely never left is withdrawn, in silence.

    Returns the invitations whose guests are told.
    """
    told = []
    for invitation in invitations_of(job_dating):
        invitation.sequence += 1
        outbox.withdraw(str(invitation.id))
        if outbox.may_have_left(str(invitation.id)):
            outbox.supersede(str(invitation.id))
            queue_cancellation(invitation, settings=settings)
            told.append(invitation)
    db.session.flush()
    return told


def queue_request(invitation: Invitation, *, partners: list[Declaration], settings: outbox.MailSettings) -> bool:
    """Queue the mail that asks to come, with its calendar entry. False when it is queued already or there is no address."""
    link = f"{settings.public_url}/invitations/{token(invitation, settings.secret)}"
    job_dating = invitation.job_dating
    return outbox.queue(
        "invitation",
        uid=str(invitation.id),
        idempotency_key=key(invitation, "request"),
        recipient=invitation.email,
        organisation_id=invitation.organisation_id,
        reply_to=contact_email(job_dating.venue.territory),
        settings=settings,
        useless_after=job_dating.starts_at,
        calendar=("REQUEST", ics.request(event(invitation, settings=settings, note="request", link=link))),
        invitation=invitation,
        partners=partners,
        link=link,
    )


def queue_cancellation(invitation: Invitation, *, settings: outbox.MailSettings) -> bool:
    """Queue the mail that calls it off, which takes the entry out of the guest's calendar."""
    return outbox.queue(
        "invitation_cancelled",
        uid=str(invitation.id),
        idempotency_key=key(invitation, "cancel"),
        recipient=invitation.email,
        organisation_id=invitation.organisation_id,
        reply_to=contact_email(invitation.job_dating.venue.territory),
        settings=settings,
        useless_after=invitation.job_dating.starts_at,
        calendar=("CANCEL", ics.cancel(event(invitation, settings=settings, note="cancel", link=""))),
        invitation=invitation,
    )


def key(invitation: Invitation, method: str) -> str:
    """The idempotency key of a mail about an invitation. Its first part, the thread, is the invitation."""
    return f"{invitation.id}:{invitation.organisation_id}:{method}:{invitation.sequence}"


def event(invitation: Invitation, *, settings: outbox.MailSettings, note: str, link: str) -> ics.Event:
    """The invitation as its guest's calendar shows it."""
    job_dating, venue = invitation.job_dating, invitation.job_dating.venue
    return ics.Event(
        uid=f"{invitation.id}@{settings.host}",
        sequence=invitation.sequence,
        stamp=now(),
        starts_at=job_dating.starts_at,
        ends_at=job_dating.ends_at,
        organizer=settings.sender,
        # As the envelope writes it: a calendar finds its owner by this address.
        attendee=mail.address(invitation.email) or invitation.email,
        attendee_name=invitation.organisation.name,
        summary=job_dating.title,
        location=", ".join(part for part in (venue.name, venue.address, venue.commune.name) if part),
        description=mail.render("invitation/calendar.txt", note=note, invitation=invitation, link=link).strip(),
    )


def deadline(job_dating: JobDating, *, at: datetime) -> datetime:
    """Until when one may answer: three days before, or the start when that leaves less than a day. Never before ``at``."""
    if job_dating.starts_at - NOTICE >= at + SHORTEST_DEADLINE:
        return job_dating.starts_at - NOTICE
    return job_dating.starts_at if job_dating.starts_at > at else max(job_dating.ends_at, at)


def contact_email(territory: Territory | None) -> str:
    """The address of who looks after the territory, or after the one that holds it."""
    while territory is not None:
        if territory.contact_email:
            return territory.contact_email
        territory = territory.parent
    return ""


def token(invitation: Invitation, secret: str) -> str:
    """What the link in the mail carries. It has no date: the database decides until when it is good."""
    return str(URLSafeSerializer(secret, salt=SALT).dumps([str(invitation.id), invitation.token_version]))


def find_by_token(token: str, secret: str) -> Invitation | None:
    """The invitation of a link, or nothing when we did not sign it. Raises NotAllowedNow when a newer link replaced it."""
    serializer = URLSafeSerializer(secret, salt=SALT)
    try:
        invitation_id, version = serializer.loads(token)
        # The last letter of a signature has spare bits: four spellings decode to the same bytes, and only one is ours.
        if serializer.dumps([invitation_id, version]) != token:
            return None
        invitation = db.session.scalars(full().where(Invitation.id == UUID(invitation_id))).one_or_none()
    except (BadData, TypeError, ValueError):
        return None
    if invitation is not None and invitation.token_version != version:
        raise NotAllowedNow("replaced")
    return invitation


def answer(invitation: Invitation, answer: Answer, *, channel: Channel) -> bool:
    """Record an answer. True when it says something new: the same answer again leaves no trace. Raises NotAllowedNow when over."""
    # Two clicks at once: the second waits here, then sees what the first one wrote.
    db.session.refresh(invitation, Invitation.__table__.columns.keys(), with_for_update=True)
    db.session.refresh(invitation.job_dating, ["status"])
    if invitation.is_over:
        raise NotAllowedNow("over")
    if invitation.answer is answer:
        return False
    invitation.answer, invitation.answered_at = answer, now()
    db.session.add(InvitationAnswer(invitation=invitation, answer=answer, channel=channel))
    db.session.flush()
    return True


def full() -> Select[Invitation]:
    """Invitations with what their mail and their page write, in one query."""
    job_dating = contains_eager(Invitation.job_dating)
    return (
        select(Invitation)
        .join(Invitation.job_dating)
        .options(job_dating.joinedload(JobDating.venue).options(joinedload(Venue.commune), joinedload(Venue.territory)), joinedload(Invitation.organisation))
    )


def invitation_to(job_dating: JobDating, organisation: Organisation) -> Invitation | None:
    """The invitation of this organisation, if it has one."""
    query = full().where(Invitation.job_dating_id == job_dating.id, Invitation.organisation_id == organisation.id)
    return db.session.scalars(query).one_or_none()


def expected_elsewhere(job_dating: JobDating) -> list[Invitation]:
    """What its participants were invited to at the same hours, where they did not decline: other published job datings."""
    guests = select(Participant.organisation_id).where(Participant.job_dating_id == job_dating.id)
    query = full().where(
        Invitation.organisation_id.in_(guests), Invitation.answer.is_distinct_from(Answer.DECLINED), JobDating.status == JobDatingStatus.PUBLISHED
    )
    query = query.where(JobDating.id != job_dating.id, JobDating.starts_at < job_dating.ends_at, JobDating.ends_at > job_dating.starts_at)
    return list(db.session.scalars(query.order_by(JobDating.starts_at, Invitation.id)))


def invitations_of(job_dating: JobDating) -> list[Invitation]:
    """All invitations of a job dating, in a fixed order: transactions that lock several never wait for each other in a ring."""
    return list(db.session.scalars(full().where(Invitation.job_dating_id == job_dating.id).order_by(Invitation.id)))


def partners_of(job_dating: JobDating) -> dict[UUID, list[Declaration]]:
    """Organisation id → the declarations of those that it will meet, in the order of the rounds."""
    need = joinedload(Meeting.match).joinedload(Match.need).joinedload(Need.organisation)
    offer = joinedload(Meeting.match).joinedload(Match.offer).joinedload(Offer.organisation)
    query = select(Meeting).where(Meeting.job_dating_id == job_dating.id).options(need, offer)
    partners: dict[UUID, list[Declaration]] = defaultdict(list)
    for meeting in db.session.scalars(query.order_by(Meeting.round.nulls_last(), Meeting.id)):
        partners[meeting.match.need.organisation_id].append(meeting.match.offer)
        partners[meeting.match.offer.organisation_id].append(meeting.match.need)
    return partners
