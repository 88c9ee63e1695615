"""What each intercommunalité lacked, night by night: needs that no offer is near, and those that nobody said yes to."""

from datetime import date

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, stored
from matchmaker.models.declarations import Category
from matchmaker.models.territories import Commune, Territory


class WhiteZone(Base):
    """One category of one EPCI at the end of a day. Where nothing was published there is no row.

    ``far`` counts the needs without any offer that could answer within thirty kilometres: like ``needs`` and ``offers`` it is made of
    what anybody may see. ``unmet`` needs and ``unused`` offers are those without a yes.
    """

    __tablename__ = "white_zone"
    __table_args__ = (
        CheckConstraint("unmet BETWEEN 0 AND needs", name="unmet_are_needs"),
        CheckConstraint("far BETWEEN 0 AND needs", name="far_are_needs"),
        CheckConstraint("unused BETWEEN 0 AND offers", name="unused_are_offers"),
        CheckConstraint("(nearest_km IS NULL) = (nearest_code IS NULL)", name="nearest_is_somewhere"),
        Index("ix_white_zone_territory_id_day", "territory_id", "day"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[Category] = mapped_column(stored(Category), primary_key=True)
    needs: Mapped[int]
    unmet: Mapped[int]
    far: Mapped[int]
    offers: Mapped[int]
    unused: Mapped[int]
    # The nearest offer that could answer: one of the far needs where there are some, else any.
    nearest_km: Mapped[float | None] = mapped_column(Double)
    nearest_code: Mapped[str | None] = mapped_column(ForeignKey("commune.code"), index=True)
    # Counted later: what was closed or paused since has no date of that, and is missing.
    is_rebuilt: Mapped[bool] = mapped_column(default=False)

    territory: Mapped[Territory] = relationship()
    nearest: Mapped[Commune | None] = relationship()
