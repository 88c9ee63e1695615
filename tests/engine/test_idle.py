"""Waits grow shorter, and nothing else changes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.idle import idle_rounds, shorten_waits
from matchmaker.engine.idle_bound import idle_bound
from matchmaker.engine.programme import programme
from matchmaker.engine.rounds import plan_rounds


def coloured(seed, count, people, tables):
    rng = np.random.default_rng(seed)
    cells = rng.choice(people * people, count, replace=False)
    left, right = cells // people, cells % people + people
    rounds = plan_rounds(left, right, tables=tables)
    wide = int(rounds.max(initial=-1)) + 1
    days = (np.arange(wide) > wide // 2).astype(np.int64)
    return programme(left, right, participants=2 * people, rounds=wide, tables=np.ones(tables, dtype=np.bool_), days=days), rounds


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 30), st.integers(1, 8))
def test_exchanges_keep_meetings_rounds_and_tables_and_never_lengthen_the_waits(seed, count, tables):
    one, rounds = coloured(seed, count, 6, tables)

    after = shorten_waits(one, rounds, iterations=300, seed=seed)

    busy = [(person, r) for people in (one.left, one.right) for person, r in zip(people.tolist(), after.tolist(), strict=True)]
    assert len(set(busy)) == 2 * count
    assert np.bincount(after, minlength=1).max() <= tables
    assert set(after.tolist()) == set(rounds.tolist())
    assert idle_rounds(one, after) <= idle_rounds(one, rounds)
    assert np.array_equal(after, shorten_waits(one, rounds, iterations=300, seed=seed))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_people_away_pauses_and_locks_are_kept(seed):
    one, rounds = coloured(seed, 20, 6, 6)
    rng = np.random.default_rng(seed)
    here = rng.random(one.available.shape) < 0.5
    here[one.left, rounds] = here[one.right, rounds] = True
    locked = np.where(rng.random(20) < 0.2, rounds, -1)
    held = programme(one.left, one.right, participants=12, rounds=one.rounds, tables=one.tables, available=here, locked_round=locked)

    after = shorten_waits(held, rounds, iterations=300)

    assert here[one.left, after].all()
    assert here[one.right, after].all()
    assert np.array_equal(after[locked >= 0], rounds[locked >= 0])


@pytest.mark.parametrize("people", [12, 20])
def test_where_tables_are_plenty_hardly_anybody_waits(people):
    one, rounds = coloured(1, 100, people, people)
    flat = programme(one.left, one.right, participants=2 * people, rounds=one.rounds, tables=one.tables)

    after = shorten_waits(flat, rounds, iterations=20_000)

    assert idle_rounds(flat, after) <= 0.05 * idle_rounds(flat, rounds)


def waits(left, right, rounds):
    """Idle rounds, counted by hand: nothing of the engine's."""
    found = 0
    for side in (left, right):
        for person in set(side):
            mine = [r for one, r in zip(side, rounds, strict=True) if one == person]
            found += max(mine) - min(mine) + 1 - len(mine)
    return found


def holds(left, right, rounds, tables):
    once = all(len({*zip(side, rounds, strict=True)}) == len(rounds) for side in (left, right))
    return once and all(rounds.count(r) <= tables for r in set(rounds))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3), st.integers(1, 4))
def test_no_plan_waits_less_than_the_bound(seed, count, tables, wide):
    cells = np.random.default_rng(seed).choice(9, count, replace=False)
    left, right = (cells // 3).tolist(), (cells % 3 + 3).tolist()

    every = [waits(left, right, rounds) for rounds in product(range(wide), repeat=count) if holds(left, right, rounds, tables)]
    bound = idle_bound(np.array(left), np.array(right), rounds=wide, tables=tables) if every else 0

    assert bound <= min(every, default=0)


def test_where_tables_are_scarce_little_remains_above_the_bound():
    one, rounds = coloured(1, 100, 12, 7)
    flat = programme(one.left, one.right, participants=24, rounds=one.rounds, tables=one.tables)
    least = idle_bound(one.left, one.right, rounds=one.rounds, tables=7)

    after = idle_rounds(flat, shorten_waits(flat, rounds, iterations=60_000))

    assert 0 < least <= after <= least + 0.15 * idle_rounds(flat, rounds)
