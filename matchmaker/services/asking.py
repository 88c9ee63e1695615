"""Asking, day by day: of the pairs of the published run, those that are worth a mail today. See engine/solicitation for the policy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import any_, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import selectinload

from matchmaker.extensions import compute_at_length, db
from matchmaker.models import AskingDay, Match, MatchingRun, MatchStatus, Organisation, Proposal, RunStatus, Territory
from matchmaker.models.base import PARIS
from matchmaker.models.declarations import Need, Offer
from matchmaker.services import asking_prices, asking_questions, asking_reading, asking_reminders, matching_breakdowns, outbox, proposals, working_days
from matchmaker.services.asking_questions import Situation
from matchmaker.services.matching_inputs import PairIds

# One at a time over all territories: two of them may hold pairs of one structure, and it gets one mail a day.
ASKING_LOCK = 0x6D61746368


@dataclass(frozen=True)
class Asked:
    """What was put and recalled on one day in one territory."""

    proposals: list[Proposal] = field(default_factory=list)
    reminded: list[Proposal] = field(default_factory=list)
    cooperations: float = 0.0


def due(*, moment: datetime) -> list[Territory]:
    """The territories with a published run that were not looked at today; none outside the hours in which people are asked."""
    if not working_days.is_open(moment):
        return []
    day = moment.astimezone(PARIS).date()
    asked = select(AskingDay.territory_id).where(AskingDay.day >= day)
    published = select(MatchingRun.territory_id).where(MatchingRun.status == RunStatus.PUBLISHED)
    return list(db.session.scalars(select(Territory).where(Territory.id.in_(published), Territory.id.not_in(asked)).order_by(Territory.code)))


def ask(territory: Territory, *, day: date, settings: outbox.MailSettings, again: bool = False) -> Asked:
    """Ask what is worth a mail on this day, and recall what is worth recalling; once a day, whoever calls and however often.

    ``again``: a run was published since; who was asked today is left in peace, and so is a need that was asked about. A clock that was
    moved back asks nothing.
    """
    compute_at_length()
    db.session.execute(select(func.pg_advisory_xact_lock(ASKING_LOCK)))
    run, latest = asking_prices.published_run(territory), latest_day(territory)
    if run is None or (latest is not None and (latest > day or (latest == day and not again))):
        return Asked()
    price = asking_prices.in_force(territory)
    db.session.flush()
    with db.session.no_autoflush:
        situation = asking_questions.read(run, price, day=day)
        choices = asking_questions.chosen(situation, price=price.price)
    rows = [choice.question for choice in choices]
    put = proposals.propose(matches_for(run, situation, rows), today=day, settings=settings, loads=asking_reminders.loads_of(situation))
    reminded = asking_reminders.remind(situation, rows, price=price.price, day=day, settings=settings)
    asked = Asked(put, reminded, sum(choice.gain for choice in choices))
    write_down(territory, day, price.price, asked)
    return asked


def latest_day(territory: Territory) -> date | None:
    return db.session.scalar(select(func.max(AskingDay.day)).where(AskingDay.territory_id == territory.id))


def latest_days(territory: Territory, *, limit: int = 10) -> list[AskingDay]:
    """What was asked lately, the newest day first."""
    query = select(AskingDay).where(AskingDay.territory_id == territory.id).order_by(AskingDay.day.desc()).limit(limit)
    return list(db.session.scalars(query))


def write_down(territory: Territory, day: date, price: float, asked: Asked) -> None:
    mails = len({one.organisation_id for one in asked.proposals})
    figures: dict[str, Any] = {
        "pairs": len(asked.proposals) // 2,
        "mails": mails,
        "reminders": len(asked.reminded),
        "cooperations": round(asked.cooperations, 3),
    }
    row = upsert(AskingDay).values(territory_id=territory.id, day=day, price=price, figures=figures)
    db.session.execute(row.on_conflict_do_update(index_elements=["territory_id", "day"], set_={"figures": figures, "price": price}))


def matches_for(run: MatchingRun, situation: Situation, rows: Sequence[int]) -> list[Match]:
    """The stored pairs of these rows: those of the plan, and the next best, which are stored now."""
    pairs = situation.pairs
    wanted: list[PairIds] = [(pairs.need_ids[pairs.need[row]], pairs.offer_ids[pairs.offer[row]]) for row in rows]
    if not wanted:
        return []
    stored = find(run, wanted)
    missing = {pair: int(pairs.score[row]) for pair, row in zip(wanted, rows, strict=True) if pair not in stored}
    if missing:
        details = matching_breakdowns.details(run, missing)
        common = {"run_id": run.id, "status": MatchStatus.PREVIEW}
        new = [{**common, "id": uuid4(), "need_id": pair[0], "offer_id": pair[1], "score": missing[pair], **vars(detail)} for pair, detail in details.items()]
        db.session.execute(insert(Match), new)
        db.session.expire(run, ["matches"])
        stored |= find(run, list(missing))
    return [stored[pair] for pair in wanted]


def find(run: MatchingRun, wanted: Sequence[PairIds]) -> dict[PairIds, Match]:
    needs = asking_reading.array([need for need, _offer in wanted])
    query = select(Match).where(Match.run_id == run.id, Match.need_id == any_(needs))
    need, offer = selectinload(Match.need), selectinload(Match.offer)
    sides = (need.joinedload(Need.organisation).joinedload(Organisation.commune), offer.joinedload(Offer.organisation).joinedload(Organisation.commune))
    places = (need.joinedload(Need.commune), need.joinedload(Need.territory), offer.joinedload(Offer.commune), offer.joinedload(Offer.territory))
    found = db.session.scalars(query.options(*sides, *places, selectinload(Match.proposals)))
    return {(match.need_id, match.offer_id): match for match in found}
