"""The map of the directory: how many answer in each commune, in the units of a drawn map. Nobody is placed closer than their commune."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from matchmaker import reference
from matchmaker.web import maps
from matchmaker.web.maps import Map
from matchmaker.web.search import Asked

# Circles that can still be told apart without zooming; with more, those of an EPCI are one.
MOST_PINS = 60


@dataclass(frozen=True)
class Pin:
    x: float
    y: float
    radius: float
    count: int


def drawn_for(asked: Asked) -> Map:
    """The département that is asked for; else the region, because a radius knows no border. With the name of the commune around which one looks."""
    code = asked.question.departement
    drawn = (maps.departement_map(code, {}) if code else None) or maps.region_map({})
    middle = reference.communes().get(asked.commune.code) if asked.commune is not None else None
    return maps.with_town(drawn, middle) if middle is not None and middle.lat is not None else drawn


def points(drawn: Map, places: Mapping[str, int]) -> list[tuple[str, str, float, float, int]]:
    """Code, name, x, y and how many, of each commune that is on the map."""
    width, height = (float(side) for side in drawn.view_box.split()[2:])
    found = []
    for code, count in sorted(places.items()):
        commune = reference.communes().get(code)
        if commune is None or commune.lat is None or commune.lon is None:
            continue
        x, y = drawn.place(commune.lat, commune.lon)
        if 0 <= x <= width and 0 <= y <= height:
            found.append((code, commune.name, x, y, count))
    return found


def outside(drawn: Map, places: Mapping[str, int]) -> int:
    """How many answer where the map does not reach."""
    return sum(places.values()) - sum(point[4] for point in points(drawn, places))


def pins(drawn: Map, places: Mapping[str, int]) -> list[Pin]:
    """The circles of the map that needs no script: a commune each, or an EPCI each where they are many. The biggest first, below the others."""
    on_map = points(drawn, places)
    together: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for code, _name, x, y, count in on_map:
        together[code if len(on_map) <= MOST_PINS else reference.communes()[code].epci or code].append((x, y, count))
    unit = float(drawn.view_box.split()[2]) / 100
    found: Counter[Pin] = Counter()
    for group in together.values():
        total = sum(count for _x, _y, count in group)
        x = sum(x * count for x, _y, count in group) / total
        y = sum(y * count for _x, y, count in group) / total
        found[Pin(round(x, 1), round(y, 1), round(unit * min(3.4, 1.7 + sqrt(total) / 5), 1), total)] = total
    return [pin for pin, _total in found.most_common()]
