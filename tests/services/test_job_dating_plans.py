"""What the plan of a job dating keeps to: windows, limits, wishes, fixed tables, locks; and what is said when not everything fits."""

from collections import Counter
from datetime import timedelta

import pytest

from matchmaker.models import Family, Match, Meeting, MeetingStatus, Participant, ParticipantState, PresenceAct, PresenceState, Seated, Wish, WishKind
from matchmaker.services import job_dating_feasibility, job_dating_plans, job_datings
from matchmaker.services.job_dating_feasibility import Fix, Kind
from matchmaker.services.job_dating_programmes import Barred, ends
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue


def crossing(needs: int, offers: int) -> list[Match]:
    """Each of some associations with each of some companies."""
    asking = [NeedFactory(organisation=OrganisationFactory()) for _ in range(needs)]
    giving = [OfferFactory(organisation=OrganisationFactory(company=True)) for _ in range(offers)]
    return [MatchFactory(mutual=True, need=need, offer=offer) for need in asking for offer in giving]


def made(matches: list[Match], **fields):
    job_dating = JobDatingFactory(**fields)
    job_datings.choose(job_dating, matches)
    return job_dating


def participant(job_dating, organisation) -> Participant:
    return next(one for one in job_dating.participants if one.organisation is organisation)


def faults(job_dating) -> list[str]:
    """What is wrong with a plan, told without the engine."""
    found, seats, people = [], Counter(), Counter()
    by_id = {one.organisation_id: one for one in job_dating.participants}
    for meeting in job_dating.meetings:
        if meeting.round is None:
            continue
        seats[meeting.round, meeting.table_id] += 1
        for key in ends(meeting):
            one = by_id[key]
            people[key, meeting.round] += 1
            begins = job_dating.round_starts_at(meeting.round)
            if (
                not one.is_expected
                or (one.arrives_at and begins < one.arrives_at)
                or (one.leaves_at and job_dating.round_ends_at(meeting.round) > one.leaves_at)
            ):
                found.append("somebody is not there")
            if one.needs_accessible and not meeting.table.is_accessible:
                found.append("a table is not accessible")
            if one.fixed_table_id not in (None, meeting.table_id):
                found.append("somebody left the own table")
    found += ["two at a table"] * sum(count > 1 for count in seats.values())
    found += ["at two tables at once"] * sum(count > by_id[key].delegates for (key, _round), count in people.items())
    return found


def held(job_dating, organisation=None) -> list[Meeting]:
    return [one for one in job_dating.meetings if one.round is not None and (organisation is None or organisation.id in ends(one))]


def test_who_comes_late_and_leaves_early_meets_only_while_there(session):
    matches = crossing(3, 3)
    job_dating = made(matches)
    late, early = (participant(job_dating, matches[0].need.organisation), participant(job_dating, matches[-1].need.organisation))
    late.arrives_at, early.leaves_at = job_dating.round_starts_at(4), job_dating.round_ends_at(2)

    job_dating_plans.plan(job_dating)

    assert faults(job_dating) == []
    assert len(held(job_dating)) == 9


def test_a_window_too_short_sets_meetings_aside_and_says_why(session):
    matches = crossing(1, 3)
    job_dating = made(matches)
    participant(job_dating, matches[0].need.organisation).leaves_at = job_dating.round_ends_at(1)

    job_dating_plans.plan(job_dating)

    assert len(held(job_dating)) == 2
    assert [one.reason for one in job_dating_plans.set_aside(job_dating)] == ["window"]


def test_no_more_meetings_each_than_asked_and_nobody_goes_without(session):
    job_dating = made(crossing(4, 4))
    job_dating.meetings_each, job_dating.only_what_fits = 2, True

    job_dating_plans.plan(job_dating)

    assert faults(job_dating) == []
    counts = Counter(key for meeting in held(job_dating) for key in ends(meeting))
    assert set(counts.values()) == {2}
    assert len(counts) == 8
    assert {one.reason for one in job_dating_plans.set_aside(job_dating)} == {"max_meetings"}


def test_never_more_in_a_row_than_asked(session):
    job_dating = made(crossing(1, 4), max_consecutive=2)

    assert sorted(one.round for one in held(job_dating)) not in ([0, 1, 2, 3], [1, 2, 3, 4])
    assert len(held(job_dating)) == 4
    rounds = {one.round for one in held(job_dating)}
    assert not any({first, first + 1, first + 2} <= rounds for first in range(12))


def test_a_wish_decides_which_meeting_is_held_when_not_all_are(session):
    matches = crossing(1, 3)
    for match, score in zip(matches, (900_000, 800_000, 100_000), strict=True):
        match.score = score
    job_dating = made(matches, meetings_each=1, only_what_fits=True)
    assert [one.match for one in held(job_dating)] == [matches[0]]

    wish = Wish(organisation=matches[2].offer.organisation, kind=WishKind.MEET)
    participant(job_dating, matches[0].need.organisation).wishes.append(wish)
    session.flush()
    job_dating.meetings_each = None
    participant(job_dating, matches[0].need.organisation).max_meetings = 1
    job_dating_plans.plan(job_dating)

    assert [one.match for one in held(job_dating)] == [matches[2]]


def test_who_sat_alone_the_last_time_comes_first_when_not_all_meetings_are_held(session):
    best, alone = crossing(1, 2)
    best.score, alone.score = 900_000, 600_000
    other = MatchFactory(mutual=True, offer=OfferFactory(organisation=alone.offer.organisation))
    before = made([other])
    job_datings.publish(before, settings=mail_settings())
    before.starts_at, before.ends_at = (at - timedelta(days=60) for at in (before.starts_at, before.ends_at))
    job_dating = made([best, alone], venue=venue(), only_what_fits=True)
    participant(job_dating, best.need.organisation).max_meetings = 1
    job_dating_plans.plan(job_dating)
    assert [one.match for one in held(job_dating)] == [best]

    before.meetings[0].status = MeetingStatus.MISSED
    absent, present = (participant(before, side.organisation) for side in (other.need, other.offer))
    session.add_all([PresenceAct(participant=absent, state=PresenceState.NO_SHOW), PresenceAct(participant=present, state=PresenceState.PRESENT)])
    session.flush()
    job_dating_plans.plan(job_dating)

    assert [one.match for one in held(job_dating)] == [alone]


def test_not_this_time_is_enough_for_one_of_the_two(session):
    matches = crossing(1, 2)
    job_dating = made(matches)
    participant(job_dating, matches[0].offer.organisation).wishes.append(Wish(organisation=matches[0].need.organisation, kind=WishKind.NOT_NOW))
    session.flush()

    job_dating_plans.plan(job_dating)

    assert [one.match for one in held(job_dating)] == [matches[1]]
    assert [one.reason for one in job_dating_plans.set_aside(job_dating)] == [Barred.NOT_NOW]


def test_who_met_before_meets_again_only_when_one_of_them_asks(session):
    first = crossing(1, 1)[0]
    before = made([first])
    job_datings.publish(before, settings=mail_settings())
    before.starts_at, before.ends_at = (at - timedelta(days=60) for at in (before.starts_at, before.ends_at))
    session.flush()
    again = MatchFactory(mutual=True, need=NeedFactory(organisation=first.need.organisation), offer=OfferFactory(organisation=first.offer.organisation))
    job_dating = made([again], venue=venue())

    assert [one.reason for one in job_dating_plans.set_aside(job_dating)] == [Barred.MET_BEFORE]

    participant(job_dating, first.offer.organisation).wishes.append(Wish(organisation=first.need.organisation, kind=WishKind.MEET))
    session.flush()
    job_dating_plans.plan(job_dating)

    assert len(held(job_dating)) == 1


def test_companies_that_stay_seated_never_change_tables_and_share_theirs_with_nobody(session):
    matches = crossing(4, 3)
    job_dating = made(matches, venue=venue(tables=4, accessible=1), seated=Seated.COMPANIES)

    assert faults(job_dating) == []
    assert len(held(job_dating)) == 12
    fixed = [one for one in job_dating.participants if one.fixed_table_id]
    assert {one.organisation.family for one in fixed} == {Family.COMPANY}
    assert len({one.fixed_table_id for one in fixed}) == 3


def test_with_fewer_tables_than_companies_the_others_share_what_is_left(session):
    job_dating = made(crossing(2, 5), venue=venue(tables=3), seated=Seated.COMPANIES)

    assert faults(job_dating) == []
    assert len(held(job_dating)) == 10
    assert sum(one.fixed_table_id is not None for one in job_dating.participants) == 2


def test_a_locked_meeting_stays_where_the_host_put_it_through_every_new_plan(session):
    job_dating = made(crossing(3, 3))
    meeting = job_dating.meetings[4]
    meeting.round, meeting.table, meeting.is_locked = 7, job_dating.venue.tables[2], True
    session.flush()

    job_dating_plans.plan(job_dating)

    assert (meeting.round, meeting.table, meeting.is_locked) == (7, job_dating.venue.tables[2], True)
    assert faults(job_dating) == []
    assert len(held(job_dating)) == 9


def test_a_lock_that_cannot_hold_any_more_is_released_and_the_meeting_finds_another_place(session):
    job_dating = made(crossing(2, 2))
    meeting = job_dating.meetings[0]
    meeting.round, meeting.table, meeting.is_locked = 7, job_dating.venue.tables[2], True
    participant(job_dating, meeting.match.need.organisation).leaves_at = job_dating.round_ends_at(3)
    session.flush()

    job_dating_plans.plan(job_dating)

    assert not meeting.is_locked
    assert meeting.round <= 3


def test_what_can_stay_stays_when_one_structure_leaves_and_another_comes(session):
    matches = crossing(3, 3)
    job_dating = made(matches)
    gone = participant(job_dating, matches[0].need.organisation)
    before = {one.id: (one.round, one.table_id) for one in held(job_dating) if gone.organisation_id not in ends(one)}
    gone.state = ParticipantState.DECLINED
    session.flush()

    job_dating_plans.plan_around(job_dating)

    assert {one.id: (one.round, one.table_id) for one in held(job_dating)} == before
    assert [one.reason for one in job_dating_plans.set_aside(job_dating)] == [Barred.NOT_EXPECTED] * 3


def test_the_same_rows_give_the_same_plan(session):
    job_dating = made(crossing(4, 4), max_consecutive=3)
    seats = {one.id: (one.round, one.table_id) for one in job_dating.meetings}

    job_dating_plans.plan(job_dating)

    assert {one.id: (one.round, one.table_id) for one in job_dating.meetings} == seats


def test_a_plan_of_many_is_left_to_a_worker_who_computes_it_once(session, monkeypatch):
    monkeypatch.setattr(job_dating_plans, "MOST_AT_ONCE", 3)
    job_dating = made(crossing(2, 2))

    assert job_dating.plan_due_at is not None
    assert held(job_dating) == []
    assert job_dating_plans.plan_due() == job_dating.id
    assert job_dating_plans.plan_due() is None
    assert len(held(job_dating)) == 4


def test_what_fits_says_how_many_rounds_are_to_spare(session):
    found = job_dating_feasibility.check(made(crossing(4, 4)))

    assert found.fits
    assert (found.chosen, found.held, found.tables, found.rounds, found.fitting, found.spare) == (16, 16, 4, 4, 9, 5)


def test_short_tables_are_named_with_the_smallest_number_that_is_enough(session):
    found = job_dating_feasibility.check(made(crossing(5, 4), venue=venue(tables=2)))

    assert not found.fits
    assert (found.rounds, found.fitting, found.reason) == (10, 9, "tables")
    assert found.fixes == (Fix(Kind.TABLES, 1), Fix(Kind.ROUNDS, 1))


def test_tables_are_no_answer_to_a_structure_with_too_many_meetings(session):
    found = job_dating_feasibility.check(made(crossing(1, 11)))

    assert found.reason == "degree"
    assert found.fixes == (Fix(Kind.ROUNDS, 2),)


def test_an_accessible_table_is_advised_where_only_that_helps(session):
    matches = crossing(1, 3) + crossing(1, 8)
    job_dating = made(matches, venue=venue(tables=4, accessible=1))
    for one in (matches[0].need, matches[-1].need):
        participant(job_dating, one.organisation).needs_accessible = True

    found = job_dating_feasibility.check(job_dating)

    assert found.reason == "accessible tables"
    assert Fix(Kind.ACCESSIBLE_TABLES, 1) in found.fixes
    assert all(fix.kind is not Kind.TABLES for fix in found.fixes)


@pytest.mark.parametrize(("partners", "fields"), [(20, {}), (7, {"max_consecutive": 3})])
def test_a_plan_that_is_made_in_the_page_holds_all_that_it_can(session, partners, fields):
    job_dating = made(crossing(10, partners), venue=venue(tables=10, headcount=200), meetings_each=7, only_what_fits=True, **fields)

    assert job_dating.plan_due_at is None
    assert faults(job_dating) == []
    assert len(held(job_dating)) == (49 if fields else 70)
