"""The facts of twelve months, read from the database in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, aliased

from matchmaker.extensions import db
from matchmaker.models import (
    Commune,
    Feedback,
    JobDating,
    JobDatingStatus,
    Match,
    MatchStatus,
    Meeting,
    MeetingStatus,
    Need,
    Offer,
    Organisation,
    Outcome,
    Participant,
    ParticipantState,
    Pool,
    PoolShare,
    PoolStatus,
    PresenceAct,
    PresenceState,
    Proposal,
    ProposalStatus,
    Result,
    Room,
    Side,
    Status,
    Table,
    Venue,
)
from matchmaker.models.base import PARIS
from matchmaker.models.pools import GONE
from matchmaker.services import feedback_memory, outcomes, territories, working_days
from matchmaker.services.indicators_facts import (
    Asked,
    Came,
    Card,
    Cooperation,
    Followed,
    Gathering,
    Paired,
    Planned,
    Posted,
    Shared,
    Word,
    World,
)

ANSWERED = (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED)
Homes = dict[str, tuple[int, ...]]


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Paris."""
    return datetime.combine(day, datetime.min.time(), PARIS)


def paris_day(moment: datetime) -> date:
    return moment.astimezone(PARIS).date()


def world(first: date, day: date) -> World:
    """All that happened from the first day to the last one, both included, as it is known now. Seventeen queries."""
    since, until = midnight(first), midnight(day + timedelta(days=1))
    homes: Homes = dict(territories.homes())
    told = World(day)
    told.posted.extend([*posted(Need, Side.NEED, since, until, homes), *posted(Offer, Side.OFFER, since, until, homes)])
    told.asked.extend(asked(since, until, homes))
    told.paired.extend(paired(since, until, homes))
    told.followed.extend(followed(since, until, homes))
    told.cooperations.extend(cooperations(since, until, homes))
    told.shared.extend(shared(since, until, homes))
    told.cards.extend(cards(until, homes))
    days = job_datings(since, until, homes)
    away = feedback_memory.absent(days)
    told.planned.extend(planned(days, away))
    told.came.extend(came(days))
    told.words.extend(words(days))
    told.gatherings.extend(gatherings(days))
    return told


def within(column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None], since: datetime, until: datetime) -> ColumnElement[bool]:
    return (column >= since) & (column < until)


def posted(model: type[Need] | type[Offer], side: Side, since: datetime, until: datetime, homes: Homes) -> Iterable[Posted]:
    """Successions in confidence do not count: that there is one could be told from a difference."""
    link = Match.need_id if model is Need else Match.offer_id
    first = (
        select(link.label("id"), func.min(Proposal.proposed_at).label("at")).join(Proposal.match).where(Proposal.proposed_at < until).group_by(link).subquery()
    )
    query = select(model.id, model.published_at, model.commune_code, model.category, first.c.at).outerjoin(first, first.c.id == model.id)
    shown = (model.status != Status.DRAFT, model.is_confidential.is_(False), within(model.published_at, since, until))
    for row_id, at, commune, category, served_at in db.session.execute(query.where(*shown).order_by(model.published_at, model.id)):
        after = max(0, (paris_day(served_at) - paris_day(at)).days) if served_at else None
        yield Posted(row_id, paris_day(at), homes.get(commune, ()), side, category, after)


def asked(since: datetime, until: datetime, homes: Homes) -> list[Asked]:
    """Proposals count where the need is. What was answered later than the day was not, on that day.

    Two whom a host brought together and who then wanted more were never sent a proposal: they count among the mutual yes only.
    """
    columns = (Proposal.id, Proposal.proposed_at, Proposal.answered_at, Proposal.status, Proposal.match_id, Match.confirmed_at, Need.commune_code)
    query = select(*columns).join(Proposal.match).join(Match.need).where(within(Proposal.proposed_at, since, until), Match.run_id.is_not(None))
    rows = db.session.execute(query.order_by(Proposal.proposed_at, Proposal.id)).all()
    replied = [row.status in ANSWERED and row.answered_at is not None and row.answered_at < until for row in rows]
    told = [(paris_day(row.proposed_at), paris_day(row.answered_at)) for row, is_in in zip(rows, replied, strict=True) if is_in]
    days = iter(working_days_between(told))
    return [
        Asked(
            row.id,
            paris_day(row.proposed_at),
            homes.get(row.commune_code, ()),
            match_id=row.match_id,
            is_answered=is_in,
            days=next(days) if is_in else None,
            is_mutual=row.confirmed_at is not None and row.confirmed_at < until,
        )
        for row, is_in in zip(rows, replied, strict=True)
    ]


def working_days_between(pairs: list[tuple[date, date]]) -> list[int]:
    """Working days from each first day to its last one; 0 on the same day."""
    if not pairs:
        return []
    years = range(min(first for first, _ in pairs).year, max(last for _, last in pairs).year + 1)
    free = np.array(sorted(day for year in years for day in working_days.holidays_of(year)), dtype="datetime64[D]")
    firsts, lasts = (np.array(days, dtype="datetime64[D]") for days in zip(*pairs, strict=True))
    return [int(number) for number in np.maximum(0, np.busday_count(firsts, lasts, holidays=free))]


def paired(since: datetime, until: datetime, homes: Homes) -> Iterable[Paired]:
    query = select(Match.id, Match.confirmed_at, Need.commune_code, Offer.commune_code).join(Match.need).join(Match.offer)
    query = query.where(within(Match.confirmed_at, since, until), Match.status.in_((MatchStatus.CONFIRMED, MatchStatus.ENDED)))
    for row_id, at, need, offer in db.session.execute(query.order_by(Match.confirmed_at, Match.id)):
        if at is not None:
            one, other = homes.get(need, ()), homes.get(offer, ())
            yield Paired(row_id, paris_day(at), one, is_across=one[:1] != other[:1])


def followed(since: datetime, until: datetime, homes: Homes) -> Iterable[Followed]:
    """The questions of the thirtieth day, one row a match: told when a side answered, gone on when a side did more than nothing."""
    has_said = func.bool_or(Outcome.answered_at < until)
    went_on = func.bool_or((Outcome.answered_at < until) & (Outcome.result != Result.NOTHING))
    query = select(Outcome.match_id, func.min(Outcome.asked_at), Need.commune_code, has_said, went_on).join(Outcome.match).join(Match.need)
    query = query.where(Outcome.wave == 30, within(Outcome.asked_at, since, until)).group_by(Outcome.match_id, Need.commune_code)
    for match_id, at, commune, said, on in db.session.execute(query.order_by(Outcome.match_id)):
        yield Followed(match_id, paris_day(at), homes.get(commune, ()), has_said=bool(said), went_on=bool(on))


def cooperations(since: datetime, until: datetime, homes: Homes) -> Iterable[Cooperation]:
    found = [one for one in outcomes.concluded([one.id for one in territories.all_departements()], since=since) if one.concluded_at < until]
    query = select(Match.id, Need.commune_code).join(Match.need).where(Match.id.in_([one.match_id for one in found]))
    places = {match_id: commune for match_id, commune in db.session.execute(query)}  # noqa: C416
    for one in found:
        home = homes.get(places[one.match_id], ())
        yield Cooperation(one.match_id, paris_day(one.concluded_at), home, one.category, one.days, one.euros, one.found_anyway)


def shared(since: datetime, until: datetime, homes: Homes) -> Iterable[Shared]:
    """Signed shared jobs, where their first employer is."""
    query = select(Pool.id, Pool.signed_at, func.sum(PoolShare.fte), func.min(Need.commune_code)).join(Pool.shares).join(PoolShare.need)
    query = query.where(Pool.status == PoolStatus.SIGNED, PoolShare.status.not_in(GONE), within(Pool.signed_at, since, until))
    for row_id, at, fte, commune in db.session.execute(query.group_by(Pool.id, Pool.signed_at).order_by(Pool.signed_at, Pool.id)):
        if at is not None:
            yield Shared(row_id, paris_day(at), homes.get(commune, ()), fte)


def cards(until: datetime, homes: Homes) -> Iterable[Card]:
    """Structures by their last sign of life: what they changed of themselves or published."""
    need, offer = aliased(Need), aliased(Offer)
    signs = (
        Organisation.updated_at,
        select(func.max(need.published_at)).where(need.organisation_id == Organisation.id).scalar_subquery(),
        select(func.max(offer.published_at)).where(offer.organisation_id == Organisation.id).scalar_subquery(),
    )
    query = select(Organisation.id, func.greatest(*signs), Organisation.commune_code).where(Organisation.created_at < until)
    for row_id, at, commune in db.session.execute(query.order_by(Organisation.id)):
        yield Card(row_id, paris_day(at), homes.get(commune, ()))


class Day:
    """A published job dating whose day came."""

    def __init__(self, row_id: UUID, job_dating: JobDating, home: tuple[int, ...], tables: int) -> None:
        self.id, self.on, self.home, self.tables = row_id, paris_day(job_dating.starts_at), home, tables
        self.round_minutes = job_dating.round_minutes
        self.starts_at = job_dating.starts_at
        self.meetings: list[tuple[UUID, int | None, MeetingStatus, UUID, UUID]] = []
        self.venue_id = job_dating.venue_id


def job_datings(since: datetime, until: datetime, homes: Homes) -> dict[UUID, Day]:
    tables = select(func.count()).select_from(Table).join(Room, Table.room_id == Room.id).where(Room.venue_id == JobDating.venue_id).scalar_subquery()
    query = select(JobDating, Commune.code, tables).join(JobDating.venue).join(Venue.commune)
    query = query.where(JobDating.status == JobDatingStatus.PUBLISHED, within(JobDating.starts_at, since, until)).order_by(JobDating.starts_at, JobDating.id)
    days = {one.id: Day(one.id, one, homes.get(commune, ()), count or 0) for one, commune, count in db.session.execute(query)}
    meetings = select(Meeting.job_dating_id, Meeting.id, Meeting.round, Meeting.status, Need.organisation_id, Offer.organisation_id)
    meetings = meetings.join(Meeting.match).join(Match.need).join(Match.offer).where(Meeting.job_dating_id.in_(days))
    meetings = meetings.where(feedback_memory.was_planned(), Meeting.status != MeetingStatus.CANCELLED).order_by(Meeting.id)
    for job_dating_id, row_id, number, status, need, offer in db.session.execute(meetings):
        days[job_dating_id].meetings.append((row_id, number, status, need, offer))
    return days


def planned(days: dict[UUID, Day], away: dict[UUID, frozenset[UUID]]) -> Iterable[Planned]:
    for day in days.values():
        missing = away.get(day.id, frozenset())
        for row_id, _round, status, need, offer in day.meetings:
            yield Planned(row_id, day.on, day.home, is_held=status is not MeetingStatus.MISSED and missing.isdisjoint((need, offer)), minutes=day.round_minutes)


def came(days: dict[UUID, Day]) -> Iterable[Came]:
    """Those who were expected, with what the desk said of them last, and whether it was their first job dating."""
    last = select(PresenceAct.participant_id, PresenceAct.state).ext(distinct_on(PresenceAct.participant_id))
    last_state = last.order_by(PresenceAct.participant_id, PresenceAct.acted_at.desc(), PresenceAct.id).subquery()
    query = select(Participant.id, Participant.job_dating_id, Participant.organisation_id, last_state.c.state)
    query = query.outerjoin(last_state, last_state.c.participant_id == Participant.id).where(Participant.job_dating_id.in_(days))
    query = query.where(Participant.state.in_((ParticipantState.INVITED, ParticipantState.CONFIRMED)))
    rows = db.session.execute(query.order_by(Participant.id)).all()
    first = first_days({row.organisation_id for row in rows})
    sides, counts = tallies(days)
    for row_id, job_dating_id, organisation_id, state in rows:
        day, key = days[job_dating_id], (job_dating_id, organisation_id)
        is_new = first.get(organisation_id, day.starts_at) >= day.starts_at
        is_no_show = state is not None and PresenceState(state) is PresenceState.NO_SHOW
        yield Came(row_id, day.on, day.home, frozenset(sides[key]), counts[key], is_new, is_no_show)


def tallies(days: dict[UUID, Day]) -> tuple[dict[tuple[UUID, UUID], set[Side]], dict[tuple[UUID, UUID], int]]:
    """(job dating, structure) → the sides on which it had meetings, and how many."""
    sides: dict[tuple[UUID, UUID], set[Side]] = defaultdict(set)
    counts: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for day in days.values():
        for _id, _round, _status, need, offer in day.meetings:
            for side, organisation_id in ((Side.NEED, need), (Side.OFFER, offer)):
                sides[day.id, organisation_id].add(side)
                counts[day.id, organisation_id] += 1
    return sides, counts


def first_days(organisation_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Structure → when the first job dating at which it was expected began."""
    query = select(Participant.organisation_id, func.min(JobDating.starts_at)).join(Participant.job_dating)
    query = query.where(Participant.organisation_id.in_(organisation_ids), JobDating.status == JobDatingStatus.PUBLISHED)
    query = query.where(Participant.state.in_((ParticipantState.INVITED, ParticipantState.CONFIRMED)))
    return {organisation_id: at for organisation_id, at in db.session.execute(query.group_by(Participant.organisation_id))}  # noqa: C416


def words(days: dict[UUID, Day]) -> Iterable[Word]:
    query = select(Feedback.id, Feedback.is_useful, Feedback.organisation_id, Meeting.job_dating_id, Need.organisation_id)
    query = query.join(Feedback.meeting).join(Meeting.match).join(Match.need)
    query = query.where(Meeting.job_dating_id.in_(days), Feedback.is_useful.is_not(None)).order_by(Feedback.id)
    for row_id, is_useful, organisation_id, job_dating_id, need in db.session.execute(query):
        day = days[job_dating_id]
        yield Word(row_id, day.on, day.home, Side.NEED if organisation_id == need else Side.OFFER, bool(is_useful))


def gatherings(days: dict[UUID, Day]) -> Iterable[Gathering]:
    for day in days.values():
        seated = [round_ for _id, round_, _status, _need, _offer in day.meetings if round_ is not None]
        rounds = max(seated, default=-1) + 1
        yield Gathering(day.id, day.on, day.home, day.venue_id, len(seated), rounds * day.tables)
