"""Mending an optimal answer after the problem has changed: a few shortest paths around the change instead of a new solve.

The problem is seen as a circulation: places flow from a hub to the needs, along the chosen pairs to the offers, and back to
the hub. Prices that fit the chosen pairs prove the optimum; a change breaks the fit at a few places only. There the pairs
are set as the prices ask, which leaves some rows with a unit too many or too few, and each unit is led to the hub along a
shortest path on reduced costs, as in `augmenting`. Rows that no path reaches keep their pairs and their prices.

It is plain Python over numpy on purpose: it answers within a web request, where nothing may be compiled.

References
----------
Ahuja, R. K., Magnanti, T. L., Orlin, J. B. (1993). Network flows, chapters 9 and 10: pseudoflows and reoptimisation.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matchmaker.engine.problem import Assignment, Problem

NEED, OFFER = 0, 1
_PART = 32_768  # pairs taken together
_LOOKS = 24  # times that the pairs of a row are looked for one by one before all are laid out by row

Node = tuple[int, int]  # side, row
Ints = NDArray[np.int64]
Rows = NDArray[np.int32]


def repair(problem: Problem, assignment: Assignment, bonus: int = 0) -> Assignment:
    """Return an optimal answer to `problem`, starting from an answer and prices that were optimal before a change.

    Parameters
    ----------
    problem : the problem as it is now; it must hold (see `check_problem`), it is not checked again.
    assignment : one entry for each pair, need and offer of `problem`; it may break capacities, locks and prices alike. The
        nearer it is to an optimum, the faster.
    bonus : worth of a need's first partner besides its score, as under SERVED_FIRST.

    Examples
    --------
    Offer 0 gets a second place: need 1, that had none, takes it.

    >>> i4, no = np.int32, np.zeros(2, bool)
    >>> now = Problem(np.array([0, 1], i4), np.array([0, 0], i4), np.array([800_000, 900_000]), np.array([1, 1], i4),
    ...               np.array([2], i4), no, np.array([10, 11]), np.array([20]))
    >>> before = Assignment(np.array([False, True]), np.array([0, 100_000]), np.array([800_000]), 900_000)
    >>> after = repair(now, before)
    >>> after.chosen.tolist(), after.value
    ([True, True], 1700000)
    """
    state = _state(problem, assignment, bonus)
    ids = (problem.need_id, problem.offer_id)
    for sign in (1, -1):
        for side in (NEED, OFFER):
            rows = np.flatnonzero(state.excess[side] * sign > 0)
            for row in rows[np.argsort(ids[side][rows])].tolist():
                _balance(state, (side, row), sign)
    chosen = state.held | problem.locked
    return Assignment(
        chosen=chosen,
        # A row that nothing flows through may have slid below its range: nobody minds if it asks a little more.
        need_price=np.maximum(state.price[NEED], -state.first),
        offer_price=np.maximum(state.price[OFFER], 0),
        value=int(problem.score[chosen].sum()),
    )


@dataclass
class _Pairs:
    """The pairs by row of a side, laid out only for a search that looks at many rows: most look at a few."""

    rows: Rows
    count: int
    sorted: bool
    looks: int = 0
    laid_out: tuple[Rows, Rows] | None = None
    found: dict[int, Rows] = field(default_factory=dict)

    def of(self, row: int) -> Rows:
        if self.sorted:
            start, end = np.searchsorted(self.rows, np.array([row, row + 1], dtype=self.rows.dtype)).tolist()
            return np.arange(start, end, dtype=np.int32)
        if self.laid_out is None and row not in self.found:
            self.looks += 1
            if self.looks <= _LOOKS:
                self.found[row] = np.flatnonzero(self.rows == row).astype(np.int32)
            else:
                self.laid_out = _pairs_by(self.rows, self.count)
        if self.laid_out is None:
            return self.found[row]
        starts, pairs = self.laid_out
        return pairs[starts[row] : starts[row + 1]]


@dataclass(frozen=True)
class _State:
    """Arrays of the search, changed in place. Pairs of sides are indexed by NEED and OFFER.

    `flow` is the number of places in use, `excess` what flows into a row and not out of it: 0 everywhere in the end.
    """

    problem: Problem
    held: NDArray[np.bool_]
    price: tuple[Ints, Ints]
    places: tuple[Ints, Ints]
    flow: tuple[Ints, Ints]
    excess: tuple[Ints, Ints]
    first: Ints
    pairs: tuple["_Pairs", "_Pairs"]

    def pairs_of(self, node: Node) -> Rows:
        """Rows of the pairs of a need or an offer."""
        side, row = node
        return self.pairs[side].of(row)


def _state(problem: Problem, assignment: Assignment, bonus: int) -> _State:
    need, offer, score = problem.need, problem.offer, problem.score
    needs, offers = len(problem.need_id), len(problem.offer_id)
    fixed = np.flatnonzero(problem.locked)
    locked = np.bincount(need[fixed], minlength=needs)
    first = np.where(locked == 0, bonus, 0).astype(np.int64)
    places = (
        problem.need_capacity.astype(np.int64) - locked,
        problem.offer_capacity.astype(np.int64) - np.bincount(offer[fixed], minlength=offers),
    )
    held = assignment.chosen & ~problem.locked
    u, v = assignment.need_price.astype(np.int64), assignment.offer_price.astype(np.int64)

    kept = np.flatnonzero(held)
    wanted = _wanted(problem, held, u, v)
    # A need that holds nothing asks the price of its best pair: one path a place then, not one for each pair it would like.
    alone = wanted[np.bincount(need[kept], minlength=needs)[need[wanted]] == 0]
    if alone.size:
        np.maximum.at(u, need[alone], score[alone] - v[offer[alone]])
        wanted = wanted[u[need[wanted]] + v[offer[wanted]] < score[wanted]]  # a price that rises makes no pair wanted
    held[kept[u[need[kept]] + v[offer[kept]] > score[kept]]] = False
    held[wanted] = True

    kept = np.flatnonzero(held)
    partners, guests = np.bincount(need[kept], minlength=needs), np.bincount(offer[kept], minlength=offers)
    some = np.minimum(places[NEED], 1)
    least = np.where(u > 0, places[NEED], np.where(u + first > 0, some, 0))
    most = np.where(u >= 0, places[NEED], np.where(u + first >= 0, some, 0))
    used = np.clip(partners, least, most)
    filled = np.clip(guests, np.where(v > 0, places[OFFER], 0), np.where(v >= 0, places[OFFER], 0))
    return _State(
        problem=problem,
        held=held,
        price=(u, v),
        places=places,
        flow=(used, filled),
        excess=(used - partners, guests - filled),
        first=first,
        pairs=(_Pairs(need, needs, bool(np.all(need[1:] >= need[:-1]))), _Pairs(offer, offers, False)),
    )


def _wanted(problem: Problem, held: NDArray[np.bool_], u: Ints, v: Ints) -> NDArray[np.intp]:
    """Rows of the pairs that are neither held nor locked and beat the prices; by parts that fit the cache."""
    found = [np.zeros(0, dtype=np.intp)]
    for begin in range(0, len(held), _PART):
        part = slice(begin, begin + _PART)
        prices = u.take(problem.need[part])
        prices += v.take(problem.offer[part])
        found.append(np.flatnonzero(problem.score[part] > prices) + begin)
    rows = np.concatenate(found)
    return rows[~(held[rows] | problem.locked[rows])]


def _pairs_by(rows: Rows, count: int) -> tuple[Rows, Rows]:
    """Where the pairs of each row of a side start, and the pairs by row."""
    pairs = np.arange(len(rows) + 1, dtype=np.int32)
    # Turning a table of one pair a row around is a counting sort, several times faster than sorting.
    turned = csr_array((pairs[:-1], rows, pairs), shape=(len(rows), max(count, 1))).tocsc()
    return turned.indptr, turned.data


def _balance(state: _State, node: Node, sign: int) -> None:
    """Lead every unit too many (or, with sign -1, too few) away from a row."""
    side, row = node
    excess, flow, price = state.excess[side], state.flow[side], state.price[side]
    while excess[row] * sign > 0:
        # At price 0 the places that are left need no search.
        spare = int(min(excess[row], flow[row] - 1)) if side == NEED and sign == 1 and price[row] == 0 else 0
        if side == OFFER and sign == -1 and price[row] == 0:
            spare = int(excess[row])
        if spare:
            flow[row] -= spare if side == NEED else -spare
            excess[row] -= spare
        else:
            _lead(state, node, sign)


def _lead(state: _State, start: Node, sign: int) -> None:
    """Lead one unit along a shortest path to the hub, or to a row that lacks one, and let the prices follow."""
    reached, length, end = _shortest_path(state, start, sign)
    for (side, row), (distance, _) in reached.items():
        if distance < length:
            state.price[side][row] += (length - distance) * (sign if side == OFFER else -sign)

    side, row = end
    if state.excess[side][row] * sign < 0:
        state.excess[side][row] += sign
    else:
        state.flow[side][row] += sign if side == OFFER else -sign
    node = end
    while node != start:
        pair = reached[node][1]
        state.held[pair] = not state.held[pair]
        other = state.problem.offer if node[0] == NEED else state.problem.need
        node = (1 - node[0], int(other[pair]))
    state.excess[start[0]][start[1]] -= sign


def _shortest_path(state: _State, start: Node, sign: int) -> tuple[dict[Node, tuple[int, int]], int, Node]:
    """Dijkstra from (sign 1) or towards (sign -1) a row, up to the nearest way out.

    Returns row → (distance, pair it was reached by), the length and the last row. Ties fall to the smaller ids.
    """
    ids = (state.problem.need_id, state.problem.offer_id)
    others = (state.problem.offer, state.problem.need)
    reached: dict[Node, tuple[int, int]] = {start: (0, -1)}
    queue: list[tuple[int, int, int, int]] = [(0, start[0], int(ids[start[0]][start[1]]), start[1])]  # distance, side, id, row
    best: tuple[int, int, int, int] | None = None
    while queue:
        distance, side, name, row = heappop(queue)
        if best is not None and distance >= best[0]:
            break
        if distance > reached[side, row][0]:
            continue
        out = _way_out(state, (side, row), sign)
        if out is not None and (best is None or (distance + out, side, name) < best[:3]):
            best = (distance + out, side, name, row)
        pairs = state.pairs_of((side, row))
        enters = (side == NEED) == (sign == 1)
        pairs = pairs[(state.held[pairs] != enters) & ~state.problem.locked[pairs]]
        far = others[side][pairs]
        regret = state.price[side][row] + state.price[1 - side][far] - state.problem.score[pairs]
        reach = distance + (regret if enters else -regret)
        if best is not None:
            near = reach < best[0]
            pairs, far, reach = pairs[near], far[near], reach[near]
        for pair, other, length, other_id in zip(pairs.tolist(), far.tolist(), reach.tolist(), ids[1 - side][far].tolist(), strict=True):
            known = reached.get((1 - side, other))
            if known is None or length < known[0]:
                reached[1 - side, other] = (length, pair)
                heappush(queue, (length, 1 - side, other_id, other))
    if best is None:
        raise RuntimeError("a unit has no way out: the flow is not that of the pairs")
    return reached, best[0], (best[1], best[3])


def _way_out(state: _State, node: Node, sign: int) -> int | None:
    """Reduced cost of ending the path at a row, None where it cannot end."""
    side, row = node
    if state.excess[side][row] * sign < 0:
        return 0
    price, flow = int(state.price[side][row]), int(state.flow[side][row])
    grows = (side == OFFER) == (sign == 1)
    if not (flow < state.places[side][row] if grows else flow > 0):
        return None
    if side == NEED and flow == (0 if grows else 1):
        price += int(state.first[row])
    return -price if grows else price
