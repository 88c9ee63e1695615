"""Rounds among participants of whom anyone may meet anyone, against brute force and against the evident bound."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.meetings import check, meetings_bound, plan_meetings, split_sides
from matchmaker.engine.problem import BadProblem

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=14)
crossing = st.lists(st.tuples(st.integers(0, 5), st.integers(6, 11)), min_size=1, max_size=20)


def rows(meetings: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second = np.array(meetings, dtype=np.int32).T
    return first, second, np.arange(len(meetings), 0, -1)


def assert_holds(meetings: list[tuple[int, int]], planned: np.ndarray, accessible: np.ndarray, tables: int, accessible_tables: int) -> None:
    """Everyone is at one table at a time, and each round has a table for each of its meetings."""
    for number in range(int(planned.max()) + 1):
        here = np.flatnonzero(planned == number)
        people = [person for meeting in here for person in meetings[meeting]]
        assert len(people) == len(set(people))
        assert 0 < len(here) <= tables
        assert accessible[here].sum() <= accessible_tables


def fewest_rounds(meetings: list[tuple[int, int]], tables: int) -> int:
    """By trying everything."""
    for rounds in range(1, len(meetings) + 1):
        for colours in product(range(rounds), repeat=len(meetings) - 1):
            plan = (0, *colours)
            sizes_fit = all(plan.count(number) <= tables for number in range(rounds))
            seats = {(number, person) for number, meeting in zip(plan, meetings, strict=True) for person in meeting}
            if sizes_fit and len(seats) == 2 * len(meetings):
                return rounds
    raise AssertionError("each meeting in a round of its own always holds")


@settings(deadline=None)
@given(pairs, st.integers(1, 4), st.data())
def test_nobody_is_at_two_tables_at_once_and_every_meeting_has_a_table_that_fits(meetings, tables, data):
    accessible = np.array(data.draw(st.lists(st.booleans(), min_size=len(meetings), max_size=len(meetings))))
    accessible_tables = data.draw(st.integers(1, tables))

    planned = plan_meetings(*rows(meetings), accessible, tables=tables, accessible_tables=accessible_tables)

    assert_holds(meetings, planned, accessible, tables, accessible_tables)


@settings(deadline=None)
@given(crossing, st.integers(1, 6))
def test_two_sides_meet_in_as_few_rounds_as_the_bound_says(meetings, tables):
    first, second, score = rows(meetings)
    nobody = np.zeros(len(meetings), dtype=bool)

    planned = plan_meetings(first, second, score, nobody, tables=tables, accessible_tables=0)

    assert int(planned.max()) + 1 == meetings_bound(first, second, nobody, tables=tables, accessible_tables=0)[0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=6), st.integers(1, 3))
def test_the_bound_is_never_above_the_fewest_rounds_and_the_plan_never_below(meetings, tables):
    first, second, score = rows(meetings)
    nobody = np.zeros(len(meetings), dtype=bool)
    fewest = fewest_rounds(meetings, tables)

    bound, _reason = meetings_bound(first, second, nobody, tables=tables, accessible_tables=0)
    planned = plan_meetings(first, second, score, nobody, tables=tables, accessible_tables=0)

    assert bound <= fewest <= int(planned.max()) + 1


def test_who_brings_a_need_and_an_offer_counts_the_meetings_of_both():
    """Participant 2 is the second of two meetings and the first of two others: four rounds, and not two."""
    first, second, score = rows([(0, 2), (1, 2), (2, 3), (2, 4)])
    nobody = np.zeros(4, dtype=bool)

    assert meetings_bound(first, second, nobody, tables=9, accessible_tables=0) == (4, "degree 2")
    assert sorted(plan_meetings(first, second, score, nobody, tables=9, accessible_tables=0)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("accessible", "tables", "accessible_tables", "expected"),
    [([False] * 4, 2, 0, (2, "tables")), ([True] * 4, 4, 1, (4, "accessible tables")), ([False] * 4, 4, 1, (1, "degree 0"))],
)
def test_the_bound_says_what_holds_the_plan_back(accessible, tables, accessible_tables, expected):
    first, second, _score = rows([(0, 4), (1, 5), (2, 6), (3, 7)])

    assert meetings_bound(first, second, np.array(accessible), tables=tables, accessible_tables=accessible_tables) == expected


def test_no_meeting_needs_no_round():
    none = np.zeros(0, dtype=np.int32)

    assert meetings_bound(none, none, np.zeros(0, dtype=bool), tables=0, accessible_tables=0) == (0, "no meeting")
    assert plan_meetings(none, none, np.zeros(0), np.zeros(0, dtype=bool), tables=0, accessible_tables=0).size == 0


def test_three_who_all_meet_take_three_rounds_though_each_has_two_meetings():
    planned = plan_meetings(*rows([(0, 1), (1, 2), (2, 0)]), np.zeros(3, dtype=bool), tables=5, accessible_tables=0)

    assert sorted(planned) == [0, 1, 2]


@pytest.mark.parametrize(
    ("meetings", "accessible", "tables", "accessible_tables", "words"),
    [
        ([(0, 1), (3, 3)], [False, False], 2, 0, "meets itself: row 3"),
        ([(0, 1)], [False], 0, 0, "no table"),
        # The last meeting closes an odd cycle: it is placed after the others, and must not look for a table for ever.
        ([(0, 1), (1, 2), (2, 0)], [False, False, True], 2, 0, "none is accessible"),
    ],
)
def test_a_meeting_that_no_round_could_hold_is_refused(meetings, accessible, tables, accessible_tables, words):
    first, second, score = rows(meetings)

    with pytest.raises(BadProblem, match=words):
        plan_meetings(first, second, score, np.array(accessible), tables=tables, accessible_tables=accessible_tables)
    with pytest.raises(BadProblem, match=words):
        check(first, second, np.array(accessible), tables, accessible_tables)


@settings(deadline=None)
@given(pairs)
def test_meetings_cross_exactly_when_their_two_are_on_different_sides(meetings):
    first, second, score = rows(meetings)

    side, crosses = split_sides(first, second, score)

    assert crosses.tolist() == (side[first] != side[second]).tolist()


def test_the_best_meetings_cross_first():
    _side, crosses = split_sides(np.array([0, 1, 2], np.int32), np.array([1, 2, 0], np.int32), np.array([1, 8, 9]))

    assert crosses.tolist() == [False, True, True]
