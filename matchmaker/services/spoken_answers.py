"""Answers that an animator wrote down for a structure that gave them on the telephone: the structure reads them, and may take them back."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import ActKind, Channel, MatchStatus, Proposal, ProposalAnswer, WorkAct
from matchmaker.models.base import PARIS, now, today
from matchmaker.services import proposal_answers, proposal_ends, proposals
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.proposal_answers import Standing


@dataclass(frozen=True)
class Spoken:
    """Who wrote an answer down, when and in what words; and whether nobody was told of it yet."""

    act: WorkAct
    can_be_taken_back: bool


def spoken(asked: Collection[Proposal]) -> dict[UUID, Spoken]:
    """Proposal id → its answer, where it was given on the telephone and the structure has said nothing since. One query."""
    by_id = {proposal.id: proposal for proposal in asked}
    since = select(ProposalAnswer.id).where(
        ProposalAnswer.proposal_id == WorkAct.proposal_id, ProposalAnswer.channel != Channel.ANIMATOR, ProposalAnswer.created_at > WorkAct.created_at
    )
    query = select(WorkAct).where(WorkAct.proposal_id.in_(by_id), WorkAct.kind == ActKind.ANSWERED, WorkAct.undone_at.is_(None), ~since.exists())
    acts = db.session.scalars(query.options(joinedload(WorkAct.by)).order_by(WorkAct.created_at, WorkAct.id))
    return {act.proposal_id: Spoken(act, is_open(by_id[act.proposal_id])) for act in acts if act.proposal_id is not None}


def is_open(proposal: Proposal) -> bool:
    return proposal_answers.standing(proposal) is Standing.OPEN


def take_back(proposal: Proposal) -> None:
    """As if nothing had been said: the question is open again. What was written down keeps its trace.

    Raises NotAllowedNow when no such answer stands, when the other side was told of it, or when the place is taken meanwhile.
    """
    match = proposal_ends.locked_match(proposal)
    told = spoken([proposal]).get(proposal.id)
    if told is None or not told.can_be_taken_back:
        raise NotAllowedNow(proposal.status)
    proposal_answers.take_up_again(proposal)
    if match.status is not MatchStatus.PROPOSED:
        raise NotAllowedNow(match.status)
    if proposal.postponed_until is not None:
        proposal.postponed_until = None
        proposal.answer_by = max(today(), proposals.answer_day(match, proposal.proposed_at.astimezone(PARIS).date()))
    told.act.undone_at = now()
    db.session.flush()
