"""A changed plan holds, leaves the past alone, and moves little: against the exact least number of moves."""

import random
import time
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from matchmaker.engine.files import BadFile
from matchmaker.engine.programme import programme
from matchmaker.engine.replan import replan as change
from matchmaker.engine.replan_file import replan
from matchmaker.engine.rounds import plan_rounds
from matchmaker.engine.seating import seat
from matchmaker.engine.session_file import plan
from tests.engine.plan_checker import faults
from tests.engine.sessions import random_events, random_session

seeds = st.integers(0, 10**6)


def changed(instance, answer, events, frozen_before=0):
    return replan({"instance": instance, "answer": answer, "frozen_before": frozen_before, "events": events})


def place(answer):
    return {one["meeting"]: (one["round"], one["table"]) for one in answer["assignments"]}


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_without_an_event_nothing_changes(seed):
    instance = random_session(random.Random(seed))
    answer = plan(instance)

    after = changed(instance, answer, [], frozen_before=2)

    assert (after["moved"], after["dropped"], after["added"]) == ([], [], [])
    assert place(after) == place(answer)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_cancellation_moves_nobody(seed):
    rng = random.Random(seed)
    instance = random_session(rng)
    answer = plan(instance)
    gone = rng.choice(instance["participants"])["id"]

    after = changed(instance, answer, [{"type": "no_show", "participant": gone}])

    with_them = {one["id"] for one in instance["meetings"] if gone in (one["left"], one["right"])}
    assert after["moved"] == []
    assert set(after["dropped"]) == with_them & set(place(answer))
    assert all(place(after)[name] == at for name, at in place(answer).items() if name not in with_them)


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_a_changed_plan_holds_and_leaves_past_and_locks_alone(seed):
    rng = random.Random(seed)
    instance = random_session(rng)
    answer = plan(instance)
    rounds = len(instance["session"]["rounds"])
    frozen, events = rng.randrange(rounds + 1), random_events(rng, instance, rounds)

    after = changed(instance, answer, events, frozen)

    before, now = place(answer), place(after)
    assert all(now[name] == at for name, at in before.items() if at[0] < frozen)
    assert all(at[0] >= frozen for name, at in now.items() if before.get(name) != at)
    assert after["kept"] == sum(before.get(name) == at for name, at in now.items())
    assert set(after["moved"]) == {name for name, at in now.items() if name in before and before[name] != at}
    assert set(after["dropped"]) == before.keys() - now.keys()
    assert set(after["added"]) == now.keys() - before.keys()
    assert faults_to_come(instance, after, events, frozen) == []


def faults_to_come(instance, answer, events, frozen):
    """The checker on the instance as the events leave it; what past rounds hold is nobody's fault any more."""
    people = [dict(one) for one in instance["participants"]]
    tables, meetings = list(instance["tables"]), list(instance["meetings"])
    for event in events:
        if event["type"] in ("late", "leave"):
            who = next(one for one in people if one["id"] == event["participant"])
            here = range(len(instance["session"]["rounds"])) if who.get("available_rounds") is None else who["available_rounds"]
            # The past stays as it was: only rounds to come are taken away.
            who["available_rounds"] = [r for r in here if r < frozen or (r >= event["round"] if event["type"] == "late" else r < event["round"])]
        elif event["type"] == "walk_in":
            people.append(event["participant"])
            meetings += event["meetings"]
        elif event["type"] == "table_added":
            tables.append(event["table"])
    lost = {event["table"] for event in events if event["type"] == "table_lost"}
    used_late = [f"{one['meeting']} at a lost table" for one in answer["assignments"] if one["round"] >= frozen and one["table"] in lost]
    for who in people:
        if who.get("fixed_table") in lost:
            who["fixed_table"] = None
    return used_late + faults({**instance, "participants": people, "tables": tables, "meetings": meetings}, answer)


def full_morning(seed, count=60, people=14, tables=10, spare=2):
    """A plan at the bound with some rounds to spare, as arrays."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(people * people, count, replace=False)
    left, right = cells // people, cells % people + people
    rounds = plan_rounds(left, right, tables=tables)
    accessible = np.ones(tables, dtype=np.bool_)
    table = seat(left, right, rounds, accessible, np.zeros(count, dtype=np.bool_))
    return left, right, rounds, table, accessible, int(rounds.max()) + 1 + spare


def fewest_moves(left, right, rounds, available, tables):
    """The exact least (dropped, moved), by a whole programme over (meeting, round)."""
    e, r = np.nonzero(available[left] & available[right])
    people, wide = available.shape
    rows = [np.zeros((len(left) + people * wide + wide, len(e)))]
    matrix = rows[0]
    at = np.arange(len(e))
    matrix[e, at] = 1
    matrix[len(left) + left[e] * wide + r, at] = 1
    matrix[len(left) + right[e] * wide + r, at] = 1
    matrix[len(left) + people * wide + r, at] = 1
    limits = np.concatenate((np.ones(len(left) + people * wide), np.full(wide, tables)))
    cost = np.where(rounds[e] == r, 0.0, 1.0) - 1000
    found = milp(cost, integrality=np.ones(len(e)), bounds=Bounds(0, 1), constraints=LinearConstraint(matrix, -np.inf, limits), options={"mip_rel_gap": 0.0})
    held = round(found.x.sum())
    return len(left) - held, round(found.fun + 1000 * held)


@pytest.mark.parametrize("seed", range(12))
def test_who_leaves_early_makes_few_others_move(seed):
    left, right, rounds, table, accessible, wide = full_morning(seed)
    available = np.ones((28, wide), dtype=np.bool_)
    available[seed % 28, wide // 2 :] = False
    one = programme(left, right, participants=28, rounds=wide, tables=accessible, available=available)

    found = change(one, rounds, table)

    dropped, moved = fewest_moves(left, right, rounds, available, len(accessible))
    assert found.dropped.sum() == dropped
    assert (found.round != rounds)[found.round >= 0].sum() <= moved + 1


def test_a_change_takes_less_than_a_twentieth_of_a_second_in_the_middle():
    taken = []
    for seed in range(15):
        left, right, rounds, table, accessible, wide = full_morning(seed, count=200, people=25, tables=22, spare=1)
        available = np.ones((50, wide), dtype=np.bool_)
        available[seed, : 2 + seed % 3] = False
        one = programme(left, right, participants=50, rounds=wide, tables=accessible, available=available)
        start = time.process_time()
        change(one, rounds, table)
        taken.append(time.process_time() - start)

    assert median(taken) < 0.05


def test_a_lost_table_sends_its_meetings_to_the_free_ones():
    left, right, rounds, table, accessible, wide = full_morning(3, count=30, tables=8)
    lost = np.arange(8) == table[0]
    one = programme(left, right, participants=28, rounds=wide, tables=accessible)

    found = change(one, rounds, table, lost=lost)

    assert not found.dropped.any()
    assert not np.isin(found.table, np.flatnonzero(lost)).any()


def test_after_the_end_a_walk_in_finds_no_place_and_nothing_moves():
    instance = random_session(random.Random(5), windows=False)
    answer = plan(instance)
    walk_in = {"type": "walk_in", "participant": {"id": "W", "side": "L"}, "meetings": [{"id": "new", "left": "W", "right": "R0"}]}

    after = changed(instance, answer, [walk_in], frozen_before=99)

    assert place(after) == place(answer)
    assert [one["reason"] for one in after["unscheduled"] if one["meeting"] == "new"] != []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"type": "storm"}, r"events\[0\].type: must be one of cancel"),
        ({"type": "cancel", "participant": "L99"}, r"events\[0\].participant: L99 is not declared"),
        ({"type": "cancel", "meeting": "M99"}, r"events\[0\].meeting: M99 is not declared"),
        ({"type": "late", "participant": "L0"}, r"events\[0\].round: missing"),
        ({"type": "leave", "participant": "L0", "round": 1, "colour": 2}, r"events\[0\].colour: unknown key"),
        ({"type": "table_lost", "table": "T99"}, r"events\[0\].table: T99 is not declared"),
        ({"type": "walk_in", "participant": {"id": "L0", "side": "L"}, "meetings": []}, "L0 is given twice"),
        ("storm", r"events\[0\]: must be one of"),
    ],
)
def test_an_event_that_cannot_be_is_refused_with_its_place(event, message):
    instance = random_session(random.Random(5), windows=False)

    with pytest.raises(BadFile, match=message):
        changed(instance, plan(instance), [event])


def test_an_answer_that_is_not_one_is_refused():
    instance = random_session(random.Random(5), windows=False)
    answer = plan(instance)
    twice = {**answer, "assignments": answer["assignments"] + answer["assignments"][:1]}

    with pytest.raises(BadFile, match="given twice"):
        changed(instance, twice, [])
    with pytest.raises(BadFile, match="is not declared"):
        changed(instance, {**answer, "assignments": [{"meeting": "M99", "round": 0, "table": "T0"}]}, [])
