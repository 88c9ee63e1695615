"""What the planner says of a job dating: the answer as its title, the proof, what to change, the grid, and whether it is fair."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from uuid import UUID

from matchmaker.models import Answer, Invitation, JobDating, JobDatingStatus, Meeting, Organisation, Side, Table
from matchmaker.web import labels

NOON = (12, 0)


@dataclass(frozen=True)
class Round:
    """A row of the grid: one meeting or none for each table, and the break that comes before it."""

    number: int
    starts_at: datetime
    cells: list[Meeting | None]
    break_at: datetime | None


@dataclass(frozen=True)
class Fairness:
    least: int
    median: int
    most: int
    participants: int
    people: int


def title(job_dating: JobDating, answers: Mapping[UUID, Invitation]) -> str:
    """The answer to « where are we? », as a heading."""
    if job_dating.status is JobDatingStatus.CANCELLED:
        return "Ce job dating est annulé"
    if job_dating.status is JobDatingStatus.PUBLISHED:
        return attendance(job_dating, answers)
    if not job_dating.meetings:
        return "Choisissez qui se rencontre"
    rounds, fitting = job_dating.rounds, job_dating.rounds_that_fit
    if rounds <= fitting:
        return f"Tout le monde se rencontre en {labels.plural(rounds, 'tour', 'tours')}"
    held = {0: "aucun ne tient", 1: "un seul tient"}.get(fitting, f"{fitting} tiennent")
    return f"Il faut {labels.plural(rounds, 'tour', 'tours')}, {held} avant {end(job_dating.ends_at)}"


def attendance(job_dating: JobDating, answers: Mapping[UUID, Invitation]) -> str:
    invited = len(job_dating.participants)
    coming = sum(invitation.answer is Answer.ACCEPTED for invitation in answers.values())
    if job_dating.is_past:
        return f"{labels.plural(coming, 'structure avait dit oui', 'structures avaient dit oui')}, sur {invited}"
    if not any(invitation.answer for invitation in answers.values()):
        return f"{labels.plural(invited, 'structure est invitée', 'structures sont invitées')}"
    return f"{labels.plural(coming, 'structure vient', 'structures viennent')}, sur {invited}"


def end(at: datetime) -> str:
    local = at.astimezone(labels.PARIS)
    return "midi" if (local.hour, local.minute) == NOON else labels.hour(at)


def proof(job_dating: JobDating) -> str:
    """Why no plan could have fewer rounds."""
    bound, reason = job_dating.rounds_bound, job_dating.rounds_bound_reason
    if not bound:
        return ""
    meetings, tables = len(job_dating.meetings), job_dating.venue.tables
    if reason.startswith("degree"):
        who = "la personne" if any(participant.delegates > 1 for participant in job_dating.participants) else "la structure"
        because = f"{who} la plus demandée a {labels.plural(bound, 'entretien', 'entretiens')}"
    elif reason.startswith("accessible"):
        asking = sum(needs_accessible_table(job_dating, meeting) for meeting in job_dating.meetings)
        reachable = sum(table.is_accessible for table in tables)
        there = labels.plural(reachable, "table accessible", "tables accessibles")
        because = f"il y a {there} pour {labels.plural(asking, 'entretien qui en a besoin', 'entretiens qui en ont besoin')}"
    else:
        because = f"il y a {labels.plural(len(tables), 'table', 'tables')} pour {labels.plural(meetings, 'entretien', 'entretiens')}"
    return f"On ne peut pas faire moins de {labels.plural(bound, 'tour', 'tours')}\u00a0: {because}."


def needs_accessible_table(job_dating: JobDating, meeting: Meeting) -> bool:
    asking = {participant.organisation_id for participant in job_dating.participants if participant.needs_accessible}
    return not asking.isdisjoint({meeting.organisation_of(Side.NEED).id, meeting.organisation_of(Side.OFFER).id})


def smallest_fix(job_dating: JobDating) -> str:
    """What to change so that all rounds fit: the hour of the end, or the length of a meeting."""
    last = job_dating.round_starts_at(job_dating.rounds - 1) + timedelta(minutes=job_dating.round_minutes)
    late = last + timedelta(minutes=-last.minute % 5)
    later = f"Finissez à {labels.hour(late)}"
    minutes = shorter_meetings(job_dating)
    if minutes is None:
        return f"{later}, ou retirez des entretiens."
    return f"{later}, ou passez de {job_dating.round_minutes} à {minutes}\u00a0minutes par entretien."


def shorter_meetings(job_dating: JobDating, *, least: int = 7) -> int | None:
    """The longest meetings with which all rounds fit, when they are long enough to talk."""
    late = job_dating.round_starts_at(job_dating.rounds - 1) + timedelta(minutes=job_dating.round_minutes) - job_dating.ends_at
    too_many = -(-int(late.total_seconds() // 60) // job_dating.rounds)
    minutes = job_dating.round_minutes - too_many
    return minutes if minutes >= least else None


def grid(job_dating: JobDating) -> list[Round]:
    """Rounds in order, each with its meetings by table."""
    tables = used_tables(job_dating)
    seats = {(meeting.round, meeting.table_id): meeting for meeting in job_dating.meetings}
    return [
        Round(
            number=number + 1,
            starts_at=job_dating.round_starts_at(number),
            cells=[seats.get((number, table.id)) for table in tables],
            break_at=break_before(job_dating, number),
        )
        for number in range(job_dating.rounds)
    ]


def used_tables(job_dating: JobDating) -> list[Table]:
    """The tables where somebody sits in some round: an empty column says nothing."""
    used = {meeting.table_id for meeting in job_dating.meetings}
    return [table for table in job_dating.venue.tables if table.id in used]


def free_tables(job_dating: JobDating) -> list[Table]:
    used = used_tables(job_dating)
    return [table for table in job_dating.venue.tables if table not in used]


def break_before(job_dating: JobDating, number: int) -> datetime | None:
    if number != job_dating.break_after_round or not job_dating.break_minutes:
        return None
    return job_dating.round_starts_at(number) - timedelta(minutes=job_dating.break_minutes)


def fairness(job_dating: JobDating) -> Fairness:
    """How many meetings each structure has, and how many people are in the room, the venue's team included."""
    counts = meetings_by_organisation(job_dating)
    numbers = [counts[participant.organisation_id] for participant in job_dating.participants] or [0]
    people = sum(participant.delegates for participant in job_dating.participants) + job_dating.venue.staff_count
    return Fairness(min(numbers), median_low(numbers), max(numbers), len(job_dating.participants), people)


def meetings_by_organisation(job_dating: JobDating) -> Counter[UUID]:
    return Counter(meeting.organisation_of(side).id for meeting in job_dating.meetings for side in Side)


def meetings_of(job_dating: JobDating, organisation: Organisation) -> list[tuple[Meeting, Organisation]]:
    """This structure's meetings in the order of the rounds, each with whom it meets."""
    found = []
    for meeting in sorted(job_dating.meetings, key=lambda meeting: meeting.round if meeting.round is not None else 0):
        need, offer = meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)
        if organisation.id in (need.id, offer.id):
            found.append((meeting, offer if organisation.id == need.id else need))
    return found
