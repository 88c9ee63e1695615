"""The verifier accepts no answer that it should not."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import assign
from matchmaker.engine.certificate import certify
from matchmaker.engine.problem import Assignment, Objective
from tests.engine.instances import answers, problem_of, random_problem, small_problems, worth

PROVEN = st.sampled_from([Objective.SCORE, Objective.SERVED_FIRST])


@settings(max_examples=200, deadline=None)
@given(small_problems(largest=5, most_pairs=20), PROVEN, st.data())
def test_one_pair_more_or_less_is_never_certified(problem, objective, data):
    assume(len(problem.need))
    answer = assign(problem, objective)
    flipped = answer.chosen.copy()
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= True

    for value in (answer.value, int(problem.score[flipped].sum())):
        assert not certify(problem, dataclasses.replace(answer, chosen=flipped, value=value), objective).optimal


@settings(max_examples=200, deadline=None)
@given(small_problems(largest=4, most_pairs=9), PROVEN, st.data())
def test_whatever_the_prices_only_a_best_answer_is_certified(problem, objective, data):
    answer = assign(problem, objective)
    prices = [st.lists(st.integers(-3, 1_000_003), min_size=n, max_size=n) for n in (len(problem.need_id), len(problem.offer_id))]
    everything = list(answers(problem))
    choice = data.draw(st.sampled_from(everything))
    chosen = np.isin(np.arange(len(problem.need)), choice)
    changed = Assignment(
        chosen,
        answer.need_price + data.draw(st.sampled_from([0, 1])) * np.array(data.draw(prices[0]), dtype=np.int64),
        answer.offer_price + data.draw(st.sampled_from([0, 1])) * np.array(data.draw(prices[1]), dtype=np.int64),
        int(problem.score[chosen].sum()),
    )

    best = max(worth(problem, other, objective) for other in everything)
    if certify(problem, changed, objective).optimal:
        assert worth(problem, choice, objective) == best


@settings(max_examples=200, deadline=None)
@given(small_problems(largest=4, most_pairs=9), PROVEN, st.data())
def test_the_dual_bounds_every_answer_for_any_prices(problem, objective, data):
    need_price = np.array(data.draw(st.lists(st.integers(0, 1_000_000), min_size=len(problem.need_id), max_size=len(problem.need_id))), dtype=np.int64)
    offer_price = np.array(data.draw(st.lists(st.integers(0, 1_000_000), min_size=len(problem.offer_id), max_size=len(problem.offer_id))), dtype=np.int64)

    for choice in answers(problem):
        chosen = np.isin(np.arange(len(problem.need)), choice)
        proof = certify(problem, Assignment(chosen, need_price, offer_price, int(problem.score[chosen].sum())), objective)
        assert proof.feasible
        assert proof.gap >= 0


@pytest.mark.parametrize("family", ["uniform", "ties", "product"])
def test_a_price_that_is_changed_is_not_certified(family):
    problem = random_problem(2, 40, 40, 6, 2, family)
    answer = assign(problem)
    for side in ("need_price", "offer_price"):
        for row in range(40):
            for shift in (-2_000_000, 2_000_000):
                prices = getattr(answer, side).copy()
                prices[row] += shift
                assert not certify(problem, dataclasses.replace(answer, **{side: prices})).optimal


def test_a_false_value_a_missing_lock_and_an_overfull_offer_are_not_feasible():
    problem = problem_of([(0, 0, 5), (1, 0, 6)], [1, 1], [1], locked=[0])
    answer = assign(problem)

    assert certify(problem, answer).optimal
    assert not certify(problem, dataclasses.replace(answer, value=answer.value + 1)).feasible
    assert not certify(problem, dataclasses.replace(answer, chosen=np.array([False, True]), value=6)).feasible
    assert not certify(problem, dataclasses.replace(answer, chosen=np.array([True, True]), value=11)).feasible


def test_a_pair_listed_twice_in_a_forged_problem_is_not_taken_twice():
    problem = problem_of([(0, 0, 5), (0, 0, 5)], [2], [2])
    forged = Assignment(np.array([True, True]), np.array([0]), np.array([0]), 10)

    assert not certify(problem, forged).feasible


def test_blocking_pairs_are_counted_against_the_worst_partner_who_is_free_to_leave():
    problem = problem_of([(0, 0, 5), (0, 1, 9), (1, 1, 3)], [1, 1], [1, 1])
    none = np.zeros(2, dtype=np.int64)

    def blocking(chosen, of=problem):
        return certify(of, Assignment(np.array(chosen), none, none, int(problem.score[np.array(chosen)].sum()))).blocking_pairs

    assert blocking([True, False, True]) == 1
    assert blocking([False, True, False]) == 0
    assert blocking([False, False, False]) == 3
    assert blocking([True, False, True], dataclasses.replace(problem, locked=np.array([True, False, False]))) == 0


def test_an_answer_of_the_wrong_size_is_refused():
    problem = problem_of([(0, 0, 5)], [1], [1])

    with pytest.raises(ValueError, match="one entry for each"):
        certify(problem, Assignment(np.array([True, False]), np.array([0]), np.array([0]), 5))
