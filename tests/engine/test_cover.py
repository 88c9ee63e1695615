"""What is under way: the law of the places it covers, against every outcome counted one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.cover import SILENT_DAYS, Stage, answers_yet, chance_under_way, cover_probability, one_less, one_more, still_answers
from matchmaker.engine.problem import BadProblem

chances = st.lists(st.floats(0, 1), max_size=6)


def counted(chances, places):
    """P(exactly k succeed) for each k below places, over all outcomes."""
    law = [0.0] * places
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        if sum(outcome) < places:
            law[sum(outcome)] += float(np.prod([p if success else 1 - p for p, success in zip(chances, outcome, strict=True)]))
    return law


@settings(max_examples=200, deadline=None)
@given(chances, st.integers(1, 4))
def test_the_law_is_that_of_all_outcomes_counted(chances, places):
    cover = cover_probability(np.zeros(len(chances), dtype=np.int64), np.array(chances), places=np.array([places]))

    assert cover[0].tolist() == pytest.approx(counted(chances, places))


@settings(max_examples=100, deadline=None)
@given(chances, st.integers(1, 3), st.floats(0, 0.9))
def test_one_less_undoes_one_more(chances, places, chance):
    before = cover_probability(np.zeros(len(chances), dtype=np.int64), np.array(chances), places=np.array([places]))

    after = one_less(one_more(before, np.array([chance]), np.array([places])), np.array([chance]))

    assert after[0].tolist() == pytest.approx(before[0].tolist(), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    need, chance, places = rng.integers(0, 4, 12), rng.random(12), rng.integers(0, 4, 4)
    order = rng.permutation(12)

    assert np.array_equal(cover_probability(need, chance, places=places), cover_probability(need[order], chance[order], places=places))


def test_needs_of_one_and_of_several_places_stand_side_by_side():
    cover = cover_probability(np.array([0, 1, 1, 1]), np.full(4, 0.5), places=np.array([1, 3, 2]))

    assert cover.tolist() == [[0.5, 0.0, 0.0], [0.125, 0.375, 0.375], [1.0, 0.0, 0.0]]


@given(st.floats(0.01, 1), st.integers(0, SILENT_DAYS - 1))
def test_hope_falls_with_each_day_of_silence_and_ends_after_ten(answer, day):
    today, tomorrow, end = still_answers(np.full(3, answer), np.array([day, day + 1, SILENT_DAYS]))

    assert today >= tomorrow >= end == 0
    assert still_answers(np.array([answer]), np.array([0]))[0] == pytest.approx(answer)


def test_a_conversation_is_worth_more_than_a_yes_and_a_yes_more_than_a_question():
    stages, days = np.array([Stage.PROPOSED, Stage.INTERESTED, Stage.IN_CONVERSATION]), np.full(3, 5)

    proposed, interested, talking = chance_under_way(stages, days, answer=np.full(3, 0.5), accept=np.full(3, 0.5), conclude=np.full(3, 0.4))

    assert 0 < proposed < interested < talking < 0.4


def test_a_chance_or_a_need_out_of_range_is_refused():
    with pytest.raises(BadProblem, match="not there"):
        cover_probability(np.array([1]), np.array([0.5]), places=np.array([1]))
    with pytest.raises(BadProblem, match="chances"):
        cover_probability(np.array([0]), np.array([1.5]), places=np.array([1]))


@given(st.floats(0, 1), st.integers(0, 30), st.integers(0, 30))
def test_a_reminder_adds_hope_for_ten_days_and_never_a_certainty(answer, silent, since):
    asked, reminded, never = np.array([silent]), np.array([since]), np.array([10**6])
    chance = np.array([answer])

    alone, recalled = answers_yet(chance, asked, never)[0], answers_yet(chance, asked, reminded)[0]

    assert alone == pytest.approx(still_answers(chance, asked)[0])
    assert alone - 1e-12 <= recalled <= 1.0
    assert since < SILENT_DAYS or recalled == pytest.approx(alone)
