"""The animators' pages about mails."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import addresses
from matchmaker.web import formats
from tests.factories import MailFactory, OrganisationFactory, UserFactory, departement
from tests.pages import forms, heading, words


@pytest.fixture
def animator(client):
    user = UserFactory(animator=True)
    client.sign_in(user)
    return user


@pytest.fixture
def lost() -> OutboxMail:
    return MailFactory(lost=True, organisation=OrganisationFactory(name="Picorée", phone="02 33 11 22 33"))


def test_an_animator_sees_the_mails_of_their_territories_only(client, animator, lost):
    elsewhere = MailFactory(organisation=OrganisationFactory(name="Le Lavoir", at="Caen (14)"), lost=True)
    to_nobody = MailFactory(organisation=None, lost=True)

    page = words(client.get("/courriels").text)

    assert "Picorée" in page
    assert "Cette adresse n’existe pas, ou plus." in page
    assert "Le Lavoir" not in page
    for mail in (elsewhere, to_nobody):
        assert client.get(f"/courriels/{mail.id}").status_code == 404
        for act in ("renvoyer", "adresse", "appel"):
            assert client.post(f"/courriels/{mail.id}/{act}").status_code == 404
    assert "Le Lavoir" not in client.get("/courriels/a-appeler").text


def test_the_administration_sees_all_of_them(client, lost):
    MailFactory(organisation=None, recipient="personne@ailleurs.test")
    client.sign_in(UserFactory(admin=True))

    page = client.get("/courriels").text

    assert "Picorée" in page
    assert "personne@ailleurs.test" in page
    assert 'href="/courriels"' in client.get("/comptes").text


def test_members_and_hosts_see_none(client, lost):
    for user in (UserFactory(organisation=lost.organisation), UserFactory(host=True)):
        client.sign_in(user)
        for path in ("/courriels", "/courriels/a-appeler", f"/courriels/{lost.id}"):
            assert client.get(path).status_code == 403


def test_filters_are_kept_in_the_form_and_nonsense_filters_nothing(client, animator, lost):
    MailFactory(organisation=OrganisationFactory(name="Le Lavoir"), kind="invitation")

    page = client.get("/courriels?etat=failed&q=picor").text
    shown = forms(page)[0]
    assert (shown.values["etat"], shown.values["q"]) == (["failed"], ["picor"])
    assert heading(page) == "1 courriel dans cette sélection"
    assert "échoué (1)" in words(page)
    assert "Aucun courriel ici" in client.get("/courriels?etat=deux").text
    assert heading(client.get("/courriels?etat=nimporte&page=x").text) == "2 courriels"


def test_a_list_longer_than_a_page_is_cut_in_pages(client, animator):
    for number in range(26):
        MailFactory(kind="invitation" if number < 13 else "proposals", created_at=now() - timedelta(days=2 if number < 13 else 0))

    first = words(client.get("/courriels").text)
    assert "Page 1 sur 2" in first
    assert first.count(f"Propositions à lire, {formats.short_date(now())}") == 1
    assert first.count(f"Invitation à un job dating, {formats.short_date(now() - timedelta(days=2))}") == 1
    assert heading(client.get("/courriels?page=2").text) == "26 courriels"
    assert "Aucun courriel ici" in client.get("/courriels?page=9").text


def test_a_mail_page_tells_all_of_it(client, animator, lost):
    page = words(client.get(f"/courriels/{lost.id}").text)

    for told in ("5.1.1 no such user", "Cette adresse n’existe pas, ou plus.", "02 33 11 22 33", "Bonjour,", "1 envoi tenté"):
        assert told in page


def test_resending_puts_it_back_in_the_queue_and_nudges(client, animator, lost, nudged):
    response = client.post(f"/courriels/{lost.id}/renvoyer", follow_redirects=True)

    assert db.session.get(OutboxMail, lost.id, populate_existing=True).status is MailStatus.QUEUED
    assert nudged == [("tasks.outbox.drain",)]
    assert "Il repart vers" in words(response.text)
    assert "déjà parti, ou il attend" in words(client.post(f"/courriels/{lost.id}/renvoyer", follow_redirects=True).text)


def test_a_blocked_address_is_opened_from_the_mails_page_then_it_leaves(client, animator, lost):
    addresses.note_bounce(lost.recipient, key="1:1", status="5.1.1")
    db.session.commit()

    assert "corrigez-la d’abord" in client.post(f"/courriels/{lost.id}/renvoyer", follow_redirects=True).text
    client.post(f"/courriels/{lost.id}/adresse")
    client.post(f"/courriels/{lost.id}/renvoyer")

    assert db.session.get(OutboxMail, lost.id, populate_existing=True).status is MailStatus.QUEUED


def test_who_is_to_call_leaves_the_list_once_called(client, animator, lost):
    assert "1 appel à passer" in words(client.get("/courriels").text)
    page = client.get("/courriels/a-appeler").text
    assert "tel:0233112233" in page

    response = client.post(forms(page)[0].action, data=forms(page)[0].values, follow_redirects=True)

    assert heading(response.text) == "Personne à appeler"
    assert "quelqu’un s’en est occupé" in client.get(f"/courriels/{lost.id}").text


def test_the_pages_cost_the_same_however_many_mails_there_are(client, animator, queries):
    def cost(count: int) -> list[int]:
        for _mail in range(count):
            MailFactory(lost=True)
        db.session.commit()
        made = []
        for path in ("/courriels", "/courriels/a-appeler"):
            queries.clear()
            assert client.get(path).status_code == 200
            made.append(len(queries))
        return made

    few = cost(2)
    assert cost(30) == few
    assert max(few) <= 8


def test_an_animator_without_a_territory_sees_nothing(client, lost):
    client.sign_in(UserFactory(animator=True, territories=[]))

    assert "Rien n’est encore parti" in client.get("/courriels").text
    assert client.get(f"/courriels/{lost.id}").status_code == 404


def test_a_region_is_looked_after_with_its_departements(client, lost):
    client.sign_in(UserFactory(animator=True, territories=[departement("61").parent]))

    assert "Picorée" in client.get("/courriels").text
