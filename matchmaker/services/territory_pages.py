"""The page of a territory: who answers for it, what it looks for, where one meets, who follows it. Each part in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from matchmaker.extensions import db
from matchmaker.models import Commune, JobDating, JobDatingStatus, Level, Need, Offer, Organisation, Territory, Theme, Venue
from matchmaker.models.base import now
from matchmaker.services import job_dating_lists, territories
from matchmaker.services.declarations import public
from matchmaker.services.organisations import lies_in

EACH, COMING, THIRD_PLACES = 3, 6, 12
Row = TypeVar("Row", JobDating, Organisation)


@dataclass(frozen=True)
class Themed:
    """How many needs that anybody may see are about a theme, and the newest of them."""

    theme: Theme
    count: int
    newest: list[Need]
    is_priority: bool


@dataclass(frozen=True)
class Live:
    """What is published in a territory now."""

    needs: int
    offers: int
    organisations: int
    untold: int


def territory(level: str, code: str) -> Territory | None:
    """The territory that an address names, with those that hold it."""
    if level not in {*Level}:
        return None
    parents = joinedload(Territory.parent).joinedload(Territory.parent)
    return db.session.scalars(select(Territory).where(Territory.level == Level(level), Territory.code == code).options(parents)).one_or_none()


def answers_for(territory: Territory) -> Territory | None:
    """The territory whose contact answers: itself, else the nearest around it that names one."""
    around: Territory | None = territory
    while around is not None and not (around.contact_email or around.contact_phone):
        around = around.parent
    return around


def priorities(territory: Territory) -> list[Theme]:
    """The themes that the territory calls its own, else those of the one around it."""
    around: Territory | None = territory
    while around is not None and not around.themes:
        around = around.parent
    return [Theme(code) for code in around.themes] if around is not None else []


def here(territory: Territory, column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Is this commune in the territory?"""
    return column.in_(select(Commune.code).where(lies_in(territory)))


def live(territory: Territory) -> Live:
    """Counts of what anybody may see, in one round trip. ``untold``: needs that name no theme."""
    needs = select(func.count(Need.id)).where(*public(Need), here(territory, Need.commune_code))
    offers = select(func.count(Offer.id)).where(*public(Offer), here(territory, Offer.commune_code))
    people = select(func.count(Organisation.id)).where(here(territory, Organisation.commune_code))
    untold = needs.where(func.cardinality(Need.themes) == 0)
    row = db.session.execute(select(*(one.scalar_subquery() for one in (needs, offers, people, untold)))).one()
    return Live(*row)


def needs_by_theme(territory: Territory, *, each: int = EACH) -> list[Themed]:
    """The public needs by theme, those of the territory's own themes first, then the most frequent; two queries."""
    own = priorities(territory)
    told = select(Need.id, Need.published_at, func.unnest(Need.themes).label("theme")).where(*public(Need), here(territory, Need.commune_code)).subquery()
    count = func.count().over(partition_by=told.c.theme)
    place = func.row_number().over(partition_by=told.c.theme, order_by=(told.c.published_at.desc(), told.c.id))
    ranked = select(told.c.id, told.c.theme, count.label("total"), place.label("place")).subquery()
    rows = db.session.execute(select(ranked).where(ranked.c.place <= each).order_by(ranked.c.theme, ranked.c.place)).all()
    query = select(Need).where(Need.id.in_({row.id for row in rows})).options(joinedload(Need.organisation), joinedload(Need.commune))
    needs = {need.id: need for need in db.session.scalars(query)}
    found = {
        theme: Themed(theme, count, [needs[row.id] for row in rows if row.theme == theme], theme in own)
        for theme, count in {Theme(row.theme): row.total for row in rows}.items()
    }
    return sorted(found.values(), key=lambda one: (own.index(one.theme) if one.is_priority else len(own), -one.count, one.theme))


def coming(territory: Territory, *, limit: int = COMING) -> list[JobDating]:
    """The published job datings to come at venues of the territory, the next one first."""
    is_here = here(territory, Venue.commune_code)
    return job_dating_lists.listed(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now(), is_here, newest_first=False, limit=limit)


def third_places(territory: Territory, *, limit: int = THIRD_PLACES) -> list[Organisation]:
    """The third places of the territory by name, with their commune."""
    query = select(Organisation).where(Organisation.is_third_place, here(territory, Organisation.commune_code))
    name = func.unaccent(func.lower(Organisation.name))
    return list(db.session.scalars(query.options(joinedload(Organisation.commune)).order_by(name, Organisation.id).limit(limit)))


@dataclass(frozen=True)
class Near:
    """What is nearest outside a territory that has none of it, with its whole kilometres from where the inhabitants live on average."""

    job_dating: tuple[JobDating, int] | None = None
    third_place: tuple[Organisation, int] | None = None


def near(territory: Territory, *, job_dating: bool, third_place: bool) -> Near:
    """The nearest of what is asked for. A region is not looked around; three queries at most."""
    middle = middle_of(territory) if territory.level is not Level.REGION and (job_dating or third_place) else None
    if middle is None:
        return Near()
    announced = JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at >= now()
    dates = job_dating_lists.listed(*announced, newest_first=False) if job_dating else []
    houses = select(Organisation).where(Organisation.is_third_place).options(joinedload(Organisation.commune)).order_by(Organisation.id)
    places = db.session.scalars(houses).all() if third_place else []
    return Near(nearest(middle, [(one, one.venue.commune) for one in dates]), nearest(middle, [(one, one.commune) for one in places]))


def middle_of(territory: Territory) -> tuple[float, float] | None:
    """Where its inhabitants live on average, in degrees."""
    weight = func.greatest(Commune.population, 1)
    query = select(func.sum(Commune.latitude * weight) / func.sum(weight), func.sum(Commune.longitude * weight) / func.sum(weight))
    lat, lon = db.session.execute(query.where(lies_in(territory), Commune.latitude.is_not(None))).one()
    return None if lat is None or lon is None else (float(lat), float(lon))


def nearest(middle: tuple[float, float], rows: Sequence[tuple[Row, Commune]]) -> tuple[Row, int] | None:
    """The row whose commune is nearest; the first of two as near."""
    known = [(row, territories.kilometres(middle, point)) for row, commune in rows if (point := territories.commune_point(commune)) is not None]
    found = min(known, key=lambda one: one[1], default=None)
    return (found[0], round(found[1])) if found is not None else None


def holders(territory: Territory) -> list[Territory]:
    """The territories that hold it, the widest first."""
    found: list[Territory] = []
    parent = territory.parent
    while parent is not None:
        found.insert(0, parent)
        parent = parent.parent
    return found


def of_commune(commune: Commune) -> list[Territory]:
    """The loaded territories of a commune: its EPCI, département and region."""
    codes = ((Level.EPCI, commune.epci_code), (Level.DEPARTEMENT, commune.departement_code), (Level.REGION, commune.region_code))
    wanted = or_(*((Territory.level == level) & (Territory.code == code) for level, code in codes if code))
    order = {level: place for place, (level, _code) in enumerate(codes)}
    return sorted(db.session.scalars(select(Territory).where(wanted)), key=lambda one: order[one.level])
