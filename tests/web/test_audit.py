"""What leaves a line in the audit log, and who reads it."""

import csv
import io
import re

import pytest
from flask import Flask
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import AuditAction, AuditEntry, User
from matchmaker.services import audit
from matchmaker.web.audit import FILES
from tests.conftest import Client
from tests.factories import PASSWORD, MailFactory, OrganisationFactory, RunFactory, UserFactory
from tests.pages import words


@pytest.fixture
def user(app: Flask) -> User:
    person: User = UserFactory(email="camille@structure.test")
    db.session.commit()
    return person


@pytest.fixture
def admin(client: Client) -> User:
    person: User = UserFactory(admin=True, email="admin@structure.test")
    db.session.commit()
    client.sign_in(person)
    return person


def lines() -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def acts() -> list[AuditAction]:
    return [line.action for line in lines()]


def test_coming_in_failing_and_leaving_are_written(client: Client, user: User) -> None:
    for email, password in (("personne@ailleurs.test", PASSWORD), (user.email, "une phrase au hasard"), (user.email, PASSWORD)):
        client.post("/connexion", data={"email": email, "password": password}, environ_base={"REMOTE_ADDR": "203.0.113.77"})
    client.post("/deconnexion")

    unknown, refused, came, left = lines()
    assert acts() == [AuditAction.SIGN_IN_REFUSED, AuditAction.SIGN_IN_REFUSED, AuditAction.SIGNED_IN, AuditAction.SIGNED_OUT]
    assert (unknown.object_kind, refused.object_kind, refused.object_id) == ("address", "user_account", str(user.id))
    assert (unknown.actor_id, came.actor_id, left.actor_id) == (None, user.id, user.id)
    assert {line.address for line in (unknown, refused, came)} == {"203.0.113.0/24"}
    assert not [line for line in lines() if "ailleurs" in f"{line.object_id}{line.changes}"], "who has no account is kept as a hash"


def test_rights_passwords_and_doors_are_written_with_what_changed(client: Client, admin: User, user: User) -> None:
    host = OrganisationFactory(siret="73282932000074")
    client.post(f"/comptes/{user.id}", data={"role": "host", "structure": host.siret})
    client.post(f"/comptes/{user.id}/fermer")
    client.post(f"/comptes/{user.id}/rouvrir")
    client.post(f"/comptes/{user.id}/mot-de-passe")
    client.post("/comptes/nouveau", data={"name": "Ali", "email": "ali@structure.test", "role": "admin"})

    assert acts() == [
        AuditAction.RIGHTS_CHANGED,
        AuditAction.ACCOUNT_CLOSED,
        AuditAction.ACCOUNT_REOPENED,
        AuditAction.PASSWORD_CHANGED,
        AuditAction.ACCOUNT_OPENED,
    ]
    assert lines()[0].changes["role"] == ["member", "host"]
    assert {line.actor_id for line in lines()} == {admin.id}


def test_runs_and_mails_are_written(app: Flask, client: Client, admin: User) -> None:
    run, mail = RunFactory(), MailFactory(lost=True)
    db.session.commit()
    client.post(f"/calculs/{run.id}/publier")
    client.post(f"/calculs/{run.id}/reprendre")
    client.post(f"/courriels/{mail.id}/renvoyer")
    client.post(f"/courriels/{mail.id}/adresse")

    assert acts() == [AuditAction.RUN_PUBLISHED, AuditAction.RUN_TAKEN_BACK, AuditAction.MAIL_RESENT, AuditAction.ADDRESS_REOPENED]


def test_what_was_refused_leaves_no_line(client: Client, admin: User) -> None:
    run = RunFactory(status="failed", value=None, failure="TimeoutError")
    db.session.commit()

    assert client.post(f"/calculs/{run.id}/publier").status_code == 409
    assert lines() == []


def test_an_administrator_reads_the_log_with_filters_and_takes_it_away(client: Client, admin: User, user: User) -> None:
    audit.record(
        AuditAction.RIGHTS_CHANGED,
        by=admin,
        about=user,
        changes={"role": ["member", "host"], "standing": ["editor", "administrator"], "territories": [[], ["departement-61"]]},
        trace=audit.Trace("r", "198.51.100.7"),
    )
    audit.record(AuditAction.SIGNED_IN, by=user, about=user)
    audit.record(AuditAction.ERASED, about=("user_account", "00000000-0000-4000-8000-000000000000"))
    db.session.commit()

    page = words(client.get("/journal").text)
    told = "rôle : membre → hôte droits dans la structure : écriture → administration territoires : aucun → departement-61"
    assert f"droits changés {told}" in page
    assert "198.51.100.0/24" in page
    assert "une commande du serveur" in page
    assert "3 lignes" in page
    assert "1 ligne" in words(client.get("/journal?acte=signed_in&qui=camille").text)
    assert "Aucune ligne ne correspond" in client.get("/journal?du=2001-01-01&au=2001-01-02").text
    assert "3 lignes" in words(client.get("/journal?acte=nimporte&du=hier&au=2027-02-30").text)

    file = client.get("/journal.csv?acte=rights_changed")
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff")), delimiter=";"))
    assert len(rows) == 2
    assert rows[1][2:5] == ["admin@structure.test", "administration", "droits changés"]
    assert file.headers["Cache-Control"] == "no-store"
    assert acts()[-1] is AuditAction.FILE_TAKEN, "taking the log away is written in it"


@pytest.mark.parametrize("traits", [{}, {"host": True}, {"animator": True}])
def test_nobody_else_reads_it(client: Client, traits: dict[str, bool]) -> None:
    client.sign_in(UserFactory(**traits))

    assert client.get("/journal").status_code == client.get("/journal.csv").status_code == 403


def test_an_empty_log_says_so(client: Client, admin: User) -> None:
    assert "Le journal est vide" in client.get("/journal").text


def test_each_answer_names_its_request(client: Client) -> None:
    names = {client.get(path).headers["X-Request-Id"] for path in ("/", "/nulle-part", "/compte")}

    assert len(names) == 3


def test_every_file_that_is_not_for_everybody_is_written_down_or_holds_figures_only(app: Flask) -> None:
    named = re.compile(r"\.(csv|xlsx|json|pdf|zip)$")
    closed = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if named.search(rule.rule) and getattr(app.view_functions[rule.endpoint], "access", "") not in {"public", "token", "demo"}
    }
    figures = {endpoint for endpoint in closed if endpoint.partition(".")[0].startswith("observatory")}

    assert closed - figures <= FILES, "files that tell of people or structures belong to FILES in web/audit.py"
    assert set(app.view_functions) >= FILES
