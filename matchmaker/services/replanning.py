"""The plan changed on the day: shown before it is made, made in one piece, and never what is past or under way."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import numpy as np
from sqlalchemy import select

from matchmaker.engine.programme import NOWHERE, Programme
from matchmaker.engine.replan import replan
from matchmaker.extensions import db
from matchmaker.models import ABSENT, JobDating, JobDatingStatus, LostTable, Meeting, MeetingStatus, Organisation, PlanChange, PresenceState, Side, Table
from matchmaker.models.base import now
from matchmaker.services import day_programme, job_datings, presence, territories, walk_in_meetings
from matchmaker.services.errors import ChangedMeanwhile, EditedMeanwhile, NotAllowedNow
from matchmaker.services.job_dating_programmes import More, Planned, ends, programme_of
from matchmaker.services.matching_inputs import PairIds
from matchmaker.services.presence import Line


@dataclass(frozen=True)
class Asked:
    """What happened, as the host says it.

    Attributes
    ----------
    absent : ids of the structures that do not come any more.
    late, leaving : structure → the first round in which it is there, or is not there any more.
    lost : ids of the tables that cannot be used.
    pairs : needs and offers of those who meet nobody, chosen among the candidates.
    """

    absent: frozenset[UUID] = frozenset()
    late: Mapping[UUID, int] = field(default_factory=dict)
    leaving: Mapping[UUID, int] = field(default_factory=dict)
    lost: frozenset[UUID] = frozenset()
    pairs: tuple[PairIds, ...] = ()


@dataclass(frozen=True)
class Place:
    round: int
    table: Table


@dataclass(frozen=True)
class Move:
    """A meeting that is somewhere else than before: from nowhere it is new, to nowhere it does not take place."""

    meeting: Meeting
    before: Place | None
    after: Place | None

    @property
    def kind(self) -> str:
        """moved, added or dropped."""
        return "added" if self.before is None else "dropped" if self.after is None else "moved"

    @property
    def organisations(self) -> tuple[Organisation, Organisation]:
        return self.meeting.organisation_of(Side.NEED), self.meeting.organisation_of(Side.OFFER)


@dataclass(frozen=True)
class Proposal:
    """What would change. ``frozen`` rounds have begun; ``waiting`` meetings of people who come have no place.

    ``fingerprint`` names the moves: who applies them must have seen these.
    """

    frozen: int
    moves: list[Move]
    waiting: list[Meeting]
    told: list[Organisation]
    fingerprint: str


def check_can_change(job_dating: JobDating) -> None:
    """Only what was published can be changed, and nothing once it is over."""
    if job_dating.status is not JobDatingStatus.PUBLISHED or job_dating.is_past:
        raise NotAllowedNow(job_dating.status)


def asked_by(job_dating: JobDating, lines: Sequence[Line], at: datetime) -> Asked:
    """What the desk says by itself. Who is late without a word of when is counted on from the next round but one."""
    coming = day_programme.present_round(job_dating, at)
    late, leaving, absent = {}, {}, set()
    for line in lines:
        key, number = line.participant.organisation_id, line.act.round if line.act else None
        if line.state is PresenceState.LATE:
            late[key] = number if number is not None else coming + 1
        elif line.state is PresenceState.LEFT:
            leaving[key] = number if number is not None else coming
        elif line.state in ABSENT:
            absent.add(key)
    return Asked(frozenset(absent), late, leaving, frozenset(lost_tables(job_dating)))


def lost_tables(job_dating: JobDating) -> set[UUID]:
    return {one.table_id for one in job_dating.lost_tables}


def propose(job_dating: JobDating, asked: Asked, *, newcomers: Collection[UUID] = (), at: datetime | None = None) -> Proposal:
    """The fewest moves with which the plan holds again. ``newcomers``: ids of meetings for which others may move. Writes nothing."""
    check_can_change(job_dating)
    frozen = min(day_programme.present_round(job_dating, at or now()), max(job_dating.rounds, job_dating.rounds_that_fit))
    whole = programme_of(job_dating, more=More(rounds=max(0, job_dating.rounds - job_dating.rounds_that_fit)), tables=job_dating.venue.tables)
    lines = {line.participant.organisation_id: line for line in presence.roster(job_dating)}
    rounds, tables = places(whole)
    made = as_it_is_now(whole, asked, lines, rounds)
    gone = np.array([bool({*ends(one)} & asked.absent) for one in whole.meetings], dtype=np.bool_)
    found = replan(
        made,
        rounds,
        tables,
        wanted=~gone,
        newcomers=np.array([one.id in newcomers for one in whole.meetings], dtype=np.bool_),
        lost=np.array([table.id in asked.lost for table in whole.tables], dtype=np.bool_),
        frozen_before=frozen,
    )
    after = {
        one.id: Place(number, whole.tables[place]) if number >= 0 else None
        for one, number, place in zip(whole.meetings, found.round.tolist(), found.table.tolist(), strict=True)
    }
    moves = moves_between(job_dating, after, frozen)
    waiting = [one for one, held in zip(whole.meetings, gone.tolist(), strict=True) if after[one.id] is None and not held]
    return Proposal(frozen, moves, waiting, told_of(moves, asked), fingerprint_of(moves))


def places(whole: Planned) -> tuple[np.ndarray, np.ndarray]:
    """(E,) the round and the table of each meeting, -1 for none."""
    rows = {table.id: row for row, table in enumerate(whole.tables)}
    rounds = [one.round if one.round is not None else NOWHERE for one in whole.meetings]
    tables = [rows[one.table_id] if one.table_id is not None else NOWHERE for one in whole.meetings]
    return np.array(rounds, dtype=np.int64), np.array(tables, dtype=np.int64)


def as_it_is_now(whole: Planned, asked: Asked, lines: Mapping[UUID, Line], rounds: np.ndarray) -> Programme:
    """The programme with who is there and when. What the published plan holds is allowed, whatever rule the host made an exception to."""
    made = whole.programme
    available, delegates = made.available.copy(), made.delegates.copy()
    most, consecutive = made.most_meetings.copy(), made.most_consecutive.copy()
    for row, participant in enumerate(whole.participants):
        key = participant.organisation_id
        mine = rounds[((made.left == row) | (made.right == row)) & (rounds >= 0)]
        available[row, mine] = True
        most[row], consecutive[row] = max(most[row], len(mine)), max(consecutive[row], longest_row(mine))
        if line := lines.get(key):
            delegates[row] = max(1, line.delegates)
        if key in asked.late:
            available[row, : asked.late[key]] = False
        if key in asked.leaving:
            available[row, asked.leaving[key] :] = False
        if key in asked.absent:
            available[row] = False
    lock = made.locked_round.copy()
    held = np.flatnonzero(lock >= 0)
    lock[held[~(available[made.left[held], lock[held]] & available[made.right[held], lock[held]])]] = NOWHERE
    table = np.where(lock >= 0, made.locked_table, NOWHERE)
    limits = {"most_meetings": most, "most_consecutive": consecutive, "locked_round": lock, "locked_table": table}
    return replace(made, available=available, delegates=delegates, **limits)


def longest_row(rounds: np.ndarray) -> int:
    """How many rounds in a row.

    >>> longest_row(np.array([4, 0, 1, 2, 5]))
    3
    """
    ordered = np.unique(rounds)
    if not len(ordered):
        return 0
    breaks = np.flatnonzero(np.diff(ordered) > 1)
    return int(np.diff(np.concatenate(([-1], breaks, [len(ordered) - 1]))).max())


def moves_between(job_dating: JobDating, after: Mapping[UUID, Place | None], frozen: int) -> list[Move]:
    """What changes in the rounds to come, by round. A meeting that is no part of the programme any more does not take place."""
    found = []
    for meeting in job_dating.meetings:
        before = Place(meeting.round, meeting.table) if meeting.round is not None and meeting.table is not None else None
        if before is not None and before.round < frozen:
            continue
        place = after.get(meeting.id)
        if (before and (before.round, before.table.id)) != (place and (place.round, place.table.id)):
            found.append(Move(meeting, before, place))
    return sorted(found, key=lambda one: ((one.after or one.before or Place(0, job_dating.venue.tables[0])).round, one.meeting.id))


def told_of(moves: Sequence[Move], asked: Asked) -> list[Organisation]:
    """Whom something changes for and who is there to be told, by name."""
    concerned = {one.id: one for move in moves for one in move.organisations if one.id not in asked.absent}
    return sorted(concerned.values(), key=lambda one: (territories.fold(one.name), one.id))


def fingerprint_of(moves: Sequence[Move]) -> str:
    """The same for the same moves, whatever ids new meetings have."""
    named = [(*sorted(str(one.id) for one in move.organisations), *place_names(move)) for move in moves]
    return sha256(";".join(sorted(",".join(one) for one in named)).encode()).hexdigest()[:32]


def place_names(move: Move) -> list[str]:
    return [f"{place.round}-{place.table.number}" if place else "" for place in (move.before, move.after)]


def with_pairs(job_dating: JobDating, asked: Asked) -> set[UUID]:
    """Add the meetings of the chosen pairs, and return their ids. Raises ChangedMeanwhile when one of them can no longer be."""
    if not asked.pairs:
        return set()
    known = {one.ids: one for one in walk_in_meetings.candidates(job_dating, presence.roster(job_dating))}
    if not known.keys() >= set(asked.pairs):
        raise ChangedMeanwhile("a pair can no longer meet")
    return {meeting.id for meeting in walk_in_meetings.add(job_dating, [known[pair] for pair in asked.pairs])}


def apply(job_dating: JobDating, asked: Asked, *, version: int, fingerprint: str, by: str = "") -> Proposal:
    """Make the moves that were shown, in this transaction.

    Raises EditedMeanwhile when the plan is not the one of ``version`` any more, ChangedMeanwhile when other moves would be made than
    those of ``fingerprint`` (a round began meanwhile), and NotAllowedNow once it is over.
    """
    job_datings.lock(job_dating)
    check_can_change(job_dating)
    if job_dating.version != version:
        raise EditedMeanwhile(str(job_dating.id))
    newcomers = with_pairs(job_dating, asked)
    proposal = propose(job_dating, asked, newcomers=newcomers)
    if proposal.fingerprint != fingerprint:
        raise ChangedMeanwhile("other moves")
    write_places(proposal.moves)
    write_statuses(job_dating, proposal.moves, asked)
    write_tables(job_dating, asked, proposal.frozen)
    job_dating.version += 1
    moves = [told(move) for move in proposal.moves]
    db.session.add(PlanChange(job_dating=job_dating, version=job_dating.version, by=by, moves=moves))
    db.session.flush()
    return proposal


def write_places(moves: Sequence[Move]) -> None:
    """The old seats must be free before others take them. A lock follows its meeting, and ends with it."""
    locked = {move.meeting.id for move in moves if move.meeting.is_locked}
    for move in moves:
        move.meeting.round, move.meeting.table, move.meeting.is_locked = None, None, False
    db.session.flush()
    for move in moves:
        if move.after is not None:
            move.meeting.round, move.meeting.table = move.after.round, move.after.table
            move.meeting.is_locked = move.meeting.id in locked
    db.session.flush()


def write_statuses(job_dating: JobDating, moves: Sequence[Move], asked: Asked) -> None:
    """A meeting that does not take place was missed by who never said so, or cancelled; one that does is planned again."""
    silent = {line.participant.organisation_id for line in presence.roster(job_dating) if line.state is not PresenceState.EXCUSED} & asked.absent
    for move in moves:
        missed = move.after is None and {*ends(move.meeting)} & silent
        move.meeting.status = MeetingStatus.MISSED if missed else MeetingStatus.CANCELLED if move.after is None else MeetingStatus.PLANNED
    db.session.flush()


def write_tables(job_dating: JobDating, asked: Asked, frozen: int) -> None:
    """Remember which tables are gone, and which are back."""
    before = lost_tables(job_dating)
    kept = [one for one in job_dating.lost_tables if one.table_id in asked.lost]
    job_dating.lost_tables = kept + [LostTable(table_id=one, from_round=frozen) for one in sorted(asked.lost - before)]
    for participant in job_dating.participants:
        # Who had a table for itself shares the others from now on.
        if participant.fixed_table_id in asked.lost:
            participant.fixed_table = None
    db.session.flush()


def told(move: Move) -> dict[str, object]:
    """A move as its change keeps it."""
    before, after = move.before, move.after
    return {
        "kind": move.kind,
        "organisation_ids": [str(one.id) for one in move.organisations],
        "round_from": before.round if before else None,
        "table_from": before.table.number if before else None,
        "round_to": after.round if after else None,
        "table_to": after.table.number if after else None,
    }


def changes(job_dating: JobDating) -> list[PlanChange]:
    """How the plan was changed on the day, the latest first."""
    return list(db.session.scalars(select(PlanChange).where(PlanChange.job_dating_id == job_dating.id).order_by(PlanChange.version.desc())))
