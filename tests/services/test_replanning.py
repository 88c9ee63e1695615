"""Changing the plan on the day: a checker of its own looks at what comes out."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from matchmaker.extensions import db
from matchmaker.models import JobDating, Organisation, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services import job_datings, presence, replanning, walk_in_meetings, walk_ins
from matchmaker.services.errors import ChangedMeanwhile, EditedMeanwhile, NotAllowedNow
from matchmaker.services.replanning import Asked
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue


def busy_morning(*, rounds_past: int = 0, tables: int = 5) -> JobDating:
    """Ten structures of which each needs what five others offer; it began so many rounds ago that ``rounds_past`` rounds have begun."""
    needs = [NeedFactory(organisation=OrganisationFactory(name=f"Besoin {k}")) for k in range(5)]
    offers = [OfferFactory(organisation=OrganisationFactory(name=f"Offre {k}")) for k in range(5)]
    matches = [MatchFactory(mutual=True, need=need, offer=offer) for a, need in enumerate(needs) for b, offer in enumerate(offers) if (a + b) % 5 < 3]
    place = venue(tables=tables, accessible=2)
    dating = JobDatingFactory(venue=place, starts_at=now() + timedelta(days=2), welcome_minutes=0, round_minutes=10, changeover_minutes=5, break_minutes=0)
    job_datings.choose(dating, matches)
    job_datings.publish(dating, settings=mail_settings())
    dating.starts_at = now() + timedelta(minutes=5 - 15 * rounds_past)
    dating.ends_at = dating.starts_at + timedelta(hours=3)
    db.session.commit()
    return loaded(dating)


def loaded(dating: JobDating) -> JobDating:
    """As the database holds it now."""
    db.session.expire_all()
    found = job_datings.job_dating(dating.id)
    assert found is not None
    return found


def seats(dating: JobDating) -> dict[object, tuple[int | None, int | None]]:
    return {one.id: (one.round, one.table.number if one.table else None) for one in dating.meetings}


def check(dating: JobDating, asked: Asked, frozen: int, before: dict[object, tuple[int | None, int | None]]) -> None:
    """What a plan of the day must be, written without the planner: nobody in two places, nobody where they are not, the past as it was."""
    held = [one for one in dating.meetings if one.round is not None]
    places = Counter((one.round, one.table_id) for one in held)
    assert max(places.values()) == 1
    delegates = {one.organisation_id: one.delegates for one in dating.participants}
    busy = Counter((one.round, one.organisation_of(side).id) for one in held for side in Side)
    assert all(count <= delegates[key] for (_round, key), count in busy.items())
    for one in held:
        ends = {one.organisation_of(side).id for side in Side}
        if one.round < frozen:
            continue
        assert not ends & asked.absent
        assert one.table_id not in asked.lost
        assert all(asked.late.get(key, 0) <= one.round < asked.leaving.get(key, 10**6) for key in ends)
        assert one.round < dating.rounds_that_fit
    now_at = seats(dating)
    assert {key: place for key, place in now_at.items() if place[0] is not None and place[0] < frozen} == {
        key: place for key, place in before.items() if place[0] is not None and place[0] < frozen
    }


def change(dating: JobDating, asked: Asked) -> replanning.Proposal:
    shown = replanning.propose(dating, asked)
    applied = replanning.apply(dating, asked, version=dating.version, fingerprint=shown.fingerprint)
    db.session.commit()
    return applied


def organisation(dating: JobDating, name: str) -> Organisation:
    return next(one.organisation for one in dating.participants if one.organisation.name == name)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("past", [0, 1, 2])
def test_after_anything_that_happens_the_plan_holds_and_the_past_stays(past: int) -> None:
    dating = busy_morning(rounds_past=past)
    before = seats(dating)
    asked = Asked(
        absent=frozenset({organisation(dating, "Besoin 0").id}),
        late={organisation(dating, "Offre 4").id: past + 2},
        leaving={organisation(dating, "Besoin 3").id: past + 3},
        lost=frozenset({dating.venue.tables[0].id}),
    )

    applied = change(dating, asked)

    assert applied.frozen == past
    check(loaded(dating), asked, past, before)


@pytest.mark.usefixtures("app")
def test_with_nothing_that_happened_nothing_moves() -> None:
    shown = replanning.propose(busy_morning(), Asked())

    assert (shown.moves, shown.told, shown.waiting) == ([], [], [])


@pytest.mark.usefixtures("app")
def test_an_absence_moves_nobody_else_and_tells_those_who_lose_a_meeting() -> None:
    dating = busy_morning()
    gone = organisation(dating, "Besoin 0")

    shown = replanning.propose(dating, Asked(absent=frozenset({gone.id})))

    assert {move.kind for move in shown.moves} == {"dropped"}
    assert all(gone in move.organisations for move in shown.moves)
    assert len(shown.told) == len(shown.moves) == 3
    assert gone not in shown.told


@pytest.mark.usefixtures("app")
def test_who_comes_after_all_gets_the_places_that_are_left() -> None:
    dating = busy_morning()
    gone = organisation(dating, "Besoin 0")
    change(dating, Asked(absent=frozenset({gone.id})))

    back = change(loaded(dating), Asked())

    assert {move.kind for move in back.moves} == {"added"}
    assert len(back.moves) == 3
    assert all(one.round is not None for one in loaded(dating).meetings)


@pytest.mark.usefixtures("app")
def test_a_locked_meeting_stays_where_the_host_put_it() -> None:
    dating = busy_morning()
    kept = next(one for one in dating.meetings if one.round == 1)
    kept.is_locked = True
    place = (kept.round, kept.table_id)
    other = next(one for one in dating.venue.tables if one.id != kept.table_id)

    change(dating, Asked(lost=frozenset({other.id})))

    assert (kept.round, kept.table_id, kept.is_locked) == (*place, True)


@pytest.mark.usefixtures("app")
def test_a_lost_table_is_remembered_and_can_come_back() -> None:
    dating = busy_morning()
    table = dating.venue.tables[2]
    change(dating, Asked(lost=frozenset({table.id})))

    asked = replanning.asked_by(loaded(dating), presence.roster(dating), now())
    assert asked.lost == {table.id}
    change(loaded(dating), Asked())
    assert replanning.lost_tables(dating) == set()


@pytest.mark.usefixtures("app")
def test_a_plan_that_somebody_else_changed_is_not_changed_again() -> None:
    dating = busy_morning()
    asked = Asked(absent=frozenset({organisation(dating, "Besoin 0").id}))
    shown = replanning.propose(dating, asked)
    version = dating.version
    change(dating, Asked(absent=frozenset({organisation(dating, "Besoin 1").id})))
    before = seats(loaded(dating))

    with pytest.raises(EditedMeanwhile):
        replanning.apply(dating, asked, version=version, fingerprint=shown.fingerprint)

    assert seats(loaded(dating)) == before


@pytest.mark.usefixtures("app")
def test_other_moves_than_those_that_were_shown_are_not_made() -> None:
    dating = busy_morning()
    asked = Asked(absent=frozenset({organisation(dating, "Besoin 0").id}))
    shown = replanning.propose(dating, asked)
    # Two rounds begin between looking and pressing.
    dating.starts_at -= timedelta(minutes=30)
    db.session.commit()

    with pytest.raises(ChangedMeanwhile):
        replanning.apply(dating, asked, version=dating.version, fingerprint=shown.fingerprint)


@pytest.mark.usefixtures("app")
def test_after_the_end_nothing_is_planned_again() -> None:
    dating = busy_morning()
    dating.starts_at, dating.ends_at = now() - timedelta(hours=4), now() - timedelta(hours=1)
    db.session.commit()

    with pytest.raises(NotAllowedNow):
        replanning.propose(dating, Asked())
    with pytest.raises(NotAllowedNow):
        replanning.apply(dating, Asked(), version=dating.version, fingerprint="")


@pytest.mark.usefixtures("app")
def test_each_change_is_kept_with_its_moves() -> None:
    dating = busy_morning()
    applied = change(dating, Asked(absent=frozenset({organisation(dating, "Besoin 0").id})))

    [kept] = replanning.changes(dating)
    assert (kept.version, len(kept.moves)) == (dating.version, len(applied.moves))
    assert {move["kind"] for move in kept.moves} == {"dropped"}


def test_what_the_desk_says_is_what_is_asked(app: Flask) -> None:
    dating = busy_morning()
    one, other, third = (organisation(dating, name) for name in ("Besoin 0", "Besoin 1", "Besoin 2"))
    of = {line.organisation_id: line.id for line in dating.participants}
    gestures = [(one, "no_show", None), (other, "late", 3), (third, "left", None)]
    presence.record(dating, [presence.Act(uuid4(), of[who.id], PresenceState(state), now(), None, at) for who, state, at in gestures])

    asked = replanning.asked_by(dating, presence.roster(dating), now())

    assert (asked.absent, asked.late, asked.leaving) == ({one.id}, {other.id: 3}, {third.id: 0})


def arrived(dating: JobDating, *, title: str = "Traiteur zéro déchet pour un séminaire") -> None:
    walk_ins.arrive(dating, walk_ins.WalkIn(uuid4(), "Les Ateliers du Pont", now(), 1, Side.NEED, "purchase", title))  # type: ignore[arg-type]
    db.session.commit()


@pytest.mark.usefixtures("app")
def test_who_comes_unexpected_meets_those_in_the_room_whose_announcements_fit() -> None:
    dating = busy_morning()
    arrived(dating)
    found = walk_in_meetings.candidates(dating, presence.roster(dating))
    assert {one.need.organisation.name for one in found} == {"Les Ateliers du Pont"}
    assert found == sorted(found, key=lambda one: -one.score)
    chosen = Asked(pairs=tuple(one.ids for one in found[:2]))
    before = seats(dating)

    newcomers = replanning.with_pairs(dating, chosen)
    shown = replanning.propose(dating, chosen, newcomers=newcomers)
    db.session.rollback()
    dating = loaded(dating)
    assert seats(dating) == before
    applied = replanning.apply(dating, chosen, version=dating.version, fingerprint=shown.fingerprint)
    db.session.commit()

    added = [move for move in applied.moves if move.kind == "added"]
    assert len(added) == 2
    assert all(move.meeting.match.is_mutual for move in added)
    check(loaded(dating), chosen, 0, before)


@pytest.mark.usefixtures("app")
def test_nobody_who_is_absent_is_offered_to_who_comes_unexpected() -> None:
    dating = busy_morning()
    arrived(dating)
    of = {line.organisation_id: line.id for line in dating.participants}
    gone = [organisation(dating, f"Offre {k}") for k in range(4)]
    presence.record(dating, [presence.Act(uuid4(), of[one.id], PresenceState.EXCUSED, now()) for one in gone])

    found = walk_in_meetings.candidates(dating, presence.roster(dating))

    assert {one.offer.organisation.name for one in found} == {"Offre 4"}


@pytest.mark.usefixtures("app")
def test_a_pair_that_is_none_of_the_candidates_is_refused() -> None:
    dating = busy_morning()
    some = dating.meetings[0]

    with pytest.raises(ChangedMeanwhile):
        replanning.with_pairs(dating, Asked(pairs=((some.match.need_id, some.match.offer_id),)))


def test_the_number_of_queries_does_not_grow_with_the_meetings(app: Flask, queries: list[str]) -> None:
    dating = busy_morning()
    key, counts = dating.id, []
    for kept in (15, 4):
        dating = db.session.get_one(JobDating, key)
        for one in dating.meetings[kept:]:
            db.session.delete(one)
        db.session.commit()
        db.session.expunge_all()
        found = job_datings.job_dating(key)
        assert found is not None
        queries.clear()
        replanning.propose(found, Asked(absent=frozenset({found.participants[0].organisation_id})))
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 12


@pytest.mark.usefixtures("app")
def test_what_does_not_take_place_was_missed_or_cancelled_and_is_planned_again_when_they_come() -> None:
    dating = busy_morning()
    of = {line.organisation.name: line for line in dating.participants}
    presence.record(dating, [presence.Act(uuid4(), of["Besoin 0"].id, PresenceState.NO_SHOW, now())])
    presence.record(dating, [presence.Act(uuid4(), of["Besoin 1"].id, PresenceState.EXCUSED, now())])
    change(dating, replanning.asked_by(dating, presence.roster(dating), now()))

    said = {(one.match.need.organisation.name, one.status.value) for one in loaded(dating).meetings if one.round is None}
    assert said == {("Besoin 0", "missed"), ("Besoin 1", "cancelled")}
    change(loaded(dating), Asked())
    assert {one.status.value for one in loaded(dating).meetings} == {"planned"}
