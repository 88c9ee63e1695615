"""The day of a job dating: who is there, which phones may say so, which tables are gone, and how the plan was changed."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.job_datings import JobDating, Participant
from matchmaker.models.venues import Table


class PresenceState(StrEnum):
    """Where somebody is. Excused said so; a no-show did not."""

    EXPECTED = "expected"
    PRESENT = "present"
    LATE = "late"
    EXCUSED = "excused"
    NO_SHOW = "no_show"
    LEFT = "left"


ABSENT = frozenset({PresenceState.EXCUSED, PresenceState.NO_SHOW})


class PresenceAct(Base):
    """One gesture at the desk. Rows are only added: the latest by its own time counts, the others are the history.

    The phone makes the id and the time, so that a gesture sent twice is one, and one that waited for the network has its place.
    """

    __tablename__ = "presence_act"
    __table_args__ = (
        CheckConstraint("delegates BETWEEN 1 AND 9", name="delegates_are_sane"),
        CheckConstraint("round >= 0", name="round_counts_from_zero"),
        CheckConstraint("acted_at <= received_at", name="acts_are_not_in_the_future"),
        Index("ix_presence_act_participant_id_acted_at", "participant_id", "acted_at"),
    )

    id: Mapped[RowId]
    participant_id: Mapped[UUID] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    state: Mapped[PresenceState] = mapped_column(stored(PresenceState))
    # How many people of the structure it is about.
    delegates: Mapped[int] = mapped_column(default=1)
    # From which round on somebody late is there, or somebody who leaves is not, when it was said.
    round: Mapped[int | None]
    acted_at: Mapped[datetime] = mapped_column(default=now)
    received_at: Mapped[datetime] = mapped_column(default=now)
    # Whose hand it was, as people call it.
    by: Mapped[str] = mapped_column(default="")

    participant: Mapped[Participant] = relationship()


class CheckInLink(Base):
    """A link with which a helper's phone checks people in on one day. The host ends it when they want."""

    __tablename__ = "check_in_link"
    __table_args__ = (CheckConstraint("length(btrim(name)) > 0", name="has_a_name"),)

    id: Mapped[RowId]
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    made_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    job_dating: Mapped[JobDating] = relationship()
    made_by: Mapped[User | None] = relationship()


class LostTable(Base):
    """A table of the venue that cannot be used at a job dating any more, from a round (from 0) on."""

    __tablename__ = "lost_table"
    __table_args__ = (CheckConstraint("from_round >= 0", name="round_counts_from_zero"),)

    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"), primary_key=True)
    table_id: Mapped[UUID] = mapped_column(ForeignKey("venue_table.id", ondelete="CASCADE"), primary_key=True, index=True)
    from_round: Mapped[int] = mapped_column(default=0)

    job_dating: Mapped[JobDating] = relationship(back_populates="lost_tables")
    table: Mapped[Table] = relationship()


class PlanChange(Base):
    """A change of the plan on the day, as it was shown before it was made."""

    __tablename__ = "plan_change"
    __table_args__ = (UniqueConstraint("job_dating_id", "version"),)

    id: Mapped[RowId]
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"))
    # Of the job dating, after the change.
    version: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(default=now)
    by: Mapped[str] = mapped_column(default="")
    # [{"kind", "organisation_ids", "round_from", "table_from", "round_to", "table_to"}, …], tables by number.
    moves: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)

    job_dating: Mapped[JobDating] = relationship()
