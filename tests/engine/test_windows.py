"""Plans with windows: everything is placed where that is known to be possible, and the bound is true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.programme import programme
from matchmaker.engine.windows import plan_windows


def planted(seed, count, people, rounds, spare, **given):
    """Windows around a plan that holds everything."""
    rng = np.random.default_rng(seed)
    seen, found = set(), []
    for r in range(rounds):
        pairs = [pair for pair in zip(rng.permutation(people).tolist(), rng.permutation(people).tolist(), strict=True) if pair not in seen][: count // rounds]
        seen.update(pairs)
        found += [(i, people + j, r) for i, j in pairs]
    left, right, at = (np.array(column) for column in zip(*found, strict=True))
    available = rng.random((2 * people, rounds)) < spare
    available[left, at] = available[right, at] = True
    tables = np.ones(int(np.bincount(at).max()), dtype=np.bool_)
    return programme(left, right, participants=2 * people, rounds=rounds, tables=tables, available=available, **given)


def assert_holds(one, rounds):
    held = np.flatnonzero(rounds >= 0)
    assert one.available[one.left[held], rounds[held]].all()
    assert one.available[one.right[held], rounds[held]].all()
    load = np.zeros(one.available.shape, dtype=np.int64)
    np.add.at(load, (one.left[held], rounds[held]), 1)
    np.add.at(load, (one.right[held], rounds[held]), 1)
    assert (load <= one.places[:, None]).all()
    assert np.bincount(rounds[held], minlength=1).max() <= len(one.tables)


@pytest.mark.parametrize(("count", "people", "rounds"), [(70, 12, 8), (300, 40, 10), (1000, 80, 20)])
def test_meetings_that_fit_are_all_placed(count, people, rounds):
    one = planted(1, count, people, rounds, 0.3)

    found, bound = plan_windows(one, iterations=20_000)

    assert_holds(one, found)
    assert (found >= 0).all()
    assert bound == pytest.approx(len(found))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_the_bound_is_never_below_a_plan_that_is_known(seed, delegates):
    one = planted(seed, 40, 6, 8, 0.1)
    wider = planted(seed, 40, 6, 8, 0.1, delegates=np.full(12, delegates), score=np.full(len(one.left), 0.5))

    found, bound = plan_windows(wider, iterations=100)

    assert_holds(wider, found)
    assert bound >= 0.5 * len(one.left) - 1e-9


def test_an_overloaded_day_is_close_to_the_bound_and_the_same_seed_gives_the_same_plan():
    rng = np.random.default_rng(1)
    cells = rng.choice(400, 200, replace=False)
    first, last = rng.integers(0, 3, 40), rng.integers(6, 10, 40)
    here = (np.arange(10) >= first[:, None]) & (np.arange(10) <= last[:, None])
    score = rng.integers(100, 1000, 200) / 1000
    one = programme(cells // 20, cells % 20 + 20, participants=40, rounds=10, tables=np.ones(14, dtype=np.bool_), available=here, score=score)

    found, bound = plan_windows(one, iterations=3000)

    assert_holds(one, found)
    assert score[found >= 0].sum() >= 0.99 * bound
    assert np.array_equal(found, plan_windows(one, iterations=3000)[0])
