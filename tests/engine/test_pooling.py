"""Pools against an independent checker, and against every set of pools where there are few."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.files import BadFile
from matchmaker.engine.pool_file import pool, read_pools
from matchmaker.engine.pool_problem import Rules, check_rules
from matchmaker.engine.pooling import compose, nearest_miss, plan_of, pools_with, repairs
from matchmaker.engine.problem import BadProblem
from tests.engine.pool_checker import best_value, every_pool, faults

RULES = {
    "max_employers": 4,
    "min_needs": 2,
    "max_km": 25.0,
    "min_fte": 0.8,
    "max_fte": 1.0,
    "public_share_max": 0.75,
    "weights": {"per_extra_employer": 0.02, "per_km": 0.002},
}


def need(name: str, halfdays: int = 4, **others: object) -> dict:
    usual = {"id": name, "employer": f"E-{name}", "rome": "M1203", "rome_alt": [], "halfdays": halfdays, "months": [1] * 12, "allowed": list(range(10))}
    return usual | {"lat": 49.0, "lon": 0.5, "public": False, "priority": 1.0} | others


def document(*needs: dict, **rules: object) -> dict:
    return {"schema": "pools/1", "rules": RULES | rules, "needs": list(needs)}


@st.composite
def documents(draw: st.DrawFn, most: int = 8) -> dict:
    def one(place: int) -> dict:
        halfdays = draw(st.integers(1, 6))
        allowed = draw(st.sets(st.integers(0, 9), min_size=halfdays, max_size=10))
        return need(
            f"B{place}",
            halfdays,
            employer=f"E{draw(st.integers(0, most))}",
            rome=draw(st.sampled_from(["M1", "M2"])),
            rome_alt=draw(st.lists(st.sampled_from(["M1", "M2", "M3"]), max_size=2)),
            months=draw(st.sampled_from([[1] * 12, [1] * 6 + [0] * 6, [0] * 6 + [1] * 6, [1, 0] * 6])),
            allowed=sorted(allowed),
            lat=49.0 + draw(st.integers(0, 3)) / 10,
            public=draw(st.booleans()),
            priority=draw(st.sampled_from([0.5, 1.0, 2.0])),
            **draw(st.sampled_from([{}, {"reach_km": 5.0}, {"reach_km": 20.0}])),
            **draw(st.sampled_from([{}, {}, {"remote": True}])),
            **draw(st.sampled_from([{}, {"start": "2027-01-04"}, {"start": "2027-09-01"}])),
        )

    count = draw(st.integers(0, most))
    rules = {"min_fte": draw(st.sampled_from([0.3, 0.5, 0.8])), "max_employers": draw(st.integers(2, 4)), "max_km": draw(st.sampled_from([5.0, 25.0]))}
    return document(*(one(place) for place in range(count)), **rules)


@settings(max_examples=60, deadline=None)
@given(documents())
def test_the_answer_holds_and_is_the_best_of_all(given_document: dict) -> None:
    answer = pool(given_document)

    assert faults(given_document, answer) == []
    assert answer["claimed"]["value"] == pytest.approx(best_value(given_document), abs=1e-6)
    assert answer["claimed"]["bound"] == pytest.approx(answer["claimed"]["value"], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_the_needs_changes_nothing(given_document: dict, random: object) -> None:
    shuffled = copy.deepcopy(given_document)
    random.shuffle(shuffled["needs"])  # type: ignore[attr-defined]

    assert pool(shuffled)["claimed"]["value"] == pytest.approx(pool(given_document)["claimed"]["value"], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(documents(most=7), st.sampled_from(["km", "employers", "halfdays", "need"]))
def test_wider_rules_and_one_more_need_never_lower_the_best_value(given_document: dict, what: str) -> None:
    wider = copy.deepcopy(given_document)
    if what == "km":
        wider["rules"]["max_km"] *= 2
    elif what == "employers":
        wider["rules"]["max_employers"] += 1
    elif what == "need":
        wider["needs"].append(need("new", 3))
    else:
        for one in wider["needs"]:
            one["allowed"] = list(range(10))

    assert pool(wider)["claimed"]["value"] >= pool(given_document)["claimed"]["value"] - 1e-6


@settings(max_examples=40, deadline=None)
@given(documents(most=7))
def test_the_pools_of_one_need_are_all_those_that_hold_it(given_document: dict) -> None:
    read = read_pools(given_document)
    by_hand = every_pool(given_document)

    for row, name in enumerate(read.names):
        found = pools_with(read.fractions, read.rules, row, most=1000)
        listed = {tuple(read.names[member] for member in one.needs) for one in found}
        worth = {names for names in by_hand if name in names and names in listed}
        assert listed == worth
        assert [one.value for one in found] == sorted((one.value for one in found), reverse=True)


def test_the_same_seed_gives_the_same_answer() -> None:
    rng = np.random.default_rng(7)
    needs = [need(f"B{k}", int(rng.integers(1, 6)), lat=49 + float(rng.random()) / 3, lon=float(rng.random()) / 3) for k in range(60)]
    read = read_pools(document(*needs))

    first, second = (compose(read.fractions, read.rules, seed=3, budget_s=60) for _ in range(2))

    assert first == second
    assert first.is_optimal


def test_an_employer_keeps_its_half_days_from_month_to_month() -> None:
    summer = [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]
    read = read_pools(document(need("A", 5), need("B", 4), need("C", 1, months=summer)))
    (found,) = compose(read.fractions, read.rules).pools

    plan = plan_of(read.fractions, found)

    assert len({plan[month][0] for month in range(1, 13)}) == 1
    assert len({plan[month][1] for month in range(1, 13)}) == 1
    assert [month for month in plan if 2 in plan[month]] == [6, 7, 8]


def test_when_somebody_leaves_those_who_stay_come_first() -> None:
    read = read_pools(document(need("A", 4), need("B", 3), need("C", 3), need("D", 2, lat=49.1), need("E", 3, lat=49.2)))
    free = np.array([False, False, False, True, True])

    found = repairs(read.fractions, read.rules, (0, 1), free=free)

    assert {0, 1} <= set(found[0].needs)
    assert found[0].needs == (0, 1, 4)
    assert all(2 not in one.needs for one in found)


@pytest.mark.parametrize(
    ("change", "kind", "amount"),
    [
        ({"allowed": [0, 1, 2, 4, 5]}, "halfdays", 2.0),
        ({"allowed": [0, 4, 5, 6]}, "halfdays", 1.0),
        ({"lat": 49.4}, "km", 44.5),
        ({"lat": 49.1, "reach_km": 2.0}, "km", 11.1),
        ({"start": "2027-09-01"}, "start", 240.0),
        ({"halfdays": 1, "allowed": [9]}, "fte", 0.5),
        ({"rome": "A1203"}, "none", 0.0),
    ],
)
def test_a_need_that_is_in_no_pool_is_told_the_smallest_change(change: dict, kind: str, amount: float) -> None:
    other = need("B", 4, allowed=[0, 1, 2, 3], reach_km=5.0, start="2027-01-04")
    read = read_pools(document(need("A", 4) | change, other))

    miss = nearest_miss(read.fractions, read.rules, 0)

    assert (miss.kind, round(miss.amount, 1)) == (kind, amount)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"halfdays": 11}, "needs[0].halfdays: must be an integer from 1 to 10"),
        ({"allowed": []}, "needs[0].allowed: 0 half-days suit and 4 are wanted"),
        ({"months": [0] * 12}, "needs[0].months: no month is active"),
        ({"lat": None}, "needs[0].lat: must be a number above -90 and at most 90"),
        ({"reach_km": -1}, "needs[0].reach_km: must be a number above -1e-300 and at most 1e+06"),
        ({"remote": "yes"}, "needs[0].remote: must be true or false"),
        ({"start": "in spring"}, "needs[0].start: must be a day, as in 2027-03-01"),
        ({"colour": "red"}, "needs[0].colour: unknown key"),
        ({"priority": 0}, "needs[0].priority: must be a number above 0 and at most 1e+06"),
    ],
)
def test_a_need_that_cannot_be_is_refused_with_its_field(change: dict, message: str) -> None:
    with pytest.raises(BadFile) as refused:
        pool(document(need("A") | change))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(min_fte=1.0, max_fte=0.8), "min_fte: 1 is above max_fte, 0.8"),
        (Rules(min_needs=5), "min_needs: must be from 1 to max_employers, 4"),
        (Rules(max_fte=1.2), "max_fte: one person works one full time at most"),
        (Rules(max_km=float("nan")), "max_km: must be a number of 0 or more"),
        (Rules(max_employers=11), "max_employers: must be from 1 to 10"),
    ],
)
def test_rules_that_contradict_one_another_are_refused(rules: Rules, message: str) -> None:
    with pytest.raises(BadProblem) as refused:
        check_rules(rules)
    assert str(refused.value) == message


def test_what_is_done_at_a_distance_has_no_distance() -> None:
    answer = pool(document(need("A", 4), need("B", 5, lat=43.3, remote=True)))

    assert answer["pools"][0]["needs"] == ["A", "B"]
    assert answer["claimed"]["value"] == pytest.approx(0.9)


def test_without_any_pool_the_answer_tells_what_is_missing() -> None:
    answer = pool(document(need("A", 4, allowed=[0, 1, 2, 3]), need("B", 4, allowed=[0, 1, 2, 3, 4])))

    assert answer["pools"] == []
    assert answer["misses"]["B"] == {"kind": "halfdays", "amount": 3.0, "halfdays": [7, 8, 9], "needs": ["A", "B"]}


def test_a_need_whose_pools_are_worth_less_is_outbid() -> None:
    read = read_pools(document(need("A", 5), need("B", 5), need("C", 4)))

    miss = nearest_miss(read.fractions, read.rules, 2)

    assert miss.kind == "outbid"
    assert miss.pool is not None
    assert 2 in miss.pool.needs


def test_the_command_writes_the_pools_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    source, target = tmp_path / "needs.json", tmp_path / "pools.json"
    source.write_text(json.dumps(document(need("A", 5), need("B", 4))))

    done = subprocess.run([sys.executable, "-m", "matchmaker.engine", "pool", source, target], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(target.read_text())["pools"][0]["needs"] == ["A", "B"]
    source.write_text(json.dumps(document(need("A", 5), need("A", 4))))
    refused = subprocess.run([sys.executable, "-m", "matchmaker.engine", "pool", source, target], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr) == (1, "needs[1].id: A is given twice\n")
