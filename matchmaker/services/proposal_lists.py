"""An organisation's proposals as its inbox shows them, and why structures said no."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.extensions import db
from matchmaker.models import Category, DeclineReason, Match, MatchStatus, Need, Offer, Organisation, Proposal, ProposalStatus


def refusals(territory_ids: Sequence[int]) -> list[tuple[Category, DeclineReason, int]]:
    """Why structures of these territories said no: category, reason, how often; the most frequent first."""
    number = func.count().label("number")
    query = select(Need.category, Proposal.decline_reason, number).join(Proposal.match).join(Match.need)
    query = query.where(Need.territory_id.in_(territory_ids), Proposal.decline_reason.is_not(None)).group_by(Need.category, Proposal.decline_reason)
    return [(category, reason, count) for category, reason, count in db.session.execute(query.order_by(number.desc()).limit(20)) if reason is not None]


TABS = ("todo", "waiting", "done")


def inbox(organisation: Organisation, tab: str) -> list[Proposal]:
    """An organisation's proposals under one tab, each with both declarations, in a fixed number of queries."""
    query = select(Proposal).join(Proposal.match).where(Proposal.organisation_id == organisation.id, tab_condition(tab))
    order = (Match.status == MatchStatus.CONFIRMED).desc(), Proposal.answer_by, Match.score.desc(), Proposal.id
    return list(db.session.scalars(query.options(*both_sides()).order_by(*order)))


def both_sides() -> tuple[ORMOption, ...]:
    """Load with a proposal what its card says of either side."""
    need = joinedload(Proposal.match).joinedload(Match.need)
    offer = joinedload(Proposal.match).joinedload(Match.offer)
    return (
        need.joinedload(Need.organisation),
        need.joinedload(Need.commune),
        offer.joinedload(Offer.organisation),
        offer.joinedload(Offer.commune),
        joinedload(Proposal.match).selectinload(Match.proposals),
    )


def tab_condition(tab: str) -> ColumnElement[bool]:
    """To do: my answer is awaited, or we said yes to each other. Waiting: mine is given, theirs is not. Done: the rest."""
    todo = (Proposal.status == ProposalStatus.PENDING) | (Match.status == MatchStatus.CONFIRMED)
    waiting = (Proposal.status == ProposalStatus.ACCEPTED) & (Match.status == MatchStatus.PROPOSED)
    if tab == "todo":
        return todo
    return waiting if tab == "waiting" else ~(todo | waiting)


def counts(organisation: Organisation) -> dict[str, int]:
    """How many proposals stand under each tab, and how many await this organisation's answer (« pending »)."""
    columns = [func.count().filter(tab_condition(tab)) for tab in TABS]
    query = select(*columns, func.count().filter(Proposal.status == ProposalStatus.PENDING)).select_from(Proposal).join(Proposal.match)
    row = db.session.execute(query.where(Proposal.organisation_id == organisation.id)).one()
    return dict(zip((*TABS, "pending"), row, strict=True))


def proposal_of(organisation: Organisation, proposal_id: UUID) -> Proposal | None:
    query = select(Proposal).where(Proposal.id == proposal_id, Proposal.organisation_id == organisation.id)
    return db.session.scalars(query.options(joinedload(Proposal.match))).one_or_none()
