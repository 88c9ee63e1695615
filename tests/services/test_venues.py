"""Venues: tables numbered through the rooms, and what may change while a plan stands on them."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from matchmaker.models import Commune, JobDatingStatus, Table
from matchmaker.services import job_datings, venues
from matchmaker.services.errors import NoReach, TablesPlanned, TooManyPeople
from matchmaker.services.venues import RoomPlan
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OrganisationFactory, UserFactory, commune, departement, venue


def describe(place, *rooms: RoomPlan, name: str = "Le Palonnier") -> None:
    venues.describe(place, name=name, commune=place.commune, rooms=rooms)


def test_a_venue_numbers_its_tables_through_all_rooms_with_the_accessible_ones_first_in_each(session):
    organisation = OrganisationFactory()

    place = venues.open_venue(
        organisation,
        name="Le Palonnier",
        commune=commune("Flers (61)"),
        rooms=[RoomPlan("Grande salle", 3, 1), RoomPlan("Verrière", 2, 2)],
        authorised_headcount=49,
    )
    session.expire_all()

    assert [(table.number, table.is_accessible) for table in place.tables] == [(1, True), (2, False), (3, False), (4, True), (5, True)]
    assert place.territory == departement("61")
    assert organisation.is_third_place


def test_a_commune_whose_region_is_not_loaded_is_out_of_reach(session):
    lyon = session.scalars(select(Commune).where(Commune.code == "69123")).one()

    with pytest.raises(NoReach):
        venues.open_venue(OrganisationFactory(), name="La Traboule", commune=lyon, rooms=[RoomPlan("Salle", 2, 0)], authorised_headcount=20)


def test_a_venue_without_a_plan_can_be_furnished_anew(session):
    place = venue(tables=4)

    describe(place, RoomPlan("Grande salle", 2, 0), RoomPlan("Verrière", 1, 1))
    session.expire_all()

    assert venues.room_plans(place) == [RoomPlan("Grande salle", 2, 0), RoomPlan("Verrière", 1, 1)]
    assert [table.number for table in place.tables] == [1, 2, 3]
    assert len(session.scalars(select(Table).where(Table.venue_id == place.id)).all()) == 3


def planned_venue():
    place = venue(tables=4, accessible=1)
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True)])
    return place, job_dating


def test_tables_with_a_plan_on_them_do_not_change(session):
    place, _job_dating = planned_venue()

    with pytest.raises(TablesPlanned) as refusal:
        describe(place, RoomPlan("Grande salle", 6, 1))

    assert refusal.value.is_to_come


@pytest.mark.parametrize(("headcount", "staff", "fits"), [(6, 2, True), (5, 2, False), (6, 3, False), (5, 1, True)])
def test_a_venue_keeps_room_for_those_that_a_published_job_dating_expects(session, headcount, staff, fits):
    buyer, place = OrganisationFactory(), venue()
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer)) for _ in range(2)])
    buyers = next(participant for participant in job_dating.participants if participant.organisation is buyer)
    job_datings.adjust(job_dating, {buyers.id: (2, False)})
    rooms, size = venues.room_plans(place), {"authorised_headcount": headcount, "staff_count": staff}
    venues.describe(place, commune=place.commune, rooms=rooms, authorised_headcount=3, staff_count=2)
    venues.describe(place, commune=place.commune, rooms=rooms, authorised_headcount=49)
    job_datings.publish(job_dating, settings=mail_settings())

    if fits:
        venues.describe(place, commune=place.commune, rooms=rooms, **size)
    else:
        with pytest.raises(TooManyPeople) as refusal:
            venues.describe(place, commune=place.commune, rooms=rooms, **size)
        assert (refusal.value.people, refusal.value.allowed) == (4 + staff, headcount)


def test_one_that_is_over_needs_no_room_any_more(session):
    place = venue()
    job_dating = JobDatingFactory(venue=place)
    job_datings.choose(job_dating, [MatchFactory(mutual=True)])
    job_datings.publish(job_dating, settings=mail_settings())

    with time_machine.travel(job_dating.ends_at + timedelta(minutes=1), tick=False):
        venues.describe(place, commune=place.commune, rooms=venues.room_plans(place), authorised_headcount=2)

    assert place.authorised_headcount == 2


def test_a_planned_venue_can_rename_its_rooms_and_add_one(session):
    place, job_dating = planned_venue()
    seat = job_dating.meetings[0].table

    describe(place, RoomPlan("Halle", 4, 1), RoomPlan("Grande salle", 2, 2))
    session.expire_all()

    assert venues.room_plans(place) == [RoomPlan("Halle", 4, 1), RoomPlan("Grande salle", 2, 2)]
    assert job_dating.meetings[0].table is seat


def test_two_rooms_can_exchange_their_names(session):
    place = venues.open_venue(
        OrganisationFactory(), name="Halle", commune=commune(), rooms=[RoomPlan("Est", 2, 0), RoomPlan("Ouest", 2, 0)], authorised_headcount=20
    )

    describe(place, RoomPlan("Ouest", 2, 0), RoomPlan("Est", 2, 0))
    session.expire_all()

    assert [room.name for room in place.rooms] == ["Ouest", "Est"]


def test_a_cancelled_job_dating_keeps_its_tables_for_the_record(session):
    place, job_dating = planned_venue()
    job_dating.status = JobDatingStatus.CANCELLED

    with pytest.raises(TablesPlanned) as refusal:
        describe(place, RoomPlan("Grande salle", 6, 1))

    assert not refusal.value.is_to_come


def test_a_host_holds_the_venues_of_its_organisation_and_an_animator_those_of_its_territories(session):
    mine = venue()
    venue(OrganisationFactory(at="Caen (14)"))

    assert venues.in_hands_of(UserFactory(host=True, organisation=mine.organisation)) == [mine]
    assert venues.in_hands_of(UserFactory(animator=True)) == [mine]
    assert len(venues.in_hands_of(UserFactory(admin=True))) == 2
    assert venues.in_hands_of(UserFactory(animator=True, territories=[departement("50")])) == []


def test_the_number_of_queries_does_not_grow_with_the_venues(session, queries):
    user = UserFactory(admin=True)
    counts = []
    for _round in range(2):
        venue()
        session.expunge_all()
        queries.clear()
        for place in venues.in_hands_of(user):
            assert place.tables
            assert place.organisation.name
            assert place.commune.label
        counts.append(len(queries))

    assert counts[0] == counts[1]
