"""The candidate pairs as the compiled solvers read them: grouped by the side that bids, best score first."""

import numpy as np

from matchmaker.engine.compiling import compiled
from matchmaker.engine.problem import SCORE_MAX

DONE, PAIR_TWICE = 0, 2


@compiled
def arcs_of(left, right, score, locked, left_rank, right_rank, right_places, right_bits, edge_type):  # type: ignore[no-untyped-def]
    """Group the pairs by left node and sort each group by descending score, then by right node.

    Returns the status, where each group starts and ends, the packed pairs, how many bits of each are its place in the
    group, the input row of each place, and how many pairs have the score of the pair before. Locked pairs and pairs with
    a right node that has no place are left out.
    """
    lefts, pairs = len(left_rank), len(left)
    start = np.zeros(lefts + 1, np.int64)
    for e in range(pairs):
        start[left_rank[left[e]] + 1] += 1
    most = 1
    for i in range(lefts):
        most = max(most, start[i + 1])
        start[i + 1] += start[i]
    place_bits = 0
    while most >> place_bits:
        place_bits += 1
    right_mask = (1 << right_bits) - 1

    end = start[:-1].copy()
    packed, row = np.empty(pairs, np.int64), np.empty(pairs, edge_type)
    for e in range(pairs):
        i, j = left_rank[left[e]], right_rank[right[e]]
        at = end[i]
        end[i] += 1
        row[at] = e
        one = ((SCORE_MAX - score[e]) << (right_bits + place_bits)) | (j << place_bits) | (at - start[i])
        packed[at] = -1 - one if locked[e] or right_places[j] == 0 else one

    alike = 0
    seen = np.full(len(right_rank), -1, np.int64)
    for i in range(lefts):
        kept = start[i]
        for at in range(start[i], end[i]):
            one = packed[at]
            j = ((one if one >= 0 else -1 - one) >> place_bits) & right_mask
            if seen[j] == i:
                return PAIR_TWICE, start, end, packed, place_bits, row, alike
            seen[j] = i
            if one >= 0:
                packed[kept] = one
                kept += 1
        end[i] = kept
        shell_sort(packed, start[i], kept)
        for at in range(start[i] + 1, kept):
            alike += (packed[at] >> (right_bits + place_bits)) == (packed[at - 1] >> (right_bits + place_bits))
    return DONE, start, end, packed, place_bits, row, alike


@compiled
def shell_sort(values, start, end):  # type: ignore[no-untyped-def]
    gap = 1
    while gap < (end - start) // 3:
        gap = 3 * gap + 1
    while gap:
        for k in range(start + gap, end):
            one = values[k]
            at = k
            while at - gap >= start and values[at - gap] > one:
                values[at] = values[at - gap]
                at -= gap
            values[at] = one
        gap //= 3


@compiled
def node_of(one, place_bits, right_mask):  # type: ignore[no-untyped-def]
    return (one >> place_bits) & right_mask
