"""Gestures of the desk: late, twice, in any order, from two phones."""

from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import JobDating, MeetingStatus, Need, Organisation, Participant, ParticipantState, PresenceAct, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services import presence, walk_ins
from matchmaker.services.errors import NotAllowedNow, TooManyPeople
from tests.factories import OrganisationFactory
from tests.web.test_day import morning

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def dating(app: Flask) -> JobDating:
    return morning()[0]


def act(one: Participant, state: str, *, minutes_ago: float = 0, delegates: int | None = None) -> presence.Act:
    return presence.Act(uuid4(), one.id, PresenceState(state), now() - timedelta(minutes=minutes_ago), delegates)


def state_of(dating: JobDating, one: Participant) -> str:
    return next(line.state for line in presence.roster(dating) if line.participant.id == one.id).value


def test_who_was_never_touched_is_expected(dating: JobDating) -> None:
    assert {line.state for line in presence.roster(dating)} == {PresenceState.EXPECTED}


def test_the_last_gesture_by_its_own_time_counts_in_whatever_order_they_come(dating: JobDating) -> None:
    one = dating.participants[0]
    gestures = [act(one, "present", minutes_ago=9), act(one, "left", minutes_ago=5), act(one, "present", minutes_ago=2, delegates=2)]

    for order in permutations(gestures):
        db.session.execute(PresenceAct.__table__.delete())
        for gesture in order:
            presence.record(dating, [gesture])
        [line] = [line for line in presence.roster(dating) if line.participant.id == one.id]
        assert (line.state, line.delegates) == (PresenceState.PRESENT, 2)

    assert [row.state for row in presence.history(dating)] == ["present", "left", "present"]


def test_a_gesture_sent_again_is_one(dating: JobDating) -> None:
    one = dating.participants[0]
    gesture = act(one, "present")

    for _again in range(3):
        presence.record(dating, [gesture, gesture])

    assert db.session.scalar(select(func.count()).select_from(PresenceAct)) == 1


def test_a_phone_whose_clock_runs_fast_has_no_last_word_for_ever(dating: JobDating) -> None:
    one = dating.participants[0]
    presence.record(dating, [act(one, "no_show", minutes_ago=-600)])

    presence.record(dating, [act(one, "present")])

    assert state_of(dating, one) == "present"


def test_a_gesture_about_somebody_elsewhere_is_told_and_the_others_count(dating: JobDating) -> None:
    other = morning()[0].participants[0]
    one = dating.participants[0]

    refused = presence.record(dating, [act(other, "present"), act(one, "present")])

    assert [gesture.participant_id for gesture in refused] == [other.id]
    assert state_of(dating, one) == "present"


@pytest.mark.parametrize("days", [-3, 3])
def test_the_desk_is_open_around_the_day_only(dating: JobDating, days: int) -> None:
    dating.starts_at += timedelta(days=days)
    dating.ends_at += timedelta(days=days)

    with pytest.raises(NotAllowedNow):
        presence.record(dating, [act(dating.participants[0], "present")])


def test_people_are_counted_and_not_structures(dating: JobDating) -> None:
    one, other, *_rest = dating.participants
    presence.record(dating, [act(one, "present", delegates=3), act(other, "present"), act(other, "left")])

    assert presence.people_here(presence.roster(dating)) == 3


def walk_in(name: str, **given: object) -> walk_ins.WalkIn:
    return walk_ins.WalkIn(**({"id": uuid4(), "name": name, "acted_at": now()} | given))  # type: ignore[arg-type]


def test_a_known_structure_that_was_not_expected_becomes_a_participant(dating: JobDating) -> None:
    known = OrganisationFactory(name="Coop Orvelin")

    arrived = walk_ins.arrive(dating, walk_in(" coop orvelin ", delegates=2))

    assert arrived.organisation is known
    assert (arrived.state, arrived.delegates) == (ParticipantState.CONFIRMED, 2)
    assert state_of(dating, arrived) == "present"


def test_an_arrival_told_again_or_by_another_phone_is_one(dating: JobDating) -> None:
    before = len(dating.participants)
    told = walk_in("Les Ateliers du Pont")

    first = walk_ins.arrive(dating, told)
    again = walk_ins.arrive(dating, told)
    by_another = walk_ins.arrive(dating, walk_in("les ateliers du pont"))

    assert first.id == again.id == by_another.id == told.id
    assert len(dating.participants) == before + 1


def test_a_new_structure_is_known_by_three_answers(dating: JobDating) -> None:
    arrived = walk_ins.arrive(dating, walk_in("Les Ateliers du Pont", side=Side.NEED, category="purchase", title="Traiteur de saison"))

    organisation = db.session.get_one(Organisation, arrived.organisation_id)
    [need] = db.session.scalars(select(Need).where(Need.organisation_id == organisation.id))
    assert (organisation.source, organisation.territory_id) == (walk_ins.SOURCE, dating.venue.territory_id)
    assert (need.title, need.status) == ("Traiteur de saison", "published")


def test_nobody_comes_in_beyond_the_authorised_headcount_until_somebody_leaves(dating: JobDating) -> None:
    dating.venue.authorised_headcount = dating.venue.staff_count + len(dating.participants)

    with pytest.raises(TooManyPeople):
        walk_ins.arrive(dating, walk_in("Les Ateliers du Pont"))
    presence.record(dating, [act(dating.participants[0], "excused")])

    assert walk_ins.arrive(dating, walk_in("Les Ateliers du Pont")).organisation.name == "Les Ateliers du Pont"


def over(dating: JobDating) -> JobDating:
    dating.starts_at, dating.ends_at = now() - timedelta(hours=4), now() - timedelta(hours=1)
    db.session.commit()
    return dating


def test_when_the_day_is_over_its_meetings_are_held_or_missed(dating: JobDating) -> None:
    buyer = next(one for one in dating.participants if one.organisation.name == "Picorée")
    absentee = next(one for one in dating.participants if one is not buyer)
    presence.record(over(dating), [act(buyer, "present"), act(absentee, "no_show")])

    assert presence.close_days() == 3
    assert presence.close_days() == 0

    mine = {one.match.offer.organisation_id: one.status for one in dating.meetings}
    assert mine.pop(absentee.organisation_id) is MeetingStatus.MISSED
    assert set(mine.values()) == {MeetingStatus.HELD}


def test_who_left_missed_the_rounds_that_came_after(dating: JobDating) -> None:
    buyer = next(one for one in dating.participants if one.organisation.name == "Picorée")
    presence.record(over(dating), [presence.Act(uuid4(), buyer.id, PresenceState.LEFT, now(), None, 1)])

    presence.close_days()

    assert {one.round: one.status for one in dating.meetings} == {0: MeetingStatus.HELD, 1: MeetingStatus.MISSED, 2: MeetingStatus.MISSED}


def test_a_day_that_is_not_over_is_left_alone(dating: JobDating) -> None:
    assert presence.close_days() == 0
    assert {one.status for one in dating.meetings} == {MeetingStatus.PLANNED}
