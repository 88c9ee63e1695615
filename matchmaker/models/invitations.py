"""Invitations to a job dating, and the history of their answers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.job_datings import JobDating, JobDatingStatus
from matchmaker.models.organisations import Organisation


class Answer(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"


class Channel(StrEnum):
    """Where an answer came from."""

    LINK = "link"
    ACCOUNT = "account"
    ANIMATOR = "animator"


class Invitation(Timestamped, Base):
    """One organisation's invitation to one job dating; its sequence counts the calendar's changes."""

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("job_dating_id", "organisation_id"),
        CheckConstraint("sequence >= 0", name="sequence_counts_up"),
        CheckConstraint("token_version >= 1", name="token_version_counts_up"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="an_answer_has_a_time"),
    )

    id: Mapped[RowId]
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    email: Mapped[str]
    sequence: Mapped[int] = mapped_column(default=0)
    # Raised to kill every link sent before.
    token_version: Mapped[int] = mapped_column(default=1)
    answer: Mapped[Answer | None] = mapped_column(stored(Answer))
    answered_at: Mapped[datetime | None]
    answer_by: Mapped[datetime]

    job_dating: Mapped[JobDating] = relationship()
    organisation: Mapped[Organisation] = relationship()
    history: Mapped[list["InvitationAnswer"]] = relationship(back_populates="invitation", cascade="all, delete-orphan", order_by="InvitationAnswer.created_at")

    @property
    def is_over(self) -> bool:
        """The link no longer takes an answer: the deadline has passed or the job dating is cancelled."""
        return now() > self.answer_by or self.job_dating.status is JobDatingStatus.CANCELLED


class InvitationAnswer(Base):
    """One answer as it was given: who changes their mind leaves a trace."""

    __tablename__ = "invitation_answer"

    id: Mapped[RowId]
    invitation_id: Mapped[UUID] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"), index=True)
    answer: Mapped[Answer] = mapped_column(stored(Answer))
    channel: Mapped[Channel] = mapped_column(stored(Channel))
    created_at: Mapped[datetime] = mapped_column(default=now)

    invitation: Mapped[Invitation] = relationship(back_populates="history")
