"""Impact, answer by answer: what came about in a territory, and who said so."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Category, EuroBand, FoundAnyway, Need, Outcome, Pool, PoolShare, Side, Span, Territory
from matchmaker.services import indicators, indicators_loading, outcomes
from matchmaker.services.indicators_facts import Cooperation
from matchmaker.services.observatory_snapshots import epcis_inside, start_of


@dataclass(frozen=True)
class Line:
    """A cooperation and the answers behind it: what the need's side said last, and the offer's."""

    fact: Cooperation
    need: Outcome | None
    offer: Outcome | None

    @property
    def any(self) -> Outcome | None:
        return self.need or self.offer

    @property
    def is_confidential(self) -> bool:
        told = self.any
        return told is None or told.match.need.is_confidential or told.match.offer.is_confidential

    @property
    def counts_days(self) -> bool:
        """Is part of the days of sponsorship."""
        return self.fact.category is Category.SKILLS_SPONSORSHIP and self.fact.days is not None

    @property
    def counts_euros(self) -> bool:
        """Is part of the purchases by band."""
        return self.fact.category is Category.PURCHASE and self.fact.euros is not None


@dataclass(frozen=True)
class Impact:
    """``least_…``: the sums of the lower ends of the bands. Hours are those of the meetings that were held."""

    lines: list[Line]
    pools: list[Pool]
    fte: Decimal
    least_days: int
    least_euros: int
    bands: Counter[EuroBand]
    hours: Decimal
    held: int
    additional: int
    asked: int


def impact(territory: Territory, *, span: Span, day: date) -> Impact:
    """What there is to show of a stretch of time, counted now, in a fixed number of queries."""
    world = indicators_loading.world(start_of(Span.YEAR, day), day).by_territory(epcis_inside())[territory.id].since(start_of(span, day))
    held = [fact for fact in world.planned if fact.is_held]
    asked = [fact for fact in world.cooperations if fact.found_anyway is not None]
    return Impact(
        lines=lines(world.cooperations),
        pools=pools([fact.id for fact in world.shared]),
        fte=sum((fact.fte for fact in world.shared), Decimal()),
        least_days=int(indicators.sponsorship_days(world).value),
        least_euros=int(indicators.purchase_euros(world).value),
        bands=Counter(fact.euros for fact in indicators.purchases(world) if fact.euros),
        hours=Decimal(sum(fact.minutes for fact in held)) / 60,
        held=len(held),
        additional=sum(fact.found_anyway is FoundAnyway.NO for fact in asked),
        asked=len(asked),
    )


def lines(facts: list[Cooperation]) -> list[Line]:
    said = outcomes.standing(Outcome.match_id.in_([fact.id for fact in facts])) if facts else {}
    found = [Line(fact, said.get(fact.id, {}).get(Side.NEED), said.get(fact.id, {}).get(Side.OFFER)) for fact in facts]
    return sorted(found, key=lambda line: (line.fact.on, line.fact.id), reverse=True)


def pools(ids: list[UUID]) -> list[Pool]:
    employers = selectinload(Pool.shares).joinedload(PoolShare.need).joinedload(Need.organisation)
    query = select(Pool).where(Pool.id.in_(ids)).options(employers, joinedload(Pool.territory)).order_by(Pool.signed_at.desc(), Pool.id)
    return list(db.session.scalars(query))
