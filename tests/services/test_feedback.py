"""After the day: one tap an answer, thanks once, and a memory that does not punish who sat alone."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Feedback, MeetingStatus, OutboxMail, PresenceAct, PresenceState
from matchmaker.models.base import now
from matchmaker.services import feedback, feedback_memory, feedback_results, feedback_thanks, job_datings
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.feedback import Said
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue


def held(*pairs, days=30, place=None):
    """A published job dating between these structures, in so many days."""
    start = (now() + timedelta(days=days)).replace(hour=8, minute=0, second=0, microsecond=0)
    job_dating = JobDatingFactory(venue=place or venue(), starts_at=start, ends_at=start + timedelta(hours=3))
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=one), offer=OfferFactory(organisation=other)) for one, other in pairs]
    job_datings.choose(job_dating, matches)
    job_datings.publish(job_dating, settings=mail_settings())
    db.session.execute(select(1))
    return job_dating


def structures(count):
    return [OrganisationFactory() for _ in range(count)]


def meeting_between(job_dating, one, other):
    return next(meeting for meeting in job_dating.meetings if {meeting.match.need.organisation, meeting.match.offer.organisation} == {one, other})


def participant_of(job_dating, organisation):
    return next(participant for participant in job_dating.participants if participant.organisation is organisation)


def test_questions_come_as_meetings_begin_and_close_two_weeks_after(app):
    buyer, first, second = structures(3)
    job_dating = held((buyer, first), (buyer, second))
    me = participant_of(job_dating, buyer)
    begins = [job_dating.round_starts_at(number) for number in range(2)]

    def asked(at):
        with time_machine.travel(at, tick=False):
            return feedback.is_open(job_dating), len(feedback.questions(me))

    assert asked(job_dating.starts_at - timedelta(seconds=1)) == (False, 0)
    assert asked(begins[0]) == (True, 1)
    assert asked(begins[1]) == (True, 2)
    assert asked(job_dating.ends_at + timedelta(days=14)) == (True, 2)
    assert asked(job_dating.ends_at + timedelta(days=14, seconds=1))[0] is False


def test_a_tap_is_written_and_the_same_one_takes_it_back(app):
    buyer, seller = structures(2)
    job_dating = held((buyer, seller))
    me, meeting = participant_of(job_dating, buyer), job_dating.meetings[0]
    with time_machine.travel(job_dating.ends_at, tick=False):
        for said, expected in (
            (Said.USEFUL, (True, False, False, False)),
            (Said.AGAIN, (True, True, False, False)),
            (Said.NOT_USEFUL, (False, True, False, False)),
            (Said.NOT_USEFUL, (None, True, False, False)),
            (Said.NEXT_STEP, (None, True, True, False)),
            (Said.SKIP, (None, False, False, True)),
            (Said.USEFUL, (True, False, False, False)),
        ):
            one = feedback.say(me, meeting.id, said)
            assert (one.is_useful, one.wants_again, one.has_next_step, one.is_skipped) == expected
    assert len(db.session.scalars(select(Feedback)).all()) == 1


def test_nobody_speaks_of_a_meeting_of_others_nor_once_the_door_is_closed(app):
    buyer, seller, third, fourth = structures(4)
    job_dating = held((buyer, seller), (third, fourth))
    me, theirs = participant_of(job_dating, buyer), meeting_between(job_dating, third, fourth)

    with time_machine.travel(job_dating.ends_at, tick=False), pytest.raises(LookupError):
        feedback.say(me, theirs.id, Said.USEFUL)
    with time_machine.travel(job_dating.ends_at + timedelta(days=15), tick=False), pytest.raises(NotAllowedNow):
        feedback.say(me, meeting_between(job_dating, buyer, seller).id, Said.USEFUL)
    assert db.session.scalars(select(Feedback)).all() == []


def test_results_count_who_came_what_was_held_and_what_was_said(app):
    buyer, first, second, third = structures(4)
    job_dating = held((buyer, first), (buyer, second), (buyer, third))
    missed = meeting_between(job_dating, buyer, third)
    # As a change of plan on the day leaves it.
    missed.status, missed.round, missed.table = MeetingStatus.MISSED, None, None
    with time_machine.travel(job_dating.ends_at, tick=False):
        feedback.say(participant_of(job_dating, buyer), meeting_between(job_dating, buyer, first).id, Said.USEFUL)
        feedback.say(participant_of(job_dating, first), meeting_between(job_dating, buyer, first).id, Said.NOT_USEFUL)
        feedback.say(participant_of(job_dating, first), meeting_between(job_dating, buyer, first).id, Said.NEXT_STEP)
        feedback.say(participant_of(job_dating, second), meeting_between(job_dating, buyer, second).id, Said.AGAIN)

    found = feedback_results.results(job_dating)

    assert (found.participants, found.present, found.absent) == (4, 3, [third])
    assert (len(found.lines), len(found.held), found.useful, len(found.words)) == (3, 2, 1, 2)
    assert [line.offer for line in found.next_steps] == [first]
    assert [line.offer for line in found.again] == [second]


def thanked():
    return sorted(db.session.scalars(select(OutboxMail.recipient).where(OutboxMail.kind == "thanks")))


def test_thanks_leave_once_in_the_morning_of_the_day_after_and_not_to_those_absent(app):
    buyer, first, absent = structures(3)
    job_dating = held((buyer, first), (buyer, absent))
    meeting_between(job_dating, buyer, absent).status = MeetingStatus.MISSED
    db.session.flush()
    morning = feedback_thanks.morning_after(job_dating)

    def told(at):
        with time_machine.travel(at, tick=False):
            return feedback_thanks.thank_due(settings=mail_settings())

    assert told(morning - timedelta(seconds=1)) == 0
    assert told(morning) == 2
    assert told(morning + timedelta(hours=1)) == 0
    assert thanked() == sorted([buyer.email, first.email])


def test_who_asks_for_no_mails_or_was_told_too_late_is_not_thanked(app):
    buyer, seller = structures(2)
    job_dating = held((buyer, seller))

    with time_machine.travel(job_dating.ends_at + feedback_thanks.LATEST, tick=False):
        assert feedback_thanks.thank_due(settings=mail_settings()) == 0
    assert thanked() == []


def test_pairs_that_met_are_remembered_and_those_that_missed_each_other_are_not(app):
    buyer, met, missed, never = structures(4)
    job_dating = held((buyer, met), (buyer, missed))
    meeting_between(job_dating, buyer, missed).status = MeetingStatus.MISSED
    db.session.flush()
    everybody = [one.id for one in (buyer, met, missed, never)]

    assert feedback_memory.already_met(everybody) == set()
    with time_machine.travel(job_dating.ends_at + timedelta(days=1), tick=False):
        assert feedback_memory.already_met(everybody) == {tuple(sorted((buyer.id, met.id)))}
        assert feedback_memory.already_met([buyer.id, missed.id, never.id]) == set()


def test_who_sat_alone_comes_first_until_a_better_day_and_who_did_not_come_does_not(app):
    buyer, met, absent = structures(3)
    place = venue()
    first = held((buyer, met), (buyer, absent), place=place)
    meeting_between(first, buyer, absent).status = MeetingStatus.MISSED
    second = held((buyer, met), days=60, place=place)
    db.session.flush()
    everybody = [one.id for one in (buyer, met, absent)]

    with time_machine.travel(first.ends_at + timedelta(days=1), tick=False):
        assert feedback_memory.priority_after_no_show(everybody) == {buyer.id: 1}
        assert feedback_memory.priority_after_no_show([met.id]) == {}
    with time_machine.travel(second.ends_at + timedelta(days=1), tick=False):
        assert feedback_memory.priority_after_no_show(everybody) == {}
    with time_machine.travel(first.ends_at + timedelta(days=366), tick=False):
        assert feedback_memory.priority_after_no_show([absent.id]) == {}


def test_what_the_desk_said_of_a_structure_counts_more_than_its_meetings(app):
    buyer, absent = structures(2)
    job_dating = held((buyer, absent))
    meeting_between(job_dating, buyer, absent).status = MeetingStatus.MISSED
    acts = [(buyer, PresenceState.NO_SHOW, 0), (buyer, PresenceState.PRESENT, 1), (absent, PresenceState.NO_SHOW, 1)]
    for one, state, minute in acts:
        acted_at = now() + timedelta(minutes=minute)
        db.session.add(PresenceAct(participant=participant_of(job_dating, one), state=state, acted_at=acted_at, received_at=acted_at))
    db.session.flush()

    assert feedback_memory.absent([job_dating.id]) == {job_dating.id: frozenset({absent.id})}
    with time_machine.travel(job_dating.ends_at + timedelta(days=1), tick=False):
        assert feedback_memory.priority_after_no_show([buyer.id, absent.id]) == {buyer.id: 1}


def test_memory_and_results_ask_as_often_for_many_as_for_few(app, queries):
    people = structures(6)
    job_dating = held((people[0], people[1]))
    big = held(*[(people[0], other) for other in people[1:]], days=60)
    ids = [person.id for person in people]

    def count(one):
        db.session.expire_all()
        loaded, over = job_datings.job_dating(one.id), one.ends_at + timedelta(days=1)
        queries.clear()
        with time_machine.travel(over, tick=False):
            feedback_memory.already_met(ids)
            feedback_memory.priority_after_no_show(ids)
            feedback_results.results(loaded)
        return len(queries)

    assert count(job_dating) == count(big)
