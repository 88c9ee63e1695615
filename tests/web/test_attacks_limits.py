"""How many tries there are, and who is stopped by whose: lines 10 and 11 of the list of attacks, with the limits on."""

from collections.abc import Iterator

import pytest
from flask import Flask

from matchmaker.extensions import db
from matchmaker.models import TokenPurpose, User
from matchmaker.services import account_tokens
from tests.conftest import Client, new_database, redis_url
from tests.factories import PASSWORD, UserFactory
from tests.test_faults import running

WRONG = "une phrase au hasard"


@pytest.fixture(scope="module")
def own_database(worker_id: str) -> str:
    return new_database(f"croisee_limits_{worker_id}")


@pytest.fixture
def limited(app: Flask, own_database: str) -> Iterator[Flask]:
    with running(own_database, redis_url(), RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI="memory://") as site:
        yield site


@pytest.fixture
def victim(limited: Flask) -> User:
    person: User = UserFactory()
    person.email = f"victime-{person.id}@structure.test"
    db.session.commit()
    return person


def attempt(client: Client, email: str, password: str = WRONG, *, address: str = "203.0.113.5", **headers: str):  # type: ignore[no-untyped-def]
    return client.post("/connexion", data={"email": email, "password": password}, environ_base={"REMOTE_ADDR": address}, headers=headers)


def test_attack_10_wrong_passwords_for_one_account_from_one_address(limited: Flask, victim: User) -> None:
    client = limited.test_client()

    statuses = [attempt(client, victim.email).status_code for _try in range(7)]
    refused = attempt(client, victim.email)

    assert statuses == [422] * 5 + [429] * 2
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60 + 1
    assert "Trop d’essais en peu de temps" in refused.text
    assert "Attendez 15 minutes" in refused.text


def test_attack_10_wrong_passwords_for_one_account_from_everywhere(limited: Flask, victim: User) -> None:
    statuses = [attempt(limited.test_client(), victim.email.upper() if number % 2 else victim.email, address=f"198.51.100.{number}") for number in range(11)]

    assert [answer.status_code for answer in statuses] == [422] * 10 + [429]


def test_attack_10_many_accounts_from_one_address(limited: Flask) -> None:
    client = limited.test_client()

    statuses = [attempt(client, f"compte{number}@structure.test", address="203.0.113.77").status_code for number in range(51)]

    assert statuses == [422] * 50 + [429]


def test_attack_10_an_address_that_is_only_claimed_does_not_count(limited: Flask, victim: User) -> None:
    client = limited.test_client()

    statuses = [attempt(client, victim.email, **{"X-Forwarded-For": f"192.0.2.{number}", "X-Real-IP": f"192.0.2.{number}"}).status_code for number in range(6)]

    assert statuses[-1] == 429


def test_attack_10_behind_one_proxy_only_what_it_wrote_counts(app: Flask, own_database: str) -> None:
    with running(own_database, redis_url(), RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI="memory://", PROXIES=1) as site:
        client = site.test_client()
        claimed = [attempt(client, "a@structure.test", **{"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.9"}).status_code for number in range(6)]
        elsewhere = attempt(client, "a@structure.test", **{"X-Forwarded-For": "203.0.113.10"}).status_code

    assert claimed == [422] * 5 + [429], "the proxy wrote the last one; the first is the browser's word"
    assert elsewhere == 422


def test_attack_11_who_types_the_right_password_is_never_slowed_down(limited: Flask, victim: User) -> None:
    for _time in range(12):
        assert attempt(limited.test_client(), victim.email, PASSWORD).status_code == 302


def test_attack_11_a_known_browser_gets_in_while_somebody_else_fails(limited: Flask, victim: User) -> None:
    at_home = limited.test_client()
    attempt(at_home, victim.email, PASSWORD)
    at_home.post("/deconnexion")
    for number in range(12):
        attempt(limited.test_client(), victim.email, address=f"198.51.100.{number}")

    assert attempt(limited.test_client(), victim.email, PASSWORD, address="198.51.100.99").status_code == 429
    assert attempt(at_home, victim.email, PASSWORD).status_code == 302


def test_attack_11_a_known_browser_of_another_account_is_nobodys_key(limited: Flask, victim: User) -> None:
    attacker = limited.test_client()
    other = UserFactory(email=f"autre-{victim.id}@structure.test")
    db.session.commit()
    attempt(attacker, other.email, PASSWORD)
    attacker.post("/deconnexion")

    assert [attempt(attacker, victim.email).status_code for _try in range(6)] == [422] * 5 + [429]


def test_attack_11_a_browser_whose_owner_read_the_mail_gets_in(limited: Flask, victim: User) -> None:
    at_home = limited.test_client()
    for number in range(12):
        attempt(limited.test_client(), victim.email, address=f"198.51.100.{number}")
    issued = account_tokens.issue(victim, TokenPurpose.RESET)
    assert issued is not None
    db.session.commit()
    at_home.post(f"/mot-de-passe/{issued[0]}", data={"password": "une tout autre phrase", "again": "une tout autre phrase"})

    assert attempt(at_home, victim.email, "une tout autre phrase").status_code == 302


def test_over_the_limit_of_links_the_page_says_the_same(limited: Flask, victim: User) -> None:
    client = limited.test_client()

    answers = [client.post("/mot-de-passe-oublie", data={"email": f"a{number}@structure.test"}) for number in range(12)]

    assert {(answer.status_code, answer.location) for answer in answers} == {(302, "/mot-de-passe-oublie/envoye")}


def test_limits_hold_when_the_store_of_counts_is_down(app: Flask, own_database: str) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    with running(own_database, redis_url(), RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI=nowhere) as site:
        client = site.test_client()
        assert client.get("/annuaire").status_code == 200
        statuses = [attempt(client, "b@structure.test").status_code for _try in range(7)]

    assert statuses == [422] * 5 + [429] * 2


def test_pages_have_a_limit_for_each_address_and_a_wider_one_for_each_account(limited: Flask, victim: User) -> None:
    limited.config.update(LIMIT_ANONYMOUS="6 per minute", LIMIT_SIGNED_IN="9 per minute")
    client, other = limited.test_client(), limited.test_client()
    assert [client.get("/mentions-legales").status_code for _time in range(7)] == [200] * 6 + [429]
    assert other.get("/mentions-legales", environ_base={"REMOTE_ADDR": "203.0.113.20"}).status_code == 200
    client.sign_in(victim)

    assert [client.get("/mentions-legales").status_code for _time in range(10)] == [200] * 9 + [429]


@pytest.mark.parametrize("path", ["/reponses/{}", "/invitations/{}", "/invitations/{}/venue"])
def test_one_link_is_asked_thirty_times_in_a_minute_from_wherever(limited: Flask, path: str) -> None:
    asked = [limited.test_client().get(path.format("faux"), environ_base={"REMOTE_ADDR": f"198.51.100.{number}"}).status_code for number in range(31)]

    assert asked == [404] * 30 + [429]
    assert limited.test_client().get(path.format("autre")).status_code == 404


def test_files_that_hold_much_are_asked_five_times_in_ten_minutes(limited: Flask) -> None:
    animator = UserFactory(animator=True)
    db.session.commit()
    client = limited.test_client()
    client.sign_in(animator)
    run = "00000000-0000-4000-8000-000000000000"

    for path in (f"/calculs/{run}/probleme.json", f"/calculs/{run}/preuve.json", f"/mes-job-datings/{run}/bilan.csv"):
        assert [client.get(path).status_code for _time in range(6)] == [404] * 5 + [429], path


def test_runs_of_one_territory_have_a_limit_and_the_next_territory_its_own(limited: Flask) -> None:
    animator = UserFactory(animator=True)
    db.session.commit()
    client = limited.test_client()
    client.sign_in(animator)

    assert [client.post("/territoires/987654/calculs").status_code for _time in range(6)] == [404] * 5 + [429]
    assert client.post("/territoires/987655/calculs").status_code == 404
