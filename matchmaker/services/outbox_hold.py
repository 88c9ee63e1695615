"""While the outbox is on hold: what waits, and the person's word on each mail.

After a backup was restored the outbox holds mails that left in truth, after the backup was made. Only the relay's log knows which.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import defer

from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.services.outbox_sending import reclaim_dead


def waiting() -> list[OutboxMail]:
    """What may still leave, oldest first. Without the bytes."""
    query: Select[OutboxMail] = select(OutboxMail).where(OutboxMail.status.in_((MailStatus.QUEUED, MailStatus.SENDING)))
    return list(db.session.scalars(query.options(defer(OutboxMail.message)).order_by(OutboxMail.id)))


def release(numbers: Collection[int] | None, *, now: datetime) -> int:
    """Let these mails leave (all that wait without numbers). Returns how many."""
    reclaim_dead(now=now)
    where = (*_chosen(numbers), OutboxMail.released_at.is_(None))
    return len(db.session.scalars(update(OutboxMail).where(*where).values(released_at=now).returning(OutboxMail.id)).all())


def cancel(numbers: Collection[int] | None, *, now: datetime) -> int:
    """Never send these mails (all that wait without numbers). Returns how many."""
    reclaim_dead(now=now)
    return len(db.session.scalars(update(OutboxMail).where(*_chosen(numbers)).values(status=MailStatus.CANCELLED).returning(OutboxMail.id)).all())


def _chosen(numbers: Collection[int] | None) -> tuple[ColumnElement[bool], ...]:
    queued = OutboxMail.status == MailStatus.QUEUED
    return (queued,) if numbers is None else (queued, OutboxMail.id.in_(numbers))
