"""How long things are kept, and the functions that let them go when their time is over. Services change the session; the caller commits.

Each is safe to run twice: what is gone is not found again. ``at`` is the present, which a test moves.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import (
    AccountToken,
    CalendarReply,
    CompanyRecord,
    ErasureRequest,
    Invitation,
    InvitationAnswer,
    InvitationNotice,
    JobDating,
    JoinRequest,
    MailStatus,
    MemberInvitation,
    Message,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Participant,
    PlanChange,
    PresenceAct,
    Proposal,
    SignUp,
    SpentLink,
    User,
    UserSession,
)
from matchmaker.services import audit, company_search, contact_log, outbox, personal_data_erasing, personal_data_export
from matchmaker.services.errors import NotAllowedNow

MAIL_BYTES = timedelta(days=62)
TOKENS = timedelta(days=30)
# Rows of sessions that time has ended; the longest lasts seven days.
SESSIONS = timedelta(days=8)
CONVERSATIONS = timedelta(days=183)
ANSWERS = timedelta(days=366)
# Told at 23 months, erased at 24.
IDLE = timedelta(days=730) - personal_data_erasing.WAIT_IDLE
PROSPECTS = timedelta(days=3 * 365 + 1)
# Of one night, so that a task ends in time; the next night takes the rest.
MOST = 200


def forget_mails(*, at: datetime) -> int:
    """Empty mails that are two months old: what stays is which fact they told, to which structure, and when they left."""
    over = (OutboxMail.created_at < at - MAIL_BYTES, OutboxMail.status.not_in((MailStatus.QUEUED, MailStatus.SENDING)))
    some = or_(func.length(OutboxMail.message) > 0, OutboxMail.recipient != "")
    emptied = {"message": b"", "recipient": "", "subject": "", "last_error": "", "returned_words": None}
    return count(update(OutboxMail).where(*over, some).values(emptied).returning(OutboxMail.id))


def forget_audit(*, at: datetime) -> int:
    return audit.forget(at=at)


def forget_contact_views(*, at: datetime) -> int:
    """Who looked at whose contact details a year ago."""
    return contact_log.forget(at=at)


def forget_tokens(*, at: datetime) -> int:
    """Links that ended a month ago, sessions that are over, and exports whose day is over."""
    ended = func.least(AccountToken.expires_at, func.coalesce(AccountToken.ended_at, AccountToken.expires_at))
    gone = count(delete(AccountToken).where(ended < at - TOKENS).returning(AccountToken.id))
    gone += count(delete(SpentLink).where(SpentLink.ended_at < at - TOKENS).returning(SpentLink.token_hash))
    gone += count(delete(UserSession).where(UserSession.created_at < at - SESSIONS).returning(UserSession.id))
    return gone + personal_data_export.forget_old(at=at)


def forget_ways_in(*, at: datetime) -> int:
    """Sign-ups and invitations that ended a month ago, requests that were decided a year ago, what the directory of companies said too long ago."""
    gone = count(delete(SignUp).where(SignUp.expires_at < at - TOKENS).returning(SignUp.id))
    gone += count(delete(MemberInvitation).where(MemberInvitation.expires_at < at - TOKENS).returning(MemberInvitation.id))
    gone += count(delete(JoinRequest).where(func.coalesce(JoinRequest.decided_at, JoinRequest.created_at) < at - ANSWERS).returning(JoinRequest.id))
    return gone + count(delete(CompanyRecord).where(CompanyRecord.fetched_at < at - 2 * company_search.KEPT).returning(CompanyRecord.number))


def forget_conversations(*, at: datetime) -> int:
    return count(delete(Message).where(Message.sent_at < at - CONVERSATIONS).returning(Message.id))


def forget_answers(*, at: datetime) -> int:
    """A year after a job dating: who answered what when goes; how many came stays."""
    past = select(JobDating.id).where(JobDating.ends_at < at - ANSWERS)
    invited = select(Invitation.id).where(Invitation.job_dating_id.in_(past))
    came = select(Participant.id).where(Participant.job_dating_id.in_(past))
    gone = count(delete(InvitationAnswer).where(InvitationAnswer.invitation_id.in_(invited)).returning(InvitationAnswer.id))
    gone += count(delete(CalendarReply).where(CalendarReply.invitation_id.in_(invited)).returning(CalendarReply.id))
    gone += count(delete(InvitationNotice).where(InvitationNotice.invitation_id.in_(invited)).returning(InvitationNotice.id))
    gone += count(update(Invitation).where(Invitation.id.in_(invited), Invitation.email != "").values(email="").returning(Invitation.id))
    gone += count(update(PresenceAct).where(PresenceAct.participant_id.in_(came), PresenceAct.by != "").values(by="").returning(PresenceAct.id))
    return gone + count(update(PlanChange).where(PlanChange.job_dating_id.in_(past), PlanChange.by != "").values(by="").returning(PlanChange.id))


def warn_idle(*, at: datetime, settings: outbox.MailSettings) -> int:
    """Accounts that nobody opened for 23 months: their owners are told, and have a month to come back."""
    last_visit = func.coalesce(User.last_login_at, User.created_at)
    asked = select(ErasureRequest.user_id)
    query = select(User).where(last_visit < at - IDLE, ~User.is_demo, User.id.not_in(asked)).order_by(last_visit, User.id).limit(MOST)
    told = 0
    for user in db.session.scalars(query).all():
        try:
            personal_data_erasing.ask(user, settings=settings, is_for_idleness=True, at=at)
        except NotAllowedNow:
            # The last of the administration: somebody must be able to open the door.
            continue
        told += 1
    return told


def forget_prospects(*, at: datetime, settings: outbox.MailSettings) -> int:
    """Structures that somebody listed, that never had an account, and that gave no sign for three years. A mail that left is no sign."""
    has_account = select(User.organisation_id).where(User.organisation_id.is_not(None))
    query = select(Organisation).where(Organisation.erased_at.is_(None), Organisation.id.not_in(has_account), Organisation.created_at < at - PROSPECTS)
    recent = at - PROSPECTS
    signs = (
        since(Proposal.organisation_id, Proposal.answered_at > recent),
        since(Invitation.organisation_id, Invitation.answered_at > recent),
        since(Need.organisation_id, Need.updated_at > recent),
        since(Offer.organisation_id, Offer.updated_at > recent),
        since(Participant.organisation_id, Participant.said_at > recent),
    )
    silent = query.where(*(~Organisation.id.in_(sign) for sign in signs)).order_by(Organisation.created_at, Organisation.id).limit(MOST)
    found = db.session.scalars(silent).all()
    for organisation in found:
        personal_data_erasing.erase_structure(organisation, settings=settings)
    return len(found)


def since(column: Any, condition: ColumnElement[bool]) -> Any:
    """Structures of which there is such a sign."""
    return select(column).where(condition)


def count(statement: object) -> int:
    return len(db.session.scalars(statement).all())  # type: ignore[call-overload]


# What a night does, in this order: each by itself, so that one that fails keeps none of the others. The last ones write to people.
SILENT: tuple[Callable[..., int], ...] = (forget_mails, forget_audit, forget_contact_views, forget_tokens, forget_ways_in, forget_conversations, forget_answers)
TELLING: tuple[Callable[..., int], ...] = (warn_idle, forget_prospects)
