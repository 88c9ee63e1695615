"""What animators did about the rows of their work queue. The rows themselves are computed from the truth, and stored nowhere."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.organisations import Organisation


class Matter(StrEnum):
    """Why something comes to an animator, the most pressing first."""

    CALLED_FOR = "called_for"
    UNREACHABLE = "unreachable"
    CONTRADICTORY = "contradictory"
    REFUSED = "refused"
    SILENT = "silent"
    UNSERVED = "unserved"
    REPORTED = "reported"
    TO_REVIEW = "to_review"


class ActKind(StrEnum):
    ASSIGNED = "assigned"
    CALLED = "called"
    ANSWERED = "answered"
    SNOOZED = "snoozed"
    DONE = "done"


class DoneReason(StrEnum):
    """Why a row leaves the queue."""

    CALLED = "called"
    CORRECTED = "corrected"
    ELSEWHERE = "elsewhere"
    NO_LONGER = "no_longer"
    OTHER = "other"


class WorkAct(Base):
    """One thing that an animator did about a row: taken, called, answered for somebody, put off, done. Undoing leaves a trace."""

    __tablename__ = "work_act"
    __table_args__ = (
        CheckConstraint("kind = 'assigned' OR assigned_to_id IS NULL", name="only_assigning_names_somebody"),
        CheckConstraint("(kind = 'snoozed') = (until IS NOT NULL)", name="putting_off_has_a_day"),
        CheckConstraint("(kind = 'done') = (reason IS NOT NULL)", name="done_has_a_reason"),
        Index("ix_work_act_subject_id_created_at", "subject_id", "created_at"),
    )

    id: Mapped[RowId]
    matter: Mapped[Matter] = mapped_column(stored(Matter))
    # What the row is about: a need, a match, a structure, a run, a call for help or a report. Random identifiers are told apart without saying which.
    subject_id: Mapped[UUID]
    # The structure that the row is about, whose erasure takes the notes along.
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    kind: Mapped[ActKind] = mapped_column(stored(ActKind))
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    # Whoever takes care of it from now on: empty once that account is gone.
    assigned_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    until: Mapped[date | None]
    reason: Mapped[DoneReason | None] = mapped_column(stored(DoneReason))
    # What was said, in the animator's words.
    note: Mapped[str] = mapped_column(default="")
    # Of an answer given for somebody: the question.
    proposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposal.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    undone_at: Mapped[datetime | None]

    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    assigned_to: Mapped[User | None] = relationship(foreign_keys=[assigned_to_id])
    organisation: Mapped[Organisation | None] = relationship()

    def can_be_undone(self) -> bool:
        """An answer is a structure's word: it is changed by asking them again."""
        return self.undone_at is None and self.kind is not ActKind.ANSWERED
