"""Several job datings of one year at one venue, made from one model."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped
from matchmaker.models.job_datings import JobDating
from matchmaker.models.venues import Venue


class Series(Timestamped, Base):
    """A series of job datings: same venue, same hours and rules, one date after the other."""

    __tablename__ = "series"
    __table_args__ = (CheckConstraint("length(btrim(title)) > 0", name="has_a_title"),)

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    title: Mapped[str]

    venue: Mapped[Venue] = relationship()
    dates: Mapped[list["SeriesDate"]] = relationship(back_populates="series", cascade="all, delete-orphan")

    @property
    def job_datings(self) -> list[JobDating]:
        """Its job datings in the order of their dates."""
        return sorted((date.job_dating for date in self.dates), key=lambda job_dating: (job_dating.starts_at, job_dating.id))


class SeriesDate(Base):
    """A job dating of a series. It is in one series at most."""

    __tablename__ = "series_date"

    job_dating_id: Mapped[UUID] = mapped_column(ForeignKey("job_dating.id", ondelete="CASCADE"), primary_key=True)
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"), index=True)

    series: Mapped[Series] = relationship(back_populates="dates")
    job_dating: Mapped[JobDating] = relationship()
