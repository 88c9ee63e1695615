"""How many sign-ups, requests and invitations there are, with the limits on: line 29 of the list of attacks."""

from collections.abc import Iterator

import pytest
from flask import Flask

from matchmaker.extensions import db
from matchmaker.models import Organisation
from tests.conftest import Client, new_database, redis_url
from tests.factories import OrganisationFactory, UserFactory
from tests.test_faults import running
from tests.web.test_sign_up import PERSON, STRUCTURE


@pytest.fixture
def limited(app: Flask, worker_id: str) -> Iterator[Flask]:
    with running(new_database(f"croisee_ways_in_{worker_id}"), redis_url(), RATELIMIT_ENABLED=True, RATELIMIT_STORAGE_URI="memory://") as site:
        site.test_client_class = Client
        yield site


def sign_up(client: Client, number: int) -> int:
    client.post("/inscription", data={"action": "none"})
    client.post("/inscription/structure", data=STRUCTURE | {"organisation": f"Atelier {number}", "another": "y"})
    return client.post("/inscription/vous", data=PERSON | {"email": f"personne{number}@ateliers.test"}).status_code


def test_attack_29_one_address_inscribes_two_structures_an_hour_and_corrections_do_not_count(limited: Flask) -> None:
    client = limited.test_client()
    client.post("/inscription", data={"action": "none"})
    client.post("/inscription/structure", data=STRUCTURE)
    for _time in range(5):
        assert client.post("/inscription/vous", data={"name": "Lou"}).status_code == 422

    assert [sign_up(client, number) for number in range(3)] == [302, 302, 429]


def test_attack_29_one_person_invites_twenty_an_hour(limited: Flask) -> None:
    structure: Organisation = OrganisationFactory()
    chief = UserFactory(organisation=structure)
    db.session.commit()
    client = limited.test_client()
    client.sign_in(chief)

    answers = [client.post(f"/structures/{structure.id}/equipe/inviter", data={"email": f"p{one}@ailleurs.test", "standing": "reader"}) for one in range(21)]

    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_attack_29_one_structure_invites_fifty_a_day_whoever_of_its_people_asks(limited: Flask) -> None:
    structure: Organisation = OrganisationFactory()
    chiefs = [UserFactory(organisation=structure) for _time in range(3)]
    db.session.commit()
    answers = []
    for number, chief in enumerate(chiefs):
        client = limited.test_client()
        client.sign_in(chief)
        for one in range(20):
            typed = {"email": f"p{number}-{one}@ailleurs.test", "standing": "reader"}
            answers.append(client.post(f"/structures/{structure.id}/equipe/inviter", data=typed).status_code)

    assert answers == [302] * 50 + [429] * 10
