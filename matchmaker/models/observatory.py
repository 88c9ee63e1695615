"""Nightly snapshots of the indicators, so that history does not change."""

from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base
from matchmaker.models.territories import Territory


class Snapshot(Base):
    """The value of one indicator of one territory on one day, with its denominator where it has one."""

    __tablename__ = "snapshot"

    day: Mapped[date] = mapped_column(primary_key=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Decimal] = mapped_column(Numeric(16, 4))
    denominator: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))

    territory: Mapped[Territory] = relationship()
