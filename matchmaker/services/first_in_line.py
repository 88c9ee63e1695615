"""Who said yes and was not chosen: asked first, the next time that something fits."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, cast, select
from sqlalchemy.orm import aliased

from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Proposal, ProposalStatus, Side
from matchmaker.models.base import now
from matchmaker.models.declarations import LIFETIME_DAYS


def first_in_line(declaration_ids: Collection[UUID] | None = None) -> set[UUID]:
    """Those of the declarations, or of all, whose yes led nowhere in the last 90 days, and that have found nobody since. Two queries."""
    found: set[UUID] = set()
    later = aliased(Match)
    for side, own, theirs in ((Side.NEED, Match.need_id, later.need_id), (Side.OFFER, Match.offer_id, later.offer_id)):
        was_not_chosen = (
            Proposal.side == side,
            Proposal.status == ProposalStatus.ACCEPTED,
            Proposal.answered_at > now() - timedelta(days=LIFETIME_DAYS),
            Match.status == MatchStatus.ENDED,
            Match.confirmed_at.is_(None),
        )
        has_found = select(later.id).where(theirs == own, later.confirmed_at > Proposal.answered_at).exists()
        query = select(own).select_from(Proposal).join(Proposal.match).where(*was_not_chosen, ~has_found)
        if declaration_ids is not None:
            query = query.where(own == any_(cast(list(declaration_ids), ARRAY(Uuid))))
        found |= set(db.session.scalars(query))
    return found
