"""Mails in the hands of workers: claimed one at a time, taken back from the dead, given up when they are of no use any more."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import aliased

from matchmaker.extensions import db
from matchmaker.models import DomainPace, MailStatus, OutboxMail
from matchmaker.services.outbox_locks import is_dead
from matchmaker.services.outbox_recording import Claimed, give_way_to_newer
from matchmaker.services.outbox_steps import step

TOO_LATE = "too late to be of use"
LEFT = (MailStatus.SENDING, MailStatus.SENT, MailStatus.BOUNCED)


def reclaim_dead(*, now: datetime) -> int:
    """Queue again what workers that died were sending: it may have left, so that it may come twice. Returns how many."""
    keys = db.session.scalars(select(OutboxMail.claimed_by).where(OutboxMail.status == MailStatus.SENDING).distinct()).all()
    dead = [key for key in keys if key is not None and db.session.scalar(select(is_dead(key)))]
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
    rows = db.session.execute(update(OutboxMail).where(*where).values(values).returning(OutboxMail.id, OutboxMail.thread)).all()
    for mail_id, thread in rows:
        give_way_to_newer(mail_id, thread)
    return len(rows)


def give_up_late(*, now: datetime) -> int:
    """Fail what waits although it is of no use any more. Returns how many."""
    where = (OutboxMail.status == MailStatus.QUEUED, OutboxMail.useless_after <= now)
    rows = db.session.scalars(update(OutboxMail).where(*where).values(status=MailStatus.FAILED, last_error=TOO_LATE).returning(OutboxMail.id))
    return len(rows.all())


def supersede_overtaken() -> int:
    """Close what waits although a newer mail of its thread has left. Returns how many."""
    where = (OutboxMail.status == MailStatus.QUEUED, _is_overtaken())
    rows = db.session.scalars(update(OutboxMail).where(*where).values(status=MailStatus.SUPERSEDED).returning(OutboxMail.id))
    return len(rows.all())


def claim_one(*, worker: int, now: datetime, pace: timedelta = timedelta(), only_released: bool = False) -> Claimed | None:
    """Take the mail that is due first. The caller commits before it sends: the claim is what tells a lost worker's mail.

    ``pace`` is the time between two mails to one domain. Nothing is claimed while the relay is closed to this worker.
    Raises IntegrityError when another worker claimed a mail of the same thread in the same instant: it is seen the next time.
    """
    _, claimed = step(db.session.connection(), worker=worker, now=now, pace=pace, only_released=only_released)
    return claimed


def is_any_due(*, now: datetime, only_released: bool = False, at_least: int = 1) -> bool:
    """Are that many mails due? They may have to wait for their thread or their domain."""
    due = select(OutboxMail.id).where(_is_due(now, only_released)).limit(at_least).subquery()
    return db.session.scalar(select(func.count()).select_from(due)) == at_least


def forget_paces(*, now: datetime) -> None:
    """Domains that have not been written to lately need no row."""
    db.session.execute(delete(DomainPace).where(DomainPace.next_at < now - timedelta(hours=1)))


def _is_due(now: datetime, only_released: bool) -> ColumnElement[bool]:
    due = (OutboxMail.status == MailStatus.QUEUED) & (OutboxMail.not_before <= now)
    return due & OutboxMail.released_at.is_not(None) if only_released else due


def _is_overtaken() -> ColumnElement[bool]:
    """As the claim asks: with an offset of nothing, one mail at a time, by the index of threads."""
    newer = aliased(OutboxMail)
    return select(newer.id).where(newer.thread == OutboxMail.thread, newer.id > OutboxMail.id, newer.status.in_(LEFT)).offset(0).exists()
