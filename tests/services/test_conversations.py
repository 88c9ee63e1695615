"""After two yes: messages and their mails, help that is asked for, the trace of who looked."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.models import Category, Channel, ContactView, ContactWay, JobDatingStatus, Match, MatchStatus, OutboxMail, Proposal, ProposalStatus, Side
from matchmaker.models.base import now
from matchmaker.services import contact_log, conversation_links, conversations, job_datings, next_steps, proposal_ends, proposals
from matchmaker.services.conversations import TooManyMessages
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.first_in_line import first_in_line
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, UserFactory, departement, mutual_match, proposals_of, venue


def sides(match: Match) -> tuple[Proposal, Proposal]:
    need, offer = sorted(match.proposals, key=lambda proposal: proposal.side)
    return need, offer


def say(proposal: Proposal, words: str = "Bonjour, quand êtes-vous joignables ?"):
    return conversations.say(proposal, words, author=None, channel=Channel.LINK, settings=mail_settings())


def mails(session: Session, kind: str) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id)))


def test_a_message_is_mailed_to_the_other_side_with_its_own_link(session: Session) -> None:
    mine, theirs = sides(mutual_match())

    message = say(mine)

    assert message is not None
    (mail,) = mails(session, "conversation")
    assert (mail.recipient, mail.organisation_id) == (theirs.organisation.email, theirs.organisation_id)
    body = mail.message.decode()
    assert f"Reply-To: {mine.organisation.email}" in body
    token = conversation_links.token(theirs, mail_settings().secret)
    assert token[:40] in body.replace("=\r\n", "")
    assert conversations.find_by_token(token, (mail_settings().secret,)) == theirs


def test_the_same_words_twice_are_one_message(session: Session) -> None:
    mine, theirs = sides(mutual_match())

    say(mine, "Bonjour")
    say(mine, " Bonjour ")
    say(theirs, "Bonjour")

    assert [message.side for message in conversations.messages(mine.match)] == [Side.NEED, Side.OFFER]
    assert len(mails(session, "conversation")) == 2


def test_nobody_writes_before_two_yes_nor_after_they_parted(session: Session) -> None:
    asked = MatchFactory()
    mine, _theirs = proposals_of(asked)
    with pytest.raises(NotAllowedNow):
        say(mine)

    together, _theirs = sides(mutual_match())
    say(together)
    proposal_ends.part(together)
    session.flush()
    with pytest.raises(NotAllowedNow):
        say(together, "Encore un mot")

    assert len(conversations.messages(together.match)) == 1


def test_one_side_cannot_flood_the_other(session: Session) -> None:
    mine, theirs = sides(mutual_match())
    for number in range(conversations.MOST_AN_HOUR):
        say(mine, f"Message {number}")

    with pytest.raises(TooManyMessages):
        say(mine, "Un de trop")

    assert say(theirs, "Je peux répondre") is not None


def test_a_link_before_two_yes_or_of_an_older_version_is_refused(session: Session) -> None:
    secret = mail_settings().secret
    mine, _theirs = proposals_of(MatchFactory())
    with pytest.raises(NotAllowedNow):
        conversations.find_by_token(conversation_links.token(mine, secret), (secret,))

    together, _theirs = sides(mutual_match())
    old = conversation_links.token(together, secret)
    together.token_version += 1
    session.flush()
    with pytest.raises(NotAllowedNow):
        conversations.find_by_token(old, (secret,))
    assert conversations.find_by_token(old[:-1], (secret,)) is None


def test_help_is_asked_once_told_to_the_territory_and_ended(session: Session) -> None:
    mine, theirs = sides(mutual_match())
    mine.match.need.territory.contact_email = "animation@orne.test"

    first = conversations.call_for_help(mine, settings=mail_settings())
    again = conversations.call_for_help(theirs, settings=mail_settings())

    assert first == again
    assert [mail.recipient for mail in mails(session, "help_asked")] == ["animation@orne.test"]
    assert conversations.open_calls([departement("61").id]) == [first]
    assert conversations.open_calls([departement("76").id]) == []
    conversations.answer_call(first, "Je vous appelle demain", author=UserFactory(animator=True), settings=mail_settings())
    assert {mail.recipient for mail in mails(session, "conversation")} == {mine.organisation.email, theirs.organisation.email}
    conversations.end_call(mine.match)
    assert conversations.open_calls([departement("61").id]) == []
    with pytest.raises(NotAllowedNow):
        conversations.answer_call(first, "Trop tard", author=UserFactory(animator=True), settings=mail_settings())


def test_two_yes_note_that_each_side_received_the_details_of_the_other(session: Session) -> None:
    need, offer = proposals_of(MatchFactory())
    offer.organisation.email = ""

    for proposal in (need, offer):
        proposals.accept(proposal, settings=mail_settings())
    session.flush()

    views = session.scalars(select(ContactView)).all()
    assert [(view.organisation_id, view.viewer_organisation_id, view.way) for view in views] == [(offer.organisation_id, need.organisation_id, ContactWay.MAIL)]


def test_a_person_is_noted_once(session: Session) -> None:
    mine, theirs = sides(mutual_match())
    viewer = UserFactory(organisation=mine.organisation)

    for _click in range(2):
        contact_log.look(mine, viewer)
        session.flush()

    assert [view.viewer_id for view in contact_log.views_of(theirs.organisation).items] == [viewer.id]
    assert contact_log.views_of(mine.organisation).items == []


@pytest.mark.parametrize("change", [update(ContactView).values(way=ContactWay.HELP), delete(ContactView)])
def test_what_was_looked_at_is_never_changed(session: Session, change) -> None:
    mine, _theirs = sides(mutual_match())
    contact_log.look(mine, UserFactory(organisation=mine.organisation))
    session.flush()

    with pytest.raises(IntegrityError, match="is_only_added_to"), session.begin_nested():
        session.execute(change)


def test_only_who_says_so_removes_what_is_kept_no_longer(session: Session) -> None:
    mine, _theirs = sides(mutual_match())
    contact_log.look(mine, UserFactory(organisation=mine.organisation))
    session.flush()

    session.execute(text("SET LOCAL croisee.erasing = 'on'"))
    session.execute(delete(ContactView))

    assert session.scalars(select(ContactView)).all() == []


def ended(*, answered_days_ago: int = 1, **fields: object) -> Match:
    """A match whose need said yes and was not chosen."""
    match = MatchFactory(status=MatchStatus.ENDED, **fields)
    need, _offer = proposals_of(match)
    need.status, need.answered_at = ProposalStatus.ACCEPTED, now() - timedelta(days=answered_days_ago)
    return match


def test_who_said_yes_and_was_not_chosen_is_first_in_line_until_they_find(session: Session) -> None:
    waiting, old, parted = ended(), ended(answered_days_ago=91), mutual_match()
    parted.status = MatchStatus.ENDED
    served = ended()
    mutual_match(need=served.need)
    asked = [declaration for match in (waiting, old, parted, served) for declaration in (match.need_id, match.offer_id)]
    session.flush()

    assert first_in_line(asked) == {waiting.need_id}
    assert first_in_line([]) == set()


def test_a_job_dating_near_both_with_room_is_suggested(session: Session) -> None:
    match = mutual_match()
    near = JobDatingFactory(status=JobDatingStatus.PUBLISHED, published_at=now())
    JobDatingFactory(venue=venue(headcount=3), status=JobDatingStatus.PUBLISHED, published_at=now())
    JobDatingFactory()

    assert next_steps.near_job_datings(match) == [near]
    assert next_steps.near_job_datings(mutual_match(offer=OfferFactory(at="Le Havre (76)"))) == []
    assert next_steps.near_job_datings(mutual_match(need=NeedFactory(category=Category.SUCCESSION, is_confidential=True))) == []


def test_the_job_dating_at_which_they_meet_is_found(session: Session) -> None:
    match = mutual_match()
    job_dating = JobDatingFactory()
    job_datings.choose(job_dating, [match])
    assert next_steps.meeting_of(match) is None

    job_datings.publish(job_dating, settings=mail_settings())

    assert next_steps.meeting_of(match) == job_dating
