"""What is remembered of electronic addresses: those that no mail reaches, what they refuse, and whom somebody called instead."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base, RowId, Timestamped, now, stored


class Topic(StrEnum):
    """What one may refuse to receive. Mails that tell a change of what was agreed belong to none: they always leave."""

    INVITATIONS = "invitations"
    PROPOSALS = "proposals"
    DIGEST = "digest"
    SEARCHES = "searches"
    CAMPAIGNS = "campaigns"


class AddressStatus(StrEnum):
    OPEN = "open"
    BLOCKED = "blocked"


class ObjectionSource(StrEnum):
    """How an objection reached us."""

    LINK = "link"
    ONE_CLICK = "one_click"
    ACCOUNT = "account"
    COMPLAINT = "complaint"


class Obstacle(StrEnum):
    """Why a structure is not written to."""

    NO_ADDRESS = "no_address"
    BAD_ADDRESS = "bad_address"
    BLOCKED = "blocked"
    OBJECTED = "objected"
    PAUSED = "paused"
    BUDGET = "budget"


class MailAddress(Timestamped, Base):
    """An address that something is known of, by its hash alone: so that an objection outlives the erasure of who made it."""

    __tablename__ = "mail_address"
    __table_args__ = (
        CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name="hash_is_a_sha256"),
        CheckConstraint("(status = 'blocked') = (blocked_at IS NOT NULL)", name="blocked_has_a_time"),
    )

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[AddressStatus] = mapped_column(stored(AddressStatus), default=AddressStatus.OPEN)
    blocked_at: Mapped[datetime | None]
    # The last code of a server, « 5.1.1 » or « 550 ». Its words would hold the address, and stay with the mail.
    reason: Mapped[str] = mapped_column(default="")
    # Bounces before this moment no longer count: somebody asked, and the address is good.
    opened_at: Mapped[datetime | None]
    opened_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)


class MailBounce(Base):
    """One time that a server sent a mail to this address back, or would not take it."""

    __tablename__ = "mail_bounce"
    __table_args__ = (
        Index("uq_mail_bounce_key", "key", unique=True),
        Index("ix_mail_bounce_address_hash_bounced_at", "address_hash", "bounced_at"),
    )

    id: Mapped[RowId]
    address_hash: Mapped[str] = mapped_column(ForeignKey("mail_address.hash", ondelete="CASCADE"))
    # {mail}:{try} or {mail}:report: the same refusal told twice is one row.
    key: Mapped[str]
    # Hard: the address is none. Soft: full, or its server wants nothing of ours for now.
    is_hard: Mapped[bool]
    code: Mapped[str] = mapped_column(default="")
    bounced_at: Mapped[datetime] = mapped_column(default=now)


class MailObjection(Base):
    """This address wants no mails of this topic."""

    __tablename__ = "mail_objection"

    address_hash: Mapped[str] = mapped_column(ForeignKey("mail_address.hash", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[Topic] = mapped_column(stored(Topic), primary_key=True)
    source: Mapped[ObjectionSource] = mapped_column(stored(ObjectionSource))
    objected_at: Mapped[datetime] = mapped_column(default=now)


class MailCall(Base):
    """Somebody dealt with a mail that did not arrive: called, or found that it no longer matters."""

    __tablename__ = "mail_call"

    mail_id: Mapped[int] = mapped_column(ForeignKey("outbox_mail.id", ondelete="CASCADE"), primary_key=True)
    done_at: Mapped[datetime] = mapped_column(default=now)
    done_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
