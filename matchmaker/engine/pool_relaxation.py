"""Set packing by HiGHS: the linear relaxation and its prices, branch and bound over few columns, and choosing by greed.

References
----------
Barnhart, C. et al. (1998). Branch-and-price: column generation for solving huge integer programs. Operations Research 46.
"""

import time

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from matchmaker.engine.pool_columns import NOBODY, Rows

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_AT_ONCE = 250_000
_FIRST_PER_NEED, _MORE_PER_NEED = 30, 30


def relaxed(needs: Rows, value: Floats, count: int, ends_at: float = np.inf) -> tuple[Floats, float]:
    """Prices of the needs in the linear relaxation over all columns, and a bound for every packing.

    Out of time, the prices are raised where a column is still too cheap: the bound holds all the same.
    """
    active = np.arange(len(needs))
    if len(needs) > _AT_ONCE:
        active = np.unique(np.concatenate((_best_per_need(needs, value, _FIRST_PER_NEED), greedy(needs, value, count))))
    while True:
        _, price = relax(needs[active], value[active], count)
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


def relax(needs: Rows, value: Floats, count: int) -> tuple[Floats, Floats]:
    """How much of each column the linear relaxation takes, and the prices of the needs."""
    # The interior point method with a crossover is three times faster here than the simplex methods once columns are many.
    method = "highs-ipm" if len(value) > 8_000 else "highs-ds"
    solved = linprog(-value, A_ub=incidence(needs, count), b_ub=np.ones(count), bounds=(0, None), method=method)  # type: ignore[call-overload]
    return np.asarray(solved.x), np.maximum(0.0, -np.asarray(solved.ineqlin.marginals))


def solve(needs: Rows, value: Floats, count: int, seconds: float, nodes: int = 2**31 - 1) -> tuple[Index | None, float]:
    """Branch and bound over these columns: the chosen ones, none when nothing was found in time, and a bound for them."""
    table = incidence(needs, count)
    used = np.flatnonzero(np.diff(table.indptr) > 1)
    constraint = LinearConstraint(table[used], -np.inf, np.ones(len(used)))
    solved = milp(
        -value,
        constraints=constraint,
        integrality=np.ones(len(value), dtype=np.int64),
        bounds=Bounds(0, 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0, "node_limit": nodes},
    )
    bound = float(value.sum()) if solved.mip_dual_bound is None else -float(solved.mip_dual_bound)
    if solved.x is None:
        return None, bound
    return np.flatnonzero(solved.x > 0.5), bound


def incidence(needs: Rows, count: int) -> csr_array:
    """(N, P) which column holds which need."""
    known = needs != NOBODY
    column = np.repeat(np.arange(len(needs)), known.sum(axis=1))
    return csr_array((np.ones(len(column)), (needs[known], column)), shape=(count, len(needs)))


def covered(needs: Rows, count: int) -> NDArray[np.bool_]:
    covered = np.zeros(count + 1, dtype=np.bool_)
    covered[needs.ravel()] = True
    covered[count] = True
    return covered


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
