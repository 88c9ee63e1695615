"""Choosing the pairs: the exact optimum of the matching problem, with prices that prove it.

Every objective is a problem of greatest weight in plain Python integers, which `augmenting` solves exactly, or a simple
greedy choice. No epsilon anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.augmenting import Graph, augment_all, turned_around
from matchmaker.engine.problem import SCORE_MAX, Assignment, BadProblem, Objective, Problem, check_problem

__all__ = ["Assignment", "BadProblem", "Objective", "Problem", "assign"]

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
    check_problem(problem)
    if objective is Objective.SCORE:
        return _with_prices(problem, _solve(problem, 0))
    if objective is Objective.SERVED_FIRST:
        return _with_prices(problem, _solve(problem, _bonus(problem)))

    chosen = _generous(problem) if objective is Objective.GENEROUS else _stable(problem)
    best = _solve(problem, 0)
    return _with_prices(problem, _Solution(chosen, best.need_price, best.offer_price))


@dataclass(frozen=True)
class _Solution:
    chosen: NDArray[np.bool_]
    need_price: list[int]
    offer_price: list[int]


def _with_prices(problem: Problem, solution: _Solution) -> Assignment:
    return Assignment(
        chosen=solution.chosen,
        need_price=np.array(solution.need_price, dtype=np.int64),
        offer_price=np.array(solution.offer_price, dtype=np.int64),
        value=int(problem.score[solution.chosen].sum()),
    )


def _most_pairs(problem: Problem) -> int:
    return min(int(problem.need_capacity.sum(dtype=np.int64)), int(problem.offer_capacity.sum(dtype=np.int64)), len(problem.need))


def _bonus(problem: Problem) -> int:
    """Worth of a need's first partner: more than the total score of any answer, so that no score outweighs it."""
    return 1 + SCORE_MAX * _most_pairs(problem)


def _solve(problem: Problem, bonus: int, weights: Sequence[int] | None = None) -> _Solution:
    """Solve over the pairs that are not locked, on rows put in the order of ids, and bring the answer back."""
    scores: Sequence[int] = problem.score.tolist() if weights is None else weights
    need_order, offer_order = np.argsort(problem.need_id), np.argsort(problem.offer_id)
    need_rank, offer_rank = _inverse(need_order), _inverse(offer_order)
    need, offer = need_rank[problem.need], offer_rank[problem.offer]
    need_left, offer_left = _free_places(problem)
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
    return _Solution(chosen, [need_price[rank] for rank in need_rank.tolist()], [offer_price[rank] for rank in offer_rank.tolist()])


def _inverse(order: NDArray[np.intp]) -> NDArray[np.intp]:
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank


def _free_places(problem: Problem) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    need = problem.need_capacity - np.bincount(problem.need[problem.locked], minlength=len(problem.need_id))
    offer = problem.offer_capacity - np.bincount(problem.offer[problem.locked], minlength=len(problem.offer_id))
    return need.astype(np.int64), offer.astype(np.int64)


def _generous(problem: Problem) -> NDArray[np.bool_]:
    """The criteria of GENEROUS become the digits of one integer weight: an unbounded Python integer keeps them exact."""
    digit = _most_pairs(problem) + 1
    tail = 1 + SCORE_MAX * digit  # worth more than any total score
    pair = tail * digit ** (LEVELS + 1)  # worth more than any change of levels
    levels = ((SCORE_MAX - problem.score) * LEVELS // SCORE_MAX).tolist()
    weights = [pair - (tail * digit**level if level else 0) + score for level, score in zip(levels, problem.score.tolist(), strict=True)]
    return _solve(problem, 2 * pair * digit, weights).chosen


def _stable(problem: Problem) -> NDArray[np.bool_]:
    chosen = problem.locked.copy()
    need_left, offer_left = (places.tolist() for places in _free_places(problem))
    order = np.lexsort((problem.offer_id[problem.offer], problem.need_id[problem.need], -problem.score))
    need, offer = problem.need.tolist(), problem.offer.tolist()
    for e in order.tolist():
        i, j = need[e], offer[e]
        if not problem.locked[e] and need_left[i] > 0 and offer_left[j] > 0:
            need_left[i] -= 1
            offer_left[j] -= 1
            chosen[e] = True
    return chosen
