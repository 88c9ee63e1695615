"""The least that people must wait where tables are scarce: a bound that no plan of these rounds can beat."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from matchmaker.engine.programme import Ints

# The solver may stop here; what it has proven until then is a bound all the same.
SECONDS = 30.0


def idle_bound(left: Ints, right: Ints, *, rounds: int, tables: int, seconds: float = SECONDS) -> int:
    """Idle rounds in the best plan of one day, or fewer: what no exchange of meetings can take away.

    Parameters
    ----------
    left, right : (E,) the two sides of each meeting; everybody is on one side only, has one place at a time and is there all day.
    rounds, tables : the plan has so many rounds, each with so many meetings at most.
    seconds : how long to prove.

    Returns
    -------
    A number that the idle rounds of no such plan go below.

    Notes
    -----
    Who meets whom is left out: all that is kept is that somebody with d meetings is in the room for an interval of at least d rounds,
    has a meeting in its first and in its last, and that both sides have the same number of meetings in a round, at most one a table.
    With nearly as many meetings as places the tables are full from the first round to the last; then many are there in the first round and
    many in the last, and who is there in both waits whatever its partners are. People of a side with as many meetings as each
    other are counted together, so the program has some hundred integers and is solved to its optimum.

    Examples
    --------
    Three on each side, everybody meets everybody in five rounds at two tables: all six are there in the third round, and two wait.

    >>> left, right = np.repeat([0, 1, 2], 3), np.tile([3, 4, 5], 3)
    >>> idle_bound(left, right, rounds=5, tables=2)
    2
    >>> idle_bound(left, right, rounds=3, tables=3)
    0
    """
    program = _Program()
    load = [program.add(0.0, tables) for _ in range(rounds)]
    for side in (left, right):
        meetings = np.bincount(side)
        counts, people = np.unique(meetings[meetings > 0], return_counts=True)
        busy: list[list[int]] = [[] for _ in range(rounds)]
        for count, many in zip(counts.tolist(), people.tolist(), strict=True):
            for r, variable in enumerate(_alike(program, count, many, rounds)):
                busy[r].append(variable)
        for r in range(rounds):
            program.require({**dict.fromkeys(busy[r], 1.0), load[r]: -1.0}, 0.0, 0.0)
    return program.least(seconds)


def _alike(program: "_Program", count: int, many: int, rounds: int) -> list[int]:
    """People of one side with so many meetings each: their intervals, and how many of them are busy in each round."""
    busy = [program.add(0.0, many) for _ in range(rounds)]
    covering: list[dict[int, float]] = [{} for _ in range(rounds)]
    edges: list[dict[int, float]] = [{} for _ in range(rounds)]
    intervals: dict[int, float] = {}
    for first in range(rounds):
        for last in range(first + count - 1, rounds):
            variable = program.add(float(last - first + 1 - count), many)
            intervals[variable] = 1.0
            for r in range(first, last + 1):
                covering[r][variable] = -1.0
            edges[first][variable] = edges[last][variable] = -1.0
    program.require(intervals, many, many)
    program.require(dict.fromkeys(busy, 1.0), count * many, count * many)
    for r, variable in enumerate(busy):
        program.require({variable: 1.0, **covering[r]}, -np.inf, 0.0)
        program.require({variable: 1.0, **edges[r]}, 0.0, np.inf)
    return busy


class _Program:
    """An integer program that grows variable by variable, row by row."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.most: list[float] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def add(self, cost: float, most: float) -> int:
        self.cost.append(cost)
        self.most.append(most)
        return len(self.cost) - 1

    def require(self, terms: dict[int, float], least: float, most: float) -> None:
        self.rows.append((terms, least, most))

    def least(self, seconds: float) -> int:
        """The smallest cost, or what is proven of it in this time."""
        entries = [(row, variable, factor) for row, (terms, _least, _most) in enumerate(self.rows) for variable, factor in terms.items()]
        at, variables, factors = zip(*entries, strict=True) if entries else ((), (), ())
        matrix = coo_array((factors, (at, variables)), shape=(len(self.rows), len(self.cost))).tocsr()
        limits = LinearConstraint(matrix, [row[1] for row in self.rows], [row[2] for row in self.rows])
        found = milp(
            np.array(self.cost),
            constraints=limits,
            integrality=np.ones(len(self.cost), dtype=np.int64),
            bounds=Bounds(0, self.most),
            options={"time_limit": seconds},
        )
        bound = found.mip_dual_bound
        return max(0, int(np.ceil(bound - 1e-6))) if bound is not None and np.isfinite(bound) else 0
