"""A run is stale when a computation now would read something else, and only then."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Category, CriteriaWeights, MatchingRun, Need, Offer, Organisation, RunStatus, Status, Theme, Verdict
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_decisions, matching_freshness
from tests.factories import MatchFactory, NeedFactory, OfferFactory, RunFactory, UserFactory, departement

TODAY = today()


@pytest.fixture
def ready(session: Session) -> MatchingRun:
    NeedFactory(radius_km=20)
    OfferFactory()
    return matching.rematch(departement(), today=TODAY)


def is_stale(run: MatchingRun) -> bool:
    db.session.flush()
    return matching_freshness.is_stale(run, today=TODAY)


def test_a_run_is_fresh_as_long_as_nothing_changes(ready: MatchingRun) -> None:
    assert ready.inputs_hash
    assert not is_stale(ready)


def first_offer() -> Offer:
    return db.session.scalars(select(Offer)).first()


def first_need() -> Need:
    return db.session.scalars(select(Need)).first()


def move(organisation: Organisation) -> None:
    organisation.latitude, organisation.longitude = 48.7, -0.5


CHANGES: dict[str, Callable[[], object]] = {
    "a need more": lambda: NeedFactory(),
    "an offer more": lambda: OfferFactory(),
    "an offer of the next département within reach": lambda: OfferFactory(at="Condé-en-Normandie (14)"),
    "an offer from afar": lambda: OfferFactory(at="Dieppe (76)", remote_share=100),
    "an offer edited": lambda: setattr(first_offer(), "capacity", 2),
    "a need closed": lambda: setattr(first_need(), "status", Status.CLOSED),
    "an area": lambda: setattr(first_offer(), "areas", [departement("61")]),
    "the address of a structure": lambda: move(first_offer().organisation),
    "weights": lambda: db.session.add(CriteriaWeights(territory=departement(), category=Category.PURCHASE, weights={"distance": 1})),
    "a theme": lambda: setattr(departement(), "themes", [Theme.WATER.value]),
    "a place taken by another département": lambda: MatchFactory(
        run=RunFactory(territory=departement("14"), status=RunStatus.SUPERSEDED), need=NeedFactory(at="Caen (14)"), offer=first_offer()
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_computation_reads_makes_it_stale(ready: MatchingRun, change: str) -> None:
    CHANGES[change]()

    assert is_stale(ready)


OTHER: dict[str, Callable[[], object]] = {
    "a draft": lambda: NeedFactory(draft=True),
    "a need elsewhere": lambda: NeedFactory(at="Caen (14)"),
    "an offer that no need can reach": lambda: OfferFactory(at="Dieppe (76)"),
    "the mail address of a structure": lambda: setattr(first_offer().organisation, "email", "nouveau@structure.test"),
}


@pytest.mark.parametrize("change", OTHER)
def test_what_it_would_not_read_does_not(ready: MatchingRun, change: str) -> None:
    OTHER[change]()

    assert not is_stale(ready)


def test_an_offer_in_an_area_of_a_need_is_within_its_reach(session: Session) -> None:
    NeedFactory(areas=[departement("76")])
    run = matching.rematch(departement(), today=TODAY)

    OfferFactory(at="Dieppe (76)")

    assert is_stale(run)


def test_a_decision_changes_the_run_itself_and_leaves_it_fresh(ready: MatchingRun) -> None:
    match = matching.matches_of(ready)[0]

    matching_decisions.decide(ready, match.need_id, match.offer_id, Verdict.REFUSED, by=UserFactory(animator=True), revision=0)

    assert not is_stale(ready)


def test_a_run_without_a_fingerprint_is_taken_as_it_is(session: Session) -> None:
    assert not is_stale(RunFactory())


def test_an_automatic_run_does_not_take_the_place_of_a_result_that_waits(ready: MatchingRun) -> None:
    matching.wish_for_a_run(departement())

    assert matching.start_due() is None
    assert ready.status is RunStatus.READY


def test_an_automatic_run_is_queued_where_nothing_waits_or_has_waited_for_a_week(ready: MatchingRun) -> None:
    matching.wish_for_a_run(departement("14"))
    ready.created_at = now() - timedelta(days=8)
    db.session.flush()
    matching.wish_for_a_run(departement("61"))

    queued = db.session.scalars(select(MatchingRun).where(MatchingRun.status == RunStatus.QUEUED)).all()
    assert {run.territory.code for run in queued} == {"14", "61"}


def test_a_fingerprint_costs_the_same_queries_for_any_number_of_rows(session: Session, queries: list[str]) -> None:
    counts = []
    for number in (1, 12):
        for _row in range(number):
            NeedFactory()
            OfferFactory()
        territory = departement()
        db.session.flush()
        queries.clear()
        matching_freshness.fingerprint(territory, today=TODAY)
        counts.append(len(queries))

    assert counts[0] == counts[1]
