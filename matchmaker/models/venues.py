"""Venues of third places: rooms, tables, and how many people may be in the house."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped
from matchmaker.models.organisations import Organisation
from matchmaker.models.territories import Commune, Territory


class Venue(Timestamped, Base):
    """A place that receives job datings. The authorised headcount is a hard limit, staff included."""

    __tablename__ = "venue"
    __table_args__ = (
        CheckConstraint("authorised_headcount BETWEEN 1 AND 5000", name="headcount_is_sane"),
        CheckConstraint("staff_count BETWEEN 0 AND authorised_headcount", name="staff_fits"),
        CheckConstraint("length(btrim(name)) > 0", name="has_a_name"),
    )

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    commune_code: Mapped[str] = mapped_column(ForeignKey("commune.code"), index=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), index=True)
    authorised_headcount: Mapped[int]
    staff_count: Mapped[int] = mapped_column(default=1)
    is_accessible: Mapped[bool] = mapped_column(default=False)
    access_text: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    # Raised to end the address of the calendar feed.
    calendar_version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship(back_populates="venues")
    commune: Mapped[Commune] = relationship()
    territory: Mapped[Territory] = relationship()
    rooms: Mapped[list["Room"]] = relationship(back_populates="venue", cascade="all, delete-orphan", order_by="Room.position")

    @property
    def tables(self) -> list["Table"]:
        """All tables, room by room, in the order that people see."""
        return [table for room in self.rooms for table in room.tables]

    @property
    def seats_for_guests(self) -> int:
        return self.authorised_headcount - self.staff_count


class Room(Base):
    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("venue_id", "name"),)

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)

    venue: Mapped[Venue] = relationship(back_populates="rooms")
    tables: Mapped[list["Table"]] = relationship(back_populates="room", cascade="all, delete-orphan", order_by="Table.number")


class Table(Base):
    """A table where two structures meet. Numbers run over the whole venue, so that « table 4 » is one table."""

    __tablename__ = "venue_table"
    __table_args__ = (
        UniqueConstraint("venue_id", "number"),
        CheckConstraint("number > 0", name="number_is_positive"),
    )

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    room_id: Mapped[UUID] = mapped_column(ForeignKey("room.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    is_accessible: Mapped[bool] = mapped_column(default=False)

    venue: Mapped[Venue] = relationship()
    room: Mapped[Room] = relationship(back_populates="tables")
