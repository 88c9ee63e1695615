"""Places that are taken, and pairs that are closed: what earlier answers leave to a new computation."""

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, or_, select

from matchmaker.extensions import db
from matchmaker.models import Match, Proposal, ProposalStatus
from matchmaker.models.declarations import LIFETIME_DAYS
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import refusal_bounds
from matchmaker.services.matching_tables import pairs_of_ids


def places_taken() -> Counter[UUID]:
    """Declaration id → places that its live matches hold."""
    query = select(Match.need_id, Match.offer_id).where(Match.status.in_(LIVE_MATCH))
    return Counter(side for pair in db.session.execute(query) for side in pair)


def closed_pairs(*, today: date) -> np.ndarray:
    """(R, 2) engine ids of the pairs that are not to be proposed: live, refused, met without a follow-up, or left without an answer lately;
    and what refusals of other pairs say of them.

    A pair that was only withdrawn, because one side paused its declaration, may come back.
    """
    query = select(Match.need_id, Match.offer_id).where(is_closed(today=today)).distinct()
    return pairs_of_ids({(need, offer) for need, offer in db.session.execute(query)} | refusal_bounds.barred_pairs())


def is_closed(*, today: date) -> ColumnElement[bool]:
    """The match keeps its pair out of new computations."""
    # Who asked for nothing before a day is asked again from that day on.
    is_kept = Proposal.not_before.is_(None) | (Proposal.not_before > today)
    refused = Match.proposals.any((Proposal.status == ProposalStatus.DECLINED) & Proposal.lifted_at.is_(None) & is_kept)
    silent = Match.proposals.any((Proposal.status == ProposalStatus.EXPIRED) & (Proposal.answer_by > today - timedelta(days=LIFETIME_DAYS)))
    return or_(Match.status.in_(LIVE_MATCH), refused, silent, Match.confirmed_at.is_not(None))
