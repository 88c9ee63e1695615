"""What became of a mail: one guarded UPDATE for each outcome, so that only the worker that holds it can write."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.services import addresses

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# After the last of these, about 43 hours after the first try, it is time to call by telephone.
RETRIES = (MINUTE / 2, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *(HOUR * hours for hours in (1, 1, 2, 2, 4, 4, 8, 8, 12)))
# While the relay takes nothing, a mail waits this long before it is its turn again. That is no try.
PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)


@dataclass(frozen=True)
class Claimed:
    """A mail in a worker's hands. Plain values: no transaction stays open while it is sent."""

    id: int
    idempotency_key: str
    thread: str
    recipient: str
    message: bytes
    attempts: int
    created_at: datetime
    useless_after: datetime | None


def record(claimed: Claimed, outcome: mail.Outcome, *, worker: int, now: datetime) -> bool:
    """Write what became of a claimed mail. False when it is not this worker's any more: nothing is written then."""
    match outcome:
        case mail.Sent():
            return mark_sent(claimed, code=outcome.code, worker=worker, now=now)
        case mail.Permanent():
            is_ours = mark_failed(claimed, code=outcome.code, error=outcome.text, worker=worker)
            if is_ours:
                addresses.note_refusal(claimed.recipient, outcome, mail_id=claimed.id, attempts=claimed.attempts + 1)
            return is_ours
        case mail.Unreachable():
            return mark_waiting(claimed, code=outcome.code, error=outcome.text, worker=worker, now=now)
        case mail.Temporary():
            return mark_retry(claimed, outcome, worker=worker, now=now)


def mark_sent(claimed: Claimed, *, code: int, worker: int, now: datetime) -> bool:
    return _release(claimed, worker, status=MailStatus.SENT, attempts=claimed.attempts + 1, sent_at=now, last_code=code, last_error="")


def mark_failed(claimed: Claimed, *, code: int | None, error: str, worker: int, is_ambiguous: bool = False) -> bool:
    """No further try: somebody must call."""
    flag = {"is_maybe_twice": True} if is_ambiguous else {}
    return _release(claimed, worker, status=MailStatus.FAILED, attempts=claimed.attempts + 1, last_code=code, last_error=error, **flag)


def mark_waiting(claimed: Claimed, *, code: int | None, error: str, worker: int, now: datetime) -> bool:
    """The relay takes nothing: back to the queue, without counting a try.

    An old mail waits longer: should the relay hang up because of this very mail, it must not stand in the way of the others.
    """
    pause = min(max(PAUSE, (now - claimed.created_at) / 10), LONGEST_PAUSE)
    return _queue_again(claimed, worker, not_before=now + pause, last_code=code, last_error=error)


def mark_retry(claimed: Claimed, refusal: mail.Temporary, *, worker: int, now: datetime) -> bool:
    """Back to the queue for a later try; failed when there is none left, or when it would come too late. The address is counted a bounce then."""
    again = now + RETRIES[claimed.attempts] * random.uniform(0.8, 1.2) if claimed.attempts < len(RETRIES) else None
    if again is None or (claimed.useless_after is not None and again >= claimed.useless_after):
        is_ours = mark_failed(claimed, code=refusal.code, error=refusal.text, worker=worker, is_ambiguous=refusal.is_ambiguous)
        if is_ours:
            addresses.note_refusal(claimed.recipient, refusal, mail_id=claimed.id, attempts=claimed.attempts + 1)
        return is_ours
    flag = {"is_maybe_twice": True} if refusal.is_ambiguous else {}
    return _queue_again(claimed, worker, attempts=claimed.attempts + 1, not_before=again, last_code=refusal.code, last_error=refusal.text, **flag)


def _queue_again(claimed: Claimed, worker: int, **columns: Any) -> bool:
    done = _release(claimed, worker, status=MailStatus.QUEUED, **columns)
    if done:
        give_way_to_newer(claimed.id, claimed.thread)
    return done


def _release(claimed: Claimed, worker: int, **columns: Any) -> bool:
    where = (OutboxMail.id == claimed.id, OutboxMail.status == MailStatus.SENDING, OutboxMail.claimed_by == worker)
    statement = update(OutboxMail).where(*where).values(claimed_by=None, **columns).returning(OutboxMail.id)
    return db.session.scalar(statement) is not None


def give_way_to_newer(mail_id: int, thread: str) -> None:
    """Supersede a mail that came back to the queue if a newer one of its thread is there.

    One that is queued in the same instant is not seen here; it overtakes this mail then, which is never claimed afterwards.
    """
    newer = select(OutboxMail.id).where(OutboxMail.thread == thread, OutboxMail.id > mail_id).limit(1)
    if db.session.scalar(newer) is not None:
        where = (OutboxMail.id == mail_id, OutboxMail.status == MailStatus.QUEUED)
        db.session.execute(update(OutboxMail).where(*where).values(status=MailStatus.SUPERSEDED))
