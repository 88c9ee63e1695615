"""Links that a mail carries to an account's owner: each opens one thing, once, for a short time."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored


class TokenPurpose(StrEnum):
    RESET = "reset"
    VERIFY = "verify"


class AccountToken(Base):
    """A link of a mail. The mail holds the token; only the hash of it is here."""

    __tablename__ = "account_token"
    __table_args__ = (CheckConstraint("expires_at > created_at", name="lasts_a_while"),)

    id: Mapped[RowId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[TokenPurpose] = mapped_column(stored(TokenPurpose))
    token_hash: Mapped[str] = mapped_column(unique=True)
    # Which address it was sent to: another one since, and it proves nothing any more.
    sent_to_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    # Used, or ended by a newer one or by another password.
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    def is_good(self, at: datetime) -> bool:
        return self.ended_at is None and at < self.expires_at
