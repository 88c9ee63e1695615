"""Venues: describing a third place, its rooms and tables, and when it is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import (
    Commune,
    JobDating,
    JobDatingStatus,
    Meeting,
    Organisation,
    Role,
    Room,
    Table,
    User,
    Venue,
    VenueHours,
)
from matchmaker.models.base import PARIS, now
from matchmaker.services import job_dating_groups
from matchmaker.services.errors import NoReach, TablesPlanned, TooManyPeople
from matchmaker.services.territories import departement_of


@dataclass(frozen=True)
class RoomPlan:
    """A room as its host describes it: how many tables, how many of those a wheelchair can reach, how many are quiet."""

    name: str
    tables: int
    accessible_tables: int
    quiet_tables: int = 0


@dataclass(frozen=True)
class Opening:
    """The hours of one day of the week, Monday 0."""

    weekday: int
    opens_at: time
    closes_at: time


def open_venue(organisation: Organisation, *, name: str, commune: Commune, rooms: Sequence[RoomPlan], **fields: Any) -> Venue:
    """A venue of a third place, its tables numbered through all rooms, the accessible ones first in each room, the quiet ones last."""
    venue = Venue()
    write(venue, name=name, commune=commune, rooms=rooms, **fields)
    venue.organisation = organisation
    organisation.is_third_place = True
    db.session.add(venue)
    db.session.flush()
    return venue


def describe(venue: Venue, *, commune: Commune, rooms: Sequence[RoomPlan], **fields: Any) -> None:
    """Write the description anew. Raises TablesPlanned when tables change while a plan stands on them.

    Raises TooManyPeople when a published job dating to come expects more people than it would allow.
    """
    lock(venue)
    write(venue, commune=commune, rooms=rooms, **fields)
    guests = most_guests(venue)
    if guests > venue.seats_for_guests:
        raise TooManyPeople(guests + venue.staff_count, venue.authorised_headcount)


def lock(venue: Venue) -> None:
    """Wait for whoever describes it or publishes a job dating there, and read it again."""
    db.session.refresh(venue, Venue.__table__.columns.keys(), with_for_update=True)


def most_guests(venue: Venue) -> int:
    """The most people that a published job dating to come expects here, the venue's team not counted."""
    to_come = (JobDating.venue_id == venue.id, JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now())
    found = db.session.scalars(select(JobDating).where(*to_come).options(selectinload(JobDating.participants))).all()
    employers = job_dating_groups.employers_at([one.id for one in found])
    return max((job_dating_groups.people(one, employers[one.id]) for one in found), default=0)


def write(venue: Venue, *, commune: Commune, rooms: Sequence[RoomPlan], hours: Sequence[Opening] | None = None, **fields: Any) -> None:
    departement = departement_of(commune)
    if departement is None:
        raise NoReach(commune.code)
    venue.commune = commune
    venue.territory = departement
    for name, value in fields.items():
        setattr(venue, name, value)
    if rooms != room_plans(venue):
        furnish(venue, rooms)
    if hours is not None and hours != openings(venue):
        venue.hours.clear()
        # A day has one row: the old one must be gone before the new one comes.
        db.session.flush()
        venue.hours += [VenueHours(weekday=one.weekday, opens_at=one.opens_at, closes_at=one.closes_at) for one in hours]


def openings(venue: Venue) -> list[Opening]:
    """Its hours as its host wrote them, Monday first; nothing when nothing is known."""
    return sorted((Opening(one.weekday, one.opens_at, one.closes_at) for one in venue.hours), key=lambda one: one.weekday)


def is_open(venue: Venue, starts_at: datetime, ends_at: datetime) -> bool:
    """Is it open all that time, on the clock of the place? True where its hours are not known."""
    if not venue.hours:
        return True
    start, end = starts_at.astimezone(PARIS), ends_at.astimezone(PARIS)
    days = {one.weekday: one for one in venue.hours}
    there = days.get(start.weekday())
    return there is not None and start.date() == end.date() and there.opens_at <= start.time() and end.time() <= there.closes_at


def furnish(venue: Venue, rooms: Sequence[RoomPlan]) -> None:
    """Rooms whose tables are as before are kept, with the plans on them; those from the first change on are made anew."""
    kept = 0
    for old, new in zip(room_plans(venue), rooms, strict=False):
        if (old.tables, old.accessible_tables) != (new.tables, new.accessible_tables):
            break
        kept += 1
    plans = planned_on([table.id for room in venue.rooms[kept:] for table in room.tables])
    if plans:
        raise TablesPlanned(is_to_come=any(job_dating.is_open for job_dating in plans))
    del venue.rooms[kept:]
    for room in venue.rooms:
        room.name = str(room.id)
    # Names and numbers are unique in a venue: the old ones must be gone before the new ones come.
    db.session.flush()
    for room, plan in zip(venue.rooms, rooms, strict=False):
        room.name = plan.name
        for place, table in enumerate(room.tables):
            table.is_quiet = is_quiet(plan, place)
    number = len(venue.tables)
    for position, plan in enumerate(rooms[kept:], start=kept):
        room = Room(name=plan.name, position=position)
        for place in range(plan.tables):
            number += 1
            room.tables.append(Table(venue=venue, number=number, is_accessible=place < plan.accessible_tables, is_quiet=is_quiet(plan, place)))
        venue.rooms.append(room)
    db.session.flush()


def is_quiet(plan: RoomPlan, place: int) -> bool:
    return place >= plan.tables - plan.quiet_tables


def room_plans(venue: Venue) -> list[RoomPlan]:
    """The rooms as their host described them."""
    return [
        RoomPlan(room.name, len(room.tables), sum(table.is_accessible for table in room.tables), sum(table.is_quiet for table in room.tables))
        for room in venue.rooms
    ]


def planned_on(table_ids: Sequence[UUID]) -> list[JobDating]:
    """The job datings whose plans use one of these tables, also those that are cancelled or over."""
    meetings = select(Meeting.job_dating_id).where(Meeting.table_id.in_(table_ids))
    return list(db.session.scalars(select(JobDating).where(JobDating.id.in_(meetings))))


def in_hands_of(user: User) -> list[Venue]:
    """The venues that this person may run: a host those of its organisation, an animator those of its territories."""
    if user.role is Role.HOST and user.organisation is not None:
        return venues_of(user.organisation)
    if user.role is Role.ADMIN:
        return list(db.session.scalars(with_everything(select(Venue).order_by(Venue.name, Venue.id))))
    return venues_in([territory.id for mine in user.territories for territory in (mine, *mine.children)])


def venues_of(organisation: Organisation) -> list[Venue]:
    query = select(Venue).where(Venue.organisation_id == organisation.id).order_by(Venue.name, Venue.id)
    return list(db.session.scalars(with_everything(query)))


def venues_in(territory_ids: Sequence[int]) -> list[Venue]:
    query = select(Venue).where(Venue.territory_id.in_(territory_ids)).order_by(Venue.name, Venue.id)
    return list(db.session.scalars(with_everything(query)))


def venue(venue_id: UUID) -> Venue | None:
    return db.session.scalars(with_everything(select(Venue).where(Venue.id == venue_id))).one_or_none()


def with_everything(query: Select[Venue]) -> Select[Venue]:
    return query.options(
        joinedload(Venue.organisation),
        joinedload(Venue.commune),
        selectinload(Venue.rooms).selectinload(Room.tables),
        selectinload(Venue.hours),
        selectinload(Venue.photos),
    )
