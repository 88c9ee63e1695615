"""The engine on files, run as a program."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MATCHING = {
    "schema": "matching/1",
    "objective": "score",
    "needs": [{"id": "N1", "capacity": 2}, {"id": "N2", "capacity": 1}, {"id": "N3"}, {"id": "N4", "capacity": 1}],
    "offers": [{"id": "O1", "capacity": 1}, {"id": "O2", "capacity": 1}, {"id": "O4", "capacity": 1}],
    "pairs": [["N1", "O1", 0.8312], ["N2", "O4", 0.9], ["N4", "O1", 0.5], ["N4", "O2", 0.000_000_01], ["N1", "O2", 0.6]],
    "locked": [["N1", "O2"]],
    "refused": [["N2", "O4"]],
}
SESSION = {
    "schema": "session/1",
    "session": {"slot_min": 12, "changeover_min": 3, "max_rounds": None, "rounds": None},
    "tables": [{"id": "T0", "room": "A", "accessible": False}, {"id": "T1", "accessible": True}],
    "participants": [
        {"id": "L1", "side": "L", "org": "A", "delegates": 2, "fixed_table": None, "available_rounds": None},
        {"id": "L2", "side": "L", "needs_accessible": True},
        {"id": "R1", "side": "R"},
        {"id": "R2", "side": "R", "max_meetings": None},
    ],
    "meetings": [
        {"id": "M1", "left": "L1", "right": "R1", "score": 0.7, "priority": 2, "locked": None},
        {"id": "M2", "left": "L1", "right": "R2", "score": 0.5},
        {"id": "M3", "left": "L2", "right": "R1", "score": 0.9},
        {"id": "M4", "left": "L2", "right": "R2", "score": 0.4},
    ],
}


@pytest.fixture
def engine(tmp_path):
    """Run a command on a document; return status, standard error and the answer (None when nothing was written)."""

    def run(command, document):
        source, target = tmp_path / "in.json", tmp_path / "out.json"
        target.unlink(missing_ok=True)
        source.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "matchmaker.engine", command, str(source), str(target)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stderr, json.loads(target.read_text(encoding="utf-8")) if target.exists() else None

    return run


def _changed(document, path, value):
    changed = copy.deepcopy(document)
    *way, last = path
    place = changed
    for step in way:
        place = place[step]
    place[last] = value
    return changed


def test_match_answers_with_its_proof(engine):
    status, error, answer = engine("match", MATCHING)

    assert (status, error) == (0, "")
    assert answer["pairs"] == [["N1", "O1"], ["N1", "O2"]]
    assert (answer["value"], answer["bound"], answer["gap"], answer["served"]) == (1_431_200, 1_431_200, 0, 1)
    assert [(one["need"], one["reason"]) for one in answer["unserved"]] == [("N2", "all_refused"), ("N3", "no_candidate"), ("N4", "outbid")]
    assert answer["unserved"][2]["best_alternatives"][0][0] == "O2"
    assert set(answer["prices"]["needs"]) == {"N1", "N2", "N3", "N4"}


@pytest.mark.parametrize("objective", ["score", "served_first", "generous", "stable"])
def test_verify_accepts_the_answers_of_match(engine, objective):
    instance = _changed(MATCHING, ["objective"], objective)
    _, _, answer = engine("match", instance)

    status, _, proof = engine("verify", {"instance": instance, "answer": answer})

    assert status == 0
    assert proof["feasible"]
    assert proof["false_claims"] == []
    assert proof["proven"] == (objective != "generous")
    assert proof["gap"] == answer["gap"]


def test_verify_accepts_neither_another_pair_nor_a_false_claim(engine):
    _, _, answer = engine("match", MATCHING)

    _, _, proof = engine("verify", {"instance": MATCHING, "answer": {**answer, "pairs": [["N1", "O2"], ["N4", "O1"]], "value": 1_100_000}})
    assert proof["feasible"]
    assert not proof["proven"]
    assert proof["gap"] > 0

    _, _, proof = engine("verify", {"instance": MATCHING, "answer": {**answer, "served": 2}})
    assert proof["false_claims"] == ["served"]
    assert not proof["proven"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema"], "matching/2", "schema: must be matching/1"),
        (["objective"], "best", "objective: must be one of"),
        (["colour"], "red", "colour: unknown key"),
        (["needs", 0, "size"], 1, "needs[0].size: unknown key"),
        (["needs", 0, "capacity"], -1, "needs[0].capacity: must be an integer"),
        (["needs", 0, "capacity"], True, "needs[0].capacity: must be an integer"),
        (["needs", 1, "id"], "N1", "needs[1].id: N1 is given twice"),
        (["needs", 1, "id"], 7, "needs[1].id: must be a non-empty string"),
        (["pairs", 0, 2], 0, "pairs[0]: must be a number above 0"),
        (["pairs", 0, 2], 1.01, "pairs[0]: must be a number above 0"),
        (["pairs", 0, 2], float("nan"), "NaN: is not a number"),
        (["pairs", 0, 1], "O9", "pairs[0]: O9 is not declared"),
        (["pairs", 1], ["N1", "O1", 0.5], "pairs[1]: N1 with O1 is given twice"),
        (["pairs", 1], ["N1", "O1"], "pairs[1]: must be a list of 3"),
        (["locked"], [["N2", "O1"]], "locked[0]: a locked pair must be one of the pairs"),
        (["locked"], [["N2", "O4"]], "locked[0]: the pair is both locked and refused"),
        (["locked"], [["N1", "O1"], ["N4", "O1"]], "locked: more locked pairs than the capacity of offers O1"),
        (["offers"], {}, "offers: must be a list"),
    ],
)
def test_match_refuses_in_one_line_that_names_the_field(engine, path, value, message):
    status, error, answer = engine("match", _changed(MATCHING, path, value))

    assert status == 1
    assert error.count("\n") == 1
    assert error.startswith(message)
    assert answer is None


def test_what_is_not_json_is_refused(engine):
    for text, message in (("{", "not JSON at line 1"), ("[]", "file: must be an object"), ('{"schema": 1, "schema": 2}', "schema: key given twice")):
        status, error, _ = engine("match", text)
        assert status == 1
        assert message in error


def test_wrong_usage_exits_with_two(engine):
    assert engine("guess", MATCHING)[0] == 2
    done = subprocess.run([sys.executable, "-m", "matchmaker.engine"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "match|verify|plan|replan" in done.stderr


def test_plan_holds_every_meeting_in_the_fewest_rounds(engine):
    status, error, answer = engine("plan", SESSION)

    assert (status, error) == (0, "")
    assert sorted(one["meeting"] for one in answer["assignments"]) == ["M1", "M2", "M3", "M4"]
    assert {one["table"] for one in answer["assignments"] if one["meeting"] in ("M3", "M4")} == {"T1"}
    claimed = answer["claimed"]
    assert (claimed["rounds"], claimed["rounds_bound"], claimed["optimal"], claimed["idle"]) == (2, 2, True, 0)
    assert claimed["score"] == claimed["score_bound"] == 2.5


def test_plan_with_fewer_rounds_keeps_the_best_meetings(engine):
    rounds = [{"id": 5, "start": "2026-06-09T09:00:00+02:00", "end": "2026-06-09T09:12:00+02:00", "day": 0}]

    _, _, answer = engine("plan", _changed(SESSION, ["session", "rounds"], rounds))

    assert sorted((one["meeting"], one["round"]) for one in answer["assignments"]) == [("M2", 5), ("M3", 5)]
    assert [(one["meeting"], one["reason"]) for one in answer["unscheduled"]] == [("M1", "tables"), ("M4", "tables")]
    assert answer["claimed"]["score"] == answer["claimed"]["score_bound"] == 1.4


def test_plan_respects_the_most_meetings_of_a_participant(engine):
    _, _, answer = engine("plan", _changed(SESSION, ["participants", 2, "max_meetings"], 1))

    assert [(one["meeting"], one["reason"]) for one in answer["unscheduled"]] == [("M1", "max_meetings")]


def test_replan_brings_a_walk_in_to_a_free_table_and_moves_nobody(engine):
    answer = engine("plan", SESSION)[2]
    walk_in = {"type": "walk_in", "participant": {"id": "L3", "side": "L"}, "meetings": [{"id": "M5", "left": "L3", "right": "R1"}]}
    cancelled = {"type": "cancel", "meeting": "M1"}

    status, error, after = engine("replan", {"instance": SESSION, "answer": answer, "frozen_before": 0, "events": [cancelled, walk_in]})

    assert (status, error) == (0, "")
    assert (after["kept"], after["moved"], after["dropped"], after["added"]) == (3, [], ["M1"], ["M5"])
    assert after["unscheduled"] == [{"meeting": "M1", "reason": "cancelled"}]


def test_plan_of_nothing_is_empty(engine):
    _, _, answer = engine("plan", _changed(SESSION, ["meetings"], []))

    assert answer["assignments"] == []
    assert answer["claimed"]["rounds"] == 0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["participants", 0, "available_rounds"], ["one"], "participants[0].available_rounds[0]: must be the id of a round"),
        (["participants", 0, "fixed_table"], "T9", "participants[0].fixed_table: T9 is not declared"),
        (["participants", 0, "max_consecutive"], 0, "participants[0].max_consecutive: must be an integer from 1"),
        (["meetings", 0, "locked"], {"round": 1, "table": "T9"}, "meetings[0].locked.table: T9 is not declared"),
        (["meetings", 2, "locked"], {"round": 1, "table": "T0"}, "meetings: locked meeting 2 is at a table that is not accessible"),
        (["participants", 0, "side"], "M", "participants[0].side: must be L or R"),
        (["meetings", 0, "left"], "R1", "meetings[0].left: R1 is not of side L"),
        (["tables"], [], "tables: there are meetings and no table"),
        (["tables", 1, "accessible"], False, "tables: no table is accessible"),
        (["session", "rounds"], [{"id": 0, "start": "tomorrow"}], "session.rounds[0].start: must be an instant"),
        (
            ["session", "rounds"],
            [{"id": 0, "start": "2026-06-09T09:12:00+02:00", "end": "2026-06-09T09:12:00+02:00"}],
            "session.rounds[0].end: must be after the start",
        ),
        (
            ["session", "rounds"],
            [
                {"id": 4, "start": "2026-06-09T09:10:00+02:00", "end": "2026-06-09T09:22:00+02:00"},
                {"id": 0, "start": "2026-06-09T07:00:00Z", "end": "2026-06-09T07:12:00Z"},
            ],
            "session.rounds[0].start: is before the end of round 0",
        ),
    ],
)
def test_plan_refuses_in_one_line_that_names_the_field(engine, path, value, message):
    status, error, answer = engine("plan", _changed(SESSION, path, value))

    assert (status, answer) == (1, None)
    assert error.startswith(message)
