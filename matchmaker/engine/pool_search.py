"""Good packings without a proof: following the relaxation, then choosing anew around what loses most.

References
----------
Pisinger, D., Ropke, S. (2010). Large neighborhood search. Handbook of Metaheuristics.
"""

import time

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matchmaker.engine.pool_columns import NOBODY, Rows
from matchmaker.engine.pool_relaxation import Floats, Index, covered, greedy, incidence, relax, solve

EPSILON = 1e-9
_DIVE_COLUMNS = 5_000
# Small neighbourhoods of few columns: each is solved in some hundredths of a second, so that many are.
_NEIGHBOURHOODS = (30, 40, 50)
_COLUMNS = 400
_NODES, _SECONDS = 100, 4.0


def dive(rows: Rows, value: Floats, slack: Floats, count: int) -> Index:
    """Follow the relaxation: take what it takes nearly whole, else what it takes most of, and relax what is left again."""
    left = np.argsort(-slack, kind="stable")[:_DIVE_COLUMNS]
    taken: list[Index] = []
    while len(left):
        share, price = relax(rows[left], value[left], count)
        order = np.argsort(-share, kind="stable")
        sure = order[: max(1, int((share > 0.99).sum()), int((price > 0).sum()) // 60)]
        new = left[sure][greedy(rows[left[sure]], share[sure], count)]
        taken.append(new)
        free = ~covered(rows[np.concatenate(taken)], count)
        free[count] = True  # NOBODY is -1
        left = left[free[rows[left]].all(axis=1)]
    best = np.concatenate(taken)
    free = ~covered(rows[best], count)
    free[count] = True
    rest = np.flatnonzero(free[rows].all(axis=1))
    return np.concatenate((best, rest[greedy(rows[rest], value[rest], count)]))


def around(rows: Rows, value: Floats, slack: Floats, price: Floats, best: Index, count: int, rng: np.random.Generator, ends_at: float, patience: int) -> Index:
    """Search around the best answer: free the needs of a neighbourhood, choose anew there exactly, keep what is not worse.

    Neighbourhoods begin where the answer lies furthest below the prices. Ends at `ends_at`, or after `patience` of them in vain.
    """
    near = _neighbours(rows, slack, count)
    in_vain = 0
    while in_vain < patience and time.monotonic() < ends_at:
        in_vain += 1
        loss = _loss(rows, slack, price, best)
        start = int(rng.choice(count, p=loss / loss.sum()))
        within = np.zeros(count + 1, dtype=np.bool_)
        within[_close_to(near, start, int(rng.choice(_NEIGHBOURHOODS)), rng)] = True
        within[count] = False
        touched = best[within[rows[best]].any(axis=1)]
        free = np.zeros(count + 1, dtype=np.bool_)
        free[rows[touched].ravel()] = True
        free |= within & ~covered(rows[best], count)
        free[count] = True  # NOBODY is -1
        inside = np.flatnonzero(free[rows].all(axis=1))
        if len(inside) <= len(touched):
            continue
        if len(inside) > _COLUMNS:
            inside = np.union1d(inside[np.argsort(-slack[inside], kind="stable")[:_COLUMNS]], touched)
        chosen, _ = solve(rows[inside], value[inside], count, min(_SECONDS, max(0.2, ends_at - time.monotonic())), _NODES)
        if chosen is None:
            continue
        gain = float(value[inside[chosen]].sum() - value[touched].sum())
        if gain > -EPSILON:  # another answer of the same worth has other neighbours
            best = np.concatenate((np.setdiff1d(best, touched), inside[chosen]))
        if gain > EPSILON:
            in_vain = 0
    return best


def _loss(rows: Rows, slack: Floats, price: Floats, best: Index) -> Floats:
    """(N,) what each need is worth less in the answer than at its price; a little for all, so that each may be a start."""
    loss = np.append(price, 0.0)
    held = rows[best]
    share = -slack[best] / np.maximum(1, (held != NOBODY).sum(axis=1))
    for column in held.T:
        loss[column] = share  # the last place is NOBODY's
    return np.asarray(np.maximum(0.0, loss[:-1]) + 1e-4, dtype=np.float64)


def _neighbours(rows: Rows, slack: Floats, count: int) -> csr_array:
    """(N, N) how often two needs stand in one of the dearest columns."""
    few = np.argsort(-slack, kind="stable")[: 60 * count]
    table = incidence(rows[few], count)
    return csr_array(table @ table.T)


def _close_to(near: csr_array, start: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Needs around one, by a search in width with the neighbours in random order."""
    seen, queue = {start}, [start]
    while queue and len(seen) < size:
        row = queue.pop(0)
        for other in rng.permutation(near.indices[near.indptr[row] : near.indptr[row + 1]])[:12].tolist():
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return np.array(sorted(seen), dtype=np.int64)
