"""Whole plans on arrays, where anybody may meet anybody: what files, with their two sides, cannot ask for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.planning import plan_programme
from matchmaker.engine.programme import programme
from matchmaker.engine.replan import replan


def among_all(seed, *, rounds, hosts=0):
    """Meetings among eight people with one or two delegates; the first few host at a table of their own."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 8, 20)
    right = (left + rng.integers(1, 8, 20)) % 8
    fixed = np.where(np.arange(8) < hosts, np.arange(8), -1)
    return programme(
        left,
        right,
        participants=8,
        rounds=rounds,
        tables=np.ones(5, dtype=np.bool_),
        delegates=rng.integers(1, 3, 8),
        fixed_table=fixed,
        score=rng.random(20) + 0.01,
    )


def faults(one, rounds, table):
    """What is wrong, by counting."""
    held = np.flatnonzero(rounds >= 0).tolist()
    found = ["two meetings at a table"] if len({(rounds[e], table[e]) for e in held}) < len(held) else []
    load = {}
    for e in held:
        for p in (int(one.left[e]), int(one.right[e])):
            load[p, int(rounds[e])] = load.get((p, int(rounds[e])), 0) + 1
            if one.fixed_table[p] not in (-1, table[e]):
                found.append(f"host {p} away from its table")
        owner = np.flatnonzero(one.fixed_table == table[e])
        if owner.size and owner[0] not in (one.left[e], one.right[e]):
            found.append(f"meeting {e} at the table of a host")
    return found + [f"{p} {times} times in round {r}" for (p, r), times in load.items() if times > one.delegates[p]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.booleans(), st.integers(0, 3))
def test_a_plan_among_all_holds_with_hosts_and_delegates(seed, rounds, limited, hosts):
    one = among_all(seed, rounds=rounds, hosts=hosts)

    found = plan_programme(one, limited=limited, effort=0.05)

    assert faults(one, found.round, found.table) == []
    assert found.rounds >= found.rounds_bound
    assert found.score <= found.score_bound + 1e-6
    if not limited:
        assert (found.round >= 0).sum() == one.seatable.sum()
    else:
        assert found.round.max() < rounds


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 7), st.integers(0, 4))
def test_a_changed_plan_among_all_holds(seed, gone, lost):
    one = among_all(seed, rounds=8)
    before = plan_programme(one, effort=0.05)
    wanted = (one.left != gone) & (one.right != gone)

    after = replan(one, before.round, before.table, wanted=wanted, lost=np.arange(5) == lost, frozen_before=1)

    assert faults(one, after.round, after.table) == []
    assert not (after.table[after.round >= 1] == lost).any()
    past = before.round == 0
    assert np.array_equal(after.round[past], before.round[past])
    assert np.array_equal(after.table[past], before.table[past])
