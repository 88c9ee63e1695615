"""Any story of publications, answers, changes of mind, pauses and moved clocks: a pair is asked about once at a time, within every budget."""

from collections import Counter
from datetime import date, datetime, time, timedelta

import time_machine
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import (
    Channel,
    DeclineReason,
    Match,
    MatchingRun,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Period,
    Proposal,
    ProposalStatus,
    RunStatus,
    Solicitation,
    SolicitationCount,
    Status,
)
from matchmaker.models.base import PARIS, today
from matchmaker.services import (
    asking,
    asking_budgets,
    declarations,
    matching,
    matching_withdrawal,
    proposal_answers,
    proposal_ends,
    proposal_lists,
    working_days,
)
from matchmaker.services.errors import AnsweredAlready, NotAllowedNow
from matchmaker.services.outbox import MailSettings
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.refusal_bounds import Bounds
from tests.brief_stories import brief
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, departement

START = date(2026, 4, 13)
REPLIES = st.one_of(
    st.just(Reply(ProposalStatus.ACCEPTED)),
    st.sampled_from(DeclineReason).map(lambda reason: Reply(ProposalStatus.DECLINED, reason=reason)),
    st.integers(1, 40).map(lambda days: Reply(ProposalStatus.PENDING, until=today() + timedelta(days=days))),
    st.just(Reply(ProposalStatus.DECLINED, reason=DeclineReason.OTHER, bounds=Bounds(never=True))),
    st.integers(1, 40).map(lambda days: Reply(ProposalStatus.DECLINED, reason=DeclineReason.NO_TIME, bounds=Bounds(not_before=today() + timedelta(days=days)))),
)


class Story(RuleBasedStateMachine):
    """Three needs and four offers of five structures. Each story is undone at its end."""

    app: Flask

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(datetime.combine(START, time(9), PARIS), tick=False)
        self.moved = self.clock.start()
        self.savepoint = db.session.begin_nested()
        self.settings = MailSettings.from_config(self.app.config)
        structures = [OrganisationFactory(weekly_budget=weekly, monthly_budget=monthly) for weekly, monthly in ((1, 2), (1, 4), (2, 4), (2, 6), (3, 6))]
        self.declarations: list[Need | Offer] = [NeedFactory(organisation=structures[row], capacity=1 + row % 2) for row in (0, 2, 4)]
        self.declarations += [OfferFactory(organisation=structures[row]) for row in (1, 2, 3, 4)]

    def teardown(self) -> None:
        self.savepoint.rollback()
        db.session.expunge_all()
        self.clock.stop()

    @rule()
    def compute_and_publish(self) -> None:
        run = matching.rematch(departement(), today=today())
        matching.publish(run, today=today(), settings=self.settings, asks=working_days.is_working_day(today()))

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        """The clock moves on; two beats end what is over and ask, one after the other."""
        self.moved.move_to(datetime.combine(today() + timedelta(days=days), time(9), PARIS))
        for _beat in range(2):
            declarations.expire_due(today=today(), settings=self.settings)
            proposal_ends.expire_due(today=today(), settings=self.settings)
            if working_days.is_working_day(today()):
                asking.ask(departement(), day=today(), settings=self.settings)
        waiting = select(func.min(Proposal.answer_by)).where(Proposal.status == ProposalStatus.PENDING)
        assert (db.session.scalar(waiting) or today()) >= today()

    @rule(days=st.integers(1, 5))
    def ask_with_a_clock_that_is_slow(self, days: int) -> None:
        mails = db.session.scalar(select(func.count(OutboxMail.id)))
        if asking.latest_day(departement()) is not None:
            asking.ask(departement(), day=min(today(), asking.latest_day(departement()) or today()) - timedelta(days=days), settings=self.settings)
            assert db.session.scalar(select(func.count(OutboxMail.id))) == mails

    @precondition(lambda self: db.session.scalar(select(Proposal.id).limit(1)) is not None)
    @rule(data=st.data(), reply=REPLIES)
    def somebody_answers(self, data: st.DataObject, reply: Reply) -> None:
        """The first answer, a late one, or a change of mind; what cannot be said any more changes nothing."""
        asked = db.session.scalars(select(Proposal).options(*proposal_lists.both_sides()).order_by(Proposal.proposed_at, Proposal.id)).all()
        proposal = asked[data.draw(st.integers(0, len(asked) - 1))]
        with db.session.begin_nested() as attempt:
            try:
                proposal_answers.answer(proposal, reply, channel=Channel.LINK, settings=self.settings)
            except NotAllowedNow:
                attempt.rollback()
        db.session.expire_all()

    @rule(data=st.data())
    def two_part(self, data: st.DataObject) -> None:
        mutual = db.session.scalars(select(Proposal).join(Proposal.match).where(Match.status == MatchStatus.CONFIRMED).order_by(Proposal.id)).all()
        if mutual:
            proposal_ends.part(data.draw(st.sampled_from(mutual)))

    @rule()
    def take_the_publication_back(self) -> None:
        run = db.session.scalars(select(MatchingRun).where(MatchingRun.status == RunStatus.PUBLISHED)).one_or_none()
        if run is not None:
            try:
                matching_withdrawal.take_back(run, settings=self.settings)
            except AnsweredAlready:
                db.session.expire_all()

    @rule(number=st.integers(0, 6), status=st.sampled_from((Status.PAUSED, Status.CLOSED, Status.PUBLISHED)))
    def change_a_declaration(self, number: int, status: Status) -> None:
        declaration = self.declarations[number]
        if not declaration.can_become(status):
            return
        if status is Status.PUBLISHED:
            declarations.publish(declaration, today=today())
        else:
            declarations.change_status(declaration, status)
            proposal_ends.end_of_declaration(declaration, settings=self.settings)
        db.session.flush()

    @invariant()
    def a_match_and_its_two_sides_say_the_same(self) -> None:
        matches = db.session.scalars(select(Match).options(selectinload(Match.proposals), joinedload(Match.need), joinedload(Match.offer))).all()
        for match in matches:
            said = Counter(side.status for side in match.proposals)
            assert match.status is MatchStatus.PROPOSED or not said[ProposalStatus.PENDING], (match.status, said)
            if match.status is MatchStatus.PROPOSED:
                assert said[ProposalStatus.PENDING]
                assert said.keys() <= {ProposalStatus.PENDING, ProposalStatus.ACCEPTED}
            if match.status is MatchStatus.CONFIRMED:
                assert said == {ProposalStatus.ACCEPTED: 2}
        live = Counter((match.need_id, match.offer_id) for match in matches if match.status in (MatchStatus.PROPOSED, MatchStatus.CONFIRMED))
        assert max(live.values(), default=0) <= 1
        held = Counter(side for match in matches if match.status is MatchStatus.CONFIRMED for side in (match.need, match.offer))
        assert all(number <= side.capacity for side, number in held.items())

    @invariant()
    def what_a_refusal_asked_for_is_kept(self) -> None:
        """Never again these two structures; nothing about an announcement before its day."""
        query = select(Proposal).join(Proposal.match).options(*proposal_lists.both_sides())
        refused = db.session.scalars(query.where(Proposal.status == ProposalStatus.DECLINED)).all()
        for later in db.session.scalars(query).all():
            two = {later.organisation_id, later.other.organisation_id}
            for no in refused:
                # Whether it was asked before or after.
                assert not (no.never_again and two == {no.organisation_id, no.other.organisation_id} and later.match.status is MatchStatus.PROPOSED)
                if no.answered_at is not None and later.proposed_at > no.answered_at:
                    assert not (no.never_again and two == {no.organisation_id, no.other.organisation_id})
                    about = {later.match.need_id, later.match.offer_id}
                    assert no.not_before is None or no.own_declaration.id not in about or later.proposed_at.astimezone(PARIS).date() >= no.not_before

    @invariant()
    def nobody_was_asked_more_than_it_accepts(self) -> None:
        """Counted from the questions themselves; the counters say the same."""
        asked: Counter[tuple[object, Period, date]] = Counter()
        for organisation_id, day in db.session.execute(select(Solicitation.organisation_id, Solicitation.day).where(Solicitation.returned_at.is_(None))):
            asked.update((organisation_id, period, first) for period, first in asking_budgets.starts(day).items())
        accepted = {one.id: {Period.WEEK: one.weekly_budget, Period.MONTH: one.monthly_budget} for one in db.session.scalars(select(Organisation))}
        assert all(number <= accepted[who][period] for (who, period, _first), number in asked.items())
        rows = db.session.execute(select(SolicitationCount.organisation_id, SolicitationCount.period, SolicitationCount.starts_on, SolicitationCount.count))
        assert {(who, period, first): count for who, period, first, count in rows if count} == dict(asked)


def test_no_story_asks_twice_about_one_pair_or_more_than_somebody_accepts(app: Flask) -> None:
    Story.app = app

    run_state_machine_as_test(Story, settings=brief(stories=12, steps=25))
