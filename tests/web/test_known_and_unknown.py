"""Wherever an address is typed or a link is opened: whether it has an account is told by no status, no page, no mail and no clock.

The three that have pages of their own are beside them: test_password_resets.py, test_sign_up.py, test_openid.py. Here are the other ones, and
what all of them share.
"""

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from matchmaker.extensions import db
from matchmaker.models import JoinRequest, MemberInvitation, OutboxMail, User
from matchmaker.services.personal_data_scrubbing import texts_of
from tests.conftest import Client
from tests.factories import OrganisationFactory, UserFactory, departement

# As long as each other, for mails are folded.
KNOWN, CLOSED, UNKNOWN = "alix@structure.test", "remi@structure.test", "noor@structure.test"


@dataclass(frozen=True)
class Door:
    """A place where somebody types an address: ``send`` does, as who would."""

    name: str
    send: Callable[[Client, str], TestResponse]


def sign_in(client: Client, email: str) -> TestResponse:
    return client.post("/connexion", data={"email": email, "password": "une phrase au hasard"})


def reset(client: Client, email: str) -> TestResponse:
    return client.post("/mot-de-passe-oublie", data={"email": email})


def invite(client: Client, email: str) -> TestResponse:
    chief = db.session.scalars(select(User).where(User.email == "camille@picoree.test")).one()
    client.sign_in(chief)
    return client.post(f"/structures/{chief.organisation_id}/equipe/inviter", data={"email": email, "standing": "editor", "name": "Lou"})


def join(client: Client, email: str) -> TestResponse:
    chief = db.session.scalars(select(User).where(User.email == "camille@picoree.test")).one()
    return client.post(f"/inscription/rejoindre/{chief.organisation_id}", data={"name": "Lou", "email": email})


def claim(client: Client, email: str) -> TestResponse:
    """A structure that came from a list, and that nobody speaks for."""
    organisation = OrganisationFactory(source="liste", name="La Remise")
    db.session.commit()
    return client.post(f"/inscription/rejoindre/{organisation.id}", data={"name": "Lou", "email": email})


DOORS = [Door(one.__name__, one) for one in (sign_in, reset, invite, join, claim)]
MAILED = {"sign_in": 0, "reset": None, "invite": 1, "join": 1, "claim": 1}


@pytest.fixture(autouse=True)
def _people(app: Flask) -> None:
    UserFactory(email="camille@picoree.test", organisation=OrganisationFactory(name="Picorée"))
    UserFactory(email=KNOWN)
    UserFactory(email=CLOSED, is_active=False)
    departement("61").contact_email = "animation@croisee.test"
    db.session.commit()


def seen(response: TestResponse, email: str) -> tuple[object, ...]:
    """What the browser shows, with the address and the keys of this very request left out."""
    text = re.sub(r'name="csrf_token"[^>]*', "", response.text).replace(email, "ADDRESS")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}", "ID", text)
    headers = {name: value for name, value in response.headers if name not in {"Set-Cookie", "X-Request-Id", "Date", "Content-Length"}}
    location = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", headers.pop("Location", ""))
    return response.status_code, location, sorted(headers.items()), text, sorted(one.partition("=")[0] for one in response.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_attack_12_the_page_is_the_same_to_the_letter(app: Flask, door: Door) -> None:
    answers = {}
    for email in (UNKNOWN, KNOWN, CLOSED, KNOWN.upper()):
        before = db.session.scalar(select(func.count()).select_from(OutboxMail)) or 0
        answers[email] = seen(door.send(app.test_client(), email), email)
        left = (db.session.scalar(select(func.count()).select_from(OutboxMail)) or 0) - before
        # The mail of a forgotten password leaves to who has an account, and only its reader learns of it.
        assert MAILED[door.name] in (None, left) or email == KNOWN.upper(), email

    assert answers[KNOWN] == answers[UNKNOWN] == answers[CLOSED]
    assert answers[KNOWN.upper()][:3] == answers[UNKNOWN][:3]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_attack_12_the_clock_says_the_same(app: Flask, door: Door) -> None:
    def seconds(email: str) -> float:
        client = app.test_client()
        begun = time.perf_counter()
        door.send(client, email)
        return time.perf_counter() - begun

    seconds("chauffe@structure.test")
    known, unknown = [], []
    for number in range(7):
        address = UserFactory().email
        db.session.commit()
        known.append(seconds(address))
        unknown.append(seconds(f"inconnue{number}@structure.test"))

    ends = statistics.median(known), statistics.median(unknown)
    assert max(ends) - min(ends) <= max(0.05, 0.25 * min(ends)), ends


def test_attack_12_the_mails_say_the_same(app: Flask, client: Client) -> None:
    texts = {}
    for email in (KNOWN, UNKNOWN):
        for send in (invite, join, claim):
            send(client, email)
            mail = db.session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc()).limit(1)).one()
            parts = "\n".join(texts_of(mail.message)).replace(email, "ADDRESS")
            body = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|=_[0-9a-f]{32}|\d\d:\d\d:\d\d", "", parts)
            body = re.sub(r"/rejoindre/[\w-]{43}", "", body)
            texts.setdefault(send.__name__, []).append((mail.kind, mail.subject.replace(email, "ADDRESS"), body))

    assert {name: len(set(found)) for name, found in texts.items()} == {"invite": 1, "join": 1, "claim": 1}


def test_attack_12_what_waits_in_the_team_says_the_same(app: Flask, client: Client) -> None:
    for email in (KNOWN, UNKNOWN):
        invite(client, email)
        join(app.test_client(), email)
    chief = db.session.scalars(select(User).where(User.email == "camille@picoree.test")).one()

    page = client.get(f"/structures/{chief.organisation_id}/equipe").text

    parts = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|demande-\d+", "ID", one) for one in re.findall(r"(?s)<li class=\"[^\"]*border-top.*?</li>", page)]
    shown = {email: sorted(one.replace(email, "ADDRESS") for one in parts if email in one) for email in (KNOWN, UNKNOWN)}
    assert shown[KNOWN] == shown[UNKNOWN]
    assert len(shown[KNOWN]) == 2
    assert db.session.scalar(select(func.count()).select_from(MemberInvitation)) == 2
    assert db.session.scalar(select(func.count()).select_from(JoinRequest)) == 2


@pytest.mark.parametrize("path", ["/mot-de-passe/{}", "/compte/adresse/{}", "/rejoindre/{}", "/inscription/fin/{}"])
def test_attack_12_a_link_that_nobody_was_sent_is_not_there(client: Client, path: str) -> None:
    answers = {(client.get(path.format(token)).status_code, client.post(path.format(token)).status_code) for token in ("a" * 43, KNOWN, UNKNOWN)}

    assert answers == {(404, 404)}


def test_attack_12_nobody_opens_an_account_for_somebody_else_but_the_administration(app: Flask, client: Client) -> None:
    """An address that is typed for a colleague gets an invitation: only its reader can take it."""
    chief = db.session.scalars(select(User).where(User.email == "camille@picoree.test")).one()
    client.sign_in(chief)

    assert client.get(f"/structures/{chief.organisation_id}/comptes").status_code == 404
    assert client.get("/comptes/nouveau").status_code == 403
