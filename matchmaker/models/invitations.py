"""Invitations to a job dating, and the history of their answers."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.job_datings import JobDating, JobDatingStatus
from matchmaker.models.organisations import Organisation
from matchmaker.models.proposals import Channel


class Answer(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"


class Method(StrEnum):
    """What a calendar object does to the entry of its guest."""

    REQUEST = "request"
    CANCEL = "cancel"


class ReplyStatus(StrEnum):
    """What became of an answer that a calendar sent."""

    APPLIED = "applied"
    # Nobody vouches for its sender: the animator decides.
    UNVERIFIED = "unverified"
    # About hours that are not those of the job dating any more, or older than what was said since.
    OUTDATED = "outdated"
    # The time to answer was over.
    LATE = "late"
    DISMISSED = "dismissed"


class Invitation(Timestamped, Base):
    """One organisation's invitation to one job dating; its sequence counts the calendar's changes."""

    __tablename__ = "invitation"
    __table_args__ = (
        UniqueConstraint("job_dating_id", "organisation_id"),
        CheckConstraint("sequence >= 0", name="sequence_counts_up"),
        CheckConstraint("token_version >= 1", name="token_version_counts_up"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="an_answer_has_a_time"),
        Index("uq_invitation_uid", "uid", unique=True, postgresql_where=text("uid <> ''")),
    )

    id: Mapped[RowId]
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    email: Mapped[str]
    # What calendars know the entry by, and who wrote it: neither ever changes, whatever the settings become. Empty until the first mail.
    uid: Mapped[str] = mapped_column(default="")
    organizer: Mapped[str] = mapped_column(default="")
    sequence: Mapped[int] = mapped_column(default=0)
    # Raised to kill every link sent before.
    token_version: Mapped[int] = mapped_column(default=1)
    answer: Mapped[Answer | None] = mapped_column(stored(Answer))
    answered_at: Mapped[datetime | None]
    # What the answer was about: the job dating may have been moved since.
    answered_starts_at: Mapped[datetime | None]
    answered_venue_id: Mapped[UUID | None]
    answer_by: Mapped[datetime]
    # Set when the structure no longer takes part while the job dating goes on.
    withdrawn_at: Mapped[datetime | None]
    # Asked once more, when nothing had come: once in all.
    reminded_at: Mapped[datetime | None]

    job_dating: Mapped[JobDating] = relationship()
    organisation: Mapped[Organisation] = relationship()
    history: Mapped[list["InvitationAnswer"]] = relationship(back_populates="invitation", cascade="all, delete-orphan", order_by="InvitationAnswer.created_at")
    notices: Mapped[list["InvitationNotice"]] = relationship(back_populates="invitation", cascade="all, delete-orphan", order_by="InvitationNotice.sequence")

    @property
    def is_over(self) -> bool:
        """The link no longer takes an answer: the deadline has passed, the job dating is cancelled, or this structure is not expected any more."""
        return now() > self.answer_by or self.job_dating.status is JobDatingStatus.CANCELLED or self.withdrawn_at is not None

    @property
    def asks_again(self) -> bool:
        """The answer was given for another day, hour or venue: it stands, and is asked for again."""
        about = (self.answered_starts_at, self.answered_venue_id)
        return self.answered_starts_at is not None and about != (self.job_dating.starts_at, self.job_dating.venue_id)


class InvitationAnswer(Base):
    """One answer as it was given: who changes their mind leaves a trace."""

    __tablename__ = "invitation_answer"

    id: Mapped[RowId]
    invitation_id: Mapped[UUID] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"), index=True)
    answer: Mapped[Answer] = mapped_column(stored(Answer))
    channel: Mapped[Channel] = mapped_column(stored(Channel))
    created_at: Mapped[datetime] = mapped_column(default=now)

    invitation: Mapped[Invitation] = relationship(back_populates="history")


class InvitationNotice(Base):
    """What one calendar object said: its guest may hold that state until a later one arrives."""

    __tablename__ = "invitation_notice"
    __table_args__ = (
        UniqueConstraint("invitation_id", "sequence"),
        CheckConstraint("sequence >= 0", name="sequence_counts_up"),
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
    )

    id: Mapped[RowId]
    invitation_id: Mapped[UUID] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    sequence: Mapped[int]
    method: Mapped[Method] = mapped_column(stored(Method))
    # DTSTAMP: never before that of an earlier notice.
    stamped_at: Mapped[datetime]
    title: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    first_round_at: Mapped[datetime]
    town: Mapped[str]
    place: Mapped[str]
    access_text: Mapped[str] = mapped_column(default="")
    # Whom the guest was told to meet, when and at which table: see services/appointments.py.
    meetings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)

    invitation: Mapped[Invitation] = relationship(back_populates="notices")


class CalendarReply(Base):
    """An answer that came from the guest's calendar by mail, kept once whatever the number of times that the mail is read."""

    __tablename__ = "calendar_reply"
    __table_args__ = (
        UniqueConstraint("digest"),
        Index("ix_calendar_reply_invitation_id", "invitation_id"),
    )

    id: Mapped[RowId]
    # Of the whole mail.
    digest: Mapped[str]
    invitation_id: Mapped[UUID] = mapped_column(ForeignKey("invitation.id", ondelete="CASCADE"))
    sender: Mapped[str]
    answer: Mapped[Answer] = mapped_column(stored(Answer))
    sequence: Mapped[int]
    stamped_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=now)
    status: Mapped[ReplyStatus] = mapped_column(stored(ReplyStatus))

    invitation: Mapped[Invitation] = relationship()
