"""Snapshots: what the database holds becomes facts, and a day that was written down stays as it was."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Channel,
    DeclineReason,
    EuroBand,
    Feedback,
    FoundAnyway,
    MeetingStatus,
    Organisation,
    PresenceAct,
    PresenceState,
    Proposal,
    ProposalStatus,
    Result,
    Snapshot,
    Span,
)
from matchmaker.models.base import now, today
from matchmaker.services import indicators, indicators_loading, job_datings, observatory_snapshots, outcomes
from matchmaker.services.indicators_facts import World
from matchmaker.services.outcomes import Reply
from matchmaker.services.territories import territory_by_code
from matchmaker.web.settings import mail_settings
from tests.factories import (
    FractionFactory,
    JobDatingFactory,
    MatchFactory,
    NeedFactory,
    OfferFactory,
    OrganisationFactory,
    departement,
    group,
    mutual_match,
    proposals_of,
    venue,
)

SPAN_STARTS = [
    (Span.MONTH, date(2026, 11, 30), date(2026, 11, 1), date(2026, 11, 30)),
    (Span.QUARTER, date(2026, 12, 31), date(2026, 10, 1), date(2026, 12, 31)),
    (Span.QUARTER, date(2026, 2, 3), date(2026, 1, 1), date(2026, 3, 31)),
    (Span.YEAR, date(2028, 2, 29), date(2027, 3, 1), date(2028, 2, 29)),
]


@pytest.mark.parametrize(("span", "day", "first", "last"), SPAN_STARTS)
def test_stretches_of_time_begin_and_end_where_people_expect(span: Span, day: date, first: date, last: date) -> None:
    assert (observatory_snapshots.start_of(span, day), observatory_snapshots.end_of(span, day)) == (first, last)


def told() -> World:
    return indicators_loading.world(today() - timedelta(days=364), today())


def test_announcements_and_proposals_are_read_with_their_days(session: Session) -> None:
    need = NeedFactory(published_at=now() - timedelta(days=20))
    NeedFactory(draft=True)
    NeedFactory(category=Category.SUCCESSION, is_confidential=True)
    match = MatchFactory(need=need, offer=OfferFactory(at="Le Havre (76)"))
    first, second = proposals_of(match)
    first.proposed_at = second.proposed_at = now() - timedelta(days=14)
    first.status, first.answered_at, first.decline_reason = ProposalStatus.DECLINED, first.proposed_at + timedelta(hours=1), DeclineReason.NO_TIME
    session.flush()

    world = told()

    assert [(fact.id, fact.served_after) for fact in world.posted if fact.side == "need"] == [(need.id, 6)]
    assert {fact.home[1] for fact in world.posted} == {departement("61").id, departement("76").id}
    assert sorted((fact.is_answered, fact.days is not None) for fact in world.asked) == [(False, False), (True, True)]
    assert {fact.home[1] for fact in world.asked} == {departement("61").id}


def test_working_days_are_counted_between_a_question_and_its_answer() -> None:
    pairs = [(date(2026, 11, 10), date(2026, 11, 12)), (date(2026, 11, 13), date(2026, 11, 16)), (date(2026, 11, 16), date(2026, 11, 16))]

    assert indicators_loading.working_days_between(pairs) == [1, 1, 0]


def test_a_pair_across_two_epcis_is_told_from_one_at_home(session: Session) -> None:
    mutual_match()
    mutual_match(offer=OfferFactory(at="Le Havre (76)"))

    assert sorted(fact.is_across for fact in told().paired) == [False, True]


def test_a_day_is_read_with_who_came_what_was_held_and_what_was_said(session: Session) -> None:
    buyer, seller, lost = OrganisationFactory(), OrganisationFactory(), OrganisationFactory()
    start = (now() + timedelta(days=5)).replace(hour=8, minute=0, second=0, microsecond=0)
    job_dating = JobDatingFactory(venue=venue(), starts_at=start, ends_at=start + timedelta(hours=3))
    needs = [NeedFactory(organisation=buyer) for _ in range(2)]
    pairs = zip(needs, (seller, lost), strict=True)
    job_datings.choose(job_dating, [MatchFactory(mutual=True, need=need, offer=OfferFactory(organisation=other)) for need, other in pairs])
    job_datings.publish(job_dating, settings=mail_settings())
    meetings = {meeting.match.offer.organisation_id: meeting for meeting in job_dating.meetings}
    meetings[lost.id].status = MeetingStatus.MISSED
    absent = next(one for one in job_dating.participants if one.organisation_id == lost.id)
    session.add(PresenceAct(participant=absent, state=PresenceState.NO_SHOW))
    session.add(Feedback(meeting=meetings[seller.id], organisation=seller, is_useful=True))
    session.flush()

    with time_machine.travel(start + timedelta(days=2), tick=False):
        world = told()

    assert sorted((fact.is_held, fact.minutes) for fact in world.planned) == [(False, 12), (True, 12)]
    assert sorted((len(fact.sides), fact.meetings, fact.is_new, fact.is_no_show) for fact in world.came) == [
        (1, 1, True, False),
        (1, 1, True, True),
        (1, 2, True, False),
    ]
    assert [(word.side, word.is_useful) for word in world.words] == [("offer", True)]
    (gathering,) = world.gatherings
    assert (gathering.planned, gathering.places) == (2, 2 * 4)


def test_what_came_about_and_what_was_signed_are_read(session: Session) -> None:
    match = mutual_match()
    with time_machine.travel(now() + timedelta(days=31), tick=False):
        outcomes.ask_due(at=now(), settings=mail_settings())
        proposal = session.scalars(select(Proposal).where(Proposal.match_id == match.id, Proposal.side == "need")).one()
        reply = Reply(Result.SIGNED, euros=EuroBand.UP_TO_20K, found_anyway=FoundAnyway.NO)
        outcomes.answer(outcomes.question(proposal), reply, channel=Channel.LINK)
        pool = group(FractionFactory(), FractionFactory(), proposed=True)
        pool.status, pool.signed_at = "signed", now()
        session.flush()

        world = told()

    assert [(one.id, one.category, one.euros, one.found_anyway) for one in world.cooperations] == [(match.id, "purchase", "5000-20000", "no")]
    assert [(one.id, one.has_said, one.went_on) for one in world.followed] == [(match.id, True, True)]
    assert [(one.id, one.fte) for one in world.shared] == [(pool.id, Decimal("0.600"))]


def test_what_is_said_in_confidence_makes_no_place_lively(session: Session) -> None:
    quiet = {"category": Category.SUCCESSION, "is_confidential": True}
    mutual_match(need=NeedFactory(**quiet), offer=OfferFactory(**quiet))
    inside = observatory_snapshots.epcis_inside()
    orne = departement("61").id

    assert len(told().asked) == 2
    assert told().by_territory(inside)[orne].active == frozenset()
    NeedFactory()
    assert len(told().by_territory(inside)[orne].active) == 1


def test_a_card_is_fresh_by_what_its_structure_changed_or_published_last(session: Session) -> None:
    long_ago = now() - timedelta(days=200)
    asleep, changed, published = OrganisationFactory(), OrganisationFactory(), OrganisationFactory()
    NeedFactory(organisation=asleep, published_at=now() - timedelta(days=90))
    NeedFactory(organisation=published, published_at=now() - timedelta(days=89))
    session.flush()
    columns = {Organisation.created_at: long_ago, Organisation.updated_at: long_ago}
    session.execute(update(Organisation).where(Organisation.id != changed.id).values(columns))
    session.expire_all()

    read = indicators.read(told())["fresh", ""]

    assert (read.value, read.denominator) == (2, 3)
    assert {row.id for row in read.rows} == {changed.id, published.id}


def rows() -> list[tuple[object, ...]]:
    columns = (Snapshot.day, Snapshot.territory_id, Snapshot.span, Snapshot.indicator, Snapshot.part, Snapshot.value, Snapshot.denominator)
    return sorted(map(tuple, db.session.execute(select(*columns))), key=str)


def test_a_day_that_is_taken_twice_is_the_same_and_stays_whatever_happens_later(session: Session) -> None:
    NeedFactory()
    assert observatory_snapshots.take(today())
    before = rows()

    OfferFactory()
    NeedFactory()

    assert not observatory_snapshots.take(today())
    assert rows() == before
    cells = observatory_snapshots.cells(today(), Span.MONTH, [departement("61").id])
    assert cells[departement("61").id, "needs", ""].value == 1
    assert cells[departement("61").id, "needs", "purchase"].value == 1


def test_the_epci_the_departement_and_the_region_count_the_same_need(session: Session) -> None:
    need = NeedFactory()
    observatory_snapshots.take(today())
    epci = territory_by_code(need.commune.epci_code)
    places = [epci.id, epci.parent_id, epci.parent.parent_id]

    cells = observatory_snapshots.cells(today(), Span.YEAR, places)

    assert [cells[place, "needs", ""].value for place in places] == [1, 1, 1]
    assert cells[epci.parent.parent_id, "idle_epcis", ""].value == cells[epci.parent.parent_id, "idle_epcis", ""].denominator - 1


def test_a_night_is_caught_up_and_the_months_before_the_first_one_are_rebuilt(session: Session) -> None:
    NeedFactory(published_at=now() - timedelta(days=70))
    yesterday = today() - timedelta(days=1)

    first = observatory_snapshots.take_due(at=now())
    again = [*observatory_snapshots.take_due(at=now()), *observatory_snapshots.take_due(at=now())]

    assert first[0] == yesterday
    assert observatory_snapshots.take_due(at=now()) == []
    taken = {*first, *again}
    assert len(taken) in {3, 4}
    assert session.scalars(select(Snapshot.day).where(Snapshot.is_rebuilt).distinct()).all() != []
    assert not observatory_snapshots.was_rebuilt(yesterday)
    assert all(observatory_snapshots.was_rebuilt(day) and (day + timedelta(days=1)).day == 1 for day in taken - {yesterday})


def test_a_snapshot_takes_as_many_queries_for_many_rows(session: Session, queries: list[str]) -> None:
    counts = []
    for number in range(2):
        for _ in range(1 + 4 * number):
            mutual_match()
        session.flush()
        queries.clear()
        observatory_snapshots.take(today() - timedelta(days=number))
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert session.scalar(select(func.count()).select_from(Snapshot)) > 0
