"""Who is there: gestures of the desk's phones, which may come late, twice and in any order, and what they add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import selectinload

from matchmaker.extensions import db
from matchmaker.models import ABSENT, JobDating, JobDatingStatus, MeetingStatus, Participant, PresenceAct, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services import day_programme, job_datings, territories
from matchmaker.services.errors import NotAllowedNow

# The desk opens the day before, for who tries it out, and closes when phones that were without network had time to come back.
OPENS = timedelta(hours=24)
CLOSES = timedelta(hours=12)


@dataclass(frozen=True)
class Act:
    """A gesture as a phone tells it."""

    id: UUID
    participant_id: UUID
    state: PresenceState
    acted_at: datetime
    delegates: int | None = None
    round: int | None = None


@dataclass(frozen=True)
class Line:
    """A participant as the desk sees it. ``act`` is the gesture that counts, if there was one."""

    participant: Participant
    act: PresenceAct | None

    @property
    def state(self) -> PresenceState:
        return self.act.state if self.act else PresenceState.EXPECTED

    @property
    def delegates(self) -> int:
        return self.act.delegates if self.act else self.participant.delegates


def is_open(job_dating: JobDating) -> bool:
    """The day is near, or not long over."""
    return job_dating.status is JobDatingStatus.PUBLISHED and job_dating.starts_at - OPENS <= now() <= closes_at(job_dating)


def closes_at(job_dating: JobDating) -> datetime:
    return job_dating.ends_at + CLOSES


def record(job_dating: JobDating, acts: Sequence[Act], *, by: str = "") -> list[Act]:
    """Write gestures down, each once however often it is sent. Returns those that are about nobody of this job dating.

    A time in the future is now: a phone whose clock runs fast must not have the last word for ever. Raises NotAllowedNow when the desk is closed.
    """
    if not is_open(job_dating):
        raise NotAllowedNow("the desk is closed")
    query = select(Participant.id, Participant.delegates).where(Participant.job_dating_id == job_dating.id)
    known = {row.id: row.delegates for row in db.session.execute(query)}
    at = now()
    rows = [
        {
            "id": act.id,
            "participant_id": act.participant_id,
            "state": act.state,
            "delegates": act.delegates or known[act.participant_id],
            "round": act.round,
            "acted_at": min(act.acted_at, at),
            "received_at": at,
            "by": by,
        }
        for act in {act.id: act for act in acts}.values()
        if act.participant_id in known
    ]
    if rows:
        db.session.execute(insert(PresenceAct).values(rows).on_conflict_do_nothing(index_elements=[PresenceAct.id]))
    db.session.flush()
    return [act for act in acts if act.participant_id not in known]


def new_act(line: Line, state: PresenceState, number: int | None = None) -> Act:
    """A gesture made here and now about somebody on the list."""
    return Act(uuid4(), line.participant.id, state, now(), line.delegates, number)


def latest(job_dating: JobDating) -> dict[UUID, PresenceAct]:
    """Participant id → the gesture that counts: the last one by its own time, whenever it arrived."""
    query = select(PresenceAct).join(PresenceAct.participant).where(Participant.job_dating_id == job_dating.id)
    order = (PresenceAct.participant_id, PresenceAct.acted_at.desc(), PresenceAct.received_at.desc(), PresenceAct.id)
    return {act.participant_id: act for act in db.session.scalars(query.order_by(*order).ext(distinct_on(PresenceAct.participant_id)))}


def roster(job_dating: JobDating) -> list[Line]:
    """Those whom the day counts on, by name. Who declined, waits or asks is not on the list unless they came."""
    acts = latest(job_dating)
    there = [one for one in job_dating.participants if one.is_expected or one.id in acts]
    return [Line(one, acts.get(one.id)) for one in sorted(there, key=lambda one: (territories.fold(one.organisation.name), one.id))]


def history(job_dating: JobDating) -> list[PresenceAct]:
    """All gestures, the latest first."""
    query = select(PresenceAct).join(PresenceAct.participant).where(Participant.job_dating_id == job_dating.id)
    named = selectinload(PresenceAct.participant).joinedload(Participant.organisation)
    return list(db.session.scalars(query.options(named).order_by(PresenceAct.acted_at.desc(), PresenceAct.id)))


def absent(lines: Iterable[Line]) -> set[UUID]:
    """Ids of the structures that do not come."""
    return {line.participant.organisation_id for line in lines if line.state in ABSENT}


def people_here(lines: Iterable[Line]) -> int:
    return sum(line.delegates for line in lines if line.state is PresenceState.PRESENT)


def close_days() -> int:
    """Mark the meetings of the days that are over, for as long as gestures may still come. Returns how many meetings changed."""
    over = (JobDating.status == JobDatingStatus.PUBLISHED, JobDating.ends_at < now(), JobDating.ends_at >= now() - CLOSES)
    ids = db.session.scalars(select(JobDating.id).where(*over).order_by(JobDating.ends_at, JobDating.id)).all()
    return sum(mark_meetings(found) for key in ids if (found := job_datings.job_dating(key)) is not None)


def mark_meetings(job_dating: JobDating) -> int:
    """Which meetings of the plan were held and which were missed, as far as the desk knows. Returns how many changed.

    Who was never marked at the desk counts as there: hosts forget a gesture more easily than people forget to come.
    """
    lines, changed = {line.participant.organisation_id: line for line in roster(job_dating)}, 0
    for meeting in job_dating.meetings:
        if meeting.round is not None:
            ends = [lines.get(meeting.organisation_of(side).id) for side in Side]
            held = all(line is None or was_there(line, meeting.round, job_dating) for line in ends)
            status = MeetingStatus.HELD if held else MeetingStatus.MISSED
            changed += meeting.status is not status
            meeting.status = status
    db.session.flush()
    return changed


def was_there(line: Line, number: int, job_dating: JobDating) -> bool:
    """In this round (from 0), as far as the desk knows."""
    act = line.act
    if act is None or act.state in (PresenceState.PRESENT, PresenceState.EXPECTED):
        return True
    if act.state in ABSENT:
        return False
    turn = act.round if act.round is not None else day_programme.present_round(job_dating, act.acted_at)
    return number >= turn if act.state is PresenceState.LATE else number < turn
