"""Nightly snapshots of the indicators, so that history does not change."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, stored
from matchmaker.models.territories import Territory


class Span(StrEnum):
    """What a figure is about: the month or the quarter of its day so far, or the twelve months that end with it."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Snapshot(Base):
    """One indicator of one territory as it was known at the end of a day. A figure of nothing has no row on a day that has others.

    ``value`` is the numerator of a share, the figure itself otherwise; ``denominator`` what it is a share of, or over how many it was taken.
    """

    __tablename__ = "snapshot"
    __table_args__ = (
        CheckConstraint("denominator >= 0", name="denominator_is_a_count"),
        Index("ix_snapshot_territory_id_indicator", "territory_id", "indicator", "span", "day"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), primary_key=True)
    span: Mapped[Span] = mapped_column(stored(Span), primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    # A category, or a band of money; empty for the whole.
    part: Mapped[str] = mapped_column(primary_key=True, default="")
    value: Mapped[Decimal] = mapped_column(Numeric(16, 4))
    denominator: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    # Counted later, from the dates of what happened: of the months before the first night.
    is_rebuilt: Mapped[bool] = mapped_column(default=False)

    territory: Mapped[Territory] = relationship()
