import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Category, DeclineReason, MatchStatus, OutboxMail, ProposalStatus, Side
from matchmaker.services import proposal_ends, proposal_lists, proposals
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.outbox import MailSettings
from tests.factories import MatchFactory, OrganisationFactory, RunFactory, proposals_of


@pytest.fixture
def settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


def test_one_yes_waits_for_the_other(session: Session, settings: MailSettings) -> None:
    mine, theirs = proposals_of(MatchFactory())

    proposals.accept(mine, settings=settings)

    assert mine.status is ProposalStatus.ACCEPTED
    assert theirs.status is ProposalStatus.PENDING
    assert mine.match.status is MatchStatus.PROPOSED
    assert db.session.scalars(select(OutboxMail)).all() == []


def test_two_yes_are_a_match_and_both_learn_how_to_reach_each_other(session: Session, settings: MailSettings) -> None:
    mine, theirs = proposals_of(MatchFactory())
    proposals.accept(mine, settings=settings)

    proposals.accept(theirs, settings=settings)

    assert mine.match.is_mutual
    mails = {mail.recipient: mail.message.decode() for mail in db.session.scalars(select(OutboxMail))}
    assert set(mails) == {mine.organisation.email, theirs.organisation.email}


def test_a_no_ends_the_match_and_withdraws_the_other_question(session: Session, settings: MailSettings) -> None:
    mine, theirs = proposals_of(MatchFactory())

    proposals.decline(mine, reason=DeclineReason.TOO_FAR, comment=" 40 km ", settings=settings)

    assert (mine.status, mine.decline_comment) == (ProposalStatus.DECLINED, "40 km")
    assert theirs.status is ProposalStatus.WITHDRAWN
    assert mine.match.status is MatchStatus.ENDED


def test_a_no_after_the_others_yes_leaves_that_yes_on_record(session: Session, settings: MailSettings) -> None:
    mine, theirs = proposals_of(MatchFactory())
    proposals.accept(theirs, settings=settings)

    proposals.decline(mine, reason=DeclineReason.OTHER, settings=settings)

    assert theirs.status is ProposalStatus.ACCEPTED
    assert mine.match.status is MatchStatus.ENDED


def test_who_said_yes_is_told_kindly_that_it_leads_nowhere(session: Session, settings: MailSettings) -> None:
    mine, theirs = proposals_of(MatchFactory())
    proposals.accept(theirs, settings=settings)

    proposals.decline(mine, reason=DeclineReason.OTHER, settings=settings)

    assert [mail.recipient for mail in db.session.scalars(select(OutboxMail))] == [theirs.organisation.email]


def test_two_yes_that_led_nowhere_free_both_places(session: Session, settings: MailSettings) -> None:
    mine, theirs = proposals_of(MatchFactory())
    with pytest.raises(NotAllowedNow):
        proposal_ends.part(mine)
    proposals.accept(mine, settings=settings)
    proposals.accept(theirs, settings=settings)

    proposal_ends.part(theirs)

    assert mine.match.status is MatchStatus.ENDED


def test_refusals_are_counted_by_category_and_reason(session: Session, settings: MailSettings) -> None:
    for _number in range(2):
        mine, _theirs = proposals_of(MatchFactory(run=RunFactory()))
        proposals.decline(mine, reason=DeclineReason.TOO_FAR, settings=settings)

    assert proposal_lists.refusals([mine.match.need.territory_id]) == [(Category.PURCHASE, DeclineReason.TOO_FAR, 2)]
    assert proposal_lists.refusals([]) == []


def test_an_answer_is_given_once(session: Session, settings: MailSettings) -> None:
    mine, _theirs = proposals_of(MatchFactory())
    proposals.accept(mine, settings=settings)

    with pytest.raises(NotAllowedNow):
        proposals.accept(mine, settings=settings)
    with pytest.raises(NotAllowedNow):
        proposals.decline(mine, reason=DeclineReason.OTHER, settings=settings)


def test_closing_a_need_withdraws_its_open_questions_and_keeps_its_mutual_yes(session: Session, settings: MailSettings) -> None:
    open_match = MatchFactory()
    proposals_of(open_match)
    mutual = MatchFactory(need=open_match.need, run=RunFactory(), mutual=True)

    assert proposal_ends.end_of_declaration(open_match.need, settings=settings) == 1
    assert open_match.status is MatchStatus.ENDED
    assert mutual.is_mutual


def test_who_closes_its_own_announcement_is_not_told_that_its_yes_led_nowhere(session: Session, settings: MailSettings) -> None:
    mine, _theirs = proposals_of(MatchFactory())
    theirs, waiting = proposals_of(MatchFactory(need=mine.match.need))[::-1]
    proposals.accept(mine, settings=settings)
    proposals.accept(theirs, settings=settings)

    proposal_ends.end_of_declaration(mine.match.need, settings=settings)

    assert waiting.status is ProposalStatus.WITHDRAWN
    assert [mail.recipient for mail in session.scalars(select(OutboxMail).where(OutboxMail.kind == "no_follow_up"))] == [theirs.organisation.email]


def test_the_inbox_sorts_proposals_under_three_tabs(session: Session, settings: MailSettings) -> None:
    organisation = OrganisationFactory()
    kept = {}
    for name in ("pending", "said yes", "said no"):
        match = MatchFactory(run=RunFactory())
        kept[name], _other = proposals_of(match)
        match.need.organisation = kept[name].organisation = organisation
    db.session.flush()
    proposals.accept(kept["said yes"], settings=settings)
    proposals.decline(kept["said no"], reason=DeclineReason.FOUND, settings=settings)

    assert proposal_lists.inbox(organisation, "todo") == [kept["pending"]]
    assert proposal_lists.inbox(organisation, "waiting") == [kept["said yes"]]
    assert proposal_lists.inbox(organisation, "done") == [kept["said no"]]
    assert proposal_lists.counts(organisation) == {"todo": 1, "waiting": 1, "done": 1, "pending": 1}


def test_a_proposal_is_its_own_organisations_only(session: Session) -> None:
    mine, theirs = proposals_of(MatchFactory())

    assert proposal_lists.proposal_of(mine.organisation, mine.id) is mine
    assert proposal_lists.proposal_of(mine.organisation, theirs.id) is None


@pytest.mark.parametrize("side", list(Side))
def test_the_inbox_costs_the_same_for_any_number_of_proposals(session: Session, queries: list[str], side: Side) -> None:
    counts = []
    for number in (1, 10):
        organisation = OrganisationFactory()
        for _match in range(number):
            match = MatchFactory(run=RunFactory())
            both = dict(zip(Side, proposals_of(match), strict=True))
            both[side].organisation = organisation
        organisation_id = organisation.id
        db.session.commit()
        db.session.expunge_all()
        organisation = db.session.get_one(type(organisation), organisation_id)
        queries.clear()
        found = proposal_lists.inbox(organisation, "todo")
        assert len([(row.own_declaration.commune.name, row.their_declaration.organisation.name, row.other.status) for row in found]) == number
        counts.append(len(queries))

    assert counts[0] == counts[1]
