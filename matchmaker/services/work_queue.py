"""The animator's work queue: rows computed from the truth, less what was put off or done. See work_queue_facts and work_queue_acts."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import contains_eager, defer, joinedload

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    DeclineReason,
    DirectoryReport,
    Match,
    MatchingRun,
    MatchStatus,
    Matter,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Outcome,
    Proposal,
    ProposalStatus,
    RunStatus,
    Side,
    User,
)
from matchmaker.services import mails, outcomes, search_reports
from matchmaker.services.work_queue_acts import Standing, standings
from matchmaker.services.work_queue_facts import Fact, facts

NOBODY, MINE, LATER = "personne", "moi", "plus-tard"
PER_PAGE = 25


@dataclass(frozen=True)
class Filters:
    """Which rows to show. ``who`` is MINE, NOBODY (taken by no one) or empty; ``later`` shows what was put off instead."""

    territory_ids: frozenset[int]
    matter: Matter | None = None
    category: Category | None = None
    epci: str = ""
    who: str = ""
    later: bool = False


@dataclass(frozen=True)
class Row:
    """A row as its page shows it.

    Attributes
    ----------
    need, organisation, run : what it is about; the organisation is the one to call first.
    refusals : why structures said no to the need; asked and pending: how often it was put to others, and how often that is still open.
    told : what the run that was sent last says of the need, in codes; empty when it found an offer.
    lost : mails that did not arrive.
    sides : what each side says came of two yes, where they contradict each other.
    report : what somebody says is wrong with the structure's page.
    """

    fact: Fact
    standing: Standing
    need: Need | None = None
    organisation: Organisation | None = None
    run: MatchingRun | None = None
    refusals: Sequence[DeclineReason] = ()
    asked: int = 0
    pending: int = 0
    told: dict[str, Any] = field(default_factory=dict)
    lost: Sequence[OutboxMail] = ()
    sides: Mapping[Side, Outcome] = field(default_factory=dict)
    report: DirectoryReport | None = None


@dataclass(frozen=True)
class Queue:
    """One page of the queue, and how many rows there are under each matter whatever matter is shown."""

    rows: list[Row]
    total: int
    page: int
    pages: int
    counts: Counter[Matter]
    later: int


def queue(filters: Filters, *, user: User, today: date, page: int = 1) -> Queue:
    """The rows to show, in a fixed number of queries."""
    found = facts(filters.territory_ids, today=today)
    acts = standings([fact.subject_id for fact in found])
    nothing = Standing()
    open_ones = [(fact, acts.get(fact.subject_id, nothing)) for fact in found]
    open_ones = [(fact, standing) for fact, standing in open_ones if not standing.is_done(fact) and fits(fact, standing, filters, user)]
    later = [pair for pair in open_ones if pair[1].snoozed_until(today)]
    shown = later if filters.later else [pair for pair in open_ones if not pair[1].snoozed_until(today)]
    counts = Counter(fact.matter for fact, _standing in shown)
    shown = [pair for pair in shown if filters.matter in (None, pair[0].matter)]
    pages = max(1, -(-len(shown) // PER_PAGE))
    page = max(1, min(page, pages))
    rows = detailed(shown[(page - 1) * PER_PAGE : page * PER_PAGE])
    return Queue(rows, len(shown), page, pages, counts, len(later))


def fits(fact: Fact, standing: Standing, filters: Filters, user: User) -> bool:
    if filters.category is not None and fact.category is not filters.category:
        return False
    if filters.epci and fact.epci != filters.epci:
        return False
    taken_by = standing.assigned_to
    return not filters.who or (taken_by is None if filters.who == NOBODY else taken_by is not None and taken_by.id == user.id)


def row(subject_id: UUID, territory_ids: Collection[int], *, today: date) -> Row | None:
    """One row with all that its page shows, also while it is put off or done; None when nothing is to be done about that subject here."""
    found = facts(territory_ids, today=today, only=subject_id)
    return detailed([(fact, standings([subject_id]).get(subject_id, Standing())) for fact in found])[0] if found else None


def detailed(shown: Sequence[tuple[Fact, Standing]]) -> list[Row]:
    """The rows of one page, with what is said of each."""
    ids = [fact.subject_id for fact, _standing in shown]
    stories = outcomes.standing(Match.id.in_(ids))
    # The need that a row is about: itself, or that of the match.
    need_of = {one: one for one in ids} | {match_id: sides[Side.NEED].match.need_id for match_id, sides in stories.items()}
    callers = {fact.subject_id: fact.organisation_id for fact, _standing in shown if fact.matter in (Matter.CALLED_FOR, Matter.REPORTED)}
    reports = search_reports.reports_of([fact.subject_id for fact, _standing in shown if fact.matter is Matter.REPORTED])
    needs, organisations, runs = needs_of(need_of.values()), organisations_of([*ids, *callers.values()]), runs_of(ids)
    asked, told, lost = asked_of(needs), told_of(needs), lost_of(organisations)
    rows = []
    for fact, standing in shown:
        key = fact.subject_id
        need, fared = needs.get(need_of[key]), asked.get(key, Asked())
        rows.append(
            Row(
                fact,
                standing,
                need=need,
                organisation=need.organisation if need is not None else organisations.get(callers.get(key) or key),
                run=runs.get(key),
                refusals=fared.refusals,
                asked=fared.asked,
                pending=fared.pending,
                told=told.get(key, {}),
                lost=lost.get(key, ()),
                sides=stories.get(key, {}),
                report=reports.get(key),
            )
        )
    return rows


def needs_of(ids: Collection[UUID]) -> dict[UUID, Need]:
    query = select(Need).where(Need.id.in_(ids)).options(joinedload(Need.organisation).joinedload(Organisation.commune), joinedload(Need.commune))
    return {need.id: need for need in db.session.scalars(query)}


def organisations_of(ids: Collection[UUID | None]) -> dict[UUID, Organisation]:
    query = select(Organisation).where(Organisation.id.in_(ids)).options(joinedload(Organisation.commune))
    return {organisation.id: organisation for organisation in db.session.scalars(query)}


def runs_of(ids: Collection[UUID]) -> dict[UUID, MatchingRun]:
    query = select(MatchingRun).where(MatchingRun.id.in_(ids)).options(joinedload(MatchingRun.territory), defer(MatchingRun.unserved))
    return {run.id: run for run in db.session.scalars(query)}


@dataclass
class Asked:
    """How a need fared with the other sides."""

    asked: int = 0
    pending: int = 0
    refusals: list[DeclineReason] = field(default_factory=list)


def asked_of(needs: Collection[UUID]) -> dict[UUID, Asked]:
    """Need id → what became of the questions about it that were put to offers since it was published."""
    query = select(Match.need_id, Proposal.status, Proposal.decline_reason).join(Proposal.match).join(Match.need)
    query = query.where(Match.need_id.in_(needs), Proposal.side == Side.OFFER, Match.status != MatchStatus.PREVIEW, Proposal.proposed_at >= Need.published_at)
    found: dict[UUID, Asked] = defaultdict(Asked)
    for need_id, status, reason in db.session.execute(query.order_by(Proposal.answered_at, Proposal.id)):
        found[need_id].asked += 1
        found[need_id].pending += status is ProposalStatus.PENDING
        if reason is not None:
            found[need_id].refusals.append(reason)
    return found


def told_of(needs: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Need id → why the run that was sent last left it without an offer."""
    told = func.jsonb_extract_path(MatchingRun.unserved, cast(Need.id, Text), type_=JSONB)
    query = select(Need.id, told).join(MatchingRun, (MatchingRun.territory_id == Need.territory_id) & (MatchingRun.status == RunStatus.PUBLISHED))
    return {need_id: reason for need_id, reason in db.session.execute(query.where(Need.id.in_(needs), told.is_not(None))) if reason}


def lost_of(organisations: Collection[UUID]) -> dict[UUID, list[OutboxMail]]:
    """Organisation id → its mails that somebody should replace by a call, the newest first; without their bytes."""
    query = select(OutboxMail).where(OutboxMail.organisation_id.in_(organisations), mails.is_to_call()).options(defer(OutboxMail.message))
    found: dict[UUID, list[OutboxMail]] = defaultdict(list)
    for mail in db.session.scalars(query.order_by(OutboxMail.id.desc())):
        if mail.organisation_id is not None:
            found[mail.organisation_id].append(mail)
    return found


def questions(row: Row) -> list[Proposal]:
    """What may be answered for somebody from this row: open questions about the need, or put to the structure; its own side first.

    Questions of a succession in confidence are left out: their structure is nobody's to call.
    """
    query = select(Proposal).join(Proposal.match).join(Match.need).join(Match.offer)
    query = query.where(Proposal.status == ProposalStatus.PENDING, Match.status == MatchStatus.PROPOSED, ~Need.is_confidential, ~Offer.is_confidential)
    if row.sides or row.report is not None:
        return []
    if row.need is not None:
        query = query.where(Match.need_id == row.need.id)
    elif row.organisation is not None:
        query = query.where(Proposal.organisation_id == row.organisation.id)
    else:
        return []
    query = query.options(
        joinedload(Proposal.organisation).joinedload(Organisation.commune),
        contains_eager(Proposal.match).contains_eager(Match.need).options(joinedload(Need.organisation), joinedload(Need.commune)),
        contains_eager(Proposal.match).contains_eager(Match.offer).options(joinedload(Offer.organisation), joinedload(Offer.commune)),
    )
    return list(db.session.scalars(query.order_by(Proposal.side, Proposal.answer_by, Proposal.id)))
