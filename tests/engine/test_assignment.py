"""The chosen pairs are the best ones, whatever the order of the rows."""

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import assign
from matchmaker.engine.certificate import certify
from matchmaker.engine.problem import BadProblem, Objective
from tests.engine.instances import answers, best_by_highs, plain_dual, problem_of, random_problem, shuffled, small_problems, worth

FAMILIES = ["uniform", "ties", "twins", "product", "chain"]


def _choice(answer):
    return tuple(np.flatnonzero(answer.chosen).tolist())


@settings(max_examples=80, deadline=None)
@given(small_problems(largest=6, most_pairs=10), st.sampled_from([Objective.SCORE, Objective.SERVED_FIRST, Objective.GENEROUS]))
def test_no_other_choice_of_pairs_is_better(problem, objective):
    answer = assign(problem, objective)

    everything = list(answers(problem))
    assert _choice(answer) in everything
    assert worth(problem, _choice(answer), objective) == max(worth(problem, choice, objective) for choice in everything)
    assert answer.value == worth(problem, _choice(answer), Objective.SCORE)[0]


@settings(max_examples=80, deadline=None)
@given(small_problems(largest=5, most_pairs=25), st.sampled_from([Objective.SCORE, Objective.SERVED_FIRST]))
def test_the_prices_prove_the_answer(problem, objective):
    proof = certify(problem, assign(problem, objective), objective)

    assert proof.feasible
    assert proof.gap == 0


@settings(max_examples=120, deadline=None)
@given(small_problems(largest=5, most_pairs=25))
def test_the_prices_say_what_one_more_place_is_worth(problem):
    answer = assign(problem)

    assert plain_dual(problem, answer) == answer.value
    regret = answer.need_price[problem.need] + answer.offer_price[problem.offer] - problem.score
    loose = answer.chosen & ~problem.locked
    assert np.all(regret[loose] <= 0)
    assert np.all(regret[~answer.chosen] >= 0)
    assert np.all(answer.need_price >= 0)
    assert np.all(answer.offer_price >= 0)


@settings(max_examples=120, deadline=None)
@given(small_problems(largest=5, most_pairs=20))
def test_stable_leaves_no_blocking_pair(problem):
    answer = assign(problem, Objective.STABLE)

    proof = certify(problem, answer, Objective.STABLE)
    assert proof.feasible
    assert proof.blocking_pairs == 0


@settings(max_examples=120, deadline=None)
@given(small_problems(largest=5, most_pairs=20), st.sampled_from(list(Objective)))
def test_the_gap_of_the_other_objectives_is_what_they_give_up(problem, objective):
    answer = assign(problem, objective)

    best = assign(problem).value
    assert answer.value <= best
    if objective in (Objective.GENEROUS, Objective.STABLE):
        assert certify(problem, answer, objective).gap == best - answer.value


@settings(max_examples=120, deadline=None)
@given(small_problems(largest=5, most_pairs=25), st.sampled_from(list(Objective)), st.integers(0, 99))
def test_shuffling_the_rows_changes_nothing(problem, objective, seed):
    other, pairs, needs, offers = shuffled(problem, seed)

    answer, same = assign(problem, objective), assign(other, objective)

    assert same.chosen.tolist() == answer.chosen[pairs].tolist()
    assert same.need_price.tolist() == answer.need_price[needs].tolist()
    assert same.offer_price.tolist() == answer.offer_price[offers].tolist()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("needs", "offers", "most", "locked_share"), [(60, 60, 1, 0.0), (80, 50, 3, 0.05), (30, 90, 3, 0.0)])
def test_an_independent_exact_solver_finds_the_same_optimum(family, needs, offers, most, locked_share):
    for seed in range(3):
        problem = random_problem(seed, needs, offers, 6, most, family, locked_share)

        answer = assign(problem)

        assert answer.value == best_by_highs(problem)
        assert plain_dual(problem, answer) == answer.value
        assert certify(problem, assign(problem, Objective.SERVED_FIRST), Objective.SERVED_FIRST).optimal


@pytest.mark.parametrize("family", FAMILIES)
def test_shuffling_a_larger_instance_changes_nothing(family):
    problem = random_problem(5, 150, 120, 8, 2, family, 0.02)
    other, pairs, _, _ = shuffled(problem, 1)

    for objective in Objective:
        assert assign(other, objective).chosen.tolist() == assign(problem, objective).chosen[pairs].tolist()


@pytest.mark.parametrize("objective", list(Objective))
def test_empty_sides_have_an_empty_answer(objective):
    for needs, offers in ((0, 0), (2, 0), (0, 2)):
        answer = assign(problem_of([], [1] * needs, [1] * offers), objective)

        assert answer.value == 0
        assert len(answer.need_price) == needs
        assert len(answer.offer_price) == offers


def test_served_first_serves_one_more_need_at_the_price_of_a_better_score():
    problem = problem_of([(0, 0, 1_000_000), (1, 0, 1), (0, 1, 1)], [2, 1], [1, 1])

    assert assign(problem).chosen.tolist() == [True, False, True]
    assert assign(problem, Objective.SERVED_FIRST).chosen.tolist() == [False, True, True]


def test_generous_avoids_one_bad_pair_rather_than_two_middling_ones():
    problem = problem_of([(0, 0, 650_000), (1, 1, 950_000), (0, 1, 750_000), (1, 0, 750_000)], [1, 1], [1, 1])

    assert assign(problem).chosen.tolist() == [True, True, False, False]
    assert assign(problem, Objective.GENEROUS).chosen.tolist() == [False, False, True, True]


def test_a_pair_is_never_taken_twice():
    problem = problem_of([(0, 0, 900_000), (0, 1, 100_000)], [2], [2, 1])

    assert assign(problem).value == 1_000_000


def test_the_arguments_are_left_as_they_were():
    problem = random_problem(3, 20, 20, 4, 2, "ties", 0.1)
    before = {name: values.copy() for name, values in vars(problem).items()}

    for objective in Objective:
        assign(problem, objective)

    assert all(np.array_equal(before[name], values) for name, values in vars(problem).items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": np.array([0, 5])}, "score outside 1…1000000: need 10 with offer 20 \\(0\\)"),
        ({"score": np.array([5, 1_000_001])}, "need 11 with offer 20 \\(1000001\\)"),
        ({"score": np.array([0.5, np.nan])}, "score must hold integers"),
        ({"need": np.array([0, 0], np.int32)}, "pair given twice: need 10 with offer 20"),
        ({"need": np.array([0, 2], np.int32)}, "need row 2; rows go from 0 to 1"),
        ({"offer": np.array([-1, 0], np.int32)}, "offer row -1"),
        ({"need_capacity": np.array([1, -1], np.int32)}, "negative capacity of need 11"),
        ({"locked": np.array([True, True])}, "more locked pairs than capacity for offer 20"),
        ({"need_id": np.array([10, 10])}, "two rows for need 10"),
        ({"score": np.array([5])}, "same length"),
        ({"offer_capacity": np.array([1, 1], np.int32)}, "one id and one capacity"),
    ],
)
def test_a_problem_that_contradicts_itself_is_refused_by_name(change, message):
    problem = problem_of([(0, 0, 5), (1, 0, 6)], [1, 1], [1], need_id=[10, 11], offer_id=[20])

    with pytest.raises(BadProblem, match=message):
        assign(dataclasses.replace(problem, **change))


def test_two_thousand_needs_take_seconds():
    problem = random_problem(1, 2_000, 2_000, 20)

    start = time.process_time()
    answer = assign(problem)

    assert time.process_time() - start < 10
    assert certify(problem, answer).optimal
