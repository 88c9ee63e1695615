"""The tables of needs and offers as the engine reads them, the pairs that are found between them, and distances."""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.problem import BadProblem

EARTH_RADIUS_KM = 6371.0088
OPEN_START, OPEN_END = 0, np.iinfo(np.int64).max

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
    """

    need: NDArray[np.int32]
    offer: NDArray[np.int32]
    distance_km: Floats
    missing: NDArray[np.uint8]


def part_of(pairs: Candidates, rows: NDArray[np.int64] | slice) -> Candidates:
    """Some of the pairs."""
    return Candidates(pairs.need[rows], pairs.offer[rows], pairs.distance_km[rows], pairs.missing[rows])


def great_circle_km(lat: Floats, lon: Floats, other_lat: Floats, other_lon: Floats) -> Floats:
    """Great-circle distance; broadcasts; nan in, nan out.

    Examples
    --------
    Caen to Rouen:

    >>> round(float(great_circle_km(np.float64(49.1829), np.float64(-0.3707), np.float64(49.4432), np.float64(1.0999))), 1)
    110.5
    """
    return kilometres(squared_sines(directions(lat, lon), directions(other_lat, other_lon)))


def directions(lat: Floats, lon: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vectors from the centre of the earth: no trigonometry is left for each pair."""
    lat, lon = np.radians(lat), np.radians(lon)
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def squared_sines(one: tuple[Floats, Floats, Floats], other: tuple[Floats, Floats, Floats]) -> Floats:
    """sin² of half the angle between directions, which grows with the distance: half the chord, squared. Broadcasts."""
    x, y, z = (a - b for a, b in zip(one, other, strict=True))
    return np.asarray(0.25 * (x * x + y * y + z * z), dtype=np.float64)


def kilometres(squared_sine: Floats, out: Floats | None = None) -> Floats:
    """The distance that a squared sine stands for, in `out` where one is given."""
    # In one array: fresh memory for millions of pairs costs more than the sums.
    distance = np.asarray(np.minimum(squared_sine, 1.0, out=out), dtype=np.float64)
    np.sqrt(distance, out=distance)
    np.arcsin(distance, out=distance)
    distance *= 2 * EARTH_RADIUS_KM
    return distance


def squared_sine_of(km: Floats) -> Floats:
    """The squared sine that a distance stands for; -1 below 0 km, nan for nan."""
    return np.where(km < 0, -1.0, np.sin(np.minimum(km / (2 * EARTH_RADIUS_KM), np.pi / 2)) ** 2)


def position(names: Ints, values: Ints) -> Ints:
    """Position of each value among the sorted names, or len(names) for a value that is not there."""
    if len(names) == 0:
        return np.zeros(len(values), dtype=np.int64)
    at = np.minimum(np.searchsorted(names, values), len(names) - 1)
    return np.where(names[at] == values, at, len(names)).astype(np.int64)


def check_side(name: str, side: Side) -> None:
    """Refuse columns of different lengths, and an id given twice."""
    count = len(side.id)
    for column, values in vars(side).items():
        if column != "area" and len(values) != count + (column == "area_start"):
            raise BadProblem(f"{name}: {column} has {len(values)} rows for {count} ids")
    if len(np.unique(side.id)) != count:
        raise BadProblem(f"{name}: an id is given twice")
