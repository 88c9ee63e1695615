"""What is printed of a job dating: each structure's morning, who sits at each table, the wall plan. No words and no drawing here."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from matchmaker.models import JobDating, Meeting, Organisation, Participant, Side, Table
from matchmaker.services import territories


@dataclass(frozen=True)
class Seat:
    """One meeting as a sheet tells it. ``names`` are whom one meets, or both sides at a table; none when they must not be printed."""

    round: int
    starts_at: datetime
    table: Table
    names: tuple[str, ...]


@dataclass(frozen=True)
class Morning:
    """The sheet of one structure: its meetings in order, and the rounds between the first and the last in which it has none."""

    participant: Participant
    seats: list[Seat]
    pauses: list[tuple[int, datetime]]


@dataclass(frozen=True)
class TableSheet:
    table: Table
    seats: list[Seat]


def mornings(job_dating: JobDating) -> list[Morning]:
    """A sheet for each structure that has a meeting, by name. Reads what is loaded: no query."""
    seats: dict[UUID, list[Seat]] = defaultdict(list)
    for meeting in planned(job_dating):
        for organisation, other in each_way(meeting):
            seats[organisation.id].append(seat(job_dating, meeting, (other.name,)))
    there = [participant for participant in job_dating.participants if participant.organisation_id in seats]
    ordered = sorted(there, key=lambda participant: (territories.fold(participant.organisation.name), participant.id))
    return [Morning(participant, mine := seats[participant.organisation_id], pauses(job_dating, mine)) for participant in ordered]


def table_sheets(job_dating: JobDating) -> list[TableSheet]:
    """A sheet for each table that serves, by number."""
    seats: dict[UUID, list[Seat]] = defaultdict(list)
    tables: dict[UUID, Table] = {}
    for meeting in planned(job_dating):
        table = seated(meeting)
        tables[table.id] = table
        names = tuple(meeting.organisation_of(side).name for side in Side)
        seats[table.id].append(seat(job_dating, meeting, names))
    return [TableSheet(table, seats[table.id]) for table in sorted(tables.values(), key=lambda table: table.number)]


def wall(job_dating: JobDating, tables: Sequence[Table]) -> list[list[Seat | None]]:
    """Rounds in order, each with its seat at each of these tables."""
    by_place = {(one.round, one.table.id): one for sheet in table_sheets(job_dating) for one in sheet.seats}
    return [[by_place.get((number, table.id)) for table in tables] for number in range(job_dating.rounds)]


def planned(job_dating: JobDating) -> list[Meeting]:
    """The meetings that have a place, in the order of the day."""
    there = [meeting for meeting in job_dating.meetings if meeting.round is not None and meeting.table is not None]
    return sorted(there, key=lambda meeting: (meeting.round, seated(meeting).number))


def seated(meeting: Meeting) -> Table:
    """Its table, for a meeting that has one."""
    return cast("Table", meeting.table)


def each_way(meeting: Meeting) -> list[tuple[Organisation, Organisation]]:
    need, offer = meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)
    return [(need, offer), (offer, need)]


def seat(job_dating: JobDating, meeting: Meeting, names: tuple[str, ...]) -> Seat:
    """What is said in confidence has a table and an hour, and no name on paper."""
    is_confidential = meeting.match.need.is_confidential or meeting.match.offer.is_confidential
    number = meeting.round or 0
    return Seat(number, job_dating.round_starts_at(number), seated(meeting), () if is_confidential else names)


def pauses(job_dating: JobDating, seats: Sequence[Seat]) -> list[tuple[int, datetime]]:
    busy = {one.round for one in seats}
    return [(number, job_dating.round_starts_at(number)) for number in range(min(busy), max(busy)) if number not in busy]
