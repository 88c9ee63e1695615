"""The desk on a phone: its link, its gestures, and what it is told back."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import CheckInLink, JobDating, Participant, PresenceAct
from matchmaker.models.base import now
from matchmaker.services import check_in_links, participant_links, presence
from tests.conftest import Client
from tests.factories import OrganisationFactory, UserFactory
from tests.pages import words
from tests.web.test_day import morning


@pytest.fixture
def dating(app: Flask) -> JobDating:
    return morning()[0]


@pytest.fixture
def path(app: Flask, dating: JobDating) -> str:
    link = check_in_links.make(dating, name="Salma", by=UserFactory(host=True))
    db.session.commit()
    return f"/jour/accueil/{check_in_links.token_of(link, app.config['SECRET_KEY'])}"


def gesture(one: Participant, state: str, *, minutes_ago: int = 0, **more: object) -> dict[str, object]:
    at = int((now() - timedelta(minutes=minutes_ago)).timestamp() * 1000)
    return {"id": str(uuid4()), "participant": str(one.id), "state": state, "at": at, **more}


def send(client: Client, path: str, *acts: dict[str, object]):  # type: ignore[no-untyped-def]
    return client.post(path, data={"acts": json.dumps(acts)}, headers={"Accept": "application/json"})


def states(dating: JobDating) -> dict[UUID, str]:
    db.session.expire_all()
    return {line.participant.id: line.state.value for line in presence.roster(dating)}


def test_the_list_says_how_many_came_and_where_they_sit_first(client: Client, path: str, dating: JobDating) -> None:
    said = words(client.get(path).text)

    assert "0 arrivée sur 4" in said
    assert "On les attend ( 4 )" in said
    assert "premier entretien à" in said
    assert all(participant_links.code_of(one) in client.get(path).text for one in dating.participants)


def test_what_waited_for_the_network_is_written_once_in_its_order(client: Client, path: str, dating: JobDating) -> None:
    one, other, *_rest = dating.participants
    acts = [gesture(one, "present", minutes_ago=4), gesture(other, "no_show", minutes_ago=3), gesture(one, "left", minutes_ago=1)]

    first = send(client, path, *acts)
    again = send(client, path, *acts)

    assert first.json["done"] == again.json["done"] == [act["id"] for act in acts]
    assert db.session.scalar(select(func.count()).select_from(PresenceAct)) == 3
    assert (states(dating)[one.id], states(dating)[other.id]) == ("left", "no_show")
    assert first.json["people"][str(one.id)]["state"] == "left"
    assert db.session.scalars(select(PresenceAct.by)).first() == "Salma"


def test_of_two_phones_the_last_gesture_counts_even_when_it_came_first(client: Client, path: str, dating: JobDating) -> None:
    one = dating.participants[0]

    send(client, path, gesture(one, "present", minutes_ago=1))
    told = send(client, path, gesture(one, "late", minutes_ago=30))

    assert told.json["people"][str(one.id)]["state"] == "present"
    assert len(presence.history(dating)) == 2


def test_a_button_works_without_script(client: Client, path: str, dating: JobDating) -> None:
    one = dating.participants[0]

    response = client.post(path, data={"participant": one.id, "state": "present", "delegates": "2"})

    assert (response.status_code, response.location) == (302, path)
    assert "2 personnes dans la salle" in words(client.get(path).text)


def test_who_comes_unexpected_is_on_the_list_of_every_phone(client: Client, path: str, dating: JobDating) -> None:
    OrganisationFactory(name="Coop Orvelin")
    act = {"id": str(uuid4()), "at": int(now().timestamp() * 1000), "name": "Coop Orvelin", "kind": "", "title": ""}

    told = send(client, path, act, act)

    assert act["id"] in told.json["people"]
    assert "Coop Orvelin" in words(client.get(path).text)
    assert len(dating.participants) == 5


def test_one_gesture_that_cannot_be_does_not_keep_the_others(client: Client, path: str, dating: JobDating) -> None:
    dating.venue.authorised_headcount = dating.venue.staff_count + 4
    db.session.commit()
    one = dating.participants[0]
    arrival = {"id": str(uuid4()), "at": int(now().timestamp() * 1000), "name": "Les Ateliers du Pont"}

    told = send(client, path, arrival, gesture(one, "present"))

    assert len(told.json["done"]) == 2
    assert "autorisées" in told.json["problems"][0]
    assert states(dating)[one.id] == "present"


@pytest.mark.parametrize(
    "acts",
    [
        "x",
        "{}",
        "[1]",
        "[[]]",
        '[{"id": "x"}]',
        "[" * 5000,
        '[{"id": "ID", "at": 1e400}]',
        '[{"id": "ID", "at": 1, "state": "king", "participant": "ID"}]',
    ],
)
def test_what_no_phone_would_send_is_refused_and_writes_nothing(client: Client, path: str, acts: str) -> None:
    response = client.post(path, data={"acts": acts.replace("ID", str(uuid4()))}, headers={"Accept": "application/json"})

    assert response.status_code == 422
    assert db.session.scalar(select(func.count()).select_from(PresenceAct)) == 0


def test_a_link_that_the_host_ended_opens_nothing(client: Client, path: str, dating: JobDating) -> None:
    check_in_links.end(db.session.scalars(select(CheckInLink)).one())
    db.session.commit()

    assert client.get(path).status_code == 410
    assert send(client, path, gesture(dating.participants[0], "present")).status_code == 410
    assert set(states(dating).values()) == {"expected"}


def test_long_after_the_day_the_link_says_so(client: Client, path: str, dating: JobDating) -> None:
    dating.starts_at, dating.ends_at = now() - timedelta(days=3), now() - timedelta(days=3, hours=-3)
    db.session.commit()

    assert client.get(path).status_code == 410


def test_only_this_page_may_ask_for_the_camera(client: Client, path: str) -> None:
    assert "camera=(self)" in client.get(path).headers["Permissions-Policy"]
    assert "camera=()" in client.get("/").headers["Permissions-Policy"]


def test_the_number_of_queries_does_not_grow_with_the_structures(client: Client, path: str, dating: JobDating, queries: list[str]) -> None:
    client.get(path)
    queries.clear()
    client.get(path)
    few = len(queries)
    for _one in range(6):
        dating.participants.append(Participant(organisation=OrganisationFactory()))
    db.session.commit()
    queries.clear()
    client.get(path)

    assert len(queries) == few <= 14
