"""Job datings: preparing one, choosing who meets whom, planning the rounds, publishing, cancelling."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

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
    Room,
    Venue,
)
from matchmaker.models.base import now, today
from matchmaker.services import invitation_budgets, invitations, job_dating_groups, job_dating_matches, job_dating_plans, outbox, venue_bookings, venues
from matchmaker.services.errors import (
    DomainError,
    EditedMeanwhile,
    MatchesTaken,
    MeetingsLost,
    NoAccessibleTable,
    NotAllowedNow,
    PlanUnderWay,
    RoundsDoNotFit,
    TooManyPeople,
    VenueBlocked,
    VenueTaken,
)
from matchmaker.services.job_dating_programmes import ends


def prepare(venue: Venue, *, title: str, starts_at: datetime, ends_at: datetime, **fields: Any) -> JobDating:
    """A job dating at a venue, as a draft without meetings."""
    job_dating = JobDating(venue=venue, title=title, starts_at=starts_at, ends_at=ends_at, **fields)
    db.session.add(job_dating)
    db.session.flush()
    return job_dating


def reschedule(job_dating: JobDating, *, starts_at: datetime, ends_at: datetime, version: int | None = None, **fields: Any) -> None:
    """Change the venue, hours, lengths or words of a draft. Rounds follow one another whatever their length: the plan stays, at the same tables.

    Raises EditedMeanwhile when it is not in the ``version`` that was shown any more.
    """
    lock(job_dating)
    if job_dating.status is not JobDatingStatus.DRAFT:
        raise NotAllowedNow(job_dating.status)
    if version not in (None, job_dating.version):
        raise EditedMeanwhile(str(job_dating.id))
    job_dating.version += 1
    before = job_dating.venue
    for name, value in {"starts_at": starts_at, "ends_at": ends_at, **fields}.items():
        setattr(job_dating, name, value)
    if job_dating.venue is not before:
        job_dating_plans.empty_seats(job_dating)
        job_dating_plans.plan(job_dating)
    db.session.flush()


def choose(job_dating: JobDating, matches: Sequence[Match], *, version: int | None = None) -> None:
    """Replace the meetings by those of these mutual matches, and plan the rounds anew. Raises TooManyPeople, EditedMeanwhile."""
    lock_draft(job_dating, version=version)
    job_dating_matches.check_can_meet(matches, job_dating_matches.agreed(job_dating))
    job_dating.version += 1
    pair(job_dating, matches)
    check_headcount(job_dating, job_dating_groups.people(job_dating))
    job_dating_plans.plan(job_dating)
    db.session.flush()


def pair(job_dating: JobDating, matches: Sequence[Match]) -> None:
    """These meetings instead of those there are. Who meets nobody any more goes; who was added without a meeting stays; what was said of who stays is kept."""
    met = {key for meeting in job_dating.meetings for key in ends(meeting)}
    known = {participant.organisation_id: participant for participant in job_dating.participants}
    organisations = {organisation.id: organisation for match in matches for organisation in (match.need.organisation, match.offer.organisation)}
    stay = [one for key, one in known.items() if key not in organisations and (key not in met or not one.is_expected)]
    job_dating.participants = [known.get(key) or Participant(organisation=organisation) for key, organisation in organisations.items()] + stay
    locked = {meeting.match_id: (meeting.round, meeting.table) for meeting in job_dating.meetings if meeting.is_locked}
    job_dating.meetings.clear()
    # The old seats must be free before the new plan takes them.
    db.session.flush()
    job_dating.meetings = [Meeting(match=match) for match in matches]
    for meeting in job_dating.meetings:
        if meeting.match.id in locked:
            meeting.round, meeting.table = locked[meeting.match.id]
            meeting.is_locked = True
    job_dating_matches.forget_unmet()


def set_rhythm(job_dating: JobDating, *, version: int | None = None, **fields: Any) -> None:
    """Write how many meetings each has and who stays seated, and plan anew. Raises EditedMeanwhile."""
    lock_draft(job_dating, version=version)
    job_dating.version += 1
    for name, value in fields.items():
        setattr(job_dating, name, value)
    job_dating_plans.plan(job_dating)
    db.session.flush()


def adjust(job_dating: JobDating, wishes: Mapping[UUID, tuple[int, bool]], *, version: int | None = None) -> None:
    """Write how many people each participant sends and whether they need an accessible table, and plan the rounds anew.

    ``wishes`` is participant id → (delegates, needs accessible). Raises TooManyPeople, EditedMeanwhile, and NoAccessibleTable when there is none for who
    needs one.
    """
    lock_draft(job_dating, version=version)
    job_dating.version += 1
    for participant in job_dating.participants:
        participant.delegates, participant.needs_accessible = wishes.get(participant.id, (participant.delegates, participant.needs_accessible))
    check_headcount(job_dating, job_dating_groups.people(job_dating))
    check_accessible_tables(job_dating)
    job_dating_plans.plan(job_dating)
    db.session.flush()


def check_accessible_tables(job_dating: JobDating) -> None:
    if any(participant.needs_accessible for participant in job_dating.participants) and not any(table.is_accessible for table in job_dating.tables):
        raise NoAccessibleTable("no table is accessible")


def lock_draft(job_dating: JobDating, *, version: int | None = None) -> None:
    """Wait for whoever is changing it, and read it again, so that a button pressed twice acts once.

    Raises NotAllowedNow unless a draft to come, EditedMeanwhile when it is not in the ``version`` that was shown any more.
    """
    lock(job_dating)
    if job_dating.status is not JobDatingStatus.DRAFT or job_dating.is_past:
        raise NotAllowedNow(job_dating.status)
    if version not in (None, job_dating.version):
        raise EditedMeanwhile(str(job_dating.id))


def lock(job_dating: JobDating) -> None:
    db.session.refresh(job_dating, JobDating.__table__.columns.keys(), with_for_update=True)
    db.session.expire(job_dating, ["meetings", "participants", "lost_tables"])


def check_headcount(job_dating: JobDating, people: int) -> None:
    if people > job_dating.venue.seats_for_guests:
        raise TooManyPeople(people + job_dating.venue.staff_count, job_dating.venue.authorised_headcount)


def publish(job_dating: JobDating, *, settings: outbox.MailSettings) -> list[Invitation]:
    """Open it and queue one invitation per organisation, in the same transaction. Raises the first of its obstacles.

    Who accepts no more solicitations this week or month is not invited, and waits.
    """
    lock_draft(job_dating)
    # Of two that want the venue, or the same match, one waits here and then sees what the other published.
    venues.lock(job_dating.venue)
    chosen = select(Meeting.match_id).where(Meeting.job_dating_id == job_dating.id)
    db.session.execute(select(Match.id).where(Match.id.in_(chosen)).order_by(Match.id).with_for_update())
    for obstacle in obstacles(job_dating):
        raise obstacle
    reserved = invitation_budgets.reserve(job_dating, day=today())
    settle_guests(job_dating)
    job_dating.status = JobDatingStatus.PUBLISHED
    job_dating.published_at = now()
    invited = invitations.invite(job_dating, settings=settings)
    invitation_budgets.keep(invited, reserved, day=today())
    return invited


def settle_guests(job_dating: JobDating) -> None:
    """Who has no meeting waits for one and is not invited yet; meetings of two who come and for which there is no place are given up."""
    busy = {key for meeting in job_dating.meetings if meeting.round is not None for key in ends(meeting)}
    for participant in job_dating.expected:
        if participant.organisation_id not in busy:
            participant.state, participant.waiting_since = ParticipantState.WAITING, now()
    expected = {participant.organisation_id for participant in job_dating.expected}
    job_dating.meetings[:] = [meeting for meeting in job_dating.meetings if meeting.round is not None or not expected.issuperset(ends(meeting))]
    job_dating_matches.forget_unmet()


def obstacles(job_dating: JobDating) -> list[DomainError]:
    """Why a draft cannot be published as it is: NotAllowedNow for a meeting without a table, RoundsDoNotFit and the others by their names."""
    found: list[DomainError] = []
    if job_dating.plan_due_at is not None:
        found.append(PlanUnderWay("a worker owes the plan"))
    elif not any(meeting.round is not None for meeting in job_dating.meetings):
        found.append(NotAllowedNow("no meeting has a table"))
    if lost := job_dating_matches.count_lost(job_dating):
        found.append(MeetingsLost(lost))
    if job_dating.rounds > job_dating.rounds_that_fit:
        found.append(RoundsDoNotFit(job_dating.rounds, job_dating.rounds_that_fit))
    try:
        check_headcount(job_dating, job_dating_groups.people(job_dating))
    except TooManyPeople as error:
        found.append(error)
    if taken := taken_elsewhere(job_dating):
        found.append(MatchesTaken(taken))
    if same_hours := at_the_same_hours(job_dating):
        found.append(VenueTaken(same_hours))
    if kept := venue_bookings.blocked(job_dating.venue, job_dating.starts_at, job_dating.ends_at):
        found.append(VenueBlocked(kept))
    return found


def taken_elsewhere(job_dating: JobDating) -> list[Meeting]:
    """The meetings of other published job datings whose matches were chosen here too."""
    chosen = select(Meeting.match_id).where(Meeting.job_dating_id == job_dating.id)
    match = joinedload(Meeting.match)
    query = (
        select(Meeting)
        .join(Meeting.job_dating)
        .where(Meeting.match_id.in_(chosen), JobDating.id != job_dating.id, JobDating.status == JobDatingStatus.PUBLISHED)
        .options(joinedload(Meeting.job_dating), match.joinedload(Match.need).joinedload(Need.organisation))
        .options(match.joinedload(Match.offer).joinedload(Offer.organisation))
        .order_by(JobDating.starts_at, Meeting.id)
    )
    return list(db.session.scalars(query))


def at_the_same_hours(job_dating: JobDating) -> JobDating | None:
    """Another published job dating at the same venue whose hours overlap."""
    there = (JobDating.venue_id == job_dating.venue_id, JobDating.status == JobDatingStatus.PUBLISHED, JobDating.id != job_dating.id)
    overlap = (JobDating.starts_at < job_dating.ends_at, JobDating.ends_at > job_dating.starts_at)
    return db.session.scalars(select(JobDating).where(*there, *overlap).order_by(JobDating.starts_at).limit(1)).one_or_none()


def cancel(job_dating: JobDating, *, settings: outbox.MailSettings) -> None:
    """Call it off; those who were invited get a cancellation for their calendar."""
    lock(job_dating)
    if not job_dating.is_open:
        raise NotAllowedNow(job_dating.status)
    was_published = job_dating.status is JobDatingStatus.PUBLISHED
    job_dating.status = JobDatingStatus.CANCELLED
    if was_published:
        invitations.cancel(job_dating, settings=settings)


def job_dating(job_dating_id: UUID) -> JobDating | None:
    """One job dating with its venue, tables, participants and meetings, in a fixed number of queries."""
    meetings = selectinload(JobDating.meetings)
    match, participants = meetings.joinedload(Meeting.match), selectinload(JobDating.participants)
    query = (
        select(JobDating)
        .where(JobDating.id == job_dating_id)
        .options(
            joinedload(JobDating.venue).joinedload(Venue.commune),
            joinedload(JobDating.venue).joinedload(Venue.organisation),
            joinedload(JobDating.venue).selectinload(Venue.rooms).selectinload(Room.tables),
            joinedload(JobDating.territory),
            selectinload(JobDating.lost_tables),
            participants.joinedload(Participant.organisation).joinedload(Organisation.commune),
            participants.joinedload(Participant.fixed_table),
            participants.selectinload(Participant.wishes),
            meetings.joinedload(Meeting.table),
            match.joinedload(Match.need).joinedload(Need.organisation),
            match.joinedload(Match.offer).joinedload(Offer.organisation),
        )
    )
    return db.session.scalars(query).one_or_none()


def answers(job_dating: JobDating) -> dict[UUID, Invitation]:
    """Organisation id → its invitation, for those that are expected."""
    query = select(Invitation).where(Invitation.job_dating_id == job_dating.id, Invitation.withdrawn_at.is_(None))
    return {invitation.organisation_id: invitation for invitation in db.session.scalars(query)}
