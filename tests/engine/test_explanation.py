"""What is said of a pair holds when the pair is forced, and what is said to serve a need serves it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import assign
from matchmaker.engine.candidates import OPEN_END, OPEN_START, candidates
from matchmaker.engine.certificate import certify
from matchmaker.engine.explanation import Reason, alternatives, offer_alternatives, regrets, why_not, why_unserved
from matchmaker.engine.problem import Objective
from tests.engine.instances import answers, problem_of, random_problem, shuffled, small_problems, worth
from tests.engine.sides import random_side


@settings(max_examples=300, deadline=None)
@given(small_problems(), st.sampled_from(list(Objective)))
def test_forcing_a_pair_costs_at_least_its_regret(problem, objective):
    answer = assign(problem, objective)
    regret = regrets(problem, answer)
    goal = Objective.SERVED_FIRST if objective is Objective.SERVED_FIRST else Objective.SCORE
    proof = certify(problem, answer, objective)
    bonus = 1 + 1_000_000 * min(int(problem.need_capacity.sum()), int(problem.offer_capacity.sum()), len(problem.need))

    def total(choice):
        told = worth(problem, choice, goal)
        return told[0] if goal is Objective.SCORE else told[0] * bonus + told[1]

    everything = list(answers(problem))
    for e in range(len(problem.need)):
        forced = [total(choice) for choice in everything if e in choice]
        assert regret[e] >= 0
        assert not forced or proof.dual - max(forced) >= regret[e]
        assert not answer.chosen[e] or regret[e] == 0


@settings(max_examples=200, deadline=None)
@given(small_problems(largest=5, most_pairs=20), st.integers(1, 4))
def test_alternatives_come_in_order_of_regret(problem, limit):
    answer = assign(problem)
    regret = regrets(problem, answer).tolist()
    left = [e for e in range(len(problem.need)) if not answer.chosen[e]]

    def expected(rows, row):
        keyed = sorted((regret[e], int(problem.need_id[problem.need[e]]), int(problem.offer_id[problem.offer[e]]), e) for e in left if rows[e] == row)
        return [(int(problem.need[e]), int(problem.offer[e]), int(problem.score[e]), cost) for cost, _, _, e in keyed][:limit]

    for i in range(len(problem.need_id)):
        assert [dataclasses.astuple(one) for one in alternatives(problem, answer, i, limit)] == expected(problem.need, i)
    for j in range(len(problem.offer_id)):
        assert [dataclasses.astuple(one) for one in offer_alternatives(problem, answer, j, limit)] == expected(problem.offer, j)


def test_the_order_of_rows_does_not_order_the_alternatives():
    problem = random_problem(2, 15, 15, 6, 2, "ties")
    other, _, needs, _ = shuffled(problem, 4)

    here = [problem.offer_id[one.offer_row] for one in alternatives(problem, assign(problem), 3, 9)]
    there = [other.offer_id[one.offer_row] for one in alternatives(other, assign(other), int(np.flatnonzero(needs == 3)[0]), 9)]

    assert here == there
    assert len(here) > 1


def test_why_not_names_who_holds_the_places():
    # Both places of offer 0 go to needs 1 and 2; need 0 has offer 1 instead.
    problem = problem_of([(0, 0, 700_000), (0, 1, 600_000), (1, 0, 800_000), (2, 0, 900_000), (2, 2, 100_000)], [1, 1, 1], [2, 1, 1])
    answer = assign(problem)

    told = why_not(problem, answer, 0, 0)

    assert (told.is_candidate, told.is_chosen, told.score, told.holders, told.held) == (True, False, 700_000, (2, 1), (1,))
    assert told.regret == told.need_price + told.offer_price - 700_000
    assert 0 <= told.regret <= 700_000
    chosen = why_not(problem, answer, 1, 0)
    assert (chosen.is_chosen, chosen.regret) == (True, 0)
    stranger = why_not(problem, answer, 1, 2)
    assert (stranger.is_candidate, stranger.regret, stranger.score, stranger.holders) == (False, None, None, ())


def world(need=None, offers=2, **columns):
    """One need and some offers of other organisations, all at one point unless said otherwise."""

    def side(count, own, changed):
        blank = random_side(1, count)
        values = {
            "id": np.arange(count) + 100 * own, "organisation": np.arange(count) + 100 * own, "category": np.zeros(count, int),
            "lat": np.full(count, 49.0), "lon": np.zeros(count), "radius_km": np.full(count, 30.0), "halfdays": np.full(count, 0b11),
            "starts": np.full(count, OPEN_START), "ends": np.full(count, OPEN_END), "required": np.zeros(count, int), "held": np.zeros(count, int),
            "denied": np.zeros(count, int), "remote_share": np.zeros(count, int), "home": np.full((count, 1), -1),
            "area_start": np.zeros(count + 1, int), "area": np.zeros(0, int),
        }  # fmt: skip
        return dataclasses.replace(blank, **values | {name: np.asarray(value) for name, value in changed.items()})

    return side(1, 1, need or {}), side(offers, 2, columns)


def told_of(needs, offers, refused=None, kept=True):
    found = candidates(needs, offers, refused=refused)
    pairs = list(zip(found.need.tolist(), found.offer.tolist(), strict=True)) if kept else []
    problem = problem_of([(*pair, 500_000) for pair in pairs], [1], [0] * len(offers.id))
    return why_unserved(problem, assign(problem), needs, offers, 0, refused=refused)


def test_an_unserved_need_is_told_which_constraint_removed_the_offers():
    far = told_of(*world(lat=[49.5, 50.0]))
    assert (far.reason, far.removed, round(far.nearest_km), far.nearest_miss) == (Reason.NO_CANDIDATE, {"distance": 2}, 56, None)

    wednesday = told_of(*world(halfdays=[0b100, 0b11], lat=[49.0, 60.0]))
    assert (wednesday.reason, wednesday.removed) == (Reason.NO_CANDIDATE, {"distance": 1, "halfdays": 1})

    assert told_of(*world(category=[1, 1])).reason is Reason.NO_OFFER
    assert told_of(*world(category=[1, 1])).nearest_km is None

    needs, offers = world()
    everyone = np.array([[needs.id[0], offer] for offer in offers.id])
    assert told_of(needs, offers, refused=everyone).reason is Reason.ALL_REFUSED
    assert told_of(needs, offers, refused=everyone[:1], kept=False).reason is Reason.OTHER_SUBJECT


def test_an_outbid_need_is_told_by_how_much():
    problem = problem_of([(0, 0, 710_000), (1, 0, 830_000)], [1, 1], [1])
    needs, offers = random_side(1, 2), random_side(2, 1)

    told = why_unserved(problem, assign(problem), needs, offers, 0)

    assert (told.reason, told.removed) == (Reason.OUTBID, {})
    assert told.nearest_miss.offer_row == 0
    assert 0 <= told.nearest_miss.regret <= 120_000


def test_a_served_need_is_not_unserved():
    problem = problem_of([(0, 0, 710_000)], [1, 0], [1])
    for row in (0, 1):
        with pytest.raises(ValueError, match="is served, or asks for nobody"):
            why_unserved(problem, assign(problem), random_side(1, 2), random_side(2, 1), row)
