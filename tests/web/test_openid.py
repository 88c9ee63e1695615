"""Coming in from a provider of identities: the way there and back, the first time, out again; and that without one nobody is asked."""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from config import Config
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import OpenidIdentity, OutboxMail, User, UserSession
from matchmaker.models.base import now
from matchmaker.services import openid_provider
from tests.conftest import Client, new_database, redis_url
from tests.factories import PASSWORD, UserFactory
from tests.openid_server import CLIENT_ID, CLIENT_SECRET, STALL, OpenidServer, encoded
from tests.pages import heading
from tests.test_faults import running
from tests.web.test_second_factor import answer as type_code
from tests.web.test_second_factor import code_of, protect

PATHS = ["/connexion/annuaire", "/connexion/annuaire/retour", "/connexion/annuaire/compte", "/connexion/annuaire/fin"]
TIE = "/connexion/annuaire/compte"


@pytest.fixture
def server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenidServer]:
    """A provider that the site is configured for."""
    with OpenidServer() as provider:
        for name, value in settings_of(provider).items():
            monkeypatch.setitem(app.config, name, value)
        yield provider


def settings_of(server: OpenidServer) -> dict[str, object]:
    return {
        "OPENID_DISCOVERY_URL": f"{server.url}/.well-known/openid-configuration",
        "OPENID_CLIENT_ID": CLIENT_ID,
        "OPENID_CLIENT_SECRET": CLIENT_SECRET,
        "OPENID_LABEL": "Annuaire",
    }


@pytest.fixture
def marie(app: Flask) -> User:
    person: User = UserFactory(email="marie.lebon@structure.test")
    db.session.commit()
    return person


def leave_for(client: Client, **query: str) -> str:
    """Press the button: the address at the provider to which the browser is sent."""
    response = client.get("/connexion/annuaire", query_string=query)
    assert response.status_code == 302, response.text
    return str(response.location)


def through(address: str) -> str:
    """What the browser does at the provider. Returns the path on our site to which it is sent back."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    back = connection.getresponse().headers["Location"]
    connection.close()
    assert back.startswith("http://croisee.test/connexion/annuaire/retour?")
    return back.removeprefix("http://croisee.test")


def visit(client: Client, **query: str):  # type: ignore[no-untyped-def]
    """There and back."""
    return client.get(through(leave_for(client, **query)))


def tie(client: Client, password: str = PASSWORD, email: str = "marie.lebon@structure.test"):  # type: ignore[no-untyped-def]
    return client.post(TIE, data={"email": email, "password": password})


def tied(app: Flask, user: User, server: OpenidServer, subject: str = "marie-7") -> None:
    user.openid_identity = OpenidIdentity(issuer=server.url, subject=subject)
    db.session.commit()


def is_in(client: Client) -> bool:
    return bool(client.get("/compte").status_code == 200)


def words_after(client: Client, response) -> str:  # type: ignore[no-untyped-def]
    """The login page to which somebody was sent back, with its form as ever."""
    assert (response.status_code, response.location.partition("?")[0]) == (302, "/connexion")
    page = client.get(response.location).text
    assert 'name="password"' in page
    assert not is_in(client)
    return str(page)


# Not configured


def test_without_a_provider_there_is_no_button_and_nobody_is_asked(client: Client) -> None:
    assert "S’identifier avec" not in client.get("/connexion").text
    assert {path: client.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 404)


def test_the_page_on_personal_data_names_the_provider_where_there_is_one(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Si vous entrez avec" not in client.get("/vos-donnees").text
    monkeypatch.setitem(app.config, "OPENID_DISCOVERY_URL", "https://provider.example/.well-known/openid-configuration")
    monkeypatch.setitem(app.config, "OPENID_LABEL", "Annuaire")

    assert "Si vous entrez avec Annuaire" in client.get("/vos-donnees").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"OPENID_CLIENT_SECRET": ""},
        {"OPENID_CLIENT_ID": ""},
        {"OPENID_DISCOVERY_URL": "http://provider.example/.well-known/openid-configuration"},
        {"OPENID_DISCOVERY_URL": "https://provider.example/"},
        {"OPENID_DISCOVERY_URL": "file:///etc/.well-known/openid-configuration"},
    ],
)
def test_half_a_provider_keeps_the_site_from_starting(wrong: dict[str, str]) -> None:
    right = {"OPENID_DISCOVERY_URL": "https://provider.example/.well-known/openid-configuration", "OPENID_CLIENT_ID": "a", "OPENID_CLIENT_SECRET": "b"}
    with pytest.raises(RuntimeError, match="OPENID_DISCOVERY_URL"):
        create_app(Config, SECRET_KEY="of one test, thirty-two bytes at least", PRODUCTION=False, **(right | wrong))


# There and back


def test_the_browser_leaves_with_all_that_ties_its_return_to_it(client: Client, server: OpenidServer, queries: list[str]) -> None:
    page = client.get("/connexion?next=/compte").text
    assert "S’identifier avec Annuaire" in page
    assert "/connexion/annuaire?next=/compte" in page
    queries.clear()

    asked = {name: values[0] for name, values in parse_qs(urlsplit(leave_for(client, next="/compte")).query).items()}

    assert queries == [], "the provider may be slow: the database does not wait with us"
    with client.session_transaction() as session:
        kept = session["openid_visit"]
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": "http://croisee.test/connexion/annuaire/retour",
        "scope": "openid email",
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": encoded(sha256(kept["verifier"].encode()).digest()),
        "code_challenge_method": "S256",
        "claims": '{"id_token":{"acr":null,"amr":null}}',
    }
    assert min(len(kept[name]) for name in ("state", "nonce", "verifier")) >= 43
    assert len({kept[name] for name in ("state", "nonce", "verifier")}) == 3


def test_the_first_time_takes_the_password_and_the_next_time_nothing(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    assert visit(client, next="/courriels").location == TIE
    assert "marie.lebon@structure.test" in client.get(TIE).text
    assert not is_in(client)

    assert tie(client).location == "/courriels"

    assert "Annuaire ouvre votre compte" in client.get("/compte").text
    row = db.session.scalars(select(OpenidIdentity)).one()
    assert (row.user_id, row.issuer, row.subject) == (marie.id, server.url, "marie-7")
    assert [mail.recipient for mail in db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "openid_tied"))] == [marie.email]
    other = app.test_client()
    assert visit(other).location == "/propositions"
    assert is_in(other)


def test_her_name_at_the_provider_opens_the_account_whatever_her_address_is_now(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    server.person = {"email": "marie@elsewhere.test", "email_verified": False}

    assert visit(client).location == "/propositions"
    assert marie.email in client.get("/compte").text


def test_somebody_elses_name_with_her_address_opens_nothing(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server, subject="marie-7")
    server.claims = {"sub": "successor-8"}

    assert visit(client).location == TIE
    assert not is_in(client)
    assert tie(client, "une phrase au hasard").status_code == 422
    assert db.session.scalars(select(OpenidIdentity.subject)).all() == ["marie-7"]


def test_a_session_before_is_over_and_its_tokens_with_it(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    with client.session_transaction() as session:
        session["csrf_token"] = "known to somebody else"

    visit(client)

    with client.session_transaction() as session:
        assert session.get("csrf_token") != "known to somebody else"
        assert not {"openid_visit", "openid_untied"} & set(session)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_no_way_leads_to_another_site(app: Flask, client: Client, server: OpenidServer, marie: User, target: str) -> None:
    tied(app, marie, server)

    assert visit(client, next=target).location == "/propositions"


def test_a_way_that_is_too_long_for_a_cookie_is_left_out(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)

    assert visit(client, next="/annuaire?q=" + "x" * 3500).location == "/propositions"
    assert visit(app.test_client(), next="/annuaire?q=boulangerie").location == "/annuaire?q=boulangerie"


def test_pages_whose_address_is_a_code_are_kept_by_nobody(client: Client, server: OpenidServer) -> None:
    response = client.get("/connexion/annuaire/retour?code=x&state=y")

    assert (response.headers["Referrer-Policy"], response.headers["Cache-Control"]) == ("no-referrer", "no-store")


# The first time


def test_the_page_is_the_same_whether_the_address_has_an_account_or_not(app: Flask, server: OpenidServer, marie: User) -> None:
    pages = []
    for number, email in enumerate(("marie.lebon@structure.test", "nobody.here@structure.test")):
        client = app.test_client()
        server.claims, server.person = {"sub": f"person-{number}"}, {"email": email, "email_verified": True}
        first = visit(client)
        shown = client.get(TIE)
        refused = tie(client, "une phrase au hasard", email)
        pages.append([(page.status_code, page.text.replace(email, "")) for page in (first, shown, refused)])

    assert pages[0] == pages[1]
    assert pages[0][2][0] == 422


def test_both_take_the_same_time(app: Flask, server: OpenidServer, marie: User) -> None:
    taken: dict[str, list[float]] = {"marie.lebon@structure.test": [], "nobody.here@structure.test": []}
    for number in range(6):
        for email, seconds in taken.items():
            client = app.test_client()
            server.claims, server.person = {"sub": f"{email}-{number}"}, {"email": email, "email_verified": True}
            visit(client)
            begun = time.perf_counter()
            tie(client, "une phrase au hasard", email)
            seconds.append(time.perf_counter() - begun)

    known, unknown = (statistics.median(seconds[1:]) for seconds in taken.values())
    assert abs(known - unknown) <= max(0.05, 0.25 * min(known, unknown)), taken


def test_another_address_than_the_providers_is_refused(client: Client, server: OpenidServer, marie: User) -> None:
    other = UserFactory(email="other@structure.test")
    db.session.commit()
    visit(client)

    assert tie(client, PASSWORD, other.email).status_code == 422
    assert db.session.scalars(select(OpenidIdentity)).all() == []


@pytest.mark.parametrize(
    ("told", "vouches", "is_taken"),
    [
        ({"email_verified": True}, False, True),
        ({"email_verified": "true"}, False, True),
        ({}, True, True),
        ({}, False, False),
        ({"email_verified": False}, True, False),
        ({"email_verified": "false"}, True, False),
        ({"email_verified": None}, True, False),
        ({"email_verified": True, "email": ["marie.lebon@structure.test"]}, False, False),
        ({"email_verified": True, "email": "marie\x00@structure.test"}, False, False),
        ({"email_verified": True, "email": "a" * 300 + "@structure.test"}, False, False),
        ({"email_verified": True, "email": ""}, False, False),
    ],
)
def test_only_an_address_that_the_provider_vouches_for_is_offered(
    app: Flask, client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch, told: dict[str, object], vouches: bool, is_taken: bool
) -> None:
    monkeypatch.setitem(app.config, "OPENID_VOUCHES", vouches)
    server.person = {"email": "marie.lebon@structure.test"} | told

    response = visit(client)

    if is_taken:
        assert response.location == TIE
    else:
        assert "ne nous a pas confirmé votre adresse" in words_after(client, response)
        assert client.get(TIE).location == "/connexion"


def test_what_was_signed_for_ten_minutes_is_over_after_them(client: Client, server: OpenidServer, marie: User) -> None:
    visit(client)
    with client.session_transaction() as session:
        session["openid_untied"] = session["openid_untied"] | {"since": session["openid_untied"]["since"] - 601}

    assert "Plus de dix minutes" in words_after(client, tie(client))
    assert db.session.scalars(select(OpenidIdentity)).all() == []


def test_an_identity_that_was_tied_meanwhile_stays_where_it_is(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    visit(client)
    tied(app, UserFactory(), server)

    assert "ouvre déjà un autre compte" in words_after(client, tie(client))
    assert db.session.scalars(select(OpenidIdentity.user_id)).one() != marie.id


def test_another_identity_takes_the_place_of_the_first(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server, subject="marie-in-her-old-job")
    visit(client)

    tie(client)

    assert db.session.scalars(select(OpenidIdentity.subject)).all() == ["marie-7"]


def test_a_demonstrations_account_and_a_closed_one_open_nothing(
    app: Flask, client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tied(app, marie, server)
    marie.is_active = False
    db.session.commit()
    assert visit(client).location == TIE
    assert tie(client).status_code == 422
    marie.is_active, marie.is_demo = True, True
    db.session.commit()
    monkeypatch.setitem(app.config, "DEMO", False)

    assert visit(client).location == TIE
    assert tie(client).status_code == 422


def test_tries_of_the_password_are_counted_like_those_of_the_login_page(own_limits: Flask, server: OpenidServer) -> None:
    own_limits.config.update(settings_of(server))
    client = own_limits.test_client()
    visit(client)

    assert [tie(client, "une phrase au hasard").status_code for _try in range(7)] == [422] * 5 + [429] * 2


@pytest.fixture
def own_limits(app: Flask, worker_id: str) -> Iterator[Flask]:
    # A database of its own: a refused try is really written into the audit log.
    with running(new_database(f"croisee_openid_{worker_id}"), redis_url(), RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI="memory://") as site:
        yield site


# The second factor


def test_who_has_a_code_types_it_after_the_provider_too(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    protect(marie)

    assert visit(client, next="/courriels").location == "/connexion/code?next=/courriels"
    assert not is_in(client)
    assert type_code(client, code_of(marie), next="/courriels").location == "/courriels"
    assert is_in(client)


@pytest.mark.parametrize("told", [{"acr": "eidas2"}, {"amr": ["pwd", "otp", "mfa"]}])
def test_who_showed_two_factors_to_the_provider_types_none(
    app: Flask, client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch, told: dict[str, object]
) -> None:
    monkeypatch.setitem(app.config, "OPENID_STRONG_LEVELS", ["eidas2", "eidas3"])
    tied(app, marie, server)
    protect(marie)
    server.claims = told

    assert visit(client).location == "/propositions"


@pytest.mark.parametrize("told", [{"acr": "eidas1"}, {"amr": ["pwd"]}, {"amr": "mfa"}, {"acr": ["eidas2"]}, {"acr": "0"}])
def test_less_than_two_factors_is_not_taken_for_two(
    app: Flask, client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch, told: dict[str, object]
) -> None:
    monkeypatch.setitem(app.config, "OPENID_STRONG_LEVELS", ["eidas2", "eidas3"])
    tied(app, marie, server)
    protect(marie)
    server.claims = told

    visit(client)

    assert not is_in(client)


def test_to_tie_an_identity_takes_all_that_the_account_asks_for(client: Client, server: OpenidServer, marie: User) -> None:
    protect(marie)
    server.claims = {"amr": ["mfa"]}
    visit(client)

    assert tie(client).location == "/connexion/code"
    assert db.session.scalars(select(OpenidIdentity)).all() == []
    assert type_code(client, code_of(marie)).location == "/propositions"
    assert db.session.scalars(select(OpenidIdentity.user_id)).all() == [marie.id]


def test_between_password_and_code_an_identity_that_was_tied_stays_where_it_is(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    protect(marie)
    visit(client)
    tie(client)
    tied(app, UserFactory(), server)

    assert "ouvre déjà un autre compte" in words_after(client, type_code(client, code_of(marie)))


@pytest.mark.parametrize(("methods", "status"), [(["pwd"], 302), (["mfa"], 200)])
def test_who_sees_others_needs_shows_two_factors_here_or_there(
    app: Flask, client: Client, server: OpenidServer, monkeypatch: pytest.MonkeyPatch, methods: list[str], status: int
) -> None:
    monkeypatch.setitem(app.config, "SECOND_FACTOR", True)
    animator = UserFactory(animator=True)
    tied(app, animator, server)
    server.claims = {"amr": methods}
    visit(client)

    assert client.get("/calculs").status_code == status


def test_what_is_sensitive_asks_for_the_password_at_once(app: Flask, client: Client, server: OpenidServer) -> None:
    admin = UserFactory(admin=True)
    tied(app, admin, server)
    visit(client)

    assert client.get("/comptes/nouveau").location == "/compte/confirmer?next=/comptes/nouveau"
    assert client.get("/comptes").status_code == 200


# Untied


def test_she_unties_it_herself_and_a_mail_says_so(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    client.sign_in(marie)
    assert "Ne plus relier" in client.get("/compte").text

    assert client.post("/compte/annuaire/retirer").location == "/compte"

    assert "n’ouvre pas encore votre compte" in client.get("/compte").text
    assert visit(app.test_client()).location == TIE
    assert len(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "openid_tied")).all()) == 1
    assert client.post("/compte/annuaire/retirer").location == "/compte"


def test_another_password_unties_what_was_tied_with_the_one_before(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    client.sign_in(marie)

    client.post("/compte", data={"current": PASSWORD, "password": "une tout autre phrase", "again": "une tout autre phrase"})

    assert is_in(client)
    assert visit(app.test_client()).location == TIE


# Out again


def test_who_leaves_us_leaves_the_provider_too(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    visit(client)
    kept = db.session.scalars(select(UserSession.id_token)).one()
    assert "eyJ" not in kept

    page = client.post("/deconnexion")

    assert heading(page.text) == "Vous voilà hors connexion de La Croisée"
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert not is_in(client)
    where = page.headers["Refresh"].removeprefix("0; url=")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
    assert where.startswith(f"{server.url}/end?")
    assert set(asked) == {"id_token_hint", "post_logout_redirect_uri", "state"}
    assert asked["post_logout_redirect_uri"] == "http://croisee.test/connexion/annuaire/fin"
    assert asked["id_token_hint"].count(".") == 2
    assert client.get(f"/connexion/annuaire/fin?state={asked['state']}").location == "/"
    assert "Vous voilà hors connexion" in client.get("/").text


def test_who_only_claims_to_have_left_is_led_home(client: Client, server: OpenidServer, marie: User) -> None:
    client.sign_in(marie)

    assert client.get("/connexion/annuaire/fin?state=x").location == "/propositions"
    assert is_in(client)


@pytest.mark.parametrize("provider", ["away", "without an end", "taken away"])
def test_one_leaves_even_when_the_provider_cannot_be_left(
    app: Flask, client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    tied(app, marie, server)
    visit(client)
    openid_provider.known.clear()
    if provider == "away":
        server.faults["/.well-known/openid-configuration"] = 500
    elif provider == "without an end":
        server.more = {"end_session_endpoint": None}
    else:
        monkeypatch.setitem(app.config, "OPENID_DISCOVERY_URL", "")

    assert client.post("/deconnexion").location == "/"
    assert not is_in(client)


def test_who_came_by_password_leaves_as_ever(client: Client, server: OpenidServer, marie: User) -> None:
    client.sign_in(marie)

    assert client.post("/deconnexion").location == "/"


def test_a_long_token_is_not_kept_and_the_cookie_stays_one(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    server.claims = {"groups": ["a group of the directory"] * 300}
    visit(client)
    assert len(client.get_cookie("croisee").value) < 4000  # type: ignore[union-attr]
    tie(client)

    assert db.session.scalars(select(UserSession.id_token)).all() == [""]
    assert is_in(client)


# ProConnect's way


def test_a_provider_that_tells_of_the_person_in_a_signed_token(
    app: Flask, client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scopes and answers as ProConnect documents them: no email_verified, userinfo as application/jwt."""
    monkeypatch.setitem(app.config, "OPENID_VOUCHES", True)
    monkeypatch.setitem(app.config, "OPENID_SCOPES", "openid given_name usual_name email siret")
    server.signs_person = True
    server.person = {"email": "marie.lebon@structure.test", "given_name": "Marie", "usual_name": "Lebon", "siret": "73282932000074", "idp_id": "x"}

    assert visit(client).location == TIE
    assert tie(client).location == "/propositions"


@pytest.mark.parametrize("wrong", [{"sub": "somebody-else"}, {"aud": "another-site"}, {"iss": "https://evil.example"}, {"sub": None}])
def test_what_is_told_of_somebody_else_is_refused(client: Client, server: OpenidServer, marie: User, wrong: dict[str, object]) -> None:
    server.signs_person = True
    server.person |= wrong

    assert "Nous n’avons pas pu vérifier" in words_after(client, visit(client))


def test_an_unsigned_answer_about_somebody_else_is_refused(client: Client, server: OpenidServer, marie: User) -> None:
    server.person |= {"sub": "somebody-else"}

    assert "Nous n’avons pas pu vérifier" in words_after(client, visit(client))


def test_the_provider_is_asked_for_its_description_and_keys_once(app: Flask, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    for _time in range(3):
        visit(app.test_client())

    assert server.asked.count("/keys") == 1
    assert server.asked.count("/.well-known/openid-configuration") == 1
    assert server.asked.count("/token") == 3


def test_a_provider_that_wants_the_secret_in_a_header_gets_it_there(app: Flask, client: Client, server: OpenidServer) -> None:
    server.more = {"token_endpoint_auth_methods_supported": None}

    assert "Nous n’avons pas pu vérifier" in words_after(client, visit(client)), "this one takes it in the form only"
    assert server.asked[-1] == "/token"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"])
@pytest.mark.parametrize("fault", [500, 503, 429, b"<html>", b"[]", b"{" * 100_000, b"x" * 300_000, STALL], ids=str)
def test_a_provider_that_is_away_is_said_so_and_the_password_still_opens(
    client: Client, server: OpenidServer, marie: User, monkeypatch: pytest.MonkeyPatch, path: str, fault: int | bytes | str
) -> None:
    monkeypatch.setattr(openid_provider, "STEP", 0.3)
    server.faults[path] = fault
    response = client.get("/connexion/annuaire")
    if path != "/.well-known/openid-configuration":
        response = client.get(through(response.location))

    words = words_after(client, response)

    assert "Annuaire ne répond pas en ce moment" in words or "Nous n’avons pas pu vérifier" in words
    assert client.post("/connexion", data={"email": marie.email, "password": PASSWORD}).location == "/propositions"


def test_a_provider_that_is_not_there_at_all(app: Flask, client: Client, server: OpenidServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "OPENID_DISCOVERY_URL", "http://127.0.0.1:1/.well-known/openid-configuration")

    assert "Annuaire ne répond pas en ce moment" in words_after(client, client.get("/connexion/annuaire"))


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
        {"userinfo_endpoint": "ftp://evil.example"},
    ],
    ids=json.dumps,
)
def test_a_description_of_another_provider_or_without_safe_ways_is_not_followed(client: Client, server: OpenidServer, more: dict[str, object]) -> None:
    server.more = more

    words_after(client, client.get("/connexion/annuaire"))

    assert server.asked == ["/.well-known/openid-configuration"]


def test_somebody_who_comes_back_is_seen_on_the_account(app: Flask, client: Client, server: OpenidServer, marie: User) -> None:
    tied(app, marie, server)
    visit(client)

    db.session.expire_all()
    assert marie.last_login_at is not None
    assert (now() - marie.last_login_at).total_seconds() < 60
