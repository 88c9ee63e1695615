"""What a mutual yes led to, as each side tells it 30, 90 and 180 days later."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.matching import Match
from matchmaker.models.organisations import Organisation
from matchmaker.models.proposals import Channel, Side

# Days after the mutual yes.
WAVES = (30, 90, 180)


class Result(StrEnum):
    """How far it went; each includes those before it."""

    NOTHING = "nothing"
    MET = "met"
    AGREED = "agreed"
    SIGNED = "signed"


class FteBand(StrEnum):
    UP_TO_HALF = "0-0.5"
    UP_TO_ONE = "0.5-1"
    UP_TO_THREE = "1-3"
    MORE = "3+"


class DaysBand(StrEnum):
    UP_TO_FIVE = "1-5"
    UP_TO_TWENTY = "6-20"
    UP_TO_SIXTY = "21-60"
    MORE = "61+"


class EuroBand(StrEnum):
    UP_TO_1K = "0-1000"
    UP_TO_5K = "1000-5000"
    UP_TO_20K = "5000-20000"
    UP_TO_100K = "20000-100000"
    MORE = "100000+"


class FoundAnyway(StrEnum):
    """Would they have found each other without the platform?"""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


# Where something was agreed: how much of it.
CONCLUDED = (Result.AGREED, Result.SIGNED)


class Outcome(Base):
    """One side's question of one day, and the answer that stands."""

    __tablename__ = "outcome"
    __table_args__ = (
        UniqueConstraint("match_id", "side", "wave"),
        CheckConstraint("wave IN (30, 90, 180)", name="asked_at_30_90_or_180_days"),
        CheckConstraint("(result IS NULL) = (answered_at IS NULL)", name="an_answer_has_a_time"),
        CheckConstraint(
            "result IN ('agreed', 'signed') OR (fte IS NULL AND days IS NULL AND euros IS NULL AND found_anyway IS NULL)", name="nothing_is_no_size"
        ),
        Index("ix_outcome_organisation_id_open", "organisation_id", postgresql_where=text("result IS NULL")),
    )

    id: Mapped[RowId]
    match_id: Mapped[UUID] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    side: Mapped[Side] = mapped_column(stored(Side))
    wave: Mapped[int] = mapped_column(SmallInteger)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    result: Mapped[Result | None] = mapped_column(stored(Result))
    fte: Mapped[FteBand | None] = mapped_column(stored(FteBand))
    days: Mapped[DaysBand | None] = mapped_column(stored(DaysBand))
    euros: Mapped[EuroBand | None] = mapped_column(stored(EuroBand))
    found_anyway: Mapped[FoundAnyway | None] = mapped_column(stored(FoundAnyway))
    answered_at: Mapped[datetime | None]

    match: Mapped[Match] = relationship()
    organisation: Mapped[Organisation] = relationship()
    history: Mapped[list["OutcomeAnswer"]] = relationship(back_populates="outcome", cascade="all, delete-orphan", order_by="OutcomeAnswer.created_at")


class OutcomeAnswer(Base):
    """One answer as it was given: who corrects it leaves a trace."""

    __tablename__ = "outcome_answer"

    id: Mapped[RowId]
    outcome_id: Mapped[UUID] = mapped_column(ForeignKey("outcome.id", ondelete="CASCADE"), index=True)
    result: Mapped[Result] = mapped_column(stored(Result))
    channel: Mapped[Channel] = mapped_column(stored(Channel))
    created_at: Mapped[datetime] = mapped_column(default=now)

    outcome: Mapped[Outcome] = relationship(back_populates="history")
