"""Answers that guests give in their calendar: recorded when their sender is vouched for, else put before who is in charge."""

from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, joinedload

from matchmaker import calendar_replies, mail
from matchmaker.extensions import db
from matchmaker.models import Answer, CalendarReply, Channel, Invitation, JobDating, Method, ReplyStatus
from matchmaker.services import invitation_mails, invitations
from matchmaker.services.errors import NotAllowedNow

# By how much a guest's clock may be wrong.
SKEW = timedelta(minutes=10)


def take(message: EmailMessage, *, digest: str, trusted: str) -> bool:
    """Record the answer that this mail carries. False when it carries none to an invitation of ours.

    Safe twice: ``digest`` names the mail. ``trusted`` is the name in which our mail server vouches for senders; without one nothing is
    applied, and each answer waits for who is in charge.
    """
    reply = calendar_replies.read(message, trusted=trusted)
    invitation = db.session.scalars(invitations.full().where(Invitation.uid == reply.uid)).one_or_none() if reply and reply.uid else None
    if reply is None or invitation is None:
        return False
    # Two answers at once: the second waits here, then sees what the first one wrote.
    db.session.refresh(invitation, Invitation.__table__.columns.keys(), with_for_update=True)
    row = {
        "digest": digest,
        "invitation_id": invitation.id,
        "sender": reply.sender[:320],
        "answer": Answer(reply.partstat.lower()),
        "sequence": reply.sequence,
        "stamped_at": reply.stamp,
        "status": standing(invitation, reply),
    }
    statement = insert(CalendarReply).values(row).on_conflict_do_nothing(index_elements=["digest"]).returning(CalendarReply.id)
    if db.session.scalar(statement) is not None and row["status"] is ReplyStatus.APPLIED:
        invitations.answer(invitation, Answer(reply.partstat.lower()), channel=Channel.CALENDAR)
    return True


def standing(invitation: Invitation, reply: calendar_replies.Reply) -> ReplyStatus:
    """What is to become of a reply to this invitation."""
    if invitation.is_over:
        return ReplyStatus.LATE
    notice = next((notice for notice in invitation.notices if notice.sequence == reply.sequence), None)
    if notice is None or notice.method is Method.CANCEL or not is_current(invitation, notice.starts_at, notice.ends_at, notice.place):
        return ReplyStatus.OUTDATED
    if is_older_than_what_was_said(invitation, reply):
        return ReplyStatus.OUTDATED
    # The server vouches for the domain of From; the guest is who we wrote to.
    guest = (mail.address(invitation.email) or "").lower()
    return ReplyStatus.APPLIED if reply.is_authentic and reply.sender == reply.attendee == guest else ReplyStatus.UNVERIFIED


def is_current(invitation: Invitation, *when_and_where: object) -> bool:
    """Is the job dating still held then and there? A yes to another day is no yes to this one."""
    present = invitation_mails.state(invitation, [])
    return when_and_where == (present.starts_at, present.ends_at, present.place)


def is_older_than_what_was_said(invitation: Invitation, reply: calendar_replies.Reply) -> bool:
    """Mails may overtake each other, and a page may have been faster: the last word counts, whenever it arrives."""
    if invitation.answered_at is not None and reply.stamp < invitation.answered_at - SKEW:
        return True
    later = (CalendarReply.invitation_id == invitation.id, CalendarReply.stamped_at > reply.stamp, CalendarReply.status == ReplyStatus.APPLIED)
    return db.session.scalar(select(CalendarReply.id).where(*later).limit(1)) is not None


def waiting(job_dating: JobDating) -> list[CalendarReply]:
    """The answers that nobody vouches for, the newest of each sender's mails last."""
    query = (
        select(CalendarReply)
        .join(CalendarReply.invitation)
        .where(Invitation.job_dating_id == job_dating.id, CalendarReply.status == ReplyStatus.UNVERIFIED, Invitation.withdrawn_at.is_(None))
        .options(contains_eager(CalendarReply.invitation).joinedload(Invitation.organisation))
        .order_by(CalendarReply.received_at, CalendarReply.id)
    )
    return list(db.session.scalars(query))


def reply_to(job_dating: JobDating, reply_id: UUID) -> CalendarReply | None:
    query = select(CalendarReply).join(CalendarReply.invitation).where(CalendarReply.id == reply_id, Invitation.job_dating_id == job_dating.id)
    return db.session.scalars(query.options(joinedload(CalendarReply.invitation))).one_or_none()


def settle(reply: CalendarReply, *, is_taken: bool) -> None:
    """Who is in charge says whether it counts. Raises NotAllowedNow when that is settled already, or too late."""
    db.session.refresh(reply, CalendarReply.__table__.columns.keys(), with_for_update=True)
    if reply.status is not ReplyStatus.UNVERIFIED:
        raise NotAllowedNow(reply.status)
    if is_taken:
        invitations.answer(reply.invitation, reply.answer, channel=Channel.ANIMATOR)
    reply.status = ReplyStatus.APPLIED if is_taken else ReplyStatus.DISMISSED
    db.session.flush()
