"""Solicitations: what was asked of a structure on which day, how much of its week and month that took, and when it is away."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.invitations import Invitation
from matchmaker.models.organisations import Organisation
from matchmaker.models.proposals import Proposal
from matchmaker.models.territories import Territory


class SolicitationKind(StrEnum):
    PROPOSAL = "proposal"
    REMINDER = "reminder"
    INVITATION = "invitation"


class Period(StrEnum):
    WEEK = "week"
    MONTH = "month"


class Solicitation(Base):
    """One thing asked of a structure. One that was taken back before anybody answered gives its unit back, and stays on record."""

    __tablename__ = "solicitation"
    __table_args__ = (
        CheckConstraint("(kind = 'invitation') = (invitation_id IS NOT NULL)", name="an_invitation_is_named"),
        CheckConstraint("(kind = 'invitation') = (proposal_id IS NULL)", name="a_proposal_is_named"),
        CheckConstraint("load >= 0", name="load_is_not_negative"),
        Index("ix_solicitation_organisation_id_day", "organisation_id", "day"),
        # Asked once, reminded once, invited once: what two beats, or a replay, cannot break.
        Index("uq_solicitation_proposal_kind", "proposal_id", "kind", unique=True, postgresql_where=text("returned_at IS NULL AND proposal_id IS NOT NULL")),
        Index("uq_solicitation_invitation", "invitation_id", unique=True, postgresql_where=text("returned_at IS NULL AND invitation_id IS NOT NULL")),
    )

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[SolicitationKind] = mapped_column(stored(SolicitationKind))
    proposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), index=True)
    invitation_id: Mapped[UUID | None] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    day: Mapped[date]
    # Solicitations of the 20 working days before, over what the structure accepts in a month: silence after many says less.
    load: Mapped[float] = mapped_column(default=0.0)
    returned_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    proposal: Mapped[Proposal | None] = relationship()
    invitation: Mapped[Invitation | None] = relationship()


class SolicitationCount(Base):
    """How often a structure was asked in one week or month. The ceiling is what it accepted when it was last asked: no transaction can pass it."""

    __tablename__ = "solicitation_count"
    __table_args__ = (
        CheckConstraint("count BETWEEN 0 AND ceiling", name="never_more_than_accepted"),
        CheckConstraint(
            "(period = 'week' AND EXTRACT(isodow FROM starts_on) = 1) OR (period = 'month' AND EXTRACT(day FROM starts_on) = 1)",
            name="starts_with_its_period",
        ),
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True)
    period: Mapped[Period] = mapped_column(stored(Period), primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]
    ceiling: Mapped[int]


class Absence(Base):
    """Days on which a structure is not to be asked: holidays, a busy season. Both days included."""

    __tablename__ = "absence"
    __table_args__ = (CheckConstraint("starts_on <= ends_on", name="starts_before_it_ends"),)

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    organisation: Mapped[Organisation] = relationship()


class AskingDay(Base):
    """A day on which the pairs of a territory were looked at, and what was asked: the same day is not asked twice."""

    __tablename__ = "asking_day"

    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    price: Mapped[float]
    # Pairs asked about, mails, reminders, cooperations to expect.
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    asked_at: Mapped[datetime] = mapped_column(default=now)

    territory: Mapped[Territory] = relationship()


class AskingPrice(Base):
    """What one mail must be worth in a territory, in chances of a cooperation, and whom it favours. Rows are only added: the newest counts."""

    __tablename__ = "asking_price"
    __table_args__ = (
        CheckConstraint("price BETWEEN 0.001 AND 0.5", name="price_is_sane"),
        CheckConstraint("newcomers BETWEEN 1 AND 3 AND waiting BETWEEN 1 AND 3", name="weights_are_sane"),
        Index("ix_asking_price_territory_id_set_at", "territory_id", "set_at"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    price: Mapped[float]
    # How many times more a question counts that goes to a structure nobody asked yet, and one for a need that waits for three weeks.
    newcomers: Mapped[float] = mapped_column(default=1.0)
    waiting: Mapped[float] = mapped_column(default=1.0)
    set_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    set_at: Mapped[datetime] = mapped_column(default=now)

    territory: Mapped[Territory] = relationship()
    set_by: Mapped[User | None] = relationship()
