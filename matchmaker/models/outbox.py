"""Mails to send: rendered to their final bytes in the business transaction, sent later by a worker."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base, now, stored


class MailStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class OutboxMail(Base):
    """One mail to one recipient. Its bytes never change, so that a second copy is the same to the letter."""

    __tablename__ = "outbox_mail"
    __table_args__ = (
        CheckConstraint("(status = 'sending') = (claimed_by IS NOT NULL)", name="sending_has_a_worker"),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_has_a_time"),
        CheckConstraint("attempts >= 0", name="attempts_count_up"),
        Index("uq_outbox_mail_idempotency_key", "idempotency_key", unique=True),
        Index("ix_outbox_mail_due", "not_before", "id", postgresql_where=text("status = 'queued'")),
        Index("ix_outbox_mail_claimed_by", "claimed_by", postgresql_where=text("status = 'sending'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # {uid}:{recipient}:{method}:{sequence}: the same business fact queued twice is one row.
    idempotency_key: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    message_id: Mapped[str]
    message: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[MailStatus] = mapped_column(stored(MailStatus), default=MailStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=now)
    # The moment after which the mail makes no sense any more: the start of the job dating.
    useless_after: Mapped[datetime | None]
    claimed_by: Mapped[int | None]
    is_maybe_twice: Mapped[bool] = mapped_column(default=False)
    last_code: Mapped[int | None]
    last_error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
