"""What is remembered from one job dating to the next: who has met already, and who sat alone at a table."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, or_, select

from matchmaker.extensions import db
from matchmaker.models import ABSENT, Feedback, JobDating, JobDatingStatus, Match, Meeting, MeetingStatus, Need, Offer, Participant, PresenceAct, PresenceState
from matchmaker.models.base import now

# How long somebody who sat alone comes first.
REMEMBERED = timedelta(days=365)
Sides = Row[UUID, MeetingStatus, UUID, UUID, datetime, bool]


def already_met(organisation_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """The pairs among these structures that met at an earlier job dating, the smaller id first.

    What nobody marked as missed was held. A meeting where one side did not come is none: it may be planned again; so may one of which one of
    the two said that it wants to meet again.
    """
    wanted = {*organisation_ids}
    rows = [row for row in past_meetings(wanted) if wanted.issuperset((row.need, row.offer))]
    away = absent(jobs_of(rows))
    held = [row for row in rows if row.status in (MeetingStatus.PLANNED, MeetingStatus.HELD) and not row.wants_again]
    return {pair(row.need, row.offer) for row in held if away.get(row.job_dating_id, frozenset()).isdisjoint((row.need, row.offer))}


def priority_after_no_show(organisation_ids: Collection[UUID]) -> dict[UUID, int]:
    """Structure → how many of its meetings failed because the other side did not come, in a year and since it last had a better day.

    Those come first next time. A structure that did not come itself is not among them, and neither is one that met somebody since.
    """
    rows = past_meetings(organisation_ids, since=now() - REMEMBERED)
    away = absent(jobs_of(rows))
    wanted = {*organisation_ids}
    days: dict[UUID, dict[UUID, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: row.starts_at):
        if row.status is MeetingStatus.CANCELLED:
            continue
        missing = away.get(row.job_dating_id, frozenset())
        for mine, theirs in ((row.need, row.offer), (row.offer, row.need)):
            if mine in wanted and mine not in missing:
                days[mine][row.job_dating_id].append(theirs in missing)
    lost = {mine: failed_lately(by_day.values()) for mine, by_day in days.items()}
    return {mine: count for mine, count in lost.items() if count}


def failed_lately(days: Iterable[list[bool]]) -> int:
    """Meetings that failed, counted anew after each day on which all were held."""
    count = 0
    for failures in days:
        count = count + sum(failures) if any(failures) else 0
    return count


def absent(job_dating_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Job dating id → the structures that are known not to have come. Nobody is, whom nobody marked.

    What the desk said counts. Where it said nothing: a missed meeting has two sides, and absent is the one all of whose meetings were
    missed; both, when that is all that is known.
    """
    said = at_the_desk(job_dating_ids)
    statuses: dict[UUID, dict[UUID, set[MeetingStatus]]] = defaultdict(lambda: defaultdict(set))
    query = sides().where(Meeting.job_dating_id.in_(job_dating_ids), was_planned(), Meeting.status != MeetingStatus.CANCELLED)
    for row in db.session.execute(query):
        for organisation_id in (row.need, row.offer):
            statuses[row.job_dating_id][organisation_id].add(row.status)
    found: dict[UUID, frozenset[UUID]] = {}
    for one, people in statuses.items():
        guessed = {mine for mine, known in people.items() if known == {MeetingStatus.MISSED}}
        found[one] = frozenset(mine for mine in people if (said[one, mine] in ABSENT if (one, mine) in said else mine in guessed))
    return {one: people for one, people in found.items() if people}


def at_the_desk(job_dating_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], PresenceState]:
    """(Job dating, structure) → where the desk last saw it; nothing of whom it only expects."""
    columns = (Participant.job_dating_id, Participant.organisation_id, PresenceAct.state)
    query = select(*columns).join(PresenceAct.participant).where(Participant.job_dating_id.in_(job_dating_ids))
    rows = db.session.execute(query.order_by(PresenceAct.acted_at, PresenceAct.received_at, PresenceAct.id))
    last = {(job_dating_id, organisation_id): state for job_dating_id, organisation_id, state in rows}
    return {key: state for key, state in last.items() if state is not PresenceState.EXPECTED}


def who_met(job_dating_id: UUID) -> set[UUID]:
    """The structures that had a meeting in the plan."""
    rows = db.session.execute(sides().where(Meeting.job_dating_id == job_dating_id, Meeting.round.is_not(None))).all()
    return {organisation_id for row in rows for organisation_id in (row.need, row.offer)}


def past_meetings(organisation_ids: Collection[UUID], *, since: datetime | None = None) -> list[Sides]:
    """The meetings of these structures at job datings that are over."""
    query = sides().where(JobDating.ends_at < now(), was_planned())
    query = query.where(or_(Need.organisation_id.in_(organisation_ids), Offer.organisation_id.in_(organisation_ids)))
    return list(db.session.execute(query.where(JobDating.ends_at >= since) if since else query))


def was_planned() -> ColumnElement[bool]:
    """It had a place; one that was missed may have given its place away on the day."""
    return or_(Meeting.round.is_not(None), Meeting.status == MeetingStatus.MISSED)


def jobs_of(rows: Iterable[Sides]) -> set[UUID]:
    return {row.job_dating_id for row in rows}


def pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    return (one, other) if one < other else (other, one)


def sides() -> Select[UUID, MeetingStatus, UUID, UUID, datetime, bool]:
    """Meetings as who was to meet whom, where and when, and whether one of them wants more."""
    need, offer = Need.organisation_id.label("need"), Offer.organisation_id.label("offer")
    again = select(Feedback.id).where(Feedback.meeting_id == Meeting.id, Feedback.wants_again).exists().label("wants_again")
    query = (
        select(Meeting.job_dating_id, Meeting.status, need, offer, JobDating.starts_at, again)
        .join(Meeting.match)
        .join(Match.need)
        .join(Match.offer)
        .join(Meeting.job_dating)
    )
    return query.where(JobDating.status == JobDatingStatus.PUBLISHED)
