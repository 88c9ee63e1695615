"""Refusing mails: by one click of a mail program, by the link at the foot, or from one's account."""

import pytest

from matchmaker.models import ObjectionSource, Topic
from matchmaker.services import addresses
from tests.factories import OrganisationFactory, UserFactory
from tests.pages import forms, heading, words

ADDRESS = "contact@picoree.test"
HASH = addresses.digest(ADDRESS)


@pytest.fixture
def link(app) -> str:
    return f"/courriels/refuser/{addresses.token(HASH, Topic.PROPOSALS, app.config['SECRET_KEY'])}"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_of_a_mail_program_is_done_at_once_without_cookie_or_form(client, link, kind):
    response = client.post(link, data={"List-Unsubscribe": "One-Click"}, content_type=kind)

    assert (response.status_code, response.headers.getlist("Set-Cookie"), response.headers.get("Location")) == (200, [], None)
    assert addresses.objections(HASH) == {Topic.PROPOSALS}
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200


def test_one_click_works_where_forms_are_protected(app, client, link, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert addresses.objections(HASH) == {Topic.PROPOSALS}
    assert client.post(link, data={"arreter": "1"}).status_code == 400
    assert client.post(link, data={"topics": []}).status_code == 400
    assert addresses.objections(HASH) == {Topic.PROPOSALS}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(client, link, method):
    response = client.open(link, method=method)

    assert response.status_code == 200
    assert addresses.objections(HASH) == set()
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_has_a_button_that_ends_these_mails_and_switches_for_each_kind(client, link):
    page = client.get(link).text
    stop, switches = forms(page)
    assert heading(page) == "Ne plus recevoir ces courriels ?"
    assert switches.values["topics"] == [topic.value for topic in Topic]

    after = client.post(link, data=stop.values, follow_redirects=True).text

    assert heading(after) == "Vous ne recevez plus ces courriels"
    assert addresses.objections(HASH) == {Topic.PROPOSALS}
    client.post(link, data=forms(after)[0].filled(topics=["proposals"]))
    assert addresses.objections(HASH) == set(Topic) - {Topic.PROPOSALS}


def test_a_kind_that_does_not_exist_is_refused(client, link):
    assert client.post(link, data={"topics": ["tout"]}).status_code == 422
    assert addresses.objections(HASH) == set()


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "A", lambda text: text.replace(".", ".A", 1), lambda text: "x"])
def test_a_forged_link_leads_nowhere(client, link, change):
    path, _, token = link.rpartition("/")

    for method in ("GET", "POST"):
        assert client.open(f"{path}/{change(token)}", method=method, data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert addresses.objections(HASH) == set()


def test_the_account_has_the_same_switches_for_its_structures_address(client):
    client.sign_in(UserFactory(organisation=OrganisationFactory(email=ADDRESS)))
    page = client.get("/compte/courriels").text
    assert ADDRESS in words(page)
    sent = forms(page)[-1].filled(topics=["invitations", "digest"])

    response = client.post("/compte/courriels", data=sent, follow_redirects=True)

    assert addresses.objections(HASH) == {Topic.PROPOSALS, Topic.CAMPAIGNS, Topic.SEARCHES}
    assert forms(response.text)[-1].values["topics"] == ["invitations", "digest"]
    assert 'href="/compte/courriels"' in client.get("/compte").text


def test_an_address_that_no_mail_reaches_is_told_to_its_own_people(client):
    client.sign_in(UserFactory(organisation=OrganisationFactory(email=ADDRESS)))
    addresses.note_bounce(ADDRESS, key="1:1", status="5.1.1")

    assert "nous reviennent" in words(client.get("/compte/courriels").text)


def test_a_structure_without_an_address_is_led_to_writing_one(client):
    organisation = OrganisationFactory(email="")
    client.sign_in(UserFactory(organisation=organisation))

    page = client.get("/compte/courriels").text

    assert f"/structures/{organisation.id}/modifier" in page
    assert client.post("/compte/courriels", data={"topics": []}).status_code == 422


def test_an_animator_chooses_for_their_own_address(client):
    animator = UserFactory(animator=True)
    client.sign_in(animator)

    client.post("/compte/courriels", data={"topics": ["invitations"]})

    assert addresses.objections(addresses.digest(animator.email)) == set(Topic) - {Topic.INVITATIONS}


def test_what_was_said_first_stays_its_source(client, link):
    client.post(link, data={"List-Unsubscribe": "One-Click"})
    addresses.object_to(HASH, [Topic.PROPOSALS], source=ObjectionSource.ACCOUNT)

    assert addresses.objections(HASH) == {Topic.PROPOSALS}
