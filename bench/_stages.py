"""What comes before and after the solver: candidates and scores of a département, the cap, the proof, and one refusal."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench._sides import CATEGORIES, context, sides
from matchmaker.engine.assignment import assign
from matchmaker.engine.candidates import Candidates, Side, candidates
from matchmaker.engine.capping import assign_capped
from matchmaker.engine.certificate import certify
from matchmaker.engine.components import resolve
from matchmaker.engine.problem import Objective, Problem
from matchmaker.engine.relevance import judged

Found = TypeVar("Found")


@dataclass(frozen=True)
class Stages:
    """Of one département. Times in CPU seconds, speeds in millions of pairs a second."""

    needs: int
    offers: int
    candidates: int
    kept: int
    find: float
    prepare: float
    judge: float
    solve: float
    prove: float
    loss: int  # what the cap loses of the optimum, in millionths

    @property
    def find_speed(self) -> float:
        return self.candidates / self.find / 1e6

    @property
    def judge_speed(self) -> float:
        return self.candidates / self.judge / 1e6

    @property
    def both_speed(self) -> float:
        return self.candidates / (self.find + self.judge) / 1e6

    @property
    def prove_speed(self) -> float:
        return self.kept / self.prove / 1e6

    @property
    def ready(self) -> float:
        return self.find + self.prepare + self.judge + self.solve + self.prove


def timed(function: Callable[[], Found], repeats: int = 1) -> tuple[Found, float]:
    """What a function returns, and the median of the CPU seconds that it took."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        found = function()
        taken.append(time.process_time() - start)
    return found, statistics.median(taken)


def stages(needs_count: int, offers_count: int) -> Stages:
    """From two tables to a proven answer, stage by stage."""
    needs, offers = sides(1, needs_count, offers_count)
    given = context(2, needs, offers)
    found, find = timed(lambda: candidates(needs, offers), 3)
    _, prepare = timed(lambda: (given.texts, given.skill_tables))  # kept by the context: made once
    (total, keep), judge = timed(lambda: judged(found, needs, offers, given, np.ones(CATEGORIES, dtype=np.bool_)), 3)
    problem = problem_of(found, total, keep, needs, offers)
    answer, solve = timed(lambda: assign_capped(problem))
    proof, prove = timed(lambda: certify(problem, answer), 3)
    if not proof.optimal:
        raise RuntimeError(f"gap {proof.gap}")
    return Stages(needs_count, offers_count, len(found.need), len(problem.need), find, prepare, judge, solve, prove, loss=assign(problem).value - answer.value)


def problem_of(found: Candidates, total: np.ndarray, keep: np.ndarray, needs: Side, offers: Side) -> Problem:
    rows = np.flatnonzero(keep)
    ones = (np.ones(len(side.id), dtype=np.int32) for side in (needs, offers))
    return Problem(found.need[rows], found.offer[rows], total[rows], *ones, np.zeros(len(rows), dtype=np.bool_), needs.id, offers.id)


def one_change(problem: Problem, objective: Objective = Objective.SCORE, tries: int = 60) -> tuple[float, float]:
    """Median and 95th percentile of the milliseconds of one refusal of a chosen pair or one lock of another, by turns."""
    order = np.lexsort((problem.offer, problem.need))  # as candidates stand
    problem = dataclasses.replace(problem, **{name: getattr(problem, name)[order] for name in ("need", "offer", "score", "locked")})
    answer, rng, taken = assign(problem, objective), np.random.default_rng(3), []
    for k in range(tries):
        e = rng.choice(np.flatnonzero(answer.chosen if k % 2 else ~answer.chosen))
        pair = (int(problem.need[e]), int(problem.offer[e]))
        start = time.process_time()
        resolve(problem, answer, refuse=[pair] if k % 2 else [], lock=[] if k % 2 else [pair], objective=objective)
        taken.append(time.process_time() - start)
    return 1e3 * statistics.median(taken), 1e3 * float(np.quantile(taken, 0.95))
