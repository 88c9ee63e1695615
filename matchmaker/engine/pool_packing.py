"""Choosing pools that share no need, with the greatest total value: a set packing, and an upper bound for what it can be.

The linear relaxation is solved on a few columns at first; those that its prices find too cheap are added until none is left,
so that its value bounds every answer. What the prices prove to be in no better answer is dropped, and the rest is solved by
branch and bound where it is small, by exact searches around the best answer known where it is not.

References
----------
Barnhart, C. et al. (1998). Branch-and-price: column generation for solving huge integer programs. Operations Research 46.
Pisinger, D., Ropke, S. (2010). Large neighborhood search. Handbook of Metaheuristics.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from matchmaker.engine.pool_columns import NOBODY, Rows

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

EPSILON = 1e-9
_AT_ONCE = 250_000
_FIRST_PER_NEED, _MORE_PER_NEED = 30, 30
_EXACT_COLUMNS = 8_000  # with more than these left, branch and bound alone returns little in time
_RESTRICTED_COLUMNS = 3_000
_NEIGHBOURHOOD = 90
_DIVE_COLUMNS = 5_000


@dataclass(frozen=True)
class Packing:
    """Chosen rows of the columns, their total value, and a value that no packing exceeds."""

    chosen: Index
    value: float
    bound: float


def pack(needs: Rows, value: Floats, *, count: int, seed: int = 0, budget_s: float = 30.0) -> Packing:
    """Choose columns that share no need.

    Parameters
    ----------
    needs : (P, W) rows of needs, `NOBODY` to fill up.
    value : (P,) values above 0.
    count : number of needs, N.
    seed : of the searches; the same seed gives the same answer as long as the budget does not cut them short.
    budget_s : seconds after which the best answer known is returned, with the bound known.
    """
    ends_at = time.monotonic() + budget_s
    rng = np.random.default_rng(seed)
    part, of_column = _parts(needs, count)
    chosen: list[Index] = []
    value_sum = bound_sum = 0.0
    order = np.argsort(np.bincount(of_column, minlength=part), kind="stable")
    left = len(needs)
    for component in order.tolist():
        rows = np.flatnonzero(of_column == component)
        if not len(rows):
            continue
        share = max(0.0, ends_at - time.monotonic()) * len(rows) / left
        left -= len(rows)
        packed = _pack_component(needs[rows], value[rows], count, rng, time.monotonic() + share)
        chosen.append(rows[packed.chosen])
        value_sum, bound_sum = value_sum + packed.value, bound_sum + packed.bound
    rows = np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.intp)
    return Packing(rows, value_sum, max(value_sum, bound_sum))


def relaxed(needs: Rows, value: Floats, count: int, ends_at: float = np.inf) -> tuple[Floats, float]:
    """Prices of the needs in the linear relaxation over all columns, and a bound for every packing.

    Out of time, the prices are raised where a column is still too cheap: the bound holds all the same.
    """
    active = np.arange(len(needs))
    if len(needs) > _AT_ONCE:
        active = np.unique(np.concatenate((_best_per_need(needs, value, _FIRST_PER_NEED), greedy(needs, value, count))))
    while True:
        _, price = _relax(needs[active], value[active], count)
        slack = value - price_of(needs, price)
        cheap = np.flatnonzero(slack > 1e-7)
        if not len(cheap) or time.monotonic() >= ends_at:
            return price, float(price.sum()) + _mend(needs, price, slack)
        more = cheap[_best_per_need(needs[cheap], slack[cheap], _MORE_PER_NEED)]
        active = np.union1d(active, more)


def price_of(needs: Rows, price: Floats) -> Floats:
    """(P,) sum of the prices of the needs of each column."""
    return np.asarray(np.append(price, 0.0)[needs].sum(axis=1), dtype=np.float64)


def greedy(needs: Rows, key: Floats, count: int) -> Index:
    """Columns by falling key, each one that still fits."""
    free = np.ones(count + 1, dtype=np.bool_)
    taken = []
    order = np.argsort(-key, kind="stable")
    while len(order):
        first = order[0]
        taken.append(first)
        free[needs[first][needs[first] != NOBODY]] = False
        order = order[free[needs[order]].all(axis=1)]
    return np.array(taken, dtype=np.intp)


def _relax(needs: Rows, value: Floats, count: int) -> tuple[Floats, Floats]:
    """How much of each column the linear relaxation takes, and the prices of the needs."""
    # The interior point method with a crossover is three times faster here than the simplex methods once columns are many.
    method = "highs-ipm" if len(value) > 8_000 else "highs-ds"
    solved = linprog(-value, A_ub=_incidence(needs, count), b_ub=np.ones(count), bounds=(0, None), method=method)  # type: ignore[call-overload]
    return np.asarray(solved.x), np.maximum(0.0, -np.asarray(solved.ineqlin.marginals))


def _mend(needs: Rows, price: Floats, slack: Floats) -> float:
    """What is to be added to the sum of the prices so that they bound: of each need's dearest violation, its share."""
    cheap = np.flatnonzero(slack > 0)
    if not len(cheap):
        return 0.0
    size = (needs[cheap] != NOBODY).sum(axis=1)
    extra = np.zeros(len(price) + 1)
    for column in needs[cheap].T:
        np.maximum.at(extra, column, slack[cheap] / size)
    return float(extra[:-1].sum())


def _parts(needs: Rows, count: int) -> tuple[int, NDArray[np.int32]]:
    """Number of connected components, and the component of each column."""
    first = np.repeat(needs[:, 0], needs.shape[1])
    other = needs.ravel()
    known = other != NOBODY
    graph = csr_array((np.ones(int(known.sum()), dtype=np.int8), (first[known], other[known])), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    return int(number), np.asarray(label[needs[:, 0]] if len(needs) else np.zeros(0), dtype=np.int32)


def _pack_component(needs: Rows, value: Floats, count: int, rng: np.random.Generator, ends_at: float) -> Packing:
    used, compact = np.unique(needs, return_inverse=True)
    if used[0] == NOBODY:
        rows, count = compact.reshape(needs.shape).astype(np.int32) - 1, len(used) - 1
    else:
        rows, count = compact.reshape(needs.shape).astype(np.int32), len(used)
    price, bound = relaxed(rows, value, count, ends_at)
    slack = value - price_of(rows, price)
    keys = (value, slack, value / np.maximum(1, (rows != NOBODY).sum(axis=1)))
    best = max((greedy(rows, key, count) for key in keys), key=lambda one: float(value[one].sum()))
    dived = _dive(rows, value, slack, count)
    best = dived if value[dived].sum() > value[best].sum() else best

    def lacks() -> float:
        return bound - float(value[best].sum())

    good = np.flatnonzero(slack >= -lacks() - EPSILON)
    is_whole = len(good) <= _EXACT_COLUMNS
    if lacks() > EPSILON * bound:
        few = good if is_whole else np.union1d(good[np.argsort(-slack[good], kind="stable")[:_RESTRICTED_COLUMNS]], best)
        chosen, dual = _solve(rows[few], value[few], count, max(1.0, (ends_at - time.monotonic()) * (1.0 if is_whole else 0.5)))
        if chosen is not None and value[few[chosen]].sum() > value[best].sum():
            best = few[chosen]
        if is_whole:  # what was dropped is in no better packing
            bound = min(bound, max(dual, float(value[best].sum())))
    if lacks() > EPSILON * bound:
        best = _around(rows, value, slack, best, count, rng, ends_at, rounds=1_000)
    return Packing(np.sort(best), float(value[best].sum()), max(float(value[best].sum()), bound))


def _dive(rows: Rows, value: Floats, slack: Floats, count: int) -> Index:
    """Follow the relaxation: take what it takes nearly whole, else what it takes most of, and relax what is left again."""
    left = np.argsort(-slack, kind="stable")[:_DIVE_COLUMNS]
    taken: list[Index] = []
    while len(left):
        share, price = _relax(rows[left], value[left], count)
        order = np.argsort(-share, kind="stable")
        sure = order[: max(1, int((share > 0.99).sum()), int((price > 0).sum()) // 60)]
        new = left[sure][greedy(rows[left[sure]], share[sure], count)]
        taken.append(new)
        free = ~_covered(rows[np.concatenate(taken)], count)
        free[count] = True  # NOBODY is -1
        left = left[free[rows[left]].all(axis=1)]
    best = np.concatenate(taken)
    free = ~_covered(rows[best], count)
    free[count] = True
    rest = np.flatnonzero(free[rows].all(axis=1))
    return np.concatenate((best, rest[greedy(rows[rest], value[rest], count)]))


def _around(rows: Rows, value: Floats, slack: Floats, best: Index, count: int, rng: np.random.Generator, ends_at: float, rounds: int) -> Index:
    """Search around the best answer: free the needs of a neighbourhood, choose anew there exactly, keep what is better."""
    near = _neighbours(rows, slack, count)
    for _ in range(rounds):
        if time.monotonic() >= ends_at:
            return best
        gap = _reach(slack, best)
        within = np.zeros(count + 1, dtype=np.bool_)
        within[_close_to(near, int(rng.integers(count)), rng)] = True
        within[count] = False
        touched = best[within[rows[best]].any(axis=1)]
        free = np.zeros(count + 1, dtype=np.bool_)
        free[rows[touched].ravel()] = True
        free |= within & ~_covered(rows[best], count)
        free[count] = True  # NOBODY is -1
        inside = np.flatnonzero(free[rows].all(axis=1) & (slack >= -gap))
        if len(inside) <= len(touched):
            continue
        if len(inside) > _RESTRICTED_COLUMNS:
            inside = np.union1d(inside[np.argsort(-slack[inside], kind="stable")[:_RESTRICTED_COLUMNS]], touched)
        chosen, _ = _solve(rows[inside], value[inside], count, min(3.0, max(0.2, ends_at - time.monotonic())))
        if chosen is not None and value[inside[chosen]].sum() > value[touched].sum() + EPSILON:
            best = np.concatenate((np.setdiff1d(best, touched), inside[chosen]))
    return best


def _reach(slack: Floats, best: Index) -> float:
    """How far below its prices a column may lie and still be of use around here."""
    return float(max(0.02, -slack[best].min(initial=0.0) * 1.5))


def _covered(needs: Rows, count: int) -> NDArray[np.bool_]:
    covered = np.zeros(count + 1, dtype=np.bool_)
    covered[needs.ravel()] = True
    covered[count] = True
    return covered


def _neighbours(rows: Rows, slack: Floats, count: int) -> csr_array:
    """(N, N) how often two needs stand in one of the dearest columns."""
    few = np.argsort(-slack, kind="stable")[: 60 * count]
    table = _incidence(rows[few], count)
    return csr_array(table @ table.T)


def _close_to(near: csr_array, start: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Needs around one, by a search in width with the neighbours in random order."""
    seen, queue = {start}, [start]
    while queue and len(seen) < _NEIGHBOURHOOD:
        row = queue.pop(0)
        for other in rng.permutation(near.indices[near.indptr[row] : near.indptr[row + 1]])[:12].tolist():
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return np.array(sorted(seen), dtype=np.int64)


def _solve(needs: Rows, value: Floats, count: int, seconds: float) -> tuple[Index | None, float]:
    """Branch and bound over these columns: the chosen ones, none when nothing was found in time, and a bound for them."""
    table = _incidence(needs, count)
    used = np.flatnonzero(np.diff(table.indptr) > 1)
    constraint = LinearConstraint(table[used], -np.inf, np.ones(len(used)))
    solved = milp(
        -value,
        constraints=constraint,
        integrality=np.ones(len(value), dtype=np.int64),
        bounds=Bounds(0, 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    bound = float(value.sum()) if solved.mip_dual_bound is None else -float(solved.mip_dual_bound)
    if solved.x is None:
        return None, bound
    return np.flatnonzero(solved.x > 0.5), bound


def _best_per_need(needs: Rows, key: Floats, most: int) -> Index:
    """For each need the columns of the greatest key that hold it, each column once."""
    order = np.argsort(-key, kind="stable")
    flat = needs[order].ravel()
    column = np.repeat(order, needs.shape[1])
    known = flat != NOBODY
    flat, column = flat[known], column[known]
    by_need = np.argsort(flat, kind="stable")
    rank = np.arange(len(flat)) - np.searchsorted(flat[by_need], flat[by_need], side="left")
    return np.unique(column[by_need[rank < most]])


def _incidence(needs: Rows, count: int) -> csr_array:
    """(N, P) which column holds which need."""
    known = needs != NOBODY
    column = np.repeat(np.arange(len(needs)), known.sum(axis=1))
    return csr_array((np.ones(len(column)), (needs[known], column)), shape=(count, len(needs)))
