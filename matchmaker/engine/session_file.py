"""The file format of job datings: session/1 in, the plan out.

This version plans meetings without windows: it refuses `available_rounds`, `max_consecutive`, `fixed_table` and `locked`
when they ask for something, rather than plan as if they were not there. `priority` is read for replanning.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from matchmaker.engine.files import BadFile, Fields, index_of, number, row
from matchmaker.engine.rounds import plan_rounds, rounds_bound, split_delegates
from matchmaker.engine.seating import seat

_LATER = ("available_rounds", "max_consecutive", "fixed_table")
_MOST = 1_000_000


@dataclass(frozen=True)
class Session:
    """A session/1 file as arrays. Participants are rows of one table, of both sides."""

    round_ids: list[int] | None
    most_rounds: int | None
    tables: list[str]
    accessible_tables: NDArray[np.bool_]
    participants: list[str]
    delegates: NDArray[np.int64]
    most_meetings: NDArray[np.int64]
    meetings: list[str]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    needs_accessible: NDArray[np.bool_]
    score: NDArray[np.float64]


def plan(document: object) -> dict[str, object]:
    """Plan a session/1 document: the meetings with the greatest total score that fit, in the fewest rounds, at tables."""
    session = read_session(document)
    kept, score_bound = _choose_meetings(session)
    left, right, asking = session.left[kept], session.right[kept], session.needs_accessible[kept]
    seats = int(session.accessible_tables.sum())
    # Each delegate meets one partner a round: for the rounds it is a participant of its own.
    lefts, rights = split_delegates(left, session.delegates), split_delegates(right, session.delegates)
    rounds = plan_rounds(lefts, rights, tables=len(session.tables), accessible=asking, accessible_tables=seats)
    bound, reason = rounds_bound(lefts, rights, len(session.tables), accessible=asking, accessible_tables=seats)
    if reason.startswith("degree"):
        busiest = int((lefts if "left" in reason else rights).tolist().index(int(reason.split()[-1])))
        reason = "degree of " + session.participants[int((left if "left" in reason else right)[busiest])]
    used = int(rounds.max(initial=-1)) + 1
    if session.most_rounds is not None and used > session.most_rounds:
        raise BadFile("session.max_rounds", f"accessible tables are too few on both sides: {used} rounds are needed")
    tables = seat(left, right, rounds, session.accessible_tables, asking)

    names = session.round_ids if session.round_ids is not None else list(range(used))
    placed = sorted(zip(rounds.tolist(), tables.tolist(), kept.tolist(), strict=True))
    score = float(session.score[kept].sum())
    return {
        "assignments": [{"meeting": session.meetings[m], "round": names[r], "table": session.tables[t]} for r, t, m in placed],
        "unscheduled": _unscheduled(session, kept),
        "claimed": {
            "rounds": used,
            "rounds_bound": bound,
            "rounds_bound_reason": reason,
            "score": round(score, 6),
            "score_bound": round(max(score, score_bound), 6),
            "idle": _idle(left, rounds) + _idle(right, rounds),
            "optimal": used == bound and score_bound - score <= 1e-6,
        },
    }


def read_session(document: object) -> Session:
    """Read a session/1 document."""
    fields = Fields(document, "", ("schema", "session", "tables", "participants", "meetings"))
    if fields.get("schema") != "session/1":
        raise BadFile("schema", "must be session/1")
    round_ids, most_rounds = _read_rounds(fields)

    table_rows = [Fields(item, f"tables[{k}]", ("id", "room", "accessible")) for k, item in enumerate(fields.items("tables"))]
    tables = [one.text("id") for one in table_rows]
    index_of(tables, "tables")
    accessible = np.array([one.truth("accessible", False) for one in table_rows], dtype=np.bool_)

    known = ("id", "side", "org", "delegates", "fixed_table", "needs_accessible", "available_rounds", "max_meetings", "max_consecutive")
    people = [Fields(item, f"participants[{k}]", known) for k, item in enumerate(fields.items("participants"))]
    names = [one.text("id") for one in people]
    index = index_of(names, "participants")
    sides = [one.text("side") for one in people]
    for one, side in zip(people, sides, strict=True):
        if side not in ("L", "R"):
            raise BadFile(one.at("side"), "must be L or R")
        _refuse_later(one, _LATER)
    asking = np.array([one.truth("needs_accessible", False) for one in people], dtype=np.bool_)
    most = [one.whole_or_none("max_meetings", 0, _MOST) for one in people]

    keys = ("id", "left", "right", "score", "priority", "locked")
    meetings = [Fields(item, f"meetings[{k}]", keys) for k, item in enumerate(fields.items("meetings"))]
    meeting_names = [one.text("id") for one in meetings]
    index_of(meeting_names, "meetings")
    ends: dict[str, list[int]] = {"left": [], "right": []}
    for one, (end, side) in itertools.product(meetings, (("left", "L"), ("right", "R"))):
        at = row(one.get(end), one.at(end), index)
        if sides[at] != side:
            raise BadFile(one.at(end), f"{names[at]} is not of side {side}")
        ends[end].append(at)
    for one in meetings:
        _refuse_later(one, ("locked",))
        one.whole("priority", -_MOST, _MOST, default=0)
    left, right = (np.array(ends[end], dtype=np.int64) for end in ("left", "right"))
    needs_accessible = asking[left] | asking[right]
    if meetings and not tables:
        raise BadFile("tables", "there are meetings and no table")
    if needs_accessible.any() and not accessible.any():
        raise BadFile("tables", "no table is accessible and a participant needs one")
    return Session(
        round_ids=round_ids,
        most_rounds=most_rounds,
        tables=tables,
        accessible_tables=accessible,
        participants=names,
        delegates=np.array([one.whole("delegates", 1, _MOST, default=1) for one in people], dtype=np.int64),
        most_meetings=np.array([_MOST if one is None else one for one in most], dtype=np.int64),
        meetings=meeting_names,
        left=left,
        right=right,
        needs_accessible=needs_accessible,
        score=np.array([number(one.get("score", 1.0), one.at("score"), 0, 1) for one in meetings], dtype=np.float64),
    )


def _read_rounds(fields: Fields) -> tuple[list[int] | None, int | None]:
    session = Fields(fields.get("session", {}), "session", ("slot_min", "changeover_min", "max_rounds", "rounds"))
    session.whole("slot_min", 1, 1440, default=12)
    session.whole("changeover_min", 0, 1440, default=3)
    most = session.whole_or_none("max_rounds", 0, _MOST)
    if session.get("rounds", None) is None:
        return None, most
    ids: list[int] = []
    for k, item in enumerate(session.items("rounds")):
        one = Fields(item, f"session.rounds[{k}]", ("id", "start", "end", "day"))
        ids.append(one.whole("id", 0, _MOST))
        if ids[-1] in ids[:-1]:
            raise BadFile(one.at("id"), f"{ids[-1]} is given twice")
        one.whole("day", 0, _MOST, default=0)
        for key in ("start", "end"):
            _check_instant(one, key)
    return ids, min(len(ids), most if most is not None else len(ids))


def _check_instant(one: Fields, key: str) -> None:
    if key not in one.values:
        return
    try:
        datetime.fromisoformat(one.text(key))
    except ValueError as error:
        raise BadFile(one.at(key), "must be an instant such as 2026-06-09T09:00:00+02:00") from error


def _refuse_later(one: Fields, keys: Sequence[str]) -> None:
    for key in keys:
        if one.get(key, None) is not None:
            raise BadFile(one.at(key), "is not planned by this version")


def _choose_meetings(session: Session) -> tuple[NDArray[np.intp], float]:
    """Rows of the meetings to hold and the greatest total score that any plan can reach.

    With every limit on one side's participants, on the other's and on the whole, the polytope has integral corners: the
    programme is solved at its first relaxation. Accessible tables asked for by both sides are the one exception.
    """
    everything = np.arange(len(session.meetings))
    limits = session.most_meetings
    total = accessible = _MOST
    if session.most_rounds is not None:
        limits = np.minimum(limits, session.most_rounds * session.delegates)
        total = session.most_rounds * len(session.tables)
        accessible = session.most_rounds * int(session.accessible_tables.sum())
    count = len(everything)
    load = np.bincount(session.left, minlength=len(limits)) + np.bincount(session.right, minlength=len(limits))
    if np.all(load <= limits) and count <= total and session.needs_accessible.sum() <= accessible:
        return everything, float(session.score.sum())

    ends = csr_array(
        (np.ones(2 * count), (np.concatenate((session.left, session.right)), np.concatenate((everything, everything)))), shape=(len(limits), count)
    )
    rows = vstack([ends, csr_array(np.ones((1, count))), csr_array(session.needs_accessible[None, :].astype(np.float64))])
    most = np.concatenate((limits, [total, accessible])).astype(np.float64)
    found = milp(
        -session.score,
        integrality=np.ones(count, dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, -np.inf, most),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise BadFile("meetings", f"no choice of meetings was found: {found.message}")
    return np.flatnonzero(found.x > 0.5), -float(found.mip_dual_bound)


def _unscheduled(session: Session, kept: NDArray[np.intp]) -> list[dict[str, object]]:
    held = np.bincount(session.left[kept], minlength=len(session.participants)) + np.bincount(session.right[kept], minlength=len(session.participants))
    full = held >= session.most_meetings
    no_seat = session.most_rounds is not None and len(kept) >= session.most_rounds * len(session.tables)
    dropped = np.setdiff1d(np.arange(len(session.meetings)), kept)
    answer: list[dict[str, object]] = []
    for m in dropped.tolist():
        own = full[session.left[m]] or full[session.right[m]]
        answer.append({"meeting": session.meetings[m], "reason": "max_meetings" if own else "tables" if no_seat else "round_limit"})
    return answer


def _idle(people: NDArray[np.int64], rounds: NDArray[np.int64]) -> int:
    """Rounds without a meeting between the first and the last meeting of each participant, added up."""
    idle = 0
    for one in np.unique(people).tolist():
        busy = np.unique(rounds[people == one])
        idle += int(busy[-1] - busy[0]) + 1 - len(busy)
    return idle
