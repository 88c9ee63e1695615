"""White zones: what each intercommunalité looks for and nobody near it offers, night by night.

A need is far when no published offer that speaks of the same thing lies within thirty kilometres. That, like the counts of needs and
offers, is made of what anybody may see. Needs and offers without a yes are not: the public reads those at the ends of months only, and
small numbers are hidden.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from matchmaker.engine.scoring import Context
from matchmaker.engine.supply import nearest_possible
from matchmaker.extensions import db
from matchmaker.models import Category, Commune, Level, Match, MatchStatus, Need, Offer, Proposal, ProposalStatus, Side, Status, Territory, WhiteZone
from matchmaker.services import indicators_loading, observatory_snapshots, occupations, territories
from matchmaker.services.matching_inputs import BY_WORDS
from matchmaker.services.matching_tables import CATEGORIES, Table, table

FAR_KM = 30
# A white zone: so much of what is looked for has nothing near it, and less than so much is offered for it.
WHITE_SHARE, POOR_SHARE = 0.5, 0.5
# Two workers at once: the second finds the day taken.
LOCK = 0x7768697465
MOST_MONTHS, MOST_AT_ONCE = 12, 3


@dataclass
class Zone:
    """One EPCI on a day, all categories together."""

    territory: Territory
    cells: list[WhiteZone] = field(default_factory=list)

    def count(self, name: str) -> int:
        return sum(getattr(cell, name) for cell in self.cells)

    @property
    def is_white(self) -> bool:
        """Half of its needs or more have no possible offer near them, and there is less than one offer for two needs."""
        needs, far = self.count("needs"), self.count("far")
        return far > 0 and far >= WHITE_SHARE * needs and self.count("offers") < POOR_SHARE * needs

    @property
    def nearest(self) -> WhiteZone | None:
        """The cell that tells where the nearest possible supply of its far needs is; else that of any need."""
        told = [cell for cell in self.cells if cell.nearest_km is not None and cell.needs]
        return min(told, key=lambda cell: (cell.far == 0, cell.nearest_km or 0.0), default=None)


def take_due(*, at: datetime) -> list[date]:
    """Take yesterday, and some of the month ends before the first night, unless that is done. Returns the days that were taken."""
    yesterday = indicators_loading.paris_day(at) - timedelta(days=1)
    wanted = [yesterday, *observatory_snapshots.month_ends(before=yesterday)[::-1][:MOST_MONTHS]]
    known = set(db.session.scalars(select(WhiteZone.day).where(WhiteZone.day.in_(wanted)).distinct()))
    return [day for day in [day for day in wanted if day not in known][:MOST_AT_ONCE] if take(day, is_rebuilt=day != yesterday)]


def take(day: date, *, is_rebuilt: bool = False) -> bool:
    """Write down the white zones of this day. False, and nothing changed, when they were written already, or there is nothing to write."""
    db.session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if db.session.scalar(select(WhiteZone.day).where(WhiteZone.day == day).limit(1)) is not None:
        return False
    rows = rows_of(day)
    if rows:
        db.session.connection().execute(insert(WhiteZone).on_conflict_do_nothing(), [row | {"is_rebuilt": is_rebuilt} for row in rows])
        db.session.expire_all()
    return bool(rows)


def rows_of(day: date) -> list[dict[str, Any]]:
    """One row for each EPCI and category in which something was published on that day; in a fixed number of queries."""
    until = indicators_loading.midnight(day + timedelta(days=1))
    homes = territories.homes()
    needs = table(Need, *was_public(Need, day, until), homes=homes, taken={})
    offers = table(Offer, *was_public(Offer, day, until), homes=homes, taken={})
    near = nearest_possible(needs.side, offers.side, context_of(needs, offers, day), BY_WORDS)
    served, used = answered(Need, day, until), answered(Offer, day, until)
    is_far = near.distance_km > FAR_KM
    unmet = np.array([one not in served for one in needs.ids], dtype=np.bool_)
    unused = np.array([one not in used for one in offers.ids], dtype=np.bool_)
    communes = communes_of(offers.ids)
    key, other = keys(needs), keys(offers)
    found: dict[int, dict[str, Any]] = {
        cell: {"needs": 0, "unmet": 0, "far": 0, "offers": 0, "unused": 0, "nearest_km": None, "nearest_code": None}
        for cell in sorted({*key.tolist(), *other.tolist()} - {-1})
    }
    for name, column, rows in (("needs", key, key >= 0), ("unmet", key, unmet), ("far", key, is_far), ("offers", other, other >= 0), ("unused", other, unused)):
        for cell, count in zip(*np.unique(column[rows & (column >= 0)], return_counts=True), strict=True):
            found[int(cell)][name] = int(count)
    # The first row of each cell in this order tells its nearest supply: far needs first, then by distance.
    told = np.flatnonzero((key >= 0) & (near.offer >= 0))
    told = told[np.lexsort((near.distance_km[told], ~is_far[told], key[told]))]
    for cell, first in zip(*np.unique(key[told], return_index=True), strict=True):
        row = int(told[first])
        found[int(cell)]["nearest_km"] = round(float(near.distance_km[row]), 1)
        found[int(cell)]["nearest_code"] = communes[offers.ids[int(near.offer[row])]]
    return [{"day": day, "territory_id": cell // len(CATEGORIES), "category": CATEGORIES[cell % len(CATEGORIES)], **told} for cell, told in found.items()]


def keys(side: Table) -> np.ndarray:
    """(N,) a number for the EPCI and the category of each row, -1 outside the loaded EPCI."""
    epci = side.side.home[:, 0]
    return np.where(epci >= 0, epci * len(CATEGORIES) + side.side.category, -1)


def context_of(needs: Table, offers: Table, day: date) -> Context:
    proximity = occupations.proximity() if occupations.are_imported() else None
    return Context(needs.profile, offers.profile, day.toordinal(), 0, np.zeros((0, 2), dtype=np.int64), proximity)


def was_public(model: type[Need] | type[Offer], day: date, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """What anybody could see at the end of that day, as far as is known now: one that was closed or paused since has no date of that."""
    is_open = or_(model.status == Status.PUBLISHED, and_(model.status == Status.EXPIRED, model.expires_on >= day))
    return is_open, model.is_confidential.is_(False), model.published_at < until


def answered(model: type[Need] | type[Offer], day: date, until: datetime) -> set[UUID]:
    """Ids of those that the other side had said yes to, where that yes still stands."""
    link, side = (Match.need_id, Side.OFFER) if model is Need else (Match.offer_id, Side.NEED)
    said_yes = exists().where(Proposal.match_id == Match.id, Proposal.side == side, Proposal.status == ProposalStatus.ACCEPTED, Proposal.answered_at < until)
    stands = or_(
        and_(Match.status == MatchStatus.CONFIRMED, Match.confirmed_at < until), and_(Match.status.in_((MatchStatus.PROPOSED, MatchStatus.CONFIRMED)), said_yes)
    )
    return set(db.session.scalars(select(link).where(stands, link.in_(select(model.id).where(*was_public(model, day, until)))).distinct()))


def communes_of(offer_ids: Sequence[UUID]) -> dict[UUID, str]:
    query = select(Offer.id, Offer.commune_code).where(Offer.published_at.is_not(None), Offer.status.in_((Status.PUBLISHED, Status.EXPIRED)))
    wanted = set(offer_ids)
    return {one: code for one, code in db.session.execute(query) if one in wanted}


def days() -> list[date]:
    """The days that were taken, the oldest first."""
    return list(db.session.scalars(select(WhiteZone.day).distinct().order_by(WhiteZone.day)))


def before(known: Sequence[date], day: date, *, weeks: int = 4) -> date | None:
    """The last day that was taken so many weeks before this one, or the first one of all."""
    earlier = [one for one in known if one < day]
    long_ago = [one for one in earlier if one <= day - timedelta(weeks=weeks)]
    return long_ago[-1] if long_ago else earlier[0] if earlier else None


def month_end(known: Sequence[date], *, today: date) -> date | None:
    """The last day that was taken and is the last of a month that is over."""
    ends = [one for one in known if one < today and (one + timedelta(days=1)).day == 1]
    return ends[-1] if ends else None


def zones(day: date, epcis: Sequence[Territory]) -> list[Zone]:
    """These EPCI on a day, in their order; one in which nothing was published has no cell. One query."""
    query = select(WhiteZone).where(WhiteZone.day == day, WhiteZone.territory_id.in_([one.id for one in epcis])).order_by(WhiteZone.category)
    cells: dict[int, list[WhiteZone]] = defaultdict(list)
    for cell in db.session.scalars(query.options(joinedload(WhiteZone.nearest))):
        cells[cell.territory_id].append(cell)
    order = {category: place for place, category in enumerate(Category)}
    return [Zone(one, sorted(cells[one.id], key=lambda cell: order[cell.category])) for one in epcis]


def far_counts(day: date, epci_ids: Collection[int]) -> Counter[int]:
    """EPCI → its far needs on a day."""
    query = select(WhiteZone.territory_id, func.sum(WhiteZone.far)).where(WhiteZone.day == day, WhiteZone.territory_id.in_(epci_ids))
    return Counter({one: int(number) for one, number in db.session.execute(query.group_by(WhiteZone.territory_id))})


def centres(epcis: Sequence[Territory]) -> dict[int, tuple[float, float]]:
    """EPCI → where its inhabitants live on average, in degrees. One query."""
    weight = func.greatest(Commune.population, 1)
    columns = (func.sum(Commune.latitude * weight) / func.sum(weight), func.sum(Commune.longitude * weight) / func.sum(weight))
    query = select(Territory.id, *columns).join(Commune, Commune.epci_code == Territory.code)
    query = query.where(Territory.level == Level.EPCI, Territory.id.in_([one.id for one in epcis]), Commune.latitude.is_not(None))
    return {one: (float(lat or 0.0), float(lon or 0.0)) for one, lat, lon in db.session.execute(query.group_by(Territory.id))}
