"""A series spreads pairs over its dates: each once, evenly, nobody asked to travel more than needed."""

from collections import Counter
from datetime import date, time, timedelta
from uuid import UUID

import pytest
import time_machine
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from matchmaker.extensions import db
from matchmaker.models import MeetingStatus
from matchmaker.models.base import PARIS, now
from matchmaker.services import job_datings, series
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.series import Place, spread
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue


def prepared(place=None, *, count=3, weeks=4, first=None):
    return series.prepare(
        place or venue(), title="Les jeudis", first=first or (now() + timedelta(days=40)).date(), weeks=weeks, count=count, starts=time(9), ends=time(12)
    )


def agreed(one, other, **more):
    return MatchFactory(mutual=True, need=NeedFactory(organisation=one), offer=OfferFactory(organisation=other), **more)


def pairs_by_date(one):
    return [{frozenset(series.structures(meeting.match)) for meeting in job_dating.meetings} for job_dating in one.job_datings]


def test_dates_keep_their_hour_on_the_clock_whatever_the_season(app):
    made = prepared(first=date(now().year + 1, 3, 4), weeks=8)

    assert [one.starts_at.astimezone(PARIS).hour for one in made.job_datings] == [9, 9, 9]
    assert len({one.starts_at.hour for one in made.job_datings}) == 2


def test_pairs_are_spread_once_and_about_evenly(app):
    made = prepared()
    for _ in range(9):
        agreed(OrganisationFactory(), OrganisationFactory())

    found = series.share_out(made)

    dates = pairs_by_date(made)
    assert (found.placed, found.left, found.met_before) == (9, 0, 0)
    assert [len(pairs) for pairs in dates] == [3, 3, 3]
    assert all(meeting.round is not None for job_dating in made.job_datings for meeting in job_dating.meetings)
    assert len(frozenset.union(*[frozenset(pairs) for pairs in dates])) == 9


def test_who_has_several_meetings_comes_as_seldom_as_may_be(app):
    made, buyer = prepared(count=2), OrganisationFactory()
    for _ in range(3):
        agreed(buyer, OrganisationFactory())
    for _ in range(3):
        agreed(OrganisationFactory(), OrganisationFactory())

    series.share_out(made)

    assert series.appearances(made)[buyer.id] == 1


def test_two_structures_with_two_matches_meet_once_over_the_better_one(app):
    made, one, other = prepared(), OrganisationFactory(), OrganisationFactory()
    agreed(one, other, score=500_000)
    best = agreed(one, other, score=900_000)

    assert series.share_out(made).placed == 1
    assert [meeting.match for job_dating in made.job_datings for meeting in job_dating.meetings] == [best]


def test_those_who_met_are_left_out_and_those_who_missed_each_other_come_first(app):
    place, people = venue(), [OrganisationFactory() for _ in range(3)]
    old = prepared(place, count=1, first=(now() + timedelta(days=3)).date()).job_datings[0]
    job_datings.choose(old, [agreed(people[0], people[1]), agreed(people[0], people[2])])
    job_datings.publish(old, settings=mail_settings())
    missed = next(meeting for meeting in old.meetings if people[2].id in series.structures(meeting.match))
    missed.status = MeetingStatus.MISSED
    made = prepared(place, count=2)
    db.session.flush()

    with time_machine.travel(old.ends_at + timedelta(days=1), tick=False):
        again = agreed(people[1], people[0], score=900_000)
        agreed(people[2], people[0], score=100_000)
        found = series.share_out(made)

    assert (found.placed, found.met_before) == (1, 1)
    assert again not in [meeting.match for job_dating in made.job_datings for meeting in job_dating.meetings]


def test_a_second_sharing_out_takes_in_who_is_new_and_keeps_what_is_locked(app):
    made = prepared(count=2)
    matches = [agreed(OrganisationFactory(), OrganisationFactory()) for _ in range(4)]
    series.share_out(made)
    last = made.job_datings[1]
    kept = last.meetings[0]
    kept.is_locked = True
    locked, place = kept.match_id, (kept.round, kept.table)
    db.session.flush()
    matches.append(agreed(OrganisationFactory(), OrganisationFactory(), score=999_999))

    found = series.share_out(made)

    assert found.placed == 5
    again = next(meeting for meeting in last.meetings if meeting.match_id == locked)
    assert (again.is_locked, (again.round, again.table)) == (True, place)


def test_without_a_draft_nothing_is_shared_out(app):
    made = prepared(count=2)
    for job_dating in made.job_datings:
        job_datings.cancel(job_dating, settings=mail_settings())

    with pytest.raises(NotAllowedNow):
        series.share_out(made)


def test_a_series_is_read_with_as_many_queries_for_many_dates_as_for_few(app, queries):
    def count(made):
        identity = made.id
        db.session.expire_all()
        queries.clear()
        found = series.series(identity)
        series.appearances(found)
        [meeting.match.need.organisation.name for one in found.job_datings for meeting in one.meetings]
        return len(queries)

    small, big = prepared(count=2), prepared(count=6)
    for _ in range(8):
        agreed(OrganisationFactory(), OrganisationFactory())
    series.share_out(big)
    agreed(OrganisationFactory(), OrganisationFactory())
    series.share_out(small)
    db.session.flush()

    assert count(small) == count(big)


people = st.integers(0, 7).map(lambda number: UUID(int=number))
places = st.lists(st.builds(Place, st.integers(0, 4), st.integers(0, 3), st.integers(0, 6)), max_size=4)


@hypothesis_settings(deadline=None)
@given(st.lists(st.tuples(people, people).filter(lambda pair: pair[0] != pair[1]), max_size=12), places)
def test_no_date_holds_more_than_it_can_and_no_pair_that_fits_stays_without(pairs, places):
    dates = spread(pairs, places)

    assert len(dates) == len(pairs)
    for number, place in enumerate(places):
        there = [pair for pair, found in zip(pairs, dates, strict=True) if found == number]
        meetings = Counter(one for pair in there for one in pair)
        assert len(there) <= place.meetings
        assert len(meetings) <= place.structures
        assert max(meetings.values(), default=0) <= place.each
        for pair, found in zip(pairs, dates, strict=True):
            if found is None:
                new = sum(one not in meetings for one in pair)
                full = len(there) >= place.meetings or len(meetings) + new > place.structures or any(meetings[one] >= place.each for one in pair)
                assert full
