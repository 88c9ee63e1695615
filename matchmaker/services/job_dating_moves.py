"""Changing a published job dating: its hours, its venue, its words, who meets whom; and telling exactly those for whom something is new."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Match, Meeting, Organisation, Participant, Venue
from matchmaker.services import invitations, job_dating_matches, job_dating_plans, job_datings, outbox, replanning, venues
from matchmaker.services.errors import EditedMeanwhile, NotAllowedNow


@dataclass(frozen=True)
class Facts:
    """What people see of a job dating, kept apart from the row: one can look at it before and after."""

    title: str
    theme: str
    venue: str
    starts_at: datetime
    ends_at: datetime
    first_round_at: datetime
    round_minutes: int
    rounds: int
    meetings: int
    participants: int


@dataclass(frozen=True)
class Moved:
    """What a change was, and whom it tells."""

    before: Facts
    after: Facts
    told: invitations.Told

    @property
    def differences(self) -> list[str]:
        """The names of the facts that are not as before."""
        return [field.name for field in fields(Facts) if getattr(self.before, field.name) != getattr(self.after, field.name)]

    @property
    def asks_again(self) -> bool:
        """Another day, hour or venue than those that were said yes to."""
        return bool({"starts_at", "venue"} & {*self.differences})

    @property
    def is_nothing(self) -> bool:
        told = self.told
        return not (self.differences or told.updated or told.invited or told.called_off or told.unreachable)


def facts(job_dating: JobDating) -> Facts:
    """The present facts."""
    return Facts(
        title=job_dating.title,
        theme=job_dating.theme,
        venue=f"{job_dating.venue.name}, {job_dating.venue.commune.name}",
        starts_at=job_dating.starts_at,
        ends_at=job_dating.ends_at,
        first_round_at=job_dating.round_starts_at(0),
        round_minutes=job_dating.round_minutes,
        rounds=job_dating.rounds,
        meetings=len(job_dating.planned),
        participants=len(job_dating.expected),
    )


def move(
    job_dating: JobDating,
    *,
    version: int,
    settings: outbox.MailSettings,
    venue: Venue | None = None,
    matches: Sequence[Match] | None = None,
    **changed: Any,
) -> Moved:
    """Change a published job dating that has not begun, and queue one mail for each guest whose event changes.

    ``changed`` are columns of the job dating; ``version`` is the one that was shown to whoever changes it. Without ``venue`` and
    ``matches`` those stay. Raises EditedMeanwhile, NotAllowedNow, and what stands in the way as at publication.
    """
    job_datings.lock(job_dating)
    check_can_move(job_dating)
    if job_dating.version != version:
        raise EditedMeanwhile(str(job_dating.id))
    lock_places(job_dating, venue or job_dating.venue, matches)
    before = facts(job_dating)
    for name, value in changed.items():
        setattr(job_dating, name, value)
    check_can_move(job_dating)
    rearrange(job_dating, venue=venue or job_dating.venue, matches=matches)
    db.session.flush()
    for obstacle in job_datings.obstacles(job_dating):
        raise obstacle
    moved = Moved(before, facts(job_dating), invitations.follow(job_dating, settings=settings))
    if not moved.is_nothing:
        job_dating.version += 1
    db.session.flush()
    return moved


def publish_changes(job_dating: JobDating, *, settings: outbox.MailSettings) -> invitations.Told:
    """Tell those whose meetings are not as they were told, and nobody else. Raises what stands in the way as at publication."""
    job_datings.lock(job_dating)
    check_can_move(job_dating)
    lock_places(job_dating, job_dating.venue, None)
    for obstacle in job_datings.obstacles(job_dating):
        raise obstacle
    return invitations.follow(job_dating, settings=settings)


@dataclass(frozen=True)
class Replanned:
    """What a new plan changes: meetings elsewhere than before, with a place for the first time, without one any more; whose day is not as told."""

    moved: int
    placed: int
    dropped: int
    told: int

    @property
    def is_nothing(self) -> bool:
        return not (self.moved or self.placed or self.dropped)


def replan(job_dating: JobDating, *, version: int, gently: bool = False) -> Replanned:
    """Plan anew before the day; what the host locked stays. Raises EditedMeanwhile, NotAllowedNow.

    ``gently``: what is published changes by the fewest moves with which all that can has a place. Otherwise whatever moves.
    """
    job_datings.lock(job_dating)
    if not job_dating.is_open or job_dating.has_begun:
        raise NotAllowedNow(job_dating.status)
    if job_dating.version != version:
        raise EditedMeanwhile(str(job_dating.id))
    job_dating.version += 1
    before = {meeting.id: (meeting.round, meeting.table_id) for meeting in job_dating.meetings}
    if job_dating.status is JobDatingStatus.DRAFT:
        job_dating_plans.plan(job_dating)
    elif gently:
        move_the_fewest(job_dating)
    else:
        job_dating_plans.plan_now(job_dating)
    after = {meeting.id: (meeting.round, meeting.table_id) for meeting in job_dating.meetings}
    changed = [(before[key], after[key]) for key in before if before[key] != after[key]]
    return Replanned(
        moved=sum(old[0] is not None and new[0] is not None for old, new in changed),
        placed=sum(old[0] is None for old, _new in changed),
        dropped=sum(new[0] is None for _old, new in changed),
        told=len(invitations.untold(job_dating)) if job_dating.status is JobDatingStatus.PUBLISHED else 0,
    )


def move_the_fewest(job_dating: JobDating) -> None:
    """Places for meetings that have none, by the shortest chain of moves each; what cannot stay where it is moves too."""
    waiting = {meeting.id for meeting in job_dating.meetings if meeting.round is None}
    asked = replanning.Asked(lost=frozenset(one.table_id for one in job_dating.lost_tables))
    replanning.write_places(replanning.propose(job_dating, asked, newcomers=waiting).moves)
    db.session.flush()


def check_can_move(job_dating: JobDating) -> None:
    """Nothing is said of a job dating in the past, and one that has begun is changed in the room."""
    if job_dating.status is not JobDatingStatus.PUBLISHED or job_dating.has_begun:
        raise NotAllowedNow(job_dating.status)


def lock_places(job_dating: JobDating, venue: Venue, matches: Sequence[Match] | None) -> None:
    """Of two that want a venue, or a match, one waits here and then sees what the other did. Always in the same order."""
    for place in sorted({job_dating.venue, venue}, key=lambda place: place.id):
        venues.lock(place)
    ids = [meeting.match_id for meeting in job_dating.meetings] + [match.id for match in matches or ()]
    db.session.execute(select(Match.id).where(Match.id.in_(ids)).order_by(Match.id).with_for_update())


def rearrange(job_dating: JobDating, *, venue: Venue, matches: Sequence[Match] | None) -> None:
    """Bring the meetings to this venue, and to these matches. Meetings that stay are the same rows, at the same venue in the same seats.

    Only where the new ones find no place around them is all planned anew.
    """
    is_same_venue = venue is job_dating.venue
    job_dating.venue = venue
    if matches is not None:
        job_dating_matches.check_can_meet(matches)
    wanted = {match.id: match for match in matches} if matches is not None else {meeting.match_id: meeting.match for meeting in job_dating.meetings}
    met = {meeting.match_id for meeting in job_dating.meetings}
    if is_same_venue and wanted.keys() == met:
        return
    if not is_same_venue:
        job_dating_plans.empty_seats(job_dating)
    job_dating.meetings[:] = [meeting for meeting in job_dating.meetings if meeting.match_id in wanted]
    stay = [one for one in job_dating.participants if not one.is_expected and not meets(one, wanted.values())]
    job_dating.participants[:] = participants_of(job_dating, [*wanted.values()]) + stay
    job_datings.check_accessible_tables(job_dating)
    # The old seats must be free before the new plan takes them.
    job_dating_matches.forget_unmet()
    job_dating.meetings += [Meeting(match=match) for match_id, match in wanted.items() if match_id not in met]
    if is_same_venue:
        job_dating_plans.plan_around(job_dating)
    if not is_same_venue or len(job_dating.planned) < len(job_dating.meetings):
        job_dating_plans.plan(job_dating)


def meets(participant: Participant, matches: Iterable[Match]) -> bool:
    return any(participant.organisation_id in (match.need.organisation_id, match.offer.organisation_id) for match in matches)


def participants_of(job_dating: JobDating, matches: Sequence[Match]) -> list[Participant]:
    """Those who meet somebody, with what was said of them before."""
    known = {participant.organisation_id: participant for participant in job_dating.participants}
    organisations: dict[UUID, Organisation] = {side.organisation.id: side.organisation for match in matches for side in (match.need, match.offer)}
    return [known.get(key) or Participant(organisation=organisation) for key, organisation in organisations.items()]
