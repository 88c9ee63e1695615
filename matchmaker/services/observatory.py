"""Live counts for the public pages. Snapshots of the indicators come from here, night by night."""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ScalarSelect, Select, func, select

from matchmaker.extensions import db
from matchmaker.models import Match, MatchStatus, Need, Offer, Organisation, Proposal, ProposalStatus
from matchmaker.services.declarations import public

K = TypeVar("K")
ANSWERED = (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED)


@dataclass(frozen=True)
class Figures:
    """Counts of a whole installation, or of one part of it. Successions in confidence do not count: their number could be told from a difference."""

    organisations: int = 0
    needs: int = 0
    offers: int = 0
    proposals: int = 0
    answered: int = 0
    mutual: int = 0

    @property
    def answer_rate(self) -> int | None:
        """Answers on one hundred proposals, or none before the first proposal."""
        return round(100 * self.answered / self.proposals) if self.proposals else None


def figures() -> Figures:
    """The figures of the home page, in one round trip."""
    # Two whom a host brought together were never sent a proposal.
    sent = select(Proposal.id).join(Proposal.match).where(Match.run_id.is_not(None))
    query = select(
        count(select(Organisation.id)),
        count(select(Need.id).where(*public(Need))),
        count(select(Offer.id).where(*public(Offer))),
        count(sent),
        count(sent.where(Proposal.status.in_(ANSWERED))),
        count(select(Match.id).where(Match.status == MatchStatus.CONFIRMED)),
    )
    return Figures(*db.session.execute(query).one())


def count(query: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(query.subquery()).scalar_subquery()
