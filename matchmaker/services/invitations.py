"""Invitations to a job dating: sending them, calling them off, and recording the answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import (
    Answer,
    Channel,
    Invitation,
    InvitationAnswer,
    JobDating,
    JobDatingStatus,
    Organisation,
    Participant,
    ParticipantState,
    Venue,
)
from matchmaker.models.base import now, today
from matchmaker.services import appointments, invitation_budgets, invitation_mails, outbox, signed_links
from matchmaker.services.errors import NotAllowedNow

SALT = "invitation"
OUTSIDE = (ParticipantState.REQUESTED, ParticipantState.WAITING)
STATES = {Answer.ACCEPTED: ParticipantState.CONFIRMED, Answer.DECLINED: ParticipantState.DECLINED, Answer.TENTATIVE: ParticipantState.INVITED}
NOTICE = timedelta(days=3)
# Less time than this to answer is none: the door stays open until the start then.
SHORTEST_DEADLINE = timedelta(days=1)


def invite(job_dating: JobDating, *, settings: outbox.MailSettings) -> list[Invitation]:
    """An invitation for each participant, with one mail queued per usable address. Called again, it adds what is missing only."""
    invitations = expect_participants(job_dating)
    tell(job_dating, invitations, settings=settings)
    return invitations


def expect_participants(job_dating: JobDating) -> list[Invitation]:
    """An invitation for each participant; who comes later begins at the SEQUENCE where the others stand. Returns those of the participants.

    Who asks to come or waits for a place has none yet; who had one and declined keeps it.
    """
    query = select(Participant).where(Participant.job_dating_id == job_dating.id, Participant.state.not_in(OUTSIDE))
    query = query.options(joinedload(Participant.organisation))
    common = {
        "job_dating_id": job_dating.id,
        "answer_by": deadline(job_dating, at=now()),
        "sequence": db.session.scalar(select(func.max(Invitation.sequence)).where(Invitation.job_dating_id == job_dating.id)) or 0,
    }
    rows = [{**common, "organisation_id": one.organisation_id, "email": one.organisation.email} for one in db.session.scalars(query)]
    if rows:
        keys = [Invitation.job_dating_id, Invitation.organisation_id]
        db.session.execute(insert(Invitation).values(rows).on_conflict_do_nothing(index_elements=keys))
    guests = {row["organisation_id"] for row in rows}
    return [invitation for invitation in invitations_of(job_dating) if invitation.organisation_id in guests]


def tell(job_dating: JobDating, invitations: Sequence[Invitation], *, settings: outbox.MailSettings) -> list[Invitation]:
    """Queue what these guests do not know yet. Returns those for whom something is new, with or without an address."""
    expected = appointments.of(job_dating)
    new = []
    for invitation in invitations:
        link = f"{settings.public_url}/invitations/{token(invitation, settings.secret)}"
        if invitation_mails.ask(invitation, expected=expected[invitation.organisation_id], link=link, settings=settings):
            new.append(invitation)
    return new


@dataclass(frozen=True)
class Told:
    """Whose calendars change: by an update, by a first invitation, by a cancellation; whom no mail can tell; who accepts no more invitations."""

    updated: list[Organisation]
    invited: list[Organisation]
    called_off: list[Organisation]
    unreachable: list[Organisation]
    spent: list[Organisation]


def follow(job_dating: JobDating, *, settings: outbox.MailSettings) -> Told:
    """After a change of a published job dating: one mail to each guest for whom something is new, and to nobody else.

    Who no longer takes part gets a cancellation if the invitation may have left; who is new is invited; answers stay as they were given.
    """
    before = {invitation.id: invitation for invitation in invitations_of(job_dating) if invitation.withdrawn_at is None}
    spent = invitation_budgets.spent(job_dating, day=today())
    reserved = invitation_budgets.reserve(job_dating, day=today())
    expected = expect_participants(job_dating)
    for invitation in expected:
        invitation.withdrawn_at, invitation.answer_by = None, deadline(job_dating, at=now())
    gone = [invitation for invitation in before.values() if invitation not in expected]
    for invitation in gone:
        invitation.withdrawn_at = now()
    called_off = [invitation for invitation in gone if invitation_mails.call_off(invitation, settings=settings)]
    new = tell(job_dating, expected, settings=settings)
    db.session.flush()
    invitation_budgets.keep(expected, reserved, day=today())
    invitation_budgets.give_back(gone)
    written = [invitation for invitation in new if outbox.writable(invitation.email)]
    return Told(
        updated=[invitation.organisation for invitation in written if invitation.id in before],
        invited=[invitation.organisation for invitation in written if invitation.id not in before],
        called_off=[invitation.organisation for invitation in called_off],
        unreachable=[invitation.organisation for invitation in (*new, *gone) if not outbox.writable(invitation.email)],
        spent=spent,
    )


def cancel(job_dating: JobDating, *, settings: outbox.MailSettings) -> list[Invitation]:
    """Take the event out of the calendars that may hold it. Returns the invitations whose guests are told."""
    invited = invitations_of(job_dating)
    told = [invitation for invitation in invited if invitation_mails.call_off(invitation, settings=settings)]
    db.session.flush()
    invitation_budgets.give_back(invited)
    return told


def deadline(job_dating: JobDating, *, at: datetime) -> datetime:
    """Until when one may answer: three days before, or the start when that leaves less than a day. Never before ``at``."""
    if job_dating.starts_at - NOTICE >= at + SHORTEST_DEADLINE:
        return job_dating.starts_at - NOTICE
    return job_dating.starts_at if job_dating.starts_at > at else max(job_dating.ends_at, at)


def token(invitation: Invitation, secret: str) -> str:
    """What the link in the mail carries. It has no date: the database decides until when it is good."""
    return signed_links.sign([str(invitation.id), invitation.token_version], secret, salt=SALT)


def find_by_token(token: str, keys: tuple[str, ...]) -> Invitation | None:
    """The invitation of a link, or nothing when we did not sign it. Raises NotAllowedNow when a newer link replaced it."""
    signed = signed_links.read(token, keys, salt=SALT)
    if signed is None:
        return None
    invitation = db.session.scalars(full().where(Invitation.id == UUID(signed[0]))).one_or_none()
    if invitation is not None and invitation.token_version != signed[1]:
        raise NotAllowedNow("replaced")
    return invitation


def answer(invitation: Invitation, answer: Answer, *, channel: Channel) -> bool:
    """Record an answer. True when it says something new: the same answer again leaves no trace. Raises NotAllowedNow when over."""
    # Two clicks at once: the second waits here, then sees what the first one wrote.
    db.session.refresh(invitation, Invitation.__table__.columns.keys(), with_for_update=True)
    db.session.refresh(invitation.job_dating, ["status", "starts_at", "venue_id"])
    if invitation.is_over:
        raise NotAllowedNow("over")
    if invitation.answer is answer and not invitation.asks_again:
        return False
    invitation.answer, invitation.answered_at = answer, now()
    invitation.answered_starts_at, invitation.answered_venue_id = invitation.job_dating.starts_at, invitation.job_dating.venue_id
    db.session.add(InvitationAnswer(invitation=invitation, answer=answer, channel=channel))
    # Its places are freed, or found again, by the next look at this job dating: see job_dating_guests.to_settle.
    mine = (Participant.job_dating_id == invitation.job_dating_id, Participant.organisation_id == invitation.organisation_id)
    db.session.execute(update(Participant).where(*mine, Participant.state.not_in(OUTSIDE)).values(state=STATES[answer]))
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
    """The invitation of this organisation, if it is expected."""
    query = full().where(Invitation.job_dating_id == job_dating.id, Invitation.organisation_id == organisation.id, Invitation.withdrawn_at.is_(None))
    return db.session.scalars(query).one_or_none()


def expected_elsewhere(job_dating: JobDating) -> list[Invitation]:
    """What its participants were invited to at the same hours, where they did not decline: other published job datings."""
    guests = select(Participant.organisation_id).where(Participant.job_dating_id == job_dating.id)
    query = full().where(
        Invitation.organisation_id.in_(guests), Invitation.answer.is_distinct_from(Answer.DECLINED), JobDating.status == JobDatingStatus.PUBLISHED
    )
    query = query.where(Invitation.withdrawn_at.is_(None))
    query = query.where(JobDating.id != job_dating.id, JobDating.starts_at < job_dating.ends_at, JobDating.ends_at > job_dating.starts_at)
    return list(db.session.scalars(query.order_by(JobDating.starts_at, Invitation.id)))


def invitations_of(job_dating: JobDating) -> list[Invitation]:
    """All invitations of a job dating, in a fixed order: transactions that lock several never wait for each other in a ring."""
    query = full().where(Invitation.job_dating_id == job_dating.id).options(selectinload(Invitation.notices))
    return list(db.session.scalars(query.order_by(Invitation.id)))


def untold(job_dating: JobDating) -> list[Invitation]:
    """The guests whose day is not as they were told: the next publication of changes writes to them, or asks to call them."""
    expected = appointments.of(job_dating)
    found = [one for one in invitations_of(job_dating) if one.withdrawn_at is None]
    return [one for one in found if not invitation_mails.is_told(one, expected[one.organisation_id])]
