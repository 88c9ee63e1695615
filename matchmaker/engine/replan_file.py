"""Changing a plan from files: a session/1 instance, its answer and what happened, and the new answer out."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from matchmaker.engine.files import BadFile, Fields, row
from matchmaker.engine.programme import NOWHERE, Ints
from matchmaker.engine.replan import replan as change
from matchmaker.engine.session_file import Session, assignments, claims, read_session, unscheduled

_KEYS = {
    "cancel": ("type", "participant", "meeting"),
    "no_show": ("type", "participant", "meeting"),
    "late": ("type", "participant", "round"),
    "leave": ("type", "participant", "round"),
    "walk_in": ("type", "participant", "meetings"),
    "table_lost": ("type", "table"),
    "table_added": ("type", "table"),
}


@dataclass
class _Happened:
    """What the events add up to, by names."""

    cancelled: set[str]
    newcomers: set[str]
    lost: set[str]


def replan(document: object) -> dict[str, object]:
    """Change the plan of `instance` given in `answer` after `events`; rounds whose id is below `frozen_before` are past."""
    fields = Fields(document, "", ("instance", "answer", "frozen_before", "events"))
    instance: Any = copy.deepcopy(fields.get("instance"))
    before = read_session(instance)
    frozen = fields.whole("frozen_before", 0, 1_000_000, default=0)
    rounds, tables = _read_answer(fields, before)
    if not before.limited:  # on the day, the rounds are those of the plan
        used = range(max(int(rounds.max(initial=-1)) + 1, before.programme.rounds))
        instance["session"] = {**instance.get("session", {}), "rounds": [{"id": r} for r in used]}

    happened = _Happened(set(), set(), set())
    ids = before.round_ids if before.limited else list(used)
    for k, item in enumerate(fields.items("events", [])):
        _happen(item, f"events[{k}]", instance, ids, happened)
    after = read_session(instance, hold_locks=False)
    old = np.arange(len(before.meetings))
    start, seats = (np.full(len(after.meetings), NOWHERE, dtype=np.int64) for _ in range(2))
    start[old], seats[old] = rounds, tables

    cancelled = np.isin(after.meetings, sorted(happened.cancelled))
    found = change(
        after.programme,
        start,
        seats,
        wanted=~cancelled,
        newcomers=np.isin(after.meetings, sorted(happened.newcomers)),
        lost=np.isin(after.tables, sorted(happened.lost)),
        frozen_before=sum(one < frozen for one in after.round_ids),
    )
    return {
        "assignments": assignments(after, found.round, found.table),
        "unscheduled": unscheduled(after, found.round, cancelled),
        "claimed": claims(after, found.round),
        "kept": int(found.kept.sum()),
        "moved": [after.meetings[m] for m in np.flatnonzero(found.moved)],
        "dropped": [after.meetings[m] for m in np.flatnonzero(found.dropped)],
        "added": [after.meetings[m] for m in np.flatnonzero(found.added)],
    }


def _read_answer(fields: Fields, session: Session) -> tuple[Ints, Ints]:
    """The round and table of each meeting in an answer, as `plan` and `replan` write it."""
    answer = Fields(fields.get("answer"), "answer", ("assignments", "unscheduled", "claimed", "kept", "moved", "dropped", "added"))
    meetings, tables = ({name: k for k, name in enumerate(names)} for names in (session.meetings, session.tables))
    rounds = {name: r for r, name in enumerate(session.round_ids)}
    round_of, table_of = (np.full(len(meetings), NOWHERE, dtype=np.int64) for _ in range(2))
    taken: set[tuple[int, int]] = set()
    for k, item in enumerate(answer.items("assignments")):
        one = Fields(item, f"answer.assignments[{k}]", ("meeting", "round", "table"))
        meeting, table = row(one.get("meeting"), one.at("meeting"), meetings), row(one.get("table"), one.at("table"), tables)
        name = one.whole("round", 0, 1_000_000)
        if session.limited and name not in rounds:
            raise BadFile(one.at("round"), f"{name} is not a round")
        place = (rounds.get(name, name), table)
        if round_of[meeting] >= 0:
            raise BadFile(one.at("meeting"), f"{session.meetings[meeting]} is given twice")
        if place in taken:
            raise BadFile(one.at("table"), f"{session.tables[table]} holds another meeting in round {name}")
        taken.add(place)
        round_of[meeting], table_of[meeting] = place
    return round_of, table_of


def _happen(item: object, where: str, instance: Any, rounds: list[int], happened: _Happened) -> None:
    """Bring one event into the instance."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind not in _KEYS:
        raise BadFile(f"{where}.type" if isinstance(item, dict) else where, "must be one of " + ", ".join(_KEYS))
    event = Fields(item, where, _KEYS[kind])
    people = {one["id"]: one for one in instance["participants"]}
    if kind in ("cancel", "no_show"):
        happened.cancelled |= _meetings_meant(event, instance, people)
    elif kind in ("late", "leave"):
        one = people[_known(event, "participant", people)]
        at = event.whole("round", 0, 1_000_000)
        here = rounds if one.get("available_rounds") is None else one["available_rounds"]
        one["available_rounds"] = [r for r in here if (r >= at if kind == "late" else r < at)]
    elif kind == "walk_in":
        instance["participants"] += [] if event.get("participant", None) is None else [event.get("participant")]
        new = event.items("meetings")
        instance["meetings"] += new
        happened.newcomers |= {one["id"] for one in new if isinstance(one, dict) and isinstance(one.get("id"), str)}
    elif kind == "table_lost":
        happened.lost.add(_known(event, "table", {one["id"]: one for one in instance["tables"]}))
    else:
        _add_table(event, instance, happened)


def _add_table(event: Fields, instance: Any, happened: _Happened) -> None:
    """A table by its id alone comes back, or is new and not accessible; else it is described as in the instance."""
    table = event.get("table")
    name = table if isinstance(table, str) else Fields(table, event.at("table"), ("id", "room", "accessible")).text("id")
    if name in happened.lost:
        happened.lost.remove(name)
    else:
        instance["tables"].append({"id": name} if isinstance(table, str) else table)


def _known(event: Fields, key: str, known: dict[str, Any]) -> str:
    name = event.text(key)
    if name not in known:
        raise BadFile(event.at(key), f"{name} is not declared")
    return name


def _meetings_meant(event: Fields, instance: Any, people: dict[str, Any]) -> set[str]:
    if event.get("meeting", None) is not None:
        return {_known(event, "meeting", {one["id"]: one for one in instance["meetings"]})}
    name = _known(event, "participant", people)
    return {one["id"] for one in instance["meetings"] if name in (one["left"], one["right"])}
