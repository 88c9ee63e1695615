"""Moving meetings of a plan by hand: what stands in the way of each seat, swaps, locks."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from matchmaker.extensions import db
from matchmaker.models import JobDating, Meeting, Organisation, Participant, Table
from matchmaker.services import job_datings
from matchmaker.services.errors import DomainError, EditedMeanwhile, NotAllowedNow
from matchmaker.services.job_dating_programmes import Barred, barred_meetings, ends, is_there


class Obstacle(StrEnum):
    """Why a meeting cannot be at a seat."""

    NO_ROUND = "no_round"
    NOT_EXPECTED = "not_expected"
    BUSY = "busy"
    AWAY = "away"
    NOT_ACCESSIBLE = "not_accessible"
    OWN_TABLE = "own_table"
    OTHERS_TABLE = "others_table"
    LOST_TABLE = "lost_table"
    LOCKED = "locked"
    NO_SWAP = "no_swap"


@dataclass(frozen=True)
class Conflict:
    """An obstacle, with the structure that it concerns and the meeting that is there, where there is one."""

    obstacle: Obstacle
    organisation: Organisation | None = None
    meeting: Meeting | None = None


class CannotSit(DomainError):
    """A meeting cannot be at a seat; ``conflicts`` say why."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        super().__init__(", ".join(conflict.obstacle for conflict in conflicts))
        self.conflicts = conflicts


def place(job_dating: JobDating, meeting_id: UUID, number: int, table_id: UUID, *, version: int) -> Meeting:
    """Put a meeting at a seat and lock it there. A meeting that sits there takes the other seat, when it can.

    Raises EditedMeanwhile, CannotSit, and NotAllowedNow when the plan cannot be changed or has no such meeting or table.
    """
    meeting = locked_meeting(job_dating, meeting_id, version)
    table = next((table for table in job_dating.venue.tables if table.id == table_id), None)
    if table is None:
        raise NotAllowedNow("no such table")
    if (meeting.round, meeting.table_id) == (number, table.id):
        return meeting
    if found := conflicts(job_dating, meeting, number, table):
        raise CannotSit(found)
    other, old = sitting(job_dating, number, table), (meeting.round, meeting.table)
    for one in filter(None, (meeting, other)):
        one.is_locked, one.round, one.table = False, None, None
    # Both seats must be free before they are taken again.
    db.session.flush()
    if other is not None:
        other.round, other.table = old
    meeting.round, meeting.table, meeting.is_locked = number, table, True
    job_dating.version += 1
    db.session.flush()
    return meeting


def set_lock(job_dating: JobDating, meeting_id: UUID, is_locked: bool, *, version: int) -> Meeting:
    """Let a new plan leave this meeting where it is, or move it. Raises as `place`."""
    meeting = locked_meeting(job_dating, meeting_id, version)
    if meeting.round is None:
        raise NotAllowedNow("it has no seat")
    if meeting.is_locked is not is_locked:
        meeting.is_locked = is_locked
        job_dating.version += 1
    db.session.flush()
    return meeting


def locked_meeting(job_dating: JobDating, meeting_id: UUID, version: int) -> Meeting:
    """The meeting, with its job dating to oneself, in the version that was shown."""
    job_datings.lock(job_dating)
    if not can_edit(job_dating):
        raise NotAllowedNow(job_dating.status)
    if job_dating.version != version:
        raise EditedMeanwhile(str(job_dating.id))
    meeting = next((one for one in job_dating.meetings if one.id == meeting_id), None)
    if meeting is None:
        raise NotAllowedNow("no such meeting")
    return meeting


def can_edit(job_dating: JobDating) -> bool:
    """By hand until it begins; then the plan is changed in the room."""
    return job_dating.is_open and not job_dating.has_begun and job_dating.plan_due_at is None


def conflicts(job_dating: JobDating, meeting: Meeting, number: int, table: Table) -> list[Conflict]:
    """What keeps a meeting from a seat. Where another one sits, the two swap: then also what keeps that one from the seat that it would get."""
    other = sitting(job_dating, number, table)
    found = obstacles(job_dating, meeting, number, table, leaving=(other,))
    if other is None or other is meeting:
        return found
    if other.is_locked:
        return [*found, Conflict(Obstacle.LOCKED, meeting=other)]
    if meeting.round is None or meeting.table is None or obstacles(job_dating, other, meeting.round, meeting.table, leaving=(meeting,)):
        return [*found, Conflict(Obstacle.NO_SWAP, meeting=other)]
    return found


def obstacles(job_dating: JobDating, meeting: Meeting, number: int, table: Table, *, leaving: tuple[Meeting | None, ...]) -> list[Conflict]:
    """As `conflicts`, but for who sits there; ``leaving`` are meetings that go away from the round."""
    if not 0 <= number < max(job_dating.rounds, job_dating.rounds_that_fit):
        return [Conflict(Obstacle.NO_ROUND)]
    found = [] if table in job_dating.tables else [Conflict(Obstacle.LOST_TABLE)]
    participants = {one.organisation_id: one for one in job_dating.participants}
    for key in ends(meeting):
        participant = participants[key]
        there = [one for one in job_dating.meetings if one.round == number and one is not meeting and one not in leaving and key in ends(one)]
        places = 1 if participant.fixed_table_id else participant.delegates
        if not participant.is_expected:
            found.append(Conflict(Obstacle.NOT_EXPECTED, participant.organisation))
        if len(there) >= places:
            found.append(Conflict(Obstacle.BUSY, participant.organisation, there[0]))
        if not is_there(participant, number):
            found.append(Conflict(Obstacle.AWAY, participant.organisation))
        if participant.needs_accessible and not table.is_accessible:
            found.append(Conflict(Obstacle.NOT_ACCESSIBLE, participant.organisation))
        if participant.fixed_table_id not in (None, table.id):
            found.append(Conflict(Obstacle.OWN_TABLE, participant.organisation))
    owner = owner_of(job_dating, table)
    if owner is not None and owner.organisation_id not in ends(meeting):
        found.append(Conflict(Obstacle.OTHERS_TABLE, owner.organisation))
    return found


def sitting(job_dating: JobDating, number: int, table: Table) -> Meeting | None:
    return next((one for one in job_dating.meetings if one.round == number and one.table_id == table.id), None)


def owner_of(job_dating: JobDating, table: Table) -> Participant | None:
    """Who never leaves this table."""
    return next((one for one in job_dating.participants if one.fixed_table_id == table.id), None)


def movable(job_dating: JobDating) -> list[Meeting]:
    """The meetings that may have a seat: not those that somebody does not want, or whose structures do not come."""
    barred = {key for key, reason in barred_meetings(job_dating).items() if reason is not Barred.MET_BEFORE}
    return [meeting for meeting in job_dating.meetings if meeting.id not in barred or meeting.round is not None]
