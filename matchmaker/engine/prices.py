"""What each meeting pays for its place, so that the rounds can be filled one by one; and a bound on any plan's score.

Let every round hold the best matching it can, were the others not there: a meeting held in two rounds pays more, until
hardly any is. Whatever the prices are, they prove that no plan is worth more than the rounds filled so, prices included.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from matchmaker.engine.grid import Grid
from matchmaker.engine.programme import NOWHERE, Ints, Mask, Programme

STEP, SLOWER, PATIENCE, MOMENTUM = 1.0, 0.7, 5, 0.5


def prices(programme: Programme, allowed: Mask, reached: float, iterations: int) -> tuple[NDArray[np.float64], float]:
    """Prices of meetings by the subgradient method.

    Parameters
    ----------
    programme : rows of rounds and accessible tables are not looked at, which leaves the bound true.
    allowed : (E, R) rounds in which a meeting can be.
    reached : the total score of a plan, towards which the bound is brought down.
    iterations : matchings of all rounds to compute.

    Returns
    -------
    prices, bound
        (E,) float, 0 or more, and a total score that no plan exceeds.

    References
    ----------
    Held, M., Wolfe, P., Crowder, H. P. (1974). Validation of subgradient optimization. Mathematical Programming 6.
    """
    rounds = _Rounds(programme, allowed)
    count, people = len(programme.left), len(programme.most_meetings)
    best, best_prices = np.inf, np.zeros(count)
    price, quota = np.zeros(count), np.zeros(people)
    way, quota_way = np.zeros(count), np.zeros(people)
    # Twice a meeting's limits are the rule, and the most meetings of somebody is the exception: only then it is priced.
    scarce = programme.most_meetings < np.bincount(programme.left, minlength=people) + np.bincount(programme.right, minlength=people)
    step, since = STEP, 0
    for _ in range(iterations):
        toll = price + quota[programme.left] + quota[programme.right]
        held, value = rounds.fill(programme.score - toll)
        value += float(price.sum() + (quota * programme.most_meetings)[scarce].sum())
        if value < best:
            best, best_prices, since = value, toll, 0
        else:
            since += 1
            if since > PATIENCE:
                step, since = step * SLOWER, 0
        load = np.bincount(programme.left, held, people) + np.bincount(programme.right, held, people)
        over = np.asarray(load - programme.most_meetings, dtype=np.float64)
        way = MOMENTUM * way + _slope(held - 1, price)
        quota_way = MOMENTUM * quota_way + np.where(scarce, _slope(over, quota), 0)
        length = float((way**2).sum() + (quota_way**2).sum())
        if length == 0 or value <= reached:
            break
        stride = step * (value - reached) / length
        price, quota = np.maximum(0, price + stride * way), np.maximum(0, quota + stride * quota_way)
    return best_prices, best


def _slope(excess: NDArray[np.float64], price: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where((price <= 0) & (excess < 0), 0, excess)


class _Rounds:
    """Each round as a table of people against people: somebody with two delegates stands twice."""

    def __init__(self, programme: Programme, allowed: Mask) -> None:
        self.allowed = allowed
        lefts, self.left = _copies(programme.left, programme.places)
        rights, self.right = _copies(programme.right, programme.places)
        # Rows and columns that hold nothing, and not each other, leave as many real pairs as there are tables.
        smaller = min(lefts, rights)
        tables = min(int(programme.free_tables.sum()), smaller) if programme.floating.all() else smaller
        self.empty = np.zeros((lefts + rights - tables, lefts + rights - tables))
        self.empty[lefts:, rights:] = -4.0 * float(np.abs(programme.score).max(initial=1)) * max(smaller, 1)

    def fill(self, worth: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """How often each meeting is held when every round is worth the most, and what all rounds are worth."""
        held, total = np.zeros(len(worth)), 0.0
        for r in range(self.allowed.shape[1]):
            chosen, value = self.best(np.flatnonzero(self.allowed[:, r] & (worth > 0)), worth)
            np.add.at(held, chosen, 1)
            total += value
        return held, total

    def best(self, mine: NDArray[np.intp], worth: NDArray[np.float64]) -> tuple[NDArray[np.intp], float]:
        """The meetings of a round, and their worth. Of two of the same people the better stands in the table."""
        table, which = self.empty.copy(), np.full(self.empty.shape, NOWHERE)
        mine = mine[np.argsort(worth[mine], kind="stable")]
        for left in self.left:
            for right in self.right:
                both = mine[(left[mine] >= 0) & (right[mine] >= 0)]
                table[left[both], right[both]], which[left[both], right[both]] = worth[both], both
        rows, columns = linear_sum_assignment(table, maximize=True)
        chosen = which[rows, columns]
        return chosen[chosen >= 0].astype(np.intp), float(table[rows, columns].sum())


def _copies(rows: Ints, places: Ints) -> tuple[int, list[Ints]]:
    """A node for each delegate: how many there are, and the node of each row's first delegate, second, … (-1: it has no such)."""
    names, which = np.unique(rows, return_inverse=True)
    first = np.concatenate(([0], np.cumsum(places[names])))
    most = int(places[names].max(initial=1))
    return int(first[-1]), [np.where(k < places[names][which], first[which] + k, NOWHERE) for k in range(most)]


def fill_rounds(programme: Programme, grid: Grid, worth_in: Callable[[int], NDArray[np.float64]]) -> None:
    """Fill the rounds of a grid one by one, those with the fewest people first, each with the best matching of what still fits.

    `worth_in` tells what the meetings are worth in a round, once the rounds before are full; what is worth 0 is not placed.
    """
    rounds = _Rounds(programme, np.zeros((len(programme.left), programme.rounds), dtype=np.bool_))
    for r in np.argsort(programme.available.sum(axis=0), kind="stable").tolist():
        at, worth = grid.position[r], worth_in(r)
        waiting = [e for e, where in enumerate(grid.where) if where < 0 and worth[e] > 0 and not grid.pinned[e] and grid.room_for(e) >> at & 1]
        chosen, _ = rounds.best(np.array(waiting, dtype=np.intp), worth)
        for e in sorted(set(chosen.tolist()), key=lambda e: -worth[e]):
            if grid.room_for(e) >> at & 1 and grid.has_quota(e):
                grid.place(e, at)
