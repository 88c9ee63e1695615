"""Several job datings of a year from one model: the dates, and who meets whom on which of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Match, Meeting, Need, Offer, Participant, Role, Room, Series, SeriesDate, User, Venue, WishKind
from matchmaker.models.base import PARIS
from matchmaker.services import feedback_memory, job_dating_matches, job_datings, venues
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.job_dating_programmes import wished_pairs


@dataclass(frozen=True)
class Place:
    """What one date holds: so many meetings in all, so many for each structure, so many structures."""

    meetings: int
    each: int
    structures: int


@dataclass(frozen=True)
class Spread:
    """How many pairs found a date, how many found none, and how many were left out because they met before."""

    placed: int
    left: int
    met_before: int


def prepare(venue: Venue, *, title: str, first: date, weeks: int, count: int, starts: time, ends: time, **rules: Any) -> Series:
    """A series of drafts at one venue, at the same hours on the clock there, so many weeks apart."""
    series = Series(venue=venue, title=title)
    for number in range(count):
        day = first + timedelta(weeks=weeks * number)
        starts_at, ends_at = (datetime.combine(day, hour.replace(tzinfo=None), PARIS).astimezone(UTC) for hour in (starts, ends))
        series.dates.append(SeriesDate(job_dating=job_datings.prepare(venue, title=title, starts_at=starts_at, ends_at=ends_at, **rules)))
    db.session.add(series)
    db.session.flush()
    return series


def drafts(series: Series) -> list[JobDating]:
    """Those of its dates that are still prepared and to come."""
    return [one for one in series.job_datings if one.status is JobDatingStatus.DRAFT and not one.is_past]


def share_out(series: Series) -> Spread:
    """Spread the pairs that said yes to each other over the drafts of the series, and plan each. Raises NotAllowedNow without a draft.

    A pair meets once in the series, and not at all if it met at an earlier job dating, unless one of the two wishes it. Who sat alone last
    time comes first. Nobody is asked to come on one more date than needed, as long as the dates stay about even.
    """
    venues.lock(series.venue)
    open_dates = drafts(series)
    if not open_dates:
        raise NotAllowedNow("no draft")
    held = [meeting.match for job_dating in open_dates for meeting in job_dating.meetings]
    asked = {match.id: match for match in (*held, *job_dating_matches.free_matches(series.venue)) if job_dating_matches.can_meet(match, frozenset())}
    ids = {organisation_id for match in asked.values() for organisation_id in structures(match)}
    wished = {pair for job_dating in open_dates for pair in wished_pairs(job_dating.participants, WishKind.MEET)}
    barred = {frozenset(pair) for pair in feedback_memory.already_met(ids) | elsewhere(series)} - wished
    first = feedback_memory.priority_after_no_show(ids)
    ordered = sorted(asked.values(), key=lambda match: (-max(first.get(one, 0) for one in structures(match)), -match.score, match.id))
    once: dict[frozenset[UUID], Match] = {}
    for match in ordered:
        once.setdefault(frozenset(structures(match)), match)
    met_before = len(barred.intersection(once))
    chosen = [match for pair, match in once.items() if pair not in barred]
    # What a host brought together for a date stays there.
    kept = [(number, meeting) for number, one in enumerate(open_dates) for meeting in one.meetings if meeting.is_locked or meeting.match.is_by_host]
    locked = {meeting.match_id: number for number, meeting in kept}
    fixed = [locked.get(match.id) for match in chosen]
    dates = spread([structures(match) for match in chosen], [place_of(job_dating) for job_dating in open_dates], fixed)
    for number, job_dating in enumerate(open_dates):
        job_datings.choose(job_dating, [match for match, there in zip(chosen, dates, strict=True) if there == number])
    return Spread(sum(there is not None for there in dates), sum(there is None for there in dates), met_before)


def spread(pairs: Sequence[tuple[UUID, UUID]], places: Sequence[Place], fixed: Sequence[int | None] = ()) -> list[int | None]:
    """The date of each pair, in their order; nothing for one that finds no place. ``fixed`` are dates that are given.

    Dates are filled evenly, and one on which both come already is taken before one on which nobody of them does.
    """
    even = -(-len(pairs) // max(len(places), 1))
    # So much more than the others a date may hold before somebody is asked to come on another day as well.
    enough = even + -(-even // 4)
    load = [0] * len(places)
    guests: list[Counter[UUID]] = [Counter() for _ in places]

    def newcomers(number: int, pair: tuple[UUID, UUID]) -> int:
        return sum(one not in guests[number] for one in pair)

    def fits(number: int, pair: tuple[UUID, UUID]) -> bool:
        place, there = places[number], guests[number]
        return load[number] < place.meetings and len(there) + newcomers(number, pair) <= place.structures and all(there[one] < place.each for one in pair)

    def take(number: int, pair: tuple[UUID, UUID]) -> None:
        load[number] += 1
        guests[number].update(pair)

    found: list[int | None] = [*fixed, *[None] * (len(pairs) - len(fixed))]
    for there, pair in zip(found, pairs, strict=True):
        if there is not None:
            take(there, pair)
    for row, pair in enumerate(pairs):
        if found[row] is None:
            fitting = [number for number in range(len(places)) if fits(number, pair)]
            found[row] = min(fitting, key=lambda number: (load[number] >= enough, newcomers(number, pair), load[number], number), default=None)
            if (best := found[row]) is not None:
                take(best, pair)
    return found


def place_of(job_dating: JobDating) -> Place:
    rounds = job_dating.rounds_that_fit
    return Place(rounds * len(job_dating.tables), min(rounds, job_dating.meetings_each or rounds), job_dating.venue.seats_for_guests)


def structures(match: Match) -> tuple[UUID, UUID]:
    return match.need.organisation_id, match.offer.organisation_id


def elsewhere(series: Series) -> set[tuple[UUID, UUID]]:
    """The pairs that meet at a date of the series which is published already."""
    there = [one for one in series.job_datings if one.status is JobDatingStatus.PUBLISHED]
    return {structures(meeting.match) for job_dating in there for meeting in job_dating.meetings}


def appearances(series: Series) -> dict[UUID, int]:
    """Structure → on how many dates of the series it is expected."""
    found: dict[UUID, int] = defaultdict(int)
    for job_dating in series.job_datings:
        if job_dating.status is not JobDatingStatus.CANCELLED:
            for participant in job_dating.expected:
                found[participant.organisation_id] += 1
    return dict(found)


def series(series_id: UUID) -> Series | None:
    """A series with its dates, their participants and meetings, in a fixed number of queries."""
    return db.session.scalars(with_everything(select(Series).where(Series.id == series_id))).one_or_none()


def in_hands_of(user: User) -> list[Series]:
    """The series that this person may run: a host those of its venues, an animator those of its territories; the newest first."""
    query = select(Series).join(Series.venue)
    if user.role is Role.HOST:
        query = query.where(Venue.organisation_id == user.organisation_id)
    elif user.role is not Role.ADMIN:
        query = query.where(Venue.territory_id.in_([territory.id for mine in user.territories for territory in (mine, *mine.children)]))
    dates = selectinload(Series.dates).joinedload(SeriesDate.job_dating)
    query = query.options(dates, joinedload(Series.venue).joinedload(Venue.commune)).order_by(Series.created_at.desc(), Series.id).limit(100)
    return list(db.session.scalars(query))


def with_everything(query: Select[Series]) -> Select[Series]:
    job_dating = selectinload(Series.dates).joinedload(SeriesDate.job_dating)
    match = job_dating.selectinload(JobDating.meetings).joinedload(Meeting.match)
    place = joinedload(Series.venue).options(joinedload(Venue.commune), selectinload(Venue.rooms).selectinload(Room.tables), selectinload(Venue.hours))
    people = job_dating.selectinload(JobDating.participants)
    return query.options(
        place,
        people.joinedload(Participant.organisation),
        people.selectinload(Participant.wishes),
        job_dating.selectinload(JobDating.lost_tables),
        match.joinedload(Match.need).joinedload(Need.organisation),
        match.joinedload(Match.offer).joinedload(Offer.organisation),
    )
