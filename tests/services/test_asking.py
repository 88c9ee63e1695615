"""Whom to ask today: the plan first, then the next best; few, once a day, and never twice the same."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Absence, AskingDay, Channel, MatchingRun, MatchStatus, OutboxMail, Proposal, ProposalStatus, Side, Solicitation, SolicitationKind
from matchmaker.models.base import PARIS, now, today
from matchmaker.services import asking, asking_prices, asking_reading, matching, proposal_answers, proposal_ends, proposals, working_days
from matchmaker.services.outbox import MailSettings
from matchmaker.services.proposal_answers import Reply
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement

DAY = working_days.first_from(today())


@pytest.fixture
def settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


def later(days: int) -> date:
    return working_days.add(DAY, days)


def published(settings: MailSettings, *, asks: bool = True) -> MatchingRun:
    run = matching.rematch(departement(), today=DAY)
    matching.publish(run, today=DAY, settings=settings, asks=asks)
    return run


def asked() -> list[tuple[str, str]]:
    """What was put to the offers' sides, in its order: titles of need and offer."""
    query = select(Proposal).join(Solicitation).where(Proposal.side == Side.OFFER, Solicitation.kind == SolicitationKind.PROPOSAL)
    return [(one.match.need.title, one.match.offer.title) for one in db.session.scalars(query.order_by(Solicitation.day, Proposal.id))]


def one_need(*offers: str, **fields: object) -> None:
    NeedFactory(title="Buffet", organisation=OrganisationFactory(weekly_budget=15, monthly_budget=30), **fields)
    for number, title in enumerate(offers):
        OfferFactory(title=title, radius_km=30 + number)


def test_the_pair_that_the_run_chose_is_asked_first_and_the_next_best_three_days_later(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur", "Traiteur bio")
    run = published(settings)
    assert [(match.need.title, match.offer.title) for match in run.matches] == asked()

    for day in range(1, 4):
        asking.ask(departement(), day=later(day), settings=settings)

    assert len(asked()) == 2
    assert db.session.scalars(select(Solicitation.day).distinct().order_by(Solicitation.day)).all() == [DAY, later(3)]
    # The next best is stored with what its score is made of.
    assert all(match.breakdown and match.status is MatchStatus.PROPOSED for match in run.matches)


def test_a_day_is_asked_once_and_a_clock_that_goes_back_asks_nothing(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur", "Traiteur bio", "Traiteur du port")
    published(settings)
    asking.ask(departement(), day=later(3), settings=settings)
    mails = db.session.scalar(select(func.count(OutboxMail.id)))

    for day in (later(3), later(2), DAY):
        assert asking.ask(departement(), day=day, settings=settings) == asking.Asked()

    assert db.session.scalar(select(func.count(OutboxMail.id))) == mails


def test_without_anybody_at_work_the_next_morning_asks(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur")
    published(settings, asks=False)
    assert asked() == []
    evening = datetime.combine(DAY, datetime.min.time(), PARIS).replace(hour=20)
    assert asking.due(moment=evening) == []
    assert [territory.code for territory in asking.due(moment=evening.replace(hour=9))] == ["61"]

    asking.ask(departement(), day=DAY, settings=settings)

    assert len(asked()) == 1
    assert asking.due(moment=evening.replace(hour=9)) == []


def test_one_structure_gets_one_mail_a_day_over_all_territories(session: Session, settings: MailSettings) -> None:
    busy = OrganisationFactory(weekly_budget=5)
    for town in ("Flers (61)", "Condé-en-Normandie (14)"):
        NeedFactory(at=town, title=town)
        OfferFactory(at=town, organisation=busy)
    for code in ("61", "14"):
        run = matching.rematch(departement(code), today=DAY)
        matching.publish(run, today=DAY, settings=settings)

    to_busy = select(func.count(OutboxMail.id)).where(OutboxMail.recipient == busy.email)
    assert db.session.scalar(to_busy) == 1
    asking.ask(departement("14"), day=later(1), settings=settings)
    assert db.session.scalar(to_busy) == 2


@pytest.mark.parametrize("why", ["absent", "day off"])
def test_who_is_away_is_asked_when_back(session: Session, settings: MailSettings, why: str) -> None:
    one_need("Traiteur")
    run = matching.rematch(departement(), today=DAY)
    away = run.matches[0].offer.organisation
    if why == "absent":
        db.session.add(Absence(organisation=away, starts_on=DAY, ends_on=later(1)))
    else:
        away.working_days &= ~(1 << DAY.weekday())
    db.session.flush()

    assert matching.publish(run, today=DAY, settings=settings) == []
    asking.ask(departement(), day=later(2), settings=settings)

    assert len(asked()) == 1


def test_a_higher_price_asks_less_and_never_silences_a_need(session: Session, settings: MailSettings) -> None:
    for number in range(3):
        one_need(f"Traiteur {number}")
    asking_prices.set_price(departement(), price=0.5, by=UserFactory(animator=True))
    published(settings)

    # Each need has nothing under way: its best candidate is asked even below the price, once.
    assert len(asked()) == 3
    for day in range(1, 9):
        asking.ask(departement(), day=later(day), settings=settings)
    assert len(asked()) == 3


def test_a_silent_question_is_recalled_once_where_it_pays(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur")
    published(settings)
    waited_for = db.session.scalars(select(Proposal).where(Proposal.side == Side.OFFER)).one()
    # Its silence keeps somebody waiting who said yes.
    proposals.accept(waited_for.other, settings=settings)

    for day in range(1, 10):
        asking.ask(departement(), day=later(day), settings=settings)

    assert db.session.scalars(select(OutboxMail.recipient).where(OutboxMail.kind == "proposals_reminder")).all() == [waited_for.organisation.email]
    recalled = db.session.scalars(select(Solicitation).where(Solicitation.kind == SolicitationKind.REMINDER)).one()
    assert (recalled.day, recalled.proposal) == (later(5), waited_for)


@pytest.mark.parametrize("why_not", [None, "nobody said yes", "the place is taken", "it was recalled in time"])
def test_a_question_whose_time_is_over_is_recalled_while_somebody_waits_for_it(session: Session, settings: MailSettings, why_not: str | None) -> None:
    one_need("Traiteur")
    published(settings)
    silent = db.session.scalars(select(Proposal).where(Proposal.side == Side.OFFER)).one()
    if why_not != "nobody said yes":
        proposals.accept(silent.other, settings=settings)
    if why_not == "it was recalled in time":
        asking.ask(departement(), day=later(5), settings=settings)
    proposal_ends.expire_due(today=later(11), settings=settings)
    assert silent.status is ProposalStatus.EXPIRED
    if why_not == "the place is taken":
        other = MatchFactory(need=silent.match.need, mutual=True)
        assert other.status is MatchStatus.CONFIRMED

    before = recalled_on()
    for day in (12, 13):
        asking.ask(departement(), day=later(day), settings=settings)

    assert recalled_on()[len(before) :] == ([later(12)] if why_not is None else [])
    if why_not is None:
        # It is under way again, and a yes brings the two together.
        under_way = asking_reading.under_way([silent.match.need_id], day=later(14))
        assert (under_way.reminded.tolist(), under_way.answered.tolist()) == ([2], [False])
        assert proposal_answers.answer(silent, Reply(ProposalStatus.ACCEPTED), channel=Channel.LINK, settings=settings)
        assert silent.match.is_mutual


def recalled_on() -> list[date]:
    return list(db.session.scalars(select(Solicitation.day).where(Solicitation.kind == SolicitationKind.REMINDER).order_by(Solicitation.day)))


def test_who_said_later_is_not_recalled(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur")
    published(settings)
    for proposal in db.session.scalars(select(Proposal)):
        proposals.postpone(proposal, until=later(9))

    for day in range(1, 9):
        asking.ask(departement(), day=later(day), settings=settings)

    assert db.session.scalars(select(Solicitation).where(Solicitation.kind == SolicitationKind.REMINDER)).all() == []


def test_after_ten_working_days_of_silence_the_next_best_is_asked(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur", "Traiteur bio")
    published(settings)
    first = set(asked())
    for proposal in db.session.scalars(select(Proposal).where(Proposal.side == Side.NEED)):
        proposals.accept(proposal, settings=settings)

    for day in range(1, 14):
        proposal_ends.expire_due(today=later(day), settings=settings)
        asking.ask(departement(), day=later(day), settings=settings)

    assert len(set(asked())) == 2
    silent = db.session.scalars(select(Proposal.status).join(Solicitation).where(Solicitation.day == DAY, Proposal.side == Side.OFFER)).all()
    assert silent == [ProposalStatus.EXPIRED]
    assert first <= set(asked())


def test_an_asking_reads_as_often_for_one_pair_as_for_many(session: Session, settings: MailSettings, queries: list[str]) -> None:
    counts = []
    for number in (1, 8):
        for _pair in range(number):
            NeedFactory(), OfferFactory()
        run = matching.rematch(departement(), today=DAY)
        matching.publish(run, today=DAY, settings=settings, asks=False)
        db.session.commit()
        db.session.expunge_all()
        queries.clear()
        asking_prices.effects(departement(), 0.02, day=DAY)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_day_keeps_what_was_asked(session: Session, settings: MailSettings) -> None:
    one_need("Traiteur")
    published(settings)

    row = db.session.scalars(select(AskingDay)).one()

    assert (row.day, row.price, row.figures["pairs"], row.figures["mails"], row.figures["reminders"]) == (DAY, 0.02, 1, 2, 0)
    assert row.figures["cooperations"] > 0
    assert row.asked_at <= now() + timedelta(seconds=1)
