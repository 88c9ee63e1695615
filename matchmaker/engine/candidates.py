"""Candidate pairs: which offers a need may meet at all, by the constraints that nothing can outweigh.

What is not known never excludes: the pair stays, with a mark, so that people check it together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matchmaker.engine.problem import BadProblem

EARTH_RADIUS_KM = 6371.0088
OPEN_START, OPEN_END = 0, np.iinfo(np.int64).max
_BLOCK_CELLS = 1_000_000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Missing(IntFlag):
    """What could not be checked on a pair."""

    DISTANCE = 1
    HALFDAYS = 2
    FLAGS = 4


@dataclass(frozen=True)
class Side:
    """A table of needs or of offers, one row each.

    Attributes
    ----------
    id : (N,) distinct ids.
    organisation : (N,) id of the organisation that declares.
    category : (N,) number of the category; a pair has one category.
    lat, lon : (N,) degrees, nan when unknown.
    radius_km : (N,) how far the other may be, nan when not stated.
    halfdays : (N,) bits of the half-days that suit, 0 when unknown.
    starts, ends : (N,) first and last day as ordinals; `OPEN_START` and `OPEN_END` when open.
    required : (N,) bits of the flags that a need requires.
    held, denied : (N,) bits of the flags that an offer has, and of those that it states not to have.
    remote_share : (N,) per cent of the work that can be done from afar, 0 to 100.
    home : (N, H) ids of the territories that the commune lies in (itself included), -1 to fill up.
    area_start : (N + 1,) the intervention areas of row i are area[area_start[i]:area_start[i + 1]].
    area : ids of territories.
    """

    id: Ints
    organisation: Ints
    category: Ints
    lat: Floats
    lon: Floats
    radius_km: Floats
    halfdays: Ints
    starts: Ints
    ends: Ints
    required: Ints
    held: Ints
    denied: Ints
    remote_share: Ints
    home: Ints
    area_start: Ints
    area: Ints


@dataclass(frozen=True)
class Candidates:
    """Pairs that nothing forbids, by rising row of need, then of offer.

    Attributes
    ----------
    need, offer : (E,) rows.
    distance_km : (E,) great-circle distance, nan when unknown.
    missing : (E,) bits of `Missing`: what could not be checked.
    flags_to_check : (E,) bits of the required flags of which the offer says nothing.
    """

    need: NDArray[np.int32]
    offer: NDArray[np.int32]
    distance_km: Floats
    missing: NDArray[np.uint8]
    flags_to_check: Ints


@dataclass(frozen=True)
class WhyNone:
    """Why a need has no candidate: constraint → offers that it removed among those that the constraints before it left.

    `nearest_km` is the distance of the nearest offer of the category by another organisation, None when there is none.
    """

    removed: dict[str, int]
    left: int
    nearest_km: float | None


def candidates(needs: Side, offers: Side, *, refused: Ints | None = None, never_with: Ints | None = None) -> Candidates:
    """Find every pair that the constraints allow.

    Parameters
    ----------
    refused : (R, 2) ids of need and offer that have refused each other; unknown ids are left aside.
    never_with : (K, 2) organisations that never work together, in any order.

    Notes
    -----
    A side reaches the other when the distance is within its radius, or the other's commune lies in one of its
    intervention areas, or it states neither. Both sides must reach each other, unless either can work entirely from afar.

    Raises
    ------
    BadProblem
        Columns of different lengths, or an id given twice.
    """
    _check_side("need", needs)
    _check_side("offer", offers)
    barred = _Barred(refused, never_with)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
    for category in np.intersect1d(needs.category, offers.category).tolist():
        columns = np.flatnonzero(offers.category == category)
        all_rows = np.flatnonzero(needs.category == category)
        step = max(1, _BLOCK_CELLS // len(columns))
        for start in range(0, len(all_rows), step):
            rows = all_rows[start : start + step]
            distance = _distances(needs, offers, rows, columns)
            allowed = np.ones(distance.shape, dtype=np.bool_)
            for _, holds in _constraints(needs, offers, rows, columns, distance, barred):
                allowed &= holds
            r, c = np.nonzero(allowed)
            found.append((rows[r], columns[c], distance[r, c]))
    empty = np.zeros(0, dtype=np.int64)
    need = np.concatenate([empty, *(block[0] for block in found)])
    offer = np.concatenate([empty, *(block[1] for block in found)])
    distance_km = np.concatenate([np.zeros(0), *(block[2] for block in found)])
    order = np.lexsort((offer, need))
    need, offer, distance_km = need[order], offer[order], distance_km[order]

    to_check = needs.required[need] & ~offers.held[offer]
    missing = Missing.DISTANCE * np.isnan(distance_km) + Missing.FLAGS * (to_check != 0)
    missing = missing + Missing.HALFDAYS * ((needs.halfdays[need] == 0) | (offers.halfdays[offer] == 0))
    return Candidates(need.astype(np.int32), offer.astype(np.int32), distance_km, missing.astype(np.uint8), to_check)


def why_none(needs: Side, offers: Side, row: int, *, refused: Ints | None = None, never_with: Ints | None = None) -> WhyNone:
    """Tell which constraint removed how many offers for the need at `row`. Same arguments as `candidates`."""
    columns = np.flatnonzero(offers.category == needs.category[row])
    rows = np.array([row])
    distance = _distances(needs, offers, rows, columns)
    others = distance[0][offers.organisation[columns] != needs.organisation[row]]
    removed = {"category": len(offers.id) - len(columns)}
    left = np.ones((1, len(columns)), dtype=np.bool_)
    for name, holds in _constraints(needs, offers, rows, columns, distance, _Barred(refused, never_with)):
        removed[name] = int(np.count_nonzero(left & ~holds))
        left = left & holds
    known = others[~np.isnan(others)]
    return WhyNone(removed, int(np.count_nonzero(left)), float(known.min()) if known.size else None)


def great_circle_km(lat: Floats, lon: Floats, other_lat: Floats, other_lon: Floats) -> Floats:
    """Great-circle distance by the haversine formula; broadcasts; nan in, nan out.

    Examples
    --------
    Caen to Rouen:

    >>> round(float(great_circle_km(np.float64(49.1829), np.float64(-0.3707), np.float64(49.4432), np.float64(1.0999))), 1)
    110.5
    """
    lat, lon, other_lat, other_lon = np.radians(lat), np.radians(lon), np.radians(other_lat), np.radians(other_lon)
    half = np.sin((other_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))), dtype=np.float64)


@dataclass(frozen=True)
class _Barred:
    refused: Ints | None
    never_with: Ints | None


def _constraints(needs: Side, offers: Side, rows: Ints, columns: Ints, distance: Floats, barred: _Barred) -> Iterator[tuple[str, Bools]]:
    """Yield each constraint's name and where it holds, over the block rows × columns of one category."""

    def need(column: Ints) -> Ints:
        return column[rows][:, None]

    def offer(column: Ints) -> Ints:
        return column[columns][None, :]

    yield "organisation", need(needs.organisation) != offer(offers.organisation)
    yield "never_with", ~_named(barred.never_with, needs.organisation[rows], offers.organisation[columns], both_ways=True)
    yield "refused", ~_named(barred.refused, needs.id[rows], offers.id[columns])
    remote = (need(needs.remote_share) == 100) | (offer(offers.remote_share) == 100)
    reached = _reaches(needs, offers, rows, columns, distance) & _reaches(offers, needs, columns, rows, distance.T).T
    yield "distance", reached | remote
    yield "dates", np.maximum(need(needs.starts), offer(offers.starts)) <= np.minimum(need(needs.ends), offer(offers.ends))
    unknown = (need(needs.halfdays) == 0) | (offer(offers.halfdays) == 0)
    yield "halfdays", unknown | ((need(needs.halfdays) & offer(offers.halfdays)) != 0)
    yield "flags", (need(needs.required) & offer(offers.denied)) == 0


def _distances(needs: Side, offers: Side, rows: Ints, columns: Ints) -> Floats:
    return great_circle_km(needs.lat[rows][:, None], needs.lon[rows][:, None], offers.lat[columns][None, :], offers.lon[columns][None, :])


def _reaches(own: Side, other: Side, rows: Ints, columns: Ints, distance: Floats) -> Bools:
    radius = own.radius_km[rows][:, None]
    has_area: Bools = np.asarray((own.area_start[1:] > own.area_start[:-1])[rows])[:, None]
    within = np.isnan(distance) | (distance <= radius)  # an unknown distance is checked by people
    anywhere = np.isnan(radius) & ~has_area
    near: Bools = (within & ~np.isnan(radius)) | anywhere | _in_areas(own, other, rows, columns)
    # A commune that is not known may lie in an area: it stays, and its distance is marked as missing.
    homeless: Bools = np.asarray((other.home[columns] < 0).all(axis=1))[None, :]
    return near | (has_area & homeless)


def _in_areas(own: Side, other: Side, rows: Ints, columns: Ints) -> Bools:
    """Whether the other's commune lies in one of the areas of each row."""
    counts = (own.area_start[1:] - own.area_start[:-1])[rows]
    if counts.sum() == 0:
        return np.zeros((len(rows), len(columns)), dtype=np.bool_)
    places = np.concatenate([own.area[own.area_start[row] : own.area_start[row + 1]] for row in rows.tolist()])
    names, code = np.unique(places, return_inverse=True)
    areas = csr_array((np.ones(len(code), dtype=np.int32), (np.repeat(np.arange(len(rows)), counts), code)), shape=(len(rows), len(names)))
    home = other.home[columns]
    at = np.minimum(np.searchsorted(names, home), len(names) - 1)
    lies, level = np.nonzero(np.equal(names[at], home))
    homes = csr_array((np.ones(len(lies), dtype=np.int32), (at[lies, level], lies)), shape=(len(names), len(columns)))
    return np.asarray((areas @ homes).toarray() > 0)


def _named(pairs: Ints | None, row_ids: Ints, column_ids: Ints, both_ways: bool = False) -> Bools:
    """Whether (row id, column id) is one of the pairs."""
    named = np.zeros((len(row_ids), len(column_ids)), dtype=np.bool_)
    if pairs is None or len(pairs) == 0:
        return named
    listed = np.unique(np.concatenate((pairs, pairs[:, ::-1])) if both_ways else pairs, axis=0)
    listed = listed[np.isin(listed[:, 0], row_ids) & np.isin(listed[:, 1], column_ids)]
    if both_ways:  # ids of organisations repeat over rows
        names, at = np.unique(listed.ravel(), return_inverse=True)
        table = np.zeros((len(names) + 1, len(names) + 1), dtype=np.bool_)
        table[tuple(at.reshape(-1, 2).T)] = True
        return np.asarray(table[np.ix_(_position(names, row_ids), _position(names, column_ids))])
    row_order, column_order = np.argsort(row_ids), np.argsort(column_ids)
    r = row_order[np.searchsorted(row_ids, listed[:, 0], sorter=row_order)]
    c = column_order[np.searchsorted(column_ids, listed[:, 1], sorter=column_order)]
    named[r, c] = True
    return named


def _position(names: Ints, values: Ints) -> Ints:
    """Position of each value among the sorted names, or len(names) for a value that is not there."""
    if len(names) == 0:
        return np.zeros(len(values), dtype=np.int64)
    at = np.minimum(np.searchsorted(names, values), len(names) - 1)
    return np.where(names[at] == values, at, len(names)).astype(np.int64)


def _check_side(name: str, side: Side) -> None:
    count = len(side.id)
    for column, values in vars(side).items():
        if column != "area" and len(values) != count + (column == "area_start"):
            raise BadProblem(f"{name}: {column} has {len(values)} rows for {count} ids")
    if len(np.unique(side.id)) != count:
        raise BadProblem(f"{name}: an id is given twice")
