"""A capped problem has the answer of the whole one: the same value, and a proof over all pairs."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import assign
from matchmaker.engine.capping import assign_capped
from matchmaker.engine.certificate import certify
from matchmaker.engine.problem import BadProblem, Objective
from tests.engine.instances import best_by_highs, problem_of, random_problem, shuffled, small_problems

FAMILIES = ["uniform", "ties", "twins", "product", "chain"]
PROVEN = [Objective.SCORE, Objective.SERVED_FIRST]


def in_order(problem):
    """The same pairs by rising need, then offer, as `candidates` gives them."""
    order = np.lexsort((problem.offer, problem.need))
    columns = {name: getattr(problem, name)[order] for name in ("need", "offer", "score", "locked")}
    return dataclasses.replace(problem, **columns)


@settings(max_examples=300, deadline=None)
@given(small_problems(largest=6, most_pairs=30), st.integers(1, 4), st.sampled_from(list(Objective)))
def test_the_capped_answer_is_worth_what_the_whole_one_is(problem, cap, objective):
    capped, whole = assign_capped(problem, cap, objective), assign(problem, objective)

    proof, expected = certify(problem, capped, objective), certify(problem, whole, objective)
    assert (proof.feasible, proof.primal, proof.gap) == (True, expected.primal, expected.gap)
    if objective in PROVEN:
        assert proof.gap == 0
    else:
        assert capped.chosen.tolist() == whole.chosen.tolist()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("cap", [1, 3])
def test_it_is_on_every_family(family, most, cap):
    for seed in range(3):
        problem = in_order(random_problem(seed, 60, 50, 12, most, family, 0.04))

        answer = assign_capped(problem, cap)

        assert answer.value == best_by_highs(problem)
        assert all(certify(problem, assign_capped(problem, cap, objective), objective).optimal for objective in PROVEN)


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_it_is_whichever_way_the_pairs_that_enter_are_solved(monkeypatch, few, share):
    monkeypatch.setattr("matchmaker.engine.capping._FEW", few)
    monkeypatch.setattr("matchmaker.engine.capping._SHARE", share)
    problem = random_problem(2, 80, 60, 15, 2, "product", 0.03)

    for objective in PROVEN:
        assert certify(problem, assign_capped(problem, 2, objective), objective).optimal


@settings(max_examples=100, deadline=None)
@given(small_problems(largest=6, most_pairs=30), st.integers(0, 99), st.sampled_from(PROVEN))
def test_shuffling_the_rows_changes_nothing(problem, seed, objective):
    other, pairs, needs, offers = shuffled(problem, seed)

    here, there = assign_capped(problem, 2, objective), assign_capped(other, 2, objective)

    assert here.chosen[pairs].tolist() == there.chosen.tolist()
    assert here.need_price[needs].tolist() == there.need_price.tolist()
    assert here.offer_price[offers].tolist() == there.offer_price.tolist()


def test_a_need_without_a_place_does_not_bring_its_pairs_in():
    pairs = [(i, j, 900_000 - j) for i in range(3) for j in range(50)]
    problem = problem_of(pairs, [1, 0, 1], [1] * 49 + [0])

    answer = assign_capped(problem, 2)

    assert certify(problem, answer).optimal
    assert answer.value == 900_000 + 899_999


def test_what_assign_refuses_is_refused():
    with pytest.raises(BadProblem, match="pair given twice: need 0 with offer 1"):
        assign_capped(problem_of([(0, 1, 5), (0, 0, 7), (0, 1, 6)], [1], [1, 1]), 1)
    with pytest.raises(BadProblem, match="score outside"):
        assign_capped(problem_of([(0, 0, 0)], [1], [1]))
    with pytest.raises(ValueError, match="cap of 0"):
        assign_capped(problem_of([(0, 0, 5)], [1], [1]), 0)
