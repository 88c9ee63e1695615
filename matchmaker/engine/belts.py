"""Tables of `nearby`: offers laid out so that a need reads only those that may be near.

Every offer has a slot. Within a category come first the narrow offers (a radius, and no intervention area), then the wide
ones, both in belts of latitude and by longitude within a belt; then the loose ones, whose point is unknown or which work
entirely from afar: they may be a candidate wherever the need is.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.constraints import Barred
from matchmaker.engine.sides import Bools, Floats, Ints, Side, directions, squared_sine_of

BELT_DEGREES = 0.05
_MOST_BELTS = 4_000_000  # over all categories
NARROW, WIDE, LOOSE = 0, 1, 2


class Rows(NamedTuple):
    """What the constraints read of a side, by slot for offers and by row for needs.

    `limit` is the squared sine of the radius, infinite for who reaches everywhere, nan for who has areas alone.
    """

    x: Floats
    y: Floats
    z: Floats
    limit: Floats
    organisation: Ints  # number from 0 over both sides
    halfdays: Ints
    starts: Ints
    ends: Ints
    required: Ints
    held: Ints
    denied: Ints
    remote: Bools
    homeless: Bools
    home: Ints
    area_from: Ints
    area_to: Ints
    area: Ints


class Belts(NamedTuple):
    """Where the offers of each category stand.

    `layer[c, k]` is the first slot of layer k of category c, and `belt[k, c * (belts + 1) + b]` that of its belt b, for a placed layer.
    `widest[c]` is the greatest limit of a narrow offer. Offers by territory: those of key k, category × territory, are
    `in_area[area_from[k]:area_from[k + 1]]`, and the placed ones without a commune are listed likewise by category.
    """

    rank: NDArray[np.uint64]  # place of the offer of each slot among those of its category, by row
    member: Ints  # rows of the offers by category, by row within
    held: Ints  # what each member has
    halfdays: Ints  # when each member can
    member_from: Ints
    layer: Ints
    belt: Ints
    belts: int
    south: float
    height: float
    lon: Floats
    widest: Floats
    in_area: Ints
    area_from: Ints
    homeless: Ints
    homeless_from: Ints


class Needs(NamedTuple):
    """What only needs have: category number or -1, point, whether a place on the map is known, key of each area or -1, who is barred."""

    category: Ints
    lat: Floats
    lon: Floats
    placed: Bools
    area_key: Ints
    refused_from: Ints
    refused: Ints  # ranks of offers
    never_from: Ints
    never: Ints  # numbers of organisations


def laid_out(needs: Side, offers: Side, barred: Barred) -> tuple[Needs, Rows, Rows, Belts]:
    """Needs, then the rows of needs and of offers, then where the offers stand."""
    common = np.intersect1d(needs.category, offers.category)
    need_category, offer_category = _numbers(common, needs.category), _numbers(common, offers.category)
    count = len(common)
    organisations = np.unique(np.concatenate((needs.organisation, offers.organisation)))
    need_rows, offer_rows = _rows(needs, organisations), _rows(offers, organisations)
    placed, offer_placed = _placed(needs), _placed(offers)

    narrow = np.isfinite(offer_rows.limit) & (offer_rows.area_from == offer_rows.area_to)
    layer = np.where(offer_placed & ~offer_rows.remote, np.where(narrow, NARROW, WIDE), LOOSE)
    on_map = layer != LOOSE
    south, north = (float(offers.lat[on_map].min()), float(offers.lat[on_map].max())) if on_map.any() else (0.0, 0.0)
    belts = max(1, min(int((north - south) / BELT_DEGREES) + 1, _MOST_BELTS // max(count, 1)))
    height = (north - south) / belts * (1 + 1e-12) or BELT_DEGREES
    belt = np.where(on_map, np.clip((np.where(on_map, offers.lat, south) - south) / height, 0, belts - 1), 0).astype(np.int64)
    known = np.flatnonzero(offer_category >= 0)
    row = known[np.lexsort((known, offers.lon[known], belt[known], layer[known], offer_category[known]))]

    member = known[np.argsort(offer_category[known], kind="stable")]
    member_from = _starts(offer_category[known], count)
    rank = np.empty(len(offer_category), dtype=np.int64)
    rank[member] = np.arange(len(member)) - member_from[offer_category[member]]
    category, at_layer, at_belt = offer_category[row], layer[row], belt[row]
    layer_from = np.searchsorted(category * 3 + at_layer, np.arange(count * 3 + 1)).reshape(-1)
    place = (category * 3 + at_layer) * belts + at_belt
    first = np.arange(count)[:, None] * 3 * belts + np.arange(belts + 1)[None, :]
    belt_from = np.stack([np.searchsorted(place, first + k * belts) for k in (NARROW, WIDE)]).astype(np.int64)
    widest = np.full(count, -1.0)
    np.maximum.at(widest, category[at_layer == NARROW], offer_rows.limit[row[at_layer == NARROW]])

    slots = Rows(*(np.ascontiguousarray(column if name == "area" else column[row]) for name, column in offer_rows._asdict().items()))
    in_area, area_from, keys, names = _by_area(slots.home, category, at_layer != LOOSE)
    homeless = np.flatnonzero(slots.homeless & (at_layer != LOOSE))
    table = Belts(
        rank=rank[row].astype(np.uint64), member=member, held=offer_rows.held[member], halfdays=offer_rows.halfdays[member],
        member_from=member_from, layer=layer_from, belt=belt_from.reshape(2, -1), belts=belts, south=south, height=height,
        lon=np.ascontiguousarray(offers.lon[row]), widest=widest, in_area=in_area, area_from=area_from,
        homeless=homeless, homeless_from=_starts(category[homeless], count),
    )  # fmt: skip
    area_category = np.repeat(need_category, np.diff(needs.area_start))
    area_key = _numbers(keys, np.where(area_category < 0, -1, area_category * max(len(names), 1)) + _numbers(names, needs.area))
    area_key[(area_category < 0) | (_numbers(names, needs.area) < 0)] = -1
    refused_from, refused = _refused(barred.refused, needs.id, offers.id, need_category, offer_category, rank)
    never_from, never = _never(barred.never_with, organisations)
    return Needs(need_category, needs.lat, needs.lon, placed, area_key, refused_from, refused, never_from, never), need_rows, slots, table


def _rows(side: Side, organisations: Ints) -> Rows:
    has_area = side.area_start[1:] > side.area_start[:-1]
    limit = np.where(np.isnan(side.radius_km) & ~has_area, np.inf, squared_sine_of(side.radius_km))
    return Rows(
        *directions(side.lat, side.lon), limit, np.searchsorted(organisations, side.organisation), side.halfdays, side.starts, side.ends, side.required,
        side.held, side.denied, side.remote_share == 100, np.asarray((side.home < 0).all(axis=1), dtype=np.bool_), np.ascontiguousarray(side.home),
        side.area_start[:-1].copy(), side.area_start[1:].copy(), side.area,
    )  # fmt: skip


def _placed(side: Side) -> Bools:
    """Whether a row can stand on the map; degrees that no map has are compared one by one."""
    return np.asarray((np.abs(side.lat) <= 90) & (np.abs(side.lon) <= 180), dtype=np.bool_)


def _numbers(names: Ints, values: Ints) -> Ints:
    """Place of each value among the sorted names, -1 where it is none of them."""
    at = np.searchsorted(names, values)
    return np.where(np.append(names, 0)[at] == values, np.where(at < len(names), at, -1), -1).astype(np.int64)


def _starts(groups: Ints, count: int) -> Ints:
    return np.concatenate(([0], np.cumsum(np.bincount(groups, minlength=count)))).astype(np.int64)


def _by_area(home: Ints, category: Ints, on_map: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints, Ints]:
    """Slots by category and territory, where each list starts, the keys (category × names + name), and the names."""
    slot, level = np.nonzero((home >= 0) & on_map[:, None])
    names, name = np.unique(home[slot, level], return_inverse=True)
    key = category[slot] * max(len(names), 1) + name.ravel()
    order = np.lexsort((slot, key))
    keys, first = np.unique(key[order], return_index=True)
    return slot[order].astype(np.int64), np.append(first, len(order)).astype(np.int64), keys.astype(np.int64), names.astype(np.int64)


def _refused(pairs: Ints | None, need_ids: Ints, offer_ids: Ints, need_category: Ints, offer_category: Ints, rank: Ints) -> tuple[Ints, Ints]:
    """Ranks of the offers of its category that each need refused, or was refused by."""
    listed = np.zeros((0, 2), dtype=np.int64) if pairs is None else np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    need_order, offer_order = np.argsort(need_ids), np.argsort(offer_ids)
    need, offer = _numbers(need_ids[need_order], listed[:, 0]), _numbers(offer_ids[offer_order], listed[:, 1])
    known = (need >= 0) & (offer >= 0)
    need, offer = need_order[need[known]], offer_order[offer[known]]
    alike = (need_category[need] >= 0) & (need_category[need] == offer_category[offer])
    need, offer = need[alike], offer[alike]
    order = np.argsort(need, kind="stable")
    return _starts(need, len(need_ids)), rank[offer[order]]


def _never(pairs: Ints | None, organisations: Ints) -> tuple[Ints, Ints]:
    """Numbers of the organisations that each organisation never works with."""
    listed = np.zeros((0, 2), dtype=np.int64) if pairs is None else np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    both = _numbers(organisations, np.concatenate((listed, listed[:, ::-1])))
    both = both[(both >= 0).all(axis=1)]
    order = np.argsort(both[:, 0], kind="stable")
    return _starts(both[:, 0], len(organisations)), np.ascontiguousarray(both[order, 1])
