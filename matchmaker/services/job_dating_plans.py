"""The plan of a job dating: rounds and tables from the engine, who stays seated, and what found no place."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from matchmaker.engine.planning import Plan, plan_programme
from matchmaker.engine.session_file import Session, unscheduled
from matchmaker.extensions import compute_at_length, db
from matchmaker.models import Family, JobDating, Meeting, Participant, Seated, Table
from matchmaker.models.base import now
from matchmaker.services.job_dating_programmes import Planned, ends, programme_of

EFFORT = 0.25
QUICK = 25
"""Effort times meetings that a page waits for; a fifth of it where the engine searches, because somebody is not there all the time or needs pauses."""
MOST_AT_ONCE = 220
"""Meetings that are planned within a second, while the page waits; a third of them where all need pauses. A worker plans more."""


@dataclass(frozen=True)
class SetAside:
    """A meeting that was chosen and has no place: one of `Barred`, or a reason of the engine (round_limit, window, tables, max_meetings)."""

    meeting: Meeting
    reason: str


def plan(job_dating: JobDating) -> None:
    """Give meetings their rounds and tables, or leave that to a worker when they are many. The same rows give the same plan.

    Locked meetings stay where they are as long as nothing forbids it. Meetings that find no place have neither round nor table.
    """
    db.session.flush()
    if len(job_dating.meetings) * (3 if job_dating.max_consecutive else 1) > MOST_AT_ONCE:
        empty_seats(job_dating)
        job_dating.plan_due_at = now()
        db.session.flush()
        return
    plan_now(job_dating)


def plan_now(job_dating: JobDating) -> None:
    """The plan, whatever its size."""
    seat_hosts(job_dating)
    asked = programme_of(job_dating)
    write(job_dating, asked, effort=quick(asked))


def plan_around(job_dating: JobDating) -> None:
    """Give a place to what has none, and another one to what cannot stay where it is, without moving anything else."""
    db.session.flush()
    asked = programme_of(job_dating, hold_all=True)
    write(job_dating, asked, effort=quick(asked))


def quick(asked: Planned) -> float:
    """The effort that takes less than a second."""
    return min(EFFORT, QUICK / (5 if asked.programme.has_windows else 1) / max(len(asked.meetings), 1))


def write(job_dating: JobDating, asked: Planned, *, effort: float) -> None:
    """Solve and store. A meeting that the host locked stays locked as long as it could stay."""
    found, locks = solve(asked, effort=effort), {meeting.id for meeting in asked.meetings if meeting.is_locked}
    empty_seats(job_dating)
    job_dating.rounds_bound, job_dating.rounds_bound_reason = (found.rounds_bound, found.bound_reason) if found is not None else (None, "")
    if found is not None:
        answer = zip(asked.meetings, found.round.tolist(), found.table.tolist(), asked.programme.locked_round.tolist(), strict=True)
        for meeting, number, place, lock in answer:
            if number >= 0:
                meeting.round, meeting.table, meeting.is_locked = number, asked.tables[place], lock >= 0 and meeting.id in locks
    job_dating.plan_due_at = None
    db.session.flush()


def plan_due() -> UUID | None:
    """Compute the plan that waits longest and that no other worker holds. None when nothing waits."""
    waiting = select(JobDating).where(JobDating.plan_due_at.is_not(None)).order_by(JobDating.plan_due_at).limit(1)
    job_dating = db.session.scalars(waiting.with_for_update(skip_locked=True, of=JobDating)).one_or_none()
    if job_dating is None:
        return None
    compute_at_length()
    seat_hosts(job_dating)
    write(job_dating, programme_of(job_dating), effort=EFFORT)
    job_dating.version += 1
    return job_dating.id


def solve(asked: Planned, *, effort: float) -> Plan | None:
    """The engine's plan; nothing where there is no meeting, or no table at all."""
    if not asked.meetings or not len(asked.programme.tables):
        return None
    return plan_programme(asked.programme, limited=asked.limited, effort=effort)


def empty_seats(job_dating: JobDating) -> None:
    """The old seats must be free before a new plan takes them."""
    for meeting in job_dating.meetings:
        meeting.round, meeting.table, meeting.is_locked = None, None, False
    db.session.flush()


def seat_hosts(job_dating: JobDating) -> None:
    """Give the structures that stay seated a table each: first who needs an accessible one, then who has the most meetings.

    Two who meet each other cannot both stay seated; and as long as some meetings are of two who move, one table is left to them.
    """
    tables, asked = job_dating.tables, [meeting for meeting in job_dating.meetings if meeting.match]
    counts = Counter(organisation for meeting in asked for organisation in ends(meeting))
    partners: dict[UUID, set[UUID]] = {}
    for meeting in asked:
        one, other = ends(meeting)
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    needs_one = {participant.organisation_id for participant in job_dating.expected if participant.needs_accessible}
    order = sorted(
        (participant for participant in job_dating.expected if stays_seated(job_dating, participant) and counts[participant.organisation_id]),
        key=lambda one: (not one.needs_accessible, -counts[one.organisation_id], one.organisation_id),
    )
    free, seated = list(tables), dict[UUID, Table]()
    for participant in order:
        mine = partners[participant.organisation_id]
        if not free or not mine.isdisjoint(seated):
            continue
        wants = participant.needs_accessible or not mine.isdisjoint(needs_one)
        table = next((table for table in free if table.is_accessible is wants), free[0])
        free.remove(table)
        seated[participant.organisation_id] = table
    while seated and not free and any(seated.keys().isdisjoint(ends(meeting)) for meeting in asked):
        free.append(seated.popitem()[1])
    # A table changes hands: the old owner lets go first.
    for participant in job_dating.participants:
        if participant.fixed_table is not seated.get(participant.organisation_id):
            participant.fixed_table = None
    db.session.flush()
    for participant in job_dating.participants:
        participant.fixed_table = seated.get(participant.organisation_id)
    db.session.flush()


def stays_seated(job_dating: JobDating, participant: Participant) -> bool:
    is_company = participant.organisation.family is Family.COMPANY
    return (job_dating.seated is Seated.COMPANIES and is_company) or (job_dating.seated is Seated.OTHERS and not is_company)


def set_aside(job_dating: JobDating) -> list[SetAside]:
    """The meetings that were chosen and that the plan does not hold, each with the reason."""
    without = [meeting for meeting in job_dating.meetings if meeting.round is None]
    if not without or job_dating.plan_due_at is not None:
        return []
    asked = programme_of(job_dating)
    reasons: dict[str, Any] = {str(key): str(reason) for key, reason in asked.barred.items()}
    names = [str(meeting.id) for meeting in asked.meetings]
    if asked.meetings and len(asked.programme.tables):
        rounds = asked.programme.locked_round.copy()
        rounds[:] = [-1 if meeting.round is None else meeting.round for meeting in asked.meetings]
        session = Session(list(range(asked.programme.rounds)), asked.limited, [], [], [], names, asked.programme)
        reasons |= {str(row["meeting"]): str(row["reason"]) for row in unscheduled(session, rounds)}
    return [SetAside(meeting, reasons.get(str(meeting.id), "tables")) for meeting in without]
