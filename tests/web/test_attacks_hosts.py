"""Names that are not ours, sizes, cookies, and settings with which the site does not start: line 15 of the list of attacks, and its settings."""

import pytest
from flask import Flask

from config import Config, TestConfig
from matchmaker.app import create_app
from tests.conftest import Client, new_database, redis_url
from tests.factories import PASSWORD, UserFactory
from tests.test_faults import running

KEY = "q8J2vN5xT0bR7mW4zY1cL6kH9dF3sG_a"


@pytest.mark.parametrize("host", ["evil.example", "croisee.test.evil.example", "evil.example:80", "croisee.test@evil.example", "[::1", ""])
def test_attack_15_another_name_is_refused(client: Client, host: str) -> None:
    for path in ("/", "/connexion", "/compte", "/nulle-part", "/static/favicon.svg"):
        response = client.get(path, headers={"Host": host})

        assert response.status_code == 400
        assert "evil" not in response.text
        assert "Location" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("host", ["croisee.test", "croisee.test:8000", "localhost", "127.0.0.1:8000"])
def test_our_own_names_are_answered(client: Client, host: str) -> None:
    assert client.get("/connexion", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "weak"),
        ({"SECRET_KEY": "a" * 64}, "weak"),
        ({"SECRET_KEY_FALLBACKS": ["old"]}, "weak"),
        ({"DEBUG": True}, "DEBUG"),
        ({"DEMO": True}, "DEMO"),
        ({"SESSION_COOKIE_SECURE": False}, "https"),
    ],
)
def test_with_people_behind_it_the_site_does_not_start_open(setting: dict[str, object], words: str) -> None:
    safe: dict[str, object] = {"PRODUCTION": True, "SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": [], "DEMO": False, "SESSION_COOKIE_SECURE": True}
    with pytest.raises(RuntimeError, match=words):
        create_app(Config, **(safe | setting))


def test_over_https_the_cookies_belong_to_this_host_alone(app: Flask, worker_id: str) -> None:
    over_https = {"PREFERRED_URL_SCHEME": "https", "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_NAME": "__Host-session"}
    with running(new_database(f"croisee_https_{worker_id}"), redis_url(), **over_https) as site:
        person = UserFactory()
        site.extensions["sqlalchemy"].session.commit()
        answer = site.test_client().post("/connexion", data={"email": person.email, "password": PASSWORD}, base_url="https://localhost")

    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-session", "__Host-device"}
    assert all("Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie for cookie in cookies)


def test_sizes_have_an_end(client: Client) -> None:
    assert client.post("/connexion", data=b"x" * 3_000_000, content_type="application/x-www-form-urlencoded").status_code == 413
    assert (
        client.post(
            "/connexion", data={f"champ{number}": "x" for number in range(TestConfig.MAX_FORM_PARTS + 1)}, content_type="multipart/form-data"
        ).status_code
        == 413
    )
