"""Has anything changed since a run read it? A fingerprint of row versions, taken by the database without sending the rows."""

from datetime import date
from hashlib import blake2b
from math import cos, radians
from typing import Any

from sqlalchemy import ColumnElement, Table, false, func, or_, select, true

from matchmaker.extensions import db
from matchmaker.models import Commune, CriteriaWeights, Level, Match, MatchingRun, Need, Offer, Organisation, Status, Territory
from matchmaker.models.declarations import need_area, offer_area
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services.matching_places import is_closed

KM_PER_DEGREE = 111.0
# A declaration may stand at its organisation's door and not at its commune's middle.
COMMUNE_KM = 15


def is_stale(run: MatchingRun, *, today: date) -> bool:
    """Would a computation now read something else? A run that kept no fingerprint is taken as it is."""
    return run.inputs_hash != "" and run.inputs_hash != fingerprint(run.territory, today=today)


def fingerprint(territory: Territory, *, today: date) -> str:
    """Of the open needs of the territory, the open offers that could reach it, where they stand, answers, weights and themes.

    Decisions on pairs are not in it: they change the run that waits in the same request. Nor is the day, by which a score moves a
    little.
    """
    open_needs = (Need.status == Status.PUBLISHED) & (Need.territory_id == territory.id)
    reach = within_reach(open_needs)
    open_offers = (Offer.status == Status.PUBLISHED) & reach
    is_live = Match.status.in_(LIVE_MATCH)
    answers = digest(Match.id, is_live).join(Match.need).join(Match.offer).join(Commune, Offer.commune_code == Commune.code)
    parts = (
        declarations_digest(Need, open_needs),
        declarations_digest(Offer, open_offers),
        areas_digest(Need, need_area, open_needs),
        areas_digest(Offer, offer_area, open_offers),
        answers.where(is_closed(today=today), (Need.territory_id == territory.id) | (is_live & reach)),
        digest(CriteriaWeights.id).where(CriteriaWeights.territory_id == territory.id),
    )
    told = [tuple(db.session.execute(part).one()) for part in parts]
    return blake2b(repr((told, sorted(territory.themes))).encode(), digest_size=16).hexdigest()


def digest(*columns: Any) -> Any:
    """How many rows, and the exclusive or of a hash of each: the order of the rows does not matter."""
    return select(func.count(), func.bit_xor(func.hash_record_extended(func.row(*columns), 0)))


def declarations_digest(model: type[Need] | type[Offer], condition: ColumnElement[bool]) -> Any:
    columns = (model.id, model.updated_at, Organisation.commune_code, Organisation.latitude, Organisation.longitude)
    query = digest(*columns).join(Organisation, model.organisation_id == Organisation.id).join(Commune, model.commune_code == Commune.code)
    return query.where(condition)


def areas_digest(model: type[Need] | type[Offer], links: Table, condition: ColumnElement[bool]) -> Any:
    owner, area = links.columns
    return digest(owner, area).join(model, owner == model.id).join(Commune, model.commune_code == Commune.code).where(condition)


def within_reach(open_needs: ColumnElement[bool]) -> ColumnElement[bool]:
    """Offers that a need could reach, and some more: by radius, from afar, or in an area. An offer of the other end of France is no news here."""
    place = select(
        func.min(Commune.latitude),
        func.max(Commune.latitude),
        func.min(Commune.longitude),
        func.max(Commune.longitude),
        func.max(Need.radius_km),
        func.bool_or(Need.remote_share == 100),
    )
    south, north, west, east, radius, is_remote = db.session.execute(place.join(Need, Need.commune_code == Commune.code).where(open_needs)).one()
    if radius is None:
        return false()
    if is_remote or south is None:
        return true()
    tall = (radius + 2 * COMMUNE_KM) / KM_PER_DEGREE
    wide = tall / max(0.1, cos(radians(max(abs(south), abs(north)) + tall)))
    near = Commune.latitude.between(south - tall, north + tall) & Commune.longitude.between(west - wide, east + wide)
    return or_(near, Commune.latitude.is_(None), Offer.remote_share == 100, in_areas(open_needs))


def in_areas(open_needs: ColumnElement[bool]) -> ColumnElement[bool]:
    """The commune lies in one of the areas of the needs."""
    query = select(Territory.level, Territory.code).join(need_area, need_area.c.territory_id == Territory.id).join(Need, need_area.c.need_id == Need.id)
    columns = {Level.EPCI: Commune.epci_code, Level.DEPARTEMENT: Commune.departement_code, Level.REGION: Commune.region_code}
    codes: dict[Level, list[str]] = {}
    for level, code in db.session.execute(query.where(open_needs).distinct()):
        codes.setdefault(level, []).append(code)
    return or_(false(), *(columns[level].in_(sorted(of_level)) for level, of_level in codes.items()))
