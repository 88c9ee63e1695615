"""Every pool that keeps the rules, found by extending cliques of needs that agree two by two.

A week that suits everybody exists when, for each set of needs that are active in one month, the half-days that suit at least
one of them are at least as many as all of them want together (Hall's condition). What keeps it for a pool keeps it for each
part of the pool, so that a set that breaks it is never extended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.pool_problem import Fractions, Ints, Rules

NOBODY = -1
_CELLS = 4_000_000

Rows = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """Pools that keep the rules.

    Attributes
    ----------
    needs : (P, W) rows of the needs by rising row, `NOBODY` to fill up.
    value : (P,) value of each pool.
    occupation : (P,) number of the occupation in `Groups.codes`.
    """

    needs: Rows
    value: NDArray[np.float64]
    occupation: Rows

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: NDArray[np.intp] | Bools) -> "Columns":
        return Columns(self.needs[rows], self.value[rows], self.occupation[rows])


@dataclass(frozen=True)
class Groups:
    """What the search for pools reads: needs by occupation, and who agrees with whom."""

    fractions: Fractions
    rules: Rules

    @cached_property
    def codes(self) -> list[str]:
        return sorted({code for codes in self.fractions.occupations for code in codes})

    @cached_property
    def has_code(self) -> Bools:
        """(N, C) whether the need accepts the occupation."""
        at = {code: place for place, code in enumerate(self.codes)}
        table = np.zeros((len(self.fractions), len(self.codes)), dtype=np.bool_)
        for row, codes in enumerate(self.fractions.occupations):
            table[row, [at[code] for code in codes]] = True
        return table

    @cached_property
    def parts(self) -> Ints:
        return self.fractions.parts

    @cached_property
    def km(self) -> NDArray[np.float64]:
        return self.fractions.km

    @cached_property
    def agree(self) -> Bools:
        """(N, N) whether two needs may share a pool, whatever their occupations."""
        own, rules = self.fractions, self.rules
        agree = (self.km <= rules.max_km) & (own.employer[:, None] != own.employer[None, :])
        if own.reach_km is not None:
            agree &= self.km <= own.reach_km[:, None] + own.reach_km[None, :]
        agree &= own.days_apart <= rules.max_start_days
        agree &= self.parts[:, None] + self.parts[None, :] <= rules.most_parts
        met = (own.months[:, None] & own.months[None, :]) != 0
        room = np.minimum(np.bitwise_count(own.allowed[:, None] | own.allowed[None, :]), rules.most_halfdays)
        agree &= ~met | (own.halfdays[:, None] + own.halfdays[None, :] <= room)
        if len(own.apart):
            agree[own.apart[:, 0], own.apart[:, 1]] = agree[own.apart[:, 1], own.apart[:, 0]] = False
        return np.asarray(agree, dtype=np.bool_)

    @cached_property
    def fits_alone(self) -> Bools:
        """(N,) whether the need keeps within a full time by itself."""
        return np.asarray((self.fractions.halfdays <= self.rules.most_halfdays) & (self.parts <= self.rules.most_parts), dtype=np.bool_)


def pools(groups: Groups, *, within: Bools | None = None, including: int | None = None) -> Iterator[Columns]:
    """Yield the pools that keep the rules, in blocks; the same blocks in the same order each time.

    Parameters
    ----------
    within : (N,) needs that may be in a pool, all by default.
    including : row of a need that each pool must hold, if given.

    Notes
    -----
    A pool that several occupations allow comes once, with the first of them. Pools that are worth nothing are left out: no
    best answer needs them.
    """
    free = groups.fits_alone if within is None else groups.fits_alone & within
    for code in range(len(groups.codes)):
        rows = np.flatnonzero(groups.has_code[:, code] & free)
        if including is not None:
            if not (groups.has_code[including, code] and free[including]):
                continue
            rows = rows[groups.agree[including, rows] | (rows == including)]
        yield from _of_one_occupation(groups, code, rows.astype(np.int32), including)


def value_of(groups: Groups, needs: Rows) -> NDArray[np.float64]:
    """(P,) value of each row of `needs`, all of one width without `NOBODY`."""
    own, rules = groups.fractions, groups.rules
    total = np.zeros(len(needs))
    for column in needs.T:
        total += own.priority[column] * groups.parts[column] / 120
    widest = np.zeros(len(needs))
    for one, other in combinations(needs.T, 2):
        np.maximum(widest, groups.km[one, other], out=widest)
    return np.asarray(total - rules.per_extra_employer * (needs.shape[1] - 2) - rules.per_km * widest, dtype=np.float64)


def padded(needs: Rows, width: int) -> Rows:
    """The same rows, filled up with `NOBODY` to a width."""
    out = np.full((len(needs), width), NOBODY, dtype=np.int32)
    out[:, : needs.shape[1]] = needs
    return out


def joined(blocks: list[Columns], width: int) -> Columns:
    """One table of several blocks."""
    if not blocks:
        return Columns(np.zeros((0, width), dtype=np.int32), np.zeros(0), np.zeros(0, dtype=np.int32))
    return Columns(*(np.concatenate([getattr(block, name) for block in blocks]) for name in ("needs", "value", "occupation")))


def _of_one_occupation(groups: Groups, code: int, rows: Rows, including: int | None) -> Iterator[Columns]:
    """Yield the pools of one occupation.

    A clique is extended by later rows only, so that it comes once; the need that all must hold comes first, and may be any.
    """
    agree = groups.agree[np.ix_(rows, rows)]
    if including is None:
        place = np.arange(len(rows), dtype=np.int32)[:, None]
        after = place[:, -1].astype(np.int64)
    else:
        place = np.flatnonzero(rows == including).astype(np.int32)[:, None]
        after = np.full(1, -1, dtype=np.int64)
    yield from _level(groups, code, rows, agree, place, after)


def _level(groups: Groups, code: int, rows: Rows, agree: Bools, place: Rows, after: Ints) -> Iterator[Columns]:
    if len(place) == 0:
        return
    width = place.shape[1]
    if width >= groups.rules.min_needs:
        found = _viable(groups, code, rows[place])
        if len(found):
            yield found
    if width == groups.rules.max_employers:
        return
    step = max(1, _CELLS // max(1, len(rows)))
    places = np.arange(len(rows))
    for first in range(0, len(place), step):
        block = place[first : first + step]
        can = places[None, :] > after[first : first + step, None]
        for column in block.T:
            can &= agree[column]
        clique, new = np.nonzero(can)
        grown = np.concatenate((block[clique], new[:, None].astype(np.int32)), axis=1)
        keep = _holds(groups, rows[grown])
        yield from _level(groups, code, rows, agree, grown[keep], new[keep].astype(np.int64))


def _holds(groups: Groups, needs: Rows) -> Bools:
    """(P,) whether the last need fits those before it: Hall's condition on every set that holds it, and the year."""
    own, rules = groups.fractions, groups.rules
    last, before = needs[:, -1], needs[:, :-1].T
    holds = np.asarray(groups.parts[needs].sum(axis=1) <= rules.most_parts)
    for size in range(2, len(before) + 1):  # two by two they agree already
        for chosen in combinations(before, size):
            months, allowed, halfdays = own.months[last], own.allowed[last], own.halfdays[last]
            for column in chosen:
                months, allowed, halfdays = months & own.months[column], allowed | own.allowed[column], halfdays + own.halfdays[column]
            holds &= (months == 0) | (halfdays <= np.minimum(np.bitwise_count(allowed), rules.most_halfdays))
    return holds


def _viable(groups: Groups, code: int, needs: Rows) -> Columns:
    """The pools among cliques that have enough work, not too much of it public, and a value; the first common occupation's."""
    own, rules = groups.fractions, groups.rules
    needs = np.sort(needs, axis=1)
    parts = groups.parts[needs].sum(axis=1)
    public = np.where(own.is_public[needs], groups.parts[needs], 0).sum(axis=1)
    keep = (parts >= rules.least_parts) & (public <= rules.public_share_max * parts + 1e-9)
    if code and keep.any():
        earlier = np.ones((len(needs), code), dtype=np.bool_)
        for column in needs.T:
            earlier &= groups.has_code[column, :code]
        keep &= ~earlier.any(axis=1)
    for one, other in own.together.tolist():
        keep &= (needs == one).any(axis=1) == (needs == other).any(axis=1)
    needs = needs[keep]
    value = value_of(groups, needs)
    worth = value > 0
    count = int(worth.sum())
    return Columns(padded(needs[worth], rules.max_employers), value[worth], np.full(count, code, dtype=np.int32))
