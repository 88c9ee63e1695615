"""Mails to send: rendered to their final bytes in the business transaction, sent later by a worker."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base, now, stored


class MailStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    # Taken by the relay, then sent back by the recipient's server.
    BOUNCED = "bounced"


class OutboxMail(Base):
    """One mail to one recipient. Its bytes never change, so that a second copy is the same to the letter."""

    __tablename__ = "outbox_mail"
    __table_args__ = (
        CheckConstraint("(status = 'sending') = (claimed_by IS NOT NULL)", name="sending_has_a_worker"),
        CheckConstraint("(status IN ('sent', 'bounced')) = (sent_at IS NOT NULL)", name="sent_has_a_time"),
        CheckConstraint("attempts >= 0", name="attempts_count_up"),
        Index("uq_outbox_mail_idempotency_key", "idempotency_key", unique=True),
        Index("ix_outbox_mail_due", "not_before", "id", postgresql_where=text("status = 'queued'")),
        Index("ix_outbox_mail_claimed_by", "claimed_by", postgresql_where=text("status = 'sending'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # {uid}:{recipient}:{method}:{sequence}: the same business fact queued twice is one row.
    idempotency_key: Mapped[str]
    # The name of its templates, which says what it is about: « invitation », « proposals ».
    kind: Mapped[str] = mapped_column(default="")
    recipient: Mapped[str]
    # The structure that it is written to, by which its animator finds it.
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id", ondelete="SET NULL"), index=True)
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
