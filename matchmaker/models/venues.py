"""Venues of third places: rooms, tables, how many people may be in the house, when it is open, and what it looks like."""

from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, Timestamped
from matchmaker.models.organisations import Organisation
from matchmaker.models.territories import Commune, Territory


class Equipment(StrEnum):
    """What a venue has, in the order in which a page lists it."""

    WIFI = "wifi"
    PROJECTOR = "projector"
    SOUND = "sound"
    HEARING_LOOP = "hearing_loop"
    POWER = "power"
    PRINTER = "printer"
    COFFEE = "coffee"
    CLOAKROOM = "cloakroom"
    QUIET_ROOM = "quiet_room"
    ADAPTED_TOILETS = "adapted_toilets"
    CAR_PARK = "car_park"
    BIKE_PARK = "bike_park"


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
    transport_text: Mapped[str] = mapped_column(default="")
    # Values of Equipment.
    equipment: Mapped[list[str]] = mapped_column(default=list)
    description: Mapped[str] = mapped_column(default="")
    # Raised to end the address of the calendar feed.
    calendar_version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship(back_populates="venues")
    commune: Mapped[Commune] = relationship()
    territory: Mapped[Territory] = relationship()
    rooms: Mapped[list["Room"]] = relationship(back_populates="venue", cascade="all, delete-orphan", order_by="Room.position")
    hours: Mapped[list["VenueHours"]] = relationship(back_populates="venue", cascade="all, delete-orphan", order_by="VenueHours.weekday")
    photos: Mapped[list["VenuePhoto"]] = relationship(back_populates="venue", cascade="all, delete-orphan", order_by="VenuePhoto.position")

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
    # Away from the others: for who hears or concentrates with difficulty.
    is_quiet: Mapped[bool] = mapped_column(default=False)

    venue: Mapped[Venue] = relationship()
    room: Mapped[Room] = relationship(back_populates="tables")


class VenueHours(Base):
    """When a venue is open on one day of the week (Monday is 0). A day without a row is a day on which it is closed."""

    __tablename__ = "venue_hours"
    __table_args__ = (
        UniqueConstraint("venue_id", "weekday"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_is_of_the_week"),
        CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
    )

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens_at: Mapped[time]
    closes_at: Mapped[time]

    venue: Mapped[Venue] = relationship(back_populates="hours")


class VenuePhoto(Base):
    """A picture of a venue, in the database so that it is where the backups are and survives the machine. Told in words for who does not see it."""

    __tablename__ = "venue_photo"
    __table_args__ = (
        UniqueConstraint("venue_id", "position", deferrable=True, initially="DEFERRED"),
        CheckConstraint("length(btrim(alt)) > 0", name="is_told_in_words"),
    )

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(SmallInteger)
    alt: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    # A JPEG that we made ourselves; read only where it is sent.
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

    venue: Mapped[Venue] = relationship(back_populates="photos")


class VenueBlock(Base):
    """Hours at which a venue is taken by something else: nothing is published there."""

    __tablename__ = "venue_block"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        CheckConstraint("ends_at <= starts_at + interval '370 days'", name="lasts_a_year_at_most"),
        Index("ix_venue_block_venue_id_starts_at", "venue_id", "starts_at"),
    )

    id: Mapped[RowId]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")

    venue: Mapped[Venue] = relationship()
