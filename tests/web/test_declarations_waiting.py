"""What a member reads on a need without an answer: the reason, and what to change, without the name of anybody."""

import pytest

from matchmaker.extensions import db
from matchmaker.models import Category, MatchingRun, Need, RunStatus
from matchmaker.models.base import now, today
from matchmaker.services import matching
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement
from tests.pages import words


@pytest.fixture
def member(app, client):
    user = UserFactory(organisation=OrganisationFactory(name="Picorée"))
    db.session.commit()
    client.sign_in(user)
    return user


def sent() -> MatchingRun:
    """A run of the Orne as it stands when its propositions have left."""
    run = matching.rematch(departement("61"), today=today())
    run.status, run.published_at = RunStatus.PUBLISHED, now()
    db.session.commit()
    return run


@pytest.fixture
def far(member) -> Need:
    """A need of the member's that looks too near, and the offer that it misses."""
    need = NeedFactory(organisation=member.organisation, radius_km=10)
    OfferFactory(at="Argentan (61)", radius_km=100, organisation=OrganisationFactory(name="Atelier du Lin"), title="Buffets d’Argentan")
    return need


def test_a_need_without_an_answer_says_why_and_brings_in_what_would_help(client, far):
    sent()

    page = client.get(f"/besoins/{far.id}").text

    assert "Pourquoi pas encore de réponse ? Rien à moins de 10 km. L’offre la plus proche est à" in words(page)
    assert f'hx-get="/besoins/{far.id}/pourquoi"' in page


def test_the_changes_lead_to_the_field_of_the_form_and_name_nobody(client, far):
    sent()

    page = client.get(f"/besoins/{far.id}/pourquoi").text
    told = words(page)

    assert "Un seul changement aurait suffi" in told
    assert "au lieu de 10 km . Choisissez 60 km dans la liste." in told
    assert f'href="/besoins/{far.id}/modifier#radius_km"' in page
    assert 'id="radius_km"' in client.get(f"/besoins/{far.id}/modifier").text
    assert "Atelier" not in told
    assert "Buffets" not in told


def test_the_places_of_another_structure_are_not_ones_own_to_change(client, member):
    mine = NeedFactory(organisation=member.organisation, skills=["traiteur", "vin"], title="Repas d’équipe")
    NeedFactory(skills=["traiteur", "buffet"]), OfferFactory(skills=["traiteur", "buffet"])
    sent()

    told = words(client.get(f"/besoins/{mine.id}/pourquoi").text)

    assert "toutes ses places servent mieux ailleurs" in told
    assert "Aucun changement simple de votre annonce n’aurait suffi." in told


def test_an_announcement_that_was_changed_since_waits_for_the_next_run(client, far):
    sent()
    far.radius_km = 30
    db.session.commit()

    assert "le prochain calcul en tiendra compte" in words(client.get(f"/besoins/{far.id}/pourquoi").text)


def test_nothing_is_said_before_a_run_was_sent_of_a_served_need_or_of_an_offer(client, member, far):
    offer = OfferFactory(organisation=member.organisation, category=Category.MATERIAL)
    served = NeedFactory(organisation=member.organisation, category=Category.PREMISES)
    OfferFactory(category=Category.PREMISES)
    matching.rematch(departement("61"), today=today())
    db.session.commit()
    assert "Pourquoi pas encore" not in client.get(f"/besoins/{far.id}").text
    sent()

    assert "Pourquoi pas encore" not in client.get(f"/besoins/{served.id}").text
    assert "Pourquoi pas encore" not in client.get(f"/offres/{offer.id}").text
    assert client.get(f"/besoins/{served.id}/pourquoi").status_code == 404
    far.status = "paused"
    db.session.commit()
    assert "Pourquoi pas encore" not in client.get(f"/besoins/{far.id}").text


def test_a_succession_is_told_no_distance(client, member):
    need = NeedFactory(organisation=member.organisation, category=Category.SUCCESSION, radius_km=10)
    OfferFactory(category=Category.SUCCESSION, at="Argentan (61)", radius_km=100, is_confidential=True)
    sent()

    told = words(client.get(f"/besoins/{need.id}/pourquoi").text)

    assert "1 offre écartée : hors de portée" in told
    assert "km" not in told


def test_a_need_of_somebody_else_is_not_there(client, far):
    sent()
    client.sign_in(UserFactory())

    assert client.get(f"/besoins/{far.id}/pourquoi").status_code == 404
