"""What those who met say of it, in a minute: opened by their personal link, from the meeting on and for two weeks."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, joinedload

from matchmaker.extensions import db
from matchmaker.models import Feedback, JobDating, JobDatingStatus, Match, Meeting, MeetingStatus, Need, Offer, Organisation, Participant, Side, Venue
from matchmaker.models.base import now
from matchmaker.services.errors import NotAllowedNow

OPEN_FOR = timedelta(days=14)
NOT_HELD = (MeetingStatus.MISSED, MeetingStatus.CANCELLED)


class Said(enum.StrEnum):
    """One tap."""

    USEFUL = "useful"
    NOT_USEFUL = "not_useful"
    AGAIN = "again"
    NEXT_STEP = "next_step"
    SKIP = "skip"


@dataclass(frozen=True)
class Question:
    """A meeting that has begun, whom it was with, and what was said of it so far."""

    meeting: Meeting
    other: Organisation
    feedback: Feedback | None

    @property
    def is_answered(self) -> bool:
        return self.feedback is not None


def participant(participant_id: UUID) -> Participant | None:
    query = select(Participant).where(Participant.id == participant_id)
    venue = joinedload(Participant.job_dating).joinedload(JobDating.venue).joinedload(Venue.commune)
    return db.session.scalars(query.options(joinedload(Participant.organisation), venue)).one_or_none()


def is_open(job_dating: JobDating) -> bool:
    """May one speak of it? From its start on, until two weeks after its end."""
    return job_dating.status is JobDatingStatus.PUBLISHED and job_dating.starts_at <= now() <= job_dating.ends_at + OPEN_FOR


def questions(participant: Participant) -> list[Question]:
    """The meetings of this structure that have begun, in their order. Those that did not take place ask nothing."""
    job_dating, mine = participant.job_dating, participant.organisation_id
    query = meetings().where(Meeting.job_dating_id == job_dating.id, Meeting.round.is_not(None), Meeting.status.not_in(NOT_HELD))
    query = query.where(or_(Need.organisation_id == mine, Offer.organisation_id == mine)).order_by(Meeting.round, Meeting.id)
    begun = [meeting for meeting in db.session.scalars(query) if job_dating.round_starts_at(meeting.round or 0) <= now()]
    said = {one.meeting_id: one for one in feedback_of([meeting.id for meeting in begun]) if one.organisation_id == mine}
    return [Question(meeting, other_side(meeting, mine), said.get(meeting.id)) for meeting in begun]


def say(participant: Participant, meeting_id: UUID, said: Said) -> Feedback:
    """Write a tap down; the same one again takes it back, except a skip. Raises NotAllowedNow when the door is closed, LookupError for no meeting of theirs."""
    if not is_open(participant.job_dating):
        raise NotAllowedNow("closed")
    if meeting_id not in {question.meeting.id for question in questions(participant)}:
        raise LookupError(meeting_id)
    key = {"meeting_id": meeting_id, "organisation_id": participant.organisation_id}
    # Two taps at once, of two phones: the second waits here, then sees what the first one wrote.
    db.session.execute(insert(Feedback).values(**key).on_conflict_do_nothing(index_elements=[*key]))
    feedback = db.session.scalars(select(Feedback).filter_by(**key).with_for_update().execution_options(populate_existing=True)).one()
    write(feedback, said)
    db.session.flush()
    return feedback


def write(feedback: Feedback, said: Said) -> None:
    feedback.is_skipped, feedback.said_at = said is Said.SKIP, now()
    match said:
        case Said.SKIP:
            feedback.is_useful, feedback.wants_again, feedback.has_next_step = None, False, False
        case Said.USEFUL:
            feedback.is_useful = None if feedback.is_useful else True
        case Said.NOT_USEFUL:
            feedback.is_useful = None if feedback.is_useful is False else False
        case Said.AGAIN:
            feedback.wants_again = not feedback.wants_again
        case Said.NEXT_STEP:
            feedback.has_next_step = not feedback.has_next_step


def meetings() -> Select[Meeting]:
    """Meetings with both structures, in one query."""
    match, need, offer = contains_eager(Meeting.match), Match.need, Match.offer
    query = select(Meeting).join(Meeting.match).join(need).join(offer)
    return query.options(match.contains_eager(need).joinedload(Need.organisation), match.contains_eager(offer).joinedload(Offer.organisation))


def other_side(meeting: Meeting, organisation_id: UUID) -> Organisation:
    need, offer = meeting.organisation_of(Side.NEED), meeting.organisation_of(Side.OFFER)
    return offer if need.id == organisation_id else need


def feedback_of(meeting_ids: Sequence[UUID]) -> list[Feedback]:
    return list(db.session.scalars(select(Feedback).where(Feedback.meeting_id.in_(meeting_ids))))
