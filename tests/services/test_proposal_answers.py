"""What a side says from its mail: changeable until the other side knows, late but welcome, once however often it is sent."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Channel, DeclineReason, Match, MatchStatus, OutboxMail, Proposal, ProposalAnswer, ProposalStatus, Side, Status
from matchmaker.models.base import today
from matchmaker.services import proposal_answers, proposal_ends, proposal_links, proposals
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox import MailSettings
from matchmaker.services.proposal_answers import Reply, Standing, standing
from tests.conftest import committing
from tests.factories import MatchFactory, NeedFactory, OfferFactory, RunFactory, proposals_of

YES = Reply(ProposalStatus.ACCEPTED)
NO = Reply(ProposalStatus.DECLINED, reason=DeclineReason.TOO_FAR)
SECRET = "of these tests"


def later(days: int = 30) -> Reply:
    return Reply(ProposalStatus.PENDING, until=today() + timedelta(days=days))


@pytest.fixture
def settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


@pytest.fixture
def say(settings: MailSettings):
    def say(proposal: Proposal, reply: Reply) -> bool:
        return proposal_answers.answer(proposal, reply, channel=Channel.LINK, settings=settings)

    return say


@pytest.fixture
def both(session: Session) -> tuple[Proposal, Proposal]:
    return proposals_of(MatchFactory())


def traces(proposal: Proposal) -> list[ProposalStatus]:
    db.session.flush()
    return list(db.session.scalars(select(ProposalAnswer.status).where(ProposalAnswer.proposal_id == proposal.id).order_by(ProposalAnswer.created_at)))


def told() -> list[tuple[str, str]]:
    return sorted((mail.kind, mail.recipient) for mail in db.session.scalars(select(OutboxMail)))


def test_a_link_leads_to_its_own_question_only(both) -> None:
    tokens = [proposal_links.token(one, SECRET) for one in both]

    assert [proposal_answers.find_by_token(token, (SECRET,)) for token in tokens] == list(both)
    assert proposal_answers.find_by_token(tokens[0], ("another secret",)) is None
    assert proposal_answers.find_by_token(tokens[0][:-1], (SECRET,)) is None


def test_a_question_that_is_put_again_replaces_its_older_link(both) -> None:
    mine, _theirs = both
    old = proposal_links.token(mine, SECRET)

    proposals.put(mine.match, mine.side, mine.organisation, answer_by=mine.answer_by)
    db.session.flush()

    with pytest.raises(NotAllowedNow):
        proposal_answers.find_by_token(old, (SECRET,))
    assert proposal_answers.find_by_token(proposal_links.token(mine, SECRET), (SECRET,)) is mine


def test_an_answer_leaves_its_reason_and_its_way_on_record(both, say) -> None:
    mine, _theirs = both

    assert say(mine, Reply(ProposalStatus.DECLINED, reason=DeclineReason.FOUND, comment=" merci "))

    [trace] = mine.history
    assert (trace.status, trace.reason, trace.channel) == (ProposalStatus.DECLINED, DeclineReason.FOUND, Channel.LINK)
    assert mine.decline_comment == "merci"


@pytest.mark.parametrize("reply", [YES, NO, later()], ids=["yes", "no", "later"])
def test_the_same_answer_again_says_nothing_new(both, say, reply) -> None:
    mine, _theirs = both

    assert [say(mine, reply) for _time in range(3)] == [True, False, False]
    assert len(traces(mine)) == 1


@pytest.mark.parametrize("second", [NO, later()], ids=["no", "later"])
def test_a_yes_may_be_taken_back_while_the_other_side_has_said_nothing(both, say, second) -> None:
    mine, theirs = both
    say(mine, YES)

    assert say(mine, second)

    assert mine.status is second.status
    assert theirs.status is (ProposalStatus.WITHDRAWN if second is NO else ProposalStatus.PENDING)
    assert told() == []


@pytest.mark.parametrize("second", [YES, later()], ids=["yes", "later"])
def test_a_no_may_be_taken_back_while_the_other_side_was_not_told(both, say, second) -> None:
    mine, theirs = both
    say(mine, NO)

    assert say(mine, second)

    assert (mine.status, mine.decline_reason) == (second.status, None)
    assert (theirs.status, mine.match.status) == (ProposalStatus.PENDING, MatchStatus.PROPOSED)
    say(mine, YES)
    say(theirs, YES)
    assert mine.match.is_mutual


def test_a_no_may_be_given_another_reason(both, say) -> None:
    mine, theirs = both
    say(mine, NO)

    assert say(mine, Reply(ProposalStatus.DECLINED, reason=DeclineReason.FOUND, comment="ailleurs"))

    assert (mine.decline_reason, mine.decline_comment, theirs.status) == (DeclineReason.FOUND, "ailleurs", ProposalStatus.WITHDRAWN)


def test_what_the_other_side_was_told_stays(both, say) -> None:
    mine, theirs = both
    say(theirs, YES)
    say(mine, NO)

    with pytest.raises(NotAllowedNow, match="over"):
        say(mine, YES)
    assert told() == [("no_follow_up", theirs.organisation.email)]


def test_two_yes_can_be_undone_by_no_link(both, say) -> None:
    mine, theirs = both
    say(mine, YES)
    say(theirs, YES)

    for reply in (NO, later()):
        with pytest.raises(NotAllowedNow, match="mutual"):
            say(mine, reply)
    assert mine.match.is_mutual
    assert len(told()) == 2


def test_later_keeps_the_question_open_until_that_day(both, say, settings) -> None:
    mine, theirs = both
    say(theirs, YES)

    say(mine, later(30))

    day = today() + timedelta(days=30)
    assert (mine.status, mine.answer_by, mine.postponed_until) == (ProposalStatus.PENDING, day, day)
    assert proposal_ends.expire_due(today=day, settings=settings) == 0
    assert proposal_ends.expire_due(today=day + timedelta(days=1), settings=settings) == 1
    assert mine.status is ProposalStatus.EXPIRED


def test_later_is_no_later_than_sixty_days_after_the_question(both, say) -> None:
    mine, _theirs = both

    with pytest.raises(NotAllowedNow):
        say(mine, later(61))
    say(mine, later(40))
    with time_machine.travel(mine.proposed_at + timedelta(days=40), tick=False), pytest.raises(NotAllowedNow):
        say(mine, later(40))


def test_a_late_yes_ties_the_knot_with_the_yes_that_waited(both, say, settings) -> None:
    mine, theirs = both
    say(theirs, YES)
    with time_machine.travel(mine.proposed_at + timedelta(days=20), tick=False):
        proposal_ends.expire_due(today=today(), settings=settings)
        assert standing(mine) is Standing.LATE

        say(mine, YES)

    assert mine.match.is_mutual
    assert [kind for kind, _to in told()] == ["mutual_yes", "mutual_yes", "no_follow_up"]


def test_two_late_yes_meet_too_and_a_late_no_is_not_needed(both, say, settings) -> None:
    mine, theirs = both
    with time_machine.travel(mine.proposed_at + timedelta(days=20), tick=False):
        proposal_ends.expire_due(today=today(), settings=settings)
        with pytest.raises(NotAllowedNow, match="late"):
            say(mine, NO)

        say(mine, YES)
        assert (standing(mine), mine.match.status, theirs.status) == (Standing.KEPT, MatchStatus.ENDED, ProposalStatus.EXPIRED)
        say(theirs, YES)

    assert mine.match.is_mutual


def test_a_yes_after_months_is_too_late(both, settings, say) -> None:
    mine, _theirs = both
    with time_machine.travel(mine.proposed_at + timedelta(days=120), tick=False):
        proposal_ends.expire_due(today=today(), settings=settings)

        with pytest.raises(NotAllowedNow, match="over"):
            say(mine, YES)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_yes_after_the_place_was_taken_is_kept(session: Session, say, settings, is_late) -> None:
    need = NeedFactory()
    first, second = (MatchFactory(need=need, offer=OfferFactory(), run=RunFactory()) for _number in range(2))
    (asks, offers), (asks_again, offers_too) = proposals_of(first), proposals_of(second)
    say(asks, YES)
    say(asks_again, YES)
    say(offers, YES)
    if is_late:
        proposal_ends.end(second, leave=ProposalStatus.EXPIRED, settings=settings)

    assert say(offers_too, YES)

    assert (first.status, second.status) == (MatchStatus.CONFIRMED, MatchStatus.ENDED)
    assert (offers_too.status, standing(offers_too)) == (ProposalStatus.ACCEPTED, Standing.KEPT)
    # The need's own structure knows that its place is taken.
    assert [to for kind, to in told() if kind == "no_follow_up"] == ([need.organisation.email] if is_late else [])


def test_the_side_whose_partner_is_taken_is_told_kindly(session: Session, say) -> None:
    offer = OfferFactory()
    first, second = (MatchFactory(need=NeedFactory(), offer=offer, run=RunFactory()) for _number in range(2))
    (asks, offers), (asks_too, offers_again) = proposals_of(first), proposals_of(second)
    say(asks_too, YES)
    say(asks, YES)
    say(offers, YES)

    say(offers_again, YES)

    assert [to for kind, to in told() if kind == "no_follow_up"] == [asks_too.organisation.email]


def test_a_no_is_not_taken_back_when_somebody_else_was_asked(session: Session, both, say) -> None:
    mine, theirs = both
    say(mine, NO)
    proposals_of(MatchFactory(need=mine.match.need, offer=OfferFactory(), run=RunFactory()))

    with pytest.raises(NotAllowedNow), session.begin_nested():
        say(mine, later())
    say(mine, YES)

    assert (mine.status, mine.match.status, theirs.status) == (ProposalStatus.ACCEPTED, MatchStatus.ENDED, ProposalStatus.WITHDRAWN)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.CLOSED, Status.EXPIRED])
@pytest.mark.parametrize("side", list(Side))
def test_a_declaration_that_no_longer_looks_takes_no_answer(both, say, side, status) -> None:
    mine, _theirs = both
    declaration = mine.match.need if side is Side.NEED else mine.match.offer
    declaration.status = status
    db.session.flush()

    for reply in (YES, NO, later()):
        with pytest.raises(NotAllowedNow, match="unavailable"):
            say(mine, reply)
    assert traces(mine) == []


def test_a_refusal_without_a_reason_is_refused_by_the_database(session: Session, both) -> None:
    both[0].history.append(ProposalAnswer(status=ProposalStatus.DECLINED, channel=Channel.LINK))

    with pytest.raises(IntegrityError, match="a_refusal_has_a_reason"), session.begin_nested():
        session.flush()


def at_once(app, replies: list[tuple[object, Reply]]) -> None:
    """Each reply in a thread and a transaction of its own, all at the same moment."""
    together = threading.Barrier(len(replies))
    wrong: list[BaseException] = []

    def work(proposal_id: object, reply: Reply) -> None:
        try:
            with app.app_context():
                proposal = db.session.get_one(Proposal, proposal_id)
                settings = MailSettings.from_config(app.config)
                db.session.commit()
                together.wait(30)
                proposal_answers.answer(proposal, reply, channel=Channel.LINK, settings=settings)
                db.session.commit()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=one) for one in replies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("reply", [YES, NO, later()], ids=["yes", "no", "later"])
def test_twenty_same_answers_at_once_record_one(whole_app, reply) -> None:
    with committing(whole_app):
        mine, _theirs = proposals_of(MatchFactory())
        db.session.commit()

        at_once(whole_app, [(mine.id, reply)] * 20)

        assert db.session.scalar(select(func.count()).select_from(ProposalAnswer)) == 1


def test_both_sides_at_once_meet_and_are_told_once(whole_app) -> None:
    with committing(whole_app):
        mine, theirs = proposals_of(MatchFactory())
        db.session.commit()

        at_once(whole_app, [(mine.id, YES), (theirs.id, YES)] * 10)

        db.session.expire_all()
        assert mine.match.is_mutual
        assert [kind for kind, _to in told()] == ["mutual_yes", "mutual_yes"]
        assert db.session.scalar(select(func.count()).select_from(ProposalAnswer)) == 2


def test_the_last_place_goes_to_one_of_those_who_say_yes_at_once(whole_app) -> None:
    with committing(whole_app):
        need = NeedFactory()
        asked = [proposals_of(MatchFactory(need=need, offer=OfferFactory(), run=RunFactory())) for _number in range(8)]
        for mine, _theirs in asked:
            proposals.accept(mine, settings=MailSettings.from_config(whole_app.config))
        db.session.commit()

        at_once(whole_app, [(theirs.id, YES) for _mine, theirs in asked])

        statuses = sorted(db.session.scalars(select(Match.status)))
        assert statuses == [MatchStatus.CONFIRMED] + [MatchStatus.ENDED] * 7
        assert set(db.session.scalars(select(Proposal.status))) == {ProposalStatus.ACCEPTED}
