"""What a matching problem and its answer are made of. Solver and verifier share these shapes and nothing else."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SCORE_MAX = 1_000_000


class BadProblem(ValueError):
    """The problem contradicts itself; the message names the ids at fault."""


class Objective(StrEnum):
    """What « best » means.

    SCORE
        The greatest total score.
    SERVED_FIRST
        As many needs served as possible, then the greatest total score.
    GENEROUS
        As many needs served as possible, then as many pairs as possible, then the fewest pairs at the worst level of
        score, then at the next worst, and so on through ten levels; at last the greatest total score.
    STABLE
        Pairs are taken by descending score: no two sides would both rather have each other.
    """

    SCORE = "score"
    SERVED_FIRST = "served_first"
    GENEROUS = "generous"
    STABLE = "stable"


@dataclass(frozen=True)
class Problem:
    """Candidate pairs with scores, and how many partners each side can take.

    Attributes
    ----------
    need, offer : (E,) rows of the need and of the offer of each candidate pair; no pair twice.
    score : (E,) integers from 1 to 1,000,000, in millionths.
    need_capacity, offer_capacity : (N,), (M,) greatest number of partners, 0 or more.
    locked : (E,) pairs that must be in the answer.
    need_id, offer_id : (N,), (M,) distinct stable ids; ties are broken by them, never by the order of rows.
    """

    need: NDArray[np.int32]
    offer: NDArray[np.int32]
    score: NDArray[np.int64]
    need_capacity: NDArray[np.int32]
    offer_capacity: NDArray[np.int32]
    locked: NDArray[np.bool_]
    need_id: NDArray[np.int64]
    offer_id: NDArray[np.int64]


@dataclass(frozen=True)
class Assignment:
    """The chosen pairs, the prices that bound every other answer, and the total score of the chosen pairs.

    Attributes
    ----------
    chosen : (E,) whether the pair is in the answer.
    need_price, offer_price : (N,), (M,) in millionths: what one more place on that side is worth. They are 0 or more,
        except a need's price under SERVED_FIRST, which goes down to minus the bonus of a first partner.
    value : total score of the chosen pairs, in millionths.
    """

    chosen: NDArray[np.bool_]
    need_price: NDArray[np.int64]
    offer_price: NDArray[np.int64]
    value: int


def check_problem(problem: Problem) -> None:
    """Refuse a problem that contradicts itself.

    Raises
    ------
    BadProblem
        Lengths that differ, a row or a score out of range, a pair given twice, a negative capacity, ids that are not
        distinct, or more locked pairs than a side can take.

    Examples
    --------
    >>> one = np.array([0], dtype=np.int32)
    >>> ids = np.array([7])
    >>> check_problem(Problem(one, one, np.array([0]), one + 1, one + 1, np.array([False]), ids, ids))
    Traceback (most recent call last):
    ...
    matchmaker.engine.problem.BadProblem: score outside 1…1000000: need 7 with offer 7 (0)
    """
    check_shape(problem)
    check_distinct_pairs(problem)


def check_shape(problem: Problem) -> None:
    """All of `check_problem` but the search for pairs given twice, which the kernel makes on its way."""
    pairs, needs, offers = len(problem.need), len(problem.need_id), len(problem.offer_id)
    if not (len(problem.offer) == len(problem.score) == len(problem.locked) == pairs):
        raise BadProblem("need, offer, score and locked must have the same length")
    if len(problem.need_capacity) != needs or len(problem.offer_capacity) != offers:
        raise BadProblem("each need and each offer must have one id and one capacity")
    for name in ("need", "offer", "score", "need_capacity", "offer_capacity", "need_id", "offer_id"):
        if not np.issubdtype(getattr(problem, name).dtype, np.integer):
            raise BadProblem(f"{name} must hold integers")
    if problem.locked.dtype != np.bool_:
        raise BadProblem("locked must hold booleans")

    _check_side("need", problem.need, problem.need_id, problem.need_capacity)
    _check_side("offer", problem.offer, problem.offer_id, problem.offer_capacity)

    if pairs and (problem.score.min() < 1 or problem.score.max() > SCORE_MAX):
        out = np.flatnonzero((problem.score < 1) | (problem.score > SCORE_MAX))
        raise BadProblem(f"score outside 1…{SCORE_MAX}: " + _pairs(problem, out, with_score=True))

    _check_locks("need", problem.need[problem.locked], problem.need_id, problem.need_capacity)
    _check_locks("offer", problem.offer[problem.locked], problem.offer_id, problem.offer_capacity)


def check_distinct_pairs(problem: Problem) -> None:
    """Refuse a pair given twice."""
    keys = problem.need.astype(np.int64) * max(len(problem.offer_id), 1) + problem.offer
    order = np.argsort(keys, kind="stable")
    twice = order[1:][keys[order[1:]] == keys[order[:-1]]]
    if twice.size:
        raise BadProblem("pair given twice: " + _pairs(problem, twice))


def _check_side(side: str, rows: NDArray[np.int32], ids: NDArray[np.int64], capacity: NDArray[np.int32]) -> None:
    if len(rows) and (rows.min() < 0 or rows.max() >= len(ids)):
        raise BadProblem(f"a pair names {side} row {int(rows[(rows < 0) | (rows >= len(ids))][0])}; rows go from 0 to {len(ids) - 1}")
    if np.any(capacity < 0):
        raise BadProblem(f"negative capacity of {side} " + _few(ids[capacity < 0]))
    ordered = np.sort(ids)
    if np.any(ordered[1:] == ordered[:-1]):
        raise BadProblem(f"two rows for {side} " + _few(ordered[1:][ordered[1:] == ordered[:-1]]))


def _check_locks(side: str, locked_rows: NDArray[np.int32], ids: NDArray[np.int64], capacity: NDArray[np.int32]) -> None:
    over = np.bincount(locked_rows, minlength=len(ids)) > capacity
    if np.any(over):
        raise BadProblem(f"more locked pairs than capacity for {side} " + _few(ids[over]))


def _few(ids: NDArray[np.int64]) -> str:
    return ", ".join(str(one) for one in np.sort(ids)[:5].tolist()) + (" …" if len(ids) > 5 else "")


def _pairs(problem: Problem, rows: NDArray[np.intp], with_score: bool = False) -> str:
    named = [
        f"need {problem.need_id[problem.need[e]]} with offer {problem.offer_id[problem.offer[e]]}" + (f" ({problem.score[e]})" if with_score else "")
        for e in rows[:5].tolist()
    ]
    return ", ".join(named) + (" …" if len(rows) > 5 else "")


def displayed(total: int) -> int:
    """The score that people read: points out of 100, halves rounded up.

    Examples
    --------
    >>> displayed(834_999), displayed(835_000)
    (83, 84)
    """
    return (total + 5_000) // 10_000
