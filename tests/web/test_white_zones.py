"""The page of the white zones: what anybody reads, what only who looks after the territory does."""

from datetime import date, datetime, timedelta

import pytest
import time_machine

from matchmaker.extensions import db
from matchmaker.models.base import PARIS, now
from matchmaker.services import observatory_places, white_zones
from tests.factories import NeedFactory, OfferFactory, UserFactory, commune, departement, mutual_match, venue
from tests.pages import forms, words


@pytest.fixture
def autumn(app):
    """Six gardens at Flers with nobody to keep them, three meals of which one was found; nights of October and of yesterday."""
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=PARIS), tick=False):
        long_ago = now() - timedelta(days=40)
        for _ in range(6):
            NeedFactory(title="Tondre un hectare", skills=["espaces verts"], published_at=long_ago)
        for _ in range(2):
            NeedFactory(published_at=long_ago)
        match = mutual_match(confirmed_at=now() - timedelta(days=35))
        match.need.published_at = match.offer.published_at = long_ago
        OfferFactory(title="Deux équipes de jardiniers", skills=["espaces verts"], at="Caen (14)", published_at=long_ago)
        db.session.flush()
        white_zones.take(date(2026, 10, 31))
        white_zones.take(date(2026, 11, 23))
        db.session.commit()
        yield


def test_before_the_first_night_the_page_says_so(client):
    page = client.get("/zones-blanches")

    assert page.status_code == 200
    assert "Pas encore de relevé" in page.text


def test_a_territory_that_is_not_there_is_said(client, autumn):
    for code, status in (("departement-99", 404), ("x" * 3000, 404), ("departement-61", 200), ("", 200), (f"epci-{'9' * 9}", 404)):
        page = client.get(f"/zones-blanches?territoire={code}")
        assert page.status_code == status, code
    assert "Ce territoire n’est pas dans l’observatoire" in client.get("/zones-blanches?territoire=lune").text


def test_anybody_reads_where_no_offer_is_near_and_how_far_it_is(client, autumn):
    page = words(client.get("/zones-blanches?territoire=departement-61").text)

    assert "Une zone blanche où aller en premier" in page
    assert "besoins sans offre possible près d’eux 6 sur 9 besoins publiés" in page
    assert "Caen, 51 km" in page
    assert "pas de changement" in page
    assert "Joindre qui anime" in page
    assert "lc-map" in client.get("/zones-blanches").text


def test_who_said_yes_is_hidden_from_the_public_where_it_is_one_alone(client, autumn):
    public = client.get("/zones-blanches?territoire=departement-61").text
    assert "non publié" in public
    assert 'data-label="Sans oui">8<' not in public

    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert 'data-label="Sans oui">8<' not in client.get("/zones-blanches?territoire=departement-61").text
    client.sign_in(UserFactory(animator=True))
    assert 'data-label="Sans oui">8<' in client.get("/zones-blanches?territoire=departement-61").text


def test_an_animator_goes_from_a_white_zone_to_a_job_dating_there(client, autumn):
    place = venue()
    db.session.commit()
    client.sign_in(UserFactory(animator=True))

    page = client.get("/zones-blanches?territoire=departement-61").text

    assert f"lieu={place.id}" in page
    assert "Préparer un job dating pour Flers Agglo" in page
    link = page.split('href="/mes-job-datings/nouveau')[1].split('"')[0].replace("&amp;", "&")
    form = client.get(f"/mes-job-datings/nouveau{link}")
    assert form.status_code == 200
    shown = forms(form.text)[-1].values
    assert shown["venue_id"] == [str(place.id)]
    assert shown["territory_id"] == [str(observatory_places.places().named(f"epci-{commune().epci_code}").id)]
    assert client.get("/mes-job-datings/nouveau?lieu=x&territoire=' OR 1=1").status_code == 200


def test_the_page_takes_as_many_queries_for_many_zones_as_for_few(client, autumn, queries):
    client.get("/zones-blanches")
    queries.clear()
    client.get("/zones-blanches")
    few = len(queries)
    for at in ("Alençon (61)", "Rouen (76)", "Évreux (27)", "Saint-Lô (50)", "Dieppe (76)"):
        NeedFactory(at=at, skills=["lin"], published_at=now() - timedelta(days=3))
    db.session.query(white_zones.WhiteZone).filter_by(day=date(2026, 11, 23)).delete()
    white_zones.take(date(2026, 11, 23))
    db.session.commit()
    queries.clear()

    page = client.get("/zones-blanches").text

    assert "Rouen" in page
    assert len(queries) == few


def test_an_intercommunalite_has_its_categories_with_their_months(client, autumn):
    path = f"/zones-blanches/epci-{commune().epci_code}"
    public = client.get(path).text

    assert "Ce qui manque : Flers Agglo" in words(public)
    assert "0 le 31 octobre, maintenant" not in words(public)
    assert "6 le 31 octobre, maintenant" in words(public)
    assert "Caen, 51 km" in words(public)
    assert "lc-spark" in public
    assert "31 octobre 2026, après coup" not in words(public)
    assert "Sans oui" not in public
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert "Sans oui" not in client.get(path).text

    client.sign_in(UserFactory(animator=True))
    inside = words(client.get(path).text)
    assert "8 le 31 octobre, maintenant" in inside
    assert "Sans oui" in inside
    assert "Offres sans oui" in inside
    assert f'href="{path}"' in client.get("/zones-blanches").text


@pytest.mark.parametrize("code", ["departement-61", "region-28", "epci-999999999", "x" * 3000, "epci-'"])
def test_only_an_intercommunalite_has_such_a_page(client, autumn, code):
    assert client.get(f"/zones-blanches/{code}").status_code == 404


def test_an_intercommunalite_says_that_nothing_was_published_or_written_down(client):
    path = f"/zones-blanches/epci-{commune('Le Havre (76)').epci_code}"
    assert "Pas encore de relevé" in client.get(path).text

    NeedFactory(published_at=now() - timedelta(days=3))
    white_zones.take((now() - timedelta(days=1)).date())
    db.session.commit()

    assert "Rien n’a été publié ici" in client.get(path).text


def test_the_curve_of_a_territory_is_of_yes_for_its_animator_and_of_distance_for_anybody(client, autumn):
    public = client.get("/zones-blanches?territoire=departement-61").text
    assert "Besoins sans offre possible à moins de 30" in words(public)
    assert "lc-chart" in public
    client.sign_in(UserFactory(animator=True))

    assert "en trait plein, les besoins" in client.get("/zones-blanches?territoire=departement-61").text


def test_what_is_without_a_yes_is_told_to_the_public_in_bands(client, autumn):
    """Twenty needs and ten yes: both large enough to be shown, and one more yes next month changes nothing."""
    month = date(2026, 10, 31)
    db.session.query(white_zones.WhiteZone).filter_by(day=month).update({"needs": 23, "unmet": 12, "far": 0})
    db.session.query(white_zones.WhiteZone).filter_by(day=month, needs=0).delete()
    db.session.commit()
    before = client.get("/zones-blanches?territoire=departement-61").text
    assert 'data-label="Sans oui">10 à 14<' in before
    db.session.query(white_zones.WhiteZone).filter_by(day=month).update({"unmet": 11})
    db.session.commit()

    assert client.get("/zones-blanches?territoire=departement-61").text == before
