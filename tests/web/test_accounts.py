"""Signing up, signing in and out, one's account, and the administrator's list."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from matchmaker.models import Family, Organisation, Role, User
from tests.factories import PASSWORD, OrganisationFactory, UserFactory

ANSWERS = {
    "organisation": "Les Ateliers du Bocage",
    "number": "732 829 320 00074",
    "family": "association",
    "commune": "Flers",
    "name": "Camille Durand",
    "email": "Camille@Ateliers.test",
    "password": "une phrase assez longue",
    "again": "une phrase assez longue",
    "monthly_budget": "4",
    "terms": "y",
}
ELSEWHERE = (
    "https://ailleurs.test/",
    "//ailleurs.test",
    "///ailleurs.test",
    "/\\ailleurs.test",
    "\\\\ailleurs.test",
    "/annuaire\\..\\",
    "/\t/ailleurs.test",
    "/\n//ailleurs.test",
    "javascript:alert(1)",
    "ailleurs.test",
)


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


def sign_in(client, email, password=PASSWORD, **arguments):
    return client.post("/connexion", data={"email": email, "password": password}, query_string=arguments)


def test_signing_up_creates_the_structure_and_its_account_and_signs_in(client, session):
    response = client.post("/inscription", data=ANSWERS)

    assert (response.status_code, response.location) == (302, "/annonces")
    user = session.scalars(select(User)).one()
    assert (user.email, user.name, user.role) == ("camille@ateliers.test", "Camille Durand", Role.MEMBER)
    structure = user.organisation
    assert (structure.name, structure.siret, structure.family) == ("Les Ateliers du Bocage", "73282932000074", Family.ASSOCIATION)
    assert (structure.commune.label, structure.territory.code, structure.monthly_budget) == ("Flers (61)", "61", 4)
    assert "Les Ateliers du Bocage" in client.get("/compte").text


def test_a_siret_that_lacks_a_digit_is_refused_and_what_was_typed_is_kept(client, session):
    response = client.post("/inscription", data=ANSWERS | {"number": "7328293200007"})

    assert response.status_code == 422
    assert "Il manque 1 chiffre au SIRET\u00a0: 13 sur 14." in response.text
    for typed in ("Les Ateliers du Bocage", "7328293200007", "Flers (61)", "Camille Durand", "Camille@Ateliers.test"):
        assert f'value="{typed}"' in response.text
    assert 'checked class="form-check-input" id="family-0"' in response.text
    assert ANSWERS["password"] not in response.text
    assert count(session, Organisation) == 0


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("organisation", "", "Dites-nous comment s’appelle votre structure."),
        ("organisation", "a" * 201, "C’est trop long\u00a0: 200 caractères au plus."),
        ("number", "73282932000075", "Ce SIRET n’existe pas"),
        ("number", "W12", "Un numéro RNA s’écrit W et neuf chiffres."),
        ("number", "9" * 10_000, "Il y a trop de chiffres\u00a0: 10000 au lieu de 14."),
        ("family", "", "Choisissez ce qui s’en approche le plus."),
        ("commune", "", "Où êtes-vous"),
        ("commune", "Nulle-Part-sur-Rien", "Nous ne connaissons pas cette commune."),
        ("commune", "%' OR 1=1 --", "Nous ne connaissons pas cette commune."),
        ("commune", "Saint-Aubin", "Plusieurs communes correspondent"),
        ("email", "camille", "Cette adresse ne semble pas complète."),
        ("password", "trop court", "Douze caractères au moins."),
        ("again", "une autre phrase", "Les deux ne sont pas pareils."),
        ("terms", "", "Cochez pour continuer."),
    ],
)
def test_each_answer_that_cannot_be_right_is_explained_beside_its_field(client, session, field, typed, message):
    answers = {name: value for name, value in (ANSWERS | {field: typed}).items() if value}

    response = client.post("/inscription", data=answers)

    assert response.status_code == 422
    assert message in response.text
    assert f'href="#{field}"' in response.text
    assert f'id="{field}-error"' in response.text
    assert count(session, User) == 0


def test_an_address_that_has_an_account_creates_no_second_structure(client, session):
    UserFactory(email="camille@ateliers.test")

    response = client.post("/inscription", data=ANSWERS)

    assert response.status_code == 422
    assert "Cette adresse a déjà un compte." in response.text
    session.expire_all()
    assert session.scalars(select(Organisation.name).where(Organisation.name == ANSWERS["organisation"])).all() == []


def test_a_structure_is_inscribed_once(client, session):
    OrganisationFactory(siret="73282932000074")

    response = client.post("/inscription", data=ANSWERS)

    assert response.status_code == 422
    assert "Cette structure est déjà inscrite." in response.text
    assert count(session, User) == 0


def test_a_commune_is_suggested_as_one_types_and_can_be_typed_without_it(client):
    page = client.get("/inscription").text

    assert 'hx-get="/communes"' in page
    assert 'list="communes"' in page
    assert '<option value="Flers (61)">' in client.get("/communes", query_string={"commune": "fler"}).text
    assert client.get("/communes", query_string={"commune": "x" * 10_000}).status_code == 200


@pytest.mark.parametrize(
    ("traits", "start"),
    [({}, "/propositions"), ({"host": True}, "/mes-job-datings"), ({"animator": True}, "/calculs"), ({"admin": True}, "/comptes")],
    ids=["member", "host", "animator", "admin"],
)
def test_each_role_starts_where_its_work_is(client, session, traits, start):
    user = UserFactory(**traits)

    response = sign_in(client, user.email.upper())

    assert (response.status_code, response.location) == (302, start)
    session.refresh(user)
    assert user.last_login_at is not None
    assert client.get("/connexion").location == start


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(client):
    UserFactory(email="connue@structure.test")

    wrong = sign_in(client, "connue@structure.test", "une autre phrase")
    unknown = sign_in(client, "inconnue@structure.test", "une autre phrase")

    assert wrong.status_code == unknown.status_code == 422
    assert "L’adresse ou le mot de passe n’est pas le bon." in wrong.text
    assert 'value="connue@structure.test"' in wrong.text
    assert wrong.text == unknown.text.replace("inconnue@", "connue@")


def test_an_account_that_was_closed_does_not_open(client):
    UserFactory(email="partie@structure.test", is_active=False)

    assert sign_in(client, "partie@structure.test").status_code == 422


@pytest.mark.parametrize("typed", ["a\x00b@structure.test", "'; DROP TABLE user_account; --", "é" * 10_000, "\ud83d\ude00@x"])
def test_no_typed_address_breaks_the_login_page(client, typed):
    response = client.post("/connexion", data={"email": typed.encode("utf-8", "replace"), "password": "\x00" * 50})

    assert response.status_code == 422


def test_a_demo_account_opens_in_the_demonstration_only(client, monkeypatch):
    user = UserFactory(email="membre.ess@demo.croisee.test", is_demo=True)
    assert sign_in(client, user.email).status_code == 302

    monkeypatch.setitem(client.application.config, "DEMO", False)

    assert client.get("/compte").location == "/connexion?next=/compte"
    assert sign_in(client, user.email).status_code == 422


def test_the_demo_accounts_are_listed_in_the_demonstration_only(client, monkeypatch):
    assert "demo-croisee-2026" in client.get("/connexion").text

    monkeypatch.setitem(client.application.config, "DEMO", False)

    page = client.get("/connexion").text
    assert "demo" not in page.lower()
    assert "inscription" in page


def test_signing_in_leads_to_the_page_that_was_asked_for(client):
    user = UserFactory(admin=True)

    asked = client.get("/comptes?trier=nom")
    response = sign_in(client, user.email, next="/comptes?trier=nom")

    assert asked.location == "/connexion?next=/comptes?trier%3Dnom"
    assert response.location == "/comptes?trier=nom"


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_to_no_other_site(client, target):
    user = UserFactory(admin=True)

    assert sign_in(client, user.email, next=target).location == "/comptes"


def test_signing_out_is_a_button_and_not_a_link(client):
    client.sign_in(UserFactory())
    assert client.get("/deconnexion").status_code == 405
    assert '<form method="post" action="/deconnexion">' in client.get("/compte").text

    response = client.post("/deconnexion")

    assert response.location == "/"
    assert client.get("/compte").status_code == 302


def test_the_account_page_says_who_one_is_and_for_whom(client):
    member = UserFactory(name="Camille Durand")
    client.sign_in(member)
    page = client.get("/compte").text
    assert "Camille Durand" in page
    assert f'href="/structures/{member.organisation.id}/modifier"' in page

    client.sign_in(UserFactory(animator=True))
    page = client.get("/compte").text
    assert "Territoire suivi" in page
    assert "Orne" in page


def test_the_administrator_sees_every_account_and_gives_a_role(client, session):
    member = UserFactory(email="camille@ateliers.test")
    client.sign_in(UserFactory(admin=True))

    page = client.get("/comptes").text
    assert "2\u00a0comptes, dont 1 pour l’animation" in page
    assert "Rôle de camille@ateliers.test</label>" in page

    response = client.post(f"/comptes/{member.id}/role", data={"role": "host"})

    assert response.location == "/comptes"
    session.refresh(member)
    assert member.role is Role.HOST
    assert "est maintenant «\u00a0hôte\u00a0»" in client.get("/comptes").text


def test_a_role_that_cannot_be_is_refused(client, session):
    admin, animator = UserFactory(admin=True), UserFactory(animator=True)
    client.sign_in(admin)

    assert client.post(f"/comptes/{admin.id}/role", data={"role": "animator"}).status_code == 409
    assert client.post(f"/comptes/{animator.id}/role", data={"role": "member"}).status_code == 409
    assert client.post(f"/comptes/{animator.id}/role", data={"role": "emperor"}).status_code == 400
    assert client.post(f"/comptes/{uuid4()}/role", data={"role": "host"}).status_code == 404
    session.expire_all()
    assert (admin.role, animator.role) == (Role.ADMIN, Role.ANIMATOR)


@pytest.mark.parametrize("traits", [{}, {"host": True}, {"animator": True}], ids=["member", "host", "animator"])
def test_only_the_administrator_sees_the_accounts(client, traits):
    user = UserFactory(**traits)
    client.sign_in(user)

    assert client.get("/comptes").status_code == 403
    assert client.post(f"/comptes/{user.id}/role", data={"role": "admin"}).status_code == 403


def test_an_address_that_no_mail_reaches_is_taken_in_the_demonstration_only(client, monkeypatch):
    answers = ANSWERS | {"organisation": ""}
    assert "email-error" not in client.post("/inscription", data=answers).text

    monkeypatch.setitem(client.application.config, "DEMO", False)

    assert "email-error" in client.post("/inscription", data=answers).text
    assert "email-error" not in client.post("/inscription", data=answers | {"email": "camille@ateliers.fr"}).text
