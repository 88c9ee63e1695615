"""The exact method for problems on which shortest paths grow long: bids whose least raise, ε, is scaled down.

Scores are multiplied by `unit`, which is more than the number of pairs that an answer can hold. With prices u, v ≥ 0, at
all times: left out ⇒ u_i + v_j ≥ s_ij; held ⇒ u_i + v_j ≤ s_ij + ε. At the end of a phase a node with a free place has the
price 0, so the answer is worth less than the optimum by no more than the excesses u_i + v_j - s_ij of the held pairs. When
these sum to less than one unit, the answer is optimal, for scores are whole units; `whole_prices` then finds prices in
whole units that prove it.

Bids know no bonus of a first partner. So where there is one, each pair of the node is worth the bonus more, and the node
gets sham pairs, one less than its places, with nodes of their own that are worth the bonus alone: whoever has a partner
fills its other places with shams for what further partners would earn besides their scores. Its price is the bonus higher.

References
----------
Bertsekas, D. P., Castañon, D. A. (1992). A forward/reverse auction algorithm for asymmetric assignment problems.
Computational Optimization and Applications 1.
"""

import numpy as np

from matchmaker.engine.compiling import compiled
from matchmaker.engine.problem import SCORE_MAX

COARSEST, FINER = 64, 6  # the first raise is a 64th of the best score, each next one a sixth of the one before
NOBODY = -1


@compiled
def bid_all(start, end, packed, place_bits, right_bits, left_places, right_places, bonus):  # type: ignore[no-untyped-def]
    """Choose the pairs; see `kernel.augment_all`. Returns which packed pairs are held and both prices."""
    found = tables(start, end, packed, place_bits, right_bits, left_places, right_places, bonus)
    begin, place = found[0], found[1]
    taken, u, v = bid(begin, *found[2:])
    held = np.zeros(len(packed), np.uint8)
    for i in range(len(left_places)):
        for at in range(begin[i], begin[i + 1]):
            if place[at] != NOBODY:
                held[place[at]] = taken[at]
        u[i] -= bonus[i]
    return held, u, v[: len(right_places)].copy()


@compiled
def bid(start, weight, left, right, by_right, right_start, left_seat, right_seat, right_places):  # type: ignore[no-untyped-def]
    """Hold the best pairs; `weight` is changed in place. Returns which pairs are held and both prices."""
    lefts, rights, pairs = len(left_seat) - 1, len(right_seat) - 1, len(weight)
    end = start[1:]
    unit = min(left_seat[lefts], right_seat[rights]) + 1
    top = max(SCORE_MAX, weight.max()) if pairs else SCORE_MAX
    weight *= unit

    held = np.zeros(pairs, np.uint8)
    u, v = np.zeros(lefts, np.int64), np.zeros(rights, np.int64)
    left_load, right_load = np.zeros(lefts, np.int64), np.zeros(rights, np.int64)
    at_left, at_right = np.empty(left_seat[lefts], np.int64), np.empty(right_seat[rights], np.int64)
    left_queue, right_queue = np.empty(lefts + 1, np.int64), np.empty(rights + 1, np.int64)
    left_waits, right_waits = np.zeros(lefts, np.uint8), np.zeros(rights, np.uint8)

    for i in range(lefts):
        if start[i] < end[i]:
            u[i] = weight[start[i]]
    raise_by = max(top * unit // COARSEST, 1)
    while True:
        for at in range(pairs):
            if held[at] and u[left[at]] + v[right[at]] > weight[at] + raise_by:
                held[at] = 0
                leave(at, left[at], at_left, left_seat, left_load)
                leave(at, right[at], at_right, right_seat, right_load)

        # Left nodes bid for right nodes …
        head, size = 0, 0
        for i in range(lefts):
            if left_load[i] < left_seat[i + 1] - left_seat[i] and u[i] > 0:
                left_queue[size] = i
                left_waits[i] = 1
                size += 1
        while size:
            i = left_queue[head]
            head = head + 1 if head < lefts else 0
            size -= 1
            left_waits[i] = 0
            while left_load[i] < left_seat[i + 1] - left_seat[i] and u[i] > 0:
                best, second, at_best = 0, 0, NOBODY
                for at in range(start[i], end[i]):
                    if weight[at] <= second:
                        break
                    gain = weight[at] - v[right[at]]
                    if gain > second and not held[at]:
                        if gain > best:
                            best, second, at_best = gain, best, at
                        else:
                            second = gain
                u[i] = second
                if at_best < 0:
                    break
                out = settle(at_best, weight[at_best] - second + raise_by, right[at_best], left, weight, u, v, raise_by, at_right, right_seat, right_load)
                if out == at_best:
                    u[i] = max(second, weight[at_best] - v[right[at_best]], 1)  # outbid at once: it bids again
                    continue
                held[at_best] = 1
                at_left[left_seat[i] + left_load[i]] = at_best
                left_load[i] += 1
                if out >= 0:
                    held[out] = 0
                    k = left[out]
                    leave(out, k, at_left, left_seat, left_load)
                    if not left_waits[k] and k != i:
                        left_waits[k] = 1
                        tail = head + size
                        left_queue[tail if tail <= lefts else tail - lefts - 1] = k
                        size += 1

        # … then right nodes that ask a price and have a free place bid for left nodes.
        head, size = 0, 0
        for j in range(rights):
            if right_load[j] < right_seat[j + 1] - right_seat[j] and v[j] > 0:
                right_queue[size] = j
                right_waits[j] = 1
                size += 1
        while size:
            j = right_queue[head]
            head = head + 1 if head < rights else 0
            size -= 1
            right_waits[j] = 0
            while right_load[j] < right_seat[j + 1] - right_seat[j] and v[j] > 0:
                best, second, at_best = 0, 0, NOBODY
                for k in range(right_start[j], right_start[j + 1]):
                    at = by_right[k]
                    gain = weight[at] - u[left[at]]
                    if gain > second and not held[at]:
                        if gain > best:
                            best, second, at_best = gain, best, at
                        else:
                            second = gain
                v[j] = second
                if at_best < 0:
                    break
                out = settle(at_best, weight[at_best] - second + raise_by, left[at_best], right, weight, v, u, raise_by, at_left, left_seat, left_load)
                if out == at_best:
                    v[j] = max(second, weight[at_best] - u[left[at_best]], 1)
                    continue
                held[at_best] = 1
                at_right[right_seat[j] + right_load[j]] = at_best
                right_load[j] += 1
                if out >= 0:
                    held[out] = 0
                    k = right[out]
                    leave(out, k, at_right, right_seat, right_load)
                    if not right_waits[k] and k != j:
                        right_waits[k] = 1
                        tail = head + size
                        right_queue[tail if tail <= rights else tail - rights - 1] = k
                        size += 1

        excess = 0
        for at in range(pairs):
            if held[at]:
                excess += max(0, u[left[at]] + v[right[at]] - weight[at])
                if excess >= unit:
                    break
        if excess < unit:
            break
        raise_by = max(raise_by // FINER, 1)

    whole_prices(unit, start, end, weight, left, right, by_right, right_start, left_seat, held, u, v, at_left, left_load, right_load, right_places)
    return held, u, v


@compiled
def tables(start, end, packed, place_bits, right_bits, left_places, right_places, bonus):  # type: ignore[no-untyped-def]
    """Unpack the pairs and add the shams, list all by right node, and lay out the seats (no more than a node has pairs).

    Returns where the pairs of each left node start, the packed place of each pair (NOBODY for a sham), weights, both nodes,
    the pairs by right node and where these start, the seats of both sides, and the places of right nodes, shams included.
    """
    lefts, rights = len(left_places), len(right_places)
    right_mask = (1 << right_bits) - 1
    begin, left_seat = np.zeros(lefts + 1, np.int64), np.zeros(lefts + 1, np.int64)
    shams = 0
    for i in range(lefts):
        seats = min(left_places[i], end[i] - start[i])
        own = seats - 1 if bonus[i] and seats else 0
        left_seat[i + 1] = left_seat[i] + seats
        begin[i + 1] = begin[i] + (end[i] - start[i] + own if seats else 0)
        shams += own
    pairs = begin[lefts]
    place, weight = np.full(pairs, NOBODY, np.int64), np.empty(pairs, np.int64)
    left, right = np.empty(pairs, np.int32), np.empty(pairs, np.int32)
    sham = rights
    for i in range(lefts):
        at = begin[i]
        for k in range(start[i], end[i] if left_places[i] else start[i]):
            place[at], left[at], right[at] = k, i, (packed[k] >> place_bits) & right_mask
            weight[at] = SCORE_MAX - (packed[k] >> (right_bits + place_bits)) + bonus[i]
            at += 1
        while at < begin[i + 1]:
            left[at], right[at], weight[at] = i, sham, bonus[i]
            at += 1
            sham += 1

    places = np.ones(rights + shams, np.int64)
    places[:rights] = right_places
    right_start, right_seat = np.zeros(rights + shams + 1, np.int64), np.zeros(rights + shams + 1, np.int64)
    for at in range(pairs):
        right_start[right[at] + 1] += 1
    for j in range(rights + shams):
        right_seat[j + 1] = right_seat[j] + min(places[j], right_start[j + 1])
        right_start[j + 1] += right_start[j]
    by_right, filled = np.empty(pairs, np.int64), right_start[:-1].copy()
    for at in range(pairs):
        by_right[filled[right[at]]] = at
        filled[right[at]] += 1
    return begin, place, weight, left, right, by_right, right_start, left_seat, right_seat, places


@compiled
def settle(bid, level, node, bidder, weight, bidder_price, price, raise_by, at_node, seat, load):  # type: ignore[no-untyped-def]
    """Let pair `bid` compete for a seat of `node` with all that it would pay, `level`; set the price of the node.

    Returns the pair that leaves (`bid` itself if all who sit would pay as much), or -1 when there was a free seat.
    """
    first, last = seat[node], seat[node] + load[node]
    if last < seat[node + 1]:
        at_node[last] = bid
        load[node] += 1
        return NOBODY
    lowest, next_lowest, lowest_seat = level, 2**62, NOBODY
    for k in range(first, last):
        would_pay = weight[at_node[k]] - bidder_price[bidder[at_node[k]]] + raise_by
        if would_pay < lowest:
            lowest, next_lowest, lowest_seat = would_pay, lowest, k
        elif would_pay < next_lowest:
            next_lowest = would_pay
    if lowest_seat < 0:
        price[node] = max(price[node], level)
        return bid
    out = at_node[lowest_seat]
    at_node[lowest_seat] = bid
    price[node] = max(price[node], min(next_lowest, level))
    return out


@compiled
def leave(pair, node, at_node, seat, load):  # type: ignore[no-untyped-def]
    last = seat[node] + load[node] - 1
    for k in range(seat[node], last + 1):
        if at_node[k] == pair:
            at_node[k] = at_node[last]
            break
    load[node] -= 1


@compiled
def whole_prices(unit, start, end, weight, left, right, by_right, right_start, left_seat, held, u, v, at_left, left_load, right_load, right_places):  # type: ignore[no-untyped-def]
    """Turn prices that are nearly right into whole units that are exactly right, in place.

    Prices that fit exist less than one unit away. So start one above, and lower a price wherever a left node would be
    better off with a pair that was left out than with one that it holds.
    """
    lefts, rights = len(u), len(v)
    for at in range(len(weight)):
        weight[at] //= unit
    for j in range(rights):
        v[j] = v[j] // unit + 1 if right_load[j] == right_places[j] and right_load[j] else 0
    queue, waits = np.arange(lefts + 1), np.ones(lefts, np.uint8)
    head, size = 0, lefts
    while size:
        i = queue[head]
        head = head + 1 if head < lefts else 0
        size -= 1
        waits[i] = 0
        floor = 0
        for at in range(start[i], end[i]):
            if weight[at] <= floor:
                break
            if not held[at]:
                floor = max(floor, weight[at] - v[right[at]])
        u[i] = floor
        for k in range(left_seat[i], left_seat[i] + left_load[i]):
            at = at_left[k]
            j = right[at]
            if v[j] <= weight[at] - floor:
                continue
            v[j] = weight[at] - floor
            for k2 in range(right_start[j], right_start[j + 1]):
                other = left[by_right[k2]]
                if not waits[other]:
                    waits[other] = 1
                    tail = head + size
                    queue[tail if tail <= lefts else tail - lefts - 1] = other
                    size += 1
