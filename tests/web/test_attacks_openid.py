"""What is tried against coming in from a provider: tokens of others, forged ones, replays, other browsers, other providers."""

import json
from collections.abc import Callable
from hashlib import sha256
from hmac import digest
from time import time
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt

from matchmaker.models import User
from matchmaker.services import openid_provider
from tests.conftest import Client
from tests.openid_server import CLIENT_ID, CLIENT_SECRET, OpenidServer, encoded, key
from tests.web.test_openid import is_in, leave_for, marie, server, through, tied, visit, words_after

__all__ = ["marie", "server"]

UNPROVEN = "Nous n’avons pas pu vérifier"


@pytest.fixture
def known(app: Flask, marie: User, server: OpenidServer) -> User:
    """An account that this provider opens: whatever is taken for proof lets somebody in."""
    tied(app, marie, server)
    return marie


def hmac_signed(secret: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def forge(header: dict[str, Any], claims: dict[str, Any]) -> str:
        parts = f"{encoded(json.dumps(header | {'alg': 'HS256'}).encode())}.{encoded(json.dumps(claims).encode())}"
        return f"{parts}.{encoded(digest(secret, parts.encode(), sha256))}"

    return forge


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{encoded(json.dumps(header | {'alg': 'none'}).encode())}.{encoded(json.dumps(claims).encode())}."


def with_key_of_its_own(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The token brings the key that checks it."""
    return jwt.encode(header | {"jwk": key("intruder").as_dict(private=False)}, claims, key("intruder"))


def altered(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Signed for one person, then made another's."""
    head, _body, signature = jwt.encode(header, claims | {"sub": "somebody-else"}, key("first")).split(".")
    return f"{head}.{encoded(json.dumps(claims).encode())}.{signature}"


def test_the_right_token_opens(client: Client, server: OpenidServer, known: User) -> None:
    visit(client)

    assert is_in(client)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another visit"},
        {"nonce": None},
        {"aud": "another-site"},
        {"aud": ["another-site"]},
        {"aud": [CLIENT_ID, "another-site"]},
        {"aud": None},
        {"aud": {}},
        {"azp": "another-site"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": int(time()) - 3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"iat": int(time()) + 3600},
        {"iat": None},
        {"nbf": int(time()) + 3600},
        {"at_hash": "of another access token"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["marie-7"]},
        {"sub": "marie-7\x00"},
        {"sub": "m" * 256},
        {"sub": "marié-7"},
    ],
)
def test_a_token_for_another_visit_site_or_time_opens_nothing(client: Client, server: OpenidServer, known: User, claims: dict[str, object]) -> None:
    server.claims = claims

    assert UNPROVEN in words_after(client, visit(client))


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        lambda header, claims: unsigned(header | {"alg": "None"}, claims),
        hmac_signed(key("first").as_pem(private=False)),
        hmac_signed(key("first").as_der(private=False)),
        hmac_signed(CLIENT_SECRET.encode()),
        hmac_signed(b""),
        with_key_of_its_own,
        altered,
        lambda header, claims: jwt.encode(header, claims, key("intruder")),
        lambda header, claims: jwt.encode(header | {"kid": "../../dev/null"}, claims, key("first")),
        lambda header, claims: jwt.encode(header, claims, key("first"))[:-8],
        lambda header, claims: jwt.encode(header, claims, key("first")) + ".x",
        lambda header, claims: "",
        lambda header, claims: "a.b.c",
        lambda header, claims: "é",
        lambda header, claims: "x" * 200_000,
    ],
    ids=[
        "none",
        "None",
        "public PEM",
        "public DER",
        "client secret",
        "empty secret",
        "own key",
        "altered",
        "intruder",
        "kid",
        "cut",
        "longer",
        "empty",
        "abc",
        "é",
        "long",
    ],
)
def test_a_forged_token_opens_nothing(client: Client, server: OpenidServer, known: User, forge: Callable[[dict[str, Any], dict[str, Any]], str]) -> None:
    server.forge = forge

    assert UNPROVEN in words_after(client, visit(client))


def test_a_key_that_the_provider_took_away_opens_nothing_and_its_next_one_does(
    app: Flask, server: OpenidServer, known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(app.test_client())
    server.signs_with, server.published = "next", ["next"]
    soon = app.test_client()
    assert UNPROVEN in words_after(soon, visit(soon)), "its keys were read less than a minute ago"
    monkeypatch.setattr(openid_provider, "AGAIN", 0.0)
    client = app.test_client()
    visit(client)
    assert is_in(client)

    server.signs_with = "first"

    late = app.test_client()
    assert UNPROVEN in words_after(late, visit(late))


def test_a_return_is_good_once(client: Client, server: OpenidServer, known: User) -> None:
    back = through(leave_for(client))
    client.get(back)
    client.post("/deconnexion")

    assert "elle a déjà servi" in words_after(client, client.get(back))


def test_a_code_is_good_once_even_with_the_cookie_of_before(client: Client, server: OpenidServer, known: User) -> None:
    back = through(leave_for(client))
    with client.session_transaction() as session:
        kept = dict(session["openid_visit"])
    client.get(back)
    client.post("/deconnexion")
    with client.session_transaction() as session:
        session["openid_visit"] = kept

    assert UNPROVEN in words_after(client, client.get(back))


def test_a_return_that_was_sent_to_another_browser_opens_nothing_there(app: Flask, client: Client, server: OpenidServer, known: User) -> None:
    """Somebody sends a link that would sign the victim in under the sender's name."""
    back = through(leave_for(client))
    victim = app.test_client()
    assert "trop ancienne" in words_after(victim, victim.get(back))
    leave_for(victim)

    assert UNPROVEN in words_after(victim, victim.get(back))


@pytest.mark.parametrize("state", ["", "x", "é" * 43, "\x00"])
def test_another_state_is_refused_and_ends_the_visit(client: Client, server: OpenidServer, known: User, state: str) -> None:
    leave_for(client)
    asked = len(server.asked)

    assert UNPROVEN in words_after(client, client.get("/connexion/annuaire/retour", query_string={"code": "code-0", "state": state}))
    assert len(server.asked) == asked, "the provider is not asked"


def test_after_ten_minutes_it_begins_anew(client: Client, server: OpenidServer, known: User) -> None:
    back = through(leave_for(client))
    with client.session_transaction() as session:
        session["openid_visit"] = session["openid_visit"] | {"since": session["openid_visit"]["since"] - 601}

    assert "trop ancienne" in words_after(client, client.get(back))


@pytest.mark.parametrize(
    ("names_itself", "answer", "opens"),
    [
        (False, {"iss": "https://evil.example"}, False),
        (True, {"iss": "https://evil.example"}, False),
        (True, {}, False),
        (False, {}, True),
    ],
)
def test_a_return_from_another_provider_is_refused(
    client: Client, server: OpenidServer, known: User, names_itself: bool, answer: dict[str, str], opens: bool
) -> None:
    server.more, server.answer = {"authorization_response_iss_parameter_supported": names_itself}, answer

    visit(client)

    assert is_in(client) is opens


def test_a_provider_that_names_itself_is_believed(client: Client, server: OpenidServer, known: User) -> None:
    server.more, server.answer = {"authorization_response_iss_parameter_supported": True}, {"iss": server.url}

    visit(client)

    assert is_in(client)


@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"error": "x" * 5000}, {"error": "<script>alert(1)</script>", "error_description": "<b>"}])
def test_who_renounced_is_told_so_without_the_providers_words(client: Client, server: OpenidServer, known: User, answer: dict[str, str]) -> None:
    server.answer = answer

    page = words_after(client, visit(client))

    assert "Vous n’êtes pas entré·e par Annuaire" in page
    assert answer["error"] not in page


def test_without_a_code_nothing_is_asked(client: Client, server: OpenidServer, known: User) -> None:
    server.answer = {"code": ""}

    assert UNPROVEN in words_after(client, visit(client))
    assert "/token" not in server.asked


def test_a_code_of_another_visit_is_refused_by_its_proof(app: Flask, client: Client, server: OpenidServer, known: User) -> None:
    """A code that was stolen on the way is put into the thief's own visit."""
    stolen = through(leave_for(client)).partition("code=")[2].partition("&")[0]
    thief = app.test_client()
    server.answer = {"code": stolen}

    assert UNPROVEN in words_after(thief, visit(thief))
