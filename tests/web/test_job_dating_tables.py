"""A table is lost before the day: the plan goes around it, or says what is short and the smallest fix."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import LostTable, Participant
from matchmaker.services import job_dating_guests, job_datings
from tests.factories import JobDatingFactory, MatchFactory, venue
from tests.pages import forms, words
from tests.web.test_job_dating_guests import participant
from tests.web.test_job_datings import PLAN, host, place, planned, published

__all__ = ["host", "place"]
TABLES, REPLAN, GRID = (f"/mes-job-datings/{{}}/{name}" for name in ("tables", "replanification", "grille"))


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def used(job_dating) -> set[int]:
    return {one.table.number for one in job_dating.planned}


def lose(client, job_dating, *numbers: int, **more):
    ids = [str(table.id) for table in job_dating.venue.tables if table.number in numbers]
    return client.post(TABLES.format(job_dating.id), data={"lost": ids, "version": job_dating.version} | more, follow_redirects=True)


def test_the_plan_of_a_draft_goes_around_a_lost_table_and_back(client, host, place):
    job_dating = planned(place, 2)
    [number] = used(job_dating)

    page = client.get(TABLES.format(job_dating.id)).text
    told = lose(client, job_dating, number)

    assert f"Table {number}" in words(page)
    assert "tout tient" in words(told.text)
    assert "1 table de moins" in words(told.text)
    db.session.expire_all()
    assert len(job_dating.planned) == 2
    assert number not in used(job_dating)
    assert "ne sert pas" in words(client.get(GRID.format(job_dating.id)).text)
    lose(client, job_dating)
    assert db.session.scalar(select(func.count()).select_from(LostTable)) == 0


def test_a_draft_that_does_not_fit_any_more_says_the_smallest_fix(client, host):
    job_dating = JobDatingFactory(venue=venue(host.organisation, tables=2, accessible=0))
    job_dating.ends_at = job_dating.starts_at + timedelta(minutes=45)
    job_datings.choose(job_dating, [MatchFactory(mutual=True), MatchFactory(mutual=True)])
    db.session.commit()
    assert (job_dating.rounds_that_fit, len(job_dating.planned)) == (1, 2)

    told = lose(client, job_dating, 2)

    assert "il faut 2 tours, un seul tient" in words(told.text)
    assert "Ajoutez 1 table ou 1 tour" in words(told.text)
    db.session.expire_all()
    none = lose(client, job_dating, 1, 2)
    assert "Aucun entretien n’a de place" in words(none.text)
    db.session.expire_all()
    assert (len(job_dating.meetings), job_dating.planned) == (2, [])


def test_no_meeting_is_put_by_hand_at_a_lost_table(client, host, place):
    job_dating = planned(place, 2)
    lose(client, job_dating, 3)
    db.session.expire_all()
    meeting = job_dating.planned[0]
    table = next(table for table in place.tables if table.number == 3)
    told = client.get(f"{GRID.format(job_dating.id)}/{meeting.id}").json["seats"]

    assert told[f"0:{table.id}"].startswith("Cette table ne sert pas cette fois.")
    moved = client.post(GRID.format(job_dating.id), data={"meeting": meeting.id, "round": "0", "table": table.id, "version": job_dating.version})

    assert moved.status_code == 422


def test_the_last_accessible_table_stays_for_who_needs_it(client, host):
    job_dating = planned(venue(host.organisation, tables=3, accessible=1), 2)
    participant(job_dating, "Picorée").needs_accessible = True
    db.session.commit()
    accessible = next(table.number for table in job_dating.venue.tables if table.is_accessible)

    refused = lose(client, job_dating, accessible)

    assert refused.status_code == 422
    assert "il n’en reste aucune" in words(refused.text)
    db.session.expire_all()
    assert job_dating.lost_tables == []


def test_of_two_hosts_the_second_sees_both_lists(client, host, place):
    job_dating = planned(place, 1)
    old = job_dating.version
    lose(client, job_dating, 1)

    late = lose(client, job_dating, 2, version=old)

    assert late.status_code == 409
    assert "Tables qui ne servent pas 2 1" in words(late.text)


def test_what_is_published_shows_its_moves_first_and_later_plans_keep_away_from_the_table(client, host, place):
    job_dating = published(place, 2)
    [number] = used(job_dating)
    lost = next(table for table in place.tables if table.number == number)

    page = client.get(TABLES.format(job_dating.id), follow_redirects=True)
    preview = client.post(REPLAN.format(job_dating.id), data={"lost": str(lost.id)})
    client.post(REPLAN.format(job_dating.id), data=next(form for form in forms(preview.text) if "lost" in form.choices).filled(apply="1"))

    assert "Tables qui ne servent plus" in words(page.text)
    assert "publiez ensuite les changements" in words(preview.text)
    db.session.expire_all()
    assert len(job_dating.planned) == 2
    assert number not in used(job_dating)
    assert "ne savent pas encore ce qui a changé" in words(client.get(PLAN.format(job_dating.id)).text)
    job_dating_guests.replan(job_dating)
    assert number not in used(job_dating)


def test_when_a_published_plan_does_not_hold_without_the_table_the_page_says_what_would(client, host):
    job_dating = published(venue(host.organisation, tables=1, accessible=0), 2)

    preview = client.post(REPLAN.format(job_dating.id), data={"lost": str(job_dating.venue.tables[0].id)})

    assert "2 entretiens n’ont pas trouvé de place" in words(preview.text)
    assert "Avec 1 table de plus, tout tiendrait." in words(preview.text)
    db.session.expire_all()
    assert len(job_dating.planned) == 2


@pytest.mark.parametrize("value", ["x", "", "00000000-0000-4000-8000-000000000000", "😀"])
def test_a_table_that_is_none_of_the_venue_is_no_table(client, host, place, value):
    job_dating = planned(place, 1)

    assert client.post(TABLES.format(job_dating.id), data={"lost": value, "version": job_dating.version}).status_code == 302
    db.session.expire_all()
    assert (job_dating.lost_tables, len(job_dating.planned)) == ([], 1)


def test_another_house_is_not_there(client, host):
    foreign = JobDatingFactory(venue=venue())
    db.session.add(Participant(job_dating=foreign, organisation=host.organisation))
    db.session.commit()

    assert client.get(TABLES.format(foreign.id)).status_code == 404
    assert client.post(TABLES.format(foreign.id)).status_code == 404
