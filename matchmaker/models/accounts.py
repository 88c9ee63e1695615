"""Accounts of persons, their role, and the territories that an animator looks after."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, stored
from matchmaker.models.memberships import Standing
from matchmaker.models.organisations import Organisation
from matchmaker.models.territories import Territory

if TYPE_CHECKING:
    from matchmaker.models.openid import OpenidIdentity
    from matchmaker.models.second_factor import SecondFactor


class Role(StrEnum):
    MEMBER = "member"
    HOST = "host"
    ANIMATOR = "animator"
    ADMIN = "admin"


# They speak for a structure.
SPEAKERS = frozenset({Role.MEMBER, Role.HOST})

user_territory = Table(
    "user_territory",
    Base.metadata,
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("territory_id", ForeignKey("territory.id", ondelete="CASCADE"), primary_key=True),
)


class User(Timestamped, Base):
    """A person who signs in. Members and hosts speak for their organisation; animators for territories."""

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint("role NOT IN ('member', 'host') OR organisation_id IS NOT NULL", name="members_and_hosts_have_an_organisation"),
        CheckConstraint("email = lower(email) AND position('@' in email) > 1", name="email_is_lower_case"),
        Index("uq_user_account_email", "email", unique=True),
    )

    id: Mapped[RowId]
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str]
    role: Mapped[Role] = mapped_column(stored(Role), default=Role.MEMBER)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    # What it may do in its structure. A structure that somebody administers never loses its last administrator: a trigger sees to it.
    standing: Mapped[Standing] = mapped_column(stored(Standing), default=Standing.EDITOR)
    is_active: Mapped[bool] = mapped_column(default=True)
    # When it left its structure, by itself or by the structure's administrator: an invitation opens it again.
    left_at: Mapped[datetime | None]
    # A demo account opens only where the demonstration is on: its password is public.
    is_demo: Mapped[bool] = mapped_column(default=False)
    last_login_at: Mapped[datetime | None]
    # When somebody opened a link that was mailed there: the address is its owner's.
    email_verified_at: Mapped[datetime | None]
    # Raised to end the address of the calendar feed.
    calendar_version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation | None] = relationship(back_populates="users")
    territories: Mapped[list[Territory]] = relationship(secondary=user_territory, order_by=Territory.name)
    second_factor: Mapped["SecondFactor | None"] = relationship(back_populates="user", passive_deletes=True)
    openid_identity: Mapped["OpenidIdentity | None"] = relationship(back_populates="user", passive_deletes=True)

    # What flask-login asks of an account. Its own mixin would bring Flask into the models.
    is_anonymous = False

    @property
    def is_authenticated(self) -> bool:
        return self.is_active

    def get_id(self) -> str:
        return str(self.id)

    @property
    def speaks(self) -> bool:
        """Does it speak for a structure?"""
        return self.role in SPEAKERS

    def stands(self, needed: Standing) -> bool:
        """May it do what needs this standing? Who speaks for no structure is bound by the role alone."""
        return not self.speaks or self.standing.reaches(needed)

    @property
    def may_write(self) -> bool:
        return self.stands(Standing.EDITOR)

    def looks_after(self, territory: Territory | None) -> bool:
        """Is this territory, or one that holds it, in this animator's care? An admin cares for all."""
        if self.role is Role.ADMIN:
            return True
        mine = {mine.id for mine in self.territories}
        while territory is not None:
            if self.role is Role.ANIMATOR and territory.id in mine:
                return True
            territory = territory.parent
        return False
