"""How many structures could answer an announcement that is being written: by distance and by kind, without a name."""

from collections import Counter
from dataclasses import dataclass
from math import cos, radians
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, Text, and_, case, false, func, or_, select, true, type_coerce

from matchmaker.extensions import db
from matchmaker.models import Category, Commune, Level, Need, Offer, Organisation, Status, Territory
from matchmaker.models.declarations import need_area, offer_area
from matchmaker.services.territories import EARTH_RADIUS_KM

STEPS = (10, 30, 60, 100)
# Below this many, a count could tell who it is.
FEW = 3
KM_PER_DEGREE = 111.0
FROM_AFAR = 0


@dataclass(frozen=True)
class Reach:
    """Structures with an open announcement on the other side, of the same category, which the two radii bring together.

    Attributes
    ----------
    within : kilometres → how many, the nearer ones counted in; from_afar : how many more can work entirely from afar.
    kinds : code of the kind of structure → how many within the radius that was asked for.
    """

    radius_km: int
    within: dict[int, int]
    from_afar: int
    kinds: Counter[str]

    @property
    def total(self) -> int:
        """Within the radius, or from afar."""
        return self.within[self.radius_km] + self.from_afar


def around(commune: Commune, *, category: Category, is_need: bool, radius_km: int, is_remote: bool, organisation_id: UUID) -> Reach:
    """Count who could answer, in one query that reads columns only and one for the territories of the commune."""
    other: type[Need] | type[Offer] = Offer if is_need else Need
    one = measured(commune, other, category=category, organisation_id=organisation_id, is_remote=is_remote)
    from_afar = or_(one.c.remote_share == 100, anywhere(is_remote))
    meets = and_(one.c.away <= STEPS[-1], or_(one.c.away <= one.c.radius_km, one.c.covers, from_afar))
    # Of each structure the nearest announcement counts.
    nearest = func.min(case((meets, one.c.away))).label("nearest")
    each = select(nearest, func.min(one.c.kind).label("kind")).where(or_(meets, from_afar)).group_by(one.c.organisation_id).subquery()
    step = case(*((each.c.nearest <= km, km) for km in STEPS), else_=FROM_AFAR).label("step")
    rows = db.session.execute(select(step, each.c.kind, func.count()).group_by(step, each.c.kind)).all()
    within = {km: sum(count for step, _kind, count in rows if FROM_AFAR < step <= km) for km in STEPS}
    kinds: Counter[str] = Counter()
    for step, code, count in rows:
        if step <= radius_km:
            kinds[code] += count
    return Reach(radius_km, within, sum(count for step, _kind, count in rows if step == FROM_AFAR), kinds)


def measured(commune: Commune, other: type[Need] | type[Offer], *, category: Category, organisation_id: UUID, is_remote: bool) -> Subquery:
    """The open announcements of the other side that are near enough to be shown, or can be done from afar, each with its distance.

    An offset, even of nothing, keeps the database from computing the distance again wherever it is compared.
    """
    kind = func.coalesce(type_coerce(Organisation.inclusion_kind, Text), type_coerce(Organisation.family, Text))
    told = distance_km(commune, other).label("away"), other.id.in_(covering(commune, other)).label("covers"), kind.label("kind")
    query = (
        select(other.organisation_id, other.radius_km, other.remote_share, *told)
        .join(Organisation, other.organisation_id == Organisation.id)
        .join(Commune, other.commune_code == Commune.code)
    )
    query = query.where(other.status == Status.PUBLISHED, other.category == category, other.organisation_id != organisation_id)
    return query.where(or_(in_frame(commune), other.remote_share == 100, anywhere(is_remote))).offset(0).subquery()


def anywhere(is_remote: bool) -> ColumnElement[bool]:
    return true() if is_remote else false()


def in_frame(commune: Commune) -> ColumnElement[bool]:
    """A rectangle around the commune that holds all that is shown: the database looks no further."""
    if commune.latitude is None or commune.longitude is None:
        return false()
    tall = (STEPS[-1] + 15) / KM_PER_DEGREE
    wide = tall / max(0.1, cos(radians(abs(commune.latitude) + tall)))
    frame = (commune.latitude - tall, commune.latitude + tall, commune.longitude - wide, commune.longitude + wide)
    return Commune.latitude.between(*frame[:2]) & Commune.longitude.between(*frame[2:])


def covering(commune: Commune, other: type[Need] | type[Offer]) -> Select[UUID]:
    """Announcements that name a territory of this commune as one where they also apply."""
    links = need_area if other is Need else offer_area
    codes = ((Level.EPCI, commune.epci_code), (Level.DEPARTEMENT, commune.departement_code), (Level.REGION, commune.region_code))
    here = or_(*((Territory.level == level) & (Territory.code == code) for level, code in codes if code))
    owner = links.c.need_id if other is Need else links.c.offer_id
    return select(owner).join(Territory, Territory.id == links.c.territory_id).where(here)


def distance_km(commune: Commune, other: type[Need] | type[Offer]) -> ColumnElement[float]:
    """Great-circle distance from the commune, in the database. An announcement in its structure's commune stands at the structure's own point."""
    at_home = (other.commune_code == Organisation.commune_code) & Organisation.latitude.is_not(None)
    lat = func.radians(case((at_home, Organisation.latitude), else_=Commune.latitude))
    lon = func.radians(case((at_home, Organisation.longitude), else_=Commune.longitude))
    here_lat, here_lon = radians(commune.latitude or 0.0), radians(commune.longitude or 0.0)
    half_chord = func.power(func.sin((lat - here_lat) / 2), 2) + func.cos(lat) * cos(here_lat) * func.power(func.sin((lon - here_lon) / 2), 2)
    away: ColumnElement[float] = 2 * EARTH_RADIUS_KM * func.asin(func.least(1.0, func.sqrt(half_chord)))
    return away
