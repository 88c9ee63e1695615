"""Choosing pools that share no need, with the greatest total value: a set packing, and an upper bound for what it can be.

The linear relaxation is solved on a few columns at first; those that its prices find too cheap are added until none is left,
so that its value bounds every answer. A search around its answer finds a good packing soon, also on a busy machine; what the
prices prove to be in no better one is dropped, and branch and bound over the rest finds the best, or lowers the bound.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from matchmaker.engine.pool_columns import NOBODY, Rows
from matchmaker.engine.pool_relaxation import Floats, Index, greedy, price_of, relaxed, solve
from matchmaker.engine.pool_search import EPSILON, around, dive

_EXACT_COLUMNS = 12_000  # with more than these left, branch and bound alone returns little in time
_RESTRICTED_COLUMNS = 3_000
_FEW_COLUMNS = 2_500  # branch and bound ends with so few, and needs the time
_PATIENCE = 40


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
    dived = dive(rows, value, slack, count)
    best = dived if value[dived].sum() > value[best].sum() else best

    def lacks() -> float:
        return bound - float(value[best].sum())

    def search(share: float) -> Index:
        left = max(0.0, ends_at - time.monotonic())
        return around(rows, value, slack, price, best, count, rng, time.monotonic() + left * share, _PATIENCE)

    if lacks() > EPSILON * bound:
        best = search(0.2 if len(rows) <= _FEW_COLUMNS else 0.6)
    good = np.flatnonzero(slack >= -lacks() - EPSILON)
    is_whole = len(good) <= _EXACT_COLUMNS
    if lacks() > EPSILON * bound:
        few = good if is_whole else np.union1d(good[np.argsort(-slack[good], kind="stable")[:_RESTRICTED_COLUMNS]], best)
        chosen, dual = solve(rows[few], value[few], count, max(1.0, (ends_at - time.monotonic()) * (0.8 if is_whole else 0.4)))
        if chosen is not None and value[few[chosen]].sum() > value[best].sum():
            best = few[chosen]
        if is_whole:  # what was dropped is in no better packing
            bound = min(bound, max(dual, float(value[best].sum())))
    if lacks() > EPSILON * bound:
        best = search(1.0)
    return Packing(np.sort(best), float(value[best].sum()), max(float(value[best].sum()), bound))
