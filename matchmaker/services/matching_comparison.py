"""Two runs of one territory, side by side: what each reaches, and who changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Select, func, select, tuple_
from sqlalchemy.orm import aliased, joinedload

from matchmaker.extensions import db
from matchmaker.models import Match, MatchingRun, Need
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services.matching import both_sides


@dataclass(frozen=True)
class Gained:
    """What one run has and the other has not: how many pairs and needs served, and the first of each."""

    pairs_count: int
    needs_count: int
    pairs: Sequence[Match]
    needs: Sequence[Need]


@dataclass(frozen=True)
class Comparison:
    """What changes between two runs.

    Attributes
    ----------
    entered : what the second run has alone.
    left : what the first run has alone, without what became of it: the pairs that are under way now.
    kept : how many pairs both have.
    under_way : how many pairs of the first run alone are agreed, or await an answer.
    """

    entered: Gained
    left: Gained
    kept: int
    under_way: int


def compare(first: MatchingRun, second: MatchingRun, *, limit: int) -> Comparison:
    """By pairs of declarations and by needs."""
    other = aliased(Match)
    both = select(func.count()).select_from(Match).join(other, (other.need_id == Match.need_id) & (other.offer_id == Match.offer_id))
    kept = db.session.scalar(both.where(Match.run_id == first.id, other.run_id == second.id)) or 0
    is_over = Match.status.not_in(LIVE_MATCH)
    under_way = count(alone(first, second).where(Match.status.in_(LIVE_MATCH)))
    return Comparison(
        gained(alone(second, first), served(second).except_(served(first)), limit=limit),
        gained(alone(first, second).where(is_over), served(first).where(is_over).except_(served(second)), limit=limit),
        kept,
        under_way,
    )


def gained(pairs: Select[Match], needs: CompoundSelect[UUID], *, limit: int) -> Gained:
    shown = pairs.order_by(Match.score.desc(), Match.id).limit(limit).options(*both_sides())
    named = select(Need).where(Need.id.in_(needs)).options(joinedload(Need.organisation), joinedload(Need.commune)).order_by(Need.title, Need.id)
    return Gained(count(pairs), count(needs), db.session.scalars(shown).all(), db.session.scalars(named.limit(limit)).all())


def alone(run: MatchingRun, over: MatchingRun) -> Select[Match]:
    """The pairs that ``run`` has and ``over`` has not."""
    theirs = select(Match.need_id, Match.offer_id).where(Match.run_id == over.id)
    return select(Match).where(Match.run_id == run.id, tuple_(Match.need_id, Match.offer_id).not_in(theirs))


def served(run: MatchingRun) -> Select[UUID]:
    return select(Match.need_id).where(Match.run_id == run.id)


def count(query: Select[Any] | CompoundSelect[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def run_of_the_same_territory(run: MatchingRun, other_id: UUID) -> MatchingRun | None:
    """The other run, when it has a result and is of the same territory."""
    query = select(MatchingRun).where(MatchingRun.id == other_id, MatchingRun.territory_id == run.territory_id, MatchingRun.value.is_not(None))
    return db.session.scalars(query).one_or_none()
