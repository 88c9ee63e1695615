"""The four steps of setting up a job dating: nothing typed is lost on the way, and each says at once what fits."""

from datetime import time, timedelta

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import JobDating, Seated, VenueHours
from matchmaker.models.base import today
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OrganisationFactory, venue
from tests.pages import forms, heading, words
from tests.web.test_job_datings import CHOICE, PLAN, host, place, planned, published, typed

__all__ = ["host", "place"]
NEW, FITS, RHYTHM = "/mes-job-datings/nouveau", "/mes-job-datings/{}/faisabilite", "/mes-job-datings/{}/rythme"


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def the_form(page: str, name: str):
    return next(form for form in forms(page) if name in form.values)


def test_what_was_typed_in_each_step_is_kept_back_and_forth(client, host, place):
    first = the_form(client.get(NEW).text, "title")
    second = client.post(f"{NEW}?etape=2", data=first.filled(title="Rencontres du bocage", theme="emploi_insertion"))
    back = client.post(f"{NEW}?etape=1", data=the_form(second.text, "held_on").filled(held_on="2099-01-01", round_minutes="17"))
    again = client.post(f"{NEW}?etape=2", data=the_form(back.text, "title").filled(title="Rencontres du Perche"))

    assert heading(second.text) == "Où et quand ?"
    assert heading(back.text) == "De quoi s’agit-il ?"
    values = the_form(again.text, "held_on").values
    assert {name: values[name] for name in ("title", "theme", "held_on", "round_minutes")} == {
        "title": ["Rencontres du Perche"],
        "theme": ["emploi_insertion"],
        "held_on": ["2099-01-01"],
        "round_minutes": ["17"],
    }
    assert db.session.scalar(select(func.count()).select_from(JobDating)) == 0


def test_the_second_step_waits_for_a_title(client, host, place):
    page = client.post(f"{NEW}?etape=2", data=typed(place, title=""))

    assert page.status_code == 422
    assert heading(page.text) == "De quoi s’agit-il ?"
    assert "Donnez-lui un titre." in page.text


def test_the_hours_say_how_many_could_come_before_anything_is_written(client, host, place):
    page = words(client.post(f"{NEW}/faisabilite", data=typed(place)).text)

    assert page == "3 tables, 9 tours : 27 entretiens au plus. De quoi accueillir 9 à 10 structures, à 5 ou 6 entretiens chacune."
    assert words(client.post(f"{NEW}/faisabilite", data=typed(place, held_on="demain")).text) == ""
    assert db.session.scalar(select(func.count()).select_from(JobDating)) == 0


def test_hours_at_which_the_venue_is_closed_are_told(client, host, place):
    place.hours = [VenueHours(weekday=0, opens_at=time(10), closes_at=time(18))]
    db.session.commit()
    monday = today() + timedelta(days=70 - today().weekday())

    page = words(client.post(f"{NEW}/faisabilite", data=typed(place, held_on=monday.isoformat())).text)
    later = words(client.post(f"{NEW}/faisabilite", data=typed(place, held_on=(monday + timedelta(days=1)).isoformat())).text)

    assert f"Le lundi, {place.name} est ouvert de 10 h à 18 h." in page
    assert f"{place.name} est fermé le mardi." in later


def test_the_venue_of_a_draft_can_be_another_one_and_its_plan_goes_there(client, host, place):
    job_dating, elsewhere = planned(place, 2), venue(place.organisation, tables=2)
    db.session.commit()

    client.post(f"/mes-job-datings/{job_dating.id}/modifier", data=typed(elsewhere, version=str(job_dating.version)))

    db.session.expire_all()
    assert job_dating.venue_id == elsewhere.id
    assert {meeting.table.venue_id for meeting in job_dating.meetings} == {elsewhere.id}


def test_two_hosts_in_the_first_steps_the_second_sees_both_territories_and_venues(client, host, place):
    job_dating = planned(place, 2)

    conflict = client.post(f"/mes-job-datings/{job_dating.id}/modifier", data=typed(place, version="999"))

    assert conflict.status_code == 409
    assert "Territoire Tout le département du lieu Tout le département du lieu" in words(conflict.text)
    assert f"Lieu {place.name}" in words(conflict.text)


def test_only_announcements_of_the_territory_are_brought_together(client, host, place):
    here = MatchFactory(mutual=True)
    there = MatchFactory(mutual=True, need=NeedFactory(at="Alençon (61)"))
    epci = next(one for one in place.territory.children if one.code == place.commune.epci_code)
    job_dating = JobDatingFactory(venue=place, territory=epci)
    db.session.commit()

    page = client.get(CHOICE.format(job_dating.id)).text

    assert str(here.id) in page
    assert str(there.id) not in page


def test_ticked_pairs_are_looked_at_and_nothing_is_kept(client, host, place):
    matches = [MatchFactory(mutual=True) for _ in range(4)]
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    page = client.post(FITS.format(job_dating.id), data={"pairs": [str(match.id) for match in matches]}).text

    assert words(page) == "4 entretiens, 3 tables, 2 tours : tout tient, 7 tours de marge."
    db.session.expire_all()
    assert job_dating.meetings == []


def test_the_line_names_what_is_short_and_the_smallest_change(client, host):
    place = venue(host.organisation, tables=1)
    matches = [MatchFactory(mutual=True) for _ in range(11)]
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    page = words(client.post(FITS.format(job_dating.id), data={"pairs": [str(match.id) for match in matches]}).text)

    assert "11 entretiens, 1 table : il faut 11 tours, 9 tiennent avant" in page
    assert "Ajoutez 1 table ou 2 tours (fin à" in page


def test_more_people_than_the_house_holds_are_told_with_the_number(client, host, place):
    place.authorised_headcount = 5
    matches = [MatchFactory(mutual=True) for _ in range(3)]
    job_dating = JobDatingFactory(venue=place)
    db.session.commit()

    page = words(client.post(FITS.format(job_dating.id), data={"pairs": [str(match.id) for match in matches]}).text)

    assert page == "8 personnes, 5 autorisées, équipe comprise. Retirez 3 personnes."


def test_hours_that_are_typed_are_tried_on_the_plan(client, host, place):
    job_dating = planned(place, 3)

    page = words(client.post(FITS.format(job_dating.id), data=typed(place, ends="10:05")).text)

    assert "3 entretiens, 3 tables : il faut 3 tours, 2 tiennent avant 10 h 05" in page
    db.session.expire_all()
    assert job_dating.rounds_that_fit == 9


def test_the_last_step_limits_the_meetings_of_each_and_says_what_is_left_out(client, host, place):
    job_dating = planned(place, 3)

    form = the_form(client.get(RHYTHM.format(job_dating.id)).text, "seated")
    shown = words(client.post(FITS.format(job_dating.id), data=form.filled(meetings_each="2")).text)
    response = client.post(RHYTHM.format(job_dating.id), data=form.filled(meetings_each="2", seated="others"), follow_redirects=True)

    assert "2 entretiens tiennent" in shown
    assert heading(response.text) == "2 entretiens tiennent, sur 3"
    assert "1 entretien n’a pas de place" in words(response.text)
    assert "l’une des deux a déjà tous ses entretiens" in response.text
    db.session.expire_all()
    assert (job_dating.meetings_each, job_dating.seated) == (2, Seated.OTHERS)


def test_what_has_no_place_is_given_up_at_publication_and_who_has_no_meeting_waits(client, host, place):
    job_dating = planned(place, 3)
    client.post(RHYTHM.format(job_dating.id), data={"meetings_each": "2", "seated": "nobody", "version": str(job_dating.version)})

    client.post(f"/mes-job-datings/{job_dating.id}/publication")

    db.session.expire_all()
    assert len(job_dating.planned) == 2
    assert sorted(participant.state for participant in job_dating.participants) == ["invited", "invited", "invited", "waiting"]


@pytest.mark.parametrize(("field", "value"), [("meetings_each", "0"), ("meetings_each", "beaucoup"), ("max_consecutive", "99"), ("seated", "le chat")])
def test_a_wrong_rhythm_is_told(client, host, place, field, value):
    job_dating = planned(place)

    response = client.post(RHYTHM.format(job_dating.id), data={"seated": "nobody", field: value})

    assert response.status_code == 422


def test_two_hosts_in_the_last_step_the_second_sees_both_versions(client, host, place):
    job_dating = planned(place)
    old = str(job_dating.version)
    client.post(RHYTHM.format(job_dating.id), data={"meetings_each": "5", "seated": "nobody", "version": old})

    response = client.post(RHYTHM.format(job_dating.id), data={"meetings_each": "3", "seated": "companies", "version": old})

    assert response.status_code == 409
    assert "Les entreprises" in response.text
    db.session.expire_all()
    assert job_dating.meetings_each == 5


def test_what_is_published_is_not_set_up_any_more(client, host, place):
    job_dating = published(place)

    assert client.get(RHYTHM.format(job_dating.id)).location.endswith(PLAN.format(job_dating.id))
    assert client.post(RHYTHM.format(job_dating.id), data={"seated": "nobody"}).location.endswith(PLAN.format(job_dating.id))


def test_the_steps_of_somebody_elses_job_dating_are_absent(client, host, place):
    other = JobDatingFactory(venue=venue(OrganisationFactory()))
    db.session.commit()

    assert client.get(RHYTHM.format(other.id)).status_code == 404
    assert client.post(FITS.format(other.id)).status_code == 404


def test_a_plan_that_a_worker_owes_shows_that_it_is_being_computed(client, host, place, monkeypatch):
    monkeypatch.setattr("matchmaker.services.job_dating_plans.MOST_AT_ONCE", 1)
    job_dating = planned(place, 2)

    page = client.get(PLAN.format(job_dating.id)).text
    refused = client.post(f"/mes-job-datings/{job_dating.id}/publication", follow_redirects=True)

    assert heading(page) == "Le plan se calcule"
    assert "2 entretiens, 3 tables" in words(page)
    assert job_dating.status == "draft"
    assert refused.status_code == 200


def test_two_hosts_choose_pairs_and_the_second_sees_both_choices(client, host, place):
    job_dating = planned(place, 3)
    old, ids = str(job_dating.version), [str(meeting.match_id) for meeting in job_dating.meetings]
    client.post(CHOICE.format(job_dating.id), data={"pairs": ids[:2], "version": old})

    late = client.post(CHOICE.format(job_dating.id), data={"pairs": ids, "version": old})

    assert late.status_code == 409
    assert "Entretiens 3 2" in words(late.text)
    assert "se rencontrent ne se rencontrent pas" in words(late.text)
    db.session.expire_all()
    assert len(job_dating.meetings) == 2
    client.post(CHOICE.format(job_dating.id), data=forms(late.text)[-1].filled())
    db.session.expire_all()
    assert len(job_dating.meetings) == 3


def test_two_hosts_say_how_many_people_come_and_the_second_sees_both(client, host, place):
    job_dating = planned(place, 2)
    old, mine = job_dating.version, {f"{one.id}-delegates": "1" for one in job_dating.participants}
    some = job_dating.participants[0]
    path = f"/mes-job-datings/{job_dating.id}/structures"
    client.post(path, data=mine | {f"{some.id}-delegates": "2", "version": str(old)})

    late = client.post(path, data=mine | {"version": str(old)})

    assert late.status_code == 409
    assert f"{some.organisation.name} 1 personne 2 personnes" in words(late.text)
    db.session.expire_all()
    assert some.delegates == 2
    client.post(path, data=forms(late.text)[-1].filled())
    db.session.expire_all()
    assert some.delegates == 1
