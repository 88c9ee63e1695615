"""What one mail must be worth in a territory, set by its animators: the price in force, its history, and what another one would do."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.engine.solicitation import PRICE
from matchmaker.extensions import db
from matchmaker.models import AskingPrice, MatchingRun, RunStatus, Territory, User
from matchmaker.services import asking_questions

# Beside the one in force, the preview tells what these would do.
LADDER = (0.005, 0.01, 0.02, 0.04, 0.08)


@dataclass(frozen=True)
class Effect:
    """What a price does on one day: pairs asked about, structures written to, cooperations to expect of it."""

    price: float
    pairs: int
    mails: int
    cooperations: float


def in_force(territory: Territory) -> AskingPrice:
    """The newest price; the usual one, not stored, as long as nobody set any."""
    newest = select(AskingPrice).where(AskingPrice.territory_id == territory.id).order_by(AskingPrice.set_at.desc(), AskingPrice.id).limit(1)
    return db.session.scalars(newest).one_or_none() or AskingPrice(territory_id=territory.id, price=PRICE, newcomers=1.0, waiting=1.0)


def set_price(territory: Territory, *, price: float, newcomers: float = 1.0, waiting: float = 1.0, by: User) -> AskingPrice:
    row = AskingPrice(territory_id=territory.id, price=price, newcomers=newcomers, waiting=waiting, set_by=by)
    db.session.add(row)
    db.session.flush()
    return row


def history(territory: Territory, *, limit: int = 20) -> list[AskingPrice]:
    query = select(AskingPrice).where(AskingPrice.territory_id == territory.id).options(joinedload(AskingPrice.set_by))
    return list(db.session.scalars(query.order_by(AskingPrice.set_at.desc(), AskingPrice.id).limit(limit)))


def published_run(territory: Territory) -> MatchingRun | None:
    """The run whose pairs are being asked about."""
    query = select(MatchingRun).where(MatchingRun.territory_id == territory.id, MatchingRun.status == RunStatus.PUBLISHED)
    return db.session.scalars(query).one_or_none()


def effects(territory: Territory, price: float, *, newcomers: float = 1.0, waiting: float = 1.0, day: date) -> list[Effect]:
    """What today's asking would be at this price and at those of the ladder, the lowest first. Nothing without a published run."""
    run = published_run(territory)
    if run is None:
        return []
    weighed = AskingPrice(territory_id=territory.id, price=price, newcomers=newcomers, waiting=waiting)
    with db.session.no_autoflush:
        situation = asking_questions.read(run, weighed, day=day)
    return [effect(situation, one) for one in sorted({*LADDER, price})]


def effect(situation: asking_questions.Situation, price: float) -> Effect:
    choices = asking_questions.chosen(situation, price=price)
    rows = [choice.question for choice in choices]
    pairs = situation.pairs
    told = {*pairs.owner[pairs.need[rows]].tolist(), *pairs.giver[pairs.offer[rows]].tolist()} if rows else set()
    return Effect(price, len(rows), len(told), sum(choice.gain for choice in choices))
