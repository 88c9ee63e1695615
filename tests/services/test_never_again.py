"""« Never again » between two structures: what else is open between them ends with it, and nothing brings them together any more."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    DeclineReason,
    Match,
    MatchingRun,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    OutboxMail,
    Proposal,
    ProposalAnswer,
    ProposalStatus,
    RunStatus,
    Side,
    Status,
)
from matchmaker.models.base import now, today
from matchmaker.services import declarations, matching, never_again, proposal_answers, proposal_ends, refusals
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox import MailSettings
from matchmaker.services.proposal_answers import Reply, Standing, standing
from matchmaker.services.refusal_bounds import Bounds
from tasks.proposals import expire
from tests.brief_stories import brief
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement, proposals_of

YES = Reply(ProposalStatus.ACCEPTED)
NO = Reply(ProposalStatus.DECLINED, reason=DeclineReason.TOO_FAR)
NEVER = Reply(ProposalStatus.DECLINED, reason=DeclineReason.OTHER, bounds=Bounds(never=True))
HIDDEN = {"category": Category.SUCCESSION, "is_confidential": True}


@pytest.fixture
def mail_settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


@pytest.fixture
def say(mail_settings: MailSettings):
    def say(proposal: Proposal, reply: Reply) -> bool:
        return proposal_answers.answer(proposal, reply, channel=Channel.LINK, settings=mail_settings)

    return say


class Two:
    """Two structures and what is asked between them, both ways; a third one that each of them is asked about too."""

    def __init__(self) -> None:
        self.mine, self.theirs, third = OrganisationFactory(), OrganisationFactory(), OrganisationFactory()
        self.run = RunFactory(status=RunStatus.PUBLISHED)
        self.there = self.between(NeedFactory(organisation=self.mine, capacity=2), OfferFactory(organisation=self.theirs))
        self.back = self.between(NeedFactory(organisation=self.theirs, capacity=2), OfferFactory(organisation=self.mine))
        self.aside = self.between(self.there.need, OfferFactory(organisation=third))
        self.elsewhere = self.between(self.back.need, OfferFactory(organisation=third))

    def between(self, need: Need, offer: Offer) -> Match:
        match = MatchFactory(run=self.run, need=need, offer=offer)
        proposals_of(match)
        return match

    def side(self, match: Match, organisation: Organisation) -> Proposal:
        return next(one for one in match.proposals if one.organisation_id == organisation.id)

    def my(self, match: Match) -> Proposal:
        return self.side(match, self.mine)

    def their(self, match: Match) -> Proposal:
        return self.side(match, self.theirs)


@pytest.fixture
def two(session: Session) -> Two:
    return Two()


def mails() -> list[tuple[str, str]]:
    return sorted((mail.kind, mail.recipient) for mail in db.session.scalars(select(OutboxMail)))


def test_the_other_question_between_the_two_ends_and_those_with_others_do_not(two: Two, say) -> None:
    say(two.my(two.there), NEVER)

    assert [match.status for match in (two.there, two.back)] == [MatchStatus.ENDED] * 2
    assert [side.status for side in two.back.proposals] == [ProposalStatus.WITHDRAWN] * 2
    assert (two.my(two.back).parted_by_id, two.their(two.back).parted_by_id) == (two.my(two.there).id, None)
    assert [match.status for match in (two.aside, two.elsewhere)] == [MatchStatus.PROPOSED] * 2
    assert never_again.ended_by(two.my(two.there)) == 1
    assert mails() == []


def test_who_had_said_yes_is_told_kindly_and_stays_first_in_line(two: Two, say) -> None:
    say(two.their(two.back), YES)

    say(two.my(two.there), NEVER)

    assert two.their(two.back).status is ProposalStatus.ACCEPTED
    assert standing(two.their(two.back)) is Standing.KEPT
    assert mails() == [("no_follow_up", two.theirs.email)]


def test_who_parts_is_not_told_that_its_own_yes_led_nowhere(two: Two, say) -> None:
    say(two.my(two.back), YES)

    say(two.my(two.there), NEVER)

    mine = two.my(two.back)
    assert (mine.status, mine.answered_at) == (ProposalStatus.WITHDRAWN, None)
    assert [one.status for one in mine.history] == [ProposalStatus.ACCEPTED]
    assert mails() == []


def test_both_needs_look_elsewhere_each_in_its_territory(two: Two, say) -> None:
    two.back.need.territory = departement("14")
    say(two.my(two.there), NEVER)

    matching.wish_for_runs_after(two.my(two.there))

    queued = select(MatchingRun).where(MatchingRun.status == RunStatus.QUEUED)
    assert {run.territory.code for run in db.session.scalars(queued)} == {"14", two.there.need.territory.code}


def test_with_another_mind_everything_is_as_it_was(two: Two, say) -> None:
    say(two.my(two.back), YES)
    said_at = two.my(two.back).history[0].created_at
    say(two.my(two.there), NEVER)

    say(two.my(two.there), YES)

    assert [match.status for match in (two.there, two.back)] == [MatchStatus.PROPOSED] * 2
    assert (two.my(two.back).status, two.my(two.back).answered_at) == (ProposalStatus.ACCEPTED, said_at)
    assert two.their(two.back).status is ProposalStatus.PENDING
    assert two.my(two.back).parted_by_id is None


def test_the_same_no_without_never_brings_the_other_question_back(two: Two, say) -> None:
    say(two.my(two.there), NO)
    assert two.back.status is MatchStatus.PROPOSED
    say(two.my(two.there), NEVER)
    assert two.back.status is MatchStatus.ENDED

    say(two.my(two.there), NO)

    assert two.back.status is MatchStatus.PROPOSED


@pytest.mark.parametrize("reason", ["told", "late", "closed", "taken", "apart"])
def test_what_cannot_be_as_it_was_stays_over(two: Two, say, mail_settings: MailSettings, reason: str) -> None:
    if reason == "told":
        say(two.their(two.back), YES)
    say(two.my(two.there), NEVER)
    if reason == "late":
        two.their(two.back).answer_by = today() - timedelta(days=1)
    elif reason == "closed":
        declarations.change_status(two.back.offer, Status.PAUSED)
    elif reason == "taken":
        two.back.need.capacity = 1
        MatchFactory(need=two.back.need, mutual=True)
    elif reason == "apart":
        other = two.between(NeedFactory(organisation=two.theirs), OfferFactory(organisation=two.mine))
        say(two.their(other), NEVER)

    say(two.my(two.there), YES)

    assert two.back.status is MatchStatus.ENDED
    assert two.there.status is (MatchStatus.ENDED if reason == "apart" else MatchStatus.PROPOSED)


@pytest.mark.parametrize("hidden", ["need", "offer"])
@pytest.mark.parametrize("first", [True, False])
def test_an_announcement_in_confidence_takes_no_part_or_its_end_would_tell_who_it_is(two: Two, say, hidden: str, first: bool) -> None:
    need = NeedFactory(organisation=two.mine, category=Category.SUCCESSION, is_confidential=hidden == "need")
    offer = OfferFactory(organisation=two.theirs, category=Category.SUCCESSION, is_confidential=hidden == "offer")
    secret = two.between(need, offer)
    said, other = (secret, two.there) if first else (two.there, secret)

    say(two.my(said), NEVER)

    assert other.status is MatchStatus.PROPOSED
    assert (two.back.status is MatchStatus.ENDED) is not first


def test_two_yes_in_confidence_lead_nowhere_when_one_wants_no_more_of_the_other(two: Two, say) -> None:
    secret = two.between(NeedFactory(organisation=two.theirs, **HIDDEN), OfferFactory(organisation=two.mine, category=Category.SUCCESSION))
    say(two.my(two.there), NEVER)

    say(two.their(secret), YES)
    say(two.my(secret), YES)

    assert (secret.status, secret.confirmed_at) == (MatchStatus.ENDED, None)
    assert standing(two.my(secret)) is Standing.KEPT
    assert mails() == sorted([("no_follow_up", two.mine.email), ("no_follow_up", two.theirs.email)])


def test_a_changed_or_late_yes_of_the_other_side_opens_nothing(two: Two, say, mail_settings: MailSettings) -> None:
    late = two.between(NeedFactory(organisation=two.theirs), OfferFactory(organisation=two.mine))
    say(two.my(late), YES)
    proposal_ends.end(late, leave=ProposalStatus.EXPIRED, settings=mail_settings)
    say(two.their(two.back), NO)
    say(two.my(two.there), NEVER)

    say(two.their(late), YES)
    say(two.their(two.back), YES)

    assert [match.status for match in (late, two.back)] == [MatchStatus.ENDED] * 2
    assert standing(two.their(two.back)) is Standing.KEPT


def test_what_was_asked_in_the_same_second_ends_an_hour_later(two: Two, say, app) -> None:
    say(two.my(two.there), NEVER)
    missed = two.between(NeedFactory(organisation=two.theirs), OfferFactory(organisation=two.mine))
    db.session.commit()

    expire()
    expire()

    db.session.refresh(missed)
    assert (missed.status, two.my(missed).parted_by_id) == (MatchStatus.ENDED, two.my(two.there).id)
    assert two.aside.status is MatchStatus.PROPOSED


def test_a_lifted_refusal_ends_nothing_any_more(two: Two, say, mail_settings: MailSettings) -> None:
    say(two.my(two.there), NEVER)
    refusals.lift(two.my(two.there), by=UserFactory(animator=True))
    again = two.between(NeedFactory(organisation=two.theirs), OfferFactory(organisation=two.mine))

    assert never_again.end_left_over(settings=mail_settings) == []
    assert again.status is MatchStatus.PROPOSED


def test_the_database_keeps_who_parts_from_being_asked(two: Two) -> None:
    two.my(two.back).parted_by_id = two.my(two.there).id

    with pytest.raises(IntegrityError, match="who_parts_is_not_asked"):
        db.session.flush()
    db.session.rollback()


class Parting(RuleBasedStateMachine):
    """Two structures with five questions between them, one of them in confidence, and one with a third; each story is undone at its end."""

    mail_settings: MailSettings

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(now(), tick=False)
        self.moved = self.clock.start()
        self.savepoint = db.session.begin_nested()
        two = Two()
        secret = two.between(NeedFactory(organisation=two.mine, **HIDDEN), OfferFactory(organisation=two.theirs, category=Category.SUCCESSION))
        more = [two.between(two.there.need, OfferFactory(organisation=two.theirs)), two.between(NeedFactory(organisation=two.theirs), two.back.offer)]
        self.matches = [two.there, two.back, secret, *more, two.aside]

    def teardown(self) -> None:
        self.savepoint.rollback()
        db.session.expunge_all()
        self.clock.stop()

    @rule(place=st.integers(0, 5), side=st.sampled_from(Side), reply=st.sampled_from([YES, NO, NEVER]))
    def somebody_answers(self, place: int, side: Side, reply: Reply) -> None:
        self.moved.shift(timedelta(seconds=1))
        proposal = next(one for one in self.matches[place].proposals if one.side is side)
        with db.session.begin_nested() as attempt:
            try:
                proposal_answers.answer(proposal, reply, channel=Channel.LINK, settings=self.mail_settings)
            except NotAllowedNow:
                attempt.rollback()
        db.session.expire_all()

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        self.moved.shift(timedelta(days=days))
        proposal_ends.expire_due(today=today(), settings=self.mail_settings)
        never_again.end_left_over(settings=self.mail_settings)

    @rule(place=st.integers(0, 5))
    def two_part(self, place: int) -> None:
        match = self.matches[place]
        if match.is_mutual:
            proposal_ends.part(match.proposals[0])

    def said_never(self) -> list[Proposal]:
        db.session.flush()
        between = [match.id for match in self.matches[:5]]
        return list(db.session.scalars(select(Proposal).where(Proposal.never_again, Proposal.match_id.in_(between))))

    @invariant()
    def nothing_is_open_between_two_that_part_but_in_confidence(self) -> None:
        if any(not never_again.in_confidence(no.match) for no in self.said_never()):
            assert not [match for match in self.matches[:2] + self.matches[3:5] if match.status is MatchStatus.PROPOSED]

    @invariant()
    def nobody_is_put_in_touch_with_whom_it_parted_from(self) -> None:
        for no in self.said_never():
            assert not [one for one in self.matches[:5] if one.confirmed_at and no.answered_at and one.confirmed_at > no.answered_at]

    @invariant()
    def every_question_is_as_its_match(self) -> None:
        for match in self.matches:
            said = {side.status for side in match.proposals}
            assert match.status is not MatchStatus.ENDED or ProposalStatus.PENDING not in said, (match.status, said)
            if match.status is MatchStatus.PROPOSED:
                assert ProposalStatus.PENDING in said
                assert said <= {ProposalStatus.PENDING, ProposalStatus.ACCEPTED}

    @invariant()
    def a_yes_that_stands_is_the_last_that_was_said(self) -> None:
        for match in self.matches:
            for side in match.proposals:
                said = select(ProposalAnswer.status).where(ProposalAnswer.proposal_id == side.id).order_by(ProposalAnswer.created_at.desc())
                assert side.status not in (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED) or db.session.scalar(said.limit(1)) is side.status

    @invariant()
    def each_is_told_once_of_each_match_that_led_nowhere(self) -> None:
        keys = list(db.session.scalars(select(OutboxMail.idempotency_key).where(OutboxMail.kind == "no_follow_up")))
        assert len(keys) == len(set(keys))


def test_no_story_brings_together_two_that_part(session: Session, mail_settings: MailSettings) -> None:
    Parting.mail_settings = mail_settings
    run_state_machine_as_test(Parting, settings=brief(stories=20, steps=12))
