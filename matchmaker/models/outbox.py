"""Mails to send: rendered to their final bytes in the business transaction, sent later by a worker."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, now, stored
from matchmaker.models.organisations import Organisation


class MailStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    # Taken by the relay, then sent back by the recipient's server.
    BOUNCED = "bounced"


# Where a mail may go from where it stands. A trigger of the database refuses every other way.
ARROWS = frozenset(
    {
        (MailStatus.QUEUED, MailStatus.SENDING),
        (MailStatus.QUEUED, MailStatus.SUPERSEDED),
        (MailStatus.QUEUED, MailStatus.CANCELLED),
        # It waited until it was of no use.
        (MailStatus.QUEUED, MailStatus.FAILED),
        (MailStatus.SENDING, MailStatus.SENT),
        (MailStatus.SENDING, MailStatus.QUEUED),
        (MailStatus.SENDING, MailStatus.FAILED),
        (MailStatus.SENT, MailStatus.BOUNCED),
        # Somebody asked for one more try.
        (MailStatus.FAILED, MailStatus.QUEUED),
    }
)


class OutboxMail(Base):
    """One mail to one recipient. Its bytes never change, so that a second copy is the same to the letter."""

    __tablename__ = "outbox_mail"
    __table_args__ = (
        CheckConstraint("(status = 'sending') = (claimed_by IS NOT NULL)", name="sending_has_a_worker"),
        CheckConstraint("(status IN ('sent', 'bounced')) = (sent_at IS NOT NULL)", name="sent_has_a_time"),
        CheckConstraint("attempts >= 0", name="attempts_count_up"),
        Index("uq_outbox_mail_idempotency_key", "idempotency_key", unique=True),
        Index("ix_outbox_mail_due", "not_before", "id", postgresql_where=text("status = 'queued'")),
        # Next to none: a report that was read before its mail was known to have left.
        Index("ix_outbox_mail_returned", "id", postgresql_where=text("returned_words IS NOT NULL")),
        Index("ix_outbox_mail_claimed_by", "claimed_by", postgresql_where=text("status = 'sending'")),
        Index("ix_outbox_mail_thread_id", "thread", "id"),
        # Mails of one thread are under way one at a time, whatever two workers saw.
        Index("uq_outbox_mail_thread_under_way", "thread", unique=True, postgresql_where=text("status = 'sending'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # {uid}:{recipient}:{method}:{sequence}: the same business fact queued twice is one row.
    idempotency_key: Mapped[str]
    # The first part of the key: mails about one thing, of which the newest says how it stands.
    thread: Mapped[str] = mapped_column(Computed("split_part(idempotency_key, ':', 1)", persisted=True))
    # The name of its templates, which says what it is about: « invitation », « proposals ».
    kind: Mapped[str] = mapped_column(default="")
    recipient: Mapped[str] = mapped_column(index=True)
    domain: Mapped[str] = mapped_column(Computed("lower(substring(recipient from '[^@]*$'))", persisted=True))
    # The structure that it is written to, by which its animator finds it.
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id", ondelete="SET NULL"), index=True)
    subject: Mapped[str]
    # By which a report of its failure names it.
    message_id: Mapped[str] = mapped_column(index=True)
    message: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[MailStatus] = mapped_column(stored(MailStatus), default=MailStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=now)
    # The moment after which the mail makes no sense any more: the start of the job dating.
    useless_after: Mapped[datetime | None]
    # While the outbox is on hold, only what a person released leaves.
    released_at: Mapped[datetime | None]
    claimed_by: Mapped[int | None]
    is_maybe_twice: Mapped[bool] = mapped_column(default=False)
    last_code: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(default="")
    # What a report of its failure says while it is not known to have left: applied as soon as it is.
    returned_code: Mapped[int | None]
    returned_words: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    # Of its state, or of anything else that a worker or a person wrote.
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    sent_at: Mapped[datetime | None]

    organisation: Mapped[Organisation | None] = relationship()


class RelayState(Base):
    """The circuit breaker of all workers: one row, about the one relay that takes our mails."""

    __tablename__ = "relay_state"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_relay"),
        CheckConstraint("(failures > 0) = (closed_until IS NOT NULL)", name="closed_after_failures"),
        CheckConstraint("probed_by IS NULL OR failures > 0", name="probed_while_closed"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # In a row, since the last answer.
    failures: Mapped[int] = mapped_column(default=0)
    # Nobody sends before. Afterwards one worker does, and its mail decides.
    closed_until: Mapped[datetime | None]
    probed_by: Mapped[int | None]
    last_code: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(default="")


class DomainPace(Base):
    """When the next mail to a domain may leave. Unlogged: what a crash takes away is a pause of a tenth of a second."""

    __tablename__ = "domain_pace"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    domain: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
