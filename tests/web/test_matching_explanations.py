"""The pages that explain a run: why this offer, why not that one, and what would serve who has nobody."""

import re
from uuid import uuid4

import pytest

from matchmaker.engine.changes import Kind
from matchmaker.extensions import db
from matchmaker.models import Category, MatchingRun, Need, Offer
from matchmaker.models.base import today
from matchmaker.services import matching
from matchmaker.services.matching_changes import ShownChange
from matchmaker.web import explanation_words
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement
from tests.pages import heading, words


@pytest.fixture
def animator(app, client):
    user = UserFactory(animator=True)
    db.session.commit()
    client.sign_in(user)
    return user


def named(name: str, **fields: object) -> dict[str, object]:
    return {"organisation": OrganisationFactory(name=name, at=fields.get("at", "Flers (61)")), **fields}


@pytest.fixture
def contested(app, animator) -> tuple[MatchingRun, Need, Need, Offer]:
    near = NeedFactory(title="Traiteur de saison", skills=["traiteur", "buffet"], **named("Picorée"))
    far = NeedFactory(title="Repas d’équipe", skills=["traiteur", "vin"], **named("Le Tréteau", at="Argentan (61)", radius_km=60))
    offer = OfferFactory(title="Buffets de saison", skills=["traiteur", "buffet"], radius_km=60, **named("Atelier du Lin"))
    OfferFactory(title="Tonte de pelouses", skills=["haies"], **named("Verger Vert"))
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()
    return run, near, far, offer


def test_a_served_need_shows_its_offer_with_every_criterion_in_points_of_one_hundred(client, contested):
    run, near, _far, _offer = contested

    page = client.get(f"/calculs/{run.id}/besoins/{near.id}").text
    told = words(page)

    assert heading(page) == "« Traiteur de saison » a trouvé 1 offre"
    assert "Atelier du Lin" in told
    assert "Compétences et mots-clés buffet, traiteur 25 sur 25" in told
    earned = [int(number) for number in re.findall(r'data-label="Points">(\d+) sur', page)]
    assert sum(earned) == run.matches[0].points
    assert f"Accord des annonces {run.matches[0].points} sur 100" in told
    assert f'href="/calculs/{run.id}/offres/{run.matches[0].offer_id}"' in page


def test_an_unserved_need_says_why_what_was_missing_and_who_holds_the_place(client, contested):
    run, _near, far, offer = contested

    page = client.get(f"/calculs/{run.id}/besoins/{far.id}?offre={offer.id}").text
    told = words(page)

    assert heading(page) == "Pourquoi « Repas d’équipe » n’a pas d’offre"
    assert "toutes ses places servent mieux ailleurs" in told
    assert re.search(r"il manquait \d+(,\d)? points", told)
    assert "Sa place sert à « Traiteur de saison » (Picorée, association, Flers)" in told
    assert "une place de plus vaudrait jusqu’à" in told
    assert f'hx-get="/calculs/{run.id}/besoins/{far.id}/changements"' in page


def test_the_smallest_changes_are_told_as_things_to_do(client, contested):
    run, _near, far, _offer = contested

    page = client.get(f"/calculs/{run.id}/besoins/{far.id}/changements").text

    assert "« Buffets de saison » : accueillir 2 partenaires au lieu de 1" in words(page)
    assert 'id="remedes"' in page


def test_an_offer_that_is_out_of_reach_is_found_by_its_name_and_explained(client, contested):
    run, _near, far, _offer = contested

    found = client.get(f"/calculs/{run.id}/besoins/{far.id}", query_string={"q": "verger"}).text
    link = re.search(r'href="\?(offre=[^"#]+)#pourquoi-pas">Tonte de pelouses', found)
    assert link is not None
    told = words(client.get(f"/calculs/{run.id}/besoins/{far.id}?{link[1].replace('&amp;', '&')}").text)

    assert "Les deux ne peuvent pas se rencontrer : hors de portée" in told
    assert "Aucune offre de cette catégorie" in words(client.get(f"/calculs/{run.id}/besoins/{far.id}?q=zzz").text)


def test_an_offer_shows_whom_it_serves_and_who_waits(client, contested):
    run, _near, far, offer = contested

    page = client.get(f"/calculs/{run.id}/offres/{offer.id}").text

    assert heading(page) == "« Buffets de saison » sert 1 besoin"
    assert "1 place prise, sur 2 besoins possibles" in words(page)
    assert f"/calculs/{run.id}/besoins/{far.id}" in page


def test_a_succession_in_confidence_shows_neither_name_nor_distance_nor_points(client, animator):
    need = NeedFactory(category=Category.SUCCESSION, title="Direction à transmettre", is_confidential=True, **named("Maison Secrète"))
    offer = OfferFactory(category=Category.SUCCESSION, title="Cadre cherche à diriger", **named("Ressources"), at="Argentan (61)", radius_km=100)
    away = OfferFactory(category=Category.SUCCESSION, title="Cadre plus loin", **named("Ailleurs"), at="L'Aigle (61)", radius_km=100)
    alone = NeedFactory(category=Category.SUCCESSION, title="Présidence à reprendre", is_confidential=True, radius_km=10, **named("Maison Muette"))
    need.radius_km = 60
    run = matching.rematch(departement("61"), today=today())
    db.session.commit()

    pages = [
        client.get(f"/calculs/{run.id}/besoins/{need.id}?offre={away.id}").text,
        client.get(f"/calculs/{run.id}/besoins/{alone.id}?offre={away.id}").text,
        client.get(f"/calculs/{run.id}/besoins/{alone.id}/changements").text,
        client.get(f"/calculs/{run.id}/offres/{offer.id}").text,
    ]

    for page in pages:
        told = words(page)
        assert "Maison" not in told
        assert "Direction à transmettre" not in told
        assert "Présidence à reprendre" not in told
        assert not re.search(r"\d km", told)
        assert "sur 20" not in told
    assert "Le détail des points n’est pas montré" in words(pages[0])
    assert "Transmission en confiance" in words(pages[0])


def test_runs_needs_and_offers_of_others_are_not_there(client, contested):
    run, near, _far, offer = contested
    foreign = RunFactory(territory=departement("76"))
    empty = RunFactory(territory=departement("61"), status="superseded")
    elsewhere = NeedFactory(at="Caen (14)")
    db.session.commit()

    for path in (
        f"/calculs/{foreign.id}/besoins/{near.id}",
        f"/calculs/{empty.id}/besoins/{near.id}",
        f"/calculs/{run.id}/besoins/{elsewhere.id}",
        f"/calculs/{run.id}/besoins/{uuid4()}/changements",
        f"/calculs/{run.id}/offres/{near.id}",
    ):
        assert client.get(path).status_code == 404
    assert client.get(f"/calculs/{run.id}/besoins/{near.id}?offre=rien&q=%00").status_code == 200
    assert client.get(f"/calculs/{run.id}/offres/{offer.id}").status_code == 200


@pytest.mark.parametrize(
    ("kind", "before", "after", "sentence"),
    [
        (Kind.RADIUS, 30, 42, "Chercher jusqu’à 42 km au lieu de 30 km"),
        (Kind.HALFDAYS, 0b1, 0b10001, "Accepter aussi le mercredi matin"),
        (Kind.FLAGS, 0b110, 0b100, "Ne plus exiger : permis B"),
        (Kind.DATES, 0, -3, "Décaler les dates de 3 jours plus tôt"),
        (Kind.DATES, 0, 1, "Décaler les dates de 1 jour plus tard"),
        (Kind.CAPACITY, 2, 3, "« Buffets » : accueillir 3 partenaires au lieu de 2"),
    ],
)
def test_a_change_is_told_in_words(app, kind, before, after, sentence):
    offer = OfferFactory(title="Buffets")

    told = explanation_words.change(ShownChange(kind, before, after, offer, 0, offer))

    assert words(told) == sentence


@pytest.mark.parametrize(("millionths", "sentence"), [(9_999, "0,9 point"), (15_000, "1,5 point"), (20_000, "2 points"), (327_452, "32 points")])
def test_points_are_told_in_few_digits(millionths, sentence):
    assert words(explanation_words.points(millionths)) == sentence


def test_the_menu_says_where_one_is(client, contested):
    run, near, _far, _offer = contested

    assert '<a href="/calculs" aria-current="page">' in client.get(f"/calculs/{run.id}/besoins/{near.id}").text
