"""What the public reads of small numbers: never one of them, not even by subtraction."""

from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.models import Span
from matchmaker.services.indicators import BY_KEY
from matchmaker.services.observatory_secrecy import SMALL, hidden, is_small, may_be_published, unpublished, unpublished_parts
from matchmaker.services.observatory_snapshots import Cell

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("key", "span", "day", "expected"),
    [
        ("needs", Span.YEAR, date(2026, 11, 22), True),
        ("answered", Span.YEAR, date(2026, 11, 22), False),
        ("answered", Span.QUARTER, date(2026, 9, 30), False),
        ("answered", Span.MONTH, date(2026, 11, 22), False),
        ("answered", Span.MONTH, date(2026, 10, 30), False),
        ("answered", Span.MONTH, date(2026, 10, 31), True),
    ],
)
def test_what_touches_people_is_published_by_whole_months_that_are_over(key: str, span: Span, day: date, expected: bool) -> None:
    assert may_be_published(BY_KEY[key], span, day, today=TODAY) is expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=2, max_size=3).filter(lambda parts: sum(parts) >= SMALL))
def test_no_small_part_is_found_even_by_who_knows_the_whole_the_shown_parts_and_the_rule(parts: list[int]) -> None:
    kept = hidden([(part,) for part in parts])
    small = {place for place, part in enumerate(parts) if 0 < part < SMALL}

    assert small <= kept
    could_be = [world for world in product(range(sum(parts) + 1), repeat=len(parts)) if looks_like(world, parts, kept)]
    assert all(len({world[place] for world in could_be}) > 1 for place in small)


def looks_like(world: tuple[int, ...], parts: list[int], kept: set[int]) -> bool:
    """Would another world be published in the same way?"""
    is_same = sum(world) == sum(parts) and all(world[place] == parts[place] for place in range(len(parts)) if place not in kept)
    return is_same and hidden([(part,) for part in world]) == kept


def cells(**values: tuple[int, int]) -> dict[tuple[int, str, str], Cell]:
    return {(int(name[1:]), "answered", ""): Cell(Decimal(value), Decimal(among)) for name, (value, among) in values.items()}


TREE = {100: [10, 20], 10: [1, 2, 3], 20: [4]}


def test_the_small_one_and_a_second_one_hide_below_each_whole() -> None:
    told = cells(_100=(60, 90), _10=(30, 50), _20=(30, 40), _1=(3, 10), _2=(12, 20), _3=(15, 20), _4=(30, 40))

    assert unpublished(BY_KEY["answered"], told, TREE, [100]) == {1, 2}


def test_below_a_hidden_one_nothing_that_happened_is_shown() -> None:
    told = cells(_100=(33, 50), _10=(3, 10), _20=(30, 40), _1=(0, 1), _2=(3, 9), _4=(30, 40))

    assert unpublished(BY_KEY["answered"], told, TREE, [100]) == {10, 20, 1, 2, 4}


def test_those_who_did_not_are_few_too() -> None:
    assert is_small((18, 20, 2))
    assert not is_small((20, 20, 0))
    assert not is_small((0, 0, 0))


def test_what_anybody_may_see_is_not_hidden() -> None:
    told = {(100, "needs", ""): Cell(Decimal(2))}

    assert unpublished(BY_KEY["needs"], told, TREE, [100]) == set()
    assert unpublished_parts(BY_KEY["needs"], told, 100, ["job"]) == set()


def test_the_parts_of_a_figure_hide_together() -> None:
    told = {(100, "cooperations", part): Cell(Decimal(value)) for part, value in {"": 20, "job": 2, "purchase": 11, "material": 7}.items()}

    # Two and seven are nine: both could still be told apart, so the eleven hide too.
    assert unpublished_parts(BY_KEY["cooperations"], told, 100, ["job", "material", "purchase"]) == {"job", "material", "purchase"}


def test_a_place_of_which_nothing_was_written_has_a_share_of_nobody() -> None:
    """A department of an earlier night stands beside one that came since."""
    share = BY_KEY["answered"]
    cells = {
        (1, "answered", ""): Cell(Decimal(30), Decimal(50)),
        (2, "answered", ""): Cell(Decimal(3), Decimal(20)),
        (3, "answered", ""): Cell(Decimal(27), Decimal(30)),
    }

    assert unpublished(share, cells, {1: [2, 3, 4]}, [1]) == {2, 3}


def test_an_answer_that_came_late_is_not_found_between_two_figures() -> None:
    """Twenty proposals: fifteen answers, of which fourteen in five days and eight in three."""
    values = {"answered": 15, "answered_in_5": 14, "answered_in_3": 8}
    told = {(100, key, ""): Cell(Decimal(value), Decimal(20)) for key, value in values.items()}

    assert [unpublished(BY_KEY[key], told, {}, [100]) for key in values] == [set(), {100}, set()]
    told[100, "answered_in_5", ""] = Cell(Decimal(8), Decimal(20))
    assert unpublished(BY_KEY["answered_in_5"], told, {}, [100]) == set()
    told[100, "answered", ""] = Cell(Decimal(10), Decimal(20))
    assert [unpublished(BY_KEY[key], told, {}, [100]) for key in values] == [set(), {100}, {100}]


def test_how_many_did_not_answer_is_not_found_through_how_many_answers_were_timed() -> None:
    told = {(100, "answered", ""): Cell(Decimal(18), Decimal(20)), (100, "answer_days", ""): Cell(Decimal(2), Decimal(18))}
    assert unpublished(BY_KEY["answer_days"], told, {}, [100]) == {100}

    told[100, "answered", ""] = Cell(Decimal(18), Decimal(30))
    assert unpublished(BY_KEY["answer_days"], told, {}, [100]) == set()
