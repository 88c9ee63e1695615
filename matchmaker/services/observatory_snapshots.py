"""Nightly snapshots of the indicators: taken once, never changed, read by every page of the observatory."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, column, exists, func, select, values
from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import db
from matchmaker.models import Level, Need, Offer, Snapshot, Span, Territory
from matchmaker.services import indicators, indicators_loading
from matchmaker.services.indicators_facts import World

# Two workers at once: the second finds the day taken.
SNAPSHOT_LOCK = 0x6F6273
# Months before the first night are counted from the dates of what happened: so many at the most, and so many at once.
MOST_MONTHS, MOST_AT_ONCE = 24, 3
# What the dates do not tell afterwards: a sign of life is overwritten by the next one.
NOT_REBUILT = frozenset({"fresh"})
Key = tuple[int, str, str]


@dataclass(frozen=True)
class Cell:
    """A figure as it was kept; nothing happened where there is no row."""

    value: Decimal = Decimal()
    denominator: Decimal | None = None


def start_of(span: Span, day: date) -> date:
    """The first day of what a figure of this day is about.

    >>> [str(start_of(span, date(2026, 11, 22))) for span in Span]
    ['2026-11-01', '2026-10-01', '2025-11-23']
    """
    if span is Span.MONTH:
        return day.replace(day=1)
    if span is Span.QUARTER:
        return date(day.year, day.month - (day.month - 1) % 3, 1)
    # The twenty-ninth of February has no brother a year before.
    return (day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)) + timedelta(days=1)


def end_of(span: Span, day: date) -> date:
    """The last day of the month or the quarter of a day; of twelve months that end with it, itself."""
    if span is Span.YEAR:
        return day
    first = start_of(span, day)
    later = first + timedelta(days=31 if span is Span.MONTH else 93)
    return start_of(span, later) - timedelta(days=1)


def take_due(*, at: datetime) -> list[date]:
    """Take yesterday, and some of the months before the first night, unless that is done. Returns the days that were taken."""
    yesterday = indicators_loading.paris_day(at) - timedelta(days=1)
    wanted = [(day, True) for day in month_ends(before=yesterday)] + [(yesterday, False)]
    known = known_among([day for day, _ in wanted])
    missing = [(day, is_rebuilt) for day, is_rebuilt in reversed(wanted) if day not in known]
    return [day for day, is_rebuilt in missing[:MOST_AT_ONCE] if take(day, is_rebuilt=is_rebuilt)]


def known_among(days: list[date]) -> set[date]:
    """Those of these days that were taken. One look into the index a day, however many rows a day has."""
    asked = values(column("day", Date), name="asked").data([(day,) for day in days])
    return set(db.session.scalars(select(asked.c.day).where(exists().where(Snapshot.day == asked.c.day))))


def month_ends(*, before: date) -> list[date]:
    """The last days of the months since the first announcement, the oldest first."""
    firsts = [db.session.scalar(select(func.min(model.published_at))) for model in (Need, Offer)]
    first = min((indicators_loading.paris_day(moment) for moment in firsts if moment), default=before)
    ends: list[date] = []
    day = before.replace(day=1) - timedelta(days=1)
    while day >= first and len(ends) < MOST_MONTHS:
        ends.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    return ends[::-1]


def take(day: date, *, is_rebuilt: bool = False) -> bool:
    """Write down the figures of this day for every territory. False, and nothing changed, when they were written already."""
    db.session.execute(select(func.pg_advisory_xact_lock(SNAPSHOT_LOCK)))
    inside = epcis_inside()
    if not inside or db.session.scalar(select(Snapshot.day).where(Snapshot.day == day).limit(1)) is not None:
        return False
    worlds = indicators_loading.world(start_of(Span.YEAR, day), day).by_territory(inside)
    rows = [row for territory_id, one in worlds.items() for row in rows_of(territory_id, one, is_rebuilt=is_rebuilt)]
    if rows:
        db.session.connection().execute(insert(Snapshot).on_conflict_do_nothing(), rows)
    return True


def epcis_inside() -> dict[int, frozenset[int]]:
    """Territory id → the ids of the EPCI in it; an EPCI holds itself."""
    rows = db.session.execute(select(Territory.id, Territory.parent_id, Territory.level)).all()
    parents = {row.id: row.parent_id for row in rows}
    found: dict[int, set[int]] = {row.id: set() for row in rows}
    for row in rows:
        if row.level is Level.EPCI:
            above: int | None = row.id
            while above is not None:
                found[above].add(row.id)
                above = parents[above]
    return {one: frozenset(epcis) for one, epcis in found.items()}


def rows_of(territory_id: int, world: World, *, is_rebuilt: bool) -> Iterable[dict[str, Any]]:
    """The figures of one territory, over each span. What is zero of nothing is left out, but that the day was taken is always told."""
    for span in Span:
        for (indicator, part), reading in indicators.read(world.since(start_of(span, world.day))).items():
            is_told = (indicator, part) == ("needs", "") or reading.value or reading.denominator
            if is_told and not (is_rebuilt and indicator in NOT_REBUILT):
                denominator = None if reading.denominator is None else Decimal(str(reading.denominator))
                yield {
                    "day": world.day,
                    "territory_id": territory_id,
                    "span": span,
                    "indicator": indicator,
                    "part": part,
                    "value": Decimal(str(reading.value)),
                    "denominator": denominator,
                    "is_rebuilt": is_rebuilt,
                }


def days() -> tuple[date, date] | None:
    """The first and the last day that were taken, if any was."""
    first, last = db.session.execute(select(func.min(Snapshot.day), func.max(Snapshot.day))).one()
    return (first, last) if first else None


def day_in(first: date, last: date) -> date | None:
    """The last day that was taken between these two."""
    return db.session.scalar(select(func.max(Snapshot.day)).where(Snapshot.day.between(first, last)))


def was_rebuilt(day: date) -> bool:
    return bool(db.session.scalar(select(func.bool_or(Snapshot.is_rebuilt)).where(Snapshot.day == day)))


def cells(day: date, span: Span, territory_ids: Collection[int], *, with_parts: bool = True) -> dict[Key, Cell]:
    """(territory, indicator, part) → its figure on a day, in one query."""
    query = select(Snapshot.territory_id, Snapshot.indicator, Snapshot.part, Snapshot.value, Snapshot.denominator)
    query = query.where(Snapshot.day == day, Snapshot.span == span, Snapshot.territory_id.in_(territory_ids))
    rows = db.session.execute(query if with_parts else query.where(Snapshot.part == ""))
    return {(one, key, part): Cell(value, denominator) for one, key, part, value, denominator in rows}


def months(territory_ids: Collection[int], keys: Collection[str], *, until: date, most: int = 12) -> dict[date, dict[Key, Cell]]:
    """Day → its figures of the month: the ends of the last months, and of the month of ``until`` the last day that was taken. Three queries."""
    ends: list[date] = []
    day = until.replace(day=1) - timedelta(days=1)
    while len(ends) < most - 1:
        ends.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    newest = day_in(until.replace(day=1), until)
    found: dict[date, dict[Key, Cell]] = {day: {} for day in sorted(known_among(ends) | ({newest} if newest else set()))}
    columns = (Snapshot.day, Snapshot.territory_id, Snapshot.indicator, Snapshot.part, Snapshot.value, Snapshot.denominator)
    query = select(*columns).where(Snapshot.day.in_(found), Snapshot.span == Span.MONTH, Snapshot.part == "")
    for day, one, key, part, value, denominator in db.session.execute(query.where(Snapshot.territory_id.in_(territory_ids), Snapshot.indicator.in_(keys))):
        found[day][one, key, part] = Cell(value, denominator)
    return found
