"""Pooled jobs: fractions of several employers that add up to one contract."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.declarations import Need
from matchmaker.models.job_datings import JobDating
from matchmaker.models.organisations import Organisation
from matchmaker.models.territories import Territory

# What half a day a week is, in hours of a full time of 35 hours.
HOURS_A_HALFDAY = Decimal("3.5")


class PoolStatus(StrEnum):
    COMPOSED = "composed"
    PROPOSED = "proposed"
    AGREED = "agreed"
    SIGNED = "signed"
    DISSOLVED = "dissolved"


# The needs of these are not free for another pool.
LIVE_POOL = (PoolStatus.PROPOSED, PoolStatus.AGREED, PoolStatus.SIGNED)


class ShareStatus(StrEnum):
    PENDING = "pending"
    INTERESTED = "interested"
    DECLINED = "declined"
    # Said nothing until the last day.
    SILENT = "silent"


# The parts of these are nobody's any more.
GONE = (ShareStatus.DECLINED, ShareStatus.SILENT)


class WelcomeStatus(StrEnum):
    """What an employer group says of taking a pool in."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class PoolingStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class PairRule(StrEnum):
    """What an animator wants of two needs, for this composition and the later ones."""

    TOGETHER = "together"
    APART = "apart"


class PoolingRun(Base):
    """One composition of the shared jobs of a territory, under its rules. Value and bound as the engine gives them."""

    __tablename__ = "pooling_run"
    __table_args__ = (
        Index("uq_pooling_run_under_way", "territory_id", unique=True, postgresql_where=text("status IN ('queued', 'running')")),
        Index("ix_pooling_run_territory_id_created_at", "territory_id", "created_at"),
        CheckConstraint("status <> 'failed' OR failure <> ''", name="a_failure_has_a_reason"),
        CheckConstraint("(status = 'ready') = (value IS NOT NULL AND bound IS NOT NULL)", name="a_result_has_a_value"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    status: Mapped[PoolingStatus] = mapped_column(stored(PoolingStatus), default=PoolingStatus.QUEUED)
    # The engine's Rules, by name.
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(default="")
    # How many workers took it up: one that kills its worker each time must not go on for ever.
    attempts: Mapped[int] = mapped_column(default=0)
    needs_count: Mapped[int] = mapped_column(default=0)
    value: Mapped[float | None]
    bound: Mapped[float | None]
    # Need id → the smallest change that would let it into a pool: {"kind", "amount", "halfdays", "needs"}.
    misses: Mapped[dict[str, Any]] = mapped_column(default=dict)

    territory: Mapped[Territory] = relationship()
    requested_by: Mapped[User | None] = relationship()

    @property
    def is_over(self) -> bool:
        return self.status in (PoolingStatus.READY, PoolingStatus.FAILED)

    @property
    def is_proven(self) -> bool:
        """No other set of pools is worth more."""
        return self.value is not None and self.bound is not None and self.bound - self.value <= 1e-6 * max(1.0, self.value)


class PoolingTrial(Base):
    """What the present rules cover and what others would, found out by a worker. One at a time in a territory; the next one takes its place."""

    __tablename__ = "pooling_trial"
    __table_args__ = (
        Index("uq_pooling_trial_under_way", "territory_id", unique=True, postgresql_where=text("status IN ('queued', 'running')")),
        CheckConstraint("status <> 'failed' OR failure <> ''", name="a_failure_has_a_reason"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), index=True)
    status: Mapped[PoolingStatus] = mapped_column(stored(PoolingStatus), default=PoolingStatus.QUEUED)
    # The engine's Rules, by name: those of the last composition, and those that are tried.
    present: Mapped[dict[str, Any]] = mapped_column(default=dict)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    needs_count: Mapped[int] = mapped_column(default=0)
    # "before" and "after" → fte, pools, needs.
    covered: Mapped[dict[str, Any]] = mapped_column(default=dict)

    territory: Mapped[Territory] = relationship()

    @property
    def is_over(self) -> bool:
        return self.status in (PoolingStatus.READY, PoolingStatus.FAILED)


class NeedPairRule(Base):
    """Two needs that share a pool or are in none, or that may not share one. The smaller id stands first."""

    __tablename__ = "need_pair_rule"
    __table_args__ = (
        UniqueConstraint("first_need_id", "second_need_id"),
        CheckConstraint("first_need_id < second_need_id", name="first_is_the_smaller"),
    )

    id: Mapped[RowId]
    first_need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id", ondelete="CASCADE"))
    second_need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id", ondelete="CASCADE"), index=True)
    rule: Mapped[PairRule] = mapped_column(stored(PairRule))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    decided_at: Mapped[datetime] = mapped_column(default=now)

    first_need: Mapped[Need] = relationship(foreign_keys=first_need_id)
    second_need: Mapped[Need] = relationship(foreign_keys=second_need_id)
    decided_by: Mapped[User | None] = relationship()


class Pool(Timestamped, Base):
    """A shared job, composed of the fractions of at least two employers."""

    __tablename__ = "pool"
    __table_args__ = (
        CheckConstraint("status NOT IN ('proposed', 'agreed', 'signed') OR (proposed_at IS NOT NULL AND answer_by IS NOT NULL)", name="proposed_has_dates"),
        CheckConstraint("(status = 'signed') = (signed_at IS NOT NULL)", name="signed_has_a_time"),
        CheckConstraint("left_at IS NULL OR status IN ('proposed', 'dissolved')", name="one_leaves_before_the_agreement"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), index=True)
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("pooling_run.id", ondelete="SET NULL"), index=True)
    occupation: Mapped[str]
    status: Mapped[PoolStatus] = mapped_column(stored(PoolStatus), default=PoolStatus.COMPOSED)
    # Month, « 1 » to « 12 » → need id → its half-days, 0 to 9.
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)
    widest_km: Mapped[float] = mapped_column(default=0.0)
    proposed_at: Mapped[datetime | None]
    answer_by: Mapped[date | None]
    agreed_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    # Since when an employer is missing: the group waits to be mended.
    left_at: Mapped[datetime | None]

    territory: Mapped[Territory] = relationship()
    run: Mapped[PoolingRun | None] = relationship()
    shares: Mapped[list["PoolShare"]] = relationship(back_populates="pool", cascade="all, delete-orphan", order_by="PoolShare.position")
    welcomes: Mapped[list["PoolWelcome"]] = relationship(back_populates="pool", cascade="all, delete-orphan", order_by="PoolWelcome.asked_at")
    meeting: Mapped["PoolMeeting | None"] = relationship(back_populates="pool", cascade="all, delete-orphan")

    @property
    def fte(self) -> Decimal:
        """Annual full-time equivalents of the whole pool."""
        return sum((share.fte for share in self.members), Decimal())

    @property
    def members(self) -> list["PoolShare"]:
        """The parts of those who did not leave."""
        return [share for share in self.shares if not share.has_left]

    @property
    def are_names_told(self) -> bool:
        """Everybody said yes."""
        return self.status in (PoolStatus.AGREED, PoolStatus.SIGNED)

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_POOL


class PoolShare(Base):
    """One employer's part of a pool: its half-days in its busiest month as a mask of ten bits."""

    __tablename__ = "pool_share"
    __table_args__ = (
        UniqueConstraint("pool_id", "need_id"),
        CheckConstraint("fte > 0 AND fte <= 1", name="fte_is_a_fraction"),
        CheckConstraint("halfdays BETWEEN 1 AND 1023", name="halfdays_are_ten_bits"),
        CheckConstraint("(status = 'pending') = (answered_at IS NULL)", name="an_answer_has_a_time"),
    )

    id: Mapped[RowId]
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pool.id", ondelete="CASCADE"))
    need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id"), index=True)
    # Its letter in the week: 0 is A.
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    status: Mapped[ShareStatus] = mapped_column(stored(ShareStatus), default=ShareStatus.PENDING)
    fte: Mapped[Decimal] = mapped_column(Numeric(4, 3))
    halfdays: Mapped[int] = mapped_column(SmallInteger)
    answered_at: Mapped[datetime | None]
    # How often the question was put: once more when the week changed.
    asked: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")

    pool: Mapped[Pool] = relationship(back_populates="shares")
    need: Mapped[Need] = relationship()

    @property
    def has_left(self) -> bool:
        return self.status in GONE

    @property
    def letter(self) -> str:
        return chr(ord("A") + self.position)

    @property
    def hours(self) -> Decimal:
        """Hours a week in an active month."""
        return self.halfdays.bit_count() * HOURS_A_HALFDAY


class PoolWelcome(Base):
    """An employer group is asked whether it would take a pool in, rather than that the pool founds another."""

    __tablename__ = "pool_welcome"
    __table_args__ = (
        UniqueConstraint("pool_id", "organisation_id"),
        CheckConstraint("(status = 'pending') = (answered_at IS NULL)", name="an_answer_has_a_time"),
    )

    id: Mapped[RowId]
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pool.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    status: Mapped[WelcomeStatus] = mapped_column(stored(WelcomeStatus), default=WelcomeStatus.PENDING)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    answered_at: Mapped[datetime | None]

    pool: Mapped[Pool] = relationship(back_populates="welcomes")
    organisation: Mapped[Organisation] = relationship()


class PoolMeeting(Base):
    """A pool whose employers meet at a job dating, when it opens. ``starts_at`` is what they were told."""

    __tablename__ = "pool_meeting"

    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pool.id", ondelete="CASCADE"), primary_key=True)
    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"), index=True)
    starts_at: Mapped[datetime]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    # How often they were told: each time is another mail.
    told: Mapped[int] = mapped_column(SmallInteger, default=0)

    pool: Mapped[Pool] = relationship(back_populates="meeting")
    job_dating: Mapped[JobDating] = relationship()
