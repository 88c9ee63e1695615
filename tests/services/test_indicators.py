"""Each indicator on a world small enough to be counted by hand."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from matchmaker.models import Category, DaysBand, EuroBand, FoundAnyway, Side
from matchmaker.services import indicators
from matchmaker.services.indicators_facts import Asked, Came, Card, Cooperation, Followed, Gathering, Paired, Planned, Posted, Shared, Word, World

F = TypeVar("F")
DAY = date(2026, 11, 22)
FLERS, ARGENTAN, ORNE, NORMANDIE = 1, 2, 10, 100
HERE, THERE = (FLERS, ORNE, NORMANDIE), (ARGENTAN, ORNE, NORMANDIE)
NEED, OFFER = Side.NEED, Side.OFFER
ONE, OTHER, PLACE = uuid4(), uuid4(), uuid4()


def fact(kind: Callable[..., F], *values: object, ago: int = 20, home: tuple[int, ...] = HERE, **named: object) -> F:
    return kind(uuid4(), DAY - timedelta(days=ago), home, *values, **named)


def asked(match_id: UUID, days: int | None = None, *, is_mutual: bool = False) -> Asked:
    return fact(Asked, match_id, days is not None, days, is_mutual)


def world() -> World:
    return World(
        DAY,
        posted=[
            fact(Posted, NEED, Category.PURCHASE, 10),
            fact(Posted, NEED, Category.PURCHASE, 11),
            fact(Posted, NEED, Category.JOB, None, home=THERE),
            # Nine days old: it may still be served in time, and is not judged. The next one is served already.
            fact(Posted, NEED, Category.JOB, None, ago=9),
            fact(Posted, NEED, Category.JOB, 0, ago=1),
            fact(Posted, OFFER, Category.PURCHASE),
            fact(Posted, OFFER, Category.PREMISES),
        ],
        asked=[asked(ONE, 1, is_mutual=True), asked(ONE, 4, is_mutual=True), asked(OTHER, 9), asked(OTHER)],
        paired=[fact(Paired, True), fact(Paired), fact(Paired), fact(Paired)],
        planned=[fact(Planned), fact(Planned), fact(Planned), fact(Planned), fact(Planned, False)],
        came=[
            fact(Came, frozenset({NEED}), 4, True, False),
            fact(Came, frozenset({NEED, OFFER}), 2, False, True),
            fact(Came, frozenset({OFFER}), 2, False, False),
            fact(Came, frozenset(), 0, True, False),
        ],
        followed=[fact(Followed, True, True), fact(Followed, True, False), fact(Followed, False, False)],
        cooperations=[
            fact(Cooperation, Category.PURCHASE, None, EuroBand.UP_TO_5K, FoundAnyway.NO),
            fact(Cooperation, Category.PURCHASE, None, EuroBand.UP_TO_20K, FoundAnyway.MAYBE),
            fact(Cooperation, Category.SKILLS_SPONSORSHIP, DaysBand.UP_TO_TWENTY, None, FoundAnyway.NO),
            fact(Cooperation, Category.SKILLS_SPONSORSHIP, DaysBand.UP_TO_FIVE, None, None),
            # Days of something else than sponsorship are none of it.
            fact(Cooperation, Category.PREMISES, DaysBand.MORE, EuroBand.MORE, FoundAnyway.YES),
        ],
        shared=[fact(Shared, Decimal("0.8")), fact(Shared, Decimal("0.65"))],
        words=[fact(Word, NEED, True), fact(Word, NEED, False), fact(Word, OFFER, True)],
        cards=[fact(Card, ago=89), fact(Card, ago=90), fact(Card, ago=0)],
        gatherings=[fact(Gathering, PLACE, 10, 16), fact(Gathering, PLACE, 6, 16), fact(Gathering, uuid4(), 2, 8)],
        epcis=frozenset({FLERS, ARGENTAN, 3}),
        active=frozenset({FLERS, ARGENTAN}),
    )


EXPECTED: dict[tuple[str, str], tuple[float, float | None]] = {
    ("needs", ""): (5, None),
    ("needs", "job"): (3, None),
    ("needs", "material"): (0, None),
    ("offers", ""): (2, None),
    ("offers", "premises"): (1, None),
    ("served", ""): (2, 4),
    ("answered", ""): (3, 4),
    ("answer_days", ""): (4, 3),
    ("answered_in_3", ""): (1, 4),
    ("answered_in_5", ""): (2, 4),
    ("mutual", ""): (1, 2),
    ("planned", ""): (5, None),
    ("held", ""): (4, 5),
    ("no_show_needs", ""): (1, 2),
    ("no_show_offers", ""): (1, 2),
    ("meetings_least", ""): (0, 4),
    ("meetings_middle", ""): (2, 4),
    # 0, 2, 2, 4: 2 × (0 + 4 + 6 + 16) / (4 × 8) − 5/4
    ("meetings_gini", ""): (0.375, 4),
    ("newcomers", ""): (2, 4),
    ("followed", ""): (1, 2),
    ("cooperations", ""): (5, None),
    ("cooperations", "purchase"): (2, None),
    ("shared_fte", ""): (1.45, 2),
    ("sponsorship_days", ""): (7, 2),
    ("purchase_euros", ""): (6_000, 2),
    ("purchase_euros", "1000-5000"): (1_000, 1),
    ("across", ""): (1, 4),
    ("ratio", ""): (5, 2),
    ("ratio", "purchase"): (2, 1),
    ("idle_epcis", ""): (1, 3),
    ("additional", ""): (2, 4),
    ("useful_needs", ""): (1, 2),
    ("useful_offers", ""): (1, 1),
    ("fresh", ""): (2, 3),
    ("active_places", ""): (2, None),
    ("gatherings", ""): (3, None),
    ("filled", ""): (18, 40),
}


@pytest.mark.parametrize("key", EXPECTED, ids=lambda key: "-".join(filter(None, key)))
def test_the_figure_is_the_one_counted_by_hand(key: tuple[str, str]) -> None:
    reading = indicators.read(world())[key]

    assert (reading.value, reading.denominator) == EXPECTED[key]


def test_every_indicator_is_counted_by_hand_here() -> None:
    assert {key for key, _part in EXPECTED} == set(indicators.BY_KEY)
    assert {one.number for one in indicators.INDICATORS} == set(range(1, 25))


@pytest.mark.parametrize("indicator", indicators.INDICATORS, ids=lambda one: one.key)
def test_the_rows_behind_a_share_are_as_many_as_it_says(indicator: indicators.Indicator) -> None:
    reading = indicator.read(world())

    if indicator.kind is indicators.Kind.SHARE and indicator.key not in {"idle_epcis", "filled"}:
        assert (len(reading.rows), len(reading.among)) == (reading.value, reading.denominator)
        assert {row.id for row in reading.rows} <= {row.id for row in reading.among}


def test_a_world_of_nothing_has_figures_too() -> None:
    for reading in indicators.read(World(DAY)).values():
        assert (reading.value, reading.denominator or 0) == (0, 0)


def test_facts_count_where_they_happened_and_in_all_that_holds_it() -> None:
    parts = world().by_territory({FLERS: frozenset({FLERS}), ARGENTAN: frozenset({ARGENTAN}), ORNE: frozenset({FLERS, ARGENTAN, 3}), 3: frozenset({3})})

    assert [len(parts[one].posted) for one in (FLERS, ARGENTAN, ORNE, 3)] == [6, 1, 7, 0]
    assert [len(parts[one].epcis - parts[one].active) for one in (FLERS, ARGENTAN, ORNE, 3)] == [0, 0, 1, 1]


def test_a_shorter_stretch_leaves_the_older_facts_out_but_no_card() -> None:
    recent = world().since(DAY - timedelta(days=9))

    assert (len(recent.posted), len(recent.asked), len(recent.cards)) == (2, 0, 3)
