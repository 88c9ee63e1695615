"""What structures refused, and what follows from it for later runs (services/refusal_bounds). An animator may lift each.

Nothing is stored but the refusal itself: a lifted one closes nothing any more, its own pair included.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Category, DeclineReason, Match, Need, Offer, Proposal, ProposalStatus, User
from matchmaker.models.base import now, today
from matchmaker.services import proposal_lists
from matchmaker.services.refusal_bounds import Two, apart, own_id, stands

MOST_SHOWN = 200


@dataclass(frozen=True)
class Refusal:
    """A refusal with what follows from it, beside what its side asked for (`Bounds`).

    Attributes
    ----------
    never : the two structures are kept apart.
    nearer_than : its announcement looks no farther, in kilometres.
    rests : its announcement wants nothing before a day that is still to come.
    """

    proposal: Proposal
    never: bool
    nearer_than: float | None
    rests: bool


def of_territories(territory_ids: Sequence[int], *, lifted: bool = False) -> list[Refusal]:
    """The refusals about needs of these territories that close something, or those that were lifted; the newest first."""
    is_lifted = Proposal.lifted_at.is_not(None) if lifted else Proposal.lifted_at.is_(None)
    query = select(Proposal).join(Proposal.match).join(Match.need).where(Need.territory_id.in_(territory_ids), Proposal.status == ProposalStatus.DECLINED)
    query = query.where(is_lifted).options(*proposal_lists.both_sides()).order_by(Proposal.answered_at.desc(), Proposal.id).limit(MOST_SHOWN)
    return with_consequences(db.session.scalars(query).all())


def of_organisation(organisation_id: UUID) -> list[Refusal]:
    """What this structure refused, the newest first."""
    query = select(Proposal).where(Proposal.organisation_id == organisation_id, *stands()).options(*proposal_lists.both_sides())
    return with_consequences(db.session.scalars(query.order_by(Proposal.answered_at.desc(), Proposal.id).limit(MOST_SHOWN)).all())


def with_consequences(refused: Sequence[Proposal]) -> list[Refusal]:
    kept = apart()
    return [Refusal(one, is_of(one, kept), nearer_than(one), one.not_before is not None and one.not_before > today()) for one in refused]


def is_of(proposal: Proposal, kept: Collection[Two]) -> bool:
    one, other = sorted((proposal.match.need.organisation_id, proposal.match.offer.organisation_id))
    return (proposal.never_again or proposal.decline_reason is DeclineReason.WRONG_FIT) and (one, other) in kept


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


def end_rest(declaration: Need | Offer) -> None:
    """Its structure wanted nothing for it before a day that is still to come: from today on it does."""
    query = select(Proposal).join(Proposal.match).where(own_id == declaration.id, *stands(), Proposal.not_before > today())
    for proposal in db.session.scalars(query).all():
        proposal.not_before = today()
    db.session.flush()
