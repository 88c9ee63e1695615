"""Tables of a job dating: who sits where in each round, with few moves from one round to the next."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from matchmaker.engine.problem import BadProblem
from matchmaker.engine.programme import NOWHERE

Ints = NDArray[np.int64]


def seat(
    left: Ints,
    right: Ints,
    rounds: Ints,
    tables: NDArray[np.bool_],
    needs_accessible: NDArray[np.bool_],
    *,
    own: Ints | None = None,
    reserved: NDArray[np.bool_] | None = None,
    sweeps: int = 3,
) -> Ints:
    """Give each meeting a table.

    Parameters
    ----------
    left, right : (E,) the two participants of each meeting.
    rounds : (E,) the round of each meeting.
    tables : (T,) whether the table is accessible.
    needs_accessible : (E,) whether the meeting needs an accessible table.
    own : (E,) the table where a meeting must be, or -1; none by default.
    reserved : (T,) tables only for the meetings that must be there; none by default.
    sweeps : how often the rounds are gone through: forward, then with the meetings after in sight too.

    Returns
    -------
    (E,) tables from 0. A table holds one meeting a round. Each round in turn moves as few people as possible from the
    tables of their meetings before, and from the second sweep on, to those of their meetings after.

    Raises
    ------
    BadProblem
        A round has more meetings than tables, or more meetings that need an accessible table than there are.

    Examples
    --------
    Participant 5 needs table 1, the accessible one, and keeps it in both rounds.

    >>> seat(np.array([5, 6, 5]), np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([False, True]), np.array([True, False, True])).tolist()
    [1, 0, 1]
    """
    table = np.full(len(left), NOWHERE, dtype=np.int64) if own is None else own.copy()
    shared = np.ones(len(tables), dtype=np.bool_) if reserved is None else ~reserved
    order = np.argsort(rounds, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(rounds[order])) + 1) if len(order) else []
    neighbours = np.stack([_neighbours(people, rounds, forward) for people in (left, right) for forward in (False, True)])
    moving = table < 0
    for sweep in range(sweeps):
        for group in groups if sweep % 2 == 0 else groups[::-1]:
            taken = table[group[~moving[group]]]
            free = shared.copy()
            free[taken] = False
            meetings, places = group[moving[group]], np.flatnonzero(free)
            if sweep == 0:
                _check(int(rounds[group[0]]), needs_accessible[meetings], tables[places])
            if len(meetings):
                table[meetings] = places[_seat_round(table, neighbours[:, meetings], needs_accessible[meetings], tables[places], places)]
    return table


def _check(one: int, asking: NDArray[np.bool_], accessible: NDArray[np.bool_]) -> None:
    if len(asking) > len(accessible):
        raise BadProblem(f"round {one} has {len(asking)} meetings and {len(accessible)} tables")
    if asking.sum() > accessible.sum():
        raise BadProblem(f"round {one} has {int(asking.sum())} meetings that need an accessible table and {int(accessible.sum())} such tables")


def _neighbours(people: Ints, rounds: Ints, forward: bool) -> Ints:
    """The meeting of the same participant before (or after) each meeting, or -1."""
    order = np.lexsort((rounds, people))
    found = np.full(len(people), NOWHERE, dtype=np.int64)
    same = people[order[1:]] == people[order[:-1]]
    if forward:
        found[order[:-1][same]] = order[1:][same]
    else:
        found[order[1:][same]] = order[:-1][same]
    return found


def _seat_round(table: Ints, neighbours: Ints, asking: NDArray[np.bool_], accessible: NDArray[np.bool_], places: Ints) -> Ints:
    """Which of the places each meeting of a round gets."""
    near = np.where(neighbours >= 0, table[neighbours], NOWHERE)
    moves = ((near[:, :, None] >= 0) & (near[:, :, None] != places)).sum(axis=0)
    wasted = accessible[None, :] & ~asking[:, None]
    forbidden = asking[:, None] & ~accessible[None, :]
    # Accessible where needed, then few moves, then accessible tables left free, then the first tables: each weight
    # exceeds all that the lesser ones can add up to in a round.
    waste = len(asking) * len(places)
    move = waste * (len(asking) + 1)
    cost = np.arange(len(places)) + waste * wasted + move * moves + move * (4 * len(asking) + 1) * forbidden
    return linear_sum_assignment(cost)[1].astype(np.int64)


def table_changes(left: Ints, right: Ints, rounds: Ints, table: Ints) -> int:
    """Count the moves: a participant's next meeting is at another table than the one before.

    Examples
    --------
    >>> table_changes(np.array([0, 0]), np.array([1, 2]), np.array([0, 1]), np.array([3, 4]))
    1
    """
    changes = 0
    for people in (left, right):
        order = np.lexsort((rounds, people))
        same = people[order[1:]] == people[order[:-1]]
        changes += int(np.count_nonzero(same & (table[order[1:]] != table[order[:-1]])))
    return changes
