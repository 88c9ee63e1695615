"""What a template needs to draw a map of the region or of one département, from the vendored contours."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import hypot

from matchmaker import reference
from matchmaker.models import Commune, Side
from matchmaker.reference import maps

CITIES = {"Caen": "14118", "Rouen": "76540", "Le Havre": "76351", "Cherbourg": "50129", "Alençon": "61001", "Évreux": "27229", "Saint-Lô": "50502"}


@dataclass(frozen=True)
class Area:
    code: str
    name: str
    path: str
    css: str


@dataclass(frozen=True)
class Place:
    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Map:
    """Areas with their class (s1 … s5 or white-zone), outlines of the départements, names of a few towns."""

    view_box: str
    areas: tuple[Area, ...]
    outlines: tuple[str, ...]
    cities: tuple[Place, ...]
    place: Callable[[float, float], tuple[float, float]]


def region_map(shade: Mapping[str, str]) -> Map:
    """All vendored EPCI; ``shade`` gives each code its class, s1 where it says nothing."""
    outlines = maps.svg_paths("departement")
    epcis = maps.svg_paths("epci", frame=outlines.project)
    areas = tuple(Area(code, reference.short_name(reference.epcis()[code].name), path, shade.get(code, "s1")) for code, path in epcis.paths.items())
    return Map(outlines.view_box, areas, tuple(outlines.paths.values()), cities(outlines.project), outlines.project)


def departement_map(departement: str, shade: Mapping[str, str]) -> Map | None:
    """One département and the EPCI that touch it, or none where no contour is vendored."""
    if departement not in reference.contours().departements:
        return None
    outline = maps.svg_paths("departement", [departement], width=490)
    codes = [code for code, where in reference.epci_departements().items() if departement in where and code in reference.contours().epcis]
    epcis = maps.svg_paths("epci", codes, frame=outline.project)
    areas = tuple(Area(code, reference.short_name(reference.epcis()[code].name), path, shade.get(code, "")) for code, path in epcis.paths.items())
    return Map(outline.view_box, areas, tuple(outline.paths.values()), cities(outline.project, departement), outline.project)


@dataclass(frozen=True)
class Thread:
    """A line from where a need or an offer comes from to the place where they cross."""

    side: str
    path: str
    x: float
    y: float


def threads(drawn: Map, place: Commune, sources: Iterable[tuple[Side, Commune]], *, each: int = 3) -> tuple[Thread, ...]:
    """At most ``each`` threads a side, from the communes that lie far enough from the place to be told apart."""
    end_x, end_y = point(drawn, place)
    found: dict[Side, list[Thread]] = {side: [] for side in Side}
    for side, commune in sources:
        x, y = point(drawn, commune)
        if len(found[side]) < each and hypot(x - end_x, y - end_y) > 30:
            found[side].append(Thread(side.value, f"M{x} {y}C{(x + end_x) / 2:.1f} {y} {(x + end_x) / 2:.1f} {end_y} {end_x} {end_y}", x, y))
    return tuple(thread for side in Side for thread in found[side])


def point(drawn: Map, commune: Commune) -> tuple[float, float]:
    """Where the commune's centroid is on the map."""
    return drawn.place(commune.latitude or 0.0, commune.longitude or 0.0)


def cities(project: Callable[[float, float], tuple[float, float]], departement: str | None = None) -> tuple[Place, ...]:
    """The towns that people look for first: those of the region, or the biggest communes of a département that leave room for their names."""
    communes = reference.communes()
    names = {code: name for name, code in CITIES.items()}
    if departement is None:
        return tuple(place_of(communes[code], project, name) for name, code in CITIES.items())
    found: list[Place] = []
    here = (commune for commune in communes.values() if commune.departement == departement and commune.lat is not None)
    for commune in sorted(here, key=lambda commune: -commune.population)[:12]:
        place = place_of(commune, project, names.get(commune.code, commune.name))
        if len(found) < 3 and all(hypot(place.x - other.x, place.y - other.y) > 70 for other in found):
            found.append(place)
    return tuple(found)


def with_town(drawn: Map, commune: reference.Commune) -> Map:
    """The map with the name of one more town, first of all; names that would lie on it give way."""
    town = place_of(commune, drawn.place, commune.name)
    others = (other for other in drawn.cities if abs(other.x - town.x) > 90 or abs(other.y - town.y) > 40)
    return replace(drawn, cities=(town, *others))


def place_of(commune: reference.Commune, project: Callable[[float, float], tuple[float, float]], name: str) -> Place:
    return Place(name, *project(commune.lat or 0.0, commune.lon or 0.0))


def classes(counts: Mapping[str, int]) -> dict[str, str]:
    """s1 for the third of the areas that have least, s2, s3 for the third that have most: one big town does not pale all others."""
    ranked = sorted(set(counts.values()))
    return {code: f"s{1 + ranked.index(count) * 3 // len(ranked)}" for code, count in counts.items()}
