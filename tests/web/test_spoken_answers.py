"""A structure reads what was noted for it on the telephone, and takes it back as long as nobody was told."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import DeclineReason, MatchStatus, Matter, Proposal, ProposalStatus, WorkAct
from matchmaker.models.base import now, today
from matchmaker.services import proposal_links, work_queue_acts
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.work_queue_facts import Fact
from matchmaker.web import formats
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, RunFactory, UserFactory, proposals_of
from tests.pages import forms, words

YES, NO = Reply(ProposalStatus.ACCEPTED), Reply(ProposalStatus.DECLINED, DeclineReason.NO_TIME)
NOTE = "Mme Lenoir : c’est oui si c’est le matin"


@pytest.fixture
def mine(client) -> Proposal:
    mine, _theirs = proposals_of(MatchFactory(run=RunFactory(status="superseded")))
    client.sign_in(UserFactory(organisation=mine.organisation))
    db.session.commit()
    return mine


def noted(proposal: Proposal, reply: Reply) -> WorkAct:
    """The animator writes down what the structure said."""
    need = proposal.match.need
    fact = Fact(Matter.SILENT, need.id, now(), now(), need.territory_id, need.organisation_id)
    act = work_queue_acts.answer_for(fact, proposal, reply, by=UserFactory(animator=True, name="Camille"), note=NOTE, settings=mail_settings())
    db.session.commit()
    return act


def inbox(client, tab: str) -> str:
    return client.get(f"/propositions?onglet={tab}").text


@pytest.mark.parametrize(("reply", "tab"), [(YES, "waiting"), (NO, "done"), (Reply(ProposalStatus.PENDING, until=today() + timedelta(days=20)), "todo")])
def test_what_was_noted_is_shown_and_taken_back(client, mine, reply, tab):
    until, act = mine.answer_by, noted(mine, reply)

    page = inbox(client, tab)
    assert f"notée par Camille le {formats.long_date(act.created_at)}" in words(page)
    assert NOTE in words(page)
    (form,) = [form for form in forms(page) if form.action.endswith("/reponse-notee/annuler")]
    assert client.post(form.action).status_code == 302

    db.session.expire_all()
    assert (mine.status, mine.answered_at, mine.postponed_until, mine.answer_by) == (ProposalStatus.PENDING, None, None, until)
    assert (mine.match.status, mine.other.status) == (MatchStatus.PROPOSED, ProposalStatus.PENDING)
    assert act.undone_at is not None
    assert NOTE not in words(inbox(client, "todo"))
    assert client.post(f"/propositions/{mine.id}/oui").status_code == 302


def test_it_stays_once_the_other_side_was_told(client, mine):
    noted(mine, YES)
    client.sign_in(UserFactory(organisation=mine.other.organisation))
    client.post(f"/propositions/{mine.other.id}/oui")
    client.sign_in(UserFactory(organisation=mine.organisation))

    client.post(f"/propositions/{mine.id}/reponse-notee/annuler")

    db.session.expire_all()
    assert mine.match.status is MatchStatus.CONFIRMED
    assert "ne peut plus être retirée" in words(inbox(client, "done"))


def test_a_refusal_whose_place_is_taken_meanwhile_stays(client, mine):
    noted(mine, NO)
    proposals_of(MatchFactory(run=RunFactory(status="superseded"), need=mine.match.need))
    db.session.commit()

    client.post(f"/propositions/{mine.id}/reponse-notee/annuler")

    db.session.expire_all()
    assert (mine.status, mine.match.status) == (ProposalStatus.DECLINED, MatchStatus.ENDED)


def test_ones_own_answer_is_not_taken_back_this_way(client, mine):
    client.post(f"/propositions/{mine.id}/oui")

    client.post(f"/propositions/{mine.id}/reponse-notee/annuler")

    db.session.expire_all()
    assert mine.status is ProposalStatus.ACCEPTED
    assert "téléphone" not in words(inbox(client, "waiting"))


def test_the_link_of_the_mail_says_who_noted_it(app, client, mine):
    noted(mine, YES)
    with client.session_transaction() as session:
        session.clear()

    page = words(client.get(f"/reponses/{proposal_links.token(mine, app.config['SECRET_KEY'])}").text)

    assert "notée par Camille" in page
    assert NOTE in page


def test_the_answers_of_others_are_not_there(client, mine):
    noted(mine, YES)
    client.sign_in(UserFactory())

    assert client.post(f"/propositions/{mine.id}/reponse-notee/annuler").status_code == 404
