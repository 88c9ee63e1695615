"""Mails in the hands of workers: claimed one at a time, taken back from the dead, given up when they are of no use any more."""

from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, DateTime, Executable, Integer, Interval, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from matchmaker.extensions import db
from matchmaker.models import Base, DomainPace, MailStatus, OutboxMail
from matchmaker.services.outbox_locks import is_dead
from matchmaker.services.outbox_recording import Claimed, give_way_to_newer
from matchmaker.services.outbox_relay import is_closed_to

TOO_LATE = "too late to be of use"
NAMES = [field.name for field in fields(Claimed)]
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
    # The session's connection and not the session: at some hundred mails in a second, what the ORM does around a statement is felt.
    row = db.session.connection().execute(_claim(bool(pace), only_released), {"worker": worker, "now": now, "pace": pace}).one_or_none()
    return Claimed(*row) if row is not None else None


@cache
def _claim(is_paced: bool, only_released: bool) -> Executable:
    """One statement: choose, mark, and note when the next one of the domain may leave. Built once: building takes longer than running."""
    now, worker, pace = bindparam("now", type_=DateTime(timezone=True)), bindparam("worker", type_=Integer), bindparam("pace", type_=Interval)
    due = select(OutboxMail.id).where(_is_due(now, only_released), ~is_closed_to(worker), ~_is_under_way(), ~_is_overtaken())
    if is_paced:
        due = due.where(OutboxMail.domain.not_in(select(DomainPace.domain).where(DomainPace.next_at > now)))
    first = due.order_by(OutboxMail.not_before, OutboxMail.id).limit(1).with_for_update(skip_locked=True).scalar_subquery()
    mails = Base.metadata.tables["outbox_mail"]
    marked = update(mails).where(mails.c.id == first).values(status=MailStatus.SENDING, claimed_by=worker)
    columns = [mails.c[name] for name in NAMES]
    if not is_paced:
        return marked.returning(*columns)
    claimed = marked.returning(*columns, mails.c.domain).cte("claimed")
    noted = insert(DomainPace).from_select(["domain", "next_at"], select(claimed.c.domain, now + pace))
    later = func.greatest(DomainPace.next_at, now) + pace
    paced = noted.on_conflict_do_update(index_elements=["domain"], set_={"next_at": later}).cte("paced")
    return select(*(claimed.c[name] for name in NAMES)).add_cte(paced)


def is_any_due(*, now: datetime, only_released: bool = False) -> bool:
    return db.session.scalar(select(OutboxMail.id).where(_is_due(now, only_released)).limit(1)) is not None


def forget_paces(*, now: datetime) -> None:
    """Domains that have not been written to lately need no row."""
    db.session.execute(delete(DomainPace).where(DomainPace.next_at < now - timedelta(hours=1)))


def _is_due(now: datetime | ColumnElement[datetime], only_released: bool) -> ColumnElement[bool]:
    due = (OutboxMail.status == MailStatus.QUEUED) & (OutboxMail.not_before <= now)
    return due & OutboxMail.released_at.is_not(None) if only_released else due


# With an offset of nothing these stay questions about one mail, answered by the index of threads: as a join, PostgreSQL would
# read every mail ever sent for each claim.


def _is_under_way() -> ColumnElement[bool]:
    other = aliased(OutboxMail)
    return select(other.id).where(other.thread == OutboxMail.thread, other.status == MailStatus.SENDING).offset(0).exists()


def _is_overtaken() -> ColumnElement[bool]:
    newer = aliased(OutboxMail)
    return select(newer.id).where(newer.thread == OutboxMail.thread, newer.id > OutboxMail.id, newer.status.in_(LEFT)).offset(0).exists()
