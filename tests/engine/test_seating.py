"""Each meeting has a table of its own, accessible where it must be, and people move little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.problem import BadProblem
from matchmaker.engine.rounds import plan_rounds
from matchmaker.engine.seating import seat, table_changes


def first_free(rounds, accessible, asking):
    """The naive seating: those who need an accessible table first, each at the first free one."""
    table = np.full(len(rounds), -1)
    for one in np.unique(rounds):
        free = list(range(len(accessible)))
        meetings = np.flatnonzero(rounds == one)
        for m in meetings[np.argsort(~asking[meetings], kind="stable")]:
            table[m] = next(t for t in free if accessible[t] or not asking[m])
            free.remove(table[m])
    return table


def _session(seed, count, tables, seats):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 12, count), rng.integers(0, 12, count)
    asking = left < 2
    accessible = np.arange(tables) >= tables - seats
    return left, right, plan_rounds(left, right, tables=tables, accessible=asking, accessible_tables=seats), accessible, asking


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 70), st.integers(2, 10), st.data())
def test_a_table_holds_one_meeting_and_is_accessible_where_it_must_be(seed, count, tables, data):
    left, right, rounds, accessible, asking = _session(seed, count, tables, data.draw(st.integers(1, tables)))

    table = seat(left, right, rounds, accessible, asking)

    assert np.all((table >= 0) & (table < tables))
    assert len(set(zip(rounds.tolist(), table.tolist(), strict=True))) == count
    assert np.all(accessible[table[asking]])


def test_people_move_much_less_than_at_the_first_free_table():
    ours = naive = 0
    for seed in range(10):
        left, right, rounds, accessible, asking = _session(seed, 60, 10, 3)
        ours += table_changes(left, right, rounds, seat(left, right, rounds, accessible, asking))
        naive += table_changes(left, right, rounds, first_free(rounds, accessible, asking))

    assert ours < 0.6 * naive


def test_a_host_with_new_visitors_keeps_the_table():
    table = seat(np.array([1, 1, 1, 2]), np.array([5, 6, 7, 5]), np.array([0, 1, 2, 2]), np.array([False, False]), np.zeros(4, dtype=np.bool_))

    assert table[0] == table[1] == table[2] != table[3]


def test_too_few_tables_are_refused_with_the_round():
    two, none = np.array([0, 1]), np.zeros(2, dtype=np.bool_)
    with pytest.raises(BadProblem, match="round 4 has 2 meetings and 1 tables"):
        seat(two, two, np.array([4, 4]), np.array([True]), none)
    with pytest.raises(BadProblem, match="2 meetings that need an accessible table and 1"):
        seat(two, two, np.array([4, 4]), np.array([True, False]), ~none)
