"""What refusals ask of later runs: never these two structures, nothing before a day, not so far, not so much. Read from the refusals themselves."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from matchmaker.engine.sides import great_circle_km
from matchmaker.extensions import db
from matchmaker.models import Commune, DeclineReason, Match, Need, Offer, Proposal, ProposalStatus, Side, Status, Unit

# So many « not what we look for » between two structures, and they are not put to each other any more.
NEVER_AFTER = 2
# Two organisations, the smaller id first.
Two = tuple[UUID, UUID]
# The declaration of the side that refused.
own_id: ColumnElement[UUID] = case((Proposal.side == Side.NEED, Match.need_id), else_=Match.offer_id)


class Pair(NamedTuple):
    need_id: UUID
    offer_id: UUID


@dataclass(frozen=True)
class Bounds:
    """What a side asks with its no.

    Attributes
    ----------
    never : not to be put in touch with that structure any more.
    not_before : nothing for this announcement before that day.
    least, most : the volume that would suit, in this unit.
    """

    never: bool = False
    not_before: date | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    unit: Unit | None = None

    @classmethod
    def of(cls, proposal: Proposal) -> "Bounds":
        return cls(proposal.never_again, proposal.not_before, proposal.least_volume, proposal.most_volume, proposal.volume_unit)

    def write_on(self, proposal: Proposal) -> None:
        proposal.never_again, proposal.not_before = self.never, self.not_before
        proposal.least_volume, proposal.most_volume = self.least, self.most
        proposal.volume_unit = self.unit if self.least is not None or self.most is not None else None


NO_BOUNDS = Bounds()


class Volumes(NamedTuple):
    """The volumes that suit an announcement, in one unit; infinite where nothing was said."""

    unit: Unit
    least: float
    most: float


def stands() -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a proposal is a refusal that nobody lifted."""
    return (Proposal.status == ProposalStatus.DECLINED, Proposal.lifted_at.is_(None))


def apart() -> set[Two]:
    """The structures that are kept apart: one asked for it, or it was said several times that one is not what the other looks for."""
    need, offer = aliased(Need), aliased(Offer)
    first, second = func.least(need.organisation_id, offer.organisation_id), func.greatest(need.organisation_id, offer.organisation_id)
    query = select(first, second).select_from(Proposal).join(Proposal.match).join(need, need.id == Match.need_id).join(offer, offer.id == Match.offer_id)
    do_not_fit = func.count().filter(Proposal.decline_reason == DeclineReason.WRONG_FIT) >= NEVER_AFTER
    query = query.where(*stands()).group_by(first, second).having(do_not_fit | func.bool_or(Proposal.never_again))
    return {(one, other) for one, other in db.session.execute(query)}


def parted(among: Collection[UUID], *, in_confidence: bool = False) -> set[frozenset[UUID]]:
    """The pairs of these structures of which one asked for « never again ».

    ``in_confidence``: also where an announcement in confidence had brought them together; such a pair is kept apart, and nobody is told.
    """
    query = select(Need.organisation_id, Offer.organisation_id).select_from(Proposal).join(Proposal.match).join(Match.need).join(Match.offer)
    query = query.where(Proposal.never_again, *stands(), Need.organisation_id.in_(among), Offer.organisation_id.in_(among))
    if not in_confidence:
        query = query.where(Need.is_confidential.is_(False), Offer.is_confidential.is_(False))
    return {frozenset(pair) for pair in db.session.execute(query)}


def refused_for_good(organisation_id: UUID) -> set[UUID]:
    """The structures that this one asked not to be put in touch with any more; none that had come to it in confidence."""
    query = select(Need.organisation_id, Offer.organisation_id).select_from(Proposal).join(Proposal.match).join(Match.need).join(Match.offer)
    query = query.where(Proposal.organisation_id == organisation_id, Proposal.never_again, *stands())
    query = query.where(Need.is_confidential.is_(False), Offer.is_confidential.is_(False))
    return {key for pair in db.session.execute(query) for key in pair} - {organisation_id}


def limits() -> dict[UUID, float]:
    """Declaration id → the nearest distance, in kilometres, that its structure called too far."""
    query = select(own_id, func.min(Match.distance_km)).select_from(Proposal).join(Proposal.match)
    query = query.where(*stands(), Proposal.decline_reason == DeclineReason.TOO_FAR, Match.distance_km > 0).group_by(own_id)
    return {one: km for one, km in db.session.execute(query) if km is not None}


def volumes() -> dict[UUID, list[Volumes]]:
    """Declaration id → the volumes that its structure said would suit, the narrowest of each unit."""
    least, most = func.max(Proposal.least_volume), func.min(Proposal.most_volume)
    query = select(own_id, Proposal.volume_unit, least, most).select_from(Proposal).join(Proposal.match)
    found: dict[UUID, list[Volumes]] = defaultdict(list)
    for one, unit, low, high in db.session.execute(query.where(*stands(), Proposal.volume_unit.is_not(None)).group_by(own_id, Proposal.volume_unit)):
        if unit is not None:
            found[one].append(Volumes(unit, -np.inf if low is None else float(low), np.inf if high is None else float(high)))
    return found


def resting(*, today: date) -> dict[UUID, date]:
    """Declaration id → the day before which its structure wants nothing for it."""
    query = select(own_id, func.max(Proposal.not_before)).select_from(Proposal).join(Proposal.match)
    return {one: day for one, day in db.session.execute(query.where(*stands(), Proposal.not_before > today).group_by(own_id)) if day is not None}


def resting_ids(*, today: date) -> Select[UUID]:
    """The same as a query for their ids."""
    return select(own_id).select_from(Proposal).join(Proposal.match).where(*stands(), Proposal.not_before > today)


def barred_pairs() -> set[Pair]:
    """Ids of the open needs and offers that these refusals keep apart, whatever the day."""
    return kept_apart(apart()) | out_of_bounds(limits(), volumes())


def kept_apart(organisations: Collection[Two]) -> set[Pair]:
    if not organisations:
        return set()
    ones = [or_(and_(Need.organisation_id == one, Offer.organisation_id == other), and_(Need.organisation_id == other, Offer.organisation_id == one))
            for one, other in sorted(organisations)]  # fmt: skip
    query = select(Need.id, Offer.id).where(Need.category == Offer.category, Need.status == Status.PUBLISHED, Offer.status == Status.PUBLISHED, or_(*ones))
    return {Pair(need, offer) for need, offer in db.session.execute(query)}


@dataclass(frozen=True)
class Announcements:
    """Open declarations of one side: ids, and (N,) rows of category, latitude, longitude, volume (nan when unknown) and its unit."""

    ids: list[UUID]
    category: NDArray[Any]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    volume: NDArray[np.float64]
    unit: NDArray[Any]


def out_of_bounds(farthest: Mapping[UUID, float], sizes: Mapping[UUID, Collection[Volumes]]) -> set[Pair]:
    """The pairs of these declarations that lie as far as their limit, or farther; or whose volume is known, and would not suit."""
    if not farthest and not sizes:
        return set()
    needs, offers = announcements(Need), announcements(Offer)
    found: set[Pair] = set()
    for own, theirs, is_need in ((needs, offers, True), (offers, needs, False)):
        for row, one in enumerate(own.ids):
            out = np.zeros(len(theirs.ids), dtype=np.bool_)
            if one in farthest:
                out |= great_circle_km(own.lat[row], own.lon[row], theirs.lat, theirs.lon) >= farthest[one] - 0.05
            for suits in sizes.get(one, ()):
                out |= (theirs.unit == suits.unit.value) & ((theirs.volume < suits.least) | (theirs.volume > suits.most))
            others = [theirs.ids[at] for at in np.flatnonzero(out & (theirs.category == own.category[row])).tolist()]
            found |= {Pair(one, other) if is_need else Pair(other, one) for other in others}
    return found


def announcements(model: type[Need] | type[Offer]) -> Announcements:
    query = select(model.id, model.category, Commune.latitude, Commune.longitude, model.volume, model.volume_unit)
    rows = db.session.execute(query.join(Commune, Commune.code == model.commune_code).where(model.status == Status.PUBLISHED).order_by(model.id)).all()
    return Announcements(
        ids=[row[0] for row in rows],
        category=np.array([row[1].value for row in rows], dtype=np.str_),
        lat=np.array([row[2] for row in rows], dtype=np.float64),
        lon=np.array([row[3] for row in rows], dtype=np.float64),
        volume=np.array([np.nan if row[4] is None else float(row[4]) for row in rows], dtype=np.float64),
        unit=np.array([row[5].value if row[5] else "" for row in rows], dtype=np.str_),
    )
