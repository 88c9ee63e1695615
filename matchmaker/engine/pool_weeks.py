"""The shared week of a pool: which half-day each employer has, month by month."""

from collections.abc import Sequence

import numpy as np

from matchmaker.engine.pool_problem import HALFDAYS, MONTHS, Fractions

Week = dict[int, tuple[int, ...]]


def weeks(fractions: Fractions, rows: Sequence[int]) -> dict[int, Week] | None:
    """Plan a pool: month, 1 to 12 → row of the need → its half-days, for the needs that are active in it.

    Half-days are disjoint and allowed; an employer keeps its half-days from one month to the next where that is possible. None
    when some month has no such week.

    Examples
    --------
    Both may come on Monday morning, one of them on Monday only.

    >>> none = np.zeros((0, 2), dtype=np.int64)
    >>> two = Fractions(np.array([1, 2]), [("M1203",), ("M1203",)], np.array([1, 1]), np.array([1, 1]), np.array([0b1, 0b101]),
    ...                 np.zeros(2), np.zeros(2), np.zeros(2, dtype=bool), np.ones(2), none, none)
    >>> weeks(two, [0, 1])
    {1: {0: (0,), 1: (2,)}}
    """
    months: dict[int, Week] = {}
    known: dict[tuple[int, ...], Week] = {}
    held: dict[int, int] = {}
    busiest_first = sorted(range(MONTHS), key=lambda month: -sum(int(fractions.months[row]) >> month & 1 for row in rows))
    for month in busiest_first:
        active = tuple(row for row in rows if int(fractions.months[row]) >> month & 1)
        if active and active not in known:
            week = _week(fractions, active, held)
            if week is None:
                return None
            known[active] = week
            held = {halfday: row for row, halfdays in week.items() for halfday in halfdays} | {
                halfday: row for halfday, row in held.items() if row not in active and halfday not in {h for one in week.values() for h in one}
            }
        if active:
            months[month + 1] = known[active]
    return dict(sorted(months.items()))


def _week(fractions: Fractions, active: Sequence[int], held: dict[int, int]) -> Week | None:
    """One week by augmenting paths, from the half-days that the active needs hold already."""
    owner = {halfday: row for halfday, row in held.items() if row in active}
    for row in active:
        has = sum(1 for one in owner.values() if one == row)
        while has < fractions.halfdays[row]:
            if not _take(fractions, row, owner, set()):
                return None
            has += 1
    return {row: tuple(sorted(halfday for halfday, one in owner.items() if one == row)) for row in active}


def _take(fractions: Fractions, row: int, owner: dict[int, int], seen: set[int]) -> bool:
    """Give one more half-day to a need, moving others when they have another choice."""
    allowed = [halfday for halfday in range(HALFDAYS) if int(fractions.allowed[row]) >> halfday & 1 and halfday not in seen]
    for halfday in sorted(allowed, key=lambda one: one in owner):
        if halfday in seen or owner.get(halfday) == row:
            continue
        seen.add(halfday)
        if halfday not in owner or _take(fractions, owner[halfday], owner, seen):
            owner[halfday] = row
            return True
    return False


def monthly_load(fractions: Fractions, rows: Sequence[int]) -> np.ndarray:
    """(12,) half-days a week of a pool in each month."""
    active = fractions.months[list(rows)][:, None] >> np.arange(MONTHS) & 1
    return np.asarray((active * fractions.halfdays[list(rows)][:, None]).sum(axis=0))
