"""One reminder where what it may bring exceeds the price of a mail, and never two.

About a week after the question; or later, when its time is over, while somebody who said yes waits for it and nothing else is under way.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import any_, exists, literal, select
from sqlalchemy.orm import aliased

from matchmaker.engine.cover import SILENT_DAYS, cover_probability
from matchmaker.engine.questions import room
from matchmaker.engine.rates import answer_posterior, attention
from matchmaker.engine.solicitation import REMINDER_DAYS, worth_reminding
from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Offer, Proposal, ProposalStatus, Solicitation, SolicitationKind, Status
from matchmaker.models.base import now
from matchmaker.models.base import today as today_here
from matchmaker.models.declarations import LIFETIME_DAYS
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import (
    asking_budgets,
    asking_questions,
    asking_reading,
    outbox,
    outbox_batches,
    proposal_links,
    proposal_lists,
    solicitations,
    working_days,
)
from matchmaker.services.asking_questions import Situation
from matchmaker.services.outbox_batches import Letter

Ints = NDArray[np.int64]


def spent_by(situation: Situation, rows: Sequence[int]) -> Ints:
    """(M,) how often the organisations are asked by these pairs."""
    pairs, at = situation.pairs, list(rows)
    asked = np.concatenate((pairs.owner[pairs.need[at]], pairs.giver[pairs.offer[at]])) if at else np.zeros(0, dtype=np.int64)
    return np.bincount(asked, minlength=len(pairs.organisation_ids))


def remind(situation: Situation, rows: Sequence[int], *, price: float, day: date, settings: outbox.MailSettings) -> list[Proposal]:
    """Recall the silent questions of the situation's needs that are worth it, one a structure and one a need, within what is left of the budgets.

    ``rows``: the pairs asked about today, whose needs wait.
    """
    spent, pairs = spent_by(situation, rows), situation.pairs
    rests = np.ones(len(pairs.need_ids), dtype=np.bool_)
    rests[pairs.need[list(rows)]] = False
    is_idle = rests & (pairs.places > 0)
    is_idle[situation.under_way.need] = False
    needs, idle = ([one for one, is_in in zip(pairs.need_ids, chosen, strict=True) if is_in] for chosen in (rests, is_idle))
    found = silent_questions(needs, day=day) + late_questions(idle, day=day)
    if not found:
        return []
    organisations = sorted({row.organisation_id for row in found})
    worth = worth_it(situation, found, organisations, spent, price=price, day=day)
    ids = [row.proposal_id for row, is_worth in zip(found, worth.tolist(), strict=True) if is_worth]
    query = select(Proposal).where(Proposal.id == any_(asking_reading.array(ids))).options(*proposal_lists.both_sides()).order_by(Proposal.id)
    due = list(db.session.scalars(query)) if ids else []
    full = asking_budgets.take({one.organisation_id: 1 for one in due}, day=day)
    reminded = [one for one in due if one.organisation_id not in full]
    solicitations.record(reminded, SolicitationKind.REMINDER, day=day, loads=loads_of(situation))
    letters = [letter_of(one, day=day, settings=settings) for one in reminded if one.organisation.can_be_written_to()]
    outbox_batches.queue_all("proposals_reminder", letters, settings=settings)
    return reminded


def loads_of(situation: Situation) -> dict[UUID, float]:
    """Organisation id → its load before today."""
    return dict(zip(situation.pairs.organisation_ids, situation.loads.tolist(), strict=True))


class Silent(NamedTuple):
    """A question without an answer: when it was asked, under which load, and whether the other side has said yes."""

    proposal_id: UUID
    organisation_id: UUID
    need_id: UUID
    score: int
    day: date
    load: float
    is_awaited: bool


def silent_questions(need_ids: list[UUID], *, day: date) -> list[Silent]:
    """Questions of five to nine working days without an answer, not put off, and not recalled yet."""
    other = aliased(Proposal)
    is_awaited = exists().where(other.match_id == Proposal.match_id, other.side != Proposal.side, other.status == ProposalStatus.ACCEPTED)
    query = select(Proposal.id, Proposal.organisation_id, Match.need_id, Match.score, Solicitation.day, Solicitation.load, is_awaited)
    query = not_recalled(query, need_ids).where(Match.status == MatchStatus.PROPOSED)
    query = query.where(Proposal.status == ProposalStatus.PENDING, Proposal.postponed_until.is_(None))
    window = Solicitation.day.between(working_days.add(day, 1 - SILENT_DAYS), working_days.add(day, -REMINDER_DAYS))
    return [Silent(*row) for row in db.session.execute(query.where(window).order_by(Proposal.id))]


def late_questions(need_ids: list[UUID], *, day: date) -> list[Silent]:
    """Questions whose time is over, and not recalled yet, to which a yes would bring two structures together: the other side said yes, and the
    declaration of this pair has a place that nobody holds. ``need_ids``: with a free place, and nothing under way.
    """
    if not need_ids:
        return []
    other = aliased(Proposal)
    columns = (Proposal.id, Proposal.organisation_id, Match.need_id, Match.score, Solicitation.day, Solicitation.load, literal(value=True), Match.offer_id)
    query = not_recalled(select(*columns), need_ids).where(Match.status == MatchStatus.ENDED, Match.confirmed_at.is_(None))
    query = query.where(Proposal.status == ProposalStatus.EXPIRED, Proposal.answer_by > day - timedelta(days=LIFETIME_DAYS))
    query = query.join(other, (other.match_id == Match.id) & (other.side != Proposal.side) & (other.status == ProposalStatus.ACCEPTED))
    rows = db.session.execute(query.where(Solicitation.day <= working_days.add(day, -SILENT_DAYS)).order_by(Proposal.id)).all()
    free = offers_with_a_place({row.offer_id for row in rows}) if rows else set()
    return [Silent(*row[:-1]) for row in rows if row.offer_id in free]


def not_recalled(query: Any, need_ids: list[UUID]) -> Any:
    """The questions about these needs that were put and that nobody was reminded of."""
    asked = (Solicitation.proposal_id == Proposal.id) & Solicitation.returned_at.is_(None) & (Solicitation.kind == SolicitationKind.PROPOSAL)
    recalling = aliased(Solicitation)
    recalled = exists().where(recalling.proposal_id == Proposal.id, recalling.kind == SolicitationKind.REMINDER)
    query = query.select_from(Proposal).join(Proposal.match).join(Solicitation, asked)
    return query.where(Match.need_id == any_(asking_reading.array(need_ids)), ~recalled)


def offers_with_a_place(offer_ids: Collection[UUID]) -> set[UUID]:
    """The published ones that hold fewer live matches than they have places."""
    ids = asking_reading.array(sorted(offer_ids))
    held = Counter(db.session.scalars(select(Match.offer_id).where(Match.offer_id == any_(ids), Match.status.in_(LIVE_MATCH))))
    published = db.session.execute(select(Offer.id, Offer.capacity).where(Offer.id == any_(ids), Offer.status == Status.PUBLISHED))
    return {offer_id for offer_id, capacity in published if held[offer_id] < capacity}


def worth_it(situation: Situation, found: list[Silent], organisations: list[UUID], spent: Ints, *, price: float, day: date) -> NDArray[np.bool_]:
    """(K,) which of the silent questions to recall."""
    known, pairs, under_way = situation.known, situation.pairs, situation.under_way
    people = asking_reading.people(organisations, day=day)
    at = {one: row for row, one in enumerate(organisations)}
    who = np.array([at[row.organisation_id] for row in found], dtype=np.int64)
    need = {one: row for row, one in enumerate(pairs.need_ids)}
    rows = np.array([need[row.need_id] for row in found], dtype=np.int64)
    places = np.maximum(1, pairs.places)
    cover = cover_probability(under_way.need, asking_questions.chances(under_way, known), places=places)[rows]
    score, was_load = np.array([row.score for row in found], dtype=np.int64), np.array([row.load for row in found])
    answered, silent = (np.array([of.get(one, 0.0) for one in organisations]) for of in (known.answered, known.silent))
    load = people.lately / np.maximum(1, people.monthly)
    posterior = answer_posterior(answered, silent, load, mean=known.mean)
    # Where the other side has said yes, this answer alone is missing.
    awaited = np.array([row.is_awaited for row in found], dtype=np.bool_)
    cooperation = known.conclude.at(score) * np.where(awaited, 1.0, known.accept.at(score))
    today_too = {one: number for one, number in zip(pairs.organisation_ids, spent.tolist(), strict=True) if number}
    more = np.array([today_too.get(one, 0) for one in organisations], dtype=np.int64)
    left = room(people.today + more, people.week + more, people.month + more, weekly=people.weekly, monthly=people.monthly)
    left[people.away] = 0
    days = working_days.since(np.array([row.day.toordinal() for row in found], dtype=np.int64), day)
    worth, _gain = worth_reminding(
        rows,
        who,
        days,
        first=posterior.rested[who] * attention(was_load),
        answer=posterior.mean[who],
        cooperation=cooperation,
        cover=cover,
        load=load,
        room=left,
        price=price,
    )
    return worth


def letter_of(proposal: Proposal, *, day: date, settings: outbox.MailSettings) -> Letter:
    """A short mail with the same question and the same buttons."""
    organisation = proposal.organisation
    return Letter(
        uid=f"reminder-{proposal.id}-{proposal.token_version}",
        recipient=organisation.email,
        organisation_id=organisation.id,
        not_before=working_days.opening(organisation, now()) if day == today_here() else None,
        context={"organisation": organisation, "proposal": proposal, "link": proposal_links.link(proposal, settings)},
    )
