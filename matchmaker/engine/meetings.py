"""Rounds for meetings among participants of whom anyone may meet anyone.

The exact colouring of ``rounds.py`` wants two sides. Structures that bring a need to one table and an offer to
another stand on both, so sides are first found here; the few meetings that close an odd cycle are placed after.
"""

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.problem import BadProblem
from matchmaker.engine.rounds import plan_rounds, rounds_bound

Rows = NDArray[np.int32]
Mask = NDArray[np.bool_]


def split_sides(first: Rows, second: Rows, score: NDArray[np.int64]) -> tuple[Mask, Mask]:
    """Put participants on two sides so that the best meetings cross.

    Parameters
    ----------
    first, second : (E,) int32
        The two participants of each meeting, rows counted from 0.
    score : (E,) int64
        Meetings are looked at in descending score; equal scores keep their order.

    Returns
    -------
    side : (P,) bool
        True for the participants of the second side.
    crosses : (E,) bool
        Meetings whose two participants are on different sides.

    Examples
    --------
    >>> side, crosses = split_sides(np.array([0, 1, 2], np.int32), np.array([1, 2, 0], np.int32), np.array([9, 8, 7]))
    >>> side.tolist(), crosses.tolist()
    ([False, True, False], [True, True, False])
    """
    participants = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    parent = list(range(participants))
    parity = [0] * participants

    def root(row: int) -> tuple[int, int]:
        flips = 0
        while parent[row] != row:
            flips ^= parity[row]
            row = parent[row]
        return row, flips

    crosses = np.zeros(first.size, dtype=np.bool_)
    for edge in np.argsort(-score, kind="stable"):
        (one, one_flips), (other, other_flips) = root(int(first[edge])), root(int(second[edge]))
        if one != other:
            low, high = min(one, other), max(one, other)
            parent[high] = low
            parity[high] = one_flips ^ other_flips ^ 1
            crosses[edge] = True
        else:
            crosses[edge] = one_flips != other_flips
    side = np.array([root(row)[1] == 1 for row in range(participants)], dtype=np.bool_)
    return side, crosses


def meetings_bound(first: Rows, second: Rows, accessible: Mask, *, tables: int, accessible_tables: int) -> tuple[int, str]:
    """Fewest rounds that any plan needs, and why. Parameters as of `plan_meetings`.

    Returns
    -------
    bound, reason
        The reason is « degree 3 » (the meetings of participant 3), « tables », « accessible tables » or « no meeting ».

    Raises
    ------
    BadProblem
        When somebody meets itself, or a meeting has no table that fits.

    Examples
    --------
    >>> meetings_bound(np.array([0, 1], np.int32), np.array([1, 2], np.int32), np.zeros(2, bool), tables=2, accessible_tables=0)
    (2, 'degree 1')
    """
    check(first, second, accessible, tables, accessible_tables)
    bound, reason = rounds_bound(first, second, tables, accessible=accessible, accessible_tables=accessible_tables)
    # Who stands on both sides has meetings on both: they count together, and are at least those of one side.
    names, degrees = np.unique(np.concatenate([first, second]), return_counts=True)
    most = int(degrees.max(initial=0))
    return (most, f"degree {int(names[degrees.argmax()])}") if most and most >= bound else (bound, reason)


def check(first: Rows, second: Rows, accessible: Mask, tables: int, accessible_tables: int) -> None:
    """Raises BadProblem when no number of rounds could hold the meetings."""
    if (first == second).any():
        raise BadProblem(f"a participant meets itself: row {int(first[first == second][0])}")
    if first.size and tables < 1:
        raise BadProblem("there are meetings and no table")
    if accessible.any() and accessible_tables < 1:
        raise BadProblem("there are meetings that need an accessible table and none is accessible")


def plan_meetings(first: Rows, second: Rows, score: NDArray[np.int64], accessible: Mask, *, tables: int, accessible_tables: int) -> Rows:
    """Give each meeting a round: nobody twice in a round, no more meetings in one than there are tables for them.

    Parameters
    ----------
    first, second : (E,) int32
        The two participants of each meeting, rows counted from 0; each participant has one delegate.
    score : (E,) int64
        Breaks the tie of which meetings go to the exact part when the structures cannot be split in two sides.
    accessible : (E,) bool
        Meetings that need an accessible table.
    tables, accessible_tables : int
        How many tables there are, and how many of those are accessible.

    Returns
    -------
    (E,) int32
        Rounds counted from 0. Their number is the smallest possible when all meetings cross between two sides.

    Raises
    ------
    BadProblem
        When somebody meets itself, or a meeting has no table that fits.

    Examples
    --------
    >>> rounds = plan_meetings(
    ...     np.array([0, 0, 1], np.int32), np.array([2, 3, 2], np.int32), np.array([5, 4, 3]), np.zeros(3, bool), tables=2, accessible_tables=0
    ... )
    >>> int(rounds.max()) + 1
    2
    """
    check(first, second, accessible, tables, accessible_tables)
    side, crosses = split_sides(first, second, score)
    planned = np.full(first.size, -1, dtype=np.int32)
    left = np.where(side[first], second, first)[crosses]
    right = np.where(side[first], first, second)[crosses]
    planned[crosses] = plan_rounds(left, right, tables=tables, accessible=accessible[crosses], accessible_tables=accessible_tables)
    for edge in np.flatnonzero(~crosses)[np.argsort(-score[~crosses], kind="stable")]:
        planned[edge] = first_free(edge, first, second, accessible, planned, tables, accessible_tables)
    return planned


def first_free(edge: np.intp, first: Rows, second: Rows, accessible: Mask, planned: Rows, tables: int, accessible_tables: int) -> int:
    """The earliest round in which both are free and a table that fits is left; a new round when there is none."""
    both = (first[edge], second[edge])
    mine = np.isin(first, both) | np.isin(second, both)
    number = 0
    while True:
        here = planned == number
        fits = here.sum() < tables and (not accessible[edge] or (here & accessible).sum() < accessible_tables)
        if fits and not (here & mine).any():
            return number
        number += 1
