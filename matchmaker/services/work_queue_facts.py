"""What comes to an animator, found in the truth itself: needs, answers, runs and mails. One query a matter, columns only."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, cast, exists, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Commune,
    HelpRequest,
    Match,
    MatchingRun,
    MatchStatus,
    Matter,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Pool,
    PoolShare,
    PoolStatus,
    Proposal,
    ProposalStatus,
    RunStatus,
    Side,
    Status,
    Territory,
)
from matchmaker.models.base import PARIS
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import mails, outcomes, search_reports, silent_needs

# A need without a yes comes to the animator after so many days, and once more.
SILENT_DAYS = (9, 21)
REFUSALS = 2
ORDER = {matter: place for place, matter in enumerate(Matter)}
HELD_BY_A_GROUP = (PoolStatus.PROPOSED, PoolStatus.AGREED, PoolStatus.SIGNED)


@dataclass(frozen=True)
class Fact:
    """One row of the queue, as far as choosing and ordering rows needs it.

    Attributes
    ----------
    subject_id : the need, the match, the structure, the run, the call for help or the report that the row is about.
    since : when this began.
    news_at : the last thing that happened: a row that was done comes back when there is news.
    """

    matter: Matter
    subject_id: UUID
    since: datetime
    news_at: datetime
    territory_id: int
    organisation_id: UUID | None = None
    category: Category | None = None
    epci: str | None = None


def facts(territory_ids: Collection[int], *, today: date, only: UUID | None = None) -> list[Fact]:
    """What is to be done in these départements, a need once under its most pressing matter; ``only``: about this subject."""
    sources = unreachable(territory_ids, only), refused(territory_ids, only), silent(territory_ids, today, only), unserved(territory_ids, only)
    found: dict[UUID, Fact] = {}
    for fact in chain(
        called_for(territory_ids, only), contradictory(territory_ids, only), *sources, reported(territory_ids, only), to_review(territory_ids, only)
    ):
        found.setdefault(fact.subject_id, fact)
    return sorted(found.values(), key=lambda fact: (ORDER[fact.matter], fact.since, fact.subject_id))


def unreachable(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """Structures that a mail did not reach, which nobody has called."""
    home = (Organisation.id, Territory.id, Commune.epci_code)
    query = select(*home, func.min(OutboxMail.created_at), func.max(OutboxMail.created_at)).select_from(OutboxMail)
    query = query.join(OutboxMail.organisation).join(Organisation.commune).join(Organisation.territory)
    query = query.where(Territory.id.in_(territory_ids), mails.is_to_call(), about(Organisation.id, only)).group_by(*home)
    for organisation_id, territory_id, epci, first, last in db.session.execute(query):
        yield Fact(Matter.UNREACHABLE, organisation_id, first, last, territory_id, organisation_id, epci=epci)


def called_for(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """Conversations in which a side called for help: who called lets the animator in, in confidence or not."""
    asking = case((HelpRequest.side == Side.NEED, Need.organisation_id), else_=Offer.organisation_id)
    query = select(HelpRequest.id, HelpRequest.asked_at, Need.territory_id, asking.label("asking"), Need.category, Commune.epci_code)
    query = query.join(HelpRequest.match).join(Match.need).join(Match.offer).join(Need.commune)
    query = query.where(HelpRequest.ended_at.is_(None), Need.territory_id.in_(territory_ids), about(HelpRequest.id, only))
    for help_id, asked_at, territory_id, organisation_id, category, epci in db.session.execute(query):
        yield Fact(Matter.CALLED_FOR, help_id, asked_at, asked_at, territory_id, organisation_id, category, epci)


def contradictory(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """Two yes of which the two sides tell different stories. A succession in confidence stays between them."""
    told = [one for one in outcomes.contradictions(territory_ids) if only in (None, one.match.id)]
    query = select(Need.id, Commune.epci_code).join(Need.commune).where(Need.id.in_([one.match.need_id for one in told]))
    epcis = {row.id: row.epci_code for row in db.session.execute(query)}
    for one in told:
        need = one.match.need
        if not (need.is_confidential or one.match.offer.is_confidential):
            place = need.territory_id, need.organisation_id, need.category, epcis[need.id]
            yield Fact(Matter.CONTRADICTORY, one.match.id, one.since, one.since, *place)


def refused(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """Needs that two structures said no to since they were published, and to which nobody is being asked."""
    last = func.max(Proposal.answered_at)
    refusals = select(Match.need_id.label("need_id"), last.label("last")).join(Proposal.match).join(Match.need)
    refusals = refusals.where(Proposal.side == Side.OFFER, Proposal.status == ProposalStatus.DECLINED, Proposal.answered_at >= Need.published_at)
    twice = refusals.group_by(Match.need_id).having(func.count() >= REFUSALS).subquery()
    query = open_needs(territory_ids, only, twice.c.last).join(twice, twice.c.need_id == Need.id).where(~is_live())
    yield from of_needs(Matter.REFUSED, query, lambda value: value)


def silent(territory_ids: Collection[int], today: date, only: UUID | None) -> Iterator[Fact]:
    """Needs that were proposed, and that nobody has said yes to for days."""
    latest = datetime.combine(today - timedelta(days=SILENT_DAYS[0]), time.max, PARIS)
    query = open_needs(territory_ids, only, Need.published_at).where(Need.published_at <= latest, was_put(), *silent_needs.is_silent(today=today))

    def since(published_at: datetime) -> datetime:
        passed = [days for days in SILENT_DAYS if published_at.astimezone(PARIS).date() + timedelta(days=days) <= today]
        return published_at + timedelta(days=passed[-1])

    yield from of_needs(Matter.SILENT, query, since)


def unserved(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """Needs that the run sent last left without an offer."""
    published = (MatchingRun.territory_id == Need.territory_id) & (MatchingRun.status == RunStatus.PUBLISHED)
    query = open_needs(territory_ids, only, MatchingRun.published_at).join(MatchingRun, published)
    query = query.where(func.jsonb_exists(MatchingRun.unserved, cast(Need.id, Text)), ~is_live())
    yield from of_needs(Matter.UNSERVED, query, lambda value: value)


def reported(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """Pages of the directory of which somebody says that they are wrong."""
    for report_id, created_at, territory_id, organisation_id, epci in search_reports.reported(territory_ids, only):
        yield Fact(Matter.REPORTED, report_id, created_at, created_at, territory_id, organisation_id, epci=epci)


def to_review(territory_ids: Collection[int], only: UUID | None) -> Iterator[Fact]:
    """The newest run of each département, when nobody has read it yet: nothing of it leaves before."""
    query = select(MatchingRun.id, MatchingRun.territory_id, MatchingRun.status, MatchingRun.finished_at, MatchingRun.created_at)
    query = query.where(MatchingRun.territory_id.in_(territory_ids), MatchingRun.value.is_not(None)).order_by(
        MatchingRun.territory_id, MatchingRun.created_at.desc()
    )
    for run_id, territory_id, status, finished_at, created_at in db.session.execute(query.ext(distinct_on(MatchingRun.territory_id))):
        if status is RunStatus.READY and only in (None, run_id):
            yield Fact(Matter.TO_REVIEW, run_id, finished_at or created_at, finished_at or created_at, territory_id)


def about(column: Any, only: UUID | None) -> ColumnElement[bool]:
    return true() if only is None else column == only


def open_needs(territory_ids: Collection[int], only: UUID | None, moment: Any) -> Select[Any]:
    """Columns of published needs. A succession in confidence is its structure's alone, and what a group holds is under way."""
    held = exists().where(PoolShare.need_id == Need.id, PoolShare.pool_id == Pool.id, Pool.status.in_(HELD_BY_A_GROUP))
    query = select(Need.id, Need.territory_id, Need.organisation_id, Need.category, Commune.epci_code, moment).join(Need.commune)
    query = query.where(Need.status == Status.PUBLISHED, Need.is_confidential.is_(False), Need.territory_id.in_(territory_ids))
    return query.where(~held, about(Need.id, only))


def of_needs(matter: Matter, query: Select[Any], since: Callable[[datetime], datetime]) -> Iterator[Fact]:
    for need_id, territory_id, organisation_id, category, epci, moment in db.session.execute(query):
        yield Fact(matter, need_id, since(moment), since(moment), territory_id, organisation_id, category, epci)


def was_put() -> ColumnElement[bool]:
    return exists().where(Match.need_id == Need.id, Match.status != MatchStatus.PREVIEW)


def is_live() -> ColumnElement[bool]:
    """Somebody is being asked, or both said yes."""
    return exists().where(Match.need_id == Need.id, Match.status.in_(LIVE_MATCH))
