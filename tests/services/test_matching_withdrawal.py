"""Taking a publication back: possible until somebody answers, and as if it had not been, except for who got a mail."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import DeclineReason, MailStatus, MatchingRun, MatchStatus, OutboxMail, Proposal, ProposalStatus, RunStatus
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_freshness, matching_withdrawal, proposal_ends, proposals
from matchmaker.services.errors import AnsweredAlready, NotAllowedNow
from matchmaker.services.outbox import MailSettings
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, departement

TODAY = today()


@pytest.fixture
def settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


@pytest.fixture
def published(session: Session, settings: MailSettings) -> MatchingRun:
    """Two pairs, put to four organisations."""
    for title in ("Buffet", "Goûter"):
        NeedFactory(title=title)
        OfferFactory()
    run = matching.rematch(departement(), today=TODAY)
    matching.publish(run, today=TODAY, settings=settings)
    return run


def statuses() -> list[MailStatus]:
    db.session.expire_all()
    return list(db.session.scalars(select(OutboxMail.status).order_by(OutboxMail.id)))


def test_what_nobody_answered_is_withdrawn_with_the_mails_that_wait(published: MatchingRun, settings: MailSettings) -> None:
    withdrawn = matching_withdrawal.take_back(published, settings=settings)

    assert (published.status, published.published_at) == (RunStatus.READY, None)
    assert set(db.session.scalars(select(Proposal.status))) == {ProposalStatus.WITHDRAWN}
    assert {match.status for match in published.matches} == {MatchStatus.PREVIEW}
    assert statuses() == [MailStatus.CANCELLED] * 4
    assert (withdrawn.told, withdrawn.spared) == (0, 4)


def test_who_has_the_mail_already_gets_one_more_that_says_so(published: MatchingRun, settings: MailSettings) -> None:
    sent = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id)).first()
    sent.status, sent.claimed_by = MailStatus.SENDING, 1
    db.session.flush()
    sent.status, sent.claimed_by, sent.sent_at = MailStatus.SENT, None, now()
    db.session.flush()

    withdrawn = matching_withdrawal.take_back(published, settings=settings)

    assert (withdrawn.told, withdrawn.spared) == (1, 3)
    later = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "proposals_withdrawn")).one()
    assert (later.recipient, later.organisation_id, later.status) == (sent.recipient, sent.organisation_id, MailStatus.QUEUED)
    assert later.idempotency_key.partition(":")[0] == sent.idempotency_key.partition(":")[0]
    assert later.subject == "Une proposition est retirée, vous n’avez rien à faire"


def test_an_answer_stands_in_the_way(published: MatchingRun, settings: MailSettings) -> None:
    proposal = db.session.scalars(select(Proposal)).first()
    proposals.accept(proposal, settings=settings)

    with pytest.raises(AnsweredAlready):
        matching_withdrawal.take_back(published, settings=settings)

    assert published.status is RunStatus.PUBLISHED
    assert not matching_withdrawal.can_be_taken_back(published)


@pytest.mark.parametrize("answer", ["no", "silence"])
def test_a_no_and_a_silence_to_the_end_are_answers_too(published: MatchingRun, settings: MailSettings, answer: str) -> None:
    proposal = db.session.scalars(select(Proposal)).first()
    if answer == "no":
        proposals.decline(proposal, reason=DeclineReason.FOUND, settings=settings)
    else:
        proposal_ends.end(proposal.match, leave=ProposalStatus.EXPIRED, settings=settings)

    with pytest.raises(AnsweredAlready):
        matching_withdrawal.take_back(published, settings=settings)


def test_it_is_taken_back_once(published: MatchingRun, settings: MailSettings) -> None:
    matching_withdrawal.take_back(published, settings=settings)

    with pytest.raises(NotAllowedNow):
        matching_withdrawal.take_back(published, settings=settings)


def test_what_was_taken_back_is_fresh_and_can_be_sent_again_with_new_mails(published: MatchingRun, settings: MailSettings) -> None:
    matching_withdrawal.take_back(published, settings=settings)
    assert not matching_freshness.is_stale(published, today=TODAY)

    again = matching.publish(published, today=TODAY, settings=settings)

    assert len(again) == 4
    assert set(db.session.scalars(select(Proposal.status))) == {ProposalStatus.PENDING}
    assert statuses() == [MailStatus.CANCELLED] * 4 + [MailStatus.QUEUED] * 4


def test_a_sending_that_was_taken_back_does_not_use_up_what_a_structure_accepts(session: Session, settings: MailSettings) -> None:
    organisation = OrganisationFactory(monthly_budget=1)
    NeedFactory(organisation=organisation)
    OfferFactory()
    run = matching.rematch(departement(), today=TODAY)
    matching.publish(run, today=TODAY, settings=settings)
    matching_withdrawal.take_back(run, settings=settings)

    assert len(matching.publish(run, today=TODAY, settings=settings)) == 2


def test_the_earlier_sending_is_the_last_one_again(published: MatchingRun, settings: MailSettings) -> None:
    NeedFactory(title="Apéritif")
    OfferFactory()
    later = matching.rematch(departement(), today=TODAY)
    matching.publish(later, today=TODAY, settings=settings)
    assert published.status is RunStatus.SUPERSEDED

    matching_withdrawal.take_back(later, settings=settings)

    db.session.expire_all()
    assert (published.status, later.status) == (RunStatus.PUBLISHED, RunStatus.READY)
    assert {match.status for match in published.matches} == {MatchStatus.PROPOSED}


def test_a_result_that_was_computed_meanwhile_gives_way(published: MatchingRun, settings: MailSettings) -> None:
    newer = matching.rematch(departement(), today=TODAY)

    matching_withdrawal.take_back(published, settings=settings)

    db.session.expire_all()
    assert (published.status, newer.status) == (RunStatus.READY, RunStatus.SUPERSEDED)
