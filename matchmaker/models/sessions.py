"""Where a person is signed in: one row a device, gone as soon as it ends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now


class UserSession(Base):
    """A session of an account. The browser holds its key; only the hash of it is here."""

    __tablename__ = "user_session"
    __table_args__ = (CheckConstraint("seen_at >= created_at", name="seen_after_it_began"),)

    id: Mapped[RowId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    # The browser and the system, as its owner would name them: « Firefox sur Windows ».
    device: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    # To the minute: not every request writes.
    seen_at: Mapped[datetime] = mapped_column(default=now)
    # When the password was typed last: what is sensitive asks for it again soon after.
    confirmed_at: Mapped[datetime] = mapped_column(default=now)
    # Begun by a provider of identities that says that it asked for two factors.
    has_two_factors: Mapped[bool] = mapped_column(default=False)
    # What that provider wants to see when its own session is left too, sealed (services/sealing.py).
    id_token: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship()
