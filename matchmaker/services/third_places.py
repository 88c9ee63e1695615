"""The network of third places: what was held there, what comes next, and which of them the next job dating would reach most needs from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from matchmaker.engine.reach import Choice, most_reached
from matchmaker.engine.sides import great_circle_km
from matchmaker.extensions import db
from matchmaker.models import Commune, JobDating, JobDatingStatus, Meeting, Need, Offer, Organisation, Table, Territory, Venue
from matchmaker.models.base import now, today
from matchmaker.services import silent_needs
from matchmaker.services.declarations import public
from matchmaker.services.territory_pages import here

REACH_KM = 30


@dataclass
class House:
    """A third place with its venues and what happened there."""

    organisation: Organisation
    venues: list[Venue] = field(default_factory=list)
    held: list[JobDating] = field(default_factory=list)
    coming: list[JobDating] = field(default_factory=list)
    tables: int = 0
    seated: int = 0
    places: int = 0

    @property
    def fill(self) -> float | None:
        """Meetings that had a table, among the tables of all rounds that were held; nothing before the first."""
        return self.seated / self.places if self.places else None

    @property
    def is_accessible(self) -> bool:
        return any(venue.is_accessible for venue in self.venues)


@dataclass(frozen=True)
class Reached:
    """A venue that could receive the next job dating.

    Attributes
    ----------
    needs : needs without a yes within reach.
    new : those of them that neither an announced job dating nor a venue before this one in the list reaches.
    organisations : structures behind the new needs.
    offers : published offers within reach.
    """

    venue: Venue
    needs: int
    new: int
    organisations: int
    offers: int


def network(territory: Territory | None = None) -> list[House]:
    """The third places of a territory, or all, by name; in a fixed number of queries."""
    query = select(Organisation).where(Organisation.is_third_place).options(joinedload(Organisation.commune), joinedload(Organisation.territory))
    if territory is not None:
        query = query.where(here(territory, Organisation.commune_code))
    found = db.session.scalars(query.order_by(func.unaccent(func.lower(Organisation.name)), Organisation.id))
    return filled([House(one) for one in found])


def house(organisation_id: UUID) -> House | None:
    query = select(Organisation).where(Organisation.id == organisation_id, Organisation.is_third_place)
    one = db.session.scalars(query.options(joinedload(Organisation.commune), joinedload(Organisation.territory))).one_or_none()
    return filled([House(one)], selectinload(Venue.hours), selectinload(Venue.photos))[0] if one else None


def filled(houses: list[House], *parts: ExecutableOption) -> list[House]:
    """With their venues and ``parts`` of these, and the published job datings there."""
    by_id = {one.organisation.id: one for one in houses}
    query = select(Venue).where(Venue.organisation_id.in_(by_id)).options(joinedload(Venue.commune), *parts)
    for venue in db.session.scalars(query.order_by(Venue.name, Venue.id)):
        by_id[venue.organisation_id].venues.append(venue)
    whose = {venue.id: one for one in houses for venue in one.venues}
    dates = select(JobDating).where(JobDating.venue_id.in_(whose), JobDating.status == JobDatingStatus.PUBLISHED).order_by(JobDating.starts_at, JobDating.id)
    at = now()
    for job_dating in db.session.scalars(dates):
        (whose[job_dating.venue_id].held if job_dating.ends_at < at else whose[job_dating.venue_id].coming).append(job_dating)
    tables = dict(db.session.execute(select(Table.venue_id, func.count()).where(Table.venue_id.in_(whose)).group_by(Table.venue_id)).all())
    counts = seats({job_dating.id: tables.get(job_dating.venue_id, 0) for one in houses for job_dating in one.held})
    for one in houses:
        one.tables = sum(tables.get(venue.id, 0) for venue in one.venues)
        one.seated, one.places = (sum(counts.get(job_dating.id, (0, 0))[part] for job_dating in one.held) for part in (0, 1))
    return houses


def seats(tables: dict[UUID, int]) -> dict[UUID, tuple[int, int]]:
    """Job dating → meetings that had a place, and places: tables in each of its rounds."""
    query = select(Meeting.job_dating_id, func.count(), func.max(Meeting.round)).where(Meeting.job_dating_id.in_(tables), Meeting.round.is_not(None))
    rows = db.session.execute(query.group_by(Meeting.job_dating_id))
    return {one: (count, ((last or 0) + 1) * tables[one]) for one, count, last in rows}


def best_placed(territories: Collection[Territory], *, most: int = 5) -> list[Reached]:
    """The venues of these territories from which the next job datings reach most needs without a yes, the best first.

    The first reaches the most of all; each following one the most of those that are left. Needs that a job dating to come reaches
    already are left aside. In a fixed number of queries.
    """
    ids = [territory.id for territory in territories]
    venues = list(db.session.scalars(select(Venue).where(Venue.territory_id.in_(ids)).options(joinedload(Venue.commune), joinedload(Venue.organisation))))
    venues.sort(key=lambda venue: (venue.name, venue.id))
    needs, offers = points(Need, silent=True), points(Offer, silent=False)
    within, near_offers = reaches(venues, needs.lat, needs.lon), reaches(venues, offers.lat, offers.lon)
    taken = np.asarray(reaches(announced(), needs.lat, needs.lon).any(axis=0), dtype=np.bool_)
    found = []
    for choice in most_reached(within, already=taken, most=most):
        row = choice.row
        found.append(Reached(venues[row], int(within[row].sum()), choice.gain, structures(needs, choice), int(near_offers[row].sum())))
    return found


@dataclass(frozen=True)
class Points:
    """Where declarations are, and whose they are."""

    organisations: list[UUID]
    lat: np.ndarray
    lon: np.ndarray


def structures(needs: Points, choice: Choice) -> int:
    return len({needs.organisations[row] for row in choice.new.tolist()})


def points(model: type[Need] | type[Offer], *, silent: bool) -> Points:
    """The public declarations; of needs only those without a yes."""
    where = (*public(model), *(silent_needs.is_silent(today=today()) if silent else ()))
    query = select(model.organisation_id, Commune.latitude, Commune.longitude).join(Commune, model.commune_code == Commune.code)
    rows = db.session.execute(query.where(*where, Commune.latitude.is_not(None)).order_by(model.id)).all()
    return Points([row[0] for row in rows], np.array([row[1] for row in rows], dtype=np.float64), np.array([row[2] for row in rows], dtype=np.float64))


def reaches(venues: Sequence[Venue], lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(V, N) is this point within reach of this venue? A venue without a point reaches nothing."""
    known = [(venue.commune.latitude, venue.commune.longitude) for venue in venues]
    places = np.array([(np.nan, np.nan) if None in one else one for one in known], dtype=np.float64).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        return np.asarray(great_circle_km(places[:, :1], places[:, 1:], lat[None, :], lon[None, :]) <= REACH_KM)


def announced() -> list[Venue]:
    """The venues where a job dating is announced."""
    to_come = select(JobDating.venue_id).where(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now())
    return list(db.session.scalars(select(Venue).where(Venue.id.in_(to_come)).options(joinedload(Venue.commune))))


def nearest_venues(places: dict[int, tuple[float, float]]) -> dict[int, tuple[Venue, float]]:
    """Territory → the venue nearest to a point of it, and how far that is. One query."""
    venues = list(
        db.session.scalars(select(Venue).join(Venue.commune).where(Commune.latitude.is_not(None)).options(joinedload(Venue.commune)).order_by(Venue.id))
    )
    if not venues or not places:
        return {}
    lat, lon = (np.array([getattr(venue.commune, name) for venue in venues], dtype=np.float64) for name in ("latitude", "longitude"))
    here_lat, here_lon = (np.array([point[part] for point in places.values()]) for part in (0, 1))
    km = great_circle_km(here_lat[:, None], here_lon[:, None], lat[None, :], lon[None, :])
    return {one: (venues[int(row)], float(km[place, row])) for place, (one, row) in enumerate(zip(places, km.argmin(axis=1), strict=True))}
