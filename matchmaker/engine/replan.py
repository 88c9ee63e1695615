"""A plan that must change on the day: what no longer holds finds another place, and as little as possible moves.

Rounds that are past and locked meetings stay. A meeting without a place is put where nobody has to move; else at the end
of the shortest row of moves that makes room for it; else it is dropped. People who stay where they are keep their tables.
"""

import random
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.optimize import linear_sum_assignment

from matchmaker.engine.grid import ASKING, FIXED, Grid, bits
from matchmaker.engine.programme import NOWHERE, UNLIMITED, Ints, Mask, Programme

DEPTH = 3
"""Greatest number of meetings moved one by one for another, before a Kempe chain is looked for."""
FORBIDDEN = 1e9
ORDERS = 6
"""Orders of insertion tried when meetings were displaced: the first is by priority and score."""


@dataclass(frozen=True)
class Changes:
    """The plan after the changes, and what they are, as masks of meetings.

    Attributes
    ----------
    round, table : (E,) -1 for what is not held.
    kept : held where it was.
    moved : held in another round or at another table than before.
    dropped : held before, and no longer.
    added : held now, and not before.
    """

    round: Ints
    table: Ints
    kept: Mask
    moved: Mask
    dropped: Mask
    added: Mask


def replan(
    programme: Programme,
    rounds: Ints,
    tables: Ints,
    *,
    wanted: Mask | None = None,
    newcomers: Mask | None = None,
    lost: Mask | None = None,
    frozen_before: int = 0,
) -> Changes:
    """Change a plan as little as possible so that it holds again.

    Parameters
    ----------
    programme : what holds from now on. The people of past rounds need not be available there any more.
    rounds, tables : (E,) the plan so far, -1 for what was not held.
    wanted : (E,) meetings that are still to be held; all by default.
    newcomers : (E,) meetings without a place for which others may move; none by default. Other meetings without a place
        are only added where nobody moves.
    lost : (T,) tables that are no longer there; none by default. Who had one for itself shares the others.
    frozen_before : rounds before this one are past: what they hold stays, whatever else changed.

    Returns
    -------
    Changes
        With nothing to change, nothing moves; when meetings are only cancelled, none of the others moves.

    Examples
    --------
    Participant 1 leaves after round 0: the meeting with 2 finds its place in that round.

    >>> from matchmaker.engine.programme import programme
    >>> here = np.array([[True, True], [True, False], [True, True]])
    >>> one = programme(np.array([0, 1]), np.array([2, 2]), participants=3, rounds=2, tables=np.array([True]), available=here)
    >>> found = replan(one, np.array([0, 1]), np.array([0, 0]))
    >>> found.round.tolist(), found.moved.tolist()
    ([1, 0], [True, True])
    """
    none = np.zeros(len(rounds), dtype=np.bool_)
    wanted = ~none if wanted is None else wanted
    newcomers = none if newcomers is None else newcomers
    there = np.ones(len(programme.tables), dtype=np.bool_) if lost is None else ~lost
    past = (rounds >= 0) & (rounds < frozen_before)
    left = _what_is_left(programme, there, frozen_before)
    before = np.where(tables >= 0, np.append(_ranks(there), NOWHERE)[tables], NOWHERE)

    grid = Grid(left, np.where(past, rounds, NOWHERE), past)
    start = np.where(newcomers & (rounds < 0), programme.locked_round, rounds)
    homeless = _lay(grid, left, np.where(wanted & ~past, start, NOWHERE), before)
    waiting = [e for e in np.flatnonzero(wanted & (rounds < 0)).tolist() if grid.possible[e] and not grid.pinned[e]]
    urgent = homeless + [e for e in waiting if newcomers[e]]
    _insert_all(grid, left, urgent, [e for e in waiting if not newcomers[e]])
    after = np.array(grid.rounds(), dtype=np.int64)

    table = np.where(past, tables, NOWHERE)
    sitting = (after >= 0) & ~past
    table[sitting] = np.flatnonzero(there)[_sit(left, after, np.where(after == rounds, before, NOWHERE), sitting)]
    held, was = after >= 0, rounds >= 0
    same = held & was & (after == rounds) & (table == tables)
    return Changes(after, table, same, held & was & ~same, was & ~held, held & ~was)


def _what_is_left(programme: Programme, there: Mask, frozen_before: int) -> Programme:
    """The programme of the rounds to come, at the tables that are there."""
    available = programme.available.copy()
    available[:, :frozen_before] = False
    ranks = np.append(_ranks(there), NOWHERE)
    fixed, locked = ranks[programme.fixed_table], ranks[programme.locked_table]
    return replace(programme, available=available, tables=programme.tables[there], fixed_table=fixed, locked_table=locked)


def _ranks(there: Mask) -> Ints:
    return np.where(there, np.cumsum(there) - 1, NOWHERE)


def _lay(grid: Grid, programme: Programme, rounds: Ints, tables: Ints) -> list[int]:
    """Lay the plan down as it was, and return the meetings that no longer have their place: first those whose table is gone."""
    order = np.lexsort((-programme.score, -programme.priority, tables < 0, ~(programme.locked_round >= 0)))
    homeless = []
    for e in order.tolist():
        if rounds[e] < 0:
            continue
        at = grid.position[rounds[e]]
        if grid.room_for(e) >> at & 1 and grid.has_quota(e):
            grid.place(e, at)
        else:
            homeless.append(e)
    return [e for e in homeless if grid.possible[e] and not grid.pinned[e]]


def _insert_all(grid: Grid, programme: Programme, urgent: list[int], others: list[int]) -> None:
    """Find places in several orders, and keep the one that drops the least, then moves the least."""
    start = list(grid.where)
    rng = random.Random(0)
    best: tuple[int, int, list[int]] | None = None
    for attempt in range(ORDERS):
        order = sorted(urgent, key=lambda e: (-programme.priority[e], -programme.score[e] if attempt == 0 else rng.random()))
        for e in order:
            _insert(grid, e)
        dropped = sum(grid.where[e] < 0 for e in urgent)
        moved = sum(at != was for at, was in zip(grid.where, start, strict=True))
        if best is None or (dropped, moved) < best[:2]:
            best = (dropped, moved, list(grid.where))
        grid.apply({e: was for e, was in enumerate(start) if grid.where[e] != was})
        if best[:2] == (0, len(urgent)) or len(urgent) < 2:
            break
    if best is not None:
        grid.apply({e: at for e, at in enumerate(best[2]) if grid.where[e] != at})
    for e in sorted(others, key=lambda e: (-programme.priority[e], -programme.score[e])):
        _insert(grid, e, alone=True)


def _insert(grid: Grid, e: int, alone: bool = False) -> None:
    """Place a meeting with the fewest moves of others: none, up to `DEPTH` one by one, else a Kempe chain."""
    if not grid.has_quota(e):
        return
    room = bits(grid.room_for(e))
    if room:
        grid.place(e, min(room, key=lambda at: _waits_with(grid, e, at)))
    elif not alone:
        if any(_settle(grid, [e], frozenset([e]), moves) for moves in range(1, DEPTH + 1)):
            return
        chain = _shortest_chain(grid, e)
        if chain is not None:
            grid.apply(chain)


def _waits_with(grid: Grid, e: int, at: int) -> int:
    return sum(grid.gap(grid.busy[p] | 1 << at) - grid.gap(grid.busy[p]) for p in (grid.left[e], grid.right[e]))


def _settle(grid: Grid, waiting: list[int], settled: frozenset[int], moves: int) -> bool:
    """Place all that wait by moving so many others one by one; the grid is as before when that fails."""
    if not waiting:
        return True
    e, rest = waiting[0], waiting[1:]
    room = grid.room_for(e)
    for at in bits(grid.possible[e]):
        out = [] if room >> at & 1 else _in_the_way(grid, e, at, settled) if moves else None
        if out is None or len(out) > moves:
            continue
        back = grid.apply({e: at} | dict.fromkeys(out, NOWHERE))
        if _settle(grid, rest + out, settled | frozenset(out), moves - len(out)):
            return True
        grid.apply(back)
    return False


def _in_the_way(grid: Grid, e: int, at: int, settled: frozenset[int]) -> list[int] | None:
    """Meetings to move so that e can be there; None when they may not."""
    out: list[int] = []
    for p in (grid.left[e], grid.right[e]):
        here = [one for one in grid.at[p][at] if one not in out]
        if len(here) >= grid.places[p]:
            out += here[:1]
    kind = grid.kind[e]
    floating = [one for one in grid.present[at] if grid.kind[one] != FIXED]
    freed = sum(grid.kind[one] != FIXED for one in out)
    asked_freed = sum(grid.kind[one] == ASKING for one in out)
    short_of_seats = kind == ASKING and grid.asked[at] - asked_freed >= grid.seats[at]
    if short_of_seats or (kind != FIXED and grid.load[at] - freed >= grid.tables):
        elsewhere = (
            one
            for one in floating
            if one not in settled
            and one not in out
            and not grid.pinned[one]
            and (not short_of_seats or grid.kind[one] == ASKING)
            and grid.room_for(one) & ~(1 << at)
        )
        out.append(next(elsewhere, NOWHERE))
    if NOWHERE in out or any(grid.pinned[one] or one in settled for one in out):
        return None
    return out if grid.runs_hold({e: at} | dict.fromkeys(out, NOWHERE)) else None


def _shortest_chain(grid: Grid, e: int) -> dict[int, int] | None:
    best: dict[int, int] | None = None
    everywhere = bits(grid.available[grid.left[e]] | grid.available[grid.right[e]])
    for to, other in product(bits(grid.possible[e]), everywhere):
        if to != other:
            found = grid.chain(e, to, other, UNLIMITED if best is None else len(best) - 1)
            best = best if found is None else found
    return best


def _sit(programme: Programme, rounds: Ints, before: Ints, sitting: Mask) -> Ints:
    """Tables of the meetings that sit: where they were before, as far as that holds."""
    found = np.full(len(rounds), NOWHERE, dtype=np.int64)
    must = np.where(programme.floating, programme.locked_table, programme.own_table)
    found[sitting & (must >= 0)] = must[sitting & (must >= 0)]
    for one in np.unique(rounds[sitting]).tolist():
        group = np.flatnonzero(sitting & (rounds == one))
        free = programme.free_tables
        free[found[group][found[group] >= 0]] = False
        meetings, places = group[found[group] < 0], np.flatnonzero(free)
        forbidden = programme.asking[meetings][:, None] & ~programme.tables[places][None, :]
        wasted = programme.tables[places][None, :] & ~programme.asking[meetings][:, None]
        elsewhere = (before[meetings] >= 0)[:, None] & (before[meetings][:, None] != places[None, :])
        cost = forbidden * FORBIDDEN + elsewhere * (len(meetings) + 1) + wasted
        found[meetings] = places[linear_sum_assignment(cost)[1]]
    return found[sitting]
