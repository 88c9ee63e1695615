"""The best answer over all candidate pairs, sought among the best few of each need and proven over all of them.

A need has hundreds of candidates and ends up with one of its best. So only its best pairs are solved; then every pair left
aside is held against the prices. A pair that beats them, s_ij > u_i + v_j, enters, and all is solved again. When none does,
the prices prove the answer over all pairs, exactly as if none had been left aside.
"""

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.assignment import Solution, assign, best_answer, bonus_of, free_places, generous, stable, with_prices
from matchmaker.engine.problem import Assignment, Objective, Problem, check_distinct_pairs, check_shape
from matchmaker.engine.repairing import repair

_PART = 65_536  # pairs taken together
_FEW = 1_000  # pairs that enter an answer faster by mending it than by solving anew
_SHARE = 0.1  # of the pairs: when more enter, all do


def assign_capped(problem: Problem, cap: int = 100, objective: Objective = Objective.SCORE) -> Assignment:
    """As `assign`, on problems with many pairs a need; the value is the same, and so is the proof.

    Parameters
    ----------
    problem : all candidate pairs; fastest when they stand by rising row of need, as `candidates` gives them.
    cap : how many pairs a need starts with; all that score as well as the last of them start too.
    objective : what « best » means; see `Notes`.

    Raises
    ------
    BadProblem
        See `problem.check_problem`.
    ValueError
        A cap below 1.

    Notes
    -----
    Where several answers are the best, this may choose another than `assign`. It is the same after shuffling the rows.
    Prices are what tells when the cap was too low, so only SCORE and SERVED_FIRST are solved under it. GENEROUS and STABLE
    have no prices of their own: they choose among all pairs, and only the prices that show what they give up come from here.

    Examples
    --------
    Both needs would rather have offer 0; with a cap of one pair, one of them is left to its second choice by the prices.

    >>> i4 = np.int32
    >>> problem = Problem(np.array([0, 0, 1, 1], i4), np.array([0, 1, 0, 1], i4), np.array([900_000, 500_000, 800_000, 600_000]), np.ones(2, i4),
    ...                   np.ones(2, i4), np.zeros(4, bool), np.array([10, 11]), np.array([20, 21]))
    >>> answer = assign_capped(problem, cap=1)
    >>> answer.chosen.tolist(), answer.value
    ([True, False, False, True], 1500000)
    """
    if cap < 1:
        raise ValueError(f"a cap of {cap} pairs leaves nothing to choose from")
    check_shape(problem)
    if np.bincount(problem.need, minlength=1).max(initial=0) <= cap:
        return assign(problem, objective)
    if not _in_order(problem):
        check_distinct_pairs(problem)
    solution = _solved(problem, cap, bonus_of(problem) if objective is Objective.SERVED_FIRST else 0)
    if objective in (Objective.SCORE, Objective.SERVED_FIRST):
        return with_prices(problem, solution)
    chosen = generous(problem) if objective is Objective.GENEROUS else stable(problem)
    return with_prices(problem, Solution(chosen, solution.need_price, solution.offer_price))


def _solved(problem: Problem, cap: int, bonus: int) -> Solution:
    need_left, offer_left = free_places(problem)
    loose = (need_left > 0)[problem.need] & (offer_left > 0)[problem.offer] & ~problem.locked
    active = problem.locked | _best_of_each(problem, cap, np.flatnonzero(loose), problem.score)
    solution = _solved_part(problem, active, bonus)
    while True:
        u, v = solution.need_price, solution.offer_price
        at = _beating(problem, u, v)
        at = at[loose[at] & ~active[at]]
        if not at.size:
            break
        enter = _best_of_each(problem, cap, at, problem.score[at] - u[problem.need[at]] - v[problem.offer[at]])
        many = np.count_nonzero(enter)
        # Where everybody wants the same few, the cap was of no use: no more rounds.
        active |= enter if many <= _SHARE * np.count_nonzero(active) else True
        solution = _mended_part(problem, active, solution, bonus) if many <= _FEW else _solved_part(problem, active, bonus)
    _price_the_closed(problem, need_left, offer_left, u, v)
    return solution


def _solved_part(problem: Problem, active: NDArray[np.bool_], bonus: int) -> Solution:
    pairs = np.flatnonzero(active)
    return _whole(problem, pairs, best_answer(_part_of(problem, pairs), bonus))


def _mended_part(problem: Problem, active: NDArray[np.bool_], before: Solution, bonus: int) -> Solution:
    """As `_solved_part`, from the answer without the few pairs that entered."""
    pairs = np.flatnonzero(active)
    known = Assignment(before.chosen[pairs], before.need_price, before.offer_price, 0)
    return _whole(problem, pairs, repair(_part_of(problem, pairs), known, bonus))


def _whole(problem: Problem, pairs: NDArray[np.intp], part: Solution | Assignment) -> Solution:
    chosen = np.zeros(len(problem.need), dtype=np.bool_)
    chosen[pairs[part.chosen]] = True
    return Solution(chosen, part.need_price, part.offer_price)


def _best_of_each(problem: Problem, cap: int, at: NDArray[np.intp], worth: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(E,) the pairs among `at` that are worth the most, `cap` for each need and those worth as much as its last one.

    `worth` is that of each pair, or that of each pair of `at`.
    """
    worth = worth[at] if len(worth) > len(at) else worth
    need = problem.need[at]
    if np.any(need[1:] < need[:-1]):
        order = np.argsort(need, kind="stable")
        at, worth, need = at[order], worth[order], need[order]
    starts = np.searchsorted(need, np.arange(len(problem.need_id) + 1))
    best = np.ones(len(at), dtype=np.bool_)
    for i in np.flatnonzero(np.diff(starts) > cap).tolist():
        group = slice(int(starts[i]), int(starts[i + 1]))
        mine = worth[group]
        best[group] = mine >= np.partition(mine, len(mine) - cap)[len(mine) - cap]
    marked = np.zeros(len(problem.need), dtype=np.bool_)
    marked[at[best]] = True
    return marked


def _beating(problem: Problem, u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.intp]:
    """Rows of the pairs that are worth more than the prices of their two sides; by parts that fit the cache."""
    found = [np.zeros(0, dtype=np.intp)]
    for begin in range(0, len(problem.need), _PART):
        part = slice(begin, begin + _PART)
        prices = u[problem.need[part]]
        prices += v[problem.offer[part]]
        found.append(np.flatnonzero(problem.score[part] > prices) + begin)
    return np.concatenate(found)


def _price_the_closed(problem: Problem, need_left: NDArray[np.int64], offer_left: NDArray[np.int64], u: NDArray[np.int64], v: NDArray[np.int64]) -> None:
    """A row without a free place asks the price at which nobody would miss it, in place; that costs nothing in the proof."""
    at = _beating(problem, u, v)
    at = at[~problem.locked[at]]
    of_need = at[need_left[problem.need[at]] == 0]
    np.maximum.at(u, problem.need[of_need], problem.score[of_need] - v[problem.offer[of_need]])
    of_offer = at[offer_left[problem.offer[at]] == 0]
    np.maximum.at(v, problem.offer[of_offer], problem.score[of_offer] - u[problem.need[of_offer]])


def _part_of(problem: Problem, pairs: NDArray[np.intp]) -> Problem:
    return Problem(
        problem.need[pairs], problem.offer[pairs], problem.score[pairs], problem.need_capacity, problem.offer_capacity, problem.locked[pairs],
        problem.need_id, problem.offer_id,
    )  # fmt: skip


def _in_order(problem: Problem) -> bool:
    """Whether the pairs stand by rising need and, within it, by rising offer: then none is given twice."""
    rises = problem.need[1:] > problem.need[:-1]
    return bool(np.all(rises | ((problem.need[1:] == problem.need[:-1]) & (problem.offer[1:] > problem.offer[:-1]))))
