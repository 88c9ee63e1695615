"""What a job dating led to: who came, which meetings were held, what was said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Feedback, JobDating, Meeting, Organisation, Participant, Side
from matchmaker.services import feedback, feedback_memory


@dataclass(frozen=True)
class Line:
    """One meeting, and the word of each side if there is one."""

    meeting: Meeting
    need: Organisation
    offer: Organisation
    is_held: bool
    said: dict[Side, Feedback]

    def any_says(self, name: str) -> bool:
        return any(getattr(one, name) for one in self.said.values())


@dataclass(frozen=True)
class Results:
    """Counts of structures, of meetings, and of words. A share stands beside what it is a share of."""

    lines: list[Line]
    absent: list[Organisation]
    participants: int

    @property
    def held(self) -> list[Line]:
        return [line for line in self.lines if line.is_held]

    @property
    def present(self) -> int:
        return self.participants - len(self.absent)

    @property
    def words(self) -> list[Feedback]:
        """Those that say whether it was useful."""
        return [one for line in self.held for one in line.said.values() if one.is_useful is not None]

    @property
    def useful(self) -> int:
        return sum(bool(one.is_useful) for one in self.words)

    @property
    def next_steps(self) -> list[Line]:
        return [line for line in self.held if line.any_says("has_next_step")]

    @property
    def again(self) -> list[Line]:
        return [line for line in self.held if line.any_says("wants_again")]


def results(job_dating: JobDating) -> Results:
    """All that is known of it, in a fixed number of queries."""
    query = feedback.meetings().where(Meeting.job_dating_id == job_dating.id, feedback_memory.was_planned()).options(joinedload(Meeting.table))
    meetings = list(db.session.scalars(query.order_by(Meeting.round.nulls_last(), Meeting.id)))
    said: dict[UUID, list[Feedback]] = {}
    for one in feedback.feedback_of([meeting.id for meeting in meetings]):
        said.setdefault(one.meeting_id, []).append(one)
    away = feedback_memory.absent([job_dating.id]).get(job_dating.id, frozenset())
    absent = [participant.organisation for participant in expected(job_dating) if participant.organisation_id in away]
    return Results([line(meeting, said.get(meeting.id, []), away) for meeting in meetings], absent, len(expected(job_dating)))


def expected(job_dating: JobDating) -> list[Participant]:
    return [participant for participant in job_dating.participants if participant.is_expected]


def line(meeting: Meeting, said: Sequence[Feedback], away: frozenset[UUID]) -> Line:
    need, offer = meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)
    sides = {need.id: Side.NEED, offer.id: Side.OFFER}
    is_held = meeting.status not in feedback.NOT_HELD and away.isdisjoint(sides)
    return Line(meeting, need, offer, is_held, {sides[one.organisation_id]: one for one in said if one.organisation_id in sides})
