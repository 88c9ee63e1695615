"""What a refusal says of later runs, beside its own pair: two structures that do not fit, or how far is too far. An animator may lift each.

Nothing is stored but the refusal itself: a lifted one closes nothing any more, its own pair included.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from matchmaker.engine.sides import great_circle_km
from matchmaker.extensions import db
from matchmaker.models import Category, Commune, DeclineReason, Match, Need, Offer, Proposal, ProposalStatus, Side, Status, User
from matchmaker.models.base import now
from matchmaker.services import proposals

# So many « not what we look for » between two structures, and they are not put to each other any more.
NEVER_AFTER = 2
MOST_SHOWN = 200
# Two organisations, the smaller id first.
Two = tuple[UUID, UUID]


class Pair(NamedTuple):
    need_id: UUID
    offer_id: UUID


@dataclass(frozen=True)
class Refusal:
    """A refusal with what follows from it: `never` that the two structures are kept apart, `nearer_than` that its side looks no farther."""

    proposal: Proposal
    never: bool
    nearer_than: float | None


def stands() -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a proposal is a refusal that nobody lifted."""
    return (Proposal.status == ProposalStatus.DECLINED, Proposal.lifted_at.is_(None))


def apart() -> set[Two]:
    """The structures that are kept apart: one of them, or each, said several times that the other is not what it looks for."""
    need, offer = aliased(Need), aliased(Offer)
    first, second = func.least(need.organisation_id, offer.organisation_id), func.greatest(need.organisation_id, offer.organisation_id)
    query = select(first, second).select_from(Proposal).join(Proposal.match).join(need, need.id == Match.need_id).join(offer, offer.id == Match.offer_id)
    query = query.where(*stands(), Proposal.decline_reason == DeclineReason.WRONG_FIT).group_by(first, second)
    return {(one, other) for one, other in db.session.execute(query.having(func.count() >= NEVER_AFTER))}


def limits() -> dict[UUID, float]:
    """Declaration id → the nearest distance, in kilometres, that its structure called too far."""
    declaration = case((Proposal.side == Side.NEED, Match.need_id), else_=Match.offer_id)
    query = select(declaration, func.min(Match.distance_km)).select_from(Proposal).join(Proposal.match)
    query = query.where(*stands(), Proposal.decline_reason == DeclineReason.TOO_FAR, Match.distance_km > 0).group_by(declaration)
    return {one: km for one, km in db.session.execute(query) if km is not None}


def barred_pairs() -> set[Pair]:
    """Ids of the open needs and offers that these refusals keep apart."""
    return kept_apart(apart()) | too_far(limits())


def kept_apart(organisations: Collection[Two]) -> set[Pair]:
    if not organisations:
        return set()
    ones = [or_(and_(Need.organisation_id == one, Offer.organisation_id == other), and_(Need.organisation_id == other, Offer.organisation_id == one))
            for one, other in sorted(organisations)]  # fmt: skip
    query = select(Need.id, Offer.id).where(Need.category == Offer.category, Need.status == Status.PUBLISHED, Offer.status == Status.PUBLISHED, or_(*ones))
    return {Pair(need, offer) for need, offer in db.session.execute(query)}


@dataclass(frozen=True)
class Places:
    """Open declarations of one side: ids, and (N,) rows of category, latitude, longitude."""

    ids: list[UUID]
    category: list[Category]
    lat: np.ndarray
    lon: np.ndarray


def too_far(farthest: dict[UUID, float]) -> set[Pair]:
    """The pairs of these declarations that lie as far as their limit, or farther."""
    if not farthest:
        return set()
    needs, offers = places(Need), places(Offer)
    found: set[Pair] = set()
    for own, theirs, is_need in ((needs, offers, True), (offers, needs, False)):
        for row, one in enumerate(own.ids):
            if one in farthest:
                away = great_circle_km(own.lat[row], own.lon[row], theirs.lat, theirs.lon) >= farthest[one] - 0.05
                others = [theirs.ids[at] for at in np.flatnonzero(away).tolist() if theirs.category[at] is own.category[row]]
                found |= {Pair(one, other) if is_need else Pair(other, one) for other in others}
    return found


def places(model: type[Need] | type[Offer]) -> Places:
    query = select(model.id, model.category, Commune.latitude, Commune.longitude).join(Commune, Commune.code == model.commune_code)
    rows = db.session.execute(query.where(model.status == Status.PUBLISHED).order_by(model.id)).all()
    lat, lon = (np.array([row[column] for row in rows], dtype=np.float64) for column in (2, 3))
    return Places([row[0] for row in rows], [row[1] for row in rows], lat, lon)


def of_territories(territory_ids: Sequence[int], *, lifted: bool = False) -> list[Refusal]:
    """The refusals about needs of these territories that close something, or those that were lifted; the newest first."""
    is_lifted = Proposal.lifted_at.is_not(None) if lifted else Proposal.lifted_at.is_(None)
    query = select(Proposal).join(Proposal.match).join(Match.need).where(Need.territory_id.in_(territory_ids), Proposal.status == ProposalStatus.DECLINED)
    query = query.where(is_lifted).options(*proposals.both_sides()).order_by(Proposal.answered_at.desc(), Proposal.id).limit(MOST_SHOWN)
    return with_consequences(db.session.scalars(query).all())


def of_organisation(organisation_id: UUID) -> list[Refusal]:
    """What this structure refused, the newest first."""
    query = select(Proposal).where(Proposal.organisation_id == organisation_id, *stands()).options(*proposals.both_sides())
    return with_consequences(db.session.scalars(query.order_by(Proposal.answered_at.desc(), Proposal.id).limit(MOST_SHOWN)).all())


def with_consequences(refused: Sequence[Proposal]) -> list[Refusal]:
    kept = apart()
    return [Refusal(one, is_of(one, kept), nearer_than(one)) for one in refused]


def is_of(proposal: Proposal, kept: Collection[Two]) -> bool:
    one, other = sorted((proposal.match.need.organisation_id, proposal.match.offer.organisation_id))
    return proposal.decline_reason is DeclineReason.WRONG_FIT and (one, other) in kept


def nearer_than(proposal: Proposal) -> float | None:
    return (proposal.match.distance_km or None) if proposal.decline_reason is DeclineReason.TOO_FAR else None


def counts(shown: Sequence[Refusal]) -> list[tuple[Category, DeclineReason, int]]:
    """Category, reason, how often; category by category, the most frequent first."""
    told = Counter((one.proposal.match.need.category, one.proposal.decline_reason) for one in shown)
    ordered = sorted(told.items(), key=lambda item: (item[0][0].value, -item[1], str(item[0][1])))
    return [(category, reason, number) for (category, reason), number in ordered if reason is not None]


def refusal_of(proposal_id: UUID, territory_id: int) -> Proposal | None:
    """A refusal about a need of this territory."""
    query = select(Proposal).join(Proposal.match).join(Match.need).where(Proposal.id == proposal_id, Need.territory_id == territory_id)
    return db.session.scalars(query.where(Proposal.status == ProposalStatus.DECLINED)).one_or_none()


def lift(proposal: Proposal, *, by: User) -> None:
    """From the next run on, nothing follows from this refusal. Lifted twice, the first time counts."""
    if proposal.lifted_at is None:
        proposal.lifted_at, proposal.lifted_by_id = now(), by.id
        db.session.flush()


def restore(proposal: Proposal) -> None:
    """What followed from it follows again."""
    proposal.lifted_at = proposal.lifted_by_id = None
    db.session.flush()
