"""The directory, the page of a structure, and describing one's own."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Category, Organisation
from matchmaker.models.base import today
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, UserFactory
from tests.pages import forms

ANSWERS = {"name": "La Fabrique", "family": "association", "commune": "Flers (61)", "eligibility": "unknown", "inclusion_kind": "", "headcount": "", "vat": ""}


def test_the_directory_finds_by_name_and_by_commune_whatever_the_accents(client):
    OrganisationFactory(name="L’Étincelle", at="Flers (61)")
    OrganisationFactory(name="Couture Bobinelle", at="Caen (14)")

    by_name = client.get("/annuaire", query_string={"q": "etincelle"}).text
    by_commune = client.get("/annuaire", query_string={"q": "caen"}).text

    assert "L’Étincelle" in by_name
    assert "Couture Bobinelle" not in by_name
    assert "1\u00a0structure" in by_name
    assert "Couture Bobinelle" in by_commune
    assert "L’Étincelle" not in by_commune


def test_the_directory_keeps_its_filters_from_page_to_page(client):
    for number in range(21):
        OrganisationFactory(name=f"Atelier {number:02}", at="Flers (61)")
    OrganisationFactory(name="Atelier de Caen", at="Caen (14)")

    first = client.get("/annuaire", query_string={"q": "atelier", "departement": "61"}).text
    second = client.get("/annuaire", query_string={"q": "atelier", "departement": "61", "page": "2"}).text

    assert "<strong>21\u00a0structures</strong>" in first
    assert "Page 1 sur 2" in first
    assert "?q=atelier&amp;departement=61&amp;page=2" in first
    assert '<option value="61" selected>Orne (21)</option>' in first
    assert "Atelier de Caen" not in first + second
    assert "Atelier 20" in second
    assert '<ol class="lc-results" start="21">' in second


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "'"},
        {"q": '"><script>alert(1)</script>'},
        {"q": "%"},
        {"q": "_%_\\"},
        {"q": "a" * 10_000},
        {"q": "\x00\x01\u202e"},
        {"q": "{{ 7 * 7 }}"},
        {"page": str(10**9)},
        {"page": "9" * 5_000},
        {"page": "-1"},
        {"page": "deux"},
        {"departement": "61' OR 1=1"},
        {"departement": "\x00"},
        {"departement": "999"},
        {"q": ["a", "b"], "page": ["1", "x"]},
    ],
    ids=str,
)
def test_no_question_breaks_the_directory(client, asked):
    OrganisationFactory(name="L’Étincelle")

    response = client.get("/annuaire", query_string=asked)

    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "<h1" in response.text


def test_a_page_after_the_last_leads_back_to_the_list(client):
    OrganisationFactory()

    page = client.get("/annuaire", query_string={"page": 7, "q": "structure"}).text

    assert "La liste s’arrête avant cette page" in page
    assert 'href="/annuaire?q=structure"' in page


def test_an_empty_answer_says_what_to_try(client):
    assert "Personne n’est encore inscrit" in client.get("/annuaire").text
    assert "Rien ne répond à cette recherche" in client.get("/annuaire", query_string={"q": "introuvable"}).text


def test_the_directory_asks_the_database_as_often_for_twenty_structures_as_for_one(client, queries):
    OrganisationFactory()
    queries.clear()
    client.get("/annuaire")
    for_one = len(queries)
    OrganisationFactory.create_batch(19)

    queries.clear()
    page = client.get("/annuaire").text

    assert "<strong>20\u00a0structures</strong>" in page
    assert page.count('class="lc-result-no"') == 20
    assert len(queries) == for_one


def test_the_page_of_a_structure_shows_what_is_published_and_nothing_else(client):
    structure = OrganisationFactory(name="Tournebride", description="Une ressourcerie.\nEt un atelier.")
    NeedFactory(organisation=structure, title="Un local de plain-pied", category=Category.PREMISES)
    NeedFactory(organisation=structure, title="Un brouillon", draft=True)
    OfferFactory(organisation=structure, title="Des chantiers de tri")
    OfferFactory(organisation=structure, title="Nous cherchons un repreneur", category=Category.SUCCESSION, is_confidential=True)

    page = client.get(f"/structures/{structure.id}").text

    assert "Un local de plain-pied" in page
    assert "Des chantiers de tri" in page
    assert '<p class="text-break">Et un atelier.</p>' in page
    assert "Un brouillon" not in page
    assert "repreneur" not in page


@pytest.mark.parametrize("signed_in", [False, True], ids=["visitor", "member of another structure"])
def test_contact_details_are_shown_to_nobody_from_outside(client, signed_in):
    structure = OrganisationFactory(
        email="secret@structure.test", phone="02 33 98 76 54", address="3 impasse cachée", website="https://tournebride.test", siret="73282932000074"
    )
    if signed_in:
        client.sign_in(UserFactory())

    for page in (client.get(f"/structures/{structure.id}").text, client.get("/annuaire").text):
        for kept in ("secret@", "98 76 54", "impasse", "tournebride.test", "73282932000074"):
            assert kept not in page
        assert "/modifier" not in page


@pytest.mark.parametrize("trait", ["own", "animator", "admin"])
def test_contact_details_are_shown_to_who_may_change_them(client, trait):
    structure = OrganisationFactory(email="secret@structure.test")
    client.sign_in(UserFactory(organisation=structure) if trait == "own" else UserFactory(**{trait: True}))

    page = client.get(f"/structures/{structure.id}").text

    assert "secret@structure.test" in page
    assert f"/structures/{structure.id}/modifier" in page


def test_an_unknown_structure_is_not_found(client):
    assert client.get(f"/structures/{uuid4()}").status_code == 404
    assert client.get("/structures/1").status_code == 404


def test_a_member_changes_the_structure_and_finds_what_was_there(client, session):
    member = UserFactory()
    structure = member.organisation
    structure.siret, structure.is_vat_registered, structure.monthly_budget = "73282932000074", False, 3
    session.flush()
    client.sign_in(member)

    page = client.get(f"/structures/{structure.id}/modifier").text
    assert 'value="Flers (61)"' in page
    assert 'value="73282932000074"' in page
    assert 'value="3"' in page
    assert 'checked class="form-check-input" id="vat-2"' in page
    assert '<option selected value="association">' in page

    response = client.post(f"/structures/{structure.id}/modifier", data=ANSWERS | {"website": "fabrique.test", "commune": "14000"})

    assert response.location == f"/structures/{structure.id}"
    session.refresh(structure)
    assert (structure.name, structure.website) == ("La Fabrique", "https://fabrique.test")
    assert (structure.commune.label, structure.territory.code) == ("Caen (14)", "14")


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("name", "   ", "Écrivez le nom de la structure."),
        ("number", "7328293200007", "Il manque 1 chiffre au SIRET"),
        ("commune", "Nulle-Part-sur-Rien", "Nous ne connaissons pas cette commune."),
        ("description", "a" * 2001, "C’est trop long"),
        ("email", "fabrique", "Cette adresse ne semble pas complète."),
        ("monthly_budget", "99999999999999", "Écrivez un nombre entre 0 et 60."),
        ("monthly_budget", "six", "entier"),
        ("idcc", "12345", "Un numéro IDCC s’écrit en chiffres, comme 1518."),
    ],
)
def test_a_structure_that_cannot_be_right_is_kept_on_the_page_and_not_saved(client, session, field, typed, message):
    member = UserFactory()
    client.sign_in(member)

    response = client.post(f"/structures/{member.organisation.id}/modifier", data=ANSWERS | {"phone": "02 31 00 00 00"} | {field: typed})

    assert response.status_code == 422
    assert message in response.text
    assert 'value="02 31 00 00 00"' in response.text
    session.refresh(member.organisation)
    assert member.organisation.name != "La Fabrique"


def test_a_number_that_another_structure_has_is_refused(client):
    OrganisationFactory(siret="73282932000074")
    member = UserFactory()
    client.sign_in(member)

    response = client.post(f"/structures/{member.organisation.id}/modifier", data=ANSWERS | {"number": "73282932000074"})

    assert response.status_code == 422
    assert "Une autre structure porte déjà ce numéro." in response.text


def test_a_structure_of_somebody_else_cannot_be_changed(client, session):
    structure = OrganisationFactory(name="Tournebride", at="Caen (14)")
    client.sign_in(UserFactory())
    assert client.post(f"/structures/{structure.id}/modifier", data=ANSWERS).status_code == 404

    client.sign_in(UserFactory(animator=True))  # of the Orne
    assert client.post(f"/structures/{structure.id}/modifier", data=ANSWERS).status_code == 404

    session.refresh(structure)
    assert structure.name == "Tournebride"


def test_an_animator_inscribes_a_structure_and_a_member_does_not(client, session):
    client.sign_in(UserFactory())
    assert 'href="/structures/nouvelle"' not in client.get("/annuaire").text
    assert client.get("/structures/nouvelle").status_code == 403

    client.sign_in(UserFactory(animator=True))
    assert 'href="/structures/nouvelle"' in client.get("/annuaire").text
    assert client.post("/structures/nouvelle", data=ANSWERS | {"name": ""}).status_code == 422
    response = client.post("/structures/nouvelle", data=ANSWERS)

    structure = session.scalars(select(Organisation).where(Organisation.name == "La Fabrique")).one()
    assert response.location == f"/structures/{structure.id}"
    assert structure.territory.code == "61"


def test_saving_the_sheet_keeps_the_rna_number_that_the_siret_hides(client):
    user = UserFactory(organisation=OrganisationFactory(siret="73282932000074", rna="W611000001"))
    db.session.commit()
    client.sign_in(user)
    path = f"/structures/{user.organisation_id}/modifier"
    shown = forms(client.get(path).text)[-1]

    client.post(path, data=shown.filled(description="Réemploi de bois."))
    db.session.expire_all()
    kept = (user.organisation.siret, user.organisation.rna, user.organisation.description)
    client.post(path, data=shown.filled(number="W611000001"))
    db.session.expire_all()

    assert kept == ("73282932000074", "W611000001", "Réemploi de bois.")
    assert (user.organisation.siret, user.organisation.rna) == (None, "W611000001")


def test_an_agreement_as_esus_that_is_over_shows_to_those_whom_it_concerns_only(client):
    organisation = OrganisationFactory(esus_until=today() - timedelta(days=1))
    member = UserFactory(organisation=organisation)
    db.session.commit()

    assert "ESUS" not in client.get(f"/structures/{organisation.id}").text
    client.sign_in(member)
    assert "L’agrément ESUS a pris fin le" in client.get(f"/structures/{organisation.id}").text
