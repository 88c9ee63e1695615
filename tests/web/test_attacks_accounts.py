"""What is tried against accounts and sessions: one test a line of the list of attacks, named by its number."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from matchmaker.extensions import db
from matchmaker.models import Role, User, UserSession
from matchmaker.models.base import now
from matchmaker.services import accounts, sessions
from tests.conftest import Client
from tests.factories import PASSWORD, OrganisationFactory, UserFactory


def sign_in(client: Client, email: str, password: str = PASSWORD, **query: str):  # type: ignore[no-untyped-def]
    return client.post("/connexion", data={"email": email, "password": password}, query_string=query)


def cookie(client: Client) -> str:
    found = client.get_cookie("croisee")
    assert found is not None
    return found.value


def is_in(client: Client) -> bool:
    return client.get("/compte").status_code == 200


def aged(user: User, **ages: timedelta) -> None:
    """Move the times of this account's sessions back."""
    values = {column: getattr(UserSession, column) - age for column, age in ages.items()}
    db.session.execute(update(UserSession).where(UserSession.user_id == user.id).values(**values), execution_options={"synchronize_session": False})
    db.session.commit()


@pytest.fixture
def user(app: Flask) -> User:
    person: User = UserFactory(email="camille@structure.test")
    db.session.commit()
    return person


@pytest.fixture
def animator(app: Flask) -> User:
    person: User = UserFactory(animator=True)
    db.session.commit()
    return person


# 8. The session


def test_attack_8_a_session_planted_before_signing_in_opens_nothing_after(app: Flask, client: Client, user: User) -> None:
    attacker = app.test_client()
    attacker.sign_in(UserFactory())
    planted = cookie(attacker)
    client.set_cookie("croisee", planted)

    sign_in(client, user.email)

    assert cookie(client) != planted
    assert not is_in(attacker), "the session that was planted is over, and was never the victim's"
    assert "camille@structure.test" in client.get("/compte").text


def test_attack_8_a_copied_cookie_is_dead_once_its_owner_left(app: Flask, client: Client, user: User) -> None:
    sign_in(client, user.email)
    thief = app.test_client()
    thief.set_cookie("croisee", cookie(client))
    assert is_in(thief)

    client.post("/deconnexion")

    assert not is_in(thief)


def test_attack_8_a_copied_cookie_is_dead_after_another_password(app: Flask, client: Client, user: User) -> None:
    sign_in(client, user.email)
    thief, other = app.test_client(), app.test_client()
    thief.set_cookie("croisee", cookie(client))
    sign_in(other, user.email)

    client.post("/compte", data={"current": PASSWORD, "password": "une tout autre phrase", "again": "une tout autre phrase"})

    assert is_in(client)
    assert not is_in(thief)
    assert not is_in(other)


@pytest.mark.parametrize("act", ["role", "close", "password"])
def test_attack_8_an_old_cookie_is_dead_after_a_change_of_rights(app: Flask, client: Client, user: User, act: str) -> None:
    sign_in(client, user.email)
    admin = app.test_client()
    admin.sign_in(UserFactory(admin=True))
    acts = {
        "role": lambda: admin.post(f"/comptes/{user.id}", data={"role": "host", "structure": OrganisationFactory(siret="73282932000074").siret}),
        "close": lambda: admin.post(f"/comptes/{user.id}/fermer"),
        "password": lambda: admin.post(f"/comptes/{user.id}/mot-de-passe"),
    }

    assert acts[act]().status_code in {200, 302}

    assert not is_in(client)
    assert db.session.scalars(select(UserSession).where(UserSession.user_id == user.id)).all() == []


@pytest.mark.parametrize(
    ("role", "ages", "opens"),
    [
        (Role.ANIMATOR, {"seen_at": timedelta(minutes=29), "created_at": timedelta(hours=1)}, True),
        (Role.ANIMATOR, {"seen_at": timedelta(minutes=31), "created_at": timedelta(hours=1)}, False),
        (Role.ANIMATOR, {"created_at": timedelta(hours=12, minutes=1)}, False),
        (Role.MEMBER, {"seen_at": timedelta(hours=7, minutes=59), "created_at": timedelta(hours=9)}, True),
        (Role.MEMBER, {"seen_at": timedelta(hours=8, minutes=1), "created_at": timedelta(hours=9)}, False),
        (Role.MEMBER, {"created_at": timedelta(days=7, minutes=1)}, False),
    ],
)
def test_attack_8_a_session_ends_by_itself(client: Client, user: User, animator: User, role: Role, ages: dict[str, timedelta], opens: bool) -> None:
    person = animator if role is Role.ANIMATOR else user
    sign_in(client, person.email)

    aged(person, **ages)

    assert is_in(client) is opens


def test_a_session_in_use_says_so_once_a_minute(client: Client, user: User, queries: list[str]) -> None:
    sign_in(client, user.email)
    queries.clear()
    client.get("/compte")
    assert not [sent for sent in queries if sent.startswith("UPDATE")]
    aged(user, seen_at=timedelta(minutes=2), created_at=timedelta(minutes=3))
    queries.clear()

    client.get("/compte")
    client.get("/compte")

    assert len([sent for sent in queries if sent.startswith("UPDATE user_session")]) == 1


def test_the_key_of_a_session_is_kept_as_its_hash_only(client: Client, user: User) -> None:
    sign_in(client, user.email)
    with client.session_transaction() as session:
        key = session["key"]
    row = db.session.scalars(select(UserSession)).one()

    assert len(key) >= 22, "128 bits"
    assert key not in {row.key_hash, row.device, str(row.id)}
    assert row.key_hash == sessions.digest(key)


# One's devices


def test_one_sees_ones_devices_and_closes_the_others(app: Flask, client: Client, user: User) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
    other = app.test_client()
    other.post("/connexion", data={"email": user.email, "password": PASSWORD}, headers={"User-Agent": agent})
    sign_in(client, user.email)

    page = client.get("/compte/appareils").text
    assert "Firefox sur Windows" in page
    assert page.count("cet appareil") == 1

    assert client.post("/compte/appareils/fermer").location == "/compte/appareils"
    assert (is_in(client), is_in(other)) == (True, False)
    assert "Fermer tous" not in client.get("/compte/appareils").text


def test_one_device_is_closed_alone_and_nobody_closes_another_persons(app: Flask, client: Client, user: User) -> None:
    sign_in(client, user.email)
    own = db.session.scalars(select(UserSession.id).where(UserSession.user_id == user.id)).one()
    stranger = app.test_client()
    stranger.sign_in(UserFactory())

    assert stranger.post(f"/compte/appareils/{own}/fermer").status_code == 404
    assert is_in(client)
    assert client.post(f"/compte/appareils/{own}/fermer").location == "/"
    assert not is_in(client)


# The password again


def test_what_is_sensitive_asks_for_the_password_again_after_five_minutes(client: Client, user: User) -> None:
    admin = UserFactory(admin=True)
    client.sign_in(admin)
    aged(admin, confirmed_at=timedelta(minutes=6))

    asked = client.post(f"/comptes/{user.id}/fermer")

    assert asked.location == f"/compte/confirmer?next=/comptes/{user.id}"
    db.session.expire_all()
    assert user.is_active
    assert client.post(asked.location, data={"password": "une autre phrase"}).status_code == 422
    assert client.post(asked.location, data={"password": PASSWORD}).location == f"/comptes/{user.id}"
    client.post(f"/comptes/{user.id}/fermer")
    db.session.expire_all()
    assert not user.is_active


# 9. The cookie


def test_attack_9_a_cookie_signed_with_another_key_is_nobodys(app: Flask, client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SECRET_KEY", "a key that somebody guessed, of thirty-two letters")
    sign_in(client, user.email)
    monkeypatch.undo()

    assert client.get("/compte").status_code == 302


def test_attack_9_a_key_that_was_replaced_is_good_while_it_is_a_fallback_and_dead_after(
    app: Flask, client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = app.config["SECRET_KEY"]
    sign_in(client, user.email)
    kept = cookie(client)
    monkeypatch.setitem(app.config, "SECRET_KEY", "the next key of the site, of thirty-two letters")
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [old])
    assert is_in(client)

    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [])
    client.set_cookie("croisee", kept)

    assert client.get("/compte").status_code == 302


def test_attack_9_a_cookie_that_we_signed_without_a_session_of_ours_is_nobodys(client: Client, user: User) -> None:
    for key in (None, "", "x", 1, ["a"], accounts.new_passphrase()):
        with client.session_transaction() as session:
            session["_user_id"], session["key"] = str(user.id), key
        assert client.get("/compte").status_code == 302
    other = UserFactory()
    client.sign_in(other)
    with client.session_transaction() as session:
        session["_user_id"] = str(user.id)

    assert client.get("/compte").status_code == 302, "a session is of one account only"


def test_sessions_that_are_over_are_swept_when_their_owner_comes_back(client: Client, user: User) -> None:
    sessions.begin(user)
    aged(user, created_at=timedelta(days=8), seen_at=timedelta(days=8))

    sign_in(client, user.email)

    assert [row.created_at > now() - timedelta(minutes=1) for row in db.session.scalars(select(UserSession))] == [True]
