"""Runs of the matching of a territory, and the pairs that they chose."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.engine.problem import displayed
from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.declarations import Category, Need, Offer
from matchmaker.models.proposals import Proposal
from matchmaker.models.territories import Territory


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class MatchStatus(StrEnum):
    PREVIEW = "preview"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    ENDED = "ended"


LIVE_MATCH = (MatchStatus.PROPOSED, MatchStatus.CONFIRMED)


class Verdict(StrEnum):
    """What an animator decided about a pair, for this run and the later ones."""

    LOCKED = "locked"
    REFUSED = "refused"


class MatchingRun(Base):
    """One computation for one territory. Value, bound and gap are whole millionths of a point."""

    __tablename__ = "matching_run"
    __table_args__ = (
        # Two runs of one territory can never be under way together: the second is refused by the database.
        Index("uq_matching_run_under_way", "territory_id", unique=True, postgresql_where=text("status IN ('queued', 'running')")),
        Index("uq_matching_run_published", "territory_id", unique=True, postgresql_where=text("status = 'published'")),
        Index("ix_matching_run_territory_id_created_at", "territory_id", "created_at"),
        CheckConstraint("status <> 'failed' OR failure <> ''", name="a_failure_has_a_reason"),
        CheckConstraint("(status IN ('ready', 'published', 'superseded')) = (value IS NOT NULL)", name="a_result_has_a_value"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    status: Mapped[RunStatus] = mapped_column(stored(RunStatus), default=RunStatus.QUEUED)
    objective: Mapped[str] = mapped_column(default="score")
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(default="")
    # How many workers took it up: one that kills its worker each time must not go on for ever.
    attempts: Mapped[int] = mapped_column(default=0)
    needs_count: Mapped[int] = mapped_column(default=0)
    offers_count: Mapped[int] = mapped_column(default=0)
    candidates_count: Mapped[int] = mapped_column(default=0)
    served_count: Mapped[int] = mapped_column(default=0)
    value: Mapped[int | None] = mapped_column(BigInteger)
    bound: Mapped[int | None] = mapped_column(BigInteger)
    gap: Mapped[int | None] = mapped_column(BigInteger)
    # For each need that nobody serves: the reason, in codes and numbers.
    unserved: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # Digest of all that the computation read: another one now means that the run is stale.
    inputs_hash: Mapped[str] = mapped_column(default="")
    # Category → criterion → weight, as they were used; a category without an entry has the default ones.
    weights: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # [[need id, offer id], …]: the locked pairs that could not be in the answer any more.
    set_aside: Mapped[list[Any]] = mapped_column(JSONB, default=list)
    # Counts up each time that a decision changes the answer: who acts on an older page is told to look again.
    revision: Mapped[int] = mapped_column(default=0)
    # Fairness figures by name.
    fairness: Mapped[dict[str, Any]] = mapped_column(default=dict)

    territory: Mapped[Territory] = relationship()
    requested_by: Mapped[User | None] = relationship()
    matches: Mapped[list["Match"]] = relationship(back_populates="run", cascade="all, delete-orphan")
    instance: Mapped["MatchingInstance | None"] = relationship(back_populates="run", cascade="all, delete-orphan")

    @property
    def is_over(self) -> bool:
        return self.status not in (RunStatus.QUEUED, RunStatus.RUNNING)

    def can_be_published(self) -> bool:
        return self.status is RunStatus.READY


class MatchingInstance(Base):
    """What a run was computed from and what it answered, as the engine's arrays: to mend it, explain it and verify it."""

    __tablename__ = "matching_instance"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("matching_run.id", ondelete="CASCADE"), primary_key=True)
    # A compressed numpy archive: see services/matching_instances.py.
    arrays: Mapped[bytes] = mapped_column(LargeBinary)

    run: Mapped[MatchingRun] = relationship(back_populates="instance")


class PairDecision(Base):
    """A pair that an animator locked or refused. It stands until it is taken back."""

    __tablename__ = "pair_decision"
    __table_args__ = (UniqueConstraint("need_id", "offer_id"),)

    id: Mapped[RowId]
    need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id", ondelete="CASCADE"))
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id", ondelete="CASCADE"), index=True)
    verdict: Mapped[Verdict] = mapped_column(stored(Verdict))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    decided_at: Mapped[datetime] = mapped_column(default=now)

    need: Mapped[Need] = relationship()
    offer: Mapped[Offer] = relationship()
    decided_by: Mapped[User | None] = relationship()


class CriteriaWeights(Base):
    """Weights of the criteria for one category in one territory. Rows are only added: the newest counts, the others are its history."""

    __tablename__ = "criteria_weights"
    __table_args__ = (Index("ix_criteria_weights_territory_id_category_set_at", "territory_id", "category", "set_at"),)

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    category: Mapped[Category] = mapped_column(stored(Category))
    # Criterion → weight; empty means back to the default ones.
    weights: Mapped[dict[str, Any]] = mapped_column(default=dict)
    set_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    set_at: Mapped[datetime] = mapped_column(default=now)

    territory: Mapped[Territory] = relationship()
    set_by: Mapped[User | None] = relationship()


class Match(Base):
    """A chosen pair, with the score in millionths and its breakdown by criterion."""

    __tablename__ = "match"
    __table_args__ = (
        UniqueConstraint("run_id", "need_id", "offer_id"),
        CheckConstraint("score BETWEEN 1 AND 1000000", name="score_is_in_millionths"),
        # A pair is proposed once at a time, whatever the run.
        Index("uq_match_live_pair", "need_id", "offer_id", unique=True, postgresql_where=text("status IN ('proposed', 'confirmed')")),
    )

    id: Mapped[RowId]
    # Nothing: no computation chose it, a host brought the two together at a job dating.
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("matching_run.id", ondelete="CASCADE"))
    need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id"), index=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offer.id"), index=True)
    status: Mapped[MatchStatus] = mapped_column(stored(MatchStatus), default=MatchStatus.PREVIEW)
    score: Mapped[int]
    distance_km: Mapped[float | None]
    # [{"criterion", "earned", "possible", "unknown"}, …] in points of one hundred
    breakdown: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    confirmed_at: Mapped[datetime | None]

    run: Mapped[MatchingRun | None] = relationship(back_populates="matches")
    need: Mapped[Need] = relationship()
    offer: Mapped[Offer] = relationship()
    proposals: Mapped[list[Proposal]] = relationship(back_populates="match", cascade="all, delete-orphan")

    @property
    def is_mutual(self) -> bool:
        return self.status is MatchStatus.CONFIRMED

    @property
    def is_by_host(self) -> bool:
        """A host lets the two meet; neither said yes to the other yet."""
        return self.run_id is None and self.status is MatchStatus.PREVIEW

    @property
    def points(self) -> int:
        """The score on one hundred, as people read it."""
        return displayed(self.score)
