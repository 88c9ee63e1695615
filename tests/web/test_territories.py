"""Who answers for a territory: said by its animator, shown to everyone by the help page."""

import pytest

from matchmaker.models import Level
from matchmaker.services import territories
from tests.factories import UserFactory, departement
from tests.pages import forms, words

CONTACT = {"name": "Dominique Lenoir", "email": "Orne@Croisee.test", "phone": " 02\u00a033 00 00 01 "}


@pytest.fixture
def page(app):
    return f"/territoires/{departement().id}/contact"


def test_the_animator_says_who_answers_and_the_help_page_tells_everyone(client, session, page):
    animator = UserFactory(animator=True)
    client.sign_in(animator)
    assert page not in client.get("/aide").text
    assert "Dire qui répond dans vos territoires" in client.get("/aide").text
    assert page in client.get("/compte").text

    assert client.post(page, data=CONTACT).location == "/aide"

    orne = departement()
    session.refresh(orne)
    assert (orne.contact_name, orne.contact_email, orne.contact_phone) == ("Dominique Lenoir", "orne@croisee.test", "02 33 00 00 01")
    assert page in client.get("/aide").text
    assert forms(client.get(page).text)[0].values["phone"] == ["02 33 00 00 01"]
    public = client.application.test_client().get("/aide").text
    assert "Orne Dominique Lenoir orne@croisee.test 02 33 00 00 01" in words(public)
    assert page not in public
    assert "Dire qui répond" not in public


def test_a_contact_that_leaves_is_erased(client, session, page):
    orne = departement()
    orne.contact_name, orne.contact_email = "Dominique Lenoir", "orne@croisee.test"
    session.commit()
    client.sign_in(UserFactory(animator=True))

    assert client.post(page, data={"name": "", "email": "", "phone": ""}).status_code == 302

    assert "Pas encore de contact ici" in client.get("/aide").text


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("name", {"email": "", "phone": ""}, "Donnez aussi une adresse ou un téléphone"),
        ("name", {"name": "a" * 121}, "C’est trop long"),
        ("email", {"email": "orne"}, "Cette adresse ne semble pas complète."),
        ("phone", {"phone": "le matin"}, "Écrivez le numéro en chiffres"),
        ("phone", {"phone": "0" * 31}, "C’est trop long"),
    ],
)
def test_a_contact_that_cannot_be_reached_is_explained(client, session, page, field, typed, message):
    client.sign_in(UserFactory(animator=True))

    response = client.post(page, data=CONTACT | typed)

    assert response.status_code == 422
    assert message in response.text
    assert f'id="{field}-error"' in response.text
    orne = departement()
    session.refresh(orne)
    assert orne.contact_name == ""


def test_the_animator_of_a_region_and_the_administrator_reach_its_departements(client, page):
    region = territories.territory_by_code("28")
    for user in (UserFactory(animator=True, territories=[region]), UserFactory(admin=True)):
        client.sign_in(user)
        assert client.get(page).status_code == client.get(f"/territoires/{region.id}/contact").status_code == 200
        assert page in client.get("/compte").text


def test_a_territory_of_others_and_an_intercommunalite_have_no_contact_page(client, page):
    client.sign_in(UserFactory(animator=True, territories=[departement("14")]))
    epci = next(territory for territory in territories.descendants(departement("14")) if territory.level is Level.EPCI)

    assert client.get(page).status_code == client.post(page, data=CONTACT).status_code == 404
    assert client.get(f"/territoires/{epci.id}/contact").status_code == 404
    assert client.get(f"/territoires/{2**31}/contact").status_code == 404
    assert page not in client.get("/compte").text
