"""The second factor of an account: a code that a telephone shows, and paper codes for the day when it is lost."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now


class SecondFactor(Base):
    """The secret that an account shares with its owner's telephone. It counts once a code of it was typed."""

    __tablename__ = "second_factor"
    # How everything sealed begins: no secret is ever written as it is.
    __table_args__ = (CheckConstraint("secret LIKE 'gAAAAA%'", name="secret_is_sealed"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    # Sealed with a key of the site (services/sealing.py): a copy of the database opens no account.
    secret: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    confirmed_at: Mapped[datetime | None]
    # The half minute of the last code that was taken: it and those before are not taken again.
    last_step: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship(back_populates="second_factor")


class RecoveryCode(Base):
    """A code on paper that opens once. Only its hash is here."""

    __tablename__ = "recovery_code"

    id: Mapped[RowId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]
