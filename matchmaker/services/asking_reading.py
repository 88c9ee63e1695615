"""What the asking of a day reads of the database, as arrays: a fixed number of queries, however many questions are open."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, Uuid, any_, cast, func, literal, select

from matchmaker.engine.cover import SILENT_DAYS
from matchmaker.engine.solicitation import LOAD_DAYS
from matchmaker.extensions import db
from matchmaker.models import (
    Absence,
    Match,
    MatchingRun,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    Period,
    Proposal,
    ProposalStatus,
    Side,
    Solicitation,
    SolicitationKind,
    Status,
)
from matchmaker.models.base import PARIS, now
from matchmaker.services import asking_budgets, matching_instances, refusal_bounds, working_days
from matchmaker.services.matching_places import is_closed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NEVER = 10**6


@dataclass(frozen=True)
class Pairs:
    """The pairs of a published run that may still be asked about, and who stands behind them.

    Attributes
    ----------
    need, offer : (E,) rows of `need_ids` and `offer_ids`.
    score : (E,) millionths.
    planned : (E,) what the run chose; the others are next best.
    places, owner, waits : (N,) places that nobody holds, row of the organisation, days since it was published.
    giver : (O,) row of the organisation of each offer.
    """

    need_ids: list[UUID]
    offer_ids: list[UUID]
    organisation_ids: list[UUID]
    need: Ints
    offer: Ints
    score: Ints
    planned: Bools
    places: Ints
    owner: Ints
    waits: Ints
    giver: Ints


@dataclass(frozen=True)
class People:
    """(M,) each: what the organisations accept yet, and how much was asked of them.

    Attributes
    ----------
    today, week, month : solicitations of the day, the week, the month; `weekly` and `monthly` what is accepted.
    away : not to be asked today: a pause, an absence, a day off.
    lately : solicitations of the last 20 working days.
    since_asked : working days since the last one, NEVER for never.
    """

    today: Ints
    week: Ints
    month: Ints
    weekly: Ints
    monthly: Ints
    away: Bools
    lately: Ints
    since_asked: Ints


@dataclass(frozen=True)
class UnderWay:
    """(K,) each: the questions about these needs that are open, and those whose time was over and that were recalled lately.

    `answered` is a yes of the offer's side; `silent` and `reminded` count working days, NEVER for who was not recalled.
    """

    need: Ints
    organisation_ids: list[UUID]
    score: Ints
    answered: Bools
    silent: Ints
    reminded: Ints
    load: Floats


def array(ids: Sequence[UUID]) -> Any:
    return literal(list(ids), ARRAY(Uuid()))


def pairs(run: MatchingRun, *, day: date) -> Pairs:
    """The pairs of the run that still hold: both sides open and as the run read them, with a place left, and not closed by an answer."""
    plan = db.session.execute(select(Match.need_id, Match.offer_id, Match.score, Match.status).where(Match.run_id == run.id)).all()
    instance = matching_instances.unpack(run.instance.arrays) if run.instance is not None else None
    if instance is not None:
        need_ids, offer_ids = instance.need_ids, instance.offer_ids
        need, offer, score = (np.asarray(column, dtype=np.int64) for column in (instance.problem.need, instance.problem.offer, instance.problem.score))
    else:
        need_ids, offer_ids = sorted({row.need_id for row in plan}), sorted({row.offer_id for row in plan})
        rows = [(need_ids.index(row.need_id), offer_ids.index(row.offer_id), row.score) for row in plan]
        need, offer, score = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    need_rows, offer_rows = ({one: row for row, one in enumerate(ids)} for ids in (need_ids, offer_ids))
    width = max(1, len(offer_ids))

    def codes(found: Any) -> Ints:
        known = [need_rows[row.need_id] * width + offer_rows[row.offer_id] for row in found if row.need_id in need_rows and row.offer_id in offer_rows]
        return np.array(known, dtype=np.int64)

    code = need * width + offer
    planned = np.isin(code, codes(row for row in plan if row.status is MatchStatus.PREVIEW))
    over = codes(row for row in plan if row.status is not MatchStatus.PREVIEW)
    closed = codes(db.session.execute(select(Match.need_id, Match.offer_id).where(Match.need_id == any_(array(need_ids)), is_closed(today=day)).distinct()))
    barred = codes(refusal_bounds.barred_pairs())
    resting = refusal_bounds.resting(today=day)
    asked, given = (declared(model, ids, run, day, resting) for model, ids in ((Need, need_ids), (Offer, offer_ids)))
    organisation_ids = sorted({one for side in (asked, given) for one in side.organisation_ids if one is not None})
    at = {one: row for row, one in enumerate(organisation_ids)}
    owner, giver = (np.array([at.get(one, -1) if one else -1 for one in side.organisation_ids], dtype=np.int64) for side in (asked, given))
    keep = (asked.places[need] > 0) & (given.places[offer] > 0) & ~np.isin(code, over) & ~np.isin(code, closed) & ~np.isin(code, barred)
    return Pairs(
        need_ids, offer_ids, organisation_ids, need[keep], offer[keep], score[keep], planned[keep], asked.places, owner, asked.waits, giver
    )  # fmt: skip


@dataclass(frozen=True)
class Declared:
    organisation_ids: list[UUID | None]
    places: Ints
    waits: Ints


def declared(model: type[Need] | type[Offer], ids: list[UUID], run: MatchingRun, day: date, resting: Container[UUID]) -> Declared:
    """Organisation, free places and age of each declaration; no place where it is closed, rests, or was changed since the run read it."""
    side = Match.need_id if model is Need else Match.offer_id
    held = select(side, func.count().label("held")).where(Match.status == MatchStatus.CONFIRMED, side == any_(array(ids))).group_by(side).subquery()
    query = select(model.id, model.organisation_id, model.capacity - func.coalesce(held.c.held, 0), model.published_at)
    query = query.outerjoin(held, held.c[0] == model.id).where(model.id == any_(array(ids)), model.status == Status.PUBLISHED)
    if run.started_at is not None:
        query = query.where(model.updated_at <= run.started_at)
    found = {row[0]: row for row in db.session.execute(query)}
    rows = [None if one in resting else found.get(one) for one in ids]
    return Declared(
        organisation_ids=[row[1] if row else None for row in rows],
        places=np.array([max(0, row[2]) if row else 0 for row in rows], dtype=np.int64),
        waits=np.array([(day - (row[3] or now()).astimezone(PARIS).date()).days if row else 0 for row in rows], dtype=np.int64),
    )


def people(organisation_ids: list[UUID], *, day: date) -> People:
    columns = (Organisation.id, Organisation.weekly_budget, Organisation.monthly_budget, Organisation.paused_until, Organisation.working_days)
    own = {row.id: row for row in db.session.execute(select(*columns).where(Organisation.id == any_(array(organisation_ids))))}
    is_absent = (Absence.organisation_id == any_(array(organisation_ids)), Absence.starts_on <= day, Absence.ends_on >= day)
    absent = set(db.session.scalars(select(Absence.organisation_id).where(*is_absent)))
    today, lately, last = asked_of(organisation_ids, day=day)
    counts = asking_budgets.counted(organisation_ids, day=day)
    rows = [own[one] for one in organisation_ids]
    off = [row.id in absent or (row.paused_until is not None and row.paused_until >= day) or not row.working_days >> day.weekday() & 1 for row in rows]
    return People(
        today=today,
        week=np.array([counts.get(one, {}).get(Period.WEEK, 0) for one in organisation_ids], dtype=np.int64),
        month=np.array([counts.get(one, {}).get(Period.MONTH, 0) for one in organisation_ids], dtype=np.int64),
        weekly=np.array([row.weekly_budget for row in rows], dtype=np.int64),
        monthly=np.array([row.monthly_budget for row in rows], dtype=np.int64),
        away=np.array(off, dtype=np.bool_),
        lately=lately,
        since_asked=last,
    )


def asked_of(organisation_ids: list[UUID], *, day: date) -> tuple[Ints, Ints, Ints]:
    """(M,) solicitations today, in the last 20 working days before, and working days since the last one."""
    is_today = Solicitation.day == day
    is_lately = (Solicitation.day < day) & (Solicitation.day >= working_days.add(day, -LOAD_DAYS))
    query = select(Solicitation.organisation_id, func.count().filter(is_today), func.count().filter(is_lately), func.max(Solicitation.day))
    query = query.where(Solicitation.organisation_id == any_(array(organisation_ids)), Solicitation.returned_at.is_(None))
    found = {row[0]: row for row in db.session.execute(query.group_by(Solicitation.organisation_id))}
    rows = [found.get(one) for one in organisation_ids]
    last = working_days.since(np.array([row[3].toordinal() if row else day.toordinal() for row in rows], dtype=np.int64), day)
    never = np.array([row is None for row in rows], dtype=np.bool_)
    today, lately = (np.array([row[column] if row else 0 for row in rows], dtype=np.int64) for column in (1, 2))
    return today, lately, np.where(never, NEVER, last)


def under_way(need_ids: list[UUID], *, day: date) -> UnderWay:
    """The open questions about these needs, as their offers' sides stand."""
    since = func.coalesce(
        func.greatest(Proposal.postponed_until, Solicitation.day), cast(func.timezone("Europe/Paris", Proposal.proposed_at), Solicitation.day.type)
    )
    said = cast(func.timezone("Europe/Paris", Proposal.answered_at), Solicitation.day.type)
    recalled = recalled_lately(day=day)
    load = func.coalesce(Solicitation.load, 0.0)
    columns = (Match.need_id, Proposal.organisation_id, Match.score, Proposal.status, func.coalesce(said, since), load, Match.id)
    query = select(*columns).select_from(Match).join(Proposal, (Proposal.match_id == Match.id) & (Proposal.side == Side.OFFER))
    is_asking = (Solicitation.proposal_id == Proposal.id) & Solicitation.returned_at.is_(None) & (Solicitation.kind == SolicitationKind.PROPOSAL)
    query = query.outerjoin(Solicitation, is_asking).where(Match.need_id == any_(array(need_ids)))
    is_expired = (Match.status == MatchStatus.ENDED) & Match.proposals.any(Proposal.status == ProposalStatus.EXPIRED)
    is_recalled = Match.id.in_(list(recalled)) & is_expired
    rows = db.session.execute(query.where((Match.status == MatchStatus.PROPOSED) | is_recalled).order_by(Match.id)).all()
    at = {one: row for row, one in enumerate(need_ids)}
    starts = np.array([row[4].toordinal() for row in rows], dtype=np.int64)
    reminders = np.array([recalled.get(row[6], day).toordinal() for row in rows], dtype=np.int64)
    never = np.array([row[6] not in recalled for row in rows], dtype=np.bool_)
    return UnderWay(
        need=np.array([at[row[0]] for row in rows], dtype=np.int64),
        organisation_ids=[row[1] for row in rows],
        score=np.array([row[2] for row in rows], dtype=np.int64),
        answered=np.array([row[3] is ProposalStatus.ACCEPTED for row in rows], dtype=np.bool_),
        silent=np.maximum(0, working_days.since(starts, day)),
        reminded=np.where(never, NEVER, working_days.since(reminders, day)).astype(np.int64),
        load=np.array([row[5] for row in rows], dtype=np.float64),
    )


def recalled_lately(*, day: date) -> dict[UUID, date]:
    """Match id → the last day on which either of its sides was recalled, while the answer may come yet."""
    query = select(Proposal.match_id, func.max(Solicitation.day)).join(Solicitation.proposal).where(Solicitation.kind == SolicitationKind.REMINDER)
    query = query.where(Solicitation.returned_at.is_(None), Solicitation.day > working_days.add(day, -SILENT_DAYS)).group_by(Proposal.match_id)
    return dict(db.session.execute(query).all())


def since_asked(need_ids: list[UUID], *, day: date) -> Ints:
    """(N,) working days since the last question about each need, NEVER for never."""
    query = select(Match.need_id, func.max(Solicitation.day)).select_from(Solicitation).join(Solicitation.proposal).join(Proposal.match)
    is_asking = (Solicitation.kind == SolicitationKind.PROPOSAL) & Solicitation.returned_at.is_(None)
    last = dict(db.session.execute(query.where(Match.need_id == any_(array(need_ids)), is_asking).group_by(Match.need_id)).all())
    days = np.array([last[one].toordinal() if one in last else day.toordinal() for one in need_ids], dtype=np.int64)
    return np.where([one in last for one in need_ids], working_days.since(days, day), NEVER).astype(np.int64)
