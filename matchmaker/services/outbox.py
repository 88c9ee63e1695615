"""The outbox: mails are queued as rows, rendered, in the transaction of the fact that they tell; a worker sends them later.

The first part of an idempotency key, up to the colon, names the thread: mails about one thing to one guest. They leave in their
order, one at a time, and one that a newer mail of its thread has overtaken never leaves. A reminder is a thread of its own.
Queueing is here; outbox_sending claims mails, outbox_recording writes what became of them, outbox_relay is the circuit breaker.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from matchmaker import mail
from matchmaker.extensions import crash_point, db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.models.base import now as present
from matchmaker.services import addresses
from matchmaker.services.outbox_locks import worker
from matchmaker.services.outbox_pace import not_too_often
from matchmaker.services.outbox_recording import PAUSE, RETRIES, Claimed, record
from matchmaker.services.outbox_sending import TOO_LATE, claim_one, give_up_late, is_any_due, reclaim_dead

__all__ = ["PAUSE", "RETRIES", "TOO_LATE", "Claimed", "claim_one", "give_up_late", "is_any_due", "reclaim_dead", "record", "worker"]

log = logging.getLogger(__name__)

# Several changes of one thing within this time are one mail: the last state.
COALESCE = timedelta(minutes=10)


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
    """Compose templates/email/``name`` and queue it. True when it is new; False when it is queued already, or when the address is none or
    must not be written to: the mail is kept then, and does not leave.

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
    message_id = message_id_of(key, settings)
    composed = composed_for(to, name, message_id=message_id, settings=settings, reply_to=reply_to, calendar=calendar, **context)
    is_new = queue_mail(
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
    return is_new and not addresses.withhold({key: to}, name)


def message_id_of(key: str, settings: MailSettings) -> str:
    return f"<{key.replace(':', '.')}@{settings.host}>"


def composed_for(
    to: str, name: str, *, message_id: str, settings: MailSettings, reply_to: str = "", calendar: tuple[str, str] | None = None, **context: Any
) -> mail.Composed:
    """The mail of templates/email/``name`` to a writable address, in its final bytes."""
    return mail.compose(
        name,
        recipient=to,
        sender=settings.sender,
        reply_to=mail.address(reply_to) or settings.sender,
        message_id=message_id,
        date=present(),
        calendar=calendar,
        public_url=settings.public_url,
        **addresses.ways_out(to, name, public_url=settings.public_url, secret=settings.secret),
        **context,
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
    due = not_too_often(recipient, kind, not_before or present(), useless_after=useless_after)
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
    crash_point("queued")
    return mail_id is not None


def _after_the_last(thread: str, due: datetime, *, pause: timedelta, useless_after: datetime | None) -> datetime:
    """When a newer mail of the thread leaves: not sooner than ``pause`` after the last one, unless it would come too late then."""
    # One that is under way, or that may have arrived, counts as leaving now.
    left = case((OutboxMail.status.in_((MailStatus.SENT, MailStatus.BOUNCED)), OutboxMail.sent_at), else_=present())
    is_out = OutboxMail.status.in_((MailStatus.SENT, MailStatus.BOUNCED, MailStatus.SENDING)) | OutboxMail.is_maybe_twice
    last = db.session.scalar(select(func.max(left)).where(OutboxMail.thread == thread, is_out))
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
    return db.session.scalar(select(OutboxMail.id).where(OutboxMail.thread == thread, left).limit(1)) is not None


def latest_statuses(threads: Collection[str]) -> dict[str, MailStatus]:
    """Thread → where its newest mail stands. A thread without any mail is absent."""
    query = select(OutboxMail.thread, OutboxMail.status).where(OutboxMail.thread.in_(threads)).order_by(OutboxMail.id)
    return {row.thread: row.status for row in db.session.execute(query)}


def _close(thread: str, status: MailStatus, *conditions: ColumnElement[bool]) -> None:
    where = (OutboxMail.thread == thread, OutboxMail.status == MailStatus.QUEUED, *conditions)
    db.session.execute(update(OutboxMail).where(*where).values(status=status))
