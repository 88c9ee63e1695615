"""Waiting between two meetings, and how to shorten it without changing anything else."""

import math
import random

import numpy as np

from matchmaker.engine.grid import Grid, bits
from matchmaker.engine.programme import Ints, Programme

HOT, COLD = 1.2, 0.3
COUNTERPARTS = 4
AIMED = 0.3
"""Share of the exchanges that start from somebody who waits."""


def idle_rounds(programme: Programme, rounds: Ints) -> int:
    """Rounds without a meeting between the first and the last meeting of each participant in a day, added up.

    Examples
    --------
    >>> from matchmaker.engine.programme import programme
    >>> one = programme(np.array([0, 0]), np.array([1, 2]), participants=3, rounds=4, tables=np.array([True]))
    >>> idle_rounds(one, np.array([0, 3]))
    2
    """
    grid = Grid(programme, rounds)
    return sum(grid.gap(busy) for busy in grid.busy)


def shorten_waits(programme: Programme, rounds: Ints, *, iterations: int, seed: int = 0) -> Ints:
    """Exchange meetings between two rounds at a time so that people wait less.

    Parameters
    ----------
    programme, rounds : a plan that holds; -1 for what is not planned.
    iterations : exchanges to try; the work, and so the time, is bounded by it.
    seed : the same seed gives the same plan.

    Returns
    -------
    (E,) rounds: the same meetings in the same rounds at most, all limits kept, and no more idle rounds than before.

    Notes
    -----
    A Kempe chain between two rounds keeps everybody's number of meetings; only who stands at its ends is busy at other
    times than before. Annealing accepts an exchange that lengthens the waits now and then, less and less.
    """
    grid = Grid(programme, rounds)
    rng = random.Random(seed)
    used = sorted({at for at in grid.where if at >= 0})
    movable = [e for e, at in enumerate(grid.where) if at >= 0 and not grid.pinned[e]]
    gaps = [grid.gap(busy) for busy in grid.busy]
    total = least = sum(gaps)
    best = grid.rounds()
    if not movable or len(used) < 2:
        return rounds.copy()
    inside = sum(1 << at for at in used)
    cooling = (COLD / HOT) ** (1 / max(iterations, 1))
    heat = HOT
    for _ in range(iterations):
        if total == 0:
            break
        heat *= cooling
        e, target = _exchange(grid, rng, movable, gaps, used, inside)
        moves = _moves(grid, rng, e, target) if target != grid.where[e] else None
        if moves is None:
            continue
        after = {p: grid.gap(busy) for p, busy in _busy_after(grid, moves).items()}
        change = sum(gap - gaps[p] for p, gap in after.items())
        if change > 0 and rng.random() >= math.exp(-change / heat):
            continue
        grid.apply(moves)
        for p, gap in after.items():
            gaps[p] = gap
        total += change
        if total < least:
            least, best = total, grid.rounds()
    return np.array(best, dtype=np.int64)


def _exchange(grid: Grid, rng: random.Random, movable: list[int], gaps: list[int], used: list[int], inside: int) -> tuple[int, int]:
    """A meeting and the position to bring it to: the first or last of a day of somebody who waits, into the gap; else any."""
    if rng.random() < AIMED:
        for _ in range(8):
            p = int(rng.random() * len(gaps))
            if gaps[p]:
                found = _into_gap(grid, rng, p, inside)
                if found:
                    return found
                break
    return movable[int(rng.random() * len(movable))], used[int(rng.random() * len(used))]


def _moves(grid: Grid, rng: random.Random, e: int, target: int) -> dict[int, int] | None:
    """The chain of a meeting; where the tables are full, together with another that goes the other way."""
    source = grid.where[e]
    moves = grid.component(e, target, source)
    if moves is None or grid.fits(moves):
        return moves
    others = grid.present[target]
    for _ in range(COUNTERPARTS if others else 0):
        m = others[int(rng.random() * len(others))]
        back = grid.component(m, source, target) if m not in moves and not grid.pinned[m] else None
        if back is not None and not grid.share_delegates(moves, back) and grid.fits(moves | back):
            return moves | back
    return None


def _into_gap(grid: Grid, rng: random.Random, p: int, inside: int) -> tuple[int, int] | None:
    days = [day & grid.busy[p] for day in grid.days if grid.gap(grid.busy[p] & day)]
    busy = days[int(rng.random() * len(days))]
    first, last = (busy & -busy).bit_length() - 1, busy.bit_length() - 1
    holes = bits(((1 << last) - (1 << first)) & ~busy & inside & grid.available[p])
    here = grid.at[p][first if rng.random() < 0.5 else last]
    if not holes or grid.pinned[here[0]]:
        return None
    return here[0], holes[int(rng.random() * len(holes))]


def _busy_after(grid: Grid, moves: dict[int, int]) -> dict[int, int]:
    """The rounds in which the people whose times change are busy once the moves are made."""
    changed: dict[int, int] = {}
    for m, target in moves.items():
        both = 1 << target | 1 << grid.where[m]
        for p in (grid.left[m], grid.right[m]):
            changed[p] = changed.get(p, 0) ^ both
    if grid.single:
        return {p: grid.busy[p] ^ bits for p, bits in changed.items() if bits}
    return {p: grid.busy_after(p, moves) for p in changed}
