"""What two yes led to: asked three times at most, answered in a click, compared between the two sides."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.models import Channel, DaysBand, EuroBand, FoundAnyway, FteBand, Match, MatchStatus, Matter, OutboxMail, Outcome, Proposal, Result, Side
from matchmaker.models.base import now, today
from matchmaker.services import outcome_links, outcomes
from matchmaker.services.outcomes import Reply
from matchmaker.services.work_queue_facts import facts
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, departement, mutual_match

SIGNED, NOTHING, MET = Reply(Result.SIGNED, fte=FteBand.UP_TO_ONE), Reply(Result.NOTHING), Reply(Result.MET)


def ask(days: float = 0) -> int:
    return outcomes.ask_due(at=now() + timedelta(days=days), settings=mail_settings())


def sides(match: Match) -> tuple[Proposal, Proposal]:
    need, offer = sorted(match.proposals, key=lambda proposal: proposal.side)
    return need, offer


def say(proposal: Proposal, reply: Reply) -> bool:
    outcome = outcomes.question(proposal)
    assert outcome is not None
    return outcomes.answer(outcome, reply, channel=Channel.LINK)


def told(match: Match, need: Reply | None, offer: Reply | None, *, days: int = 31) -> Match:
    ask(days)
    for proposal, reply in zip(sides(match), (need, offer), strict=True):
        if reply is not None:
            say(proposal, reply)
    return match


def test_both_sides_are_asked_at_30_90_and_180_days_once_each(session: Session) -> None:
    match = mutual_match()

    assert [ask(days) for days in (0, 29, 30.1, 30.1, 31, 89, 90.1, 30.1, 180.1, 181, 260, 400)] == [0, 0, 2, 0, 0, 0, 2, 0, 2, 0, 0, 0]

    mails = session.scalars(select(OutboxMail).where(OutboxMail.kind == "outcome")).all()
    assert len(mails) == 6
    assert {mail.recipient for mail in mails} == {proposal.organisation.email for proposal in match.proposals}


def test_who_was_asleep_is_asked_the_last_question_only(session: Session) -> None:
    mutual_match()

    assert ask(100) == 2

    assert set(session.scalars(select(Outcome.wave))) == {90}


def test_nothing_is_asked_of_what_ended_long_ago_or_never_was(session: Session) -> None:
    mutual_match(status=MatchStatus.ENDED)
    MatchFactory()

    assert (ask(30), ask(100)) == (0, 0)
    mutual_match()
    assert ask(271) == 0


def test_a_side_without_an_address_has_its_question_and_no_mail(session: Session) -> None:
    match = mutual_match()
    match.need.organisation.email = ""

    assert ask(30) == 2
    assert [mail.recipient for mail in session.scalars(select(OutboxMail))] == [match.offer.organisation.email]


def test_who_signed_is_asked_no_more_the_other_side_is(session: Session) -> None:
    match = mutual_match()
    ask(30)
    say(sides(match)[0], SIGNED)

    assert ask(90) == 1
    assert outcomes.question(sides(match)[1]).wave == 90


def test_the_same_answer_twice_is_one_and_another_one_is_kept_beside_it(session: Session) -> None:
    match = mutual_match()
    ask(30)
    mine = sides(match)[0]

    assert [say(mine, reply) for reply in (SIGNED, SIGNED, MET, SIGNED)] == [True, False, True, True]

    outcome = outcomes.question(mine)
    assert (outcome.result, outcome.fte) == (Result.SIGNED, FteBand.UP_TO_ONE)
    assert [answer.result for answer in outcome.history] == [Result.SIGNED, Result.MET, Result.SIGNED]


def test_sizes_are_kept_only_of_what_was_agreed(session: Session) -> None:
    match = mutual_match()
    ask(30)
    mine = sides(match)[0]

    say(mine, Reply(Result.NOTHING, days=DaysBand.MORE, found_anyway=FoundAnyway.NO))

    outcome = outcomes.question(mine)
    assert (outcome.result, outcome.days, outcome.found_anyway) == (Result.NOTHING, None, None)


@pytest.mark.parametrize(
    ("need", "offer", "is_one"),
    [
        (SIGNED, NOTHING, True),
        (NOTHING, SIGNED, True),
        (NOTHING, Reply(Result.AGREED), True),
        (SIGNED, MET, False),
        (MET, NOTHING, False),
        (SIGNED, SIGNED, False),
        (SIGNED, None, False),
    ],
)
def test_two_stories_are_a_contradiction(session: Session, need: Reply, offer: Reply | None, is_one: bool) -> None:
    match = told(mutual_match(), need, offer)

    found = outcomes.contradictions([departement("61").id])

    assert [one.match for one in found] == ([match] if is_one else [])
    assert outcomes.contradictions([departement("76").id]) == []


def test_nothing_yet_at_30_days_does_not_contradict_signed_at_90(session: Session) -> None:
    match = told(mutual_match(), NOTHING, None)
    told(match, None, SIGNED, days=91)
    assert outcomes.contradictions([departement("61").id]) == []

    say(sides(match)[0], NOTHING)

    assert [one.match for one in outcomes.contradictions([departement("61").id])] == [match]


def test_what_came_about_is_counted_once_with_its_sizes(session: Session) -> None:
    whole = told(mutual_match(), Reply(Result.AGREED, euros=EuroBand.UP_TO_5K), Reply(Result.SIGNED, days=DaysBand.UP_TO_FIVE, found_anyway=FoundAnyway.NO))
    told(mutual_match(), SIGNED, NOTHING)
    told(mutual_match(), MET, MET)
    told(mutual_match(need=NeedFactory(at="Le Havre (76)")), SIGNED, None)

    (found,) = outcomes.concluded([departement("61").id])

    assert (found.match_id, found.result, found.euros, found.days, found.found_anyway) == (
        whole.id,
        Result.SIGNED,
        EuroBand.UP_TO_5K,
        DaysBand.UP_TO_FIVE,
        FoundAnyway.NO,
    )
    assert outcomes.concluded([departement("61").id], since=now() + timedelta(days=1)) == []
    assert len(outcomes.concluded([departement("61").id, departement("76").id])) == 2


def test_the_lists_take_the_same_queries_for_many(session: Session, queries: list[str]) -> None:
    counts = []
    for _turn in range(2):
        for _match in range(3):
            told(mutual_match(), SIGNED, NOTHING)
        session.flush()
        session.expire_all()
        queries.clear()
        for one in outcomes.contradictions([departement("61").id]):
            assert one.match.need.organisation.name
            assert one.match.offer.organisation.phone
            assert (one.need.side, one.offer.side) == (Side.NEED, Side.OFFER)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_link_is_ours_or_nobodys(session: Session) -> None:
    secret = mail_settings().secret
    mine = sides(mutual_match())[0]
    token = outcome_links.token(mine, secret)

    assert outcomes.find_by_token(token, (secret,)) == mine
    assert outcomes.find_by_token(token[:-1] + ("A" if token[-1] != "A" else "B"), (secret,)) is None
    assert outcomes.find_by_token(outcome_links.token(mine, "another secret"), (secret,)) is None


def test_two_stories_come_to_the_queue_of_the_animator(session: Session) -> None:
    match = told(mutual_match(), SIGNED, NOTHING)

    (fact,) = [fact for fact in facts([departement("61").id], today=today()) if fact.matter is Matter.CONTRADICTORY]

    assert (fact.subject_id, fact.organisation_id) == (match.id, match.need.organisation_id)
