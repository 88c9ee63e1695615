"""Who comes to a job dating: added by the host, asking to come, waiting, leaving; and how each says that it comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import aliased

from matchmaker.extensions import db
from matchmaker.models import (
    Invitation,
    JobDating,
    JobDatingStatus,
    Match,
    Meeting,
    Need,
    Offer,
    Organisation,
    Participant,
    ParticipantState,
    Wish,
    WishKind,
)
from matchmaker.models.base import PARIS, now, today
from matchmaker.services import asking_budgets, invitation_budgets, invitations, job_dating_groups, job_dating_matches, job_dating_plans, job_datings, outbox
from matchmaker.services.errors import NoAccessibleTable, NotAllowedNow, OutsideTheDay
from matchmaker.services.job_dating_programmes import ends

EXPECTED = (ParticipantState.INVITED, ParticipantState.CONFIRMED)
FORGET_AFTER_DAYS = 1


@dataclass(frozen=True)
class Coming:
    """How a structure comes, in its own words."""

    delegates: int = 1
    arrives_at: datetime | None = None
    leaves_at: datetime | None = None
    needs_accessible: bool = False
    access_note: str = ""
    wishes: Mapping[UUID, WishKind] = field(default_factory=dict)


def add(job_dating: JobDating, organisation: Organisation, *, state: ParticipantState = ParticipantState.INVITED) -> Participant:
    """Add a structure to those that come, with the meetings that it can have with them. Raises TooManyPeople, NotAllowedNow when it is there already."""
    lock_open(job_dating)
    if participant_of(job_dating, organisation) is not None:
        raise NotAllowedNow("it is there already")
    participant = Participant(organisation=organisation, state=state)
    job_dating.participants.append(participant)
    db.session.flush()
    check_room(job_dating)
    meet_the_others(job_dating, participant)
    return participant


def remove(job_dating: JobDating, participant: Participant) -> None:
    """Take a structure off a draft, with its meetings."""
    job_datings.lock_draft(job_dating)
    job_dating.meetings[:] = [meeting for meeting in job_dating.meetings if participant.organisation_id not in ends(meeting)]
    job_dating.participants.remove(participant)
    job_dating_matches.forget_unmet()
    replan(job_dating)


def register(job_dating: JobDating, organisation: Organisation) -> Participant:
    """A structure asks to come; the host decides. Asked twice it is one request. Raises NotAllowedNow when nobody may ask."""
    lock_open(job_dating)
    if not job_dating.is_registration_open or job_dating.has_begun:
        raise NotAllowedNow("registration is closed")
    participant = participant_of(job_dating, organisation)
    if participant is None:
        participant = Participant(organisation=organisation, state=ParticipantState.REQUESTED)
        job_dating.participants.append(participant)
        db.session.flush()
    return participant


def open_registration(job_dating: JobDating, *, is_open: bool) -> None:
    """Let structures ask to come, or no longer."""
    lock_open(job_dating)
    job_dating.is_registration_open = is_open
    job_dating.version += 1
    db.session.flush()


def accept(job_dating: JobDating, participant: Participant) -> None:
    """Let a structure come that asked to, or put it on the waiting list when the house is full. It asked: that is its yes."""
    lock_open(job_dating)
    if participant.state is not ParticipantState.REQUESTED:
        raise NotAllowedNow(participant.state)
    if room_left(job_dating) < participant.delegates:
        participant.state, participant.waiting_since = ParticipantState.WAITING, now()
        db.session.flush()
        return
    participant.state = ParticipantState.CONFIRMED
    db.session.flush()
    meet_the_others(job_dating, participant)


def refuse(job_dating: JobDating, participant: Participant) -> None:
    """Say no to a structure that asked to come."""
    lock_open(job_dating)
    if participant.state not in (ParticipantState.REQUESTED, ParticipantState.WAITING):
        raise NotAllowedNow(participant.state)
    job_dating.meetings[:] = [meeting for meeting in job_dating.meetings if participant.organisation_id not in ends(meeting)]
    job_dating.participants.remove(participant)
    job_dating_matches.forget_unmet()


def say_how(participant: Participant, coming: Coming, *, by_itself: bool = True) -> None:
    """Write how a structure comes. What stands of the plan stays; a meeting that cannot be any more finds another place, if there is one.

    Raises TooManyPeople, OutsideTheDay, NoAccessibleTable, NotAllowedNow when it does not come, or the day has begun.
    """
    job_dating = participant.job_dating
    lock_open(job_dating)
    if not participant.is_expected or job_dating.has_begun:
        raise NotAllowedNow(participant.state)
    if coming.needs_accessible and not any(table.is_accessible for table in job_dating.tables):
        raise NoAccessibleTable("no table is accessible")
    participant.delegates = coming.delegates
    check_room(job_dating)
    participant.arrives_at, participant.leaves_at = window(job_dating, coming.arrives_at, coming.leaves_at)
    participant.needs_accessible, participant.access_note = coming.needs_accessible, coming.access_note
    write_wishes(job_dating, participant, coming.wishes)
    if by_itself:
        participant.said_at = now()
    db.session.flush()
    replan(job_dating)


def window(job_dating: JobDating, arrives_at: datetime | None, leaves_at: datetime | None) -> tuple[datetime | None, datetime | None]:
    """When it is there, where that is not the whole time. Raises OutsideTheDay."""
    arrives = arrives_at if arrives_at is not None and arrives_at > job_dating.starts_at else None
    leaves = leaves_at if leaves_at is not None and leaves_at < job_dating.ends_at else None
    if (arrives or job_dating.starts_at) >= (leaves or job_dating.ends_at):
        raise OutsideTheDay(f"{arrives_at} to {leaves_at}")
    return arrives, leaves


def write_wishes(job_dating: JobDating, participant: Participant, wishes: Mapping[UUID, WishKind]) -> None:
    """Only wishes about others who take part count: nothing can be learnt by naming somebody else."""
    others = {one.organisation_id for one in job_dating.participants} - {participant.organisation_id}
    participant.wishes.clear()
    db.session.flush()
    participant.wishes = [Wish(organisation_id=key, kind=kind) for key, kind in sorted(wishes.items()) if key in others]


def settle(job_dating: JobDating, *, settings: outbox.MailSettings) -> list[Participant]:
    """After answers: free the places of who does not come, put back who changed its mind, and let in who waits, in order. Tells who was let in."""
    job_datings.lock(job_dating)
    if job_dating.status is not JobDatingStatus.PUBLISHED or job_dating.has_begun:
        return []
    replan(job_dating)
    if room_left(job_dating) < 0:
        busy = {key for meeting in job_dating.meetings if meeting.round is not None for key in ends(meeting)}
        # Somebody took the place of who had said no, and now says yes.
        for participant in job_dating.expected:
            if participant.organisation_id not in busy:
                participant.state, participant.waiting_since = ParticipantState.WAITING, now()
    promoted = promote(job_dating)
    job_dating.updated_at = now()
    db.session.flush()
    if promoted:
        reserved = invitation_budgets.reserve(job_dating, day=today())
        new = {participant.organisation_id for participant in promoted}
        expected = [one for one in invitations.expect_participants(job_dating) if one.organisation_id in new]
        invitations.tell(job_dating, expected, settings=settings)
        invitation_budgets.keep(expected, reserved, day=today())
    return promoted


def promote(job_dating: JobDating) -> list[Participant]:
    """Let in who waits, the first that came first, as long as there is room in the house and a meeting to hold."""
    promoted = []
    waiting = [participant for participant in job_dating.participants if participant.waiting_since is not None]
    full = invitation_budgets.without_room({participant.organisation for participant in waiting}, day=today())
    waiting = [participant for participant in waiting if participant.organisation_id not in full]
    for participant in sorted(waiting, key=lambda one: (one.waiting_since, one.id)):
        since = participant.waiting_since
        if participant.delegates > room_left(job_dating):
            break
        participant.state, participant.waiting_since = ParticipantState.INVITED, None
        meet_the_others(job_dating, participant)
        if any(meeting.round is not None and participant.organisation_id in ends(meeting) for meeting in job_dating.meetings):
            promoted.append(participant)
        else:
            participant.state, participant.waiting_since = ParticipantState.WAITING, since
            db.session.flush()
    return promoted


def meet_the_others(job_dating: JobDating, participant: Participant) -> None:
    """Add the meetings that this structure can have with those that come, and find places for them."""
    expected = {one.organisation_id for one in job_dating.expected}
    there = {meeting.match_id for meeting in job_dating.meetings}
    for match in job_dating_matches.free_matches(job_dating.venue, beside=job_dating):
        pair = {match.need.organisation_id, match.offer.organisation_id}
        if match.id not in there and participant.organisation_id in pair and pair <= expected:
            job_dating.meetings.append(Meeting(match=match))
    db.session.flush()
    replan(job_dating)


def replan(job_dating: JobDating) -> None:
    """A draft is planned anew; what is published changes as little as it can."""
    job_dating.version += 1
    if job_dating.status is JobDatingStatus.DRAFT:
        job_dating_plans.plan(job_dating)
    else:
        job_dating_plans.plan_around(job_dating)


def lock_open(job_dating: JobDating) -> None:
    job_datings.lock(job_dating)
    if not job_dating.is_open:
        raise NotAllowedNow(job_dating.status)


def check_room(job_dating: JobDating) -> None:
    job_datings.check_headcount(job_dating, job_dating_groups.people(job_dating))


def room_left(job_dating: JobDating) -> int:
    """How many people more the house may receive."""
    return job_dating.venue.seats_for_guests - job_dating_groups.people(job_dating)


def participant_of(job_dating: JobDating, organisation: Organisation) -> Participant | None:
    return next((one for one in job_dating.participants if one.organisation_id == organisation.id), None)


def waiting_list(job_dating: JobDating) -> list[Participant]:
    """Who waits, the first that came first."""
    return sorted((one for one in job_dating.participants if one.waiting_since is not None), key=lambda one: (one.waiting_since, one.id))


def requests(job_dating: JobDating) -> list[Participant]:
    """Who asked to come and has no answer."""
    return [one for one in job_dating.participants if one.state is ParticipantState.REQUESTED]


def to_settle() -> Sequence[UUID]:
    """Published job datings to come where somebody with meetings no longer comes, or where an answer came since they were last looked at."""
    need, offer = aliased(Need), aliased(Offer)
    leaves = exists(
        select(Meeting.id)
        .join(Match, Match.id == Meeting.match_id)
        .join(need, need.id == Match.need_id)
        .join(offer, offer.id == Match.offer_id)
        .join(Participant, Participant.job_dating_id == Meeting.job_dating_id)
        .where(Meeting.job_dating_id == JobDating.id, Meeting.round.is_not(None), Participant.state.not_in(EXPECTED))
        .where(Participant.organisation_id.in_((need.organisation_id, offer.organisation_id)))
    )
    said = exists(select(Invitation.id).where(Invitation.job_dating_id == JobDating.id, Invitation.answered_at > JobDating.updated_at))
    # Who was solicited as often as it accepts may be invited when a week or a month begins.
    begins = datetime.combine(max(asking_budgets.starts(today()).values()), time(), PARIS)
    may_come = (JobDating.updated_at < begins) & exists(
        select(Participant.id).where(Participant.job_dating_id == JobDating.id, Participant.state == ParticipantState.WAITING)
    )
    query = select(JobDating.id).where(JobDating.status == JobDatingStatus.PUBLISHED, JobDating.starts_at > now(), or_(leaves, said, may_come))
    return db.session.scalars(query.order_by(JobDating.starts_at, JobDating.id)).all()


def forget_needs(*, today_began_at: datetime) -> int:
    """Forget what people need to take part, once the day is over. Returns how many rows knew something."""
    over = select(JobDating.id).where(JobDating.ends_at < today_began_at)
    known = or_(Participant.needs_accessible, Participant.access_note != "")
    changed = update(Participant).where(Participant.job_dating_id.in_(over), known).values(needs_accessible=False, access_note="")
    count = len(db.session.scalars(changed.returning(Participant.id)).all())
    db.session.execute(delete(Wish).where(Wish.participant_id.in_(select(Participant.id).where(Participant.job_dating_id.in_(over)))))
    return count
