"""The page of two sides that said yes, with an account and from a mail's link, and that of the animator who was called."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import ContactView, ContactWay, HelpRequest, MatchStatus, Message, OutboxMail, Proposal, Side
from matchmaker.services import conversation_links
from tests.conftest import Client
from tests.factories import MatchFactory, UserFactory, call_for_help, departement, mutual_match, proposals_of
from tests.pages import forms, words


@pytest.fixture
def pair(app: Flask) -> tuple[Proposal, Proposal]:
    need, offer = sorted(mutual_match().proposals, key=lambda proposal: proposal.side)
    need.organisation.name, offer.organisation.name = "Picorée", "La Navette"
    offer.organisation.email = "contact@navette.test"
    db.session.commit()
    return need, offer


def path(app: Flask, proposal: Proposal) -> str:
    return f"/echanges/{conversation_links.token(proposal, app.config['SECRET_KEY'])}"


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_contact_details_open_by_a_button_and_the_other_side_reads_who_opened_them(client: Client, pair) -> None:
    mine, theirs = pair
    client.sign_in(UserFactory(organisation=mine.organisation))
    page = f"/rencontres/{mine.id}"
    assert theirs.organisation.email not in client.get(page).text

    assert client.post(f"{page}/coordonnees").status_code == 302

    assert theirs.organisation.email in client.get(page).text
    assert [view.way for view in db.session.scalars(select(ContactView))] == [ContactWay.ACCOUNT]
    client.sign_in(UserFactory(organisation=theirs.organisation))
    assert "Picorée regardées dans son compte" in words(client.get("/coordonnees-vues").text)


def test_a_colleague_opens_them_for_themselves(client: Client, pair) -> None:
    mine, theirs = pair
    client.sign_in(UserFactory(organisation=mine.organisation))
    client.post(f"/rencontres/{mine.id}/coordonnees")

    client.sign_in(UserFactory(organisation=mine.organisation))

    assert theirs.organisation.email not in client.get(f"/rencontres/{mine.id}").text
    assert theirs.organisation.email not in client.get("/propositions").text


def test_before_two_yes_there_is_no_such_page(app: Flask, client: Client) -> None:
    mine, _theirs = proposals_of(MatchFactory())
    client.sign_in(UserFactory(organisation=mine.organisation))

    assert client.get(f"/rencontres/{mine.id}").status_code == 404
    assert client.post(f"/rencontres/{mine.id}/coordonnees").status_code == 404
    assert client.get(path(app, mine)).status_code == 410


def test_two_sides_write_one_with_an_account_one_from_the_mail(app: Flask, client: Client, pair, nudged) -> None:
    mine, theirs = pair
    client.sign_in(UserFactory(organisation=mine.organisation))
    form = forms(client.get(f"/rencontres/{mine.id}").text)[-2]
    assert "text" in form.values
    client.post(f"/rencontres/{mine.id}", data=form.filled(text="Mardi à 10 h ?\r\nOu jeudi."))
    with client.session_transaction() as session:
        session.clear()

    page = client.get(path(app, theirs))
    assert "Picorée" in page.text
    assert "Mardi à 10 h ?\nOu jeudi." in page.text
    answer = next(form for form in forms(page.text) if "text" in form.values)
    assert client.post(path(app, theirs), data=answer.filled(text="Mardi, c’est bien.")).status_code == 302

    assert [message.side for message in db.session.scalars(select(Message).order_by(Message.sent_at))] == [Side.NEED, Side.OFFER]
    recipients = set(db.session.scalars(select(OutboxMail.recipient).where(OutboxMail.kind == "conversation")))
    assert recipients == {mine.organisation.email, theirs.organisation.email}
    assert ("tasks.outbox.drain",) in nudged


@pytest.mark.parametrize(("said", "code"), [("", 422), ("   ", 422), ("é" * 2001, 422), ("é" * 2000, 302)])
def test_a_message_says_something_short(app: Flask, client: Client, pair, said: str, code: int) -> None:
    form = forms(client.get(path(app, pair[0])).text)[0]

    assert client.post(path(app, pair[0]), data=form.filled(text=said)).status_code == code
    assert count(Message) == (code == 302)


def test_a_form_of_elsewhere_is_refused(client: Client, app: Flask, pair) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert client.post(path(app, pair[0]), data={"text": "Bonjour"}).status_code == 400
        assert client.post(path(app, pair[0]), data={"acte": "aide"}).status_code == 400
        form = forms(client.get(path(app, pair[0])).text)[0]
        assert client.post(path(app, pair[0]), data=form.filled(text="Bonjour")).status_code == 302
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert (count(Message), count(HelpRequest)) == (1, 0)


def test_after_they_parted_the_words_stay_and_nothing_is_added(app: Flask, client: Client, pair) -> None:
    mine, theirs = pair
    client.post(path(app, mine), data={"text": "Bonjour à vous"})
    mine.match.status = MatchStatus.ENDED
    db.session.commit()

    page = client.get(path(app, mine))
    assert "Bonjour à vous" in page.text
    assert "Vous n’êtes plus en relation" in words(page.text)
    assert "Rien n’est parti" in words(client.post(path(app, mine), data={"text": "Encore"}, follow_redirects=True).text)
    client.sign_in(UserFactory(organisation=mine.organisation))
    assert client.post(f"/rencontres/{mine.id}/coordonnees").status_code == 409
    assert theirs.organisation.email not in client.get(f"/rencontres/{mine.id}").text
    assert count(Message) == 1


def test_an_animator_reads_only_while_a_side_calls(app: Flask, client: Client, pair) -> None:
    mine, theirs = pair
    client.post(path(app, mine), data={"text": "Un secret entre nous"})
    animator = UserFactory(animator=True)
    client.sign_in(animator)
    assert "Personne ne vous appelle" in words(client.get("/rencontres/aide").text)

    client.post(path(app, mine), data={"acte": "aide"})
    asked = db.session.scalars(select(HelpRequest)).one()
    call = f"/rencontres/aide/{asked.id}"
    assert "Picorée" in client.get("/rencontres/aide").text
    page = client.get(call)
    assert "Un secret entre nous" in page.text
    assert theirs.organisation.email not in page.text
    client.post(f"{call}/coordonnees")
    assert theirs.organisation.email in client.get(call).text
    assert db.session.scalars(select(ContactView.way)).all() == [ContactWay.HELP, ContactWay.HELP]
    client.post(call, data={"text": "Je vous appelle demain."})
    assert "L’animation du territoire" in words(client.get(path(app, theirs)).text)
    assert "lit cet échange depuis le" in words(client.get(path(app, theirs)).text)

    client.post(path(app, theirs), data={"acte": "fin"})
    assert client.get(call).status_code == 404
    assert client.post(call, data={"text": "Encore là"}).status_code == 404


def test_an_animator_of_elsewhere_finds_nothing(client: Client, pair) -> None:
    asked = call_for_help(pair[0].match)
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))

    assert client.get(f"/rencontres/aide/{asked.id}").status_code == 404
    assert "Picorée" not in client.get("/rencontres/aide").text


def test_what_is_written_is_shown_as_written(app: Flask, client: Client, pair) -> None:
    client.post(path(app, pair[0]), data={"text": "<script>alert(1)</script> & co"})

    page = client.get(path(app, pair[1])).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "conversation")).one()
    assert b"<script>" not in mail.message.split(b"text/html")[1]


def test_the_page_asks_for_the_same_queries_whatever_was_said(app: Flask, client: Client, pair, queries: list[str]) -> None:
    client.post(path(app, pair[0]), data={"text": "Un"})
    queries.clear()
    client.get(path(app, pair[0]))
    few = len(queries)
    for number in range(8):
        client.post(path(app, pair[number % 2]), data={"text": f"Et {number}"})
    queries.clear()
    client.get(path(app, pair[0]))

    assert len(queries) == few
