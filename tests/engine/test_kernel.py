"""The compiled solver, the readable one and the bids that take over are one solver to whoever asks."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import Solution, assign, solve_compiled, solve_plainly, warm
from matchmaker.engine.certificate import certify
from matchmaker.engine.problem import SCORE_MAX, Assignment, BadProblem, Objective
from tests.engine.instances import best_by_highs, plain_dual, problem_of, random_problem, shuffled, small_problems

pytest.importorskip("numba")
from matchmaker.engine import kernel

FAMILIES = ["uniform", "ties", "twins", "product", "chain"]
SHAPES = [(60, 60, 1, 0.0), (80, 50, 3, 0.05), (30, 90, 3, 0.0), (90, 30, 1, 0.1)]
ROOT = Path(__file__).parents[2]


def _answer(problem, solution: Solution) -> Assignment:
    return Assignment(solution.chosen, solution.need_price, solution.offer_price, int(problem.score[solution.chosen].sum()))


def _bonus_of(problem, objective):
    places = min(int(problem.need_capacity.sum()), int(problem.offer_capacity.sum()), len(problem.need))
    return 1 + SCORE_MAX * places if objective is Objective.SERVED_FIRST else 0


def _same(problem, objective):
    bonus = _bonus_of(problem, objective)
    fast, (chosen, need_price, offer_price) = solve_compiled(kernel, problem, bonus), solve_plainly(problem, bonus)
    assert fast.chosen.tolist() == chosen.tolist()
    assert fast.need_price.tolist() == need_price
    assert fast.offer_price.tolist() == offer_price


def _closed(problem, seed):
    """The same problem with some nodes that have no place; who holds a locked pair keeps its places."""
    rng = np.random.default_rng(seed)
    need_capacity, offer_capacity = problem.need_capacity.copy(), problem.offer_capacity.copy()
    for rows, capacity in ((problem.need, need_capacity), (problem.offer, offer_capacity)):
        shut = rng.random(len(capacity)) < 0.1
        shut[rows[problem.locked]] = False
        capacity[shut] = 0
    return dataclasses.replace(problem, need_capacity=need_capacity, offer_capacity=offer_capacity)


@settings(max_examples=150, deadline=None)
@given(small_problems(largest=6, most_pairs=30), st.sampled_from([Objective.SCORE, Objective.SERVED_FIRST]))
def test_the_compiled_and_the_readable_solver_choose_the_same_pairs_at_the_same_prices(problem, objective):
    _same(problem, objective)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("needs", "offers", "most", "locked_share"), SHAPES)
def test_they_do_on_every_family(family, needs, offers, most, locked_share):
    for seed in range(3):
        problem = _closed(random_problem(seed, needs, offers, 6, most, family, locked_share), seed)
        for objective in (Objective.SCORE, Objective.SERVED_FIRST):
            _same(problem, objective)


@settings(max_examples=150, deadline=None)
@given(small_problems(largest=6, most_pairs=30), st.integers(0, 20))
def test_whenever_the_budget_runs_out_the_answer_is_as_good_and_proven(problem, budget):
    answer = _answer(problem, solve_compiled(kernel, problem, 0, budget))

    assert answer.value == assign(problem).value
    assert np.all(answer.need_price >= 0)
    assert np.all(answer.offer_price >= 0)
    assert plain_dual(problem, answer) == answer.value
    assert certify(problem, answer).optimal


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("needs", "offers", "most", "locked_share"), SHAPES)
def test_bids_find_the_optimum_of_an_independent_solver(family, needs, offers, most, locked_share):
    for seed in range(3):
        problem = _closed(random_problem(seed, needs, offers, 6, most, family, locked_share), seed)

        answer = _answer(problem, solve_compiled(kernel, problem, 0, 0))

        assert answer.value == best_by_highs(problem)
        assert certify(problem, answer).optimal


@settings(max_examples=150, deadline=None)
@given(small_problems(largest=6, most_pairs=30), st.integers(0, 20))
def test_bids_carry_the_bonus_of_a_need_served(problem, budget):
    answer = _answer(problem, solve_compiled(kernel, problem, _bonus_of(problem, Objective.SERVED_FIRST), budget))

    proof = certify(problem, answer, Objective.SERVED_FIRST)
    assert proof.optimal
    assert proof.primal == certify(problem, assign(problem, Objective.SERVED_FIRST), Objective.SERVED_FIRST).primal


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("needs", "offers", "most", "locked_share"), SHAPES)
def test_bids_serve_as_many_needs_as_paths_do_on_every_family(family, needs, offers, most, locked_share):
    for seed in range(3):
        problem = _closed(random_problem(seed, needs, offers, 6, most, family, locked_share), seed)
        bonus = _bonus_of(problem, Objective.SERVED_FIRST)

        bids, paths = (certify(problem, _answer(problem, solve_compiled(kernel, problem, bonus, budget)), Objective.SERVED_FIRST) for budget in (0, 10**9))

        assert bids.optimal
        assert bids.primal == paths.primal


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("objective", [Objective.SCORE, Objective.SERVED_FIRST])
def test_shuffling_changes_nothing_when_bids_take_over(family, objective):
    problem = random_problem(5, 150, 120, 8, 2, family, 0.02)
    other, pairs, needs, offers = shuffled(problem, 1)
    bonus = _bonus_of(problem, objective)

    answer, same = solve_compiled(kernel, problem, bonus, 300), solve_compiled(kernel, other, bonus, 300)

    assert same.chosen.tolist() == answer.chosen[pairs].tolist()
    assert same.need_price.tolist() == answer.need_price[needs].tolist()
    assert same.offer_price.tolist() == answer.offer_price[offers].tolist()


@settings(max_examples=100, deadline=None)
@given(small_problems(largest=6, most_pairs=30), st.data())
def test_a_mutated_answer_of_the_bids_is_not_certified(problem, data):
    assume(len(problem.need))
    answer = _answer(problem, solve_compiled(kernel, problem, 0, 0))
    flipped = answer.chosen.copy()
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= True

    for value in (answer.value, int(problem.score[flipped].sum())):
        assert not certify(problem, dataclasses.replace(answer, chosen=flipped, value=value)).optimal


def test_three_thousand_needs_that_all_want_the_same_offers_are_solved_past_the_budget():
    problem = random_problem(1, 3_000, 3_000, 20, 2, "product")

    for objective in (Objective.SCORE, Objective.SERVED_FIRST):
        assert certify(problem, assign(problem, objective), objective).optimal


def test_twenty_thousand_needs_are_solved_and_proven():
    problem = random_problem(1, 20_000, 30_000, 20)

    assert certify(problem, assign(problem)).optimal
    assert certify(problem, assign(problem, Objective.SERVED_FIRST), Objective.SERVED_FIRST).optimal


def test_a_locked_pair_given_twice_is_refused():
    problem = problem_of([(0, 0, 5), (0, 0, 6)], [2], [2], locked=[0])

    with pytest.raises(BadProblem, match="pair given twice: need 0 with offer 0"):
        assign(problem)


def test_numbers_that_do_not_fit_are_left_to_the_readable_solver():
    problem = problem_of([(0, 0, 5)], [1], [1])

    assert solve_compiled(kernel, problem, 2**61) is None


def test_arrays_that_may_not_be_written_or_are_not_contiguous_are_solved():
    problem = random_problem(2, 40, 40, 6, 2)
    score = np.repeat(problem.score, 2)[::2]
    score.flags.writeable = False

    assert assign(dataclasses.replace(problem, score=score, need=problem.need.astype(np.int64))).value == assign(problem).value


def _python(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return done.stdout.split()


SOLVE = """
from matchmaker.engine.assignment import assign, warm
from tests.engine.instances import random_problem
print(warm(), assign(random_problem(7, 60, 50, 6, 3, "ties", 0.05)).chosen.nonzero()[0].sum())
"""


def test_importing_the_solver_does_not_import_numba():
    assert _python("import sys, matchmaker.engine.assignment; print('numba' in sys.modules)") == ["False"]


def test_the_same_pairs_are_chosen_without_numba_or_with_its_compiler_switched_off():
    expected = str(assign(random_problem(7, 60, 50, 6, 3, "ties", 0.05)).chosen.nonzero()[0].sum())

    assert warm()
    assert _python(SOLVE, NUMBA_DISABLE_JIT="1") == ["False", expected]
    assert _python("import sys; sys.modules['numba'] = None\n" + SOLVE) == ["False", expected]
