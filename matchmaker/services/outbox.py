"""The outbox: mails are queued as rows, rendered, in the transaction of the fact that they tell; a worker sends them later.

Arrows: queued → sending → sent | failed | queued again; queued → superseded | cancelled | failed. Each is one guarded UPDATE.
The first part of an idempotency key, up to the colon, names the thread: mails of one thread leave in their order.
"""

import logging
import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.models.base import now as present

log = logging.getLogger(__name__)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# After the last of these, about 43 hours after the first try, it is time to call by telephone.
RETRIES = (MINUTE / 2, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *(HOUR * hours for hours in (1, 1, 2, 2, 4, 4, 8, 8, 12)))
# Several changes of one thing within this time are one mail: the last state.
COALESCE = 10 * MINUTE
# While the relay takes nothing, a mail waits this long before it is its turn again. That is no try.
PAUSE = timedelta(seconds=10)
# Space of the advisory locks of sending workers ("mail" in ASCII); the second half is the worker's key.
LOCKS = 0x6D61696C
TOO_LATE = "too late to be of use"


@dataclass(frozen=True)
class MailSettings:
    """What a mail needs to know of the installation. Links are made from ``public_url`` only; ``secret`` signs them."""

    sender: str
    public_url: str
    secret: str

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        return cls(sender=config["MAIL_SENDER"], public_url=config["PUBLIC_URL"], secret=config["SECRET_KEY"])

    @property
    def host(self) -> str:
        """The right half of Message-IDs and UIDs."""
        return urlsplit(self.public_url).hostname or "localhost"


def queue(
    name: str,
    *,
    uid: str,
    recipient: str,
    settings: MailSettings,
    organisation_id: UUID | None = None,
    idempotency_key: str | None = None,
    reply_to: str = "",
    useless_after: datetime | None = None,
    not_before: datetime | None = None,
    coalesce: timedelta | None = None,
    calendar: tuple[str, str] | None = None,
    **context: Any,
) -> bool:
    """Compose templates/email/``name`` and queue it. True when it is new; False when it is queued already or the address is none.

    ``uid`` names the fact that the mail tells, ``organisation_id`` the structure that is written to; the idempotency key is ``uid``
    unless several mails are about the same fact.
    With ``coalesce`` (usually COALESCE) the mail says the last state of its thread: it takes the place of those that still wait, and
    leaves that long after the last one that left; at once when it would come too late otherwise.
    The templates get ``context`` and ``public_url``. Without ``reply_to`` an answer goes to the sender.
    """
    to = writable(recipient)
    if to is None:
        log.warning("mail %s for %s has no usable address", name, uid)
        return False
    key = idempotency_key or uid
    message_id = f"<{key.replace(':', '.')}@{settings.host}>"
    composed = mail.compose(
        name,
        recipient=to,
        sender=settings.sender,
        reply_to=mail.address(reply_to) or settings.sender,
        message_id=message_id,
        date=present(),
        calendar=calendar,
        public_url=settings.public_url,
        **context,
    )
    return queue_mail(
        idempotency_key=key,
        composed=composed,
        recipient=to,
        message_id=message_id,
        kind=name,
        organisation_id=organisation_id,
        useless_after=useless_after,
        not_before=not_before,
        coalesce=coalesce,
    )


def writable(recipient: str) -> str | None:
    """The address to write to, as SMTP carries it; nothing when no mail may or can go there."""
    return mail.address(recipient)


def queue_mail(
    *,
    idempotency_key: str,
    composed: mail.Composed,
    recipient: str,
    message_id: str,
    kind: str = "",
    organisation_id: UUID | None = None,
    useless_after: datetime | None = None,
    not_before: datetime | None = None,
    coalesce: timedelta | None = None,
) -> bool:
    """Queue a mail in its final bytes, unless its key is known: then the first one stays as it is, and False is returned."""
    due = not_before or present()
    thread = idempotency_key.partition(":")[0]
    if coalesce is not None:
        # Two newer mails of one thread at once: the second waits here, then finds the first one and takes its place.
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(thread, 0))))
        due = _after_the_last(thread, due, pause=coalesce, useless_after=useless_after)
    row = {
        "idempotency_key": idempotency_key,
        "kind": kind,
        "recipient": recipient,
        "organisation_id": organisation_id,
        "subject": composed.subject,
        "message_id": message_id,
        "message": composed.message,
        "useless_after": useless_after,
        "not_before": due,
    }
    statement = insert(OutboxMail).values(row).on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(OutboxMail.id)
    mail_id = db.session.scalar(statement)
    if mail_id is not None and coalesce is not None:
        _close(thread, MailStatus.SUPERSEDED, OutboxMail.id < mail_id)
    return mail_id is not None


def _after_the_last(thread: str, due: datetime, *, pause: timedelta, useless_after: datetime | None) -> datetime:
    """When a newer mail of the thread leaves: not sooner than ``pause`` after the last one, unless it would come too late then."""
    # One that is under way, or that may have arrived, counts as leaving now.
    left = case((OutboxMail.status.in_((MailStatus.SENT, MailStatus.BOUNCED)), OutboxMail.sent_at), else_=present())
    is_out = OutboxMail.status.in_((MailStatus.SENT, MailStatus.BOUNCED, MailStatus.SENDING)) | OutboxMail.is_maybe_twice
    last = db.session.scalar(select(func.max(left)).where(_of(thread), is_out))
    if last is None or last + pause <= due:
        return due
    return due if useless_after is not None and last + pause >= useless_after else last + pause


def withdraw(thread: str) -> None:
    """Cancel the mails of the thread that surely have not left. The others are untouched."""
    _close(thread, MailStatus.CANCELLED, OutboxMail.is_maybe_twice.is_(False))


def supersede(thread: str) -> None:
    """The thread's mails that still wait give way to the newer one that the caller queues now."""
    _close(thread, MailStatus.SUPERSEDED)


def may_have_left(thread: str) -> bool:
    """Has any mail of the thread been sent, or may one have been? One that is being sent counts."""
    left = OutboxMail.status.in_((MailStatus.SENDING, MailStatus.SENT)) | OutboxMail.is_maybe_twice
    return db.session.scalar(select(OutboxMail.id).where(_of(thread), left).limit(1)) is not None


def latest_statuses(threads: Collection[str]) -> dict[str, MailStatus]:
    """Thread → where its newest mail stands. A thread without any mail is absent."""
    thread = func.split_part(OutboxMail.idempotency_key, ":", 1)
    query = select(thread.label("thread"), OutboxMail.status).where(thread.in_(threads)).order_by(OutboxMail.id)
    return {row.thread: row.status for row in db.session.execute(query)}


def _close(thread: str, status: MailStatus, *conditions: ColumnElement[bool]) -> None:
    where = (_of(thread), OutboxMail.status == MailStatus.QUEUED, *conditions)
    db.session.execute(update(OutboxMail).where(*where).values(status=status))


def _of(thread: str) -> ColumnElement[bool]:
    return OutboxMail.idempotency_key.startswith(f"{thread}:", autoescape=True)


@contextmanager
def worker() -> Iterator[int]:
    """A key for claiming mails, alive exactly as long as this process and its database session are.

    An advisory lock says so: the server drops it at the moment of a `kill -9`, so that there is no lease to tune.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            key = random.getrandbits(31)
            while not connection.scalar(select(func.pg_try_advisory_lock(LOCKS, key))):
                key = random.getrandbits(31)
            yield key
        finally:
            # Given back at once: after a close the server takes a moment to notice. And really closed: the pool would keep the session.
            with suppress(DBAPIError):
                connection.execute(select(func.pg_advisory_unlock_all()))
            connection.invalidate()


def reclaim_dead(*, now: datetime) -> int:
    """Queue again what workers that died were sending: it may have left, so that it may come twice. Returns how many."""
    keys = db.session.scalars(select(OutboxMail.claimed_by).where(OutboxMail.status == MailStatus.SENDING).distinct()).all()
    # Who can take a worker's lock knows that nobody holds it. It is given back at the end of this transaction.
    dead = [key for key in keys if db.session.scalar(select(func.pg_try_advisory_xact_lock(LOCKS, key)))]
    if not dead:
        return 0
    where = (OutboxMail.status == MailStatus.SENDING, OutboxMail.claimed_by.in_(dead))
    values = {
        "status": MailStatus.QUEUED,
        "claimed_by": None,
        "attempts": OutboxMail.attempts + 1,
        "not_before": now,
        "is_maybe_twice": True,
        "last_error": "the worker died while sending",
    }
    rows = db.session.execute(update(OutboxMail).where(*where).values(values).returning(OutboxMail.id, OutboxMail.idempotency_key)).all()
    for mail_id, key in rows:
        _give_way_to_newer(mail_id, key)
    return len(rows)


def give_up_late(*, now: datetime) -> int:
    """Fail what waits although it is of no use any more. Returns how many."""
    where = (OutboxMail.status == MailStatus.QUEUED, OutboxMail.useless_after <= now)
    rows = db.session.scalars(update(OutboxMail).where(*where).values(status=MailStatus.FAILED, last_error=TOO_LATE).returning(OutboxMail.id))
    return len(rows.all())


@dataclass(frozen=True)
class Claimed:
    """A mail in a worker's hands. Plain values: no transaction stays open while it is sent."""

    id: int
    idempotency_key: str
    recipient: str
    message: bytes
    attempts: int
    useless_after: datetime | None


def claim_one(*, worker: int, now: datetime) -> Claimed | None:
    """Take the mail that is due first. The caller commits before it sends: the claim is what tells a lost worker's mail."""
    older = aliased(OutboxMail)
    is_older_under_way = (
        select(older.id)
        .where(
            older.status == MailStatus.SENDING,
            older.id < OutboxMail.id,
            func.split_part(older.idempotency_key, ":", 1) == func.split_part(OutboxMail.idempotency_key, ":", 1),
        )
        .exists()
    )
    due = (
        select(OutboxMail.id)
        .where(OutboxMail.status == MailStatus.QUEUED, OutboxMail.not_before <= now, ~is_older_under_way)
        .order_by(OutboxMail.not_before, OutboxMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    columns = (OutboxMail.id, OutboxMail.idempotency_key, OutboxMail.recipient, OutboxMail.message, OutboxMail.attempts, OutboxMail.useless_after)
    statement = update(OutboxMail).where(OutboxMail.id == due).values(status=MailStatus.SENDING, claimed_by=worker).returning(*columns)
    row = db.session.execute(statement, execution_options={"synchronize_session": False}).one_or_none()
    return Claimed(*row) if row is not None else None


def record(claimed: Claimed, outcome: mail.Outcome, *, worker: int, now: datetime) -> bool:
    """Write what became of a claimed mail. False when it is not this worker's any more: nothing is written then."""
    match outcome:
        case mail.Sent():
            return mark_sent(claimed, code=outcome.code, worker=worker, now=now)
        case mail.Permanent():
            return mark_failed(claimed, code=outcome.code, error=outcome.text, worker=worker)
        case mail.Unreachable():
            return mark_waiting(claimed, code=outcome.code, error=outcome.text, worker=worker, now=now)
        case mail.Temporary():
            return mark_retry(claimed, code=outcome.code, error=outcome.text, is_ambiguous=outcome.is_ambiguous, worker=worker, now=now)


def mark_sent(claimed: Claimed, *, code: int, worker: int, now: datetime) -> bool:
    return _release(claimed, worker, status=MailStatus.SENT, sent_at=now, attempts=claimed.attempts + 1, last_code=code, last_error="")


def mark_failed(claimed: Claimed, *, code: int | None, error: str, worker: int, is_ambiguous: bool = False) -> bool:
    """No further try: somebody must call."""
    flag = {"is_maybe_twice": True} if is_ambiguous else {}
    return _release(claimed, worker, status=MailStatus.FAILED, attempts=claimed.attempts + 1, last_code=code, last_error=error, **flag)


def mark_waiting(claimed: Claimed, *, code: int | None, error: str, worker: int, now: datetime) -> bool:
    """The relay takes nothing: back to the queue, without counting a try."""
    done = _release(claimed, worker, status=MailStatus.QUEUED, not_before=now + PAUSE, last_code=code, last_error=error)
    return done and _give_way_to_newer(claimed.id, claimed.idempotency_key)


def mark_retry(claimed: Claimed, *, code: int | None, error: str, is_ambiguous: bool, worker: int, now: datetime) -> bool:
    """Back to the queue for a later try; failed when there is none left, or when it would come too late."""
    again = now + RETRIES[claimed.attempts] * random.uniform(0.8, 1.2) if claimed.attempts < len(RETRIES) else None
    if again is None or (claimed.useless_after is not None and again >= claimed.useless_after):
        return mark_failed(claimed, code=code, error=error, worker=worker, is_ambiguous=is_ambiguous)
    flag = {"is_maybe_twice": True} if is_ambiguous else {}
    columns = {"attempts": claimed.attempts + 1, "not_before": again, "last_code": code, "last_error": error, **flag}
    return _release(claimed, worker, status=MailStatus.QUEUED, **columns) and _give_way_to_newer(claimed.id, claimed.idempotency_key)


def _release(claimed: Claimed, worker: int, **columns: Any) -> bool:
    where = (OutboxMail.id == claimed.id, OutboxMail.status == MailStatus.SENDING, OutboxMail.claimed_by == worker)
    statement = update(OutboxMail).where(*where).values(claimed_by=None, **columns).returning(OutboxMail.id)
    return db.session.scalar(statement) is not None


def _give_way_to_newer(mail_id: int, key: str) -> bool:
    """Supersede a mail that came back to the queue if a newer one of its thread was queued meanwhile. Always True.

    Runs after the UPDATE that locked the row: whoever queues a newer mail locks it too, so that one of the two sees the other.
    """
    newer = select(OutboxMail.id).where(_of(key.partition(":")[0]), OutboxMail.id > mail_id).limit(1)
    if ":" in key and db.session.scalar(newer) is not None:
        where = (OutboxMail.id == mail_id, OutboxMail.status == MailStatus.QUEUED)
        db.session.execute(update(OutboxMail).where(*where).values(status=MailStatus.SUPERSEDED))
    return True


def is_any_due(*, now: datetime) -> bool:
    return db.session.scalar(select(OutboxMail.id).where(OutboxMail.status == MailStatus.QUEUED, OutboxMail.not_before <= now).limit(1)) is not None
