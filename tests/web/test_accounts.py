"""Signing in and out, one's account, and the accounts that the administration opens, changes and closes."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from matchmaker.models import Role, User
from matchmaker.services import territories
from tests.factories import PASSWORD, OrganisationFactory, UserFactory, departement
from tests.pages import forms, heading, words

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


def passphrase_of(page):
    """The one that the page shows."""
    return re.search(r'<strong id="passphrase"[^>]*>([a-z-]+)</strong>', page)[1]


def sign_in(client, email, password=PASSWORD, **arguments):
    return client.post("/connexion", data={"email": email, "password": password}, query_string=arguments)


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
    assert "Vous voilà hors connexion. À bientôt." in words(client.get("/").text)
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
    assert f'href="/territoires/{departement().id}/contact"' in page
    assert "Calvados" not in page


NEW_PASSWORD = {"current": PASSWORD, "password": "une tout autre phrase", "again": "une tout autre phrase"}


def test_one_changes_ones_own_password_and_the_other_devices_are_asked_for_it(client, session):
    user, elsewhere = UserFactory(), client.application.test_client()
    sign_in(client, user.email)
    sign_in(elsewhere, user.email)
    assert elsewhere.get("/compte").status_code == 200

    response = client.post("/compte", data=NEW_PASSWORD)

    assert response.location == "/compte"
    assert "Votre mot de passe est changé." in client.get("/compte").text
    assert elsewhere.get("/compte").status_code == 302
    assert sign_in(elsewhere, user.email).status_code == 422
    assert sign_in(elsewhere, user.email, NEW_PASSWORD["password"]).status_code == 302


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("current", "une phrase au hasard", "Ce n’est pas votre mot de passe actuel."),
        ("current", "", "Écrivez votre mot de passe actuel."),
        ("password", "trop court", "Douze caractères au moins."),
        ("password", "x" * 129, "Douze caractères au moins."),
        ("again", "encore une autre", "Les deux ne sont pas pareils."),
    ],
)
def test_a_password_that_cannot_be_changed_is_explained_and_stays(client, session, field, typed, message):
    user = UserFactory()
    before = user.password_hash
    client.sign_in(user)

    response = client.post("/compte", data=NEW_PASSWORD | {field: typed})

    assert response.status_code == 422
    assert message in response.text
    assert f'id="{field}-error"' in response.text
    assert PASSWORD not in response.text
    session.refresh(user)
    assert user.password_hash == before


def test_the_administrator_sees_every_account_with_what_it_speaks_for(client):
    member = UserFactory(email="camille@ateliers.test", is_active=False)
    UserFactory(animator=True)
    client.sign_in(UserFactory(admin=True))

    page = words(client.get("/comptes").text)

    assert heading(client.get("/comptes").text) == "3 comptes"
    assert f"camille@ateliers.test membre, compte fermé {member.organisation.name} jamais" in page
    assert "animation Orne" in page
    assert "administration (vous) aucun" in page


@pytest.mark.parametrize("typed", ["camille@ATELIERS.test", "ateliers", "bocage", "l’étincelle du", "Durand"])
def test_an_account_is_found_by_its_address_its_name_or_its_structure(client, typed):
    UserFactory(email="camille@ateliers.test", name="Camille Durand", organisation=OrganisationFactory(name="L’Étincelle du bocage"))
    UserFactory(email="autre@ailleurs.test")
    client.sign_in(UserFactory(admin=True, email="alix@site.test"))

    page = client.get("/comptes", query_string={"q": typed}).text

    assert heading(page) == "1 compte"
    assert "camille@ateliers.test" in page
    assert "autre@ailleurs.test" not in page


@pytest.mark.parametrize("typed", ["personne-de-ce-nom", "%", "_", "'"])
def test_a_search_without_an_answer_says_so(client, typed):
    client.sign_in(UserFactory(admin=True))

    assert "Aucun compte ici" in client.get("/comptes", query_string={"q": typed}).text


def test_the_accounts_come_fifty_to_a_page(client):
    structure = OrganisationFactory()
    UserFactory.create_batch(50, organisation=structure)
    client.sign_in(UserFactory(admin=True, email="zoe@site.test"))

    first, second = client.get("/comptes").text, client.get("/comptes?page=2").text

    assert "Page 1 sur 2" in first
    assert "zoe@site.test" not in first
    assert "zoe@site.test" in second
    assert client.get("/comptes?page=99999999999999999999").status_code == 200


NEW_ACCOUNT = {"name": "Camille Durand", "email": "Camille@Ateliers.test", "role": "member", "structure": "732 829 320 00074"}


def test_the_administrator_opens_an_account_and_reads_its_passphrase_once(client, session):
    structure = OrganisationFactory(siret="73282932000074")
    client.sign_in(UserFactory(admin=True))

    response = client.post("/comptes/nouveau", data=NEW_ACCOUNT)

    assert (response.status_code, response.location) == (200, None)
    assert response.headers["Cache-Control"] == "no-store"
    passphrase = passphrase_of(response.text)
    user = session.scalars(select(User).where(User.email == "camille@ateliers.test")).one()
    assert (user.name, user.role, user.organisation_id) == ("Camille Durand", Role.MEMBER, structure.id)
    assert passphrase not in client.get("/comptes").text + client.get(f"/comptes/{user.id}").text
    assert sign_in(client.application.test_client(), user.email, passphrase).location == "/propositions"


def test_an_animator_is_given_territories_and_a_host_a_structure_by_its_name(client, session):
    structure = OrganisationFactory(name="L’Étincelle")
    region = territories.territory_by_code("28")
    client.sign_in(UserFactory(admin=True))

    for email, duties in {
        "animation@site.test": {"role": "animator", "territories": [str(region.id), str(departement().id)]},
        "hote@site.test": {"role": "host", "structure": "l'étincelle".replace("'", "’")},
    }.items():
        assert client.post("/comptes/nouveau", data={"name": "Claude", "email": email} | duties).status_code == 200

    animator = session.scalars(select(User).where(User.email == "animation@site.test")).one()
    assert (animator.role, {territory.name for territory in animator.territories}) == (Role.ANIMATOR, {"Normandie", "Orne"})
    host = session.scalars(select(User).where(User.email == "hote@site.test")).one()
    assert (host.role, host.organisation_id) == (Role.HOST, structure.id)


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("name", {"name": ""}, "Écrivez son nom."),
        ("email", {"email": "camille"}, "Cette adresse ne semble pas complète."),
        ("email", {"email": "prise@ateliers.test"}, "Cette adresse a déjà un compte."),
        ("role", {"role": ""}, "Choisissez un rôle."),
        ("role", {"role": "emperor"}, "N&#39;est pas un choix valide."),
        ("territories", {"role": "animator"}, "Cochez au moins un territoire à suivre."),
        ("territories", {"role": "animator", "territories": "999999999"}, "999999999"),
        ("structure", {"structure": ""}, "Ce rôle parle pour une structure."),
        ("structure", {"structure": "44306184100047"}, "Aucune structure ne porte ce nom ou ce numéro."),
        ("structure", {"structure": "Les Jumelles"}, "Plusieurs structures portent ce nom."),
    ],
)
def test_an_account_that_cannot_be_opened_is_explained_beside_its_field(client, session, field, typed, message):
    OrganisationFactory(siret="73282932000074")
    OrganisationFactory.create_batch(2, name="Les Jumelles")
    UserFactory(email="prise@ateliers.test")
    client.sign_in(UserFactory(admin=True))
    before = count(session, User)

    response = client.post("/comptes/nouveau", data=NEW_ACCOUNT | typed)

    assert response.status_code == 422
    assert message in response.text
    assert f'id="{field}-error"' in response.text
    assert count(session, User) == before


def test_an_account_gets_another_role_on_its_own_page(client, session):
    member = UserFactory(email="camille@ateliers.test")
    structure = member.organisation
    client.sign_in(UserFactory(admin=True))
    shown = forms(client.get(f"/comptes/{member.id}").text)[0]
    assert (shown.values["role"], shown.values["structure"]) == (["member"], [structure.name])

    response = client.post(f"/comptes/{member.id}", data=shown.filled(role="host"))

    assert response.location == f"/comptes/{member.id}"
    session.refresh(member)
    assert (member.role, member.organisation_id) == (Role.HOST, structure.id)
    assert "C’est enregistré." in client.get(response.location).text


def test_an_animator_has_a_territory_and_who_is_none_has_none(client, session):
    member = UserFactory()
    client.sign_in(UserFactory(admin=True))
    page = f"/comptes/{member.id}"

    bare = client.post(page, data=forms(client.get(page).text)[0].filled(role="animator"))
    assert bare.status_code == 422
    assert 'id="territories-error"' in bare.text

    assert client.post(page, data=forms(client.get(page).text)[0].filled(role="animator", territories=departement("14").id)).status_code == 302
    session.refresh(member)
    assert (member.role, [territory.code for territory in member.territories]) == (Role.ANIMATOR, ["14"])

    assert client.post(page, data=forms(client.get(page).text)[0].filled(role="member")).status_code == 302
    session.refresh(member)
    assert (member.role, member.territories) == (Role.MEMBER, [])


def test_a_structure_that_shares_its_name_stays_that_of_its_account(client, session):
    own, _twin = OrganisationFactory.create_batch(2, name="Les Jumelles")
    member = UserFactory(organisation=own)
    client.sign_in(UserFactory(admin=True))

    response = client.post(f"/comptes/{member.id}", data=forms(client.get(f"/comptes/{member.id}").text)[0].filled(role="host"))

    assert response.status_code == 302
    session.refresh(member)
    assert member.organisation_id == own.id


def test_an_account_without_a_structure_becomes_no_member(client, session):
    animator = UserFactory(animator=True)
    client.sign_in(UserFactory(admin=True))

    response = client.post(f"/comptes/{animator.id}", data={"role": "member"})

    assert response.status_code == 422
    assert 'id="structure-error"' in response.text
    session.refresh(animator)
    assert animator.role is Role.ANIMATOR


def test_an_administrator_changes_neither_their_own_role_nor_closes_their_own_account(client, session):
    admin = UserFactory(admin=True)
    client.sign_in(admin)

    page = client.get(f"/comptes/{admin.id}").text
    assert "C’est le vôtre." in page
    assert "/fermer" not in page
    assert client.post(f"/comptes/{admin.id}", data={"role": "animator", "territories": departement().id}).status_code == 409
    for act in ("fermer", "rouvrir", "mot-de-passe"):
        assert client.post(f"/comptes/{admin.id}/{act}").status_code == 409
    before = admin.password_hash
    session.refresh(admin)
    assert (admin.role, admin.is_active, admin.password_hash) == (Role.ADMIN, True, before)


def test_a_closed_account_opens_nothing_until_it_is_reopened(client):
    member, theirs = UserFactory(email="partie@structure.test"), client.application.test_client()
    sign_in(theirs, member.email)
    client.sign_in(UserFactory(admin=True))

    assert client.post(f"/comptes/{member.id}/fermer").location == f"/comptes/{member.id}"
    assert "Ce compte est fermé." in client.get(f"/comptes/{member.id}").text
    assert theirs.get("/compte").status_code == 302
    assert sign_in(theirs, member.email).status_code == 422

    assert client.post(f"/comptes/{member.id}/rouvrir").location == f"/comptes/{member.id}"
    assert sign_in(theirs, member.email).status_code == 302


def test_a_lost_password_is_replaced_by_a_passphrase_that_is_shown_once(client):
    member, theirs = UserFactory(), client.application.test_client()
    sign_in(theirs, member.email)
    client.sign_in(UserFactory(admin=True))

    response = client.post(f"/comptes/{member.id}/mot-de-passe")

    assert response.status_code == 200
    assert theirs.get("/compte").status_code == 302
    assert sign_in(theirs, member.email).status_code == 422
    assert sign_in(theirs, member.email, passphrase_of(response.text)).status_code == 302
    assert passphrase_of(client.post(f"/comptes/{member.id}/mot-de-passe").text) != passphrase_of(response.text)


def test_an_account_that_is_not_there_cannot_be_changed(client):
    client.sign_in(UserFactory(admin=True))

    assert client.get(f"/comptes/{uuid4()}").status_code == 404
    for act in ("", "/fermer", "/rouvrir", "/mot-de-passe"):
        assert client.post(f"/comptes/{uuid4()}{act}", data={"role": "admin"}).status_code == 404


@pytest.mark.parametrize("traits", [{}, {"host": True}, {"animator": True}], ids=["member", "host", "animator"])
def test_only_the_administrator_sees_the_accounts(client, session, traits):
    user = UserFactory(**traits)
    client.sign_in(user)

    assert client.get("/comptes").status_code == client.get("/comptes/nouveau").status_code == 403
    for act in ("", "/fermer", "/rouvrir", "/mot-de-passe"):
        assert client.post(f"/comptes/{user.id}{act}", data={"role": "admin"}).status_code == 403
    session.refresh(user)
    assert (user.role is not Role.ADMIN, user.is_active) == (True, True)
