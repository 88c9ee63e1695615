"""Two hundred structures for sixty days, on a clock that is moved: everything that was asked ends, and nobody is asked too much."""

import random
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import (
    DeclineReason,
    Match,
    MatchStatus,
    Matter,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Proposal,
    ProposalStatus,
    Solicitation,
    SolicitationCount,
    Status,
)
from matchmaker.models.base import PARIS, today
from matchmaker.services import asking, declarations, matching, proposal_ends, proposals, silent_needs, work_queue_facts, working_days
from matchmaker.services.outbox import MailSettings
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, departement

START = date(2026, 4, 13)
DAYS = 60
TRADES = ("traiteur", "menuiserie", "comptabilité", "imprimerie", "nettoyage", "espaces verts", "transport", "couture", "informatique", "maçonnerie")
TOWNS = ("Flers (61)", "Argentan (61)", "Alençon (61)", "Domfront en Poiraie (61)", "La Ferté Macé (61)")

# The tables that the daily clock reads.
READ = tuple(model.__table__ for model in (Match, Need, Offer, Organisation, OutboxMail, Proposal, Solicitation, SolicitationCount))


class Town:
    """The people of the test: what they say, and when, by one seed."""

    def __init__(self, settings: MailSettings) -> None:
        self.settings, self.rng = settings, random.Random(61)
        self.organisations = [
            OrganisationFactory(at=self.rng.choice(TOWNS), weekly_budget=self.rng.choice((1, 2, 2, 3)), monthly_budget=self.rng.choice((2, 4, 6, 6)))
            for _one in range(200)
        ]
        self.keen = {one.id: self.rng.choice((0.0, 0.02, 0.08, 0.25)) for one in self.organisations}
        self.needs = [self.declare(NeedFactory, one) for number, one in enumerate(self.organisations) if number % 5 < 2]
        self.offers = [self.declare(OfferFactory, one) for number, one in enumerate(self.organisations) if number % 5 >= 2]

    def declare(self, factory: type, organisation: Organisation) -> Need | Offer:
        trade = self.rng.choice(TRADES)
        return factory(
            organisation=organisation, commune=organisation.commune, title=f"{trade} à façon", skills=[trade], radius_km=60, capacity=self.rng.choice((1, 1, 2))
        )

    def change(self) -> None:
        """Somebody finds elsewhere and closes its need, pauses or brings back an offer, or takes back the yes that led nowhere."""
        need = self.rng.choice(self.needs)
        if need.can_become(Status.CLOSED) and self.rng.random() < 0.3:
            self.leave(need, Status.CLOSED)
        offer = self.rng.choice(self.offers)
        if offer.status is Status.PAUSED:
            declarations.publish(offer, today=today())
        elif self.rng.random() < 0.3:
            self.leave(offer, Status.PAUSED)
        mutual = db.session.scalars(select(Proposal).join(Proposal.match).where(Match.status == MatchStatus.CONFIRMED).order_by(Proposal.id)).all()
        if mutual and self.rng.random() < 0.1:
            proposal_ends.part(self.rng.choice(mutual))

    def leave(self, declaration: Need | Offer, status: Status) -> None:
        declarations.change_status(declaration, status)
        proposal_ends.end_of_declaration(declaration, settings=self.settings)

    def answer(self, day: date) -> None:
        """Each open question may be answered today: yes, no, or later."""
        query = (
            select(Proposal).where(Proposal.status == ProposalStatus.PENDING).options(joinedload(Proposal.match)).order_by(Proposal.proposed_at, Proposal.id)
        )
        for proposal in db.session.scalars(query).all():
            if self.rng.random() >= self.keen[proposal.organisation_id] or proposal.status is not ProposalStatus.PENDING:
                continue
            said = self.rng.random()
            if said < 0.5:
                proposals.accept(proposal, settings=self.settings)
            elif said < 0.9:
                proposals.decline(proposal, reason=self.rng.choice(list(DeclineReason)), settings=self.settings)
            elif day + timedelta(days=7) <= proposals.latest_postponement(proposal):
                proposals.postpone(proposal, until=day + timedelta(days=7))


def live(town: Town, day: date, settings: MailSettings) -> None:
    """One day as beat and people make it; each task is run twice, for two beats."""
    for _beat in range(2):
        proposal_ends.expire_due(today=day, settings=settings)
        silent_needs.tell_due(today=day, settings=settings)
    if day.weekday() == 0 and (day - START).days % 14 == 0:
        run = matching.rematch(departement(), today=day)
        matching.publish(run, today=day, settings=settings, asks=working_days.is_working_day(day))
    if working_days.is_working_day(day):
        for _beat in range(2):
            asking.ask(departement(), day=day, settings=settings)
        town.answer(day)
        town.change()
    db.session.flush()
    db.session.expire_all()


def count_the_rows() -> None:
    """What a database in use does by itself: in one transaction, PostgreSQL holds these tables for empty and chooses its plans for that."""
    db.session.execute(text(f"ANALYZE {', '.join(table.name for table in READ)}"))


@pytest.fixture
def sixty_days(session: Session, app) -> date:
    settings = MailSettings.from_config(app.config)
    with time_machine.travel(datetime.combine(START, time(9), PARIS), tick=False) as clock:
        town = Town(settings)
        for number in range(DAYS):
            clock.move_to(datetime.combine(START + timedelta(days=number), time(9), PARIS))
            if number % 7 == 1:
                count_the_rows()
            live(town, today(), settings)
        check(today(), settings)
    return START + timedelta(days=DAYS - 1)


def check(day: date, settings: MailSettings) -> None:
    every_question_has_an_end(day)
    nobody_was_asked_too_much()
    silence_was_passed_on(day)


def every_question_has_an_end(day: date) -> None:
    """Open with a day to come, or over; and its match says the same."""
    for proposal in db.session.scalars(select(Proposal).options(joinedload(Proposal.match))):
        status = proposal.match.status
        if proposal.status is ProposalStatus.PENDING:
            assert proposal.answer_by >= day
            assert status is MatchStatus.PROPOSED
        if proposal.status in (ProposalStatus.DECLINED, ProposalStatus.EXPIRED, ProposalStatus.WITHDRAWN):
            assert status is MatchStatus.ENDED
        if status is MatchStatus.CONFIRMED:
            assert proposal.status is ProposalStatus.ACCEPTED
    live_pairs = Counter(
        (match.need_id, match.offer_id) for match in db.session.scalars(select(Match).where(Match.status.in_((MatchStatus.PROPOSED, MatchStatus.CONFIRMED))))
    )
    assert max(live_pairs.values(), default=0) <= 1


def nobody_was_asked_too_much() -> None:
    """Counted from what was asked, not from the counters; and the counters say the same."""
    budgets = {one.id: one for one in db.session.scalars(select(Organisation))}
    week, month, mails = Counter(), Counter(), Counter()
    for one in db.session.scalars(select(Solicitation).where(Solicitation.returned_at.is_(None))):
        week[one.organisation_id, one.day - timedelta(days=one.day.weekday())] += 1
        month[one.organisation_id, one.day.replace(day=1)] += 1
        assert working_days.is_working_day(one.day)
    assert all(number <= budgets[who].weekly_budget for (who, _day), number in week.items())
    assert all(number <= budgets[who].monthly_budget for (who, _day), number in month.items())
    counted = {
        (row.organisation_id, row.starts_on): row.count for row in db.session.scalars(select(SolicitationCount).where(SolicitationCount.period == "week"))
    }
    assert counted == dict(week)
    for mail in db.session.scalars(select(OutboxMail).where(OutboxMail.kind.in_(("proposals", "proposals_reminder")))):
        mails[mail.organisation_id, mail.created_at.astimezone(PARIS).date()] += 1
    assert max(mails.values()) == 1


def silence_was_passed_on(day: date) -> None:
    """A need whose question was left without an answer got another one, a yes, or stands in the animator's list."""
    told = {fact.subject_id for fact in work_queue_facts.facts([departement().id], today=day) if fact.matter in set(Matter)}
    put = db.session.scalars(select(Match).where(Match.status != MatchStatus.PREVIEW).options(selectinload(Match.proposals), joinedload(Match.need))).all()
    by_need: dict[Need, list[Match]] = defaultdict(list)
    for match in put:
        by_need[match.need].append(match)
    expired = [match for match in put if any(one.status is ProposalStatus.EXPIRED for one in match.proposals)]
    for match in expired:
        need, others = match.need, [other for other in by_need[match.need] if other is not match]
        later = [other for other in others if any(one.proposed_at >= min(mine.proposed_at for mine in match.proposals) for one in other.proposals)]
        stands = [other for other in others if other.status in (MatchStatus.PROPOSED, MatchStatus.CONFIRMED)]
        assert later or stands or need.status is not Status.PUBLISHED or need.id in told, need.title
    assert len(expired) > 20


def test_everything_that_was_asked_ends_and_nobody_is_asked_too_much(sixty_days: date) -> None:
    statuses = Counter(db.session.scalars(select(Proposal.status)))

    # All ends were met on the way.
    assert {ProposalStatus.ACCEPTED, ProposalStatus.DECLINED, ProposalStatus.EXPIRED, ProposalStatus.WITHDRAWN} <= set(statuses)
    assert db.session.scalar(select(Match.id).where(Match.status == MatchStatus.CONFIRMED).limit(1)) is not None
