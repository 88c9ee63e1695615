"""The file format of job datings: session/1 in, the plan out.

Rounds are those that the file gives, or as many as needed. Reasons of a meeting that is not held: `max_meetings` (one of
the two has all it may), `window` (the two are not there together, or not long enough), `tables` (none fits, or all are
taken), `round_limit` (the two have meetings in all rounds), and after a change `cancelled`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from matchmaker.engine.files import BadFile, Fields, index_of, number, row
from matchmaker.engine.idle import idle_rounds
from matchmaker.engine.planning import CLOSE, plan_programme, refuse_locks, rounds_needed, widened
from matchmaker.engine.problem import BadProblem
from matchmaker.engine.programme import NOWHERE, UNLIMITED, Ints, Mask, Programme, check, meetings_of

_PARTICIPANT = ("id", "side", "org", "delegates", "fixed_table", "needs_accessible", "available_rounds", "max_meetings", "max_consecutive")
_MEETING = ("id", "left", "right", "score", "priority", "locked")


@dataclass(frozen=True)
class Session:
    """A session/1 file: the names, and the programme whose rows they are. `limited`: there are no other rounds."""

    round_ids: list[int]
    limited: bool
    tables: list[str]
    participants: list[str]
    sides: list[str]
    meetings: list[str]
    programme: Programme

    def round_name(self, r: int) -> int:
        """The id of a round; rounds beyond those of the file are counted on."""
        return self.round_ids[r] if r < len(self.round_ids) else r


def plan(document: object) -> dict[str, object]:
    """Plan a session/1 document: the meetings with the greatest total score that fit, in few rounds, at tables."""
    session = read_session(document)
    found = plan_programme(session.programme, limited=session.limited)
    reason = f"degree of {session.participants[found.busiest]}" if found.busiest >= 0 else found.bound_reason
    return {
        "assignments": assignments(session, found.round, found.table),
        "unscheduled": unscheduled(session, found.round),
        "claimed": {
            "rounds": found.rounds,
            "rounds_bound": found.rounds_bound,
            "rounds_bound_reason": reason,
            "score": round(found.score, 6),
            "score_bound": round(found.score_bound, 6),
            "idle": found.idle,
            "optimal": found.optimal,
        },
    }


def claims(session: Session, rounds: Ints) -> dict[str, object]:
    """What is claimed of a plan that was not made at once: its bound is the score of all meetings."""
    held = rounds >= 0
    bound, reason, busiest = rounds_needed(session.programme, held)
    score, most = float(session.programme.score[held].sum()), float(session.programme.score.sum())
    used = len(np.unique(rounds[held]))
    return {
        "rounds": used,
        "rounds_bound": bound,
        "rounds_bound_reason": f"degree of {session.participants[busiest]}" if busiest >= 0 else reason,
        "score": round(score, 6),
        "score_bound": round(most, 6),
        "idle": idle_rounds(widened(session.programme, int(rounds.max(initial=-1)) + 1), rounds),
        "optimal": used == bound and most - score <= CLOSE,
    }


def assignments(session: Session, rounds: Ints, tables: Ints) -> list[dict[str, object]]:
    """Meetings that are held, by round and table."""
    held = np.flatnonzero(rounds >= 0)
    order = held[np.lexsort((tables[held], rounds[held]))].tolist()
    return [{"meeting": session.meetings[m], "round": session.round_name(int(rounds[m])), "table": session.tables[int(tables[m])]} for m in order]


def unscheduled(session: Session, rounds: Ints, cancelled: Mask | None = None) -> list[dict[str, object]]:
    """Meetings that are not held, each with the reason."""
    wide = widened(session.programme, int(rounds.max(initial=-1)) + 1)
    held = rounds >= 0
    full = meetings_of(wide, held) >= wide.most_meetings
    load = np.bincount(rounds[held & wide.floating], minlength=wide.rounds) >= int(wide.free_tables.sum())
    answer: list[dict[str, object]] = []
    for m in np.flatnonzero(~held).tolist():
        u, v = wide.left[m], wide.right[m]
        together = wide.available[u] & wide.available[v]
        if cancelled is not None and cancelled[m]:
            reason = "cancelled"
        elif not wide.seatable[m]:
            reason = "tables"
        elif not together.any():
            reason = "window"
        elif full[u] or full[v]:
            reason = "max_meetings"
        elif wide.floating[m] and load[together].all():
            reason = "tables"
        else:
            free = wide.available[u].all() and wide.available[v].all() and min(wide.most_consecutive[u], wide.most_consecutive[v]) >= wide.rounds
            reason = "round_limit" if free else "window"
        answer.append({"meeting": session.meetings[m], "reason": reason})
    return answer


def read_session(document: object, *, hold_locks: bool = True) -> Session:
    """Read a session/1 document. After a change, locked meetings may be impossible: `hold_locks` is False then.

    Raises
    ------
    BadFile
        Anything that does not follow the format, locked meetings that contradict each other, or meetings that no table can hold.
    """
    fields = Fields(document, "", ("schema", "session", "tables", "participants", "meetings"))
    if fields.text("schema") != "session/1":
        raise BadFile("schema", "must be session/1")
    round_ids, days, limited = _read_rounds(fields)
    table_rows = [Fields(item, f"tables[{k}]", ("id", "room", "accessible")) for k, item in enumerate(fields.items("tables"))]
    tables = [one.text("id") for one in table_rows]
    table_index = index_of(tables, "tables")
    people = [Fields(item, f"participants[{k}]", _PARTICIPANT) for k, item in enumerate(fields.items("participants"))]
    meetings = [Fields(item, f"meetings[{k}]", _MEETING) for k, item in enumerate(fields.items("meetings"))]
    names, meeting_names = [one.text("id") for one in people], [one.text("id") for one in meetings]
    index = index_of(names, "participants")
    index_of(meeting_names, "meetings")
    if round_ids is None:
        round_ids = list(range(_last_round_named(people, meetings) + 1))
    rounds = {name: r for r, name in enumerate(round_ids)}
    sides = [_side(one) for one in people]
    locks = [_lock(one, rounds, table_index) for one in meetings]
    programme = Programme(
        left=np.array([_end(one, "left", "L", index, sides) for one in meetings], dtype=np.int64),
        right=np.array([_end(one, "right", "R", index, sides) for one in meetings], dtype=np.int64),
        score=np.array([number(one.get("score", 1.0), one.at("score"), 0, 1) for one in meetings], dtype=np.float64),
        delegates=np.array([one.whole("delegates", 1, UNLIMITED, default=1) for one in people], dtype=np.int64),
        most_meetings=_limits(people, "max_meetings", 0),
        most_consecutive=_limits(people, "max_consecutive", 1),
        fixed_table=np.array([_fixed_table(one, table_index) for one in people], dtype=np.int64),
        needs_accessible=np.array([one.truth("needs_accessible", False) for one in people], dtype=np.bool_),
        available=np.array([_available(one, rounds) for one in people], dtype=np.bool_).reshape(len(people), len(round_ids)),
        days=np.array(days if days is not None else [0] * len(round_ids), dtype=np.int64),
        tables=np.array([one.truth("accessible", False) for one in table_rows], dtype=np.bool_),
        locked_round=np.array([lock[0] for lock in locks], dtype=np.int64),
        locked_table=np.array([lock[1] for lock in locks], dtype=np.int64),
        priority=np.array([one.whole("priority", -UNLIMITED, UNLIMITED, default=0) for one in meetings], dtype=np.int64),
    )
    _check(programme, tables, meeting_names, hold_locks)
    return Session(round_ids, limited, tables, names, sides, meeting_names, programme)


def _check(programme: Programme, tables: Sequence[str], meetings: Sequence[str], hold_locks: bool) -> None:
    if len(meetings) and not len(tables):
        raise BadFile("tables", "there are meetings and no table")
    if programme.asking.any() and not programme.tables.any():
        raise BadFile("tables", "no table is accessible and a participant needs one")
    try:
        check(programme)
    except BadProblem as error:
        raise BadFile("participants", str(error)) from error
    try:
        if hold_locks:
            refuse_locks(programme)
    except BadProblem as error:
        raise BadFile("meetings", str(error)) from error


def _read_rounds(fields: Fields) -> tuple[list[int] | None, list[int] | None, bool]:
    """Ids and days of the rounds, None when the file names none; and whether there are no others."""
    session = Fields(fields.get("session", {}), "session", ("slot_min", "changeover_min", "max_rounds", "rounds"))
    session.whole("slot_min", 1, 1440, default=12)
    session.whole("changeover_min", 0, 1440, default=3)
    most = session.whole_or_none("max_rounds", 0, 10_000)
    if session.get("rounds", None) is None:
        return (None, None, False) if most is None else (list(range(most)), None, True)
    ids, days, spans = [], [], []
    for k, item in enumerate(session.items("rounds")):
        one = Fields(item, f"session.rounds[{k}]", ("id", "start", "end", "day"))
        ids.append(one.whole("id", 0, UNLIMITED))
        if ids[-1] in ids[:-1]:
            raise BadFile(one.at("id"), f"{ids[-1]} is given twice")
        days.append(one.whole("day", 0, UNLIMITED, default=0))
        start, end = (_instant(one, key) for key in ("start", "end"))
        if start is not None and end is not None:
            if end <= start:
                raise BadFile(one.at("end"), "must be after the start")
            spans.append((start, end, ids[-1], one.at("start")))
    _refuse_overlaps(spans)
    return ids[:most], days[:most], True


def _instant(one: Fields, key: str) -> datetime | None:
    if key not in one.values:
        return None
    try:
        at = datetime.fromisoformat(one.text(key))
    except ValueError as error:
        raise BadFile(one.at(key), "must be an instant such as 2026-06-09T09:00:00+02:00") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _refuse_overlaps(spans: list[tuple[datetime, datetime, int, str]]) -> None:
    """Nobody is in two rounds at once: of two that share a minute, the plan of one would be a lie."""
    ordered = sorted(spans)
    for (_start, end, before, _where), (start, _end, _name, where) in pairwise(ordered):
        if start < end:
            raise BadFile(where, f"is before the end of round {before}")


def _last_round_named(people: Sequence[Fields], meetings: Sequence[Fields]) -> int:
    """Without a list of rounds, those that windows and locks name exist."""
    last = -1
    for one in people:
        if one.get("available_rounds", None) is not None:
            last = max([last, *(value for value in one.items("available_rounds") if isinstance(value, int) and 0 <= value < 10_000)])
    for one in meetings:
        lock = one.get("locked", None)
        if isinstance(lock, dict) and isinstance(lock.get("round"), int) and 0 <= lock["round"] < 10_000:
            last = max(last, lock["round"])
    return last


def _side(one: Fields) -> str:
    side = one.text("side")
    if side not in ("L", "R"):
        raise BadFile(one.at("side"), "must be L or R")
    return side


def _end(one: Fields, end: str, side: str, index: dict[str, int], sides: Sequence[str]) -> int:
    at = row(one.get(end), one.at(end), index)
    if sides[at] != side:
        raise BadFile(one.at(end), f"{one.get(end)} is not of side {side}")
    return at


def _limits(people: Sequence[Fields], key: str, least: int) -> Ints:
    given = [one.whole_or_none(key, least, UNLIMITED) for one in people]
    return np.array([UNLIMITED if one is None else one for one in given], dtype=np.int64)


def _fixed_table(one: Fields, index: dict[str, int]) -> int:
    return NOWHERE if one.get("fixed_table", None) is None else row(one.get("fixed_table"), one.at("fixed_table"), index)


def _available(one: Fields, rounds: dict[int, int]) -> list[bool]:
    """Rounds that `max_rounds` cuts off are not there for anybody; other unknown rounds are refused."""
    if one.get("available_rounds", None) is None:
        return [True] * len(rounds)
    here = [False] * len(rounds)
    for k, value in enumerate(one.items("available_rounds")):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BadFile(f"{one.at('available_rounds')}[{k}]", "must be the id of a round")
        if value in rounds:
            here[rounds[value]] = True
    return here


def _lock(one: Fields, rounds: dict[int, int], tables: dict[str, int]) -> tuple[int, int]:
    if one.get("locked", None) is None:
        return NOWHERE, NOWHERE
    lock = Fields(one.get("locked"), one.at("locked"), ("round", "table"))
    at = lock.whole("round", 0, UNLIMITED)
    if at not in rounds:
        raise BadFile(lock.at("round"), f"{at} is not a round")
    return rounds[at], NOWHERE if lock.get("table", None) is None else row(lock.get("table"), lock.at("table"), tables)
