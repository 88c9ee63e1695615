"""Plans of session/1 files against a checker that shares nothing with the planner, and against trying everything."""

import copy
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.files import BadFile
from matchmaker.engine.session_file import plan
from tests.engine.plan_checker import all_plans, best_by_trying, faults
from tests.engine.sessions import random_session

seeds = st.integers(0, 10**6)


def score_of(instance, held):
    return sum(one["score"] for one, kept in zip(instance["meetings"], held, strict=True) if kept)


def small(seed, *, windows, limited=True, meetings=5):
    """Few meetings in few rounds, no fixed table: what `all_plans` can try out."""
    instance = random_session(random.Random(seed), meetings=meetings, people=3 if meetings <= 5 else 4, windows=windows, limited=limited)
    for who in instance["participants"]:
        who.pop("fixed_table", None)
    if limited:
        instance["session"]["rounds"] = [{"id": k} for k in range(min(3, len(instance["session"]["rounds"])))]
    for who in instance["participants"]:
        if limited and who.get("available_rounds") is not None:
            who["available_rounds"] = [number for number in who["available_rounds"] if number < len(instance["session"]["rounds"])]
    return instance


@settings(max_examples=120, deadline=None)
@given(seeds)
def test_a_plan_breaks_no_rule_whatever_is_asked_for(seed):
    instance = random_session(random.Random(seed))

    assert faults(instance, plan(instance)) == []


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_without_windows_and_limit_everything_is_held_at_the_bound(seed):
    instance = random_session(random.Random(seed), windows=False, limited=False)
    for who in instance["participants"]:
        who.update(max_meetings=None, fixed_table=None, needs_accessible=who["needs_accessible"] and who["side"] == "L")

    answer = plan(instance)

    assert faults(instance, answer) == []
    assert answer["unscheduled"] == []
    assert answer["claimed"]["rounds"] == answer["claimed"]["rounds_bound"]
    assert answer["claimed"]["optimal"]


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_limited_rounds_serve_the_most_people_then_reach_the_best_score_there_is(seed):
    instance = small(seed, windows=False)
    rounds = [one["id"] for one in instance["session"]["rounds"]]

    def value(held):
        served = {one[end] for one, kept in zip(instance["meetings"], held, strict=True) if kept for end in ("left", "right")}
        return len(served), round(score_of(instance, held), 6)

    answer = plan(instance)

    best = max(value([at is not None for at in one]) for one in all_plans(instance, rounds))
    mine = {one["meeting"] for one in answer["assignments"]}
    assert value([one["id"] in mine for one in instance["meetings"]]) == best
    assert answer["claimed"]["score_bound"] == pytest.approx(answer["claimed"]["score"], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_no_score_is_above_the_bound_that_a_plan_with_windows_claims(seed):
    instance = small(seed, windows=True)
    rounds = [one["id"] for one in instance["session"]["rounds"]]

    answer = plan(instance)

    best = max(score_of(instance, [at is not None for at in one]) for one in all_plans(instance, rounds))
    served_first = all(
        who.get("available_rounds") in (None, rounds) and (who.get("max_consecutive") or len(rounds)) >= len(rounds) for who in instance["participants"]
    )
    assert faults(instance, answer) == []
    assert answer["claimed"]["score"] <= best + 1e-6
    assert served_first or best <= answer["claimed"]["score_bound"] + 1e-5


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_two_ways_of_trying_everything_agree(seed):
    instance = small(seed, windows=True)
    rounds = [one["id"] for one in instance["session"]["rounds"]]

    best = max(score_of(instance, [at is not None for at in one]) for one in all_plans(instance, rounds))

    assert best_by_trying(instance, rounds)[2] == pytest.approx(best)


@settings(max_examples=40, deadline=None)
@given(seeds, st.booleans())
def test_up_to_ten_meetings_no_plan_is_better_and_no_score_above_the_bound(seed, windows):
    instance = small(seed, windows=windows, meetings=10)
    rounds = [one["id"] for one in instance["session"]["rounds"]]

    answer = plan(instance)

    served, score, best = best_by_trying(instance, rounds)
    ends = {one["id"]: (one["left"], one["right"]) for one in instance["meetings"]}
    mine = len({name for one in answer["assignments"] for name in ends[one["meeting"]]})
    assert faults(instance, answer) == []
    assert answer["claimed"]["score"] <= answer["claimed"]["score_bound"] + 1e-5
    assert (mine, round(answer["claimed"]["score"], 6)) <= (served, score + 1e-6)
    assert answer["claimed"]["score"] <= best + 1e-6
    if not windows:
        assert (mine, round(answer["claimed"]["score"], 6)) == (served, pytest.approx(score, abs=1e-6))


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_locked_meetings_stay_whatever_else_is_asked_for(seed):
    rng = random.Random(seed)
    instance = random_session(rng)
    by_name = {one["id"]: one for one in instance["meetings"]}
    for one in plan(instance)["assignments"]:
        if rng.random() < 0.4:
            by_name[one["meeting"]]["locked"] = {"round": one["round"], "table": one["table"] if rng.random() < 0.7 else None}

    answer = plan(instance)

    assert faults(instance, answer) == []
    held = {one["meeting"]: (one["round"], one["table"]) for one in answer["assignments"]}
    locks = {name: one["locked"] for name, one in by_name.items() if one.get("locked")}
    assert all(held[name][0] == lock["round"] and lock["table"] in (None, held[name][1]) for name, lock in locks.items())


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from(["table", "round"]))
def test_a_table_or_a_round_more_never_lowers_who_is_served_or_then_the_score(seed, more):
    instance = small(seed, windows=False)
    wider = copy.deepcopy(instance)
    if more == "table":
        wider["tables"].append({"id": "more", "accessible": True})
    else:
        wider["session"]["rounds"].append({"id": 99})

    def value(answer, document):
        ends = {one["id"]: (one["left"], one["right"]) for one in document["meetings"]}
        return len({name for one in answer["assignments"] for name in ends[one["meeting"]]}), answer["claimed"]["score"] + 1e-6

    assert value(plan(wider), wider) >= (value(plan(instance), instance)[0], plan(instance)["claimed"]["score"])


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_other_names_and_swapped_sides_keep_rounds_and_score(seed):
    instance = random_session(random.Random(seed), windows=False)
    other = copy.deepcopy(instance)
    other["participants"].reverse()
    for who in other["participants"]:
        who["side"] = "R" if who["side"] == "L" else "L"
        who["id"] = "x" + who["id"]
    for meeting in other["meetings"]:
        meeting["left"], meeting["right"] = "x" + meeting["right"], "x" + meeting["left"]

    one, two = plan(instance)["claimed"], plan(other)["claimed"]

    assert [one[key] for key in ("rounds", "rounds_bound")] == [two[key] for key in ("rounds", "rounds_bound")]
    assert one["score"] == pytest.approx(two["score"], abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_same_file_gives_the_same_plan(seed):
    instance = random_session(random.Random(seed))

    assert plan(instance) == plan(copy.deepcopy(instance))


def test_locked_meetings_that_contradict_each_other_are_refused():
    instance = random_session(random.Random(1), windows=False)
    meeting = {"left": "L0", "right": "R0", "score": 0.5, "locked": {"round": 0, "table": "T0"}}
    instance["meetings"] = [{"id": "M1", **meeting}, {"id": "M2", **meeting}]
    instance["tables"][0]["accessible"] = True

    with pytest.raises(BadFile, match="meetings: locked meeting 1 is"):
        plan(instance)


def test_reasons_say_why_a_meeting_is_not_held():
    instance = {
        "schema": "session/1",
        "session": {"rounds": [{"id": 0}, {"id": 1}]},
        "tables": [{"id": "T0"}, {"id": "T1"}, {"id": "T2"}],
        "participants": [
            {"id": "L0", "side": "L", "available_rounds": [0]},
            {"id": "L1", "side": "L", "max_meetings": 1},
            {"id": "L2", "side": "L", "fixed_table": "T0"},
            {"id": "R0", "side": "R", "available_rounds": [1]},
            {"id": "R1", "side": "R"},
            {"id": "R2", "side": "R", "fixed_table": "T1"},
        ],
        "meetings": [
            {"id": "apart", "left": "L0", "right": "R0"},
            {"id": "one", "left": "L1", "right": "R1", "score": 0.9},
            {"id": "two", "left": "L1", "right": "R0", "score": 0.1},
            {"id": "torn", "left": "L2", "right": "R2"},
        ],
    }

    answer = plan(instance)

    assert {one["meeting"]: one["reason"] for one in answer["unscheduled"]} == {"apart": "window", "torn": "tables", "two": "max_meetings"}
    assert np.isclose(answer["claimed"]["score"], 0.9)
