"""What a change touches: connected components of the pairs, and a new optimum by work around the change alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from matchmaker.engine.assignment import assign
from matchmaker.engine.problem import SCORE_MAX, Assignment, BadProblem, Objective, Problem
from matchmaker.engine.repairing import repair

Pair = tuple[int, int]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Components:
    """Component of each row; two rows share one when a chain of candidate pairs links them.

    Attributes
    ----------
    need, offer : (N,), (M,) numbers from 0 to count - 1.
    count : number of components; a row without a pair is one by itself.
    """

    need: NDArray[np.int32]
    offer: NDArray[np.int32]
    count: int


@dataclass(frozen=True)
class Resolved:
    """The problem after a change, with its best answer.

    Attributes
    ----------
    problem : rows of needs and offers as before; the pairs that stayed in their order, then the new ones.
    assignment : the best answer to `problem`, with its prices.
    entered, left : (K, 2) rows of need and offer of the pairs that are chosen now and were not, and the reverse, sorted.
    """

    problem: Problem
    assignment: Assignment
    entered: NDArray[np.int64]
    left: NDArray[np.int64]


def components(problem: Problem) -> Components:
    """Connected components of the pairs.

    Examples
    --------
    >>> i4 = np.int32
    >>> problem = Problem(np.array([0, 1, 2], i4), np.array([0, 0, 1], i4), np.array([5, 5, 5]), np.ones(3, i4), np.ones(3, i4),
    ...                   np.zeros(3, bool), np.arange(3), np.arange(3))
    >>> found = components(problem)
    >>> found.count, found.need.tolist(), found.offer.tolist()
    (3, [0, 0, 1], [0, 1, 2])
    """
    needs, offers = len(problem.need_id), len(problem.offer_id)
    ones = np.ones(len(problem.need), dtype=np.int8)
    graph = csr_array((ones, (problem.need, problem.offer + needs)), shape=(needs + offers, needs + offers))
    count, label = connected_components(graph, directed=False)
    return Components(label[:needs], label[needs:], int(count))


def resolve(
    problem: Problem,
    assignment: Assignment,
    *,
    lock: Iterable[Pair] = (),
    unlock: Iterable[Pair] = (),
    refuse: Iterable[Pair] = (),
    add: Iterable[tuple[int, int, int]] = (),
    need_capacity: Mapping[int, int] | None = None,
    offer_capacity: Mapping[int, int] | None = None,
    objective: Objective = Objective.SCORE,
) -> Resolved:
    """Change a problem and answer it anew, starting from the answer that it had.

    Parameters
    ----------
    assignment : the answer of `assign` or of `resolve` to `problem`, for this objective.
    lock, unlock, refuse : pairs (row of need, row of offer), which must be candidate pairs. A refused pair is no candidate
        any more.
    add : (row of need, row of offer, score): new candidate pairs, or other scores of pairs that are there.
    need_capacity, offer_capacity : row → new capacity.

    Raises
    ------
    BadProblem
        A row or a score out of range, a pair that is no candidate, a pair both locked and refused (now or before), a
        negative capacity, more locked pairs than a side can take.

    Notes
    -----
    Under SCORE and SERVED_FIRST the answer is mended by `repair`: whatever no path from the change reaches keeps its pairs
    and its prices, and the prices prove the whole. Under GENEROUS and STABLE the components of the rows that changed are
    solved again. Under SERVED_FIRST a change that alters the greatest possible number of pairs alters the bonus, and with
    it the prices wherever a need is left unserved.

    Examples
    --------
    Need 0 refuses offer 0; need 1 takes it over.

    >>> i4 = np.int32
    >>> problem = Problem(np.array([0, 1], i4), np.array([0, 0], i4), np.array([900_000, 800_000]), np.ones(2, i4), np.ones(1, i4),
    ...                   np.zeros(2, bool), np.array([10, 11]), np.array([20]))
    >>> after = resolve(problem, assign(problem), refuse=[(0, 0)])
    >>> after.entered.tolist(), after.left.tolist(), after.assignment.value
    ([[1, 0]], [[0, 0]], 800000)
    """
    edit = _Edit(tuple(lock), tuple(unlock), tuple(refuse), tuple(add), dict(need_capacity or {}), dict(offer_capacity or {}))
    now, gone = _changed(problem, edit)
    before = replace(assignment, chosen=_spliced(assignment.chosen, gone, np.zeros(len(now.need) + len(gone) - len(problem.need), dtype=np.bool_)))
    if objective is Objective.SCORE:
        answer = repair(now, before)
    elif objective is Objective.SERVED_FIRST:
        bonus = _bonus(now)
        answer = repair(now, _at_bonus(before, _bonus(problem), bonus), bonus)
    else:
        answer = _solved_again(now, before, edit, objective)
    entered = np.flatnonzero(answer.chosen & ~before.chosen)
    left = np.flatnonzero(before.chosen & ~answer.chosen)
    return Resolved(now, answer, _rows((now, entered)), _rows((now, left), (problem, gone[assignment.chosen[gone]])))


@dataclass(frozen=True)
class _Edit:
    lock: tuple[Pair, ...]
    unlock: tuple[Pair, ...]
    refuse: tuple[Pair, ...]
    add: tuple[tuple[int, int, int], ...]
    need_capacity: dict[int, int]
    offer_capacity: dict[int, int]

    def added(self) -> dict[Pair, int]:
        return {(i, j): score for i, j, score in self.add}

    def pairs(self) -> list[Pair]:
        return [*self.lock, *self.unlock, *self.refuse, *self.added()]

    def needs(self) -> list[int]:
        return sorted({i for i, _ in self.pairs()} | set(self.need_capacity))

    def offers(self) -> list[int]:
        return sorted({j for _, j in self.pairs()} | set(self.offer_capacity))


def _changed(problem: Problem, edit: _Edit) -> tuple[Problem, NDArray[np.int64]]:
    """Return the changed problem, and the rows of the old pairs that are gone from it."""
    at = _check_edit(problem, edit)
    score = problem.score.copy() if edit.add else problem.score
    locked = problem.locked.copy() if edit.lock or edit.unlock else problem.locked
    for pair in (*edit.unlock, *edit.lock):
        if pair in at:
            locked[at[pair]] = pair in edit.lock
    gone = np.array(sorted({at[pair] for pair in edit.refuse}), dtype=np.int64)
    new = []
    for pair, value in edit.added().items():
        if pair in at:
            score[at[pair]] = value
        else:
            new.append((*pair, value, pair in edit.lock))
    extra = np.array(new, dtype=np.int64).reshape(-1, 4)
    now = Problem(
        need=_spliced(problem.need, gone, extra[:, 0]),
        offer=_spliced(problem.offer, gone, extra[:, 1]),
        score=_spliced(score, gone, extra[:, 2]),
        need_capacity=_with(problem.need_capacity, edit.need_capacity),
        offer_capacity=_with(problem.offer_capacity, edit.offer_capacity),
        locked=_spliced(locked, gone, extra[:, 3]),
        need_id=problem.need_id,
        offer_id=problem.offer_id,
    )
    held = np.flatnonzero(now.locked)
    for side, rows, capacity, ids in (("need", now.need, now.need_capacity, now.need_id), ("offer", now.offer, now.offer_capacity, now.offer_id)):
        over = np.bincount(rows[held], minlength=len(ids)) > capacity
        if np.any(over):
            raise BadProblem(f"more locked pairs than capacity for {side} " + ", ".join(map(str, np.sort(ids[over]).tolist())))
    return now, gone


def _spliced(values: NDArray[Value], gone: NDArray[np.int64], new: NDArray[np.generic]) -> NDArray[Value]:
    """The values without those of some rows, then the new ones: whole stretches are copied, which is much faster than picking."""
    if len(gone) == 0 and len(new) == 0:
        return values  # nobody writes into the arrays of a problem or an answer
    bounds = [0, *(gone + 1).tolist()]
    stretches = [values[start:end] for start, end in zip(bounds, [*gone.tolist(), len(values)], strict=True)]
    return np.concatenate((*stretches, new.astype(values.dtype)))


def _check_edit(problem: Problem, edit: _Edit) -> dict[Pair, int]:
    """Refuse a change that contradicts itself or the problem; return the rows of the pairs that it names."""
    for side, named, ids, capacity in (
        ("need", edit.needs(), problem.need_id, edit.need_capacity),
        ("offer", edit.offers(), problem.offer_id, edit.offer_capacity),
    ):
        out = [row for row in named if not 0 <= row < len(ids)]
        if out:
            raise BadProblem(f"no {side} has row {out[0]}; rows go from 0 to {len(ids) - 1}")
        negative = [str(ids[row]) for row, places in capacity.items() if places < 0]
        if negative:
            raise BadProblem(f"negative capacity of {side} " + ", ".join(negative))
    named_needs = np.zeros(len(problem.need_id), dtype=np.bool_)
    named_needs[edit.needs()] = True
    rows = np.flatnonzero(named_needs[problem.need])
    at = dict(zip(zip(problem.need[rows].tolist(), problem.offer[rows].tolist(), strict=True), rows.tolist(), strict=True))
    added, refused = edit.added(), set(edit.refuse)
    stays_locked = {pair for pair in refused if pair in at and problem.locked[at[pair]]} - set(edit.unlock)
    wrong = (
        ("no candidate pair", [pair for pair in (*edit.unlock, *edit.refuse) if pair not in at]),
        ("no candidate pair", [pair for pair in edit.lock if pair not in at and pair not in added]),
        ("both locked and refused", sorted(stays_locked | (refused & set(edit.lock)))),
        ("both locked and unlocked", sorted(set(edit.lock) & set(edit.unlock))),
        ("both added and refused", sorted(refused & added.keys())),
        ("pair given twice", [pair for pair in added if sum(pair == (i, j) for i, j, _ in edit.add) > 1] if len(added) < len(edit.add) else []),
        (f"score outside 1…{SCORE_MAX}", [pair for pair, score in added.items() if not 1 <= score <= SCORE_MAX]),
    )
    for reason, pairs in wrong:
        if pairs:
            raise BadProblem(f"{reason}: " + ", ".join(f"need {problem.need_id[i]} with offer {problem.offer_id[j]}" for i, j in pairs[:5]))
    return at


def _solved_again(problem: Problem, before: Assignment, edit: _Edit, objective: Objective) -> Assignment:
    """Solve the components of the rows that the change names, and keep the rest."""
    found = components(problem)
    hit = np.zeros(found.count, dtype=np.bool_)
    hit[found.need[edit.needs()]] = True
    hit[found.offer[edit.offers()]] = True
    needs, offers, pairs = np.flatnonzero(hit[found.need]), np.flatnonzero(hit[found.offer]), np.flatnonzero(hit[found.need[problem.need]])
    part = Problem(
        need=np.searchsorted(needs, problem.need[pairs]).astype(np.int32),
        offer=np.searchsorted(offers, problem.offer[pairs]).astype(np.int32),
        score=problem.score[pairs],
        need_capacity=problem.need_capacity[needs],
        offer_capacity=problem.offer_capacity[offers],
        locked=problem.locked[pairs],
        need_id=problem.need_id[needs],
        offer_id=problem.offer_id[offers],
    )
    solved = assign(part, objective)
    chosen, need_price, offer_price = before.chosen.copy(), before.need_price.copy(), before.offer_price.copy()
    chosen[pairs], need_price[needs], offer_price[offers] = solved.chosen, solved.need_price, solved.offer_price
    return Assignment(chosen, need_price, offer_price, int(problem.score[chosen].sum()))


def _with(capacity: NDArray[np.int32], changes: Mapping[int, int]) -> NDArray[np.int32]:
    changed = capacity.copy()
    for row, places in changes.items():
        changed[row] = places
    return changed


def _bonus(problem: Problem) -> int:
    """Worth of a need's first partner under SERVED_FIRST, as `certificate` states it."""
    places = min(int(problem.need_capacity.sum(dtype=np.int64)), int(problem.offer_capacity.sum(dtype=np.int64)))
    return 1 + SCORE_MAX * min(places, len(problem.need))


def _at_bonus(assignment: Assignment, old: int, new: int) -> Assignment:
    """Move the prices that hold the old bonus to the new one: a good start for `repair`, which mends what it misses."""
    u, v = assignment.need_price, assignment.offer_price
    return replace(assignment, need_price=np.where(2 * u < -old, u + old - new, u), offer_price=np.where(2 * v > old, v + new - old, v))


def _rows(*parts: tuple[Problem, NDArray[np.int64]]) -> NDArray[np.int64]:
    """(K, 2) rows of need and offer of some pairs, sorted."""
    pairs = [pair for problem, at in parts for pair in zip(problem.need[at].tolist(), problem.offer[at].tolist(), strict=True)]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
