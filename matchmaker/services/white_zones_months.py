"""How the white zones came to be what they are: the ends of the months, and the newest night, EPCI by EPCI and category by category."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Category, WhiteZone
from matchmaker.services.white_zones import MOST_MONTHS

Key = tuple[int, Category]


@dataclass(frozen=True)
class Point:
    """The counts of one category of one EPCI at the end of a day; zeros where nothing was published."""

    day: date
    needs: int = 0
    unmet: int = 0
    far: int = 0
    offers: int = 0
    unused: int = 0
    is_rebuilt: bool = False

    def __add__(self, other: "Point") -> "Point":
        counts = (self.needs + other.needs, self.unmet + other.unmet, self.far + other.far, self.offers + other.offers, self.unused + other.unused)
        return Point(self.day, *counts, self.is_rebuilt or other.is_rebuilt)


def days_of(known: Sequence[date]) -> list[date]:
    """Of the days that were taken: the ends of the last twelve months, and the newest one.

    >>> [str(one) for one in days_of([date(2026, 9, 30), date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 22)])]
    ['2026-09-30', '2026-10-31', '2026-11-22']
    """
    ends = [one for one in known[:-1] if (one + timedelta(days=1)).day == 1]
    return [*ends[-MOST_MONTHS:], *known[-1:]]


def months(days: Sequence[date], epci_ids: Collection[int]) -> dict[Key, list[Point]]:
    """(EPCI, category) → its counts on each of these days, in their order; where nothing was ever published there is no line. Two queries."""
    columns = (WhiteZone.needs, WhiteZone.unmet, WhiteZone.far, WhiteZone.offers, WhiteZone.unused)
    later = set(db.session.scalars(select(WhiteZone.day).where(WhiteZone.day.in_(days), WhiteZone.is_rebuilt).distinct()))
    query = select(WhiteZone.territory_id, WhiteZone.category, WhiteZone.day, *columns)
    rows = db.session.execute(query.where(WhiteZone.day.in_(days), WhiteZone.territory_id.in_(epci_ids)))
    found: dict[Key, dict[date, Point]] = {}
    for territory_id, category, day, needs, unmet, far, offers, unused in rows:
        found.setdefault((territory_id, category), {})[day] = Point(day, needs, unmet, far, offers, unused, day in later)
    return {key: [points.get(day, Point(day, is_rebuilt=day in later)) for day in days] for key, points in found.items()}


def together(lines: Collection[list[Point]], days: Sequence[date]) -> list[Point]:
    """The counts of several lines, day by day."""
    return [sum((line[place] for line in lines), Point(day)) for place, day in enumerate(days)]


def first_night() -> date | None:
    """Since when a night is written down as it comes; what stands before was counted later."""
    return db.session.scalar(select(func.min(WhiteZone.day)).where(WhiteZone.is_rebuilt.is_(False)))
