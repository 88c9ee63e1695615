"""The smallest changes that would serve a need that has nobody, each one checked by solving again.

A change is tried on the declarations: candidates and scores of the need are made anew, and the best answer of the whole
problem is mended from the present one. It is kept when every best answer then serves the need.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.candidates import OPEN_END, OPEN_START, Candidates, Ints, Side, candidates, great_circle_km
from matchmaker.engine.components import Resolved, resolve
from matchmaker.engine.explanation import alternatives
from matchmaker.engine.problem import Assignment, Objective, Problem
from matchmaker.engine.relevance import relevant
from matchmaker.engine.scoring import CRITERIA, Context, Pairs, score, totals

# What the changes below can alter of a score. The other criteria read nothing that a change touches.
_ALTERED = ("distance", "availability")
_CELLS = 1_000_000


class Kind(StrEnum):
    """What changes; see `Change` for the units."""

    RADIUS = "radius"
    HALFDAYS = "halfdays"
    FLAGS = "flags"
    DATES = "dates"
    CAPACITY = "capacity"


@dataclass(frozen=True)
class Inputs:
    """What a problem was made from; its rows are those of the problem.

    Attributes
    ----------
    needs, offers, refused, never_with : what `candidates` was given.
    context, weights : what `score` was given.
    by_words : (C,) whether words must agree, by number of category; see `relevance`.
    """

    needs: Side
    offers: Side
    context: Context
    by_words: NDArray[np.bool_]
    refused: Ints | None = None
    never_with: Ints | None = None
    weights: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Change:
    """A change that would serve the need.

    Attributes
    ----------
    kind : what changes.
    before, after : RADIUS in km; HALFDAYS and FLAGS (required ones) as bits, one more or one less; DATES in days, 0 and by how
        much both ends move (negative: earlier); CAPACITY in places of the offer `place_at`.
    offer_row : an offer that the need would then have, its best one.
    gain : change of the total score, in millionths; it may be negative under SERVED_FIRST.
    place_at : row of the offer that has one more place, for CAPACITY.
    """

    kind: Kind
    before: float
    after: float
    offer_row: int
    gain: int
    place_at: int | None = None

    @property
    def size(self) -> float:
        """How much of the declaration changes, to compare what has no common unit: a share; for dates in months."""
        if self.kind is Kind.RADIUS:
            return (self.after - self.before) / max(self.before, 1.0)
        if self.kind is Kind.DATES:
            return abs(self.after) / 30
        if self.kind is Kind.CAPACITY:
            return 1 / (self.before + 1)
        return 1 / int(max(self.before, self.after)).bit_count()


def smallest_changes(
    problem: Problem,
    assignment: Assignment,
    inputs: Inputs,
    need_row: int,
    *,
    objective: Objective = Objective.SCORE,
    most_km: int = 200,
    most_days: int = 60,
    most_offers: int = 10,
) -> list[Change]:
    """Find the smallest changes of one thing at a time that would serve a need.

    Parameters
    ----------
    problem, assignment : the best answer for the objective, in which the need has nobody.
    inputs : what the problem was made from.
    most_km, most_days : greatest radius and greatest shift of the dates that are tried.
    most_offers : how many offers are tried with one place more: the need's candidates of least regret.

    Returns
    -------
    list of Change
        The smallest radius in whole km, the smallest shift of the dates in days, and every half-day, required flag and offer
        that suffices; the smallest first. Empty when nothing helps.

    Raises
    ------
    ValueError
        The need has a partner, or asks for none.

    Notes
    -----
    A radius or a date that is not stated is not changed, nor are half-days that are not stated: they remove nothing. Under
    GENEROUS and STABLE a change is kept when the answer serves the need; other answers might be as good.
    """
    if problem.need_capacity[need_row] == 0 or np.any(assignment.chosen & (problem.need == need_row)):
        raise ValueError(f"need {problem.need_id[need_row]} is served, or asks for nobody")
    trial = _Trial(problem, assignment, inputs, need_row, objective, _reachable(inputs, need_row))
    found = [*_radius(trial, most_km), *_halfdays(trial), *_flags(trial), *_dates(trial, most_days), *_capacities(trial, most_offers)]
    return sorted(found, key=lambda change: (change.size, -change.gain))  # those found first, in the order above, break ties


@dataclass(frozen=True)
class _Reachable:
    """Offers that the need could meet if its radius, dates, half-days and flags allowed, and their criteria."""

    offers: Side
    row: Ints
    parts: NDArray[np.float32]


@dataclass(frozen=True)
class _Trial:
    problem: Problem
    assignment: Assignment
    inputs: Inputs
    need_row: int
    objective: Objective
    reachable: _Reachable


def _reachable(inputs: Inputs, need_row: int) -> _Reachable:
    needs, offers = inputs.needs, inputs.offers
    open_to = (offers.category == needs.category[need_row]) & (offers.organisation != needs.organisation[need_row])
    if inputs.refused is not None and len(inputs.refused):
        by_need = inputs.refused[inputs.refused[:, 0] == needs.id[need_row]]
        open_to &= ~np.isin(offers.id, by_need[:, 1])
    rows = np.flatnonzero(open_to)
    distance = great_circle_km(needs.lat[need_row], needs.lon[need_row], offers.lat[rows], offers.lon[rows])
    pairs = Candidates(
        need=np.full(len(rows), need_row, dtype=np.int32),
        offer=rows.astype(np.int32),
        distance_km=distance,
        missing=np.zeros(len(rows), dtype=np.uint8),
    )
    scored = score(pairs, needs, offers, inputs.context, inputs.weights)
    keep = relevant(scored, np.full(len(rows), inputs.by_words[needs.category[need_row]]))
    return _Reachable(_taken(offers, rows[keep]), rows[keep], scored.parts[keep])


def _taken(side: Side, rows: Ints) -> Side:
    """The table of some rows, which may come more than once."""
    areas = [side.area[side.area_start[row] : side.area_start[row + 1]] for row in rows.tolist()]
    columns = {field.name: getattr(side, field.name)[rows] for field in fields(Side) if not field.name.startswith("area")}
    return Side(**columns, area_start=np.cumsum([0, *map(len, areas)], dtype=np.int64), area=np.concatenate([np.zeros(0, dtype=np.int64), *areas]))


def _tried(trial: _Trial, columns: Mapping[str, NDArray[Any]]) -> Iterator[Resolved | None]:
    """For each value of the columns in turn, the problem solved anew with it, or None where the need stays without."""
    count, step = len(next(iter(columns.values()))), max(1, _CELLS // max(1, len(trial.reachable.row)))
    for start in range(0, count, step):
        size = min(step, count - start)
        part = {name: values[start : start + size] for name, values in columns.items()}
        found, total = _scored(trial, replace(_taken(trial.inputs.needs, np.full(size, trial.need_row)), id=np.arange(size), **part))
        edges = np.searchsorted(found.need, np.arange(size + 1))
        for k in range(size):
            at = slice(int(edges[k]), int(edges[k + 1]))
            yield _solved(trial, trial.reachable.row[found.offer[at]], total[at])


def _scored(trial: _Trial, copies: Side) -> tuple[Candidates, Ints]:
    """Candidates and scores of copies of the need with the offers that it could meet."""
    reachable, inputs = trial.reachable, trial.inputs
    found = candidates(copies, reachable.offers, never_with=inputs.never_with)
    pairs = Pairs(found, copies, reachable.offers, inputs.context)
    parts = reachable.parts[found.offer]
    for k, criterion in enumerate(CRITERIA):
        if criterion.name in _ALTERED:
            values = criterion.function(pairs)
            # Where the declarations do not say enough, a change does not say more: the neutral value stands already.
            parts[:, k] = np.where(np.isnan(values), parts[:, k], values)
    return found, totals(parts, inputs.weights)


def _solved(trial: _Trial, offers: Ints, scores: Ints) -> Resolved | None:
    """Solve anew with these pairs of the need instead of those it has; None when it stays without."""
    problem, answer, i = trial.problem, trial.assignment, trial.need_row
    if trial.objective in (Objective.SCORE, Objective.SERVED_FIRST) and np.all(scores <= answer.need_price[i] + answer.offer_price[offers]):
        return None  # the present prices still prove the present answer
    own = set(problem.offer[problem.need == i].tolist())
    add = [(i, j, s) for j, s in zip(offers.tolist(), scores.tolist(), strict=True)]
    after = resolve(problem, answer, refuse=[(i, j) for j in sorted(own - set(offers.tolist()))], add=add, objective=trial.objective)
    return after if _serves(trial, after) else None


def _serves(trial: _Trial, after: Resolved) -> bool:
    """Whether the need has somebody, and every answer without it would be worse."""
    problem, answer, i = after.problem, after.assignment, trial.need_row
    if not np.any(answer.chosen & (problem.need == i)):
        return False
    if trial.objective not in (Objective.SCORE, Objective.SERVED_FIRST):
        return True
    without = resolve(problem, answer, refuse=[(i, j) for j in problem.offer[problem.need == i].tolist()], objective=trial.objective)
    if trial.objective is Objective.SERVED_FIRST and _served(after) != _served(without):
        return _served(after) > _served(without)
    return answer.value > without.assignment.value


def _served(resolved: Resolved) -> int:
    return len(np.unique(resolved.problem.need[resolved.assignment.chosen]))


def _change(trial: _Trial, kind: Kind, before: float, after: float, resolved: Resolved, place_at: int | None = None) -> Change:
    problem, answer = resolved.problem, resolved.assignment
    mine = np.flatnonzero(answer.chosen & (problem.need == trial.need_row))
    best = mine[np.lexsort((problem.offer_id[problem.offer[mine]], -problem.score[mine]))[0]]
    return Change(kind, before, after, int(problem.offer[best]), answer.value - trial.assignment.value, place_at)


def _radius(trial: _Trial, most_km: int) -> Iterator[Change]:
    radius = float(trial.inputs.needs.radius_km[trial.need_row])
    if np.isnan(radius) or radius >= most_km:
        return
    # A wider radius removes no offer and lowers no score: what serves the need at one radius does at every greater one.
    low, high = int(radius), most_km
    best = next(_tried(trial, {"radius_km": np.array([float(high)])}))
    while best is not None and high - low > 1:
        middle = (low + high) // 2
        resolved = next(_tried(trial, {"radius_km": np.array([float(middle)])}))
        if resolved is None:
            low = middle
        else:
            high, best = middle, resolved
    if best is not None:
        yield _change(trial, Kind.RADIUS, radius, high, best)


def _halfdays(trial: _Trial) -> Iterator[Change]:
    mask = int(trial.inputs.needs.halfdays[trial.need_row])
    offered = int(np.bitwise_or.reduce(trial.reachable.offers.halfdays, initial=0))
    yield from _bits(trial, Kind.HALFDAYS, "halfdays", mask, [mask | bit for bit in _single(offered & ~mask)] if mask else [])


def _flags(trial: _Trial) -> Iterator[Change]:
    mask = int(trial.inputs.needs.required[trial.need_row])
    yield from _bits(trial, Kind.FLAGS, "required", mask, [mask & ~bit for bit in _single(mask)])


def _bits(trial: _Trial, kind: Kind, column: str, before: int, masks: list[int]) -> Iterator[Change]:
    if masks:
        for mask, resolved in zip(masks, _tried(trial, {column: np.array(masks, dtype=np.int64)}), strict=True):
            if resolved is not None:
                yield _change(trial, kind, before, mask, resolved)


def _single(mask: int) -> list[int]:
    return [1 << k for k in range(mask.bit_length()) if mask >> k & 1]


def _dates(trial: _Trial, most_days: int) -> Iterator[Change]:
    starts, ends = int(trial.inputs.needs.starts[trial.need_row]), int(trial.inputs.needs.ends[trial.need_row])
    if (starts == OPEN_START and ends == OPEN_END) or most_days < 1:
        return
    shift = np.array([days * sign for days in range(1, most_days + 1) for sign in (1, -1)], dtype=np.int64)
    still = np.zeros_like(shift)
    columns = {"starts": starts + (still if starts == OPEN_START else shift), "ends": ends + (still if ends == OPEN_END else shift)}
    for days, resolved in zip(shift.tolist(), _tried(trial, columns), strict=True):
        if resolved is not None:
            yield _change(trial, Kind.DATES, 0, days, resolved)
            return


def _capacities(trial: _Trial, most_offers: int) -> Iterator[Change]:
    problem, answer = trial.problem, trial.assignment
    for near in alternatives(problem, answer, trial.need_row, most_offers):
        places = int(problem.offer_capacity[near.offer_row])
        after = resolve(problem, answer, offer_capacity={near.offer_row: places + 1}, objective=trial.objective)
        if _serves(trial, after):
            yield _change(trial, Kind.CAPACITY, places, places + 1, after, near.offer_row)
