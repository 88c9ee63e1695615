"""The proof of an answer, checked without the solver.

For prices u (needs) and v ≥ 0 (offers) no answer is worth more than

    D = Σ_i t_i + Σ_j d_j v_j + Σ_{pairs not locked} max(0, s_ij - u_i - v_j) + Σ_{locked} s_ij

where c_i and d_j are the places that the locked pairs leave (no more than the side has pairs), and t_i is what need i can earn at its price: c_i u_i for
u_i ≥ 0. Under SERVED_FIRST a need's first partner earns a bonus B besides its score, B being one millionth more than any
total score; then t_i = max(0, B + u_i, B + c_i u_i) for a need that no lock serves (0 without a place), and B is counted
for each need that a lock serves. An answer that is worth D is optimal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.problem import SCORE_MAX, Assignment, Objective, Problem

_PART = 32_768  # pairs taken together


@dataclass(frozen=True)
class Certificate:
    """What the verifier found.

    Attributes
    ----------
    feasible : capacities kept, locked pairs chosen, no pair twice, prices within their range, and the value as stated.
    primal : worth of the answer, in millionths: its total score, plus the bonus of each need served under SERVED_FIRST.
    dual : worth that no answer exceeds, in millionths, by the prices of the answer.
    gap : dual - primal; with `feasible`, 0 is the proof that no answer is better.
    blocking_pairs : number of pairs left out whose two sides would both rather have each other.
    """

    feasible: bool
    primal: int
    dual: int
    gap: int
    blocking_pairs: int

    @property
    def optimal(self) -> bool:
        return self.feasible and self.gap == 0


def certify(problem: Problem, assignment: Assignment, objective: Objective = Objective.SCORE) -> Certificate:
    """Check an answer and bound every other one by its prices.

    Under GENEROUS and STABLE, as under SCORE, the worth is the total score: the gap tells what the objective gives up.

    Raises
    ------
    ValueError
        The answer does not have one entry for each pair, need and offer.

    Examples
    --------
    >>> one, yes = np.array([1], np.int32), np.array([True])
    >>> problem = Problem(one - 1, one - 1, np.array([600_000]), one, one, ~yes, one, one)
    >>> proof = certify(problem, Assignment(yes, np.array([600_000]), np.array([0]), 600_000))
    >>> proof.optimal, proof.primal, proof.dual
    (True, 600000, 600000)
    """
    s, x, locked, u, v = problem.score, assignment.chosen, problem.locked, assignment.need_price, assignment.offer_price
    if x.shape != s.shape or u.shape != problem.need_id.shape or v.shape != problem.offer_id.shape:
        raise ValueError("the answer must have one entry for each pair, need and offer of the problem")
    needs, offers = len(u), len(v)
    partners, guests = np.bincount(problem.need[x], minlength=needs), np.bincount(problem.offer[x], minlength=offers)
    held = np.bincount(problem.need[locked], minlength=needs)
    need_left, offer_left = problem.need_capacity - held, problem.offer_capacity - np.bincount(problem.offer[locked], minlength=offers)
    most = min(int(problem.need_capacity.sum(dtype=np.int64)), int(problem.offer_capacity.sum(dtype=np.int64)), len(s))
    bonus = 1 + SCORE_MAX * most if objective is Objective.SERVED_FIRST else 0
    first = np.where(held == 0, bonus, 0)
    # More places than pairs are worth nothing; without them the sums below stay within 64 bits.
    need_left = np.minimum(need_left, np.bincount(problem.need, minlength=needs))
    offer_left = np.minimum(offer_left, np.bincount(problem.offer, minlength=offers))

    pair_key = np.sort(problem.need[x].astype(np.int64) * max(offers, 1) + problem.offer[x])
    total = int(s[x].sum())
    feasible = bool(
        np.all(partners <= problem.need_capacity) and np.all(guests <= problem.offer_capacity) and np.all(x[locked])
        and np.all(pair_key[1:] > pair_key[:-1]) and (not len(s) or (s.min() >= 1 and s.max() <= SCORE_MAX))
        and np.all((u >= -first) & (u <= SCORE_MAX)) and np.all((v >= 0) & (v <= SCORE_MAX + bonus))
        and assignment.value == total
    )  # fmt: skip
    primal = total + bonus * int(np.count_nonzero(partners))
    earned = np.where(need_left > 0, np.maximum(0, np.maximum(first + u, first + need_left * u)), 0)
    worth = _worth_of_pairs(problem, u, v)
    dual = int(earned.sum() + (offer_left * v).sum()) + worth + bonus * int(np.count_nonzero(held))
    return Certificate(feasible, primal, dual, dual - primal, _blocking_pairs(problem, x, partners, guests))


def _worth_of_pairs(problem: Problem, u: NDArray[np.int64], v: NDArray[np.int64]) -> int:
    """Σ max(0, s - u - v) over the pairs that are not locked, and s over those that are; by parts that fit the cache."""
    worth = int(problem.score[problem.locked].sum())
    for begin in range(0, len(problem.score), _PART):
        part = slice(begin, begin + _PART)
        spare = problem.score[part] - u[problem.need[part]]
        spare -= v[problem.offer[part]]
        np.maximum(spare, 0, out=spare)
        spare[problem.locked[part]] = 0
        worth += int(spare.sum())
    return worth


def _blocking_pairs(problem: Problem, chosen: NDArray[np.bool_], partners: NDArray[np.intp], guests: NDArray[np.intp]) -> int:
    """Count pairs left out that beat, on both sides, a free place or the worst partner who is not locked."""
    loose = chosen & ~problem.locked
    bars = []
    for rows, load, capacity in ((problem.need, partners, problem.need_capacity), (problem.offer, guests, problem.offer_capacity)):
        bar = np.full(len(load), SCORE_MAX + 1, dtype=np.int64)
        np.minimum.at(bar, rows[loose], problem.score[loose])
        bars.append(np.where(load < capacity, 0, bar))
    count = 0
    for begin in range(0, len(problem.score), _PART):
        part = slice(begin, begin + _PART)
        score = problem.score[part]
        count += int(np.count_nonzero((score > bars[0][problem.need[part]]) & (score > bars[1][problem.offer[part]]) & ~chosen[part]))
    return count
