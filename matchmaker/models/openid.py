"""Which account somebody opens who comes from a provider of identities (OpenID Connect)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, now


class OpenidIdentity(Base):
    """What a provider calls the owner of an account: its own name for the person, never their address, which changes owners."""

    __tablename__ = "openid_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    # One for an account: another takes its place.
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    tied_at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship(back_populates="openid_identity")
