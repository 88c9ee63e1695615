from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Category, DeclineReason, Flag, Match, MatchingRun, MatchStatus, Offer, OutboxMail, Proposal, ProposalStatus, RunStatus, Status
from matchmaker.models.base import now, today
from matchmaker.services import asking, matching, proposal_ends, proposals
from matchmaker.services.errors import NotAllowedNow, RunUnderWay
from matchmaker.services.outbox import MailSettings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, departement, proposals_of

TODAY = today()


@pytest.fixture
def settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


def pairs(run: MatchingRun) -> set[tuple[str, str]]:
    return {(match.need.title, match.offer.title) for match in run.matches}


def test_a_need_finds_the_offer_that_speaks_of_the_same_thing(session: Session) -> None:
    NeedFactory(title="Traiteur pour un séminaire", skills=["traiteur", "buffet"])
    OfferFactory(title="Buffets de saison", skills=["buffet", "traiteur"])
    OfferFactory(title="Tonte et taille de haies", skills=["espaces verts"])

    run = matching.rematch(departement(), today=TODAY)

    assert pairs(run) == {("Traiteur pour un séminaire", "Buffets de saison")}
    assert (run.status, run.served_count, run.needs_count, run.gap) == (RunStatus.READY, 1, 1, 0)
    assert run.value == run.bound == run.matches[0].score


def test_the_points_of_the_breakdown_sum_to_the_score(session: Session) -> None:
    NeedFactory(), OfferFactory()

    match = matching.rematch(departement(), today=TODAY).matches[0]

    assert sum(line["earned"] for line in match.breakdown) == match.points
    assert sum(line["possible"] for line in match.breakdown) == 100


def test_an_offer_of_the_next_departement_serves_a_need_within_the_radius(session: Session) -> None:
    NeedFactory(at="Flers (61)", radius_km=30)
    OfferFactory(at="Condé-en-Normandie (14)", radius_km=30)

    assert matching.rematch(departement("61"), today=TODAY).served_count == 1
    assert matching.rematch(departement("14"), today=TODAY).needs_count == 0


def test_both_radii_count_and_an_intervention_area_goes_beyond_them(session: Session) -> None:
    NeedFactory(at="Flers (61)", radius_km=100)
    offer = OfferFactory(at="Alençon (61)", radius_km=10)
    assert matching.rematch(departement(), today=TODAY).served_count == 0

    offer.areas = [departement("61")]

    assert matching.rematch(departement(), today=TODAY).served_count == 1


def test_what_a_need_requires_and_an_offer_denies_never_meets_but_unknown_does(session: Session) -> None:
    need = NeedFactory(category=Category.PREMISES, flags=[Flag.WHEELCHAIR])
    offer = OfferFactory(category=Category.PREMISES, denied_flags=[Flag.WHEELCHAIR])
    run = matching.rematch(departement(), today=TODAY)
    assert run.unserved[str(need.id)]["removed"] == {"flags": 1}

    offer.denied_flags = []

    assert matching.rematch(departement(), today=TODAY).served_count == 1


def test_dates_and_half_days_must_meet(session: Session) -> None:
    need = NeedFactory(ends_on=TODAY + timedelta(days=10), halfdays=0b11)
    offer = OfferFactory(starts_on=TODAY + timedelta(days=20))
    assert matching.rematch(departement(), today=TODAY).served_count == 0
    offer.starts_on, offer.halfdays = None, 0b1100
    assert matching.rematch(departement(), today=TODAY).served_count == 0

    need.halfdays = 0b111

    assert matching.rematch(departement(), today=TODAY).served_count == 1


def test_nobody_is_matched_with_itself(session: Session) -> None:
    organisation = OrganisationFactory()
    NeedFactory(organisation=organisation)
    OfferFactory(organisation=organisation)

    assert matching.rematch(departement(), today=TODAY).matches == []


def test_drafts_paused_and_closed_declarations_take_no_part(session: Session) -> None:
    NeedFactory(draft=True)
    NeedFactory(status=Status.PAUSED)
    OfferFactory(status=Status.CLOSED)

    run = matching.rematch(departement(), today=TODAY)

    assert (run.needs_count, run.offers_count) == (0, 0)


def test_an_unserved_need_says_how_far_the_nearest_offer_is(session: Session) -> None:
    need = NeedFactory(at="Flers (61)", radius_km=10)
    OfferFactory(at="Argentan (61)", radius_km=100)

    told = matching.rematch(departement(), today=TODAY).unserved[str(need.id)]

    assert told["reason"] == "no_candidate"
    assert 38 <= told["nearest_km"] <= 46


def test_capacities_hold_and_places_that_live_matches_take_are_gone(session: Session) -> None:
    offer = OfferFactory(capacity=2)
    for _place in range(3):
        NeedFactory()
    run = matching.rematch(departement(), today=TODAY)
    assert run.served_count == 2

    run.matches[0].status = MatchStatus.CONFIRMED
    db.session.flush()
    again = matching.rematch(departement(), today=TODAY)

    assert again.served_count == 1
    assert again.matches[0].offer is offer
    assert [told["reason"] for told in again.unserved.values()] == ["outbid"]


def test_a_territory_has_one_run_under_way(session: Session) -> None:
    matching.request_run(departement())

    with pytest.raises(RunUnderWay):
        matching.request_run(departement())
    assert matching.request_run(departement("14")).status is RunStatus.QUEUED


def test_the_database_itself_refuses_the_second_run(session: Session) -> None:
    RunFactory(status=RunStatus.RUNNING, value=None)

    with pytest.raises(IntegrityError):
        RunFactory(status=RunStatus.QUEUED, value=None)


def test_a_run_whose_worker_died_is_taken_up_again(session: Session) -> None:
    run = matching.request_run(departement())
    assert matching.start_due() == run.id
    assert run.status is RunStatus.RUNNING

    assert matching.start_due() == run.id
    matching.compute(run.id, today=TODAY)

    assert run.status is RunStatus.READY
    assert matching.start_due() is None


def test_a_new_result_replaces_the_one_that_nobody_sent(session: Session) -> None:
    first = matching.rematch(departement(), today=TODAY)

    second = matching.rematch(departement(), today=TODAY)

    assert (first.status, second.status) == (RunStatus.SUPERSEDED, RunStatus.READY)


def test_publishing_asks_both_sides_with_one_mail_each(session: Session, settings: MailSettings) -> None:
    organisation = OrganisationFactory()
    for _need in range(2):
        NeedFactory(organisation=organisation)
        OfferFactory()
    run = matching.rematch(departement(), today=TODAY)

    matching.publish(run, today=TODAY, settings=settings)

    assert run.status is RunStatus.PUBLISHED
    assert db.session.scalar(select(func.count(Proposal.id))) == 4
    assert sorted(db.session.scalars(select(OutboxMail.recipient))).count(organisation.email) == 1
    assert db.session.scalar(select(func.count(OutboxMail.id))) == 3


def test_publishing_twice_is_refused(session: Session, settings: MailSettings) -> None:
    run = matching.rematch(departement(), today=TODAY)
    matching.publish(run, today=TODAY, settings=settings)

    with pytest.raises(NotAllowedNow):
        matching.publish(run, today=TODAY, settings=settings)


def test_a_pair_whose_offer_was_closed_meanwhile_is_left_out(session: Session, settings: MailSettings) -> None:
    NeedFactory()
    offer = OfferFactory()
    run = matching.rematch(departement(), today=TODAY)
    offer.status = Status.CLOSED

    assert matching.publish(run, today=TODAY, settings=settings) == []
    assert run.matches[0].status is MatchStatus.ENDED


def test_a_refused_pair_is_never_proposed_again(session: Session, settings: MailSettings) -> None:
    match = MatchFactory()
    mine, _theirs = proposals_of(match)
    proposals.decline(mine, reason=DeclineReason.TOO_FAR, settings=settings)

    run = matching.rematch(departement(), today=TODAY)

    assert run.matches == []
    assert run.unserved[str(match.need_id)]["reason"] == "all_refused"


def test_a_pair_that_a_pause_withdrew_comes_back(session: Session, settings: MailSettings) -> None:
    match = MatchFactory()
    proposals_of(match)
    proposal_ends.end_of_declaration(match.need, settings=settings)

    assert pairs(matching.rematch(departement(), today=TODAY)) == {(match.need.title, match.offer.title)}


def test_silence_keeps_a_pair_apart_for_a_while_only(session: Session, settings: MailSettings) -> None:
    match = MatchFactory()
    mine, _theirs = proposals_of(match)
    mine.answer_by = TODAY - timedelta(days=1)
    db.session.flush()
    proposal_ends.expire_due(today=TODAY, settings=settings)

    assert matching.rematch(departement(), today=TODAY).matches == []
    assert matching.rematch(departement(), today=TODAY + timedelta(days=120)).served_count == 1


def test_nobody_is_asked_more_often_than_they_accept(session: Session, settings: MailSettings) -> None:
    organisation = OrganisationFactory(monthly_budget=2)
    for _offer in range(3):
        NeedFactory()
        OfferFactory(organisation=organisation)
    run = matching.rematch(departement(), today=TODAY)
    assert len(run.matches) == 3

    matching.publish(run, today=TODAY, settings=settings)

    counts = []
    for day in range(4):
        asking.ask(departement(), day=TODAY + timedelta(days=day), settings=settings)
        counts.append(db.session.scalar(select(func.count(Proposal.id)).where(Proposal.organisation_id == organisation.id)))
    # Once a day, and twice a month.
    assert counts == [1, 2, 2, 2]


def test_nobody_is_asked_during_their_pause(session: Session, settings: MailSettings) -> None:
    NeedFactory()
    OfferFactory(organisation=OrganisationFactory(paused_until=TODAY))
    run = matching.rematch(departement(), today=TODAY)

    assert matching.publish(run, today=TODAY, settings=settings) == []


def test_a_pair_whose_need_was_edited_since_is_left_for_the_next_run(session: Session, settings: MailSettings) -> None:
    need = NeedFactory()
    OfferFactory()
    run = matching.rematch(departement(), today=TODAY)
    need.capacity = 2
    db.session.flush()

    assert matching.publish(run, today=TODAY, settings=settings) == []
    assert matching.rematch(departement(), today=TODAY).served_count == 1


def test_a_run_that_kills_its_worker_each_time_is_given_up(session: Session) -> None:
    run = matching.request_run(departement())
    for _worker in range(3):
        assert matching.start_due() == run.id

    assert matching.start_due() is None
    assert run.status is RunStatus.FAILED


def test_the_database_refuses_two_live_matches_of_one_pair(session: Session) -> None:
    match = MatchFactory()

    with pytest.raises(IntegrityError):
        MatchFactory(need=match.need, offer=match.offer, run=RunFactory(status=RunStatus.SUPERSEDED))


def test_the_week_asks_for_a_run_where_needs_wait(session: Session) -> None:
    NeedFactory(at="Flers (61)")
    NeedFactory(at="Caen (14)")
    RunFactory(territory=departement("14"), created_at=now() - timedelta(days=2))

    assert [run.territory.code for run in matching.request_weekly()] == ["61"]


def test_a_page_of_a_run_costs_the_same_for_any_number_of_matches(session: Session, queries: list[str]) -> None:
    counts = []
    for number in (1, 12):
        run = RunFactory(status=RunStatus.SUPERSEDED)
        for _match in range(number):
            MatchFactory(run=run, status=MatchStatus.PREVIEW)
        run_id = run.id
        db.session.commit()
        db.session.expunge_all()
        queries.clear()
        found = matching.run(run_id)
        assert len([match.need.organisation.commune.name for match in matching.matches_of(found)]) == number
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_live_proposals_expire_and_free_their_places(session: Session, settings: MailSettings) -> None:
    match = MatchFactory()
    mine, _theirs = proposals_of(match)
    mine.answer_by = TODAY - timedelta(days=1)

    assert proposal_ends.expire_due(today=TODAY, settings=settings) == 1
    assert match.status is MatchStatus.ENDED
    assert db.session.scalar(select(Match.id).where(Match.status == MatchStatus.PROPOSED)) is None


def not_chosen(offer: Offer) -> Offer:
    """It said yes three days ago, and another one was chosen."""
    _need, yes = proposals_of(MatchFactory(status=MatchStatus.ENDED, offer=offer, need=NeedFactory(status=Status.PAUSED)))
    yes.status, yes.answered_at = ProposalStatus.ACCEPTED, now() - timedelta(days=3)
    return offer


def test_who_said_yes_and_was_not_chosen_goes_first_when_the_fit_is_the_same(session: Session) -> None:
    passed_over = not_chosen(OfferFactory())
    wanted = NeedFactory()
    for _number in range(4):
        OfferFactory()

    run = matching.rematch(departement(), today=TODAY)

    [match] = run.matches
    assert (match.need, match.offer) == (wanted, passed_over)
    assert match.breakdown[-1] == {"criterion": "turn", "earned": 3, "possible": 3, "unknown": False}
    assert sum(line["earned"] for line in match.breakdown) == match.points


def test_a_turn_does_not_outweigh_a_better_fit(session: Session) -> None:
    not_chosen(OfferFactory(skills=["traiteur", "salé"]))
    wanted, better = NeedFactory(skills=["traiteur", "sucré"]), OfferFactory(skills=["traiteur", "sucré"])

    run = matching.rematch(departement(), today=TODAY)

    assert [(match.need, match.offer) for match in run.matches] == [(wanted, better)]
