"""Which meetings to hold when not all fit: the greatest total score, and nobody left without a meeting where that can be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from matchmaker.engine.problem import BadProblem

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_WHOLE = 1e-6


def choose(
    left: Ints,
    right: Ints,
    score: Floats,
    most: Ints,
    groups: Sequence[tuple[Mask, int]] = (),
    *,
    allowed: Mask | None = None,
    forced: Mask | None = None,
    everyone: bool = True,
) -> tuple[Mask, float]:
    """Choose meetings: as many participants as possible have one, then the greatest total score.

    Parameters
    ----------
    left, right : (E,) the two participants of each meeting.
    score : (E,) above 0.
    most : (P,) greatest number of meetings of each participant.
    groups : sets of meetings, (E,) each, with the greatest number of meetings of each.
    allowed : (E,) meetings that may be chosen; all by default.
    forced : (E,) meetings that must be chosen; none by default.
    everyone : False for the greatest total score whoever is left out.

    Returns
    -------
    chosen, bound
        (E,) bool, and the greatest total score of any choice (which serves as many participants, with `everyone`).

    Raises
    ------
    BadProblem
        The forced meetings exceed a limit.

    Notes
    -----
    With limits on participants of two sides and on nested groups the programme is a flow: its corners are whole, so that
    the relaxation solves it. Serving the most is a face of it, whose corners are whole too. Other programmes are
    branched on.

    Examples
    --------
    The best two meetings leave participant 0 out; it is served first.

    >>> left, right, score = np.array([0, 1, 1]), np.array([2, 2, 3]), np.array([0.1, 0.9, 0.8])
    >>> choose(left, right, score, np.array([1, 2, 1, 1]))[0].tolist()
    [True, False, True]
    >>> choose(left, right, score, np.array([1, 2, 1, 1]), everyone=False)
    (array([False,  True,  True]), 1.7...)
    """
    allowed = np.ones(len(left), dtype=np.bool_) if allowed is None else allowed
    forced = np.zeros(len(left), dtype=np.bool_) if forced is None else forced
    load = np.bincount(left[allowed], minlength=len(most)) + np.bincount(right[allowed], minlength=len(most))
    if np.all(load <= most) and all((mask & allowed).sum() <= limit for mask, limit in groups):
        return allowed.copy(), float(score[allowed].sum())

    count = len(left)
    every = np.arange(count)
    ends = csr_array((np.ones(2 * count), (np.concatenate((left, right)), np.concatenate((every, every)))), shape=(len(most), count))
    rows = vstack([ends, *(csr_array(mask[None, :].astype(np.float64)) for mask, _ in groups)]).tocsr()
    limits = np.concatenate((most, [limit for _, limit in groups])).astype(np.float64)
    low, high = forced.astype(np.float64), (allowed | forced).astype(np.float64)
    chosen, bound = _solve(-score, rows, limits, low, high)
    asking = np.flatnonzero((load > 0) & (most > 0))
    if not everyone or np.all((ends @ chosen)[asking] > 0):
        return chosen, bound

    # A variable a participant: it is served, at most as much as it has meetings.
    people = len(asking)
    served = hstack([-ends[asking], csr_array((np.ones(people), (np.arange(people), np.arange(people))), shape=(people, people))])
    rows = vstack([hstack([rows, csr_array((rows.shape[0], people))]), served]).tocsr()
    limits = np.concatenate((limits, np.zeros(people)))
    low, high = np.concatenate((low, np.zeros(people))), np.concatenate((high, np.ones(people)))
    counts = np.concatenate((np.zeros(count), -np.ones(people)))
    _, reached = _solve(counts, rows, limits, low, high)
    rows = vstack([rows, csr_array(counts[None, :])]).tocsr()
    limits = np.concatenate((limits, [-np.floor(reached + _WHOLE)]))
    chosen, bound = _solve(np.concatenate((-score, np.zeros(people))), rows, limits, low, high)
    return chosen[:count], bound


def _solve(cost: Floats, rows: Any, limits: Floats, low: Floats, high: Floats) -> tuple[Mask, float]:
    """The whole corner of least cost, and the opposite of the least cost of the relaxation (or proven by branching)."""
    bounds: Any = np.column_stack((low, high))
    found = linprog(cost, A_ub=rows, b_ub=limits, bounds=bounds, method="highs-ds")
    if found.x is None:
        raise BadProblem("no choice of meetings keeps what is locked within the limits")
    whole = np.round(found.x)
    if np.abs(found.x - whole).max(initial=0) <= _WHOLE:
        return whole > 0.5, -float(found.fun or 0.0)
    branched = milp(
        cost,
        integrality=np.ones(len(cost), dtype=np.int64),
        bounds=Bounds(low, high),
        constraints=LinearConstraint(rows, -np.inf, limits),
        options={"mip_rel_gap": 0.0},
    )
    if branched.x is None:
        raise BadProblem(f"no choice of meetings was found: {branched.message}")
    return branched.x > 0.5, -float(branched.mip_dual_bound or 0.0)
