"""A forgotten password and an address to verify: what the links open, how long, and what nobody learns. Numbers are those of the list of attacks."""

import re
import statistics
import time
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from matchmaker.extensions import db
from matchmaker.models import AccountToken, OutboxMail, TokenPurpose, User, UserSession
from matchmaker.services import account_tokens, accounts, sessions
from tests.conftest import Client
from tests.factories import PASSWORD, UserFactory
from tests.pages import heading, words

NEW = "une tout autre phrase"


@pytest.fixture
def user(app: Flask) -> User:
    person: User = UserFactory(email="camille@structure.test")
    db.session.commit()
    return person


def mails(kind: str) -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == kind).order_by(OutboxMail.id)))


def link_of(mail: OutboxMail) -> str:
    """The path that the mail leads to: only its recipient reads it."""
    text = mail.message.decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(r"http://croisee\.test(/(?:mot-de-passe|compte/adresse)/[\w-]+)", text)
    assert found is not None
    return found[1]


def ask(client: Client, email: str = "camille@structure.test") -> str:
    """Ask for a link, and return the newest."""
    assert client.post("/mot-de-passe-oublie", data={"email": email}).location == "/mot-de-passe-oublie/envoye"
    return link_of(mails("password_reset")[-1])


def choose(client: Client, link: str, password: str = NEW):  # type: ignore[no-untyped-def]
    return client.post(link, data={"password": password, "again": password})


def older(age: timedelta) -> None:
    values = {column: getattr(AccountToken, column) - age for column in ("created_at", "expires_at")}
    db.session.execute(update(AccountToken).values(**values), execution_options={"synchronize_session": False})
    db.session.commit()


def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail(client: Client, user: User) -> None:
    key = sessions.begin(user)
    link = ask(client)

    shown = client.get(link)
    changed = choose(client, link)

    assert heading(shown.text) == "Choisissez un nouveau mot de passe"
    assert (shown.headers["Referrer-Policy"], shown.headers["Cache-Control"], shown.headers["X-Robots-Tag"]) == ("no-referrer", "no-store", "noindex")
    assert changed.location == "/connexion"
    db.session.expire_all()
    assert accounts.opens(user.password_hash, NEW)
    assert sessions.opened(key) is None
    assert user.email_verified_at is not None
    assert [mail.recipient for mail in mails("password_changed")] == [user.email]


def test_opening_the_link_changes_nothing(client: Client, user: User) -> None:
    link = ask(client)

    for method in ("GET", "HEAD", "GET"):
        assert client.open(link, method=method).status_code == 200

    assert choose(client, link).status_code == 302


@pytest.mark.parametrize("email", ["camille@structure.test", "CAMILLE@structure.test ", "inconnue@structure.test", "fermee@structure.test"])
def test_attack_12_nothing_tells_whether_an_address_has_an_account(client: Client, user: User, email: str) -> None:
    UserFactory(email="fermee@structure.test", is_active=False)
    answers = [client.post("/mot-de-passe-oublie", data={"email": address}) for address in ("personne@ailleurs.test", email)]

    assert len({(answer.status_code, answer.location, answer.text) for answer in answers}) == 1
    assert len(mails("password_reset")) == ("camille" in email.lower())


def test_attack_12_both_take_the_same_time(client: Client, user: User) -> None:
    def seconds(path: str, **data: str) -> float:
        begun = time.perf_counter()
        client.post(path, data=data)
        return time.perf_counter() - begun

    for path, more in (("/mot-de-passe-oublie", {}), ("/connexion", {"password": "une autre phrase"})):
        seconds(path, email="chauffe@structure.test", **more)
        known, unknown = [], []
        for number in range(7):
            known.append(seconds(path, email=UserFactory().email, **more))
            unknown.append(seconds(path, email=f"inconnue{number}@structure.test", **more))
        ends = statistics.median(known), statistics.median(unknown)
        assert max(ends) - min(ends) <= max(0.05, 0.25 * min(ends)), (path, ends)


def test_attack_13_the_link_leads_to_our_own_site_whatever_the_request_claims(client: Client, user: User) -> None:
    for headers in ({"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-For": "1.2.3.4", "Forwarded": "host=evil.example"}):
        client.post("/mot-de-passe-oublie", data={"email": user.email}, headers=headers)

    sent = mails("password_reset")
    assert len(sent) == 2
    assert all(link_of(mail) and b"evil.example" not in mail.message for mail in sent)


def test_attack_13_under_another_name_nothing_is_sent(client: Client, user: User) -> None:
    response = client.post("/mot-de-passe-oublie", data={"email": user.email}, headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert mails("password_reset") == []


def test_attack_13_of_two_links_only_the_newest_opens(client: Client, user: User) -> None:
    first, second = ask(client), ask(client)

    assert (client.get(first).status_code, choose(client, first).status_code) == (410, 410)
    assert choose(client, second).status_code == 302


def test_attack_13_a_link_serves_once(client: Client, user: User) -> None:
    link = ask(client)
    choose(client, link)

    assert client.get(link).status_code == 410
    assert choose(client, link, "encore une autre phrase").status_code == 410
    assert "Demandez-en un autre" in client.get(link).text


def test_attack_13_another_password_ends_the_link(client: Client, user: User) -> None:
    link = ask(client)
    client.sign_in(user)
    client.post("/compte", data={"current": PASSWORD, "password": NEW, "again": NEW})

    assert choose(client, link, "encore une autre phrase").status_code == 410


def test_attack_13_a_link_lasts_an_hour(client: Client, user: User) -> None:
    link = ask(client)
    older(timedelta(minutes=59))
    assert client.get(link).status_code == 200

    older(timedelta(minutes=2))

    assert (client.get(link).status_code, choose(client, link).status_code) == (410, 410)


def test_a_link_ends_with_the_address_and_the_account_that_it_was_for(client: Client, user: User) -> None:
    link = ask(client)
    user.email = "autre@structure.test"
    db.session.commit()
    assert client.get(link).status_code == 410
    user.email, user.is_active = "camille@structure.test", False
    db.session.commit()

    assert choose(client, link).status_code == 410


def test_no_altered_link_opens_anything(client: Client, user: User) -> None:
    link = ask(client)
    start = len("/mot-de-passe/")
    for place in range(start, len(link)):
        altered = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        assert (client.get(altered).status_code, choose(client, altered).status_code) == (404, 404)
    for strange in ("x", "é", "%00", "a" * 2000, link[start:].upper()):
        assert client.get(f"/mot-de-passe/{strange}").status_code == 404

    assert client.get(link).status_code == 200


def test_a_link_of_one_purpose_opens_nothing_of_the_other(client: Client, user: User) -> None:
    token = ask(client).rpartition("/")[2]

    assert client.get(f"/compte/adresse/{token}").status_code == 404


def test_the_token_is_256_bits_and_kept_as_its_hash(client: Client, user: User) -> None:
    token = ask(client).rpartition("/")[2]
    row = db.session.scalars(select(AccountToken)).one()

    assert len(token) == 43
    assert token not in {row.token_hash, row.sent_to_hash}
    assert row.token_hash == account_tokens.digest(token)


def test_three_links_leave_in_an_hour_and_ten_in_a_day_and_the_page_says_the_same(client: Client, user: User) -> None:
    for _time in range(5):
        ask(client)
    assert len(mails("password_reset")) == 3
    for hours in range(1, 6):
        older(timedelta(hours=hours, minutes=1))
        for _time in range(3):
            ask(client)

    assert len(mails("password_reset")) == 10


@pytest.mark.parametrize(
    ("typed", "message"),
    [({"password": "court", "again": "court"}, "Douze caractères au moins."), ({"password": NEW, "again": "autre"}, "Les deux ne sont pas pareils.")],
)
def test_a_password_that_cannot_be_is_explained_and_the_link_stays_good(client: Client, user: User, typed: dict[str, str], message: str) -> None:
    link = ask(client)

    refused = client.post(link, data=typed)

    assert (refused.status_code, message in refused.text) == (422, True)
    assert choose(client, link).status_code == 302


def test_the_page_refuses_a_form_that_is_not_its_own(app: Flask, client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ask(client)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    assert choose(client, link).status_code == 400
    monkeypatch.undo()
    assert choose(client, link).status_code == 302


def test_the_list_of_mails_does_not_show_the_link(client: Client, user: User) -> None:
    link = ask(client)
    client.sign_in(UserFactory(admin=True))

    page = client.get(f"/courriels/{mails('password_reset')[0].id}")

    assert page.status_code == 200
    assert link not in page.text
    assert "Lien pour un nouveau mot de passe" in client.get("/courriels").text


# The address


def test_an_address_is_verified_by_a_button_behind_the_link(client: Client, user: User) -> None:
    client.sign_in(user)
    assert "Pas encore vérifiée" in client.get("/compte").text
    assert client.post("/compte/adresse").location == "/compte"
    link = link_of(mails("verify_email")[-1])
    anonymous = client.application.test_client()

    assert heading(anonymous.get(link).text) == "Est-ce bien votre adresse ?"
    db.session.expire_all()
    assert user.email_verified_at is None, "a program that reads mails opens links"
    assert anonymous.post(link).location == "/connexion"

    db.session.expire_all()
    assert user.email_verified_at is not None
    assert anonymous.post(link).status_code == 410
    assert "Pas encore vérifiée" not in words(client.get("/compte").text)


def test_the_link_of_an_address_lasts_two_days(client: Client, user: User) -> None:
    client.sign_in(user)
    client.post("/compte/adresse")
    link = link_of(mails("verify_email")[-1])
    older(timedelta(hours=47))
    assert client.get(link).status_code == 200

    older(timedelta(hours=2))

    assert client.post(link).status_code == 410
    assert db.session.scalar(select(UserSession.user_id)) == user.id
    assert db.session.scalars(select(AccountToken.purpose)).all() == [TokenPurpose.VERIFY]
