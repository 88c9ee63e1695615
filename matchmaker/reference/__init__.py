"""The reference geography of France: communes, EPCI, départements, regions and contours.

Read-only tables vendored beside this file by ``scripts/build_reference.py``; their origin and licences stand in SOURCES.md.
Every function reads its file once and then answers from memory: callers must not change what they receive.
"""

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent

Ring = tuple[tuple[float, float], ...]
"""A closed line of (longitude, latitude): its last point is its first one."""
Polygon = tuple[Ring, ...]
"""The outer ring, then the holes."""


class Region(NamedTuple):
    """A region, by its INSEE code."""

    code: str
    name: str


class Departement(NamedTuple):
    """A département, by its INSEE code; ``region`` is the code of its region."""

    code: str
    name: str
    region: str


class Epci(NamedTuple):
    """A group of communes with its own taxes; ``kind`` is CC, CA, CU, METRO or MET69."""

    siren: str
    name: str
    kind: str


class Commune(NamedTuple):
    """A commune of today; ``epci`` is empty for the few that belong to none, the centroid is None where it is unknown."""

    code: str
    name: str
    postal_codes: tuple[str, ...]
    population: int
    departement: str
    region: str
    epci: str
    lat: float | None
    lon: float | None


class Contours(NamedTuple):
    """Simplified polygons per code, the largest first; neighbours share their border point for point.

    Only some regions are vendored. An EPCI that crosses their limit has its inner part only.
    """

    departements: MappingProxyType[str, tuple[Polygon, ...]]
    epcis: MappingProxyType[str, tuple[Polygon, ...]]


@lru_cache
def regions() -> MappingProxyType[str, Region]:
    """Return the regions by code."""
    return MappingProxyType({row["code"]: Region(**row) for row in rows("regions.csv")})


@lru_cache
def departements() -> MappingProxyType[str, Departement]:
    """Return the départements by code, overseas collectivities included."""
    return MappingProxyType({row["code"]: Departement(**row) for row in rows("departements.csv")})


@lru_cache
def epcis() -> MappingProxyType[str, Epci]:
    """Return the EPCI by SIREN."""
    return MappingProxyType({row["siren"]: Epci(**row) for row in rows("epcis.csv")})


@lru_cache
def communes() -> MappingProxyType[str, Commune]:
    """Return the communes by INSEE code."""
    return MappingProxyType({row["code"]: commune_of(row) for row in rows("communes.csv.gz")})


@lru_cache
def former_communes() -> MappingProxyType[str, str]:
    """Return the current code of each merged commune, and of each district of Paris, Lyon and Marseille."""
    return MappingProxyType({row["former_code"]: row["code"] for row in rows("former_communes.csv")})


@lru_cache
def epci_departements() -> MappingProxyType[str, tuple[str, ...]]:
    """Return the départements that each EPCI lies in, by SIREN; the one with most of its communes comes first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for commune in communes().values():
        if commune.epci:
            counts[commune.epci][commune.departement] += 1
    return MappingProxyType({siren: tuple(sorted(count, key=lambda code: (-count[code], code))) for siren, count in counts.items()})


@lru_cache
def contours() -> Contours:
    """Return the vendored contours."""
    document = json.loads(text_of("contours.json.gz"))
    return Contours(departements=polygons_by_code(document["departements"]), epcis=polygons_by_code(document["epcis"]))


def current_code(code: str) -> str | None:
    """Return the code that a commune has today, following its merger, or None if no commune ever had it.

    >>> current_code("14118"), current_code("50173"), current_code("75111"), current_code("00000")
    ('14118', '50129', '75056', None)
    """
    return code if code in communes() else former_communes().get(code)


KIND_PREFIX = re.compile(r"^(?:CC|CA|CU) (?:de la |de l'|des |du |de |d')?")


def short_name(name: str) -> str:
    """Return the name of an EPCI without the letters of its kind; the name of a métropole stays whole.

    >>> short_name("CC du Pays de Honfleur-Beuzeville"), short_name("CU d'Alençon"), short_name("CA Flers Agglo")
    ('Pays de Honfleur-Beuzeville', 'Alençon', 'Flers Agglo')
    >>> short_name("Métropole Rouen Normandie")
    'Métropole Rouen Normandie'
    """
    short = KIND_PREFIX.sub("", name)
    return short[:1].upper() + short[1:]


def commune_of(row: dict[str, str]) -> Commune:
    """Return the commune of a line of the table."""
    return Commune(
        code=row["code"],
        name=row["name"],
        postal_codes=tuple(row["postal_codes"].split()),
        population=int(row["population"]),
        departement=row["departement"],
        region=row["region"],
        epci=row["epci"],
        lat=float(row["lat"]) if row["lat"] else None,
        lon=float(row["lon"]) if row["lon"] else None,
    )


def polygons_by_code(areas: dict[str, list[list[list[list[float]]]]]) -> MappingProxyType[str, tuple[Polygon, ...]]:
    """Return the polygons of the contour file as values that nobody can change."""
    return MappingProxyType({code: tuple(tuple(ring_of(ring) for ring in polygon) for polygon in area) for code, area in areas.items()})


def ring_of(points: list[list[float]]) -> Ring:
    """Return a ring of the contour file."""
    return tuple((lon, lat) for lon, lat in points)


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the lines of a vendored table."""
    yield from csv.DictReader(io.StringIO(text_of(name)))


def text_of(name: str) -> str:
    """Return the text of a vendored file."""
    content = (FOLDER / name).read_bytes()
    return (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8")
