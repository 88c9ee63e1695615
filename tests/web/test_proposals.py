"""The inbox of proposals: reading, saying yes, saying no, and what comes too late."""

import email
import email.policy
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Channel, DeclineReason, MatchStatus, Organisation, OutboxMail, Proposal, ProposalStatus, Role, Side
from matchmaker.models.base import today
from matchmaker.services.refusal_bounds import Bounds
from matchmaker.web import formats
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, proposals_of
from tests.pages import forms, heading, words


@pytest.fixture
def asked(app) -> tuple[Proposal, Proposal]:
    """The questions put to Picorée, which needs, and to the Atelier, which offers."""
    need = NeedFactory(organisation=OrganisationFactory(name="Picorée", email="contact@picoree.test", phone="02 33 11 22 33"))
    offer = OfferFactory(organisation=OrganisationFactory(name="Atelier du Lin", email="contact@lin.test", phone="02 33 44 55 66"))
    both = proposals_of(MatchFactory(need=need, offer=offer))
    db.session.commit()
    return both


@pytest.fixture
def mine(client, asked) -> Proposal:
    client.sign_in(UserFactory(organisation=asked[0].organisation))
    return asked[0]


def sign_in_for(client, organisation: Organisation) -> None:
    client.sign_in(UserFactory(organisation=organisation))


def mails() -> list[tuple[str, str]]:
    """Recipient and text of each queued mail."""
    rows = db.session.execute(select(OutboxMail.recipient, OutboxMail.message).order_by(OutboxMail.id))
    return [(recipient, text_of(message)) for recipient, message in rows]


def text_of(message: bytes) -> str:
    body = email.message_from_bytes(message, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def tab(client, name: str) -> str:
    return words(client.get("/propositions", query_string={"onglet": name}).text)


def test_an_empty_inbox_says_why_and_offers_a_gesture(client):
    client.sign_in(UserFactory())

    page = client.get("/propositions").text

    assert heading(page) == "Rien n’attend votre réponse"
    assert 'href="/annonces"' in page
    assert tab(client, "waiting") != tab(client, "done")
    assert client.get("/propositions?onglet=autre").status_code == 404


def test_a_proposal_shows_both_sides_the_reasons_and_the_score_but_no_contact(client, mine, asked):
    page = client.get("/propositions").text

    assert heading(page) == "Une proposition attend votre réponse"
    told = words(page)
    for word in (mine.match.need.title, mine.match.offer.title, "Atelier du Lin", "En commun : traiteur", "80 sur 100", "Réponse souhaitée avant le"):
        assert word in told
    assert "18 sur 20" in told
    assert "contact@lin.test" not in page
    assert "02 33 44 55 66" not in told


def test_one_yes_waits_for_the_other(client, mine, asked, nudged):
    response = client.post(f"/propositions/{mine.id}/oui")

    assert response.location == "/propositions"
    db.session.expire_all()
    assert (mine.status, asked[1].status, mine.match.status) == (ProposalStatus.ACCEPTED, ProposalStatus.PENDING, MatchStatus.PROPOSED)
    assert mine.answered_at is not None
    assert mails() == []
    assert "Votre oui est noté" in tab(client, "todo")
    assert mine.match.offer.title in tab(client, "waiting")
    assert "contact@lin.test" not in client.get("/propositions?onglet=waiting").text
    sign_in_for(client, asked[1].organisation)
    assert "Ils ont dit oui, il manque votre réponse" in client.get("/propositions").text


@pytest.mark.parametrize("first", list(Side))
def test_two_yes_give_each_the_contact_of_the_other_on_the_page_and_by_mail(client, asked, nudged, first):
    for proposal in asked if first is Side.NEED else asked[::-1]:
        sign_in_for(client, proposal.organisation)
        assert client.post(f"/propositions/{proposal.id}/oui").status_code == 302

    db.session.expire_all()
    assert asked[0].match.is_mutual
    assert ("tasks.outbox.drain",) in nudged
    for proposal, other in (asked, asked[::-1]):
        sign_in_for(client, proposal.organisation)
        client.post(f"/rencontres/{proposal.id}/coordonnees")
        page = words(client.get("/propositions").text)
        assert "Vous vous êtes dit oui" in page
        assert other.organisation.email in page
        assert other.organisation.phone in page
        text = dict(mails())[proposal.organisation.email]
        assert other.organisation.name in text
        assert other.organisation.email in text
    assert len(mails()) == 2


def test_a_double_click_is_one_yes_and_one_mail(client, asked):
    for proposal in asked:
        sign_in_for(client, proposal.organisation)
        client.post(f"/propositions/{proposal.id}/oui")
        again = client.post(f"/propositions/{proposal.id}/oui")
        assert again.status_code == 302
        assert "C’était déjà noté." in tab(client, "todo")

    assert len(mails()) == 2


@pytest.mark.parametrize("data", [{}, {"reason": ""}, {"reason": "emperor"}, {"comment": "Sans raison"}, {"reason": "found", "comment": "x" * 501}])
def test_a_no_without_a_reason_is_asked_again(client, mine, data):
    response = client.post(f"/propositions/{mine.id}/non", data=data)

    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert 'id="reason-error"' in response.text or 'id="comment-error"' in response.text
    assert forms(response.text)[-1].values["comment"] == [data.get("comment", "")]
    db.session.expire_all()
    assert mine.status is ProposalStatus.PENDING


def test_a_no_says_what_later_computations_should_know_here_too(client, mine):
    day = today() + timedelta(days=40)
    form = forms(client.get(f"/propositions/{mine.id}/non").text)[-1]

    wrong = client.post(f"/propositions/{mine.id}/non", data=form.filled(reason="no_time", not_before=today().isoformat()))
    client.post(f"/propositions/{mine.id}/non", data=form.filled(reason="no_time", not_before=day.isoformat(), never_again="y"))

    assert wrong.status_code == 422
    assert 'id="not_before-error"' in wrong.text
    db.session.expire_all()
    assert Bounds.of(mine) == Bounds(never=True, not_before=day)
    assert f"{formats.long_date(day)}" in words(client.get(f"/structures/{mine.organisation_id}/rythme").text)


def test_later_keeps_the_question_open_until_the_day_that_was_chosen(client, mine, asked):
    path = f"/propositions/{mine.id}/plus-tard"
    assert f'href="{path}"' in client.get("/propositions").text
    form, day = forms(client.get(path).text)[-1], today() + timedelta(days=20)

    response = client.post(path, data=form.filled(until=day.isoformat()))

    assert response.location == "/propositions"
    db.session.expire_all()
    assert (mine.status, mine.postponed_until, mine.answer_by) == (ProposalStatus.PENDING, day, day)
    assert (mine.history[-1].channel, mine.history[-1].postponed_until) == (Channel.ACCOUNT, day)
    assert "Votre réponse est attendue le" in tab(client, "todo")
    client.post(path, data={"until": day.isoformat()})
    db.session.expire_all()
    assert len(mine.history) == 1


@pytest.mark.parametrize("until", ["", "2027-02-30", today().isoformat(), (today() + timedelta(days=90)).isoformat(), "demain"])
def test_a_day_that_is_past_or_too_far_is_asked_for_again(client, mine, until):
    response = client.post(f"/propositions/{mine.id}/plus-tard", data={"until": until})

    assert response.status_code == 422
    assert 'id="until-error"' in response.text
    db.session.expire_all()
    assert mine.postponed_until is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_later_comes_too_late_for_a_question_that_was_answered(client, mine, method):
    client.post(f"/propositions/{mine.id}/oui")

    response = getattr(client, method)(f"/propositions/{mine.id}/plus-tard")

    assert response.status_code == 302
    assert "C’était déjà noté. Rien n’a changé." in tab(client, "todo")


@pytest.mark.parametrize("reason", list(DeclineReason))
def test_a_no_ends_the_match_and_the_other_side_learns_neither_reason_nor_words(client, mine, asked, reason):
    form = forms(client.get(f"/propositions/{mine.id}/non").text)[-1]
    assert reason.value in form.choices["reason"]

    response = client.post(f"/propositions/{mine.id}/non", data=form.filled(reason=reason.value, comment="  Entre nous : trop cher.  "))

    assert response.location == "/propositions"
    db.session.expire_all()
    assert (mine.status, mine.decline_reason, mine.decline_comment) == (ProposalStatus.DECLINED, reason, "Entre nous : trop cher.")
    assert (asked[1].status, mine.match.status) == (ProposalStatus.WITHDRAWN, MatchStatus.ENDED)
    assert mine.match.offer.title in tab(client, "done")
    sign_in_for(client, asked[1].organisation)
    assert "Entre nous" not in tab(client, "done") + tab(client, "todo")
    assert not [text for _recipient, text in mails() if "Entre nous" in text]


def test_a_no_after_the_others_yes_tells_them_no_contact(client, mine, asked):
    sign_in_for(client, asked[1].organisation)
    client.post(f"/propositions/{asked[1].id}/oui")
    sign_in_for(client, mine.organisation)

    client.post(f"/propositions/{mine.id}/non", data={"reason": "no_time"})

    sign_in_for(client, asked[1].organisation)
    done = tab(client, "done")
    assert "l’autre structure n’a pas donné suite" in done
    assert mine.organisation.email not in done
    assert mine.organisation.email not in "".join(text for recipient, text in mails() if recipient == asked[1].organisation.email)


@pytest.mark.parametrize("first", ["oui", "non"])
@pytest.mark.parametrize("second", ["oui", "non"])
def test_an_answer_is_given_once(client, mine, first, second):
    client.post(f"/propositions/{mine.id}/{first}", data={"reason": "found"})
    db.session.expire_all()
    before = (mine.status, mine.answered_at, mine.match.status)

    response = client.post(f"/propositions/{mine.id}/{second}", data={"reason": "too_far"})

    assert response.status_code == 302
    assert "C’était déjà noté. Rien n’a changé." in tab(client, "todo")
    db.session.expire_all()
    assert (mine.status, mine.answered_at, mine.match.status) == before


@pytest.mark.parametrize("answer", ["oui", "non"])
@pytest.mark.parametrize("status", [ProposalStatus.WITHDRAWN, ProposalStatus.EXPIRED])
def test_a_question_that_was_withdrawn_takes_no_answer(client, mine, status, answer):
    mine.status, mine.match.status = status, MatchStatus.ENDED
    db.session.commit()

    response = client.post(f"/propositions/{mine.id}/{answer}", data={"reason": "found"})

    assert response.status_code == 302
    assert "Cette proposition a été retirée entre-temps." in tab(client, "todo")
    db.session.expire_all()
    assert mine.status is status
    assert mails() == []


@pytest.mark.parametrize("gesture", ["oui", "non"])
def test_the_question_of_another_structure_is_not_there(client, mine, asked, gesture):
    foreign = client.post(f"/propositions/{asked[1].id}/{gesture}", data={"reason": "found"})
    absent = client.post(f"/propositions/{uuid4()}/{gesture}", data={"reason": "found"})

    assert foreign.status_code == absent.status_code == 404
    assert foreign.data == absent.data
    db.session.expire_all()
    assert asked[1].status is ProposalStatus.PENDING


def test_a_structure_without_an_address_is_no_obstacle_to_a_yes(client, asked):
    asked[1].organisation.email = ""
    db.session.commit()
    for proposal in asked:
        sign_in_for(client, proposal.organisation)
        assert client.post(f"/propositions/{proposal.id}/oui").status_code == 302

    assert [recipient for recipient, _text in mails()] == ["contact@picoree.test"]


def test_the_menu_counts_what_waits(client, mine):
    assert "Propositions 1" in words(client.get("/annonces").text)

    client.post(f"/propositions/{mine.id}/oui")

    assert "Propositions 1" not in words(client.get("/annonces").text)


def test_the_inbox_asks_the_database_as_often_for_many_as_for_one(client, mine, queries):
    def count() -> int:
        db.session.commit()
        db.session.remove()
        queries.clear()
        assert client.get("/propositions").status_code == 200
        return len(queries)

    organisation_id = mine.organisation_id
    one = count()
    organisation = db.session.get_one(Organisation, organisation_id)
    for _number in range(6):
        proposals_of(MatchFactory(need=NeedFactory(organisation=organisation)))

    assert count() == one


def test_a_host_answers_for_its_structure_and_an_animator_for_none(client, mine):
    for user, status in ((UserFactory(organisation=mine.organisation, role=Role.HOST), 302), (UserFactory(animator=True), 403)):
        client.sign_in(user)
        assert client.post(f"/propositions/{mine.id}/oui").status_code == status
