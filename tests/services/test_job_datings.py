"""Job datings: who may be chosen, the plan that follows, what publishing sends, once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.models import Category, Invitation, JobDatingStatus, MatchStatus, Meeting, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import job_dating_lists, job_dating_matches, job_datings
from matchmaker.services.errors import DomainError, MatchesTaken, MeetingsLost, NotAllowedNow, RoundsDoNotFit, TooManyPeople, VenueTaken
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement, venue


def star(meetings: int) -> list:
    """One structure that looks for as many partners as there are meetings."""
    buyer = OrganisationFactory()
    return [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer)) for _ in range(meetings)]


def chosen(meetings: int = 3, **fields):
    job_dating = JobDatingFactory(**fields)
    job_datings.choose(job_dating, star(meetings))
    return job_dating


def seats(job_dating) -> list[tuple[int, int]]:
    return sorted((meeting.round, meeting.table.number) for meeting in job_dating.meetings)


def test_choosing_matches_makes_each_structure_a_participant_once_and_plans_the_rounds(session):
    job_dating = chosen(3)
    session.expire_all()

    assert len(job_dating.participants) == 4
    assert job_dating.rounds == 3
    assert job_dating.rounds_bound == 3
    assert job_dating.rounds_bound_reason.startswith("degree")


def test_a_structure_with_a_need_and_an_offer_is_never_at_two_tables_at_once(session):
    both = OrganisationFactory()
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=both)), MatchFactory(mutual=True, offer=OfferFactory(organisation=both))]
    job_dating = JobDatingFactory()

    job_datings.choose(job_dating, matches)

    assert len(job_dating.participants) == 3
    assert sorted(meeting.round for meeting in job_dating.meetings) == [0, 1]
    assert job_dating.rounds_bound == 2


def test_choosing_anew_replaces_the_meetings_and_keeps_what_was_said_of_a_structure(session):
    job_dating = chosen(3)
    kept = job_dating.meetings[0].match
    buyer = next(participant for participant in job_dating.participants if participant.organisation is kept.need.organisation)
    buyer.delegates = 2

    job_datings.choose(job_dating, [kept])
    session.expire_all()

    assert [meeting.match for meeting in job_dating.meetings] == [kept]
    assert sorted(participant.delegates for participant in job_dating.participants) == [1, 2]
    assert session.scalar(select(func.count()).select_from(Meeting)) == 1


def test_more_people_than_the_venue_may_receive_are_refused_with_both_numbers(session):
    job_dating = JobDatingFactory(venue=venue(headcount=5))

    with pytest.raises(TooManyPeople) as refusal:
        job_datings.choose(job_dating, star(3))

    # Four structures and a team of two.
    assert (refusal.value.people, refusal.value.allowed) == (6, 5)


def test_a_match_that_is_not_mutual_is_refused(session):
    with pytest.raises(NotAllowedNow):
        job_datings.choose(JobDatingFactory(), [MatchFactory()])


def test_a_confidential_match_is_refused(session):
    secret = MatchFactory(mutual=True, need=NeedFactory(category=Category.SUCCESSION, is_confidential=True))

    with pytest.raises(NotAllowedNow):
        job_datings.choose(JobDatingFactory(), [secret])


def test_two_delegates_hold_two_tables_at_a_time(session):
    job_dating = chosen(4)
    buyer = next(participant for participant in job_dating.participants if participant.organisation is job_dating.meetings[0].match.need.organisation)

    job_datings.adjust(job_dating, {buyer.id: (2, False)})
    session.expire_all()

    assert job_dating.rounds == 2
    assert job_dating.rounds_bound == 2
    assert [number for number, _table in seats(job_dating)] == [0, 0, 1, 1]


def test_who_needs_an_accessible_table_gets_one_in_every_round(session):
    job_dating = chosen(3, venue=venue(tables=3, accessible=1))
    buyer = next(participant for participant in job_dating.participants if participant.organisation is job_dating.meetings[0].match.need.organisation)

    job_datings.adjust(job_dating, {buyer.id: (1, True)})
    session.expire_all()

    assert all(meeting.table.is_accessible for meeting in job_dating.meetings)
    assert seats(job_dating) == [(0, 1), (1, 1), (2, 1)]


def test_an_accessible_table_cannot_be_promised_where_there_is_none(session):
    job_dating = chosen(2, venue=venue(accessible=0))

    with pytest.raises(NotAllowedNow):
        job_datings.adjust(job_dating, {job_dating.participants[0].id: (1, True)})


def test_delegates_count_as_people(session):
    job_dating = chosen(3, venue=venue(headcount=6))

    with pytest.raises(TooManyPeople):
        job_datings.adjust(job_dating, {job_dating.participants[0].id: (2, False)})


def test_the_same_choice_gives_the_same_plan(session):
    job_dating = chosen(3)
    before = {meeting.match_id: (meeting.round, meeting.table.number) for meeting in job_dating.meetings}

    job_datings.choose(job_dating, [meeting.match for meeting in reversed(job_dating.meetings)])

    assert {meeting.match_id: (meeting.round, meeting.table.number) for meeting in job_dating.meetings} == before


def test_free_matches_are_the_mutual_ones_of_the_departement_that_no_other_job_dating_holds(session):
    here, elsewhere = MatchFactory(mutual=True, score=500_000), MatchFactory(mutual=True, need=NeedFactory(at="Caen (14)"))
    better, secret = MatchFactory(mutual=True, score=900_000), MatchFactory(mutual=True, need=NeedFactory(category=Category.SUCCESSION, is_confidential=True))
    MatchFactory()
    job_dating, other = JobDatingFactory(), JobDatingFactory()

    assert job_dating_matches.free_matches(job_dating.venue, beside=job_dating) == [better, here]
    assert elsewhere in job_dating_matches.free_matches(venue(OrganisationFactory(at="Caen (14)")))
    job_datings.choose(job_dating, [better])
    assert job_dating_matches.free_matches(other.venue, beside=other) == [here]
    assert job_dating_matches.free_matches(job_dating.venue, beside=job_dating) == [better, here]
    assert secret not in job_dating_matches.free_matches(job_dating.venue)


def test_cancelling_frees_the_matches(session):
    job_dating = chosen(2)

    job_datings.cancel(job_dating, settings=mail_settings())

    assert len(job_dating_matches.free_matches(job_dating.venue)) == 2
    assert session.scalar(select(func.count()).select_from(OutboxMail)) == 0


def test_a_draft_whose_day_has_passed_keeps_no_match(session):
    abandoned = chosen(2, starts_at=now() + timedelta(hours=1))
    coming = JobDatingFactory()
    assert job_dating_matches.free_matches(coming.venue, beside=coming) == []

    with time_machine.travel(abandoned.ends_at + timedelta(minutes=1), tick=False):
        assert len(job_dating_matches.free_matches(coming.venue, beside=coming)) == 2


def test_a_published_one_keeps_its_matches_for_ever(session):
    past = chosen(2, starts_at=now() + timedelta(hours=1))
    job_datings.publish(past, settings=mail_settings())

    with time_machine.travel(past.ends_at + timedelta(minutes=1), tick=False):
        assert job_dating_matches.free_matches(past.venue) == []


def refusal(job_dating) -> DomainError:
    """What publishing raises; nothing is queued then, and the draft stays one."""
    with pytest.raises(DomainError) as refused:
        job_datings.publish(job_dating, settings=mail_settings())
    assert job_dating.status is JobDatingStatus.DRAFT
    return refused.value


def test_publishing_counts_the_people_again_in_a_venue_that_shrank(session):
    job_dating = chosen(3)
    job_dating.venue.authorised_headcount = 5

    error = refusal(job_dating)

    assert isinstance(error, TooManyPeople)
    assert (error.people, error.allowed) == (6, 5)


def test_a_match_of_two_drafts_is_published_once(session):
    first, second = JobDatingFactory(), JobDatingFactory()
    matches = star(2)
    job_datings.choose(first, matches)
    job_datings.choose(second, matches[:1])
    job_datings.publish(second, settings=mail_settings())

    error = refusal(first)

    assert isinstance(error, MatchesTaken)
    assert [(meeting.match, meeting.job_dating) for meeting in error.meetings] == [(matches[0], second)]
    job_datings.choose(first, matches[1:])
    assert len(job_datings.publish(first, settings=mail_settings())) == 2


@pytest.mark.parametrize(("hours", "overlaps"), [(-3, False), (-2, True), (0, True), (2, True), (3, False)])
def test_a_venue_receives_one_job_dating_at_a_time(session, hours, overlaps):
    place = venue()
    first = chosen(1, venue=place)
    second = chosen(1, venue=place, starts_at=first.starts_at + timedelta(hours=hours))
    job_datings.publish(first, settings=mail_settings())

    assert [type(obstacle) for obstacle in job_datings.obstacles(second)] == ([VenueTaken] if overlaps else [])
    if overlaps:
        assert refusal(second).job_dating is first


def test_the_hours_of_a_cancelled_one_are_free(session):
    place = venue()
    first, second = chosen(1, venue=place), chosen(1, venue=place)
    job_datings.publish(first, settings=mail_settings())
    job_datings.cancel(first, settings=mail_settings())

    assert len(job_datings.publish(second, settings=mail_settings())) == 2


@pytest.mark.parametrize("change", [{"category": Category.SUCCESSION, "is_confidential": True}, {"status": MatchStatus.ENDED}])
def test_a_meeting_that_can_no_longer_be_stops_the_publication(session, change):
    job_dating = chosen(2)
    match = job_dating.meetings[0].match
    for name, value in change.items():
        setattr(match if name == "status" else match.offer, name, value)

    error = refusal(job_dating)

    assert isinstance(error, MeetingsLost)
    assert error.count == 1


def test_publishing_queues_one_invitation_a_structure_in_the_same_transaction(session):
    job_dating = chosen(3)

    invited = job_datings.publish(job_dating, settings=mail_settings())

    assert job_dating.status is JobDatingStatus.PUBLISHED
    assert len(invited) == 4
    assert session.scalar(select(func.count()).select_from(OutboxMail)) == 4


def test_publishing_twice_is_refused_and_sends_nothing_more(session):
    job_dating = chosen(3)
    job_datings.publish(job_dating, settings=mail_settings())

    with pytest.raises(NotAllowedNow):
        job_datings.publish(job_dating, settings=mail_settings())

    assert session.scalar(select(func.count()).select_from(Invitation)) == 4


def test_a_plan_that_does_not_fit_the_hours_is_not_published(session):
    job_dating = chosen(10)

    with pytest.raises(RoundsDoNotFit) as refusal:
        job_datings.publish(job_dating, settings=mail_settings())

    assert (refusal.value.rounds, refusal.value.fitting) == (10, 9)
    assert job_dating.status is JobDatingStatus.DRAFT


def test_meetings_without_a_table_are_not_published(session):
    job_dating = JobDatingFactory(venue=venue(tables=0, accessible=0))
    job_datings.choose(job_dating, star(1))

    with pytest.raises(NotAllowedNow):
        job_datings.publish(job_dating, settings=mail_settings())


def test_a_draft_can_be_moved_and_a_published_one_cannot(session):
    job_dating = chosen(2)
    later = job_dating.starts_at + timedelta(days=7)

    job_datings.reschedule(job_dating, starts_at=later, ends_at=later + timedelta(hours=3), round_minutes=20)
    session.expire_all()
    assert (job_dating.starts_at, job_dating.round_minutes, job_dating.rounds) == (later, 20, 2)

    job_datings.publish(job_dating, settings=mail_settings())
    with pytest.raises(NotAllowedNow):
        job_datings.reschedule(job_dating, starts_at=later, ends_at=later + timedelta(hours=3))


def test_a_past_draft_is_neither_changed_nor_published(session):
    job_dating = chosen(1)
    with time_machine.travel(job_dating.ends_at + timedelta(minutes=1), tick=False):
        for act in (lambda: job_datings.choose(job_dating, []), lambda: job_datings.publish(job_dating, settings=mail_settings())):
            with pytest.raises(NotAllowedNow):
                act()


def test_the_default_half_day_holds_nine_rounds_with_a_break_after_the_fourth(session):
    job_dating = JobDatingFactory(starts_at=datetime(2030, 1, 21, 8, tzinfo=UTC))

    assert job_dating.rounds_that_fit == 9
    assert [job_dating.round_starts_at(number).strftime("%H:%M") for number in (0, 3, 4, 8)] == ["08:30", "09:15", "09:45", "10:45"]


def test_a_host_runs_the_job_datings_of_its_venues_and_an_animator_those_of_its_territories(session):
    mine = JobDatingFactory()
    elsewhere = JobDatingFactory(venue=venue(OrganisationFactory(at="Caen (14)")))

    assert job_dating_lists.in_charge_of(UserFactory(host=True, organisation=mine.venue.organisation)) == [mine]
    assert job_dating_lists.in_charge_of(UserFactory(animator=True)) == [mine]
    assert job_dating_lists.in_charge_of(UserFactory(animator=True, territories=[departement("50")])) == []
    assert set(job_dating_lists.in_charge_of(UserFactory(admin=True))) == {mine, elsewhere}


def test_the_public_lists_hold_published_ones_only_the_next_first_and_the_last_first(session):
    def published(days: int):
        return JobDatingFactory(starts_at=now() + timedelta(days=days), status=JobDatingStatus.PUBLISHED, published_at=now())

    later, sooner, before, long_before = published(9), published(2), published(-2), published(-9)
    JobDatingFactory()

    assert job_dating_lists.coming() == [sooner, later]
    assert job_dating_lists.past() == [before, long_before]


def test_loading_one_takes_as_many_queries_for_ten_meetings_as_for_two(session, queries):
    counts = []
    for meetings in (2, 10):
        job_dating_id = chosen(meetings).id
        session.commit()
        session.expunge_all()
        queries.clear()
        job_dating = job_datings.job_dating(job_dating_id)
        assert [meeting.match.offer.organisation.name for meeting in job_dating.meetings if meeting.table.number]
        assert [participant.organisation.commune.label for participant in job_dating.participants]
        assert job_dating.venue.tables
        counts.append(len(queries))

    assert counts[0] == counts[1]
