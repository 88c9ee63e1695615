"""The nearest offer that could answer each need, however far: what a place lacks, and where it is."""

from dataclasses import dataclass

import numpy as np

from matchmaker.engine.relevance import judged
from matchmaker.engine.scoring import Context
from matchmaker.engine.sides import Bools, Candidates, Floats, Ints, Side, directions, kilometres, squared_sines

LOOKED_AT = 64
"""Offers whose words are read for each need, the nearest of its category first."""
_NEEDS_AT_ONCE = 512


@dataclass(frozen=True)
class Nearest:
    """Row by row of the needs.

    Attributes
    ----------
    offer : (N,) row of the nearest offer that speaks of the same thing, -1 for none.
    distance_km : (N,) how far it is; 0 where one of the two works from afar, inf for none.
    """

    offer: Ints
    distance_km: Floats


def nearest_possible(needs: Side, offers: Side, context: Context, by_words: Bools) -> Nearest:
    """Find the nearest offer of each need, of its category and of another organisation, that its words do not rule out.

    Parameters
    ----------
    needs, offers : the two tables; who has no point on the map is near nobody.
    context : what scoring reads besides.
    by_words : (C,) whether words must agree, by number of category.

    Notes
    -----
    Radii and calendars are left aside: the question is what exists, not what was agreed to. An offer that states not to have
    what a need requires is none. Only the `LOOKED_AT` nearest offers of a category are read.
    """
    pairs = near_pairs(needs, offers)
    offer, distance = np.full(len(needs.id), -1, dtype=np.int64), np.full(len(needs.id), np.inf)
    if len(pairs.need) == 0:
        return Nearest(offer, distance)
    _total, keep = judged(pairs, needs, offers, context, by_words)
    rows = np.flatnonzero(keep)
    # By need, then by distance, then by row: the first of each need is its nearest.
    rows = rows[np.lexsort((pairs.offer[rows], pairs.distance_km[rows], pairs.need[rows]))]
    found, first = np.unique(pairs.need[rows], return_index=True)
    offer[found], distance[found] = pairs.offer[rows[first]], pairs.distance_km[rows[first]]
    return Nearest(offer, distance)


def near_pairs(needs: Side, offers: Side) -> Candidates:
    """The pairs to look at, by rising row of need, then of offer."""
    need_parts: list[Ints] = []
    offer_parts: list[Ints] = []
    km_parts: list[Floats] = []
    towards = directions(offers.lat, offers.lon)
    for category in np.unique(needs.category):
        there = np.flatnonzero(offers.category == category)
        asking = np.flatnonzero(needs.category == category)
        for begin in range(0, len(asking), _NEEDS_AT_ONCE):
            rows = asking[begin : begin + _NEEDS_AT_ONCE]
            need, offer, km = block(needs, offers, rows, there, towards)
            need_parts.append(need)
            offer_parts.append(offer)
            km_parts.append(km)
    if not need_parts:
        nothing = np.zeros(0, dtype=np.int32)
        return Candidates(nothing, nothing, np.zeros(0), np.zeros(0, dtype=np.uint8))
    need, offer, km = np.concatenate(need_parts), np.concatenate(offer_parts), np.concatenate(km_parts)
    order = np.lexsort((offer, need))
    return Candidates(need[order].astype(np.int32), offer[order].astype(np.int32), km[order], np.zeros(len(order), dtype=np.uint8))


def block(needs: Side, offers: Side, rows: Ints, there: Ints, towards: tuple[Floats, Floats, Floats]) -> tuple[Ints, Ints, Floats]:
    """Needs, offers and kilometres of the pairs of some needs with the offers of their category."""
    if len(there) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    here = directions(needs.lat[rows], needs.lon[rows])
    x, y, z = here
    ox, oy, oz = towards
    km = kilometres(squared_sines((x[:, None], y[:, None], z[:, None]), (ox[there], oy[there], oz[there])))
    km[(needs.remote_share[rows] == 100)[:, None] | (offers.remote_share[there] == 100)[None, :]] = 0.0
    is_none = (needs.organisation[rows][:, None] == offers.organisation[there]) | ((needs.required[rows][:, None] & offers.denied[there]) != 0)
    km[is_none | np.isnan(km)] = np.inf
    if len(there) > LOOKED_AT:
        columns = np.argpartition(km, LOOKED_AT, axis=1)[:, :LOOKED_AT]
    else:
        columns = np.broadcast_to(np.arange(len(there)), (len(rows), len(there)))
    chosen = np.take_along_axis(km, columns, axis=1)
    kept = np.isfinite(chosen)
    return np.repeat(rows, columns.shape[1]).reshape(columns.shape)[kept], there[columns][kept], chosen[kept]
