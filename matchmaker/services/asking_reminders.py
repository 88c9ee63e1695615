"""One reminder where what it may bring exceeds the price of a mail, and never two.

About a week after the question; or later, when its time is over, while somebody who said yes waits for it and nothing else is under way.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, any_, exists, func, select
from sqlalchemy.orm import aliased

from matchmaker.engine.cover import cover_probability
from matchmaker.engine.questions import room
from matchmaker.engine.rates import answer_posterior, attention
from matchmaker.engine.solicitation import REMINDER_DAYS, worth_reminding
from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Need, Offer, Proposal, ProposalStatus, Solicitation, SolicitationKind, Status
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
    spent, busy = spent_by(situation, rows), {situation.pairs.need_ids[situation.pairs.need[row]] for row in rows}
    found = silent_questions([one for one in situation.pairs.need_ids if one not in busy], day=day)
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
    """Questions of five working days and more without an answer, not put off, and not recalled yet.

    Those whose time is over are among them while a yes to them would still bring two structures together: the other side said yes, and both
    declarations are open with a place that nobody holds.
    """
    asked = (Solicitation.proposal_id == Proposal.id) & Solicitation.returned_at.is_(None)
    recalling, other = aliased(Solicitation), aliased(Proposal)
    recalled = exists().where(recalling.proposal_id == Proposal.id, recalling.kind == SolicitationKind.REMINDER)
    is_awaited = exists().where(other.match_id == Proposal.match_id, other.side != Proposal.side, other.status == ProposalStatus.ACCEPTED)
    columns = (Proposal.id, Proposal.organisation_id, Match.need_id, Match.score, Solicitation.day, Solicitation.load, is_awaited)
    query = select(*columns).select_from(Proposal).join(Proposal.match).join(Match.need).join(Match.offer)
    query = query.join(Solicitation, asked & (Solicitation.kind == SolicitationKind.PROPOSAL))
    waits = (Match.status == MatchStatus.PROPOSED) & (Proposal.status == ProposalStatus.PENDING) & Proposal.postponed_until.is_(None)
    is_recent = Proposal.answer_by > day - timedelta(days=LIFETIME_DAYS)
    is_welcome = (Match.status == MatchStatus.ENDED) & (Proposal.status == ProposalStatus.EXPIRED) & is_recent & is_awaited & has_place(Need) & has_place(Offer)
    query = query.where(Match.need_id == any_(asking_reading.array(need_ids)), ~recalled, waits | is_welcome)
    query = query.where(Solicitation.day <= working_days.add(day, -REMINDER_DAYS)).order_by(Proposal.id)
    return [Silent(*row) for row in db.session.execute(query)]


def has_place(model: type[Need] | type[Offer]) -> ColumnElement[bool]:
    """The declaration of a match that ended is published, and holds fewer live matches than it has places."""
    held, column = aliased(Match), "need_id" if model is Need else "offer_id"
    live = select(func.count()).where(getattr(held, column) == model.id, held.status.in_(LIVE_MATCH)).correlate(model).scalar_subquery()
    return (model.status == Status.PUBLISHED) & (live < model.capacity)


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
