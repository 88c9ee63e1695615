"""Job datings: a half-day at a venue, its rounds, and who meets whom at which table."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.matching import Match
from matchmaker.models.organisations import Organisation
from matchmaker.models.proposals import Side
from matchmaker.models.territories import Territory
from matchmaker.models.venues import Table, Venue

if TYPE_CHECKING:
    from matchmaker.models.presence import LostTable


class JobDatingStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Seated(StrEnum):
    """Who stays at a table of its own while the others move; nobody: tables are shared, and everybody moves."""

    NOBODY = "nobody"
    COMPANIES = "companies"
    OTHERS = "others"


class InvitedFrom(StrEnum):
    """Where the host looks for the structures first."""

    MATCHES = "matches"
    SEARCH = "search"
    REGISTRATION = "registration"


class ParticipantState(StrEnum):
    # It asked to come, and the host has not said yes.
    REQUESTED = "requested"
    INVITED = "invited"
    CONFIRMED = "confirmed"
    # There was no place left when its turn came.
    WAITING = "waiting"
    DECLINED = "declined"


class WishKind(StrEnum):
    MEET = "meet"
    NOT_NOW = "not_now"


class MeetingStatus(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    MISSED = "missed"
    CANCELLED = "cancelled"


class JobDating(Timestamped, Base):
    """One job dating. Rounds follow one another after the welcome, with one break in the middle."""

    __tablename__ = "job_dating"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        CheckConstraint("ends_at <= starts_at + interval '12 hours'", name="lasts_half_a_day_at_most"),
        CheckConstraint("round_minutes BETWEEN 3 AND 60", name="round_minutes_are_sane"),
        CheckConstraint("changeover_minutes BETWEEN 0 AND 30", name="changeover_minutes_are_sane"),
        CheckConstraint("break_minutes BETWEEN 0 AND 120", name="break_minutes_are_sane"),
        CheckConstraint("break_after_round BETWEEN 1 AND 50", name="break_round_is_sane"),
        CheckConstraint("welcome_minutes BETWEEN 0 AND 120", name="welcome_minutes_are_sane"),
        CheckConstraint("version >= 1", name="version_counts_up"),
        CheckConstraint("meetings_each BETWEEN 1 AND 50", name="meetings_each_are_sane"),
        CheckConstraint("max_consecutive BETWEEN 1 AND 50", name="max_consecutive_is_sane"),
        CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name="published_has_a_time"),
        Index("ix_job_dating_starts_at", "starts_at"),
        # A venue holds one job dating at a time, whoever publishes and however fast. Looked at when all is written: services say it in
        # their own words before.
        ExcludeConstraint(
            ("venue_id", "="),
            (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
            name="ex_job_dating_one_at_a_venue",
            using="gist",
            where=text("status = 'published'"),
            deferrable=True,
            initially="DEFERRED",
        ),
    )

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    title: Mapped[str]
    theme: Mapped[str] = mapped_column(default="")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    welcome_minutes: Mapped[int] = mapped_column(default=30)
    round_minutes: Mapped[int] = mapped_column(default=12)
    changeover_minutes: Mapped[int] = mapped_column(default=3)
    break_after_round: Mapped[int] = mapped_column(default=4)
    break_minutes: Mapped[int] = mapped_column(default=15)
    status: Mapped[JobDatingStatus] = mapped_column(stored(JobDatingStatus), default=JobDatingStatus.DRAFT)
    published_at: Mapped[datetime | None]
    # The smallest number of rounds that any plan could have, and why.
    rounds_bound: Mapped[int | None]
    rounds_bound_reason: Mapped[str] = mapped_column(default="")
    # Raised by each change: whoever changes what is not there any more is told.
    version: Mapped[int] = mapped_column(default=1)
    # Whose announcements are brought together; without one, those of the venue's département.
    territory_id: Mapped[int | None] = mapped_column(ForeignKey("territory.id"), index=True)
    invited_from: Mapped[InvitedFrom] = mapped_column(stored(InvitedFrom), default=InvitedFrom.MATCHES)
    # Whoever sees it on the public list may ask to come; the host says yes or no.
    is_registration_open: Mapped[bool] = mapped_column(default=False)
    seated: Mapped[Seated] = mapped_column(stored(Seated), default=Seated.NOBODY)
    # The most meetings that a structure has, and the most in a row without a pause; without a number, no limit.
    meetings_each: Mapped[int | None]
    max_consecutive: Mapped[int | None]
    # Rounds are those before the end, and the plan holds the best meetings that fit. Otherwise it holds all, in as many rounds as they need.
    only_what_fits: Mapped[bool] = mapped_column(default=False)
    # A plan that a worker owes. Cleared when it is there.
    plan_due_at: Mapped[datetime | None]

    venue: Mapped[Venue] = relationship()
    territory: Mapped[Territory | None] = relationship()
    meetings: Mapped[list["Meeting"]] = relationship(back_populates="job_dating", cascade="all, delete-orphan")
    participants: Mapped[list["Participant"]] = relationship(back_populates="job_dating", cascade="all, delete-orphan")
    lost_tables: Mapped[list["LostTable"]] = relationship(back_populates="job_dating", cascade="all, delete-orphan")

    @property
    def tables(self) -> list[Table]:
        """The tables that serve: those of the venue, without those that cannot be used this time."""
        lost = {one.table_id for one in self.lost_tables}
        return [table for table in self.venue.tables if table.id not in lost]

    @property
    def expected(self) -> list["Participant"]:
        """Those whom the plan counts on: invited or confirmed."""
        return [participant for participant in self.participants if participant.is_expected]

    @property
    def planned(self) -> list["Meeting"]:
        """The meetings that have a round and a table."""
        return [meeting for meeting in self.meetings if meeting.round is not None]

    @property
    def rounds(self) -> int:
        """How many rounds the plan has."""
        return max((meeting.round + 1 for meeting in self.meetings if meeting.round is not None), default=0)

    @property
    def rounds_that_fit(self) -> int:
        """How many rounds can be held before the end."""
        count = 0
        while self.round_ends_at(count) <= self.ends_at:
            count += 1
        return count

    def round_starts_at(self, number: int) -> datetime:
        """When round ``number`` (from 0) begins."""
        minutes = self.welcome_minutes + number * (self.round_minutes + self.changeover_minutes)
        if number >= self.break_after_round:
            minutes += self.break_minutes
        return self.starts_at + timedelta(minutes=minutes)

    def round_ends_at(self, number: int) -> datetime:
        """When round ``number`` is over, before people change tables."""
        return self.round_starts_at(number) + timedelta(minutes=self.round_minutes)

    @property
    def has_begun(self) -> bool:
        return self.starts_at <= now()

    @property
    def is_past(self) -> bool:
        return self.ends_at < now()

    @property
    def is_open(self) -> bool:
        """Can still be changed: not cancelled, not over."""
        return self.status is not JobDatingStatus.CANCELLED and not self.is_past


class Participant(Base):
    """A structure that takes part. A need's side and an offer's side are one participant: it comes once."""

    __tablename__ = "participant"
    __table_args__ = (
        UniqueConstraint("job_dating_id", "organisation_id"),
        CheckConstraint("delegates BETWEEN 1 AND 9", name="delegates_are_sane"),
        CheckConstraint("arrives_at < leaves_at", name="arrives_before_it_leaves"),
        CheckConstraint("max_meetings BETWEEN 1 AND 50", name="max_meetings_are_sane"),
        CheckConstraint("(state = 'waiting') = (waiting_since IS NOT NULL)", name="waiting_has_a_time"),
        # A table is one structure's, or everybody's.
        Index("uq_participant_fixed_table", "job_dating_id", "fixed_table_id", unique=True, postgresql_where=text("fixed_table_id IS NOT NULL")),
    )

    id: Mapped[RowId]
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    delegates: Mapped[int] = mapped_column(default=1)
    # What it needs to take part, in the plan and in its own words. Both are forgotten after the day.
    needs_accessible: Mapped[bool] = mapped_column(default=False)
    access_note: Mapped[str] = mapped_column(default="")
    state: Mapped[ParticipantState] = mapped_column(stored(ParticipantState), default=ParticipantState.INVITED)
    waiting_since: Mapped[datetime | None]
    # When it is there, if not the whole time.
    arrives_at: Mapped[datetime | None]
    leaves_at: Mapped[datetime | None]
    max_meetings: Mapped[int | None]
    fixed_table_id: Mapped[UUID | None] = mapped_column(ForeignKey("venue_table.id", ondelete="SET NULL"), index=True)
    # When the structure itself said how it comes.
    said_at: Mapped[datetime | None]

    job_dating: Mapped[JobDating] = relationship(back_populates="participants")
    organisation: Mapped[Organisation] = relationship()
    fixed_table: Mapped[Table | None] = relationship()
    wishes: Mapped[list["Wish"]] = relationship(back_populates="participant", cascade="all, delete-orphan")

    @property
    def is_expected(self) -> bool:
        return self.state in (ParticipantState.INVITED, ParticipantState.CONFIRMED)


class Wish(Base):
    """Whom a participant wants to meet at a job dating, or not this time. The other one is never told."""

    __tablename__ = "wish"
    __table_args__ = (UniqueConstraint("participant_id", "organisation_id"),)

    id: Mapped[RowId]
    participant_id: Mapped[UUID] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    kind: Mapped[WishKind] = mapped_column(stored(WishKind))

    participant: Mapped[Participant] = relationship(back_populates="wishes")
    organisation: Mapped[Organisation] = relationship()


class Meeting(Base):
    """Two structures that said yes to each other, at one table, in one round (from 0)."""

    __tablename__ = "meeting"
    __table_args__ = (
        UniqueConstraint("job_dating_id", "match_id"),
        CheckConstraint("round >= 0", name="round_counts_from_zero"),
        CheckConstraint("(round IS NULL) = (table_id IS NULL)", name="planned_means_round_and_table"),
        CheckConstraint("round IS NOT NULL OR NOT is_locked", name="locked_means_planned"),
        Index("uq_meeting_seat", "job_dating_id", "round", "table_id", unique=True, postgresql_where=text("round IS NOT NULL")),
    )

    id: Mapped[RowId]
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"))
    match_id: Mapped[UUID] = mapped_column(ForeignKey("match.id"), index=True)
    round: Mapped[int | None]
    table_id: Mapped[UUID | None] = mapped_column(ForeignKey("venue_table.id"), index=True)
    # Put there by the host: a new plan leaves it where it is.
    is_locked: Mapped[bool] = mapped_column(default=False)
    # What became of it on the day.
    status: Mapped[MeetingStatus] = mapped_column(stored(MeetingStatus), default=MeetingStatus.PLANNED)

    job_dating: Mapped[JobDating] = relationship(back_populates="meetings")
    match: Mapped[Match] = relationship()
    table: Mapped[Table | None] = relationship()

    def organisation_of(self, side: Side) -> Organisation:
        return self.match.need.organisation if side is Side.NEED else self.match.offer.organisation
