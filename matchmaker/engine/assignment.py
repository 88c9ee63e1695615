"""Choosing the pairs: the exact optimum of the matching problem, with prices that prove it.

SCORE and SERVED_FIRST go to the compiled `kernel`, or, where numba is missing or cannot compile, to the readable
`augmenting`, which takes the same steps in plain Python integers. GENEROUS needs integers of any size and always takes
`augmenting`; STABLE is a greedy choice. No epsilon anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.augmenting import Graph, augment_all, turned_around
from matchmaker.engine.problem import SCORE_MAX, Assignment, BadProblem, Objective, Problem, check_distinct_pairs, check_shape

__all__ = ["Assignment", "BadProblem", "Objective", "Problem", "assign", "warm"]

LEVELS = 10


def assign(problem: Problem, objective: Objective = Objective.SCORE) -> Assignment:
    """Choose the best pairs within the capacities.

    Parameters
    ----------
    problem : the candidate pairs; see `Problem`.
    objective : what « best » means; see `Objective`.

    Returns
    -------
    Assignment
        The chosen pairs with prices u (needs) and v (offers). Under SCORE and SERVED_FIRST the prices prove the answer:
        `certificate.certify` finds a gap of exactly 0. Under GENEROUS and STABLE they are the prices of the greatest
        total score, so that the gap is exactly what that objective gives up.

    Raises
    ------
    BadProblem
        See `check_problem`.

    Notes
    -----
    A locked pair is taken out of the choice: it uses one place on each side, and the optimum is sought over the places
    that are left. Rows are first put in the order of their ids, so shuffling the input changes nothing.

    Examples
    --------
    Two needs want offer 0; the second has an alternative that is nearly as good.

    >>> i4 = np.int32
    >>> problem = Problem(
    ...     need=np.array([0, 1, 1], i4), offer=np.array([0, 0, 1], i4), score=np.array([800_000, 900_000, 700_000]),
    ...     need_capacity=np.array([1, 1], i4), offer_capacity=np.array([1, 1], i4), locked=np.zeros(3, bool),
    ...     need_id=np.array([10, 11]), offer_id=np.array([20, 21]))
    >>> answer = assign(problem)
    >>> answer.chosen.tolist(), answer.value
    ([True, False, True], 1500000)
    """
    check_shape(problem)
    if objective is Objective.SERVED_FIRST:
        return with_prices(problem, best_answer(problem, bonus_of(problem)))
    best = best_answer(problem, 0)  # it refuses a pair given twice
    if objective is Objective.SCORE:
        return with_prices(problem, best)
    chosen = generous(problem) if objective is Objective.GENEROUS else stable(problem)
    return with_prices(problem, Solution(chosen, best.need_price, best.offer_price))


def warm() -> bool:
    """Compile the kernel, or read what an earlier process compiled; return whether there is one.

    For the start of a worker: it takes seconds the first time. `assign` does it on first use otherwise.
    """
    return _kernel() is not None


@dataclass(frozen=True)
class Solution:
    chosen: NDArray[np.bool_]
    need_price: NDArray[np.int64]
    offer_price: NDArray[np.int64]


def with_prices(problem: Problem, solution: Solution) -> Assignment:
    return Assignment(solution.chosen, solution.need_price, solution.offer_price, int(problem.score[solution.chosen].sum()))


@cache
def _kernel() -> ModuleType | None:
    """The compiled kernel, tried on one pair; None where numba is missing, switched off or unable to compile."""
    try:
        from matchmaker.engine import kernel

        one, yes = np.ones(1, np.int64), np.ones(1, np.bool_)
        for budget in (0, 1):  # the first compiles the bids as well
            kernel.solve(one - 1, one - 1, one, ~yes, one - 1, one - 1, one, one, one - 1, budget)
    except Exception:  # whatever compiling may raise: there is a slower way that needs no compiler
        return None
    return None if kernel.DISABLED else kernel


def best_answer(problem: Problem, bonus: int) -> Solution:
    """Solve by the kernel if it can take the problem, else by the reference."""
    kernel = _kernel()
    found = None if kernel is None else solve_compiled(kernel, problem, bonus)
    if found is None:
        check_distinct_pairs(problem)
        chosen, need_price, offer_price = solve_plainly(problem, bonus)
        found = Solution(chosen, np.array(need_price, np.int64), np.array(offer_price, np.int64))
    return found


def solve_compiled(kernel: ModuleType, problem: Problem, bonus: int, budget: int | None = None) -> Solution | None:
    """As `solve_plainly`; None when the kernel refuses: a pair given twice, or numbers that do not fit its packed integers."""
    need_rank, offer_rank = _inverse(np.argsort(problem.need_id)), _inverse(np.argsort(problem.offer_id))
    need_left, offer_left = free_places(problem)
    turned = bonus == 0 and offer_left.sum() < need_left.sum()
    need_side, offer_side = (problem.need, need_rank, _at_rank(need_left, need_rank)), (problem.offer, offer_rank, _at_rank(offer_left, offer_rank))
    (left, left_rank, left_places), (right, right_rank, right_places) = (offer_side, need_side) if turned else (need_side, offer_side)
    extra = np.full(len(left_places), bonus, dtype=np.int64)
    if bonus:
        extra[left_rank[problem.need[problem.locked]]] = 0
    found = kernel.solve(left, right, problem.score, problem.locked, left_rank, right_rank, left_places, right_places, extra, budget)
    if found is None:
        return None

    rows, left_price, right_price = found
    chosen = problem.locked.copy()
    chosen[rows] = True
    need_price, offer_price = (right_price, left_price) if turned else (left_price, right_price)
    return Solution(chosen, need_price[need_rank], offer_price[offer_rank])


def _at_rank(values: NDArray[np.int64], rank: NDArray[np.intp]) -> NDArray[np.int64]:
    placed = np.empty_like(values)
    placed[rank] = values
    return placed


def _most_pairs(problem: Problem) -> int:
    return min(int(problem.need_capacity.sum(dtype=np.int64)), int(problem.offer_capacity.sum(dtype=np.int64)), len(problem.need))


def bonus_of(problem: Problem) -> int:
    """Worth of a need's first partner: more than the total score of any answer, so that no score outweighs it."""
    return 1 + SCORE_MAX * _most_pairs(problem)


def solve_plainly(problem: Problem, bonus: int, weights: Sequence[int] | None = None) -> tuple[NDArray[np.bool_], list[int], list[int]]:
    """Solve by the reference over the pairs that are not locked, on rows put in the order of ids, and bring the answer back."""
    scores: Sequence[int] = problem.score.tolist() if weights is None else weights
    need_order, offer_order = np.argsort(problem.need_id), np.argsort(problem.offer_id)
    need_rank, offer_rank = _inverse(need_order), _inverse(offer_order)
    need, offer = need_rank[problem.need], offer_rank[problem.offer]
    need_left, offer_left = free_places(problem)
    first = np.where(np.bincount(problem.need[problem.locked], minlength=len(need_left)) > 0, 0, 1)
    pairs = [e for e in np.lexsort((offer, need)).tolist() if not problem.locked[e]]

    graph = Graph(
        left=need[pairs].tolist(),
        right=offer[pairs].tolist(),
        weight=[scores[e] for e in pairs],
        left_places=need_left[need_order].tolist(),
        right_places=offer_left[offer_order].tolist(),
        bonus=[bonus * one for one in first[need_order].tolist()],
    )
    # The search starts from every place of one side: with no bonus it may start from the side that has fewer of them.
    turned = bonus == 0 and sum(graph.right_places) < sum(graph.left_places)
    held, left_price, right_price = augment_all(turned_around(graph) if turned else graph)
    need_price, offer_price = (right_price, left_price) if turned else (left_price, right_price)

    chosen = problem.locked.copy()
    chosen[[e for e, taken in zip(pairs, held, strict=True) if taken]] = True
    return chosen, [need_price[rank] for rank in need_rank.tolist()], [offer_price[rank] for rank in offer_rank.tolist()]


def _inverse(order: NDArray[np.intp]) -> NDArray[np.intp]:
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank


def free_places(problem: Problem) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    need = problem.need_capacity - np.bincount(problem.need[problem.locked], minlength=len(problem.need_id))
    offer = problem.offer_capacity - np.bincount(problem.offer[problem.locked], minlength=len(problem.offer_id))
    return need.astype(np.int64), offer.astype(np.int64)


def generous(problem: Problem) -> NDArray[np.bool_]:
    """The criteria of GENEROUS become the digits of one integer weight: an unbounded Python integer keeps them exact."""
    digit = _most_pairs(problem) + 1
    tail = 1 + SCORE_MAX * digit  # worth more than any total score
    pair = tail * digit ** (LEVELS + 1)  # worth more than any change of levels
    levels = ((SCORE_MAX - problem.score) * LEVELS // SCORE_MAX).tolist()
    weights = [pair - (tail * digit**level if level else 0) + score for level, score in zip(levels, problem.score.tolist(), strict=True)]
    return solve_plainly(problem, 2 * pair * digit, weights)[0]


def stable(problem: Problem) -> NDArray[np.bool_]:
    chosen = problem.locked.copy()
    need_left, offer_left = (places.tolist() for places in free_places(problem))
    order = np.lexsort((problem.offer_id[problem.offer], problem.need_id[problem.need], -problem.score))
    need, offer = problem.need.tolist(), problem.offer.tolist()
    for e in order.tolist():
        i, j = need[e], offer[e]
        if not problem.locked[e] and need_left[i] > 0 and offer_left[j] > 0:
            need_left[i] -= 1
            offer_left[j] -= 1
            chosen[e] = True
    return chosen
