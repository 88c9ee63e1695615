"""The fast solver behind `assignment`: the same steps as `augmenting`, compiled, so the same pairs and the same prices.

`augmenting` says why each step is right; here they run on flat arrays of 64-bit integers. The pairs of a left node are
one packed integer each (what the pair lacks to the best score, right node, place in the input), sorted, so a scan by
descending score reads memory in order. Importing this module imports numba; `assignment` does so on first use only.

On problems where everybody wants the same few, paths grow long. So the pairs scanned are counted, and past a budget
`bidding` takes over, which is exact too: it may choose other pairs only where several answers are the best.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.arcs import DONE, PAIR_TWICE, arcs_of, node_of
from matchmaker.engine.bidding import bid_all
from matchmaker.engine.compiling import DISABLED, compiled
from matchmaker.engine.problem import SCORE_MAX

__all__ = ["DISABLED", "solve"]

Rows = NDArray[np.integer[Any]]
Whole = NDArray[np.int64]

FAR = 2**62

OUT_OF_BUDGET = 1

# Scans that each pair and node pays for. Equal scores make short paths and long auctions, so where they are common paths
# get more, and so do they where bids have a bonus to carry; and a small problem is solved before it could matter.
BUDGET, BUDGET_OF_BONUS, BUDGET_OF_TIES, BUDGET_AT_LEAST = 8, 40, 200, 200_000


@compiled
def push(heap, size, one):  # type: ignore[no-untyped-def]
    if size == len(heap):
        larger = np.empty(2 * size, np.int64)
        larger[:size] = heap
        heap = larger
    at = size
    while at:
        above = (at - 1) >> 1
        if heap[above] <= one:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = one
    return heap


@compiled
def pop(heap, size):  # type: ignore[no-untyped-def]
    """Take the least of the first `size` entries out; `size - 1` remain."""
    top, last = heap[0], heap[size - 1]
    size -= 1
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= last:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = last
    return top


@compiled
def augment_all(start, end, packed, place_bits, right_bits, left_places, right_places, bonus, budget):  # type: ignore[no-untyped-def]
    """Give the left nodes their places one by one; see `augmenting.augment_all`.

    Returns the status, which packed pairs are held and both prices.
    """
    lefts, rights = len(left_places), len(right_places)
    right_mask = (1 << right_bits) - 1
    score_shift = right_bits + place_bits
    node_bits = 1
    while (lefts + rights) >> node_bits:
        node_bits += 1
    node_mask = (1 << node_bits) - 1

    held = np.zeros(len(packed), np.uint8)
    u, v = np.zeros(lefts, np.int64), np.zeros(rights, np.int64)
    left_load, right_load = np.zeros(lefts, np.int64), np.zeros(rights, np.int64)
    degree = np.zeros(rights, np.int64)
    for i in range(lefts):
        for at in range(start[i], end[i]):
            degree[(packed[at] >> place_bits) & right_mask] += 1
    slot = np.zeros(rights + 1, np.int64)
    for j in range(rights):
        slot[j + 1] = slot[j] + min(right_places[j], degree[j])
    slot_left, slot_pair = np.empty(slot[rights], np.int64), np.empty(slot[rights], np.int64)

    left_distance, right_distance = np.full(lefts, FAR, np.int64), np.full(rights, FAR, np.int64)
    left_by = np.empty(lefts, np.int64)  # slot through which a left node was reached
    right_by, right_from = np.empty(rights, np.int64), np.empty(rights, np.int64)  # pair and left node that reached a right node
    left_seen, right_seen = np.empty(lefts, np.int64), np.empty(rights, np.int64)
    tight = np.empty(lefts, np.int64)
    heap = np.empty(1024, np.int64)
    scanned = 0

    for source in range(lefts):
        for _ in range(left_places[source]):
            first = left_load[source] == 0
            if first:
                opening = -bonus[source]
                for at in range(start[source], end[source]):
                    weight = SCORE_MAX - (packed[at] >> score_shift)
                    if weight <= opening:
                        break
                    scanned += 1
                    opening = max(opening, weight - v[(packed[at] >> place_bits) & right_mask])
                u[source] = opening
            best = u[source] + (bonus[source] if first else 0)
            if best <= 0:
                break
            if scanned > budget:
                return OUT_OF_BUDGET, held, u, v

            end_left, end_right = source, -1
            lefts_seen, rights_seen, size = 1, 0, 0
            left_seen[0] = source
            left_distance[source] = 0
            distance = 0
            tight[0] = source
            tights = 1
            while True:
                while tights:
                    tights -= 1
                    i = tight[tights]
                    base = distance + u[i]
                    if i != source:
                        yields = base + (bonus[i] if left_load[i] == 1 else 0)
                        if yields < best:
                            best, end_left, end_right = yields, i, -1
                    for at in range(start[i], end[i]):
                        one = packed[at]
                        reach = base - SCORE_MAX + (one >> score_shift)
                        if reach >= best:
                            break
                        scanned += 1
                        j = (one >> place_bits) & right_mask
                        reach += v[j]
                        if reach >= best or held[at] or reach >= right_distance[j]:
                            continue
                        if right_distance[j] == FAR:
                            right_seen[rights_seen] = j
                            rights_seen += 1
                        right_distance[j] = reach
                        right_by[j] = at
                        right_from[j] = i
                        if right_load[j] < right_places[j]:
                            best, end_left, end_right = reach, -1, j
                        else:
                            heap = push(heap, size, (reach << node_bits) | j)
                            size += 1
                if size == 0:
                    break
                top = pop(heap, size)
                size -= 1
                distance, node = top >> node_bits, top & node_mask
                if distance >= best:
                    break
                if node >= rights:
                    if distance == left_distance[node - rights]:
                        tight[0] = node - rights
                        tights = 1
                    continue
                if distance > right_distance[node]:
                    continue
                for at in range(slot[node], slot[node] + right_load[node]):
                    i = slot_left[at]
                    reach = distance + SCORE_MAX - (packed[slot_pair[at]] >> score_shift) - u[i] - v[node]
                    if reach >= best or reach >= left_distance[i]:
                        continue
                    if left_distance[i] == FAR:
                        left_seen[lefts_seen] = i
                        lefts_seen += 1
                    left_distance[i] = reach
                    left_by[i] = at
                    if reach == distance:
                        tight[tights] = i
                        tights += 1
                    else:
                        heap = push(heap, size, (reach << node_bits) | (rights + i))
                        size += 1

            for k in range(lefts_seen):
                i = left_seen[k]
                if left_distance[i] < best:
                    u[i] -= best - left_distance[i]
                left_distance[i] = FAR
            for k in range(rights_seen):
                j = right_seen[k]
                if right_distance[j] < best:
                    v[j] += best - right_distance[j]
                right_distance[j] = FAR
            if end_left == source:
                break

            # Walk the path back from its end: pairs that were left out enter, pairs that were held leave.
            left_load[source] += 1
            if end_left >= 0:
                left_load[end_left] -= 1
                free = left_by[end_left]
                held[slot_pair[free]] = 0
                end_right = node_of(packed[slot_pair[free]], place_bits, right_mask)
            else:
                free = slot[end_right] + right_load[end_right]
                right_load[end_right] += 1
            j = end_right
            while True:
                entering, i = right_by[j], right_from[j]
                held[entering] = 1
                slot_pair[free] = entering
                slot_left[free] = i
                if i == source:
                    break
                free = left_by[i]
                held[slot_pair[free]] = 0
                j = node_of(packed[slot_pair[free]], place_bits, right_mask)

    price_closed(start, end, packed, place_bits, right_bits, left_places, bonus, u, v)
    return DONE, held, u, v


@compiled
def price_closed(start, end, packed, place_bits, right_bits, left_places, bonus, u, v):  # type: ignore[no-untyped-def]
    """A left node without a place asks what its first place would be worth; see `augmenting`."""
    right_mask = (1 << right_bits) - 1
    for i in range(len(left_places)):
        if left_places[i] == 0:
            opening = -bonus[i]
            for at in range(start[i], end[i]):
                opening = max(opening, SCORE_MAX - (packed[at] >> (right_bits + place_bits)) - v[node_of(packed[at], place_bits, right_mask)])
            u[i] = max(opening, 0)


def solve(
    left: Rows, right: Rows, score: Rows, locked: NDArray[np.bool_], left_rank: Whole, right_rank: Whole,
    left_places: Whole, right_places: Whole, bonus: Whole, budget: int | None = None,
) -> tuple[Whole, Whole, Whole] | None:  # fmt: skip
    """Choose the pairs.

    Parameters
    ----------
    left, right, score, locked : (E,) the pairs, rows of either side as the input has them.
    left_rank, right_rank : the order in which the nodes are taken, by row.
    left_places, right_places, bonus : by rank; places that the locked pairs leave, worth of a left node's first partner.
    budget : pairs that may be scanned before `bidding` takes over; by default, enough for most problems.

    Returns
    -------
    The input rows of the chosen pairs and both prices by rank, or None: a pair is given twice, or the numbers do not fit.
    """
    # One type and layout for each argument, so that nothing is compiled twice.
    left, right = np.require(left, np.int32, ["C", "W"]), np.require(right, np.int32, ["C", "W"])
    score, locked = np.require(score, np.int64, ["C", "W"]), np.require(locked, np.bool_, ["C", "W"])
    nodes = len(left_places) + len(right_places)
    right_bits = len(right_places).bit_length()
    # A path is shorter than the source's price and bonus together, and a packed pair holds a score of 20 bits.
    longest = SCORE_MAX + int(bonus.max(initial=0))
    if longest.bit_length() + nodes.bit_length() > 62 or 20 + right_bits + len(right_places).bit_length() > 62:
        return None
    edge_type = np.int32 if len(left) < 2**31 else np.int64
    status, start, end, packed, place_bits, row, alike = arcs_of(left, right, score, locked, left_rank, right_rank, right_places, right_bits, edge_type)
    if status == PAIR_TWICE:
        return None
    if longest.bit_length() + min(int(left_places.sum()), len(left)).bit_length() > 60:
        budget = FAR  # bids multiply the scores
    elif budget is None:
        each = BUDGET_OF_TIES if 10 * alike > len(left) else BUDGET_OF_BONUS if bonus.any() else BUDGET
        budget = BUDGET_AT_LEAST + each * (len(left) + nodes)
    status, held, left_price, right_price = augment_all(start, end, packed, place_bits, right_bits, left_places, right_places, bonus, budget)
    if status == OUT_OF_BUDGET:
        held, left_price, right_price = bid_all(start, end, packed, place_bits, right_bits, left_places, right_places, bonus)
        price_closed(start, end, packed, place_bits, right_bits, left_places, bonus, left_price, right_price)
    closed = np.flatnonzero((right_places == 0)[right_rank[right]] & ~locked)
    np.maximum.at(right_price, right_rank[right[closed]], score[closed] - left_price[left_rank[left[closed]]])

    at = np.flatnonzero(held)
    place = packed[at] & ((1 << place_bits) - 1)
    group = np.searchsorted(start, at, side="right") - 1
    return row[start[group] + place], left_price, right_price
