"""What a person may do in their structure, and the three ways in: a sign-up, an invitation, a request."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.organisations import Organisation

if TYPE_CHECKING:
    from matchmaker.models.accounts import User


class Standing(StrEnum):
    """From the least to the most: each may do what those before it may.

    A reader sees all that the structure sees; an editor declares and answers for it; an administrator says who belongs to it.
    """

    READER = "reader"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"

    def reaches(self, needed: "Standing") -> bool:
        order = list(Standing)
        return order.index(self) >= order.index(needed)


class SignUp(Base):
    """What somebody told to inscribe a structure. It comes to be when the link of a mail was opened: nobody holds a SIRET with another's address."""

    __tablename__ = "sign_up"
    __table_args__ = (CheckConstraint("expires_at > created_at", name="lasts_a_while"),)

    id: Mapped[RowId]
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    # The columns of the structure, as its first page and its sheet would have them.
    structure: Mapped[dict[str, Any]]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    def is_good(self, at: datetime) -> bool:
        return self.ended_at is None and at < self.expires_at


class MemberInvitation(Base):
    """An invitation into a structure, for whoever reads the mail of this address."""

    __tablename__ = "member_invitation"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="lasts_a_while"),
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
        Index("uq_member_invitation_open", "organisation_id", "email", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    standing: Mapped[Standing] = mapped_column(stored(Standing))
    invited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    # Taken, withdrawn, or replaced by a newer one.
    ended_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    invited_by: Mapped["User | None"] = relationship()

    def is_good(self, at: datetime) -> bool:
        return self.ended_at is None and at < self.expires_at


class JoinRequest(Base):
    """Somebody says that they work there. An administrator of the structure decides, else its animator."""

    __tablename__ = "join_request"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_is_lower_case"),
        CheckConstraint("(decided_at IS NULL) = (is_accepted IS NULL)", name="decided_one_way"),
        # Asked twenty times, it is one request.
        Index("uq_join_request_open", "organisation_id", "email", unique=True, postgresql_where=text("decided_at IS NULL")),
    )

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    email: Mapped[str]
    name: Mapped[str]
    message: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    is_accepted: Mapped[bool | None]

    organisation: Mapped[Organisation] = relationship()
