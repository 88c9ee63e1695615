"""The planner on a phone: one round at a time, or the meetings of one structure, without any script."""

import re
from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import Category
from matchmaker.models.base import now
from tests.factories import OrganisationFactory, UserFactory, venue
from tests.web.test_job_datings import PLAN, planned, published, words


@pytest.fixture
def place(app):
    return venue(OrganisationFactory(name="Tiers-lieu du Lavoir"), tables=3)


@pytest.fixture(autouse=True)
def _host(client, place):
    user = UserFactory(host=True, organisation=place.organisation)
    db.session.commit()
    client.sign_in(user)


def page_of(client, job_dating, query=""):
    return client.get(PLAN.format(job_dating.id) + query).text


def shown(page):
    """The rounds that a phone shows."""
    rows = re.findall(r'<tr role="row"([^>]*)>\s*<th scope="row" role="rowheader">\s*Tour (\d+)', page)
    return [int(number) for attributes, number in rows if "later" not in attributes]


def turns(page):
    return re.findall(r'rel="(prev|next)"\s+href="([^"]+)"', page)


def test_a_phone_shows_the_first_round_and_leads_to_the_next(client, place):
    page = page_of(client, planned(place, meetings=3))

    assert shown(page) == [1]
    assert turns(page) == [("next", "?tour=2#grille")]
    assert "Tour 1 sur 3" in words(page)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("2", [2]), ("999", [3]), ("0", [1]), ("tous", [1, 2, 3]), ("-1", [1]), ("x", [1]), ("²", [1]), ("9" * 5000, [3]), ("", [1])],
)
def test_any_round_can_be_asked_for_and_nonsense_shows_the_first(client, place, asked, expected):
    assert shown(page_of(client, planned(place, meetings=3), f"?tour={asked}")) == expected


def test_on_the_day_the_round_to_come_is_first(client, place):
    job_dating = published(place, meetings=3)
    job_dating.starts_at, job_dating.ends_at = now() - timedelta(minutes=46), now() + timedelta(hours=2)
    db.session.commit()

    page = page_of(client, job_dating)

    assert shown(page) == [3]
    assert turns(page) == [("prev", "?tour=2#grille")]


def test_the_meetings_of_one_structure_are_marked_in_all_rounds(client, place):
    job_dating = planned(place, meetings=3)
    atelier = next(one.organisation for one in job_dating.participants if one.organisation.name == "Atelier 2")

    page = page_of(client, job_dating, f"?structure={atelier.id}")

    assert shown(page) == [1, 2, 3]
    assert turns(page) == []
    marked = re.findall(r'class="mine">(.*?)</td>', page, re.DOTALL)
    assert [words(cell) for cell in marked] == ["besoin : Picorée offre : Atelier 2"]
    assert f'<option value="{atelier.id}" selected>Atelier 2</option>' in page


def test_the_grid_by_hand_shows_one_round_too_also_one_that_is_empty(client, place):
    job_dating = planned(place, meetings=3)

    first, last = (page_of(client, job_dating, f"/grille{query}") for query in ("", "?tour=99"))

    assert (shown(first), turns(first)) == ([1], [("next", "?tour=2#grille")])
    assert shown(last) == [job_dating.rounds_that_fit]
    assert job_dating.rounds_that_fit > job_dating.rounds


@pytest.mark.parametrize("asked", ["00000000-0000-4000-8000-000000000000", "nobody", ""])
def test_a_structure_that_does_not_come_is_as_none(client, place, asked):
    page = page_of(client, planned(place, meetings=3), f"?structure={asked}")

    assert shown(page) == [1]
    assert "lc-rounds-of" not in page


def test_looking_for_a_structure_does_not_tell_which_meeting_in_confidence_is_its_own(client, place):
    job_dating = published(place, meetings=2)
    need = job_dating.meetings[0].match.need
    need.category, need.is_confidential = Category.SUCCESSION, True
    db.session.commit()
    others = {one.match.offer.organisation for one in job_dating.meetings if one.match.need is need}

    pages = [page_of(client, job_dating, f"?structure={one.id}") for one in others]

    assert pages
    assert not [page for page in pages if 'class="mine"' in page]
