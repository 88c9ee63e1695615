"""Rounds when people come late, leave early, need pauses, or meetings are locked.

Colouring edges from lists is NP-hard, so that this searches: what is worth holding is placed round by round, the most
urgent first, then the rest by Kempe chains and by annealed ejections. Where not everything fits, prices of the meetings
give a better start, and the bound that says how far from the best the answer can be at most.
"""

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.ejections import Search
from matchmaker.engine.grid import Grid
from matchmaker.engine.prices import fill_rounds, prices
from matchmaker.engine.programme import Ints, Mask, Programme
from matchmaker.engine.selection import choose

FIRST = 0.2
"""Share of the insertions spent before meetings are priced: mostly nothing is left to place then."""
PRICED = (150, 300, 400_000)
"""Times that the rounds are priced: at least, at most, and meetings priced in all."""
HOT, WARM = 0.3, 0.05
"""Temperatures of the search for a place for all, and of the search around good prices."""
URGENT = 4
KEPT = 0.05
"""Share of its score that a meeting is worth in a round however dear its place is."""
CLOSE = 1e-9


def plan_windows(programme: Programme, *, iterations: int, seed: int = 0) -> tuple[Ints, float]:
    """Give meetings a round each, with the greatest total score that the search finds.

    Parameters
    ----------
    programme : what to plan; locked meetings keep their rounds.
    iterations : insertions to try after the first plan; the work, and so the time, is bounded by it.
    seed : the same seed gives the same plan.

    Returns
    -------
    rounds, bound
        (E,) rounds, -1 for what found no place, and a total score that no plan exceeds.

    Examples
    --------
    Participant 0 leaves after round 0, participant 3 comes for round 1.

    >>> from matchmaker.engine.programme import programme
    >>> here = np.array([[True, False], [True, True], [True, True], [False, True]])
    >>> one = programme(np.array([0, 1, 1]), np.array([2, 2, 3]), participants=4, rounds=2, tables=np.array([True, True]), available=here)
    >>> plan_windows(one, iterations=10)[0].tolist()
    [0, -1, 1]
    """
    together = programme.available[programme.left] & programme.available[programme.right] & programme.seatable[:, None]
    worth, bound = _worth_holding(programme, np.asarray(together.any(axis=1)))
    grid = Grid(programme, programme.locked_round)
    fill_rounds(programme, grid, lambda r: _urgency(programme, grid, worth, r))
    search = Search(grid, seed)
    search.run(int(iterations * FIRST), bound, HOT)
    if search.total < bound - CLOSE:
        toll, priced = prices(programme, together, search.total, int(np.clip(PRICED[2] // len(worth), *PRICED[:2])))
        bound = min(bound, priced)
        other = Grid(programme, programme.locked_round)
        fill_rounds(programme, other, lambda _: np.maximum(programme.score - toll, 0) + KEPT * programme.score)
        again = Search(other, seed)
        again.run(iterations, bound, WARM)
        search = max(search, again, key=lambda one: one.total)
    return np.array(search.grid.rounds(), dtype=np.int64), bound


def _worth_holding(programme: Programme, together: Mask) -> tuple[Mask, float]:
    """Meetings to place first, and a first bound: the best choice when only the number of rounds of each person counts."""
    tables = int(programme.free_tables.sum())
    groups = [(programme.floating, programme.rounds * tables), (programme.floating & programme.asking, int(programme.accessible_seats().sum()))]
    most = np.minimum(programme.most_meetings, _most_busy(programme) * programme.places)
    locked = programme.locked_round >= 0
    worth, _ = choose(programme.left, programme.right, programme.score, most, groups, allowed=together, forced=locked)
    # Serving everybody may cost score: the bound must hold for plans that do not.
    _, bound = choose(programme.left, programme.right, programme.score, most, groups, allowed=together, forced=locked, everyone=False)
    return worth, bound


def _urgency(programme: Programme, grid: Grid, worth: Mask, r: int) -> NDArray[np.float64]:
    """What meetings are worth in a round: those of people who have many to hold and few rounds left come first."""
    people, order = len(programme.delegates), np.argsort(programme.available.sum(axis=0), kind="stable").tolist()
    waiting = worth & (np.array(grid.where) < 0)
    need = np.bincount(programme.left[waiting], minlength=people) + np.bincount(programme.right[waiting], minlength=people)
    rounds = programme.available[:, order[order.index(r) :]].sum(axis=1)
    pressure = (need / np.maximum(rounds * programme.places, 1)) ** URGENT
    return np.where(waiting, pressure[programme.left] + pressure[programme.right] + 0.1 * programme.score, 0)


def _most_busy(programme: Programme) -> Ints:
    """Rounds that somebody can be busy in: after k in a row, one is free."""
    limited = programme.most_consecutive < programme.rounds
    busy = programme.available.sum(axis=1)
    for p in np.flatnonzero(limited).tolist():
        busy[p], run = 0, 0
        for r in range(programme.rounds):
            run = 0 if r and programme.days[r] != programme.days[r - 1] else run
            run = run + 1 if programme.available[p, r] and run < programme.most_consecutive[p] else 0
            busy[p] += run > 0
    return np.asarray(busy)
