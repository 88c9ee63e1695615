"""A host prepares a year of job datings, and shares the pairs out over them."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import OutboxMail, Series
from matchmaker.models.base import PARIS, now, today
from matchmaker.services import job_datings, series, venue_bookings
from tests.factories import MatchFactory, NeedFactory, OrganisationFactory, UserFactory, venue
from tests.pages import heading, words
from tests.services.test_series import prepared


@pytest.fixture
def host(client):
    user = UserFactory(host=True)
    client.sign_in(user)
    return user


def typed(place, **more):
    return {
        "title": "Les jeudis du Palonnier",
        "venue_id": str(place.id),
        "first": f"{today() + timedelta(days=30)}",
        "weeks": "4",
        "count": "4",
        "starts": "09:00",
        "ends": "12:00",
        "round_minutes": "12",
        **more,
    }


def test_a_series_is_prepared_shared_out_and_read(client, host):
    place = venue(host.organisation)
    MatchFactory(mutual=True)
    MatchFactory(mutual=True)
    db.session.commit()

    made = client.post("/mes-job-datings/series/nouvelle", data=typed(place))
    shared = client.post(f"{made.location}/repartition")
    page = client.get(made.location)

    assert "personne n’est demandé deux fois" in words(page.text)
    assert "Qui vient à plusieurs dates" not in words(page.text)
    assert (made.status_code, shared.status_code) == (302, 302)
    assert heading(page.text) == "4 dates, 2 entretiens"
    assert "2 paires ont une date" in words(page.text)
    assert "Les jeudis du Palonnier" in words(client.get("/mes-job-datings/series").text)
    assert db.session.query(OutboxMail).count() == 0


def test_a_new_series_says_that_nobody_is_expected_yet_and_then_who_comes_to_several_dates(client, host):
    made = prepared(venue(host.organisation), count=2)
    db.session.commit()
    assert "personne n’y est encore attendu" in words(client.get(f"/mes-job-datings/series/{made.id}").text)

    buyer = OrganisationFactory(name="Mairie de Flers")
    for job_dating in made.job_datings:
        job_datings.choose(job_dating, [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer))])
    db.session.commit()
    page = words(client.get(f"/mes-job-datings/series/{made.id}").text)

    assert "vient à plusieurs dates" in page
    assert "Mairie de Flers : 2 dates" in page


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"title": ""}, "Donnez-lui un titre."),
        ({"first": "2020-01-01"}, "Cette date est passée."),
        ({"first": "9999-12-31"}, "plus de deux ans"),
        ({"count": "1"}, "Écrivez un nombre de 2 à 12."),
        ({"count": "9" * 400}, "Écrivez un nombre de 2 à 12."),
        ({"ends": "08:00"}, "La fin vient une heure au moins après le début"),
        ({"ends": "x"}, ""),
        ({"weeks": "0"}, "choix"),
        ({"venue_id": "00000000-0000-4000-8000-000000000000"}, "choix"),
        ({"round_minutes": "0"}, "Écrivez un nombre de 3 à 60."),
    ],
)
def test_a_wrong_answer_is_told_and_no_date_is_made(client, host, wrong, sentence):
    place = venue(host.organisation)
    db.session.commit()

    answer = client.post("/mes-job-datings/series/nouvelle", data=typed(place, **wrong))

    assert (answer.status_code, sentence in words(answer.text)) == (422, True)
    assert db.session.query(Series).count() == 0


def test_the_page_warns_where_the_venue_is_kept_for_something_else(client, host):
    place = venue(host.organisation)
    made = prepared(place)
    first = made.job_datings[0]
    venue_bookings.block(place, starts_at=first.starts_at, ends_at=first.ends_at, reason="Travaux")
    db.session.commit()

    assert "gardé pour autre chose ce jour-là : Travaux." in words(client.get(f"/mes-job-datings/series/{made.id}").text)


def test_nobody_sees_or_changes_the_series_of_others(client, host):
    made = prepared()
    db.session.commit()

    assert client.get(f"/mes-job-datings/series/{made.id}").status_code == 404
    assert client.post(f"/mes-job-datings/series/{made.id}/repartition").status_code == 404
    client.sign_in(UserFactory(animator=True))
    assert client.get(f"/mes-job-datings/series/{made.id}").status_code == 200


def test_without_a_venue_or_a_series_the_pages_say_what_to_do(client, host):
    assert heading(client.get("/mes-job-datings/series").text) == "Pas encore de série"
    assert "Il faut d’abord un lieu" in words(client.get("/mes-job-datings/series/nouvelle").text)


def test_a_series_whose_dates_are_all_published_or_past_is_not_shared_out(client, host):
    place = venue(host.organisation)
    made = prepared(place, count=2)
    for job_dating in made.job_datings:
        job_dating.starts_at = now() - timedelta(days=2)
        job_dating.ends_at = job_dating.starts_at + timedelta(hours=3)
    db.session.commit()

    client.post(f"/mes-job-datings/series/{made.id}/repartition")

    page = client.get(f"/mes-job-datings/series/{made.id}")
    assert "Aucune date de cette série n’est encore à préparer." in words(page.text)
    assert "Répartir les paires" not in page.text
    assert made.job_datings[0].starts_at.astimezone(PARIS) < now()
    assert series.drafts(made) == []
