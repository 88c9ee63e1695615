"""The day as it runs: what begins and ends when, for everybody and for one structure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import JobDating, Meeting, Organisation, Participant, Side
from matchmaker.services import job_datings


@dataclass(frozen=True)
class Step:
    """A round (from 0), or the break that everybody has."""

    starts_at: datetime
    ends_at: datetime
    round: int | None

    @property
    def is_break(self) -> bool:
        return self.round is None


@dataclass(frozen=True)
class Turn:
    """What one structure does in a step. Without meetings it has a pause; who came as two can have two at once."""

    step: Step
    meetings: list[tuple[Meeting, Organisation]]


def steps(job_dating: JobDating) -> list[Step]:
    """The rounds of the plan in order, with the break between them."""
    found = []
    for number in range(job_dating.rounds):
        starts_at = job_dating.round_starts_at(number)
        if number == job_dating.break_after_round and job_dating.break_minutes:
            found.append(Step(starts_at - timedelta(minutes=job_dating.break_minutes), starts_at, None))
        found.append(Step(starts_at, starts_at + timedelta(minutes=job_dating.round_minutes), number))
    return found


def turns(job_dating: JobDating, organisation: Organisation) -> list[Turn]:
    """This structure's day, from its first meeting to its last."""
    found = [Turn(step, meetings_at(job_dating, organisation, step.round)) for step in steps(job_dating)]
    busy = [place for place, turn in enumerate(found) if turn.meetings]
    return found[busy[0] : busy[-1] + 1] if busy else []


def meetings_at(job_dating: JobDating, organisation: Organisation, number: int | None) -> list[tuple[Meeting, Organisation]]:
    """Its meetings of a round, each with the other structure, by table."""
    found = []
    for meeting in job_dating.meetings:
        if number is not None and meeting.round == number:
            need, offer = meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)
            if organisation.id in (need.id, offer.id):
                found.append((meeting, offer if organisation.id == need.id else need))
    return sorted(found, key=lambda pair: pair[0].table.number if pair[0].table else 0)


def present_round(job_dating: JobDating, at: datetime) -> int:
    """The first round that has not begun: what stands before it is past or under way, and stays as it is."""
    return sum(job_dating.round_starts_at(number) <= at for number in range(max(job_dating.rounds, job_dating.rounds_that_fit)))


def participant(participant_id: UUID) -> Participant | None:
    """One participant with all that its page shows, in a fixed number of queries; nothing before the job dating is published."""
    found = db.session.get(Participant, participant_id)
    job_dating = job_datings.job_dating(found.job_dating_id) if found else None
    return found if job_dating is not None and job_dating.published_at is not None else None


def stamp(participant_id: UUID) -> tuple[int, datetime] | None:
    """What changes whenever the page of this participant does, in one small query."""
    query = select(JobDating.version, JobDating.updated_at).join(Participant).where(Participant.id == participant_id)
    row = db.session.execute(query).one_or_none()
    return (row.version, row.updated_at) if row else None
