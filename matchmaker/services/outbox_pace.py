"""How often one person is written to, when nothing that they wait for is said."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail

# What can wait. An answer, an invitation, a change or a cancellation is somebody's appointment: those leave at once.
PATIENT = frozenset({"proposals", "reminder", "digest", "territory_news", "campaign"})
BETWEEN, A_DAY, MOST_A_DAY = timedelta(minutes=10), timedelta(hours=24), 5
COUNTED = (MailStatus.QUEUED, MailStatus.SENDING, MailStatus.SENT, MailStatus.BOUNCED)


def not_too_often(recipient: str, kind: str, due: datetime, *, useless_after: datetime | None) -> datetime:
    """When a mail of this kind may leave: of those that can wait, one in ten minutes and five in a day to one address.

    One that would come too late then leaves when it is due.
    """
    if kind not in PATIENT:
        return due
    later = after(leaving([recipient], since=due - A_DAY).get(recipient, []), due)
    return due if useless_after is not None and later >= useless_after else later


def none_too_often(kind: str, wanted: Sequence[tuple[str, datetime]]) -> list[datetime]:
    """The same for many mails (address and time), one after the other, in one query. None of them ever comes too late."""
    if kind not in PATIENT or not wanted:
        return [due for _recipient, due in wanted]
    known = leaving({recipient for recipient, _due in wanted}, since=min(due for _recipient, due in wanted) - A_DAY)
    paced = []
    for recipient, due in wanted:
        times = known.setdefault(recipient, [])
        paced.append(after(times, due))
        times.append(paced[-1])
        times.sort(reverse=True)
    return paced


def leaving(recipients: Collection[str], *, since: datetime) -> dict[str, list[datetime]]:
    """Address → when its mails that can wait leave, or left, after this; the latest first."""
    leaves = func.coalesce(OutboxMail.sent_at, OutboxMail.not_before)
    query = select(OutboxMail.recipient, leaves).where(OutboxMail.recipient.in_(recipients), leaves > since)
    query = query.where(OutboxMail.kind.in_(PATIENT), OutboxMail.status.in_(COUNTED))
    found: dict[str, list[datetime]] = {}
    for recipient, at in db.session.execute(query.order_by(leaves.desc())):
        found.setdefault(recipient, []).append(at)
    return found


def after(latest: Sequence[datetime], due: datetime) -> datetime:
    """When the next one may leave after these, the latest first."""
    return max([due, *(at + BETWEEN for at in latest[:1]), *(at + A_DAY for at in latest[MOST_A_DAY - 1 : MOST_A_DAY])])
