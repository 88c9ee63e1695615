"""The vendored contours as SVG paths, with the projection that places points on them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from matchmaker.reference import Polygon, Ring, contours

Level = Literal["departement", "epci"]
MARGIN = 0.02
"""Empty border on each side, as a part of the width of the map."""


@dataclass(frozen=True, slots=True)
class Projection:
    """From (latitude, longitude) in degrees to (x, y) in the units of the view box, y downwards.

    Equirectangular, true to shape at the middle latitude: enough for an area the size of a region.
    """

    west: float
    north: float
    x_per_degree: float
    y_per_degree: float
    margin: float
    width: float
    height: float

    def __call__(self, lat: float, lon: float) -> tuple[float, float]:
        """Return the point of the map, to a tenth of a unit."""
        x = self.margin + (lon - self.west) * self.x_per_degree
        y = self.margin + (self.north - lat) * self.y_per_degree
        return round(x, 1), round(y, 1)

    @property
    def view_box(self) -> str:
        """Return the ``viewBox`` attribute of an SVG that shows the whole frame."""
        return f"0 0 {self.width:g} {self.height:g}"


@dataclass(frozen=True, slots=True)
class SvgMap:
    """What a template needs to draw areas: the view box, a ``d`` attribute per code, and the projection for its points."""

    view_box: str
    paths: Mapping[str, str]
    project: Projection


def svg_paths(level: Level, codes: Iterable[str] | None = None, width: int = 1000, frame: Projection | None = None) -> SvgMap:
    """Return the départements or EPCI as SVG paths.

    Parameters
    ----------
    level : {"departement", "epci"}
    codes : iterable of str, optional
        The areas to draw; the view box is their extent with a margin. All the vendored ones by default.
    width : int
        Width of the view box; its height follows.
    frame : Projection, optional
        The projection of another map, to lay this one over it; ``width`` is then that of the other map.

    Raises
    ------
    KeyError
        If an area has no vendored contour.
    ValueError
        If there is no area at all.
    """
    return cached_paths(level, None if codes is None else tuple(sorted(set(codes))), width, frame)


@lru_cache(maxsize=512)
def cached_paths(level: Level, codes: tuple[str, ...] | None, width: int, frame: Projection | None) -> SvgMap:
    """Do the work of ``svg_paths`` once per set of arguments."""
    every_area = contours().departements if level == "departement" else contours().epcis
    areas = {code: every_area[code] for code in (every_area if codes is None else codes)}
    project = frame or fit(areas.values(), width)
    return SvgMap(project.view_box, MappingProxyType({code: path(area, project) for code, area in areas.items()}), project)


def fit(areas: Iterable[tuple[Polygon, ...]], width: int) -> Projection:
    """Return the projection in which the areas fill a frame of this width, less the margin."""
    points = [point for area in areas for polygon in area for point in polygon[0]]
    if not points:
        raise ValueError("a map needs at least one area")
    west, east = min(lon for lon, _ in points), max(lon for lon, _ in points)
    south, north = min(lat for _, lat in points), max(lat for _, lat in points)
    margin = width * MARGIN
    x_per_degree = (width - 2 * margin) / (east - west)
    y_per_degree = x_per_degree / math.cos(math.radians((south + north) / 2))
    return Projection(west, north, x_per_degree, y_per_degree, margin, float(width), round(2 * margin + (north - south) * y_per_degree, 1))


def path(area: tuple[Polygon, ...], project: Projection) -> str:
    """Return the ``d`` attribute of an area."""
    return "".join(subpath(ring, project) for polygon in area for ring in polygon)


def subpath(ring: Ring, project: Projection) -> str:
    """Return one closed line with relative moves, which halves the page.

    Steps are taken between points already rounded to tenths: the error does not add up, and neighbours stay joined.
    """
    tenths = [tuple(round(10 * value) for value in project(lat, lon)) for lon, lat in ring[:-1]]
    x, y = tenths[0]
    steps = []
    for next_x, next_y in tenths[1:]:
        if (next_x, next_y) != (x, y):
            steps.append(f"{number(next_x - x)},{number(next_y - y)}")
            x, y = next_x, next_y
    return f"M{number(tenths[0][0])},{number(tenths[0][1])}l{' '.join(steps)}z" if steps else ""


def number(tenths: int) -> str:
    """Return a count of tenths as the shortest decimal number."""
    return f"{tenths / 10:g}"
