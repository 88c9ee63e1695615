"""The pages of venues: who sees which, what is asked, what is refused and in what words."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Venue
from matchmaker.services import job_datings, venues
from matchmaker.services.venues import RoomPlan
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, OrganisationFactory, UserFactory, departement, venue


def typed(**changed: str) -> dict[str, str]:
    """The form as a host fills it in."""
    answers = {
        "name": "La Verrière",
        "commune": "Flers (61)",
        "authorised_headcount": "49",
        "staff_count": "2",
        **{f"rooms-{row}-{key}": "" for row in range(4) for key in ("name", "tables", "accessible_tables")},
        "rooms-0-name": "Grande salle",
        "rooms-0-tables": "6",
        "rooms-0-accessible_tables": "2",
    }
    return answers | changed


@pytest.fixture
def host(client):
    user = UserFactory(host=True)
    db.session.commit()
    client.sign_in(user)
    return user


def test_a_host_describes_a_venue_and_sees_its_tables(client, host):
    response = client.post("/lieux/nouveau", data=typed(**{"rooms-2-name": "Mezzanine", "rooms-2-tables": "1"}), follow_redirects=True)

    place = db.session.scalars(select(Venue)).one()
    assert response.status_code == 200
    assert "La Verrière" in response.text
    assert "7\u00a0tables" in response.text
    assert place.organisation == host.organisation
    assert venues.room_plans(place) == [RoomPlan("Grande salle", 6, 2), RoomPlan("Mezzanine", 1, 0)]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": "  "}, "Dites comment s’appelle le lieu."),
        ({"commune": "Nullepart-sur-Rien"}, "Nous ne connaissons pas cette commune."),
        ({"commune": "Lyon (69)"}, "pas encore ouverte dans ce département"),
        ({"authorised_headcount": "beaucoup"}, "Écrivez un nombre de personnes"),
        ({"authorised_headcount": "0"}, "Écrivez un nombre de personnes"),
        ({"authorised_headcount": "9" * 400}, "Écrivez un nombre de personnes"),
        ({"staff_count": "50"}, "elle ne peut pas le dépasser"),
        ({"staff_count": "-1"}, "zéro compris"),
        ({"rooms-0-name": ""}, "Donnez un nom à cette salle."),
        ({"rooms-0-tables": ""}, "Écrivez combien il y a de tables"),
        ({"rooms-0-tables": "six"}, "Écrivez combien il y a de tables"),
        ({"rooms-0-tables": "61"}, "Écrivez combien il y a de tables"),
        ({"rooms-0-accessible_tables": "7"}, "au plus celui des tables"),
        ({"rooms-0-accessible_tables": "-1"}, "au plus celui des tables"),
        ({"rooms-1-name": "GRANDE SALLE", "rooms-1-tables": "2"}, "Deux salles ont le même nom."),
        ({"rooms-0-name": "", "rooms-0-tables": "", "rooms-0-accessible_tables": ""}, "Décrivez au moins une salle"),
    ],
)
def test_a_wrong_answer_is_told_beside_its_field_and_what_was_typed_is_kept(client, host, changed, sentence):
    response = client.post("/lieux/nouveau", data=typed(address="12 rue du Lavoir", **changed))

    assert response.status_code == 422
    assert sentence in response.text
    assert "not a valid" not in response.text.lower()
    assert "12 rue du Lavoir" in response.text
    assert db.session.scalar(select(func.count()).select_from(Venue)) == 0


def test_a_fifth_room_is_not_taken(client, host):
    rooms = {f"rooms-{row}-{key}": value for row in range(6) for key, value in (("name", f"Salle {row}"), ("tables", "1"), ("accessible_tables", "0"))}

    client.post("/lieux/nouveau", data=typed(**rooms))

    assert len(db.session.scalars(select(Venue)).one().rooms) == 4


def test_a_host_changes_the_description_and_finds_the_form_as_it_was_left(client, host):
    place = venue(host.organisation, tables=3)
    db.session.commit()

    form = client.get(f"/lieux/{place.id}/modifier")
    response = client.post(f"/lieux/{place.id}/modifier", data=typed(is_accessible="y"))

    assert 'value="Grande salle"' in form.text
    assert 'value="Flers (61)"' in form.text
    assert response.status_code == 302
    db.session.expire_all()
    assert (place.name, place.is_accessible, len(place.tables)) == ("La Verrière", True, 6)


def test_tables_that_hold_a_plan_are_not_changed_and_the_page_says_why(client, host):
    place = venue(host.organisation, tables=3)
    job_datings.choose(JobDatingFactory(venue=place), [MatchFactory(mutual=True)])
    db.session.commit()

    response = client.post(f"/lieux/{place.id}/modifier", data=typed())

    assert response.status_code == 422
    assert "Des entretiens sont prévus à ces tables" in response.text
    db.session.expire_all()
    assert (place.name, len(place.tables)) == ("Le Palonnier", 3)


def test_tables_that_an_old_plan_keeps_are_told_as_such(client, host):
    place = venue(host.organisation, tables=3)
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True)])
    job_datings.cancel(job_dating, settings=mail_settings())
    db.session.commit()

    response = client.post(f"/lieux/{place.id}/modifier", data=typed())

    assert response.status_code == 422
    assert "Un ancien plan garde ces tables" in response.text
    assert "Des entretiens sont prévus" not in response.text


def test_the_limit_of_people_does_not_go_below_what_a_published_job_dating_needs(client, host):
    place = venue(host.organisation, tables=6)
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True) for _ in range(2)])
    job_datings.publish(job_dating, settings=mail_settings())
    db.session.commit()
    rooms = {"rooms-0-accessible_tables": "1"}

    refused = client.post(f"/lieux/{place.id}/modifier", data=typed(authorised_headcount="5", **rooms))
    taken = client.post(f"/lieux/{place.id}/modifier", data=typed(authorised_headcount="6", **rooms))

    assert refused.status_code == 422
    assert "attend 6\u00a0personnes, équipe comprise. Écrivez 6 au moins." in refused.text
    assert 'id="authorised_headcount-error"' in refused.text
    assert taken.status_code == 302
    db.session.expire_all()
    assert place.authorised_headcount == 6


def test_one_table_is_written_in_the_singular(client, host):
    place = venue(host.organisation, tables=1)
    db.session.commit()

    page = client.get(f"/lieux/{place.id}").text

    assert "<dt>table</dt>" in page
    assert "<dt>table accessible</dt>" in page


def test_the_list_holds_the_venues_in_ones_hands(client, host):
    venue(host.organisation)
    elsewhere = venue(OrganisationFactory(at="Caen (14)"))
    elsewhere.name = "La Criée Douce"
    db.session.commit()

    page = client.get("/lieux").text

    assert "Le Palonnier" in page
    assert "La Criée Douce" not in page
    assert "Décrire un autre lieu" in page


def test_an_empty_list_says_what_to_do(client, host):
    assert "Décrire un lieu" in client.get("/lieux").text


def test_an_animator_sees_and_changes_the_venues_of_its_territories_but_opens_none(client):
    here, elsewhere = venue(), venue(OrganisationFactory(at="Caen (14)"))
    animator = UserFactory(animator=True, territories=[departement("61")])
    db.session.commit()
    client.sign_in(animator)

    assert client.get(f"/lieux/{here.id}").status_code == 200
    assert client.post(f"/lieux/{here.id}/modifier", data=typed()).status_code == 302
    assert client.get(f"/lieux/{elsewhere.id}").status_code == 404
    assert client.get("/lieux/nouveau").status_code == 403
    assert client.post("/lieux/nouveau", data=typed()).status_code == 403


@pytest.mark.parametrize("path", ["", "/modifier"])
def test_somebody_elses_venue_is_as_absent_as_none(client, host, path):
    foreign = venue()
    db.session.commit()

    assert client.get(f"/lieux/{foreign.id}{path}").status_code == 404
    assert client.get(f"/lieux/{uuid4()}{path}").status_code == 404
    assert client.post(f"/lieux/{foreign.id}/modifier", data=typed()).status_code == 404


@pytest.mark.parametrize("path", ["/lieux", "/lieux/nouveau"])
def test_members_have_no_venues_and_strangers_sign_in_first(client, path):
    assert client.get(path).status_code == 302
    member = UserFactory()
    db.session.commit()
    client.sign_in(member)
    assert client.get(path).status_code == 403
