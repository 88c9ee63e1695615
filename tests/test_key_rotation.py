"""Another SECRET_KEY: what the former one signed is good while it is among the FALLBACKS, and no longer."""

import pytest
from flask import Flask

from config import TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import Proposal, Role
from matchmaker.services import proposal_links, sealing
from tests.conftest import Client
from tests.pages import forms
from tests.test_bad_input import World, make_world

NEXT = "the next key of the site, of thirty-two letters"
# Their tokens are drawn and kept as hashes: no key signs them.
DRAWN = {"/mot-de-passe/<token>", "/compte/adresse/<token>", "/rejoindre/<token>", "/inscription/fin/<token>"}


@pytest.fixture
def world(app: Flask) -> World:
    return make_world(app)


def rotate(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the site another key beside its present one, as a restart with other variables does. Returns the former one."""
    former = str(app.config["SECRET_KEY"])
    monkeypatch.setitem(app.config, "SECRET_KEY", NEXT)
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", ["an even older one, of thirty-two letters", former])
    monkeypatch.setitem(app.config, "WTF_CSRF_SECRET_KEY", list(reversed(sealing.keys_of(app.config))))
    return former


def drop(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the former keys away."""
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [])
    monkeypatch.setitem(app.config, "WTF_CSRF_SECRET_KEY", [NEXT])


def links(app: Flask, world: World) -> list[str]:
    """A link of each kind that this site signs: every route with a token, so that a new one is among them."""
    rules = {rule.rule for rule in app.url_map.iter_rules() if "<token>" in rule.rule} - DRAWN
    tokens = {rule: next(token for beginning, token in world.tokens.items() if rule.startswith(beginning)) for rule in sorted(rules)}
    return [rule.replace("<token>", token) for rule, token in tokens.items()]


def test_a_link_of_each_kind_opens_after_a_rotation_and_no_longer_once_the_old_key_is_dropped(
    app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = links(app, world)
    before = [client.get(address).status_code for address in addresses]
    assert len(addresses) >= 12
    # What one thinks of a day is asked after it.
    assert before == [410 if address.endswith("/retour") else 200 for address in addresses]

    rotate(app, monkeypatch)
    assert [client.get(address).status_code for address in addresses] == before

    drop(app, monkeypatch)
    assert {client.get(address).status_code for address in addresses} == {404}


def test_a_link_that_only_begins_like_one_of_a_former_key_opens_nothing(app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate(app, monkeypatch)

    for address in links(app, world):
        ending = ".ics" if address.endswith(".ics") else ""
        path = address.removesuffix("/retour").removesuffix("/venue").removesuffix(".ics")
        altered = [path[:-1] + letter + ending for letter in "AEIMQUYcgkosw048BCD" if letter != path[-1]]
        assert {client.get(one).status_code for one in altered} == {404}, path


def test_a_new_link_is_signed_with_the_new_key(app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    former = rotate(app, monkeypatch)
    proposal = db.session.get_one(Proposal, world.ids["proposal_id"])
    fresh = proposal_links.token(proposal, app.config["SECRET_KEY"])

    assert proposal_links.read_token(fresh, (former,)) is None
    drop(app, monkeypatch)
    assert client.get(f"/reponses/{fresh}").status_code == 200


def test_the_page_of_a_link_that_was_open_during_the_rotation_can_be_sent(app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    address = f"/reponses/{world.tokens['/reponses/']}"
    token = forms(client.get(address).text)[-1].values["csrf_token"][0]
    sent = {"reponse": "oui", "csrf_token": token}

    rotate(app, monkeypatch)
    assert client.post(address, data={**sent, "csrf_token": token[::-1]}).status_code == 400
    assert client.post(address, data=sent).status_code == 302
    drop(app, monkeypatch)
    assert client.post(address, data=sent).status_code == 404


def test_a_form_of_a_signed_in_person_that_was_open_during_the_rotation_can_be_sent(
    app: Flask, client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    client.sign_in(world.users[Role.MEMBER])
    path, sent = f"/propositions/{world.ids['proposal_id']}/oui", {}
    for form in forms(client.get("/propositions").text):
        sent = {"csrf_token": form.values["csrf_token"][0]}

    rotate(app, monkeypatch)
    assert client.post(path, data=sent).status_code == 302
    drop(app, monkeypatch)
    assert client.post(path, data=sent).status_code == 400


def test_the_application_reads_forms_with_all_keys_and_signs_them_with_the_last_which_is_the_present_one(app: Flask) -> None:
    settings = {name: app.config[name] for name in ("SQLALCHEMY_DATABASE_URI", "REDIS_URL")}

    rotated = create_app(TestConfig, SECRET_KEY=NEXT, SECRET_KEY_FALLBACKS=["the one before", "the oldest"], **settings)

    assert rotated.config["WTF_CSRF_SECRET_KEY"] == ["the oldest", "the one before", NEXT]
