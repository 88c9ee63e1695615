"""The fast search behind `candidates`: every need reads the offers of its category that may be near, in one compiled pass.

It looks at offers in belts of latitude, between two longitudes; at those that come from an intervention area of the need;
and, whatever the distance, at those whose point is unknown, that work from afar, or, for a need that reaches everywhere,
that do so too. Each offer read is then held against all constraints, as `constraints` states them. Importing this module
imports numba.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.belts import LOOSE, NARROW, WIDE, laid_out
from matchmaker.engine.compiling import DISABLED, compiled
from matchmaker.engine.constraints import Barred
from matchmaker.engine.sides import Candidates, Floats, Missing, Side, kilometres

__all__ = ["DISABLED", "NOBODY", "find"]

MARGIN_DEGREES = 1e-7  # a centimetre: what rounding may cost when limits turn into degrees
DISTANCE, HALFDAYS, FLAGS = int(Missing.DISTANCE), int(Missing.HALFDAYS), int(Missing.FLAGS)
ONE, SIX, LAST = np.uint64(1), np.uint64(6), np.uint64(63)
# Every six bits in a row of it are another number: multiplied by a power of two, the highest six tell which power (Leiserson, Prokop, Randall 1998).
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
PLACES = np.zeros(64, np.int64)
for _place in range(64):
    PLACES[(int(DE_BRUIJN) << _place & 2**64 - 1) >> 58] = _place
_NONE, _NO_NUMBER = np.zeros(0, np.int64), np.zeros(0)
NOBODY = Side(
    id=_NONE, organisation=_NONE, category=_NONE, lat=_NO_NUMBER, lon=_NO_NUMBER, radius_km=_NO_NUMBER, halfdays=_NONE, starts=_NONE, ends=_NONE,
    required=_NONE, held=_NONE, denied=_NONE, remote_share=_NONE, home=np.zeros((0, 1), np.int64), area_start=np.zeros(1, np.int64), area=_NONE,
)  # fmt: skip


class Found(NamedTuple):
    """Room for candidate pairs: rows, squared sines and marks."""

    need: NDArray[np.int32]
    offer: NDArray[np.int32]
    near: Floats
    missing: NDArray[np.uint8]


def find(needs: Side, offers: Side, barred: Barred) -> Candidates:
    """As `candidates.find_in_blocks`: the same pairs at the same distances."""
    tables = laid_out(needs, offers, barred)
    count = len(needs.category)
    found, done, size = room_for(max(1024, 32 * count)), 0, 0
    while True:
        done, size = search(*tables, found, done, size)
        if done == count:
            break
        # As many again for each need that is left, and a tenth: memory that is never written is never taken.
        room = int(1.1 * size * (count / max(done, 1))) + 2 * len(found.need) + len(offers.category)
        found = Found(*(extended(column, size, room) for column in found))
    near = found.near[:size]
    return Candidates(found.need[:size], found.offer[:size], kilometres(near, out=near), found.missing[:size])


def room_for(pairs: int) -> Found:
    # By numpy, which asks for large pages: with small ones, taking the memory costs as much as finding what goes there.
    return Found(np.empty(pairs, np.int32), np.empty(pairs, np.int32), np.empty(pairs), np.empty(pairs, np.uint8))


def extended(values: NDArray[Any], size: int, room: int) -> NDArray[Any]:
    longer = np.empty(room, values.dtype)
    longer[:size] = values[:size]
    return longer


@compiled
def search(needs, rows, slots, table, into, start, size):  # type: ignore[no-untyped-def]
    """Write every candidate pair of the needs from `start` on, by need, then by offer, after `size` others.

    Return the need that found no more room, or the number of needs, and how many pairs there are.
    """
    count = len(needs.category)
    largest = 0
    for c in range(len(table.member_from) - 1):
        largest = max(largest, table.member_from[c + 1] - table.member_from[c])
    found = np.zeros(largest // 64 + 1, np.uint64)  # a bit by rank within the category
    near, of_rank = np.empty(largest), np.empty(largest, np.uint64)
    closed = np.full(len(needs.never_from), -1, np.int64)  # organisation → last need that cannot meet it
    ranges = np.empty((64, 2), np.int64)

    for i in range(start, count):
        c = needs.category[i]
        if c < 0:
            continue
        if size + table.member_from[c + 1] - table.member_from[c] > len(into.need):
            return i, size
        organisation = rows.organisation[i]
        closed[organisation] = i
        for k in range(needs.never_from[organisation], needs.never_from[organisation + 1]):
            closed[needs.never[k]] = i
        ranges, many = ranges_of(i, c, needs, rows, table, ranges)

        xi, yi, zi, limit = rows.x[i], rows.y[i], rows.z[i], rows.limit[i]
        halfdays, starts, ends, required, remote = rows.halfdays[i], rows.starts[i], rows.ends[i], rows.required[i], rows.remote[i]
        any_halfday, has_area = halfdays == 0, rows.area_from[i] < rows.area_to[i]
        for r in range(many):
            for s in range(ranges[r, 0], ranges[r, 1]):
                x, y, z = slots.x[s] - xi, slots.y[s] - yi, slots.z[s] - zi
                half = 0.25 * (x * x + y * y + z * z)
                # Whether a pair holds is hard to foresee: sums of bits keep the processor from guessing at each of its conditions.
                free = any_halfday | (slots.halfdays[s] == 0) | ((halfdays & slots.halfdays[s]) != 0)
                free &= (required & slots.denied[s]) == 0
                free &= max(starts, slots.starts[s]) <= min(ends, slots.ends[s])
                free &= closed[slots.organisation[s]] != i
                within = ((half <= limit) & (half <= slots.limit[s])) | remote | slots.remote[s]
                if free & (not within) & (has_area | (slots.area_from[s] < slots.area_to[s]) | (half != half)):
                    within = reaches(half, rows, i, slots, s) and reaches(half, slots, s, rows, i)
                rank = table.rank[s]
                found[rank >> SIX] |= np.uint64(free & within) << (rank & LAST)
                near[rank] = half
        first = table.member_from[c]
        members = table.member_from[c + 1] - first
        for k in range(needs.refused_from[i], needs.refused_from[i + 1]):
            refused = np.uint64(needs.refused[k])
            found[refused >> SIX] &= ~(ONE << (refused & LAST))

        many = 0
        for w in range(members // 64 + 1):
            word = found[w]
            found[w] = 0
            while word:
                of_rank[many] = 64 * w + lowest_bit(word)
                word &= word - ONE
                many += 1
        into.need[size : size + many] = i
        offer, kept_near = into.offer[size : size + many], into.near[size : size + many]
        missing = into.missing[size : size + many]
        member, held, suits = table.member[first:], table.held[first:], table.halfdays[first:]
        for k in range(many):
            rank = of_rank[k]
            offer[k] = member[rank]
            half = near[rank]
            kept_near[k] = half
            missing[k] = DISTANCE * (half != half) | FLAGS * ((required & ~held[rank]) != 0) | HALFDAYS * (any_halfday | (suits[rank] == 0))
        size += many
    return count, size


@compiled
def lowest_bit(word):  # type: ignore[no-untyped-def]
    """Place of the lowest bit that is set."""
    return PLACES[((word & (~word + ONE)) * DE_BRUIJN) >> np.uint64(58)]


@compiled
def reaches(half, own, a, other, b):  # type: ignore[no-untyped-def]
    """Whether row `a` of one side reaches row `b` of the other; see `constraints`."""
    limit = own.limit[a]
    if limit == np.inf or half <= limit or (math.isnan(half) and not math.isnan(limit)):
        return True
    if own.area_from[a] == own.area_to[a]:
        return False
    if other.homeless[b]:
        return True
    for k in range(own.area_from[a], own.area_to[a]):
        for level in range(other.home.shape[1]):
            if other.home[b, level] == own.area[k]:
                return True
    return False


@compiled
def ranges_of(i, c, needs, rows, table, ranges):  # type: ignore[no-untyped-def]
    """Ranges of slots that hold every offer which need `i` may meet, and how many there are."""
    limit, layer = rows.limit[i], table.layer[3 * c : 3 * c + 4]
    if rows.remote[i] or not needs.placed[i]:
        return add(ranges, 0, layer[NARROW], layer[LOOSE + 1])
    ranges, many = add(ranges, 0, layer[LOOSE], layer[LOOSE + 1])
    ranges, many = near_ranges(needs.lat[i], needs.lon[i], NARROW, c, min(limit, table.widest[c]), table, ranges, many)
    if limit == np.inf:
        return add(ranges, many, layer[WIDE], layer[WIDE + 1])
    ranges, many = near_ranges(needs.lat[i], needs.lon[i], WIDE, c, limit, table, ranges, many)
    if rows.area_from[i] == rows.area_to[i]:
        return ranges, many
    for k in range(rows.area_from[i], rows.area_to[i]):
        if needs.area_key[k] >= 0:
            for at in range(table.area_from[needs.area_key[k]], table.area_from[needs.area_key[k] + 1]):
                ranges, many = add(ranges, many, table.in_area[at], table.in_area[at] + 1)
    for at in range(table.homeless_from[c], table.homeless_from[c + 1]):
        ranges, many = add(ranges, many, table.homeless[at], table.homeless[at] + 1)
    return ranges, many


@compiled
def near_ranges(lat, lon, k, c, limit, table, ranges, many):  # type: ignore[no-untyped-def]
    """Add the slots of a placed layer within a limit of a point: for each belt, those between two longitudes."""
    if not limit >= 0:
        return ranges, many
    reach = math.degrees(2 * math.asin(math.sqrt(min(limit, 1.0)))) + MARGIN_DEGREES
    first = max(0, math.floor((lat - reach - table.south) / table.height))
    last = min(table.belts - 1, math.floor((lat + reach - table.south) / table.height))
    for b in range(first, last + 1):
        start, end = table.belt[k, c * (table.belts + 1) + b], table.belt[k, c * (table.belts + 1) + b + 1]
        if start == end:
            continue
        bottom = table.south + b * table.height
        top = bottom + table.height
        gap = max(0.0, bottom - lat - MARGIN_DEGREES, lat - top - MARGIN_DEGREES)
        narrowest = math.cos(math.radians(lat)) * min(math.cos(math.radians(bottom)), math.cos(math.radians(top)))
        rest = max(0.0, limit - math.sin(math.radians(gap) / 2) ** 2)
        if rest < narrowest:
            turn = math.degrees(2 * math.asin(math.sqrt(rest / narrowest))) + MARGIN_DEGREES
            if lon - turn >= -180 and lon + turn <= 180:  # else the belt goes round the other side of the earth
                start = start + np.searchsorted(table.lon[start:end], lon - turn)
                end = start + np.searchsorted(table.lon[start:end], lon + turn, side="right")
        ranges, many = add(ranges, many, start, end)
    return ranges, many


@compiled
def add(ranges, many, start, end):  # type: ignore[no-untyped-def]
    if start == end:
        return ranges, many
    if many and ranges[many - 1, 1] == start:
        ranges[many - 1, 1] = end
        return ranges, many
    if many == len(ranges):
        longer = np.empty((2 * many, 2), np.int64)
        longer[:many] = ranges
        ranges = longer
    ranges[many, 0], ranges[many, 1] = start, end
    return ranges, many + 1
