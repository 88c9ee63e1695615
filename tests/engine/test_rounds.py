"""Every meeting gets a round, in as few rounds as the bound says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.problem import BadProblem
from matchmaker.engine.rounds import plan_rounds, rounds_bound, split_delegates


def faults(left, right, plan, tables, delegates=None):
    """What is wrong with a plan, by counting; shares nothing with the planner."""
    found = []
    busy, sizes = {}, {}
    for a, b, r in zip(left, right, plan, strict=True):
        if r < 0:
            found.append("no round")
        for who in (("left", a), ("right", b)):
            busy[who, r] = busy.get((who, r), 0) + 1
            if busy[who, r] > (1 if delegates is None else delegates[who]):
                found.append(f"{who} twice in round {r}")
        sizes[r] = sizes.get(r, 0) + 1
    found += [f"round {r} overfull" for r, size in sizes.items() if size > tables]
    if sizes and (sorted(sizes) != list(range(len(sizes))) or max(sizes.values()) - min(sizes.values()) > 1):
        found.append("rounds not even")
    return found


def lowest_number_of_rounds(meetings, tables):
    """The fewest rounds by trying everything."""

    def fits(k, plan):
        if k == len(meetings):
            return True
        for r in range(min(limit, max(plan, default=-1) + 2)):
            clash = any(other == r and (meetings[m][0] == meetings[k][0] or meetings[m][1] == meetings[k][1]) for m, other in enumerate(plan))
            if not clash and plan.count(r) < tables and fits(k + 1, [*plan, r]):
                return True
        return False

    for limit in itertools.count(1 if meetings else 0):
        if fits(0, []):
            return limit
    raise AssertionError


meetings_lists = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=10)


@settings(max_examples=200, deadline=None)
@given(meetings_lists, st.integers(1, 5))
def test_no_plan_has_fewer_rounds(meetings, tables):
    left, right = np.array([a for a, _ in meetings], dtype=np.int64), np.array([b for _, b in meetings], dtype=np.int64)

    plan = plan_rounds(left, right, tables=tables)

    assert faults(left.tolist(), right.tolist(), plan.tolist(), tables) == []
    assert len(set(plan.tolist())) == lowest_number_of_rounds(meetings, tables)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.integers(0, 400), st.integers(1, 25))
def test_the_number_of_rounds_is_the_bound_on_random_multigraphs(seed, lefts, rights, count, tables):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, lefts, count) * 7 - 3, (rng.integers(0, rights, count) ** 2) % 97

    plan = plan_rounds(left, right, tables=tables)

    degrees = [int(np.unique(rows, return_counts=True)[1].max(initial=0)) for rows in (left, right)]
    assert faults(left.tolist(), right.tolist(), plan.tolist(), tables) == []
    assert len(set(plan.tolist())) == max(*degrees, -(-count // tables)) == rounds_bound(left, right, tables)[0]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120), st.integers(1, 12), st.data())
def test_accessible_tables_of_one_side_cost_no_round_beyond_the_bound(seed, count, tables, data):
    seats = data.draw(st.integers(1, tables))
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 15, count), rng.integers(0, 15, count)
    accessible = np.isin(left, rng.choice(15, 4, replace=False))

    plan = plan_rounds(left, right, tables=tables, accessible=accessible, accessible_tables=seats)

    assert faults(left.tolist(), right.tolist(), plan.tolist(), tables) == []
    assert np.bincount(plan[accessible], minlength=1).max() <= seats
    assert plan.max() + 1 == rounds_bound(left, right, tables, accessible=accessible, accessible_tables=seats)[0]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 80), st.integers(1, 8), st.data())
def test_accessible_tables_of_both_sides_are_never_overfull(seed, count, tables, data):
    seats = data.draw(st.integers(1, tables))
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 10, count), rng.integers(0, 10, count)
    accessible = (left < 3) | (right < 3)

    plan = plan_rounds(left, right, tables=tables, accessible=accessible, accessible_tables=seats)

    assert faults(left.tolist(), right.tolist(), plan.tolist(), tables) == []
    assert np.bincount(plan[accessible], minlength=1).max() <= seats
    assert plan.max() + 1 >= rounds_bound(left, right, tables, accessible=accessible, accessible_tables=seats)[0]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60))
def test_swapping_and_renaming_the_sides_keeps_the_number_of_rounds(seed, count):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 9, count), rng.integers(0, 9, count)

    one, other = plan_rounds(left, right, tables=4), plan_rounds(100 - right, left + 50, tables=4)

    assert one.max(initial=-1) == other.max(initial=-1)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 8))
def test_a_table_more_never_asks_for_more_rounds(seed, count, tables):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 9, count), rng.integers(0, 9, count)

    assert plan_rounds(left, right, tables=tables + 1).max(initial=-1) <= plan_rounds(left, right, tables=tables).max(initial=-1)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 80))
def test_delegates_share_the_meetings_evenly(seed, count):
    rng = np.random.default_rng(seed)
    left, right, delegates = rng.integers(0, 6, count), rng.integers(0, 20, count), rng.integers(1, 4, 6)

    split = split_delegates(left, delegates)

    plan = plan_rounds(split, right, tables=100)
    allowed = {("left", k): int(n) for k, n in enumerate(delegates)} | {("right", k): 1 for k in range(20)}
    assert faults(left.tolist(), right.tolist(), plan.tolist(), 100, allowed) == []
    need = -(-np.bincount(left, minlength=6) // delegates)
    assert plan.max(initial=-1) + 1 == max(need.max(initial=0), np.bincount(right, minlength=1).max())


@pytest.mark.parametrize(
    ("left", "right", "tables", "expected"),
    [
        ([3, 3, 3], [0, 1, 2], 9, (3, "degree of left 3")),
        ([1, 2], [8, 8], 9, (2, "degree of right 8")),
        ([1, 2, 3], [1, 2, 3], 2, (2, "tables")),
        ([], [], 2, (0, "no meeting")),
    ],
)
def test_the_bound_says_why(left, right, tables, expected):
    assert rounds_bound(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), tables) == expected


def test_meetings_without_a_table_are_refused():
    one = np.array([0])
    with pytest.raises(BadProblem, match="no table"):
        plan_rounds(one, one, tables=0)
    with pytest.raises(BadProblem, match="none is accessible"):
        plan_rounds(one, one, tables=1, accessible=np.array([True]), accessible_tables=0)
    with pytest.raises(BadProblem, match="same length"):
        plan_rounds(one, np.array([0, 1]), tables=1)


def test_a_large_job_dating_is_planned_at_the_bound():
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 900, 20_000), rng.integers(0, 700, 20_000)

    plan = plan_rounds(left, right, tables=400)

    assert faults(left.tolist(), right.tolist(), plan.tolist(), 400) == []
    assert plan.max() + 1 == rounds_bound(left, right, 400)[0]
