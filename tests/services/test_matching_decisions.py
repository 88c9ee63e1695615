"""Locks and refusals: the answer is mended at once, stays proven, and later runs hear of them."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.engine.certificate import certify
from matchmaker.extensions import db
from matchmaker.models import MatchingRun, Need, Offer, PairDecision, Status, User, Verdict
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_decisions, matching_instances
from matchmaker.services.errors import ChangedMeanwhile, LockedAndRefused, NoPlaceToLock, NotAllowedNow, NotInRun
from matchmaker.services.matching_decisions import Change
from matchmaker.services.outbox import MailSettings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, RunFactory, UserFactory, departement

TODAY = today()


@pytest.fixture
def animator(session: Session) -> User:
    return UserFactory(animator=True)


@pytest.fixture
def crossing(session: Session) -> tuple[list[Need], list[Offer]]:
    """Two needs, two offers: one pairing is better, the other is possible."""
    needs = [NeedFactory(title=title, skills=skills, radius_km=60) for title, skills in (("Buffet", ["traiteur", "buffet"]), ("Goûter", ["traiteur"]))]
    offers = [OfferFactory(title="Près", radius_km=60, skills=["traiteur", "buffet"]), OfferFactory(title="Loin", radius_km=60, at="Argentan (61)")]
    return needs, offers


def decide(run: MatchingRun, pair: tuple[Need, Offer], verdict: Verdict | None, by: User) -> Change:
    return matching_decisions.decide(run, pair[0].id, pair[1].id, verdict, by=by, revision=run.revision)


def pairs(run: MatchingRun) -> set[tuple[str, str]]:
    return {(match.need.title, match.offer.title) for match in matching.matches_of(run)}


def partner(run: MatchingRun, need: Need) -> Offer:
    return next(match.offer for match in matching.matches_of(run) if match.need_id == need.id)


def check_proof(run: MatchingRun) -> None:
    """What is stored is one and the same answer, and it is proven."""
    db.session.flush()
    instance = matching_instances.unpack(run.instance.arrays)
    proof = certify(instance.problem, instance.assignment)
    stored = {(match.need_id, match.offer_id): match for match in matching.matches_of(run)}
    chosen = {
        (instance.need_ids[need], instance.offer_ids[offer])
        for need, offer in zip(instance.problem.need[instance.assignment.chosen], instance.problem.offer[instance.assignment.chosen], strict=True)
    }
    assert proof.optimal
    assert stored.keys() == chosen
    assert (run.value, run.bound, run.gap) == (proof.primal, proof.dual, 0)
    assert run.value == sum(match.score for match in stored.values())
    assert run.served_count == len({need for need, _offer in stored})
    assert run.served_count + len(run.unserved) == run.needs_count
    for match in stored.values():
        assert sum(line["earned"] for line in match.breakdown) == match.points
        assert sum(line["possible"] for line in match.breakdown) == 100


def test_a_refusal_gives_each_side_its_next_best_at_once(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    before = pairs(run)
    refused = needs[0], partner(run, needs[0])

    change = decide(run, refused, Verdict.REFUSED, animator)

    assert (refused[0].id, refused[1].id) in change.left
    assert len(change.entered) == len(change.left) == 2
    assert not pairs(run) & before
    assert change.after == run.value < change.before
    check_proof(run)


def test_taking_a_refusal_back_brings_the_first_answer_back(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    before, value = pairs(run), run.value
    refused = needs[0], partner(run, needs[0])
    decide(run, refused, Verdict.REFUSED, animator)

    change = decide(run, refused, None, animator)

    assert (pairs(run), run.value, change.standing) == (before, value, Verdict.REFUSED)
    assert db.session.scalar(select(PairDecision.id)) is None
    check_proof(run)


def test_the_points_of_a_pair_that_comes_back_are_those_that_it_had(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    pair = needs[0], partner(run, needs[0])
    before = next(match.breakdown for match in matching.matches_of(run) if match.need_id == needs[0].id)
    decide(run, pair, Verdict.REFUSED, animator)

    decide(run, pair, None, animator)

    assert next(match.breakdown for match in matching.matches_of(run) if match.need_id == needs[0].id) == before


def test_a_lock_changes_nothing_now_and_holds_in_the_next_run_whatever_comes(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    locked = needs[0], partner(run, needs[0])

    change = decide(run, locked, Verdict.LOCKED, animator)

    assert (change.entered, change.left, change.before) == ([], [], change.after)
    check_proof(run)
    locked[1].capacity = 1
    for _better in range(3):
        NeedFactory(title="Mieux", skills=["traiteur"])
    later = matching.rematch(departement(), today=TODAY)
    assert (locked[0].title, locked[1].title) in pairs(later)
    assert later.set_aside == []


def test_a_locked_pair_is_released(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    pair = needs[0], partner(run, needs[0])
    decide(run, pair, Verdict.LOCKED, animator)

    decide(run, pair, None, animator)

    assert not matching_instances.unpack(run.instance.arrays).problem.locked.any()
    check_proof(run)


def test_a_refused_pair_stays_out_of_later_runs_and_may_come_back_there(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    before = pairs(run)
    refused = needs[0], partner(run, needs[0])
    decide(run, refused, Verdict.REFUSED, animator)
    later = matching.rematch(departement(), today=TODAY)
    assert not pairs(later) & before

    decide(later, refused, None, animator)

    assert pairs(later) == before
    check_proof(later)


def test_a_need_whose_only_offer_is_refused_is_told_why_and_served_again_after(session: Session, animator: User) -> None:
    pair = NeedFactory(), OfferFactory()
    run = matching.rematch(departement(), today=TODAY)

    decide(run, pair, Verdict.REFUSED, animator)

    assert run.unserved[str(pair[0].id)]["reason"] == "all_refused"
    assert (run.served_count, run.value) == (0, 0)
    check_proof(run)
    decide(run, pair, None, animator)
    assert run.unserved == {}


def test_a_lock_of_a_pair_that_was_not_chosen_changes_the_others(crossing, animator: User) -> None:
    needs, offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    other = next(offer for offer in offers if offer is not partner(run, needs[0]))

    change = decide(run, (needs[0], other), Verdict.LOCKED, animator)

    assert partner(run, needs[0]) is other
    assert change.after < change.before
    check_proof(run)


def test_a_side_whose_places_are_all_locked_takes_no_other_lock(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    taken = partner(run, needs[0])
    decide(run, (needs[0], taken), Verdict.LOCKED, animator)

    with pytest.raises(NoPlaceToLock) as refused:
        decide(run, (needs[1], taken), Verdict.LOCKED, animator)

    assert (refused.value.side, list(refused.value.partners)) == (taken, [needs[0]])


def test_a_locked_pair_is_not_refused_before_it_is_released(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    pair = needs[0], partner(run, needs[0])
    decide(run, pair, Verdict.LOCKED, animator)

    with pytest.raises(LockedAndRefused):
        decide(run, pair, Verdict.REFUSED, animator)


def test_the_same_decision_twice_changes_nothing_even_from_an_older_page(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    pair = needs[0], partner(run, needs[0])
    decide(run, pair, Verdict.LOCKED, animator)

    again = matching_decisions.decide(run, pair[0].id, pair[1].id, Verdict.LOCKED, by=animator, revision=0)

    assert (again.entered, again.left, run.revision) == ([], [], 1)


def test_who_decides_from_an_older_page_is_told_so(crossing, animator: User) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    decide(run, (needs[0], partner(run, needs[0])), Verdict.LOCKED, animator)

    with pytest.raises(ChangedMeanwhile):
        matching_decisions.decide(run, needs[1].id, partner(run, needs[1]).id, Verdict.REFUSED, by=animator, revision=0)


def test_only_a_run_that_waits_is_changed_and_only_pairs_that_it_knows(crossing, animator: User, app) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    pair = needs[0], partner(run, needs[0])
    with pytest.raises(NotInRun):
        decide(run, (needs[0], OfferFactory()), Verdict.LOCKED, animator)
    with pytest.raises(NotInRun):
        decide(run, pair, None, animator)
    with pytest.raises(NotInRun):
        decide(RunFactory(territory=departement("14")), pair, Verdict.REFUSED, animator)

    matching.publish(run, today=TODAY, settings=MailSettings.from_config(app.config))

    with pytest.raises(NotAllowedNow):
        decide(run, pair, Verdict.REFUSED, animator)


@pytest.mark.parametrize("reason", ["closed", "place taken"])
def test_a_lock_that_cannot_hold_any_more_is_left_aside_and_the_run_goes_on(crossing, animator: User, reason: str) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    pair = needs[0], partner(run, needs[0])
    decide(run, pair, Verdict.LOCKED, animator)
    if reason == "closed":
        pair[1].status = Status.CLOSED
    else:
        MatchFactory(run=RunFactory(territory=departement("14")), need=NeedFactory(at="Caen (14)"), offer=pair[1], mutual=True)

    later = matching.rematch(departement(), today=TODAY)

    assert later.set_aside == [[str(pair[0].id), str(pair[1].id)]]
    assert (pair[0].title, pair[1].title) not in pairs(later)
    check_proof(later)


def test_of_more_locks_than_places_the_oldest_hold(crossing, animator: User) -> None:
    needs, offers = crossing
    for need in needs:
        db.session.add(PairDecision(need=need, offer=offers[0], verdict=Verdict.LOCKED, decided_by=animator, decided_at=now()))
        db.session.flush()

    run = matching.rematch(departement(), today=TODAY)

    assert (needs[0].title, offers[0].title) in pairs(run)
    assert run.set_aside == [[str(needs[1].id), str(offers[0].id)]]
    check_proof(run)


def test_a_locked_pair_that_was_proposed_is_no_lock_left_aside(crossing, animator: User, app) -> None:
    needs, _offers = crossing
    run = matching.rematch(departement(), today=TODAY)
    decide(run, (needs[0], partner(run, needs[0])), Verdict.LOCKED, animator)
    matching.publish(run, today=TODAY, settings=MailSettings.from_config(app.config))

    assert matching.rematch(departement(), today=TODAY).set_aside == []
