"""Tables of a job dating: who sits where in each round, with few moves from one round to the next."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from matchmaker.engine.problem import BadProblem

Ints = NDArray[np.int64]


def seat(left: Ints, right: Ints, rounds: Ints, tables: NDArray[np.bool_], needs_accessible: NDArray[np.bool_]) -> Ints:
    """Give each meeting a table.

    Parameters
    ----------
    left, right : (E,) the two participants of each meeting.
    rounds : (E,) the round of each meeting.
    tables : (T,) whether the table is accessible.
    needs_accessible : (E,) whether the meeting needs an accessible table.

    Returns
    -------
    (E,) tables from 0. A table holds one meeting a round. Each round in turn moves as few people as possible from the
    table of their last meeting.

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
    table = np.full(len(left), -1, dtype=np.int64)
    left_last: dict[int, int] = {}
    right_last: dict[int, int] = {}
    for one in np.unique(rounds).tolist():
        meetings = np.flatnonzero(rounds == one)
        asking = needs_accessible[meetings]
        if len(meetings) > len(tables):
            raise BadProblem(f"round {one} has {len(meetings)} meetings and {len(tables)} tables")
        if asking.sum() > tables.sum():
            raise BadProblem(f"round {one} has {int(asking.sum())} meetings that need an accessible table and {int(tables.sum())} such tables")

        last = np.array([[left_last.get(int(left[m]), -1), right_last.get(int(right[m]), -1)] for m in meetings.tolist()])
        at = np.arange(len(tables))
        moves = ((last[:, :, None] >= 0) & (last[:, :, None] != at)).sum(axis=1)
        wasted = tables[None, :] & ~asking[:, None]
        forbidden = asking[:, None] & ~tables[None, :]
        # Accessible where needed, then few moves, then accessible tables left free, then the first tables: each weight
        # exceeds all that the lesser ones can add up to in a round.
        waste = len(meetings) * len(tables)
        move = waste * (len(meetings) + 1)
        cost = at + waste * wasted + move * moves + move * (2 * len(meetings) + 1) * forbidden
        rows, columns = linear_sum_assignment(cost)
        table[meetings[rows]] = columns
        for m in meetings.tolist():
            left_last[int(left[m])] = right_last[int(right[m])] = int(table[m])
    return table


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
