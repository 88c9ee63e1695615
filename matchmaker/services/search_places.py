"""Where to look: communes within a radius or a territory, from the reference tables in memory; and how many rows there are in each territory."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from matchmaker import reference
from matchmaker.services.territories import EARTH_RADIUS_KM

WIDEST_KM = 200


@lru_cache
def points() -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Codes of the communes whose middle is known, with its latitude and longitude in radians."""
    known = [(commune.code, commune.lat, commune.lon) for commune in reference.communes().values() if commune.lat is not None and commune.lon is not None]
    codes, latitudes, longitudes = zip(*known, strict=True)
    return codes, np.radians(latitudes), np.radians(longitudes)


@lru_cache(maxsize=256)
def within(code: str, radius_km: int) -> Mapping[str, float]:
    """Commune code → kilometres from the middle of this commune, for those within the radius; itself always.

    >>> "61169" in within("61169", 0), len(within("61169", 0)), round(within("61169", 30)["61145"])
    (True, 1, 18)
    """
    here = reference.communes().get(code)
    if here is None or here.lat is None or here.lon is None:
        return {code: 0.0}
    codes, latitudes, longitudes = points()
    latitude, longitude = np.radians(here.lat), np.radians(here.lon)
    half_chord = np.sin((latitudes - latitude) / 2) ** 2 + np.cos(latitude) * np.cos(latitudes) * np.sin((longitudes - longitude) / 2) ** 2
    kilometres = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(1.0, np.sqrt(half_chord)))
    return {codes[place]: float(kilometres[place]) for place in np.flatnonzero(kilometres <= radius_km)} | {code: 0.0}


def nearest(near: Mapping[str, float], places: Mapping[str, int], *, enough: int) -> dict[str, float]:
    """Of the communes of ``places``, with their rows, the nearest that have enough of them, and those at the same distance as the last.

    >>> nearest({"a": 0.0, "b": 2.0, "c": 2.0, "d": 3.0, "e": 1.0}, {"a": 1, "b": 3, "c": 1, "d": 9}, enough=3)
    {'a': 0.0, 'b': 2.0, 'c': 2.0}
    """
    found: dict[str, float] = {}
    rows, last = 0, 0.0
    for code in sorted(places, key=lambda code: near[code]):
        if rows >= enough and near[code] > last:
            break
        found[code] = last = near[code]
        rows += places[code]
    return found


@lru_cache
def communes_of_departements() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for commune in reference.communes().values():
        found[commune.departement].add(commune.code)
    return {code: frozenset(codes) for code, codes in found.items()}


@lru_cache
def communes_of_epcis() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for commune in reference.communes().values():
        found[commune.epci].add(commune.code)
    return {code: frozenset(codes) for code, codes in found.items() if code}


def area(near: Collection[str] | None, departement: str, epci: str) -> Collection[str] | None:
    """The communes where to look; None for everywhere. A territory that no reference knows has none."""
    areas: list[Collection[str]] = [] if near is None else [near]
    if departement:
        areas.append(communes_of_departements().get(departement, frozenset()))
    if epci:
        areas.append(communes_of_epcis().get(epci, frozenset()))
    if len(areas) < 2:
        return areas[0] if areas else None
    return set(areas[0]).intersection(*areas[1:])


@lru_cache
def territories() -> Mapping[str, tuple[str, str]]:
    """Commune code → its département and its EPCI, empty where it has none."""
    return {commune.code: (commune.departement, commune.epci or "") for commune in reference.communes().values()}


def territories_of(by_commune: Mapping[str, int], *, departement: str) -> tuple[dict[str, int], dict[str, int]]:
    """Rows by département; rows by EPCI, of one département where one is chosen."""
    by_both: dict[tuple[str, str], int] = defaultdict(int)
    known, nowhere = territories(), ("", "")
    for code, count in by_commune.items():
        by_both[known.get(code, nowhere)] += count
    departements: dict[str, int] = defaultdict(int)
    epcis: dict[str, int] = defaultdict(int)
    for (where, epci), count in by_both.items():
        departements[where] += count
        if departement in ("", where):
            epcis[epci] += count
    return {code: count for code, count in departements.items() if code}, {code: count for code, count in epcis.items() if code}
