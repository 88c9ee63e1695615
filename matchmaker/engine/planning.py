"""A whole plan: which meetings, in which rounds, at which tables, and what is proven of it."""

from dataclasses import dataclass, replace

import numpy as np

from matchmaker.engine.idle import idle_rounds, shorten_waits
from matchmaker.engine.meetings import plan_meetings
from matchmaker.engine.problem import BadProblem
from matchmaker.engine.programme import NOWHERE, Ints, Mask, Programme, meetings_of
from matchmaker.engine.rounds import plan_rounds, split_delegates
from matchmaker.engine.seating import seat
from matchmaker.engine.selection import choose
from matchmaker.engine.windows import plan_windows

INSERTIONS = (40, 20_000)
"""Insertions a meeting, and at most, that a search may try at effort 1."""
EXCHANGES = (600, 100_000_000, 20_000)
"""Exchanges a meeting, exchanges times meetings at most, and the number of meetings above which none is tried, at effort 1."""
SWEEPS = 3
CLOSE = 1e-6


@dataclass(frozen=True)
class Plan:
    """The answer to a programme.

    Attributes
    ----------
    round, table : (E,) where each meeting is, -1 for what is not held.
    rounds_bound : fewest rounds in which these meetings can be held.
    bound_reason : « degree », « tables », « accessible tables » or « no meeting »; of a degree, `busiest` is the participant.
    score_bound : a total score that no plan of the programme exceeds (that serves as many participants, without windows).
    idle : rounds that participants spend waiting between two meetings of a day, added up.
    """

    round: Ints
    table: Ints
    rounds_bound: int
    bound_reason: str
    busiest: int
    score: float
    score_bound: float
    idle: int

    @property
    def rounds(self) -> int:
        return len(np.unique(self.round[self.round >= 0]))

    @property
    def optimal(self) -> bool:
        """Proven: no plan has a greater score, and none holds these meetings in fewer rounds."""
        return self.rounds == self.rounds_bound and self.score_bound - self.score <= CLOSE


def plan_programme(programme: Programme, *, limited: bool = True, effort: float = 1.0, seed: int = 0) -> Plan:
    """Plan a programme: the greatest total score, in the fewest rounds, with little waiting, at tables.

    Parameters
    ----------
    programme : what to plan.
    limited : whether there are no more rounds than those of the programme. Otherwise rounds are added, when everybody can come.
    effort : share of the usual search for scores and short waits; 0 for none. Time grows with it, and nothing else bounds time.
    seed : the same seed gives the same plan.

    Raises
    ------
    BadProblem
        Locked meetings exceed a limit.

    Notes
    -----
    Without windows, pauses and locks the choice of meetings and the number of rounds are exact; see `rounds` and
    `selection`. With them, and in the rare cases that colouring does not solve at the bound (accessible tables short on
    both sides, some tables fixed and some accessible ones short), `windows` searches.

    Examples
    --------
    >>> from matchmaker.engine.programme import programme
    >>> found = plan_programme(programme(np.array([0, 0]), np.array([1, 2]), participants=3, rounds=4, tables=np.array([True])))
    >>> found.rounds, found.rounds_bound, found.bound_reason, found.busiest, found.optimal
    (2, 2, 'degree', 0, True)
    """
    coloured = _coloured(programme, limited) if _can_colour(programme) else None
    rounds, score_bound = coloured if coloured is not None else _searched(programme, limited, effort, seed)
    held = rounds >= 0
    wide = widened(programme, int(rounds.max(initial=-1)) + 1)
    count = int(held.sum())
    if 0 < count <= EXCHANGES[2]:
        rounds = shorten_waits(wide, rounds, iterations=int(effort * min(EXCHANGES[0] * count, EXCHANGES[1] // count)), seed=seed)
    score = float(programme.score[held].sum())
    bound, reason, busiest = rounds_needed(programme, held)
    return Plan(
        round=rounds,
        table=_tables(programme, rounds),
        rounds_bound=bound,
        bound_reason=reason,
        busiest=busiest,
        score=score,
        score_bound=max(score, score_bound),
        idle=idle_rounds(wide, rounds),
    )


def rounds_needed(programme: Programme, held: Mask) -> tuple[int, str, int]:
    """Fewest rounds that hold these meetings whatever the windows, why, and who is the busiest (-1 when tables are the reason)."""
    if not held.any():
        return 0, "no meeting", NOWHERE
    each = -(-meetings_of(programme, held) // programme.places)
    bounds = [(int(each.max()), "degree", int(each.argmax()))]
    floating, free = programme.floating & held, programme.free_tables
    for reason, mask, tables in (("tables", floating, free), ("accessible tables", floating & programme.asking, free & programme.tables)):
        if mask.any():
            bounds.append((-(-int(mask.sum()) // int(tables.sum())), reason, NOWHERE))
    return max(bounds, key=lambda bound: bound[0])


def widened(programme: Programme, rounds: int) -> Programme:
    """The programme with at least so many rounds: everybody is there in those that are added, on the last day."""
    more = rounds - programme.rounds
    if more <= 0:
        return programme
    last = programme.days[-1:] if programme.rounds else np.zeros(1, dtype=np.int64)
    here = np.ones((len(programme.delegates), more), dtype=np.bool_)
    return replace(programme, available=np.hstack((programme.available, here)), days=np.concatenate((programme.days, np.repeat(last, more))))


def _can_colour(programme: Programme) -> bool:
    """Whether the exact colouring takes it: one kind of scarce table besides the others, at most."""
    mixed = programme.floating & programme.seatable
    return not programme.has_windows and bool(mixed.all() or not (mixed & programme.asking).any())


def _coloured(programme: Programme, limited: bool) -> tuple[Ints, float] | None:
    """Rounds and bound of the score by selection and colouring; None when the colours are more than the rounds."""
    free = programme.free_tables
    tables, seats = int(free.sum()), int((free & programme.tables).sum())
    most, groups = programme.most_meetings, []
    if limited:
        most = np.minimum(most, programme.rounds * programme.places)
        groups = [(programme.floating, programme.rounds * tables), (programme.floating & programme.asking, programme.rounds * seats)]
    held, bound = choose(programme.left, programme.right, programme.score, most, groups, allowed=programme.seatable)
    ends = np.stack((programme.left[held], programme.right[held]))
    # Each delegate meets one partner a round: for the rounds it is a participant of its own.
    left, right = split_delegates(ends.ravel(), programme.places).reshape(ends.shape)
    floating, asking = programme.floating[held], programme.asking[held]
    scarce, room, scarce_room = (asking, tables, seats) if floating.all() else (floating, len(left), tables)
    rounds = np.full(len(held), NOWHERE, dtype=np.int64)
    if np.intersect1d(left, right).size:
        score = (programme.score[held] * 1_000_000).astype(np.int64)
        found = plan_meetings(left.astype(np.int32), right.astype(np.int32), score, scarce, tables=room, accessible_tables=scarce_room).astype(np.int64)
    else:
        found = plan_rounds(left, right, tables=room, accessible=scarce, accessible_tables=scarce_room)
    rounds[held] = found
    return None if limited and found.max(initial=-1) >= programme.rounds else (rounds, bound)


def _searched(programme: Programme, limited: bool, effort: float, seed: int) -> tuple[Ints, float]:
    """Rounds and bound of the score by search. Without a limit, rounds are added until everything that can be held is."""
    iterations = int(effort * min(INSERTIONS[0] * len(programme.left), INSERTIONS[1]))
    if limited:
        return plan_windows(programme, iterations=iterations, seed=seed)
    least = max(rounds_needed(programme, programme.seatable)[0], programme.rounds)
    for more in (0, 1, 2, 4, least, 2 * least):
        wide = widened(programme, least + more)
        rounds, bound = plan_windows(wide, iterations=iterations, seed=seed)
        if (rounds >= 0).sum() == (wide.seatable & (wide.available[wide.left] & wide.available[wide.right]).any(axis=1)).sum():
            break
    return rounds, bound


def _tables(programme: Programme, rounds: Ints) -> Ints:
    held = np.flatnonzero(rounds >= 0)
    own = np.where(programme.floating, programme.locked_table, programme.own_table)[held]
    ends = np.stack((programme.left[held], programme.right[held]))
    left, right = split_delegates(ends.ravel(), programme.places).reshape(ends.shape)
    table = np.full(len(rounds), NOWHERE, dtype=np.int64)
    table[held] = seat(
        left,
        right,
        rounds[held],
        programme.tables,
        programme.asking[held],
        own=own,
        reserved=~programme.free_tables,
        sweeps=SWEEPS if len(held) <= EXCHANGES[2] else 1,
    )
    return table


def refuse_locks(programme: Programme) -> None:
    """Raises BadProblem when locked meetings contradict each other, or the people and tables they are for."""
    locked = np.flatnonzero(programme.locked_round >= 0)
    seen: dict[tuple[str, int, int], int] = {}
    own, seatable = programme.own_table, programme.seatable
    for e in locked.tolist():
        r, t = int(programme.locked_round[e]), int(programme.locked_table[e])
        people = (int(programme.left[e]), int(programme.right[e]))
        if not seatable[e]:
            raise BadProblem(f"no table can hold locked meeting {e}")
        if not all(programme.available[p, r] for p in people):
            raise BadProblem(f"locked meeting {e} is in a round in which one of the two is not available")
        wanted = t if own[e] < 0 else int(own[e])
        if t not in (NOWHERE, wanted) or (t >= 0 and own[e] < 0 and not programme.free_tables[t]):
            raise BadProblem(f"locked meeting {e} is at a table that is not for it")
        if t >= 0 and programme.asking[e] and not programme.tables[t]:
            raise BadProblem(f"locked meeting {e} is at a table that is not accessible")
        for key, most in ((("table", wanted, r), 1 if wanted >= 0 else len(locked)), *((("person", p, r), int(programme.places[p])) for p in people)):
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > most:
                raise BadProblem(f"locked meeting {e} is where another locked meeting is")
