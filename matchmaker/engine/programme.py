"""What there is to plan at a job dating: meetings, the people who hold them, the rounds and the tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.problem import BadProblem

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNLIMITED = 1_000_000
NOWHERE = -1


@dataclass(frozen=True)
class Programme:
    """Meetings to plan. Participants, rounds and tables are rows counted from 0; the two of a meeting may be any two.

    Attributes
    ----------
    left, right : (E,) the two participants of each meeting.
    score : (E,) what holding it is worth, above 0.
    delegates : (P,) greatest number of meetings of a participant in a round, 1 or more.
    most_meetings : (P,) greatest number of meetings in all.
    most_consecutive : (P,) greatest number of rounds in a row with a meeting, in a day.
    fixed_table : (P,) the table that is a participant's alone and that it never leaves, or -1.
    needs_accessible : (P,) participants whose meetings need an accessible table.
    available : (P, R) rounds in which a participant can have a meeting.
    days : (R,) the day of each round; where it changes, a row of rounds ends.
    tables : (T,) whether the table is accessible.
    locked_round, locked_table : (E,) where a meeting must be, or -1. A locked table comes with a locked round.
    priority : (E,) when a plan must be changed, meetings of higher priority are placed first.
    """

    left: Ints
    right: Ints
    score: NDArray[np.float64]
    delegates: Ints
    most_meetings: Ints
    most_consecutive: Ints
    fixed_table: Ints
    needs_accessible: Mask
    available: Mask
    days: Ints
    tables: Mask
    locked_round: Ints
    locked_table: Ints
    priority: Ints

    @property
    def rounds(self) -> int:
        return len(self.days)

    @property
    def places(self) -> Ints:
        """(P,) meetings that a participant can have in a round: a fixed table holds one."""
        return np.where(self.fixed_table >= 0, 1, self.delegates)

    @property
    def asking(self) -> Mask:
        """(E,) meetings that need an accessible table."""
        return np.asarray(self.needs_accessible[self.left] | self.needs_accessible[self.right])

    @property
    def own_table(self) -> Ints:
        """(E,) the fixed table of one of the two, or -1 for a meeting at any table that is nobody's."""
        return np.maximum(self.fixed_table[self.left], self.fixed_table[self.right])

    @property
    def floating(self) -> Mask:
        """(E,) meetings that share the tables that are nobody's."""
        return self.own_table < 0

    @property
    def free_tables(self) -> Mask:
        """(T,) the tables that are nobody's."""
        free = np.ones(len(self.tables), dtype=np.bool_)
        free[self.fixed_table[self.fixed_table >= 0]] = False
        return free

    @property
    def seatable(self) -> Mask:
        """(E,) meetings that some table can hold: not of two who never leave two tables, accessible where it must be."""
        ends = self.fixed_table[self.left], self.fixed_table[self.right]
        torn = (ends[0] >= 0) & (ends[1] >= 0) & (ends[0] != ends[1])
        free = self.free_tables
        found = np.where(self.asking, bool((free & self.tables).any()), bool(free.any()))
        if len(self.tables):
            found = np.where(self.floating, found, ~self.asking | self.tables[self.own_table])
        return np.asarray(found & ~torn, dtype=np.bool_)

    @property
    def has_windows(self) -> bool:
        """Whether somebody cannot come to some round, needs pauses, or a meeting is locked: no exact colouring then."""
        return bool((~self.available).any() or (self.most_consecutive < self.rounds).any() or (self.locked_round >= 0).any())

    def accessible_seats(self) -> Ints:
        """(R,) accessible tables that are nobody's and that no locked meeting takes without needing one."""
        seats = np.full(self.rounds, int((self.free_tables & self.tables).sum()), dtype=np.int64)
        takes = self.floating & ~self.asking & (self.locked_table >= 0)
        takes[takes] = self.tables[self.locked_table[takes]]
        np.subtract.at(seats, self.locked_round[takes], 1)
        return seats


def programme(left: Ints, right: Ints, *, participants: int, rounds: int, tables: Mask, **given: NDArray[np.generic]) -> Programme:
    """A programme in which whatever is not given asks for nothing.

    Examples
    --------
    >>> programme(np.array([0]), np.array([1]), participants=2, rounds=3, tables=np.array([True])).has_windows
    False
    """
    one = np.ones(participants, dtype=np.int64)
    whole = {
        "score": np.ones(len(left)),
        "delegates": one,
        "most_meetings": one * UNLIMITED,
        "most_consecutive": one * UNLIMITED,
        "fixed_table": one * NOWHERE,
        "needs_accessible": one == 0,
        "available": np.ones((participants, rounds), dtype=np.bool_),
        "days": np.zeros(rounds, dtype=np.int64),
        "locked_round": np.full(len(left), NOWHERE),
        "locked_table": np.full(len(left), NOWHERE),
        "priority": np.zeros(len(left), dtype=np.int64),
    }
    made = Programme(left=left, right=right, tables=tables, **(whole | given))
    check(made)
    return made


def check(programme: Programme) -> None:
    """Raises BadProblem when somebody meets itself, has no delegate, or shares a fixed table."""
    if (programme.left == programme.right).any():
        raise BadProblem(f"a participant meets itself: row {int(programme.left[programme.left == programme.right][0])}")
    if (programme.delegates < 1).any():
        raise BadProblem(f"a participant has no delegate: row {int(np.argmax(programme.delegates < 1))}")
    names, times = np.unique(programme.fixed_table[programme.fixed_table >= 0], return_counts=True)
    if (times > 1).any():
        raise BadProblem(f"a table is fixed for two participants: row {int(names[times > 1][0])}")


def meetings_of(programme: Programme, planned: Mask) -> Ints:
    """(P,) number of planned meetings of each participant."""
    people = len(programme.delegates)
    return np.bincount(programme.left[planned], minlength=people) + np.bincount(programme.right[planned], minlength=people)
