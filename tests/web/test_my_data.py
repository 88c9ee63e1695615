"""« Mes données »: what is shown, taken away and erased, by whom and until when."""

import io
import zipfile
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from matchmaker.extensions import db
from matchmaker.models import AuditAction, AuditEntry, Consent, DataExport, ErasureRequest, MailStatus, OutboxMail, User, UserSession
from matchmaker.models.base import now
from matchmaker.services import consents, outbox, personal_data
from matchmaker.web import audit_words, my_data_words
from matchmaker.web.settings import mail_settings
from tasks import personal_data as tasks
from tests.conftest import Client
from tests.factories import NeedFactory, OrganisationFactory, UserFactory, mutual_match, venue
from tests.pages import words
from tests.web.test_sign_up import PERSON, link_of, mails, tell


@pytest.fixture
def user(app: Flask, client: Client) -> User:
    person: User = UserFactory(name="Camille Léger", email="camille@structure.test", organisation=OrganisationFactory(name="Picorée"))
    db.session.commit()
    client.sign_in(person)
    return person


def page(client: Client) -> str:
    response = client.get("/compte/donnees")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    return words(response.text)


def test_a_person_sees_all_that_is_kept(client: Client, user: User) -> None:
    NeedFactory(organisation=user.organisation, title="Un traiteur pour mai")
    mutual_match(need=NeedFactory(organisation=user.organisation))
    venue(user.organisation)
    consents.accept(user)
    outbox.queue("password_changed", uid="one", recipient=user.email, settings=mail_settings())
    db.session.commit()

    shown = page(client)

    for told in ("Camille Léger, camille@structure.test, membre", "Vos appareils connectés (1)", "Un traiteur pour mai (publiée)", "Ses lieux (1)"):
        assert told in shown
    assert "Votre mot de passe vient de changer (en attente)" in shown
    assert "Les textes que vous avez acceptés (2)" in shown
    assert user.password_hash not in client.get("/compte/donnees").text


@pytest.mark.parametrize("traits", [{"host": True}, {"animator": True}, {"admin": True}])
def test_every_role_has_the_page(client: Client, traits: dict[str, bool]) -> None:
    client.sign_in(UserFactory(**traits))

    assert "Votre compte (1)" in page(client)


def test_the_file_is_asked_for_written_by_a_worker_and_taken_once_it_is_there(app: Flask, client: Client, user: User, nudged: list) -> None:
    assert client.post("/compte/donnees/export").status_code == 302
    assert ("tasks.personal_data.export_due",) in nudged
    assert "Le fichier se prépare" in page(client)
    client.post("/compte/donnees/export")
    export = db.session.scalars(select(DataExport)).one()
    assert client.get(f"/compte/donnees/export/{export.id}").status_code == 404

    tasks.export_due()

    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "data_export")).one()
    assert (mail.recipient, mail.status) == (user.email, MailStatus.QUEUED)
    assert "Télécharger mes données" in page(client)
    response = client.get(f"/compte/donnees/export/{export.id}")
    assert (response.mimetype, response.headers["Cache-Control"]) == ("application/zip", "no-store")
    assert "donnees.json" in zipfile.ZipFile(io.BytesIO(response.data)).namelist()
    assert {"data_exported"} <= {line.action for line in db.session.scalars(select(AuditEntry))}


def test_the_file_is_nobody_elses_and_gone_after_a_day(app: Flask, client: Client, user: User) -> None:
    client.post("/compte/donnees/export")
    tasks.export_due()
    export = db.session.scalars(select(DataExport)).one()
    stranger = app.test_client()
    stranger.sign_in(UserFactory(admin=True))
    assert stranger.get(f"/compte/donnees/export/{export.id}").status_code == 404
    assert app.test_client().get(f"/compte/donnees/export/{export.id}").status_code == 302

    db.session.execute(update(DataExport).values(ready_at=now() - timedelta(hours=25), expires_at=now() - timedelta(hours=1)))
    db.session.commit()

    gone = client.get(f"/compte/donnees/export/{export.id}")
    assert gone.status_code == 410
    assert "nous le gardons un jour" in gone.text
    assert "Préparer le fichier" in page(client)


def test_the_password_is_asked_again_before_taking_or_erasing(client: Client, user: User) -> None:
    db.session.execute(update(UserSession).values(confirmed_at=now() - timedelta(minutes=6)))
    db.session.commit()

    for path in ("/compte/donnees/export", "/compte/donnees/effacer"):
        assert client.post(path).location == "/compte/confirmer?next=/compte/donnees"
    assert db.session.scalars(select(ErasureRequest)).all() == []


def test_erasing_is_one_click_with_seven_days_to_change_ones_mind(app: Flask, client: Client, user: User) -> None:
    user_id = user.id
    assert "Vous êtes la seule personne qui parle pour Picorée" in page(client)

    client.post("/compte/donnees/effacer")
    asked = db.session.scalars(select(ErasureRequest)).one()
    assert timedelta(days=6, hours=23) < asked.due_at - now() <= timedelta(days=7)
    assert "Votre compte sera effacé le" in page(client)
    account = client.get("/compte").text
    assert "Votre compte sera effacé le" in account
    assert 'action="/compte/donnees/garder"' in account, "one click from where people look first"
    client.post("/compte/donnees/garder")

    assert "sera effacé" not in client.get("/compte").text
    assert db.session.scalars(select(ErasureRequest)).all() == []
    assert db.session.scalars(select(OutboxMail.status).where(OutboxMail.kind == "erasure_asked")).all() == [MailStatus.CANCELLED]
    assert "Effacer mon compte dans sept jours" in page(client)

    client.post("/compte/donnees/effacer")
    tasks.erase_due()
    assert db.session.get(User, user_id) is not None, "seven days are not over"
    db.session.execute(update(ErasureRequest).values(asked_at=now() - timedelta(days=8), due_at=now() - timedelta(days=1)))
    db.session.commit()
    tasks.erase_due()

    assert db.session.get(User, user_id) is None
    assert client.get("/compte/donnees").status_code == 302
    told = [line.action for line in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert told == ["erasure_asked", "erasure_called_off", "erasure_asked", "erased", "erased"], "the account, and the structure that it was the last of"


def test_who_has_colleagues_reads_that_the_structure_stays_and_where_its_mails_go(client: Client, user: User) -> None:
    UserFactory(organisation=user.organisation, name="Ali Ba", email="ali@structure.test")
    user.organisation.email = user.email
    db.session.commit()

    shown = page(client)

    assert "Picorée reste : Ali Ba continue de parler pour elle." in shown
    assert "Ses courriels iront à ali@structure.test." in shown


def test_the_last_of_the_administration_cannot_go(client: Client, app: Flask) -> None:
    admin = UserFactory(admin=True)
    db.session.commit()
    client.sign_in(admin)
    assert "la dernière personne de l’administration" in page(client)

    client.post("/compte/donnees/effacer")

    assert db.session.scalars(select(ErasureRequest)).all() == []


def test_of_two_of_the_administration_one_may_go_and_then_the_other_may_not(client: Client, app: Flask) -> None:
    first, second = UserFactory(admin=True), UserFactory(admin=True)
    db.session.commit()
    for admin in (first, second):
        client.sign_in(admin)
        client.post("/compte/donnees/effacer")

    assert [asked.user_id for asked in db.session.scalars(select(ErasureRequest))] == [first.id]


def test_a_new_version_of_a_text_asks_for_a_yes_and_keeps_the_old_ones(client: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Des textes attendent votre accord" in page(client)
    client.post("/compte/donnees/textes")
    client.post("/compte/donnees/textes")
    assert "attendent votre accord" not in page(client)
    monkeypatch.setitem(consents.VERSIONS, "terms", "2027-01-01")

    assert "Un texte a changé" in page(client)
    client.post("/compte/donnees/textes")

    assert sorted((one.legal_text, one.version) for one in db.session.scalars(select(Consent))) == [
        ("privacy", "2026-11-23"),
        ("terms", "2026-11-23"),
        ("terms", "2027-01-01"),
    ]


def test_signing_up_accepts_the_texts_of_the_day(client: Client, app: Flask) -> None:
    tell(client)
    client.post(link_of(mails("sign_up")[0]))

    accepted = db.session.scalars(select(Consent).join(User, User.id == Consent.user_id).where(User.email == PERSON["email"].lower())).all()
    assert {(one.legal_text, one.version) for one in accepted} == set(consents.VERSIONS.items())


def test_legal_pages_say_who_answers_when_the_operator_says_so_and_that_it_is_missing_otherwise(app: Flask, client: Client, monkeypatch) -> None:
    assert "pas encore d’éditeur déclaré" in words(client.get("/mentions-legales").text)
    for name, value in {"PUBLISHER_NAME": "CRESS Normandie", "PUBLISHER_EMAIL": "bonjour@cress.test", "HOSTING_COMPANY": "Un hébergeur, Caen"}.items():
        monkeypatch.setitem(app.config, name, value)

    legal, data = words(client.get("/mentions-legales").text), words(client.get("/vos-donnees").text)
    assert "Ce site est édité par CRESS Normandie." in legal
    assert "Il est hébergé par Un hébergeur, Caen." in legal
    assert "écrivez à bonjour@cress.test" in data
    assert "Responsable du traitement : CRESS Normandie." in data
    assert "Ce texte vaut depuis le lundi 23 novembre 2026" in words(client.get("/conditions").text)


def test_everything_that_is_kept_and_every_act_has_its_words() -> None:
    keys = {source.key for source in (*personal_data.OWN, *personal_data.STRUCTURE)} | {"territories", "objections"}

    assert keys == set(my_data_words.SECTIONS)
    assert set(AuditAction) == set(audit_words.ACTIONS)
