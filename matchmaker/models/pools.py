"""Pooled jobs: fractions of several employers that add up to one contract."""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped, stored
from matchmaker.models.declarations import Need
from matchmaker.models.territories import Territory


class PoolStatus(StrEnum):
    COMPOSED = "composed"
    PROPOSED = "proposed"
    AGREED = "agreed"
    SIGNED = "signed"
    DISSOLVED = "dissolved"


class ShareStatus(StrEnum):
    PENDING = "pending"
    INTERESTED = "interested"
    DECLINED = "declined"


class Pool(Timestamped, Base):
    """A shared job, composed of the fractions of at least two employers."""

    __tablename__ = "pool"

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), index=True)
    occupation: Mapped[str]
    status: Mapped[PoolStatus] = mapped_column(stored(PoolStatus), default=PoolStatus.COMPOSED)

    territory: Mapped[Territory] = relationship()
    shares: Mapped[list["PoolShare"]] = relationship(back_populates="pool", cascade="all, delete-orphan")

    @property
    def fte(self) -> Decimal:
        """Annual full-time equivalents of the whole pool."""
        return sum((share.fte for share in self.shares), Decimal())


class PoolShare(Base):
    """One employer's part of a pool: its half-days as a mask of ten bits."""

    __tablename__ = "pool_share"
    __table_args__ = (
        UniqueConstraint("pool_id", "need_id"),
        CheckConstraint("fte > 0 AND fte <= 1", name="fte_is_a_fraction"),
        CheckConstraint("halfdays BETWEEN 1 AND 1023", name="halfdays_are_ten_bits"),
    )

    id: Mapped[RowId]
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("pool.id", ondelete="CASCADE"))
    need_id: Mapped[UUID] = mapped_column(ForeignKey("need.id"), index=True)
    status: Mapped[ShareStatus] = mapped_column(stored(ShareStatus), default=ShareStatus.PENDING)
    fte: Mapped[Decimal] = mapped_column(Numeric(4, 3))
    halfdays: Mapped[int] = mapped_column(SmallInteger)

    pool: Mapped[Pool] = relationship(back_populates="shares")
    need: Mapped[Need] = relationship()
