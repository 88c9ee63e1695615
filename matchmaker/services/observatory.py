"""Live counts for the public pages. Snapshots of the indicators come from here, night by night."""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ScalarSelect, Select, func, select

from matchmaker.extensions import db
from matchmaker.models import Category, Match, MatchStatus, Need, Offer, Organisation, Proposal, ProposalStatus, Territory
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
    query = select(
        count(select(Organisation.id)),
        count(select(Need.id).where(*public(Need))),
        count(select(Offer.id).where(*public(Offer))),
        count(select(Proposal.id)),
        count(select(Proposal.id).where(Proposal.status.in_(ANSWERED))),
        count(select(Match.id).where(Match.status == MatchStatus.CONFIRMED)),
    )
    return Figures(*db.session.execute(query).one())


def count(query: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(query.subquery()).scalar_subquery()


def by_category() -> dict[Category, Figures]:
    """Category → published needs and offers, and pairs that said yes to each other."""
    pairs = select(Need.category, func.count()).select_from(Match).join(Match.need).where(Match.status == MatchStatus.CONFIRMED)
    needs = grouped(select(Need.category, func.count()).where(*public(Need)).group_by(Need.category))
    offers = grouped(select(Offer.category, func.count()).where(*public(Offer)).group_by(Offer.category))
    mutual = grouped(pairs.group_by(Need.category))
    return {category: Figures(needs=needs.get(category, 0), offers=offers.get(category, 0), mutual=mutual.get(category, 0)) for category in Category}


def by_departement() -> dict[Territory, Figures]:
    """Département → its organisations, published needs and offers, proposals and answers, in the order of the codes."""
    territories = db.session.scalars(select(Territory).where(Territory.level == "departement").order_by(Territory.code)).all()
    organisations = grouped(select(Organisation.territory_id, func.count()).group_by(Organisation.territory_id))
    needs = grouped(select(Need.territory_id, func.count()).where(*public(Need)).group_by(Need.territory_id))
    offers = grouped(select(Offer.territory_id, func.count()).where(*public(Offer)).group_by(Offer.territory_id))
    put = select(Need.territory_id, func.count()).select_from(Proposal).join(Proposal.match).join(Match.need).group_by(Need.territory_id)
    proposals, answered = grouped(put), grouped(put.where(Proposal.status.in_(ANSWERED)))
    pairs = select(Need.territory_id, func.count()).select_from(Match).join(Match.need).where(Match.status == MatchStatus.CONFIRMED)
    mutual = grouped(pairs.group_by(Need.territory_id))
    counts = (organisations, needs, offers, proposals, answered, mutual)
    return {territory: Figures(*(table.get(territory.id, 0) for table in counts)) for territory in territories}


def grouped(query: Select[K, int]) -> dict[K, int]:
    return {key: number for key, number in db.session.execute(query)}  # noqa: C416
