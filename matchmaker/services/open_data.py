"""What anybody may download: the months that are over, small numbers and what would give them away left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Snapshot, Span, Territory
from matchmaker.services import observatory_secrecy, observatory_snapshots
from matchmaker.services.indicators import INDICATORS, Indicator
from matchmaker.services.observatory_places import Places
from matchmaker.services.observatory_snapshots import Cell, end_of

MONTHS = 24


@dataclass(frozen=True)
class Line:
    """One indicator of one territory in one month; ``cell`` is None where it is not published."""

    day: date
    territory: Territory
    indicator: Indicator
    cell: Cell | None
    is_rebuilt: bool


def lines(places: Places, *, today: date) -> Iterator[Line]:
    """The last twenty-four months that are over and were taken to their end, the oldest first. Four queries."""
    last = today.replace(day=1) - timedelta(days=1)
    keys = [indicator.key for indicator in INDICATORS]
    months = observatory_snapshots.months(list(places.all), keys, until=last, most=MONTHS)
    rebuilt = set(db.session.scalars(select(Snapshot.day).where(Snapshot.day.in_(months), Snapshot.is_rebuilt).distinct()))
    for day, cells in months.items():
        if day != end_of(Span.MONTH, day):
            continue
        for indicator in INDICATORS:
            hidden = observatory_secrecy.unpublished(indicator, cells, places.tree, places.roots)
            for territory in places.all.values():
                cell = cells.get((territory.id, indicator.key, ""))
                if territory.id in hidden or cell is not None:
                    yield Line(day, territory, indicator, None if territory.id in hidden else cell, day in rebuilt)
