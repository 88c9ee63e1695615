"""Fairness figures, against numbers worked out by hand."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from matchmaker.models import Headcount
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_fairness
from matchmaker.services.matching_fairness import Asked, measured
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, ProposalFactory, RunFactory, departement

A, B, C, D = (UUID(int=number) for number in range(1, 5))
X, Y, Z = (UUID(int=number) for number in range(11, 14))


def test_four_organisations_by_hand() -> None:
    """A has two needs and three partners, one of them twice; B has one partner; C and D have none."""
    first, second, third, fourth, fifth = (uuid4() for _ in range(5))
    asked = [
        Asked(first, A, "flers", True, False),
        Asked(second, A, "flers", True, False),
        Asked(third, B, "flers", False, True),
        Asked(fourth, C, "argentan", True, True),
        Asked(fifth, D, "argentan", None, False),
    ]

    told = measured(asked, {first: {X, Y}, second: {Y, Z}, third: {X}})

    assert told == {
        "needs_asked": 5,
        "needs_served": 3,
        "organisations_asked": 4,
        "organisations_served": 2,
        "small_asked": 2,
        "small_served": 1,
        "unsized_asked": 1,
        "unsized_served": 0,
        "new_asked": 2,
        "new_served": 1,
        "partners_least": 0,
        "partners_median": 0.5,
        # 0, 0, 1, 3: 2 (3·1 + 4·3) / (4·4) - 5/4
        "partners_gini": 0.625,
    }


def test_nobody_asked() -> None:
    told = measured([], {})

    assert (told["needs_asked"], told["partners_least"], told["partners_median"], told["partners_gini"]) == (0, None, None, None)


def test_a_run_is_measured_from_its_rows(session: Session) -> None:
    old = now() - timedelta(days=400)
    small = OrganisationFactory(headcount=Headcount.VERY_SMALL, created_at=old)
    large = OrganisationFactory(headcount=Headcount.LARGE, created_at=old, at="Argentan (61)")
    ProposalFactory(organisation=large, proposed_at=old)
    NeedFactory(organisation=small)
    NeedFactory(organisation=large, at="Argentan (61)", skills=["ménage"], title="Ménage")
    OfferFactory()
    run = matching.rematch(departement(), today=today())

    told = matching_fairness.figures(run)

    assert (told["needs_asked"], told["needs_served"]) == (2, 1)
    assert (told["small_asked"], told["small_served"], told["new_asked"], told["new_served"]) == (1, 1, 1, 1)
    assert (told["partners_least"], told["partners_median"], told["partners_gini"]) == (0, 0.5, 0.5)
    places = {place["code"]: (place["needs_asked"], place["needs_served"]) for place in told["by_epci"]}
    assert sorted(places.values()) == [(1, 0), (1, 1)]


def test_who_came_lately_is_new_and_who_was_asked_before_is_not(session: Session) -> None:
    old = now() - timedelta(days=400)
    recent, asked_before, never_asked = (OrganisationFactory(created_at=instant) for instant in (now() - timedelta(days=89), old, old))
    run = RunFactory(started_at=now())
    for organisation in (recent, asked_before, never_asked):
        MatchFactory(run=run, need=NeedFactory(organisation=organisation))
    for organisation in (recent, asked_before):
        ProposalFactory(organisation=organisation, proposed_at=now() - timedelta(days=10))
    ProposalFactory(organisation=never_asked, proposed_at=now() + timedelta(minutes=1))

    new = {one.organisation for one in matching_fairness.asked_in(run) if one.is_new}

    assert new == {recent.id, never_asked.id}


def test_an_empty_run_has_figures_too_and_queries_do_not_grow(session: Session, queries: list[str]) -> None:
    run = RunFactory()
    queries.clear()
    assert matching_fairness.figures(run)["by_epci"] == []
    few = len(queries)

    for _ in range(5):
        MatchFactory(run=run)
    queries.clear()
    assert matching_fairness.figures(run)["needs_served"] == 5
    assert len(queries) == few
