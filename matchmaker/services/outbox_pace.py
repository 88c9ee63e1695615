"""How often one person is written to, when nothing that they wait for is said."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail

# What can wait. An answer, an invitation, a change or a cancellation is somebody's appointment: those leave at once.
PATIENT = frozenset({"proposals", "reminder", "digest", "campaign"})
BETWEEN, A_DAY, MOST_A_DAY = timedelta(minutes=10), timedelta(hours=24), 5
COUNTED = (MailStatus.QUEUED, MailStatus.SENDING, MailStatus.SENT, MailStatus.BOUNCED)


def not_too_often(recipient: str, kind: str, due: datetime, *, useless_after: datetime | None) -> datetime:
    """When a mail of this kind may leave: of those that can wait, one in ten minutes and five in a day to one address.

    One that would come too late then leaves when it is due.
    """
    if kind not in PATIENT:
        return due
    leaves = func.coalesce(OutboxMail.sent_at, OutboxMail.not_before)
    query = select(leaves).where(OutboxMail.recipient == recipient, OutboxMail.kind.in_(PATIENT), OutboxMail.status.in_(COUNTED))
    latest = db.session.scalars(query.order_by(leaves.desc()).limit(MOST_A_DAY)).all()
    later = max([due, *(at + BETWEEN for at in latest[:1]), *(at + A_DAY for at in latest[MOST_A_DAY - 1 :])])
    return due if useless_after is not None and later >= useless_after else later
