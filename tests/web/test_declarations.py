"""The pages of needs and offers: from the choice of a category to a published announcement, and its end."""

import email
import email.policy
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Category, Eligibility, MatchingRun, MatchStatus, Need, Offer, OutboxMail, ProposalStatus, RunStatus, Status, Unit
from matchmaker.models.base import now, today
from matchmaker.services import matching, proposals
from matchmaker.web.declaration_guides import GUIDES, questions
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement, proposals_of
from tests.pages import ShownForm, forms, heading, words

SIDES = {"need": (Need, "/besoins/nouveau", "/besoins"), "offer": (Offer, "/offres/nouvelle", "/offres")}
YEAR = today().year + 1
# What a person adds to the title and the place, in each category.
TOLD = {
    Category.JOB: {"volume": "3", "contract": "cdi", "hours": "horaires décalés", "halfdays": ["0", "9"]},
    Category.POOLED_JOB: {"occupation": "Comptable associatif", "volume": "0.4", "months": ["1", "2"], "idcc": "1518", "vat": "yes", "remote_share": "50"},
    Category.PURCHASE: {"volume": "120", "volume_unit": "people", "rhythm": "date", "lead_time": "dix jours", "budget_min": "1500", "budget_max": "2000"},
    Category.PREMISES: {"volume": "80", "use": "storage", "lease": "prêt", "budget_max": "400", "flags": ["wheelchair"]},
    Category.SKILLS_SPONSORSHIP: {"volume": "15", "format": "secondment", "rhythm": "un jour par semaine", "remote_share": "100"},
    Category.PEER_TRAINING: {"volume": "12", "format": "une matinée"},
    Category.SUCCESSION: {"kind": "voluntary", "horizon_months": "14", "handover_months": "3"},
    Category.MATERIAL: {"volume": "20", "condition": "good", "pickup": "à enlever", "budget_min": "0"},
}


@pytest.fixture
def member(app, client):
    user = UserFactory(organisation=OrganisationFactory(name="Picorée"))
    db.session.commit()
    client.sign_in(user)
    return user


def the_form(client, path: str) -> ShownForm:
    """The one that asks the questions: the last of the page."""
    return forms(client.get(path).text)[-1]


def the_one(model):
    db.session.expire_all()
    return db.session.scalars(select(model)).one()


# Declaring


def test_each_category_is_offered_with_an_example(client, member):
    for path, side in (("/besoins/nouveau", "example_need"), ("/offres/nouvelle", "example_offer")):
        page = client.get(path).text
        for category, guide in GUIDES.items():
            assert f'href="{path}/{category.value}"' in page
            assert words(getattr(guide, side)) in words(page)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("category", list(Category))
def test_each_category_has_a_form_whose_answers_are_kept_and_shown(client, member, side, category):
    model, path, _page = SIDES[side]
    form = the_form(client, f"{path}/{category.value}")
    assert set(TOLD[category]) <= set(form.choices) | set(form.values)

    response = client.post(
        f"{path}/{category.value}", data=form.filled(title="Une phrase claire", description="Et la suite.", skills="Paie, compta", **TOLD[category])
    )

    assert response.status_code == 302, words(response.text)
    declaration = the_one(model)
    assert response.location.endswith(str(declaration.id))
    assert (declaration.category, declaration.status, declaration.organisation) == (category, Status.DRAFT, member.organisation)
    assert (declaration.title, declaration.commune.label, declaration.territory.code) == ("Une phrase claire", "Flers (61)", "61")
    assert declaration.skills == ["compta", "paie"]
    if "volume" in TOLD[category]:
        assert declaration.volume == Decimal(TOLD[category]["volume"])
        assert declaration.volume_unit is GUIDES[category].unit
    assert declaration.is_confidential is (category is Category.SUCCESSION)
    told = words(client.get(response.location).text)
    assert "Une phrase claire" in told
    assert "Et la suite." in told
    for name in TOLD[category].keys() & GUIDES[category].details:
        assert declaration.details[name] == TOLD[category][name] or str(declaration.details[name]) == TOLD[category][name]


@pytest.mark.parametrize("side", SIDES)
def test_one_way_from_a_draft_to_a_published_announcement(client, member, nudged, side):
    model, new, pages = SIDES[side]
    client.post(f"{new}/purchase", data=the_form(client, f"{new}/purchase").filled(title="Buffet pour douze"))
    declaration = the_one(model)
    page = client.get(f"{pages}/{declaration.id}").text
    assert heading(page) == "Buffet pour douze"
    assert f'action="{pages}/{declaration.id}/publier"' in page
    assert nudged == []

    response = client.post(f"{pages}/{declaration.id}/publier")

    assert (response.status_code, response.location) == (302, f"{pages}/{declaration.id}")
    declaration = the_one(model)
    assert declaration.status is Status.PUBLISHED
    assert declaration.expires_on == today() + timedelta(days=90)
    run = the_one(MatchingRun)
    assert (run.status, run.territory.code, run.requested_by) == (RunStatus.QUEUED, "61", None)
    assert ("tasks.matching.run_due",) in nudged
    assert "publiée jusqu’au" in words(client.get(response.location).text)


def test_a_second_announcement_waits_for_the_run_that_waits_already(client, member):
    first, second = (NeedFactory(organisation=member.organisation, draft=True) for _number in range(2))
    db.session.commit()

    for need in (first, second):
        assert client.post(f"/besoins/{need.id}/publier").status_code == 302

    assert the_one(MatchingRun).status is RunStatus.QUEUED
    assert {first.status, second.status} == {Status.PUBLISHED}


def test_publishing_twice_is_refused_and_changes_nothing(client, member):
    need = NeedFactory(organisation=member.organisation, draft=True)
    db.session.commit()
    client.post(f"/besoins/{need.id}/publier")
    published_at = the_one(Need).published_at

    assert client.post(f"/besoins/{need.id}/publier").status_code == 409
    assert the_one(Need).published_at == published_at


def test_one_reads_again_and_corrects(client, member):
    need = NeedFactory(organisation=member.organisation, volume=120, volume_unit=Unit.PEOPLE, halfdays=0, starts_on=today(), details={"rhythm": "date"})
    db.session.commit()
    form = the_form(client, f"/besoins/{need.id}/modifier")
    assert form.values["title"] == [need.title]
    assert form.values["rhythm"] == ["date"]
    assert form.values["starts_on"] == [today().isoformat()]

    response = client.post(f"/besoins/{need.id}/modifier", data=form.filled(title="Buffet pour trente", commune="Caen", areas=["14", "76"], volume=""))

    assert response.location == f"/besoins/{need.id}"
    need = the_one(Need)
    assert (need.title, need.commune.label, need.territory.code, need.volume, need.volume_unit) == ("Buffet pour trente", "Caen (14)", "14", None, None)
    assert [area.code for area in need.areas] == ["14", "76"]
    assert (need.details, need.starts_on, need.status) == ({"rhythm": "date"}, today(), Status.PUBLISHED)


def test_the_boxes_that_one_unticks_are_gone(client, member):
    offer = OfferFactory(organisation=member.organisation, category=Category.JOB, halfdays=0b11, flags=["wheelchair"], themes=["mobilite"], volume_unit=None)
    db.session.commit()
    form = the_form(client, f"/offres/{offer.id}/modifier")
    assert (form.values["halfdays"], form.values["flags"]) == (["0", "1"], ["wheelchair"])

    client.post(f"/offres/{offer.id}/modifier", data=form.filled(halfdays=[], flags=[], themes=[]))

    offer = the_one(Offer)
    assert (offer.halfdays, offer.flags, offer.themes) == (0, [], [])


def test_fields_that_the_form_does_not_ask_for_change_nothing(client, member):
    other = OrganisationFactory()
    db.session.commit()
    form = the_form(client, "/besoins/nouveau/purchase")
    forged = {
        "organisation_id": other.id,
        "status": "published",
        "is_confidential": "y",
        "territory_id": departement("76").id,
        "denied_flags": "vat",
        "score": "1",
    }

    client.post("/besoins/nouveau/purchase", data=form.filled(title="Buffet", **forged))

    need = the_one(Need)
    assert (need.organisation_id, need.status, need.is_confidential, need.territory.code) == (member.organisation.id, Status.DRAFT, False, "61")
    assert need.denied_flags == []


# What cannot be


@pytest.mark.parametrize(
    ("category", "answers", "message"),
    [
        ("purchase", {"title": ""}, "Dites en une phrase"),
        ("purchase", {"title": "\u200b \u00a0"}, "Dites en une phrase"),
        ("purchase", {"commune": ""}, "Écrivez une commune"),
        ("purchase", {"commune": "Rennes"}, "n’est pas encore ouverte dans ce département"),
        ("purchase", {"ends_on": "2020-05-01"}, "Cette date est passée."),
        ("purchase", {"starts_on": f"{YEAR}-05-02", "ends_on": f"{YEAR}-05-01"}, "La fin est avant le début."),
        ("purchase", {"skills": "x" * 61}, "chacun tient en 60 lettres"),
        ("purchase", {"flags": ["delivery"], "denied_flags": ["delivery"]}, "cochée comme possible et comme impossible"),
        ("purchase", {"volume": "0"}, "plus grand que zéro"),
        ("pooled_job", {"occupation": ""}, "Écrivez le nom du métier."),
        ("pooled_job", {"volume": "2"}, "plus grand que zéro"),
        ("pooled_job", {"idcc": "abcd"}, "s’écrit en chiffres"),
        ("succession", {"kind": ""}, "Choisissez-en une."),
        ("succession", {"horizon_months": "999"}, "de 0 à 120"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_what_was_typed_is_kept(client, member, category, answers, message):
    good = {"title": "Buffet pour douze", "description": "Sans vaisselle jetable.", "occupation": "Comptable", "kind": "salaried"}
    typed = the_form(client, f"/offres/nouvelle/{category}").filled(**good | answers)

    response = client.post(f"/offres/nouvelle/{category}", data=typed)

    assert response.status_code == 422
    assert message in words(response.text)
    for name in answers:
        assert f'id="{name}-error"' in response.text or name in {"flags", "starts_on"}
    form = forms(response.text)[-1]
    assert form.values["description"] == ["Sans vaisselle jetable."]
    for name in answers.keys() - {"title", "commune"}:
        assert form.values.get(name, [""]) == typed[name]
    assert form.values["commune"][0].startswith(typed["commune"][0])
    assert db.session.scalar(select(func.count()).select_from(Offer)) == 0


def test_a_structure_that_is_not_of_general_interest_asks_for_no_sponsorship_but_may_offer_it(client, member):
    member.organisation.eligibility = Eligibility.NO
    db.session.commit()

    page = client.get("/besoins/nouveau/skills_sponsorship")
    posted = client.post("/besoins/nouveau/skills_sponsorship", data={"title": "Un site", "commune": "Flers", "radius_km": "30"})

    assert page.status_code == posted.status_code == 200
    assert heading(page.text) == heading(posted.text) == "Le mécénat de compétences ne vous est pas ouvert"
    assert f'href="/structures/{member.organisation.id}/modifier"' in page.text
    assert db.session.scalar(select(func.count()).select_from(Need)) == 0
    assert the_form(client, "/offres/nouvelle/skills_sponsorship").values["title"] == [""]


@pytest.mark.parametrize("category", ["", "emperor", "JOB", "../job"])
def test_a_category_that_does_not_exist_is_not_found(client, member, category):
    assert client.get(f"/besoins/nouveau/{category}").status_code == 404


# Its end


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("gesture", "status"), [("pause", Status.PAUSED), ("fermer", Status.CLOSED)])
def test_leaving_withdraws_the_open_questions_and_keeps_what_was_agreed(client, member, side, gesture, status):
    model, _new, pages = SIDES[side]
    factory = NeedFactory if side == "need" else OfferFactory
    declaration = factory(organisation=member.organisation, capacity=2)
    open_match = MatchFactory(**{side: declaration})
    asked = proposals_of(open_match)
    agreed = MatchFactory(mutual=True, **{side: declaration})
    db.session.commit()

    response = client.post(f"{pages}/{declaration.id}/{gesture}")

    assert response.location == f"{pages}/{declaration.id}"
    db.session.expire_all()
    assert db.session.get_one(model, declaration.id).status is status
    assert [proposal.status for proposal in asked] == [ProposalStatus.WITHDRAWN] * 2
    assert (open_match.status, agreed.status) == (MatchStatus.ENDED, MatchStatus.CONFIRMED)
    assert "1" in words(client.get(response.location).text)


def test_a_paused_or_closed_announcement_can_be_published_again(client, member):
    need = NeedFactory(organisation=member.organisation)
    db.session.commit()
    for gesture, status in (("pause", Status.PAUSED), ("publier", Status.PUBLISHED), ("fermer", Status.CLOSED), ("publier", Status.PUBLISHED)):
        assert client.post(f"/besoins/{need.id}/{gesture}").status_code == 302
        assert the_one(Need).status is status


def test_a_draft_cannot_be_paused(client, member):
    need = NeedFactory(organisation=member.organisation, draft=True)
    db.session.commit()

    assert client.post(f"/besoins/{need.id}/pause").status_code == 409
    assert the_one(Need).status is Status.DRAFT


def test_the_list_shows_each_announcement_with_its_state(client, member):
    assert "/besoins/nouveau" in client.get("/annonces").text
    need = NeedFactory(organisation=member.organisation, title="Un besoin à nous", status=Status.PAUSED)
    OfferFactory(organisation=member.organisation, title="Une offre à nous", draft=True)
    NeedFactory(title="Un besoin d’ailleurs")
    db.session.commit()

    told = words(client.get("/annonces").text)

    assert "Un besoin à nous" in told
    assert "Une offre à nous" in told
    assert "Un besoin d’ailleurs" not in told
    assert f'href="/besoins/{need.id}"' in client.get("/annonces").text


# In confidence


def test_a_succession_in_confidence_names_nobody_before_two_yes(client, member):
    secret = OrganisationFactory(name="Coopérative du Secret", email="direction@secret.test", phone="02 99 98 97 96", at="Domfront en Poiraie (61)")
    need = NeedFactory(organisation=secret, category=Category.SUCCESSION, is_confidential=True, at="Domfront en Poiraie (61)", skills=[])
    offer = OfferFactory(organisation=member.organisation, category=Category.SUCCESSION, skills=[])
    match = MatchFactory(run=RunFactory(), need=need, offer=offer, status=MatchStatus.PREVIEW)
    asked = proposals.propose([match], today=today(), settings=mail_settings())
    db.session.commit()
    hidden = (secret.name, secret.email, secret.phone, "Domfront")

    page = client.get("/propositions").text
    told = mail_to(member.organisation.email)

    assert need.title not in words(page)
    assert "Les noms sont montrés si vous dites oui tous les deux." in words(page)
    assert [word for word in hidden if word in words(page)] == []
    assert need.title not in told
    assert [word for word in hidden if word in told] == []
    for path in (f"/structures/{secret.id}", "/annuaire", "/"):
        assert need.title not in client.get(path).text
    decline = client.get(f"/propositions/{next(one for one in asked if one.organisation_id == member.organisation_id).id}/non").text
    assert [word for word in hidden if word in words(decline)] == []

    client.post(f"/propositions/{next(one for one in asked if one.organisation_id == member.organisation_id).id}/oui")
    assert [word for word in hidden if word in words(client.get("/propositions?onglet=waiting").text)] == []
    client.sign_in(UserFactory(organisation=secret))
    client.post(f"/propositions/{next(one for one in asked if one.organisation_id == secret.id).id}/oui")

    client.sign_in(member)
    mine = next(one for one in asked if one.organisation_id == member.organisation_id)
    page = words(client.post(f"/rencontres/{mine.id}/coordonnees", follow_redirects=True).text)
    assert all(word in page for word in (secret.name, secret.email, secret.phone))


def test_a_run_names_no_structure_that_asked_for_confidence(client, app):
    secret = OrganisationFactory(name="Coopérative du Secret")
    served = NeedFactory(organisation=secret, category=Category.SUCCESSION, is_confidential=True, title="Reprise en SCOP")
    OfferFactory(category=Category.SUCCESSION, is_confidential=True, organisation=OrganisationFactory(name="Cadre du Secret"))
    NeedFactory(organisation=OrganisationFactory(name="Autre du Secret"), category=Category.SUCCESSION, is_confidential=True, at="Le Havre (76)")
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()
    client.sign_in(UserFactory(animator=True))

    page = words(client.get(f"/calculs/{run.id}").text)

    assert served.title not in page
    assert "du Secret" not in page


def mail_to(address: str) -> str:
    """All parts of the only mail to this address."""
    content = db.session.scalars(select(OutboxMail.message).where(OutboxMail.recipient == address)).one()
    message = email.message_from_bytes(content, policy=email.policy.default)
    return " ".join([str(message), *(part.get_content() for part in message.walk() if part.get_content_maintype() == "text")])


def test_an_expired_announcement_says_so_and_can_be_published(client, member):
    need = NeedFactory(organisation=member.organisation, status=Status.EXPIRED, published_at=now() - timedelta(days=91), expires_on=today() - timedelta(days=1))
    db.session.commit()

    page = client.get(f"/besoins/{need.id}").text

    assert "expirée" in words(page)
    assert client.post(f"/besoins/{need.id}/publier").status_code == 302
    assert the_one(Need).expires_on == today() + timedelta(days=90)


def test_a_part_that_does_not_fit_in_its_half_days_is_refused(client) -> None:
    client.sign_in(UserFactory())
    typed = {
        "title": "Comptable",
        "occupation": "comptable",
        "commune": "Flers (61)",
        "radius_km": "30",
        "remote_share": "0",
        "vat": "",
        "volume": "0,4",
        "halfdays": ["0", "1"],
    }

    response = client.post("/besoins/nouveau/pooled_job", data=typed)

    assert response.status_code == 422
    assert "2 par semaine font 0,2 ETP au plus" in words(response.text)
    assert client.post("/besoins/nouveau/pooled_job", data=typed | {"halfdays": ["0", "1", "2", "3"]}).status_code == 302


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("is_need", [True, False])
def test_each_field_answers_exactly_one_of_five_questions(app, category, is_need):
    with app.test_request_context():
        form = GUIDES[category].form(meta={"csrf": False})
        asked = questions(form, is_need=is_need)

    fields = [name for question in asked for name in (*question.fields, *question.rare)]
    assert len(asked) == 5
    assert sorted(fields) == sorted(field.name for field in form)
    assert all(question.fields for question in asked)
