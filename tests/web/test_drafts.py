"""Writing an announcement: it is kept as it stands, found again elsewhere, and says who could answer."""

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import DeclarationDraft, Need
from tests.factories import OfferFactory, OrganisationFactory, UserFactory
from tests.pages import forms, words

FORM = "/besoins/nouveau/purchase"


@pytest.fixture
def organisation(client):
    organisation = OrganisationFactory()
    client.sign_in(UserFactory(organisation=organisation))
    return organisation


def drafts() -> list[DeclarationDraft]:
    return list(db.session.scalars(select(DeclarationDraft), execution_options={"populate_existing": True}))


def form_of(page: str):
    return next(form for form in forms(page) if "title" in form.values)


def test_what_is_typed_is_kept_right_or_wrong_and_found_again_by_a_colleague(client, organisation):
    typed = {"title": "Un traiteur <b>", "volume": "douze", "starts_on": "31/31", "flags": ["delivery"], "etape": "3"}
    kept = client.post(f"{FORM}/brouillon", data=typed, headers={"HX-Request": "true"})
    assert "Brouillon enregistré à" in words(kept.text)

    client.sign_in(UserFactory(organisation=organisation))
    page = client.get(FORM).text

    shown = form_of(page).values
    assert (shown["title"], shown["volume"], shown["starts_on"], shown["flags"], shown["etape"]) == (
        ["Un traiteur <b>"],
        ["douze"],
        ["31/31"],
        ["delivery"],
        ["3"],
    )
    assert "Voici votre brouillon du" in words(page)
    assert "Un traiteur &lt;b&gt;" in client.get("/annonces").text


def test_its_button_keeps_it_without_script_and_leads_to_the_list(client, organisation):
    response = client.post(f"{FORM}/brouillon", data={"title": "Un traiteur"}, follow_redirects=True)

    assert "Votre brouillon est gardé" in words(response.text)
    assert "Commencé, pas encore fini" in words(response.text)


def test_nobody_else_sees_it(client, organisation):
    client.post(f"{FORM}/brouillon", data={"title": "Un traiteur"})
    client.sign_in(UserFactory())

    assert "Un traiteur" not in client.get(FORM).text + client.get("/annonces").text


def test_an_announcement_takes_the_place_of_its_draft(client, organisation):
    client.post(f"{FORM}/brouillon", data={"title": "Un traiteur"})
    response = client.post(FORM, data=form_of(client.get(FORM).text).values)

    assert response.status_code == 302
    assert db.session.scalars(select(Need)).one().title == "Un traiteur"
    assert drafts() == []


def test_a_form_with_an_error_keeps_its_draft_and_what_was_just_sent(client, organisation):
    client.post(f"{FORM}/brouillon", data={"title": "Un traiteur"})
    response = client.post(FORM, data=form_of(client.get(FORM).text).filled(title="Un autre", volume="douze"))

    assert response.status_code == 422
    assert form_of(response.text).values["title"] == ["Un autre"]
    assert "data-questions>" not in response.text
    assert len(drafts()) == 1


def test_one_may_begin_anew(client, organisation):
    client.post(f"{FORM}/brouillon", data={"title": "Un traiteur"})
    client.post(f"{FORM}/recommencer")

    assert form_of(client.get(FORM).text).values["title"] == [""]
    assert drafts() == []


def test_an_offer_has_its_own_draft(client, organisation):
    client.post("/offres/nouvelle/purchase/brouillon", data={"title": "Nos buffets"})

    assert form_of(client.get(FORM).text).values["title"] == [""]
    assert form_of(client.get("/offres/nouvelle/purchase").text).values["title"] == ["Nos buffets"]


def test_a_category_that_is_none_is_not_there(client, organisation):
    for path in ("brouillon", "recommencer"):
        assert client.post(f"/besoins/nouveau/rien/{path}").status_code == 404
    assert client.get("/offres/nouvelle/rien/autour").status_code == 404


def test_few_are_not_counted_aloud_and_nobody_is_named(client, organisation):
    OfferFactory(organisation=OrganisationFactory(name="Le Lavoir"))
    db.session.commit()

    page = client.get(f"{FORM}/autour?commune=Flers+(61)&radius_km=30").text
    assert "Moins de 3 structures pourraient répondre à moins de 30 km" in words(page)
    assert "Le Lavoir" not in page

    for _offer in range(3):
        OfferFactory()
    db.session.commit()
    page = words(client.get(f"{FORM}/autour?commune=Flers+(61)&radius_km=30").text)
    assert "4 structures pourraient répondre" in page
    assert "4 associations." in page
    assert "Aucune structure ne pourrait encore répondre" in words(client.get(f"{FORM}/autour?commune=Rouen&radius_km=10").text)


@pytest.mark.parametrize("query", ["", "commune=Nulle+part", "commune=Flers+(61)&radius_km=-3", "radius_km=30", "commune=%00&radius_km=999999999999"])
def test_nonsense_counts_nothing_and_breaks_nothing(client, organisation, query):
    assert client.get(f"{FORM}/autour?{query}").status_code == 200


def test_a_draft_that_is_read_again_before_publishing_says_who_could_answer(client, organisation):
    response = client.post(FORM, data=form_of(client.get(FORM).text).filled(title="Un traiteur"), follow_redirects=True)

    assert "Qui pourrait répondre" in words(response.text)


def test_the_five_questions_have_their_words(client, organisation):
    page = words(client.get(FORM).text)

    for told in ("Question 1 sur 5 Que cherchez-vous", "Question 5 sur 5", "Ce que ce n’est pas", "Un exemple"):
        assert told in page
