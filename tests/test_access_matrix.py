"""Every route for every kind of person, on objects that are theirs: what it answers stands in access_matrix.txt, line by line.

A route without a line fails. To write lines for new routes, run this test: it says what they should be; read them before you copy them.
Objects of others and objects that are nowhere have one rule for all routes, in test_access.py.
"""

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection

from matchmaker.extensions import db
from matchmaker.models import Organisation
from tests.conftest import Client
from tests.factories import OrganisationFactory, UserFactory
from tests.rights import OPEN, PEOPLE, address, may, routes
from tests.world import ids_for, own_ids, person_of

MATRIX = Path(__file__).with_name("access_matrix.txt")


def declared() -> dict[str, tuple[str, dict[str, str]]]:
    """« endpoint METHOD » → its mark, and the answer to each kind of person."""
    lines = [line.split() for line in MATRIX.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {f"{endpoint} {method}": (mark, dict(zip(PEOPLE, answers, strict=True))) for endpoint, method, mark, *answers in lines}


def test_the_matrix_names_each_route_once_with_its_mark(app: Flask) -> None:
    marks = {f"{endpoint} {method}": app.view_functions[endpoint].access for endpoint, method, _rule in routes(app)}
    closed = {name: mark for name, mark in marks.items() if mark not in OPEN}

    assert {name: mark for name, (mark, _answers) in declared().items()} == closed


@pytest.fixture
def ours(app: Flask) -> Organisation:
    structure: Organisation = OrganisationFactory(name="Picorée", siret="73282932000074")
    return structure


@pytest.mark.parametrize("kind", PEOPLE)
def test_each_route_answers_as_the_matrix_says(app: Flask, client: Client, ours: Organisation, kind: str) -> None:
    user = person_of(kind, ours)
    ids = own_ids(ours, user)
    db.session.commit()
    connection: Connection = db._app_engines[app][None]  # type: ignore[assignment]
    expected, wrong = declared(), []

    for endpoint, method, rule in routes(app):
        name, mark = f"{endpoint} {method}", app.view_functions[endpoint].access
        if mark in OPEN:
            continue
        # What one request writes is undone before the next: each finds the same world.
        undo = connection.begin_nested()
        client.sign_in(user)
        status = str(client.open(address(rule, ids_for(endpoint, ids)), method=method).status_code)
        db.session.remove()
        undo.rollback()
        if not may(kind, mark, method):
            assert status == "403", (name, status)
        if name not in expected or expected[name][1][kind] != status:
            wrong.append(f"{name} {mark}: {status}")

    assert wrong == [], wrong


def test_each_object_of_an_address_is_made_for_the_matrix(app: Flask, ours: Organisation) -> None:
    ids = own_ids(ours, UserFactory(organisation=ours))
    missing = {
        (endpoint, name) for endpoint, _method, rule in routes(app) for name in re.findall(r"<(?:uuid|int):(\w+)>", rule) if name not in ids_for(endpoint, ids)
    }

    assert missing == set()
