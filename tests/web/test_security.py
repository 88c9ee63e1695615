"""Headers of every answer, and the life of a session."""

import re

import pytest
from flask import Flask

from config import Config
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import Role
from tests.conftest import Client, redis_url
from tests.factories import PASSWORD, UserFactory
from tests.pages import forms
from tests.rights import address, routes, user_with
from tests.test_faults import running

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# What a mail looks like, in a frame of its own in the demonstration: mails bring their styles with them, and no script runs there.
FRAMED = {"demo.mail_page"}


def directives(policy: str) -> dict[str, str]:
    return {name: value for name, _space, value in (part.strip().partition(" ") for part in policy.split(";"))}


def sign_in(client: Client, email: str, password: str = PASSWORD, **query: str):  # type: ignore[no-untyped-def]
    return client.post("/connexion", data={"email": email, "password": password}, query_string=query)


def cookie(client: Client) -> str:
    found = client.get_cookie("croisee")
    assert found is not None
    return found.value


@pytest.fixture
def user(app: Flask):  # type: ignore[no-untyped-def]
    person = UserFactory(email="camille@structure.test")
    db.session.commit()
    return person


# Headers


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role or "anonymous")
def test_every_answer_carries_the_headers_that_protect_its_reader(app: Flask, client: Client, role: Role | None) -> None:
    if role:
        client.sign_in(user_with(role))
    pages = 0
    for endpoint, method, rule in routes(app):
        if endpoint in FRAMED or endpoint == "accounts.logout":
            continue
        response = client.open(address(rule), method=method)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert directives(response.headers["Content-Security-Policy"]) == POLICY, endpoint
        if response.mimetype == "text/html" and response.status_code != 302:
            pages += 1
            assert not re.search(r"<style|\sstyle=|<script(?![^>]* src=)|\son[a-z]+=", response.text), endpoint
            assert not re.search(r'(?:src|href)="(?:https?:)?//(?!www\.|github)', re.sub(r"<a [^>]*>", "", response.text)), endpoint
            assert role is None or response.headers["Cache-Control"] == "no-store", endpoint
    assert pages > 15


def test_pages_whose_address_is_a_key_are_kept_and_found_by_nobody(app: Flask, client: Client) -> None:
    """A link of a mail, of a desk or of a calendar: neither a cache nor a search engine nor another site learns of it."""
    found = [(endpoint, rule) for endpoint, method, rule in routes(app) if method == "GET" and app.view_functions[endpoint].access == "token"]  # type: ignore[attr-defined]
    keys = [(endpoint, rule) for endpoint, rule in found if "<token>" in rule]
    assert len(keys) > 10
    for endpoint, rule in keys:
        headers = client.get(address(rule)).headers
        assert headers["Referrer-Policy"] == "no-referrer", endpoint
        assert headers.get("X-Robots-Tag") == "noindex", endpoint
        assert "private" in headers.get("Cache-Control", "") or "no-store" in headers.get("Cache-Control", ""), endpoint


def test_pages_of_refusal_are_protected_too(client: Client) -> None:
    for response in (client.get("/nulle-part"), client.put("/"), client.post("/connexion", data={"email": "a" * 3_000_000})):
        assert response.status_code >= 400
        assert directives(response.headers["Content-Security-Policy"]) == POLICY


def test_a_file_of_ours_is_served_with_its_own_type(client: Client) -> None:
    response = client.get("/static/favicon.svg")

    assert response.mimetype == "image/svg+xml"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    response.close()


def test_over_https_browsers_are_told_to_stay_there(database_url: str, client: Client) -> None:
    with running(database_url, redis_url(), PREFERRED_URL_SCHEME="https") as secure:
        headers = secure.test_client().get("/healthz").headers

    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Strict-Transport-Security" not in client.get("/healthz").headers


def test_without_a_secret_nothing_starts() -> None:
    with pytest.raises(RuntimeError, match="SECRET_KEY"):
        create_app(Config, SECRET_KEY="")


# Sessions


def test_the_session_is_for_this_site_and_out_of_reach_of_scripts(client: Client, user) -> None:
    set_cookie = sign_in(client, user.email).headers["Set-Cookie"]

    assert "HttpOnly" in set_cookie
    assert "SameSite=Lax" in set_cookie
    assert "Path=/" in set_cookie
    assert "Domain=" not in set_cookie


def test_signing_in_begins_a_new_session(client: Client, user) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["csrf_token"] = "known to somebody else"
    before = cookie(client)

    sign_in(client, user.email)

    assert cookie(client) != before
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != "known to somebody else"
        assert session["_user_id"] == str(user.id)


def test_a_token_taken_before_signing_in_is_of_no_use_after(app: Flask, client: Client, user, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    token = forms(client.get("/connexion").text)[-1].values["csrf_token"][0]
    assert client.post("/connexion", data={"email": user.email, "password": PASSWORD, "csrf_token": token}).status_code == 302

    assert client.post("/deconnexion", data={"csrf_token": token}).status_code == 400
    assert client.get("/compte").status_code == 200


def test_signing_out_ends_the_session(client: Client, user) -> None:
    sign_in(client, user.email)
    assert client.get("/compte").status_code == 200

    client.post("/deconnexion")

    assert client.get("/compte").status_code == 302
    with client.session_transaction() as session:
        assert "_user_id" not in session


def test_the_session_of_an_account_that_was_closed_is_dead(client: Client, user) -> None:
    sign_in(client, user.email)
    user.is_active = False
    db.session.commit()

    assert client.get("/compte").location == "/connexion?next=/compte"
    assert client.post("/deconnexion").status_code == 302


def test_the_session_of_an_account_that_is_gone_is_dead(client: Client, user) -> None:
    sign_in(client, user.email)
    db.session.delete(user)
    db.session.commit()

    assert client.get("/compte").status_code == 302
    assert client.get("/").status_code == 200


def test_a_role_that_was_taken_away_is_gone_at_once(client: Client, app: Flask) -> None:
    admin = UserFactory(admin=True)
    db.session.commit()
    sign_in(client, admin.email)
    assert client.get("/comptes").status_code == 200

    # Written past the service, which would have ended the session too.
    admin.role = Role.ANIMATOR
    db.session.commit()

    assert client.get("/comptes").status_code == 403


def test_the_session_of_a_demo_account_is_dead_outside_the_demonstration(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = UserFactory(email="membre.ess@demo.croisee.test", is_demo=True)
    db.session.commit()
    sign_in(client, demo.email)
    assert client.get("/compte").status_code == 200

    monkeypatch.setitem(app.config, "DEMO", False)

    assert client.get("/compte").status_code == 302


@pytest.mark.parametrize("forged", ["", "x", "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "x" * 4000, "\u00e9"])
def test_a_forged_session_opens_nothing(client: Client, forged: str) -> None:
    response = client.get("/compte", headers={"Cookie": f"croisee={forged}"})

    assert response.status_code == 302
    assert response.location.startswith("/connexion")


def test_one_altered_letter_of_a_session_is_enough(client: Client, user) -> None:
    sign_in(client, user.email)
    good = cookie(client)
    assert client.get("/compte").status_code == 200
    # The last letter carries two bits that mean nothing.
    for place in range(0, len(good) - 1, 7):
        altered = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        client.set_cookie("croisee", altered)
        assert client.get("/compte").status_code == 302


@pytest.mark.parametrize("claimed", ["1", "None", "00000000-0000-0000-0000-000000000000", "' OR 1=1", ""])
def test_a_session_of_nobody_is_anonymous(client: Client, claimed: str) -> None:
    with client.session_transaction() as session:
        session["_user_id"] = claimed

    assert client.get("/").status_code == 200
    assert client.get("/compte").status_code == 302


# Ways out


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x=1",
        "/\r\nSet-Cookie: x=1",
        "/ //evil.example",
    ],
)
def test_no_address_leads_from_the_login_page_to_another_site(client: Client, user, target: str) -> None:
    response = sign_in(client, user.email, next=target)

    assert response.status_code == 302
    assert response.location.startswith("/")
    assert not response.location.startswith(("//", "/\\"))
    assert "x=1" not in response.headers["Set-Cookie"]
    assert "\n" not in response.location


@pytest.mark.parametrize("path", ["//evil.example/compte", "/\\evil.example", "/evil.example//", "//evil.example//..", "/comptes//", "///"])
def test_no_address_is_corrected_into_a_way_to_another_site(client: Client, path: str) -> None:
    response = client.get(path, headers={"Host": "croisee.test"})

    assert response.status_code in {200, 302, 308, 404}
    location = response.headers.get("Location", "/")
    assert location.startswith(("/connexion", "http://croisee.test/")) or (location.startswith("/") and not location.startswith("//"))


def test_methods_that_no_page_knows_are_refused(app: Flask, client: Client) -> None:
    for method in ("TRACE", "PUT", "PATCH", "DELETE", "FOO", "CONNECT"):
        for path in ("/", "/connexion", "/annuaire"):
            response = client.open(path, method=method)
            assert response.status_code == 405
            assert "GET" in response.headers["Allow"]


def test_head_answers_like_get_without_a_body(client: Client) -> None:
    for path in ("/", "/annuaire", "/connexion", "/nulle-part"):
        got, headed = client.get(path), client.head(path)
        assert headed.status_code == got.status_code
        assert headed.data == b""
