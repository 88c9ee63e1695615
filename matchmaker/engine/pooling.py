"""Pooled jobs: fractions of a job at several employers become contracts that one person can live from.

`compose` chooses the best set of pools with a bound for what any set can be worth. The other functions answer what people ask
next: which pools a need could be in, how a pool is mended when somebody leaves, and why a need is in none.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.pool_columns import NOBODY, Columns, Groups, joined, pools
from matchmaker.engine.pool_packing import pack
from matchmaker.engine.pool_problem import HALFDAYS, Fractions, Rules, check_fractions, check_rules
from matchmaker.engine.pool_weeks import Week, weeks

# Further than any rule would go: the nearest miss is told in km.
_FAR_KM = 100.0
_ANY_DAY = 1e6


@dataclass(frozen=True)
class Pool:
    """One pool.

    Attributes
    ----------
    needs : rows of its needs, rising.
    occupation : the first occupation that all accept.
    value : what it is worth.
    parts : parts of a full-time year, of 120.
    widest_km : largest distance between two of them.
    """

    needs: tuple[int, ...]
    occupation: str
    value: float
    parts: int
    widest_km: float

    @property
    def fte(self) -> float:
        return self.parts / 120


@dataclass(frozen=True)
class Composition:
    """The chosen pools, by falling value, their total value and a value that no other set exceeds."""

    pools: tuple[Pool, ...]
    value: float
    bound: float

    @property
    def is_optimal(self) -> bool:
        return self.bound - self.value <= 1e-6 * max(1.0, self.value)


@dataclass(frozen=True)
class Miss:
    """The smallest change that would let a need into a pool.

    Attributes
    ----------
    kind : "outbid" (such a pool is allowed, others are worth more), "halfdays" (`amount` more would have to suit), "start"
        (`amount` days would have to lie between two starts), "km" (`amount` is the distance), "fte" (`amount` is the full-time
        equivalent that would have to do), "none" (nobody of the occupation).
    pool : the best pool with that change, None for "none".
    halfdays : those that would have to suit, for "halfdays".
    """

    kind: str
    amount: float
    pool: Pool | None
    halfdays: tuple[int, ...] = ()


def compose(fractions: Fractions, rules: Rules, *, seed: int = 0, budget_s: float = 30.0) -> Composition:
    """Choose the set of pools with the greatest total value.

    Parameters
    ----------
    seed : the same seed gives the same answer as long as the budget does not cut the search.
    budget_s : seconds after which the best answer known is returned; its bound holds all the same.

    Raises
    ------
    BadProblem
        A rule or a need that contradicts itself; the message starts with its name.

    Notes
    -----
    All pools that keep the rules are listed, then packed: see `pool_columns` and `pool_packing`.

    Examples
    --------
    Three structures want an accountant for four, three and two half-days a week.

    >>> none = np.zeros((0, 2), dtype=np.int64)
    >>> three = Fractions(np.array([1, 2, 3]), [("M1203",)] * 3, np.array([4, 3, 2]), np.full(3, 4095), np.full(3, 1023),
    ...                   np.zeros(3), np.zeros(3), np.zeros(3, dtype=bool), np.ones(3), none, none)
    >>> found = compose(three, Rules())
    >>> [(pool.needs, pool.fte) for pool in found.pools], round(found.value, 2), found.is_optimal
    ([((0, 1, 2), 0.9)], 0.88, True)
    """
    groups = _checked(fractions, rules)
    columns = joined(list(pools(groups)), rules.max_employers)
    packing = pack(columns.needs, columns.value, count=len(fractions), seed=seed, budget_s=budget_s)
    chosen = _pools(groups, columns.take(packing.chosen))
    return Composition(chosen, packing.value, packing.bound)


def pools_with(fractions: Fractions, rules: Rules, row: int, *, free: NDArray[np.bool_] | None = None, most: int = 10) -> tuple[Pool, ...]:
    """Return the best pools that a need could be in, by falling value; `free` (N,) are the needs that may join it."""
    groups = _checked(fractions, rules)
    return _pools(groups, joined(list(pools(groups, within=free, including=row)), rules.max_employers))[:most]


def repairs(fractions: Fractions, rules: Rules, staying: tuple[int, ...], *, free: NDArray[np.bool_], most: int = 10) -> tuple[Pool, ...]:
    """Return what could follow a pool that somebody left, the best first.

    Pools that keep all who stay come first, with others or without; then those that keep most of them.

    Parameters
    ----------
    staying : rows of the needs that stay.
    free : (N,) needs that are in no pool and may come in.
    """
    groups = _checked(fractions, rules)
    allowed = free.copy()
    allowed[list(staying)] = True
    found: dict[tuple[int, ...], Pool] = {}
    for row in staying:
        for pool in _pools(groups, joined(list(pools(groups, within=allowed, including=row)), rules.max_employers)):
            found[pool.needs] = pool
    kept = set(staying)
    return tuple(sorted(found.values(), key=lambda pool: (-len(kept & set(pool.needs)), -pool.value, pool.needs)))[:most]


def nearest_miss(fractions: Fractions, rules: Rules, row: int) -> Miss:
    """Say which smallest change would let a need that is in no pool into one.

    More half-days that suit are tried first, then starts that lie further apart, then a greater distance, then a smaller job.
    """
    allowed = pools_with(fractions, rules, row, most=1)
    if allowed:
        return Miss("outbid", 0.0, allowed[0])
    closed = [halfday for halfday in range(HALFDAYS) if not int(fractions.allowed[row]) >> halfday & 1]
    opened = _least_halfdays(fractions, rules, row, closed)
    if opened:
        return Miss("halfdays", float(len(opened)), pools_with(_allowing(fractions, row, opened), rules, row, most=1)[0], tuple(opened))
    later = pools_with(fractions, replace(rules, max_start_days=_ANY_DAY), row, most=1_000_000)
    if later:
        days = fractions.days_apart
        soonest = min(later, key=lambda pool: (days[np.ix_(pool.needs, pool.needs)].max(), -pool.value))
        return Miss("start", float(days[np.ix_(soonest.needs, soonest.needs)].max()), soonest)
    wider = pools_with(replace(fractions, reach_km=None), replace(rules, max_km=max(_FAR_KM, rules.max_km)), row, most=1_000_000)
    if wider:
        nearest = min(wider, key=lambda pool: (pool.widest_km, -pool.value))
        return Miss("km", nearest.widest_km, nearest)
    smaller = pools_with(fractions, replace(rules, min_fte=0.0, min_needs=min(2, rules.max_employers)), row, most=1_000_000)
    if smaller:
        largest = max(smaller, key=lambda pool: (pool.parts, pool.value))
        return Miss("fte", largest.fte, largest)
    return Miss("none", 0.0, None)


def _least_halfdays(fractions: Fractions, rules: Rules, row: int, closed: list[int]) -> list[int]:
    """The half-days among `closed` that would let the need into a pool: one if one does, else a set with none to spare."""

    def lets_in(halfdays: list[int]) -> list[Pool]:
        return list(pools_with(_allowing(fractions, row, halfdays), rules, row, most=1))

    alone = {halfday: found[0].value for halfday in closed if (found := lets_in([halfday]))}
    if alone:
        return [max(alone, key=lambda halfday: alone[halfday])]
    if not closed or not lets_in(closed):
        return []
    needed = list(closed)
    for halfday in closed:
        fewer = [one for one in needed if one != halfday]
        if lets_in(fewer):
            needed = fewer
    return needed


def _allowing(fractions: Fractions, row: int, halfdays: list[int]) -> Fractions:
    """The same needs, of which one may come at more half-days."""
    allowed = fractions.allowed.copy()
    allowed[row] |= sum(1 << halfday for halfday in halfdays)
    return replace(fractions, allowed=allowed)


def plan_of(fractions: Fractions, pool: Pool) -> dict[int, Week]:
    """The shared week of a pool by month: see `weeks`."""
    planned = weeks(fractions, pool.needs)
    if planned is None:
        raise RuntimeError("a pool without a week")
    return planned


def _checked(fractions: Fractions, rules: Rules) -> Groups:
    check_rules(rules)
    check_fractions(fractions)
    return Groups(fractions, rules)


def _pools(groups: Groups, columns: Columns) -> tuple[Pool, ...]:
    """The pools of a table, by falling value."""
    order = np.lexsort((columns.needs[:, 0], -columns.value)) if len(columns) else np.zeros(0, dtype=np.intp)
    made = []
    for row in order.tolist():
        needs = tuple(int(need) for need in columns.needs[row] if need != NOBODY)
        widest = float(groups.km[np.ix_(needs, needs)].max())
        parts = int(groups.parts[list(needs)].sum())
        made.append(Pool(needs, groups.codes[columns.occupation[row]], float(columns.value[row]), parts, widest))
    return tuple(made)
