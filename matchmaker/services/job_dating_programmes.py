"""What the engine is asked to plan of a job dating: its rows as arrays, and who must not meet."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.engine.planning import refuse_locks
from matchmaker.engine.problem import BadProblem
from matchmaker.engine.programme import NOWHERE, UNLIMITED, Programme, programme
from matchmaker.extensions import db
from matchmaker.models import JobDating, Meeting, Participant, Side, Table, Wish, WishKind
from matchmaker.services import feedback_memory, refusal_bounds

WISHED = 1.0
"""What a meeting that one of the two asked for is worth beside its score, which is 1 at most."""

AFTER_NO_SHOW = 0.5
"""What a meeting is worth beside that of a structure that sat alone at a table the last time, because the other one did not come."""

Pair = frozenset[UUID]


class Barred(StrEnum):
    """Why a meeting that was chosen is not planned at all."""

    NOT_NOW = "not_now"
    NEVER_AGAIN = "never_again"
    MET_BEFORE = "met_before"
    NOT_EXPECTED = "not_expected"


@dataclass(frozen=True)
class More:
    """More of what may be short than there is."""

    rounds: int = 0
    tables: int = 0
    accessible_tables: int = 0


NO_MORE = More()


@dataclass(frozen=True)
class Planned:
    """A programme with the rows that its numbers are.

    Attributes
    ----------
    meetings, participants, tables : the rows, in the order of the programme.
    barred : the meetings that were chosen and are no part of it, with the reason.
    limited : whether there are no more rounds than those of the programme.
    """

    programme: Programme
    meetings: list[Meeting]
    participants: list[Participant]
    tables: list[Table]
    barred: dict[UUID, Barred]
    limited: bool


def ends(meeting: Meeting) -> tuple[UUID, UUID]:
    """The organisations of the need and of the offer."""
    return meeting.organisation_of(Side.NEED).id, meeting.organisation_of(Side.OFFER).id


def is_limited(job_dating: JobDating) -> bool:
    """Whether the plan keeps to the rounds before the end, and leaves out what finds no place there."""
    return (
        job_dating.only_what_fits
        or job_dating.max_consecutive is not None
        or any(participant.arrives_at or participant.leaves_at for participant in job_dating.expected)
    )


def programme_of(
    job_dating: JobDating, *, more: More = NO_MORE, hold_all: bool = False, barred: dict[UUID, Barred] | None = None, tables: list[Table] | None = None
) -> Planned:
    """The programme of a job dating, as it is or with more of what may be short. Locks that contradict something else are left out.

    ``hold_all``: all that is planned stays where it is, as if it were locked. ``barred``: who asks again need not look again.
    ``tables``: others than those that serve.
    """
    participants = sorted(job_dating.expected, key=lambda participant: participant.organisation_id)
    barred = barred_meetings(job_dating) if barred is None else barred
    meetings = sorted((one for one in job_dating.meetings if one.id not in barred), key=lambda one: (one.match.need_id.int ^ one.match.offer_id.int, one.id))
    tables = job_dating.tables if tables is None else tables
    rows = {participant.organisation_id: row for row, participant in enumerate(participants)}
    pairs = np.array([[rows[organisation] for organisation in ends(meeting)] for meeting in meetings], dtype=np.int64).reshape(-1, 2)
    accessible = [table.is_accessible for table in tables] + [True] * more.accessible_tables + [False] * more.tables
    count = job_dating.rounds_that_fit + more.rounds
    most = job_dating.meetings_each or UNLIMITED
    asked_for = wished_pairs(participants, WishKind.MEET)
    first = feedback_memory.priority_after_no_show(rows.keys()) if is_limited(job_dating) or job_dating.meetings_each else {}
    made = programme(
        pairs[:, 0],
        pairs[:, 1],
        participants=len(participants),
        rounds=count,
        tables=np.array(accessible, dtype=np.bool_),
        score=np.array([worth(one, asked_for, first) for one in meetings], dtype=np.float64),
        delegates=integers(participant.delegates for participant in participants),
        most_meetings=integers(min(participant.max_meetings or UNLIMITED, most) for participant in participants),
        most_consecutive=integers(job_dating.max_consecutive or UNLIMITED for _ in participants),
        fixed_table=fixed_tables(participants, tables),
        needs_accessible=np.array([participant.needs_accessible for participant in participants], dtype=np.bool_),
        available=np.array([[is_there(participant, number) for number in range(count)] for participant in participants], dtype=np.bool_).reshape(-1, count),
    )
    return Planned(locked(made, meetings, tables, hold_all=hold_all), meetings, participants, tables, barred, is_limited(job_dating))


def worth(meeting: Meeting, asked_for: Collection[Pair], first: Collection[UUID]) -> float:
    """What a meeting is worth where not all find a place: its score, and more for a wish, and for who sat alone the last time."""
    pair = frozenset(ends(meeting))
    return meeting.match.score / 1_000_000 + WISHED * (pair in asked_for) + AFTER_NO_SHOW * (not pair.isdisjoint(first))


def integers(values: Iterable[int]) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)


def fixed_tables(participants: list[Participant], tables: list[Table]) -> np.ndarray:
    """The row of each participant's own table, -1 for who moves. Where the same table stands twice, the first keeps it."""
    rows = {table.id: row for row, table in enumerate(tables)}
    taken: set[UUID] = set()
    found = []
    for participant in participants:
        own = participant.fixed_table_id
        found.append(rows[own] if own in rows and own not in taken else NOWHERE)
        if own is not None:
            taken.add(own)
    return integers(found)


def is_there(participant: Participant, number: int) -> bool:
    """Whether it is in the room for the whole of round ``number``."""
    begins = participant.job_dating.round_starts_at(number)
    late = participant.arrives_at is not None and participant.arrives_at > begins
    return not late and (participant.leaves_at is None or participant.leaves_at >= participant.job_dating.round_ends_at(number))


def locked(made: Programme, meetings: list[Meeting], tables: list[Table], *, hold_all: bool) -> Programme:
    """The programme with the locks that can hold together; the first of two that contradict each other holds."""
    rows = {table.id: row for row, table in enumerate(tables)}
    wanted = [
        (row, meeting.round, rows[meeting.table_id])
        for row, meeting in enumerate(meetings)
        if (hold_all or meeting.is_locked) and meeting.round is not None and meeting.round < made.rounds and meeting.table_id in rows
    ]
    wanted.sort(key=lambda lock: not meetings[lock[0]].is_locked)
    if (whole := held(made, wanted)) is not None:
        return whole
    for lock in wanted:
        made = held(made, [lock]) or made
    return made


def held(made: Programme, locks: list[tuple[int, int, int]]) -> Programme | None:
    """The programme with these meetings locked beside those that are; None when they cannot all be."""
    rounds, places = made.locked_round.copy(), made.locked_table.copy()
    for row, number, place in locks:
        rounds[row], places[row] = number, place
    found = replace(made, locked_round=rounds, locked_table=places)
    try:
        refuse_locks(found)
    except BadProblem:
        return None
    return found


def barred_meetings(job_dating: JobDating) -> dict[UUID, Barred]:
    """Meeting id → why it is not to be: one of the two does not come, does not want it this time or ever, or the two met before and nobody asks for more."""
    never = never_again(job_dating)
    expected = {participant.organisation_id for participant in job_dating.expected}
    not_now = wished_pairs(job_dating.participants, WishKind.NOT_NOW)
    met = {frozenset(pair) for pair in feedback_memory.already_met(expected)} - wished_pairs(job_dating.participants, WishKind.MEET)
    found: dict[UUID, Barred] = {}
    for meeting in job_dating.meetings:
        pair = frozenset(ends(meeting))
        if not pair <= expected:
            found[meeting.id] = Barred.NOT_EXPECTED
        elif pair in never:
            found[meeting.id] = Barred.NEVER_AGAIN
        elif pair in not_now:
            found[meeting.id] = Barred.NOT_NOW
        elif pair in met and not meeting.is_locked:
            found[meeting.id] = Barred.MET_BEFORE
    return found


def never_again(job_dating: JobDating) -> set[Pair]:
    """The pairs of those who take part that are not to be put in touch any more."""
    return refusal_bounds.parted({participant.organisation_id for participant in job_dating.participants})


def wished_pairs(participants: Iterable[Participant], kind: WishKind) -> set[Pair]:
    """The pairs of organisations of which at least one said so."""
    return {frozenset((participant.organisation_id, wish.organisation_id)) for participant in participants for wish in participant.wishes if wish.kind is kind}


def wishes_of(job_dating: JobDating) -> list[Wish]:
    """All wishes of its participants, with whom they are about."""
    query = select(Wish).join(Wish.participant).where(Participant.job_dating_id == job_dating.id).options(joinedload(Wish.organisation))
    return list(db.session.scalars(query.order_by(Wish.id)))
