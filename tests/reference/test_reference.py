"""The vendored geography of France, on the real data."""

import math
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from matchmaker import reference
from matchmaker.reference import Commune, Ring
from matchmaker.reference.maps import SvgMap, svg_paths

NORMANDY = "28"
NORMAN_DEPARTEMENTS = {"14", "27", "50", "61", "76"}


@pytest.fixture(scope="module")
def normans() -> list[Commune]:
    return [commune for commune in reference.communes().values() if commune.region == NORMANDY]


def kilometres(commune: Commune, lat: float, lon: float) -> float:
    return math.hypot(commune.lat - lat, (commune.lon - lon) * math.cos(math.radians(lat))) * 111.2


def points_of(path: str) -> list[tuple[float, float]]:
    """Read back the absolute points of a path made of M, relative l and z."""
    points = []
    for start, steps in re.findall(r"M([-\d.,]+)l([-\d., ]+)z", path):
        x, y = map(float, start.split(","))
        points.append((x, y))
        for step in steps.split(" "):
            dx, dy = map(float, step.split(","))
            x, y = round(x + dx, 1), round(y + dy, 1)
            points.append((x, y))
    return points


def box_of(path: str) -> tuple[float, float, float, float]:
    xs, ys = zip(*points_of(path), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def contains(ring: Ring, lat: float, lon: float) -> bool:
    """Even-odd rule, written apart from the code under test."""
    inside = False
    for (lon_a, lat_a), (lon_b, lat_b) in pairwise(ring):
        if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a):
            inside = not inside
    return inside


def borders(ring: Ring) -> list[frozenset[tuple[float, float]]]:
    return [frozenset(pair) for pair in pairwise(ring)]


def test_every_commune_of_france_is_there_once():
    lines = [row["code"] for row in reference.rows("communes.csv.gz")]

    assert len(lines) == 34_969
    assert max(Counter(lines).values()) == 1
    assert set(reference.communes()) == set(lines)


def test_codes_keep_their_leading_zeros():
    commune = reference.communes()["01001"]

    assert commune.name == "L'Abergement-Clémenciat"
    assert commune.departement == "01"
    assert commune.postal_codes == ("01400",)
    assert all(re.fullmatch(r"\d[\dAB]\d{3}", code) for code in reference.communes())
    assert all(re.fullmatch(r"\d{9}", siren) for siren in reference.epcis())
    assert all(re.fullmatch(r"\d{5}", postal_code) for commune in reference.communes().values() for postal_code in commune.postal_codes)


def test_a_commune_belongs_to_a_known_departement_region_and_epci():
    for commune in reference.communes().values():
        assert reference.departements()[commune.departement].region == commune.region
        assert commune.region in reference.regions()
        assert commune.epci == "" or commune.epci in reference.epcis()


def test_normandy_is_complete_and_located(normans):
    assert len(normans) == 2_644
    assert {commune.departement for commune in normans} == NORMAN_DEPARTEMENTS
    assert len({commune.epci for commune in normans} - {""}) == 71
    assert all(commune.epci for commune in normans)
    assert all(48.1 < commune.lat < 50.1 and -2.0 < commune.lon < 1.9 for commune in normans)


def test_only_communes_overseas_and_four_of_cantal_have_no_coordinates():
    unlocated = [code for code, commune in reference.communes().items() if commune.lat is None]

    assert len(unlocated) == 98
    assert [code for code in unlocated if code < "97"] == ["15031", "15035", "15047", "15171"]
    assert all(reference.communes()[code].lon is None for code in unlocated)


@pytest.mark.parametrize(
    ("code", "name", "lat", "lon"),
    [
        ("14118", "Caen", 49.185, -0.369),
        ("61001", "Alençon", 48.432, 0.092),
        ("76540", "Rouen", 49.441, 1.091),
        ("50129", "Cherbourg-en-Cotentin", 49.633, -1.648),
        ("27229", "Évreux", 49.018, 1.143),
    ],
)
def test_well_known_towns_are_where_they_should_be(code, name, lat, lon):
    commune = reference.communes()[code]

    assert commune.name == name
    assert kilometres(commune, lat, lon) < 3


@pytest.mark.parametrize(
    ("code", "today"),
    [("14118", "14118"), ("50173", "50129"), ("75111", "75056"), ("69383", "69123"), ("13201", "13055"), ("00000", None), ("", None)],
)
def test_an_old_code_leads_to_the_commune_of_today(code, today):
    assert reference.current_code(code) == today


def test_former_codes_all_lead_to_a_commune_of_today():
    former = reference.former_communes()

    assert len(former) > 4_000
    assert set(former.values()) <= set(reference.communes())
    assert not set(former) & set(reference.communes())


def test_an_epci_across_several_departements_begins_with_its_main_one():
    assert reference.epci_departements()["246100663"] == ("61", "72")
    assert reference.epci_departements()["200066827"] == ("14", "27")
    assert set(reference.epci_departements()) == set(reference.epcis())


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("CC du Pays de Honfleur-Beuzeville", "Pays de Honfleur-Beuzeville"),
        ("CA Flers Agglo", "Flers Agglo"),
        ("CU d'Alençon", "Alençon"),
        ("CA du Cotentin", "Cotentin"),
        ("CC de la Côte d'Albâtre", "Côte d'Albâtre"),
        ("CC des Pays de L'Aigle", "Pays de L'Aigle"),
        ("CC de l'Ernée", "Ernée"),
        ("CC la Septaine", "La Septaine"),
        ("CA Durance-Lubéron-Verdon Agglomération", "Durance-Lubéron-Verdon Agglomération"),
        ("Métropole Rouen Normandie", "Métropole Rouen Normandie"),
    ],
)
def test_the_short_name_of_an_epci_leaves_out_its_kind(name, short):
    assert reference.short_name(name) == short


def test_short_names_do_not_mix_two_epci_of_normandy_up(normans):
    names = [reference.short_name(reference.epcis()[siren].name) for siren in {commune.epci for commune in normans}]

    assert len(set(names)) == 71
    assert all(name[0].isupper() for name in names)


def test_contours_cover_the_departements_and_epci_of_normandy(normans):
    contours = reference.contours()

    assert set(contours.departements) == NORMAN_DEPARTEMENTS
    assert set(contours.epcis) == {commune.epci for commune in normans}
    for polygons in (*contours.departements.values(), *contours.epcis.values()):
        assert polygons
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for polygon in polygons for ring in polygon)


@pytest.mark.parametrize("level", ["departements", "epcis"])
def test_neighbours_share_their_borders_point_for_point(level):
    areas = getattr(reference.contours(), level)
    uses = Counter(border for polygons in areas.values() for polygon in polygons for ring in polygon for border in borders(ring))
    lonely = [border for border, count in uses.items() if count == 1]
    whole = Counter(border for polygons in reference.contours().departements.values() for polygon in polygons for ring in polygon for border in borders(ring))
    outline = {border for border, count in whole.items() if count == 1}

    assert max(uses.values()) == 2
    assert set(lonely) == outline


def test_communes_lie_in_the_contour_of_their_own_epci(normans):
    inside = sum(
        sum(contains(ring, commune.lat, commune.lon) for polygon in reference.contours().epcis[commune.epci] for ring in polygon) % 2 for commune in normans
    )

    assert inside / len(normans) > 0.999


def test_caen_is_drawn_inside_calvados_and_not_inside_manche():
    departements = svg_paths("departement")
    caen = reference.communes()["14118"]

    x, y = departements.project(caen.lat, caen.lon)
    left, top, right, bottom = box_of(departements.paths["14"])

    assert left < x < right
    assert top < y < bottom
    assert x > box_of(departements.paths["50"])[2]


def assert_fits(drawn: SvgMap, width: float) -> None:
    _, _, frame_width, frame_height = map(float, drawn.view_box.split())
    boxes = [box_of(path) for path in drawn.paths.values()]
    margin = width * 0.02

    assert frame_width == width
    assert min(box[0] for box in boxes) == pytest.approx(margin, abs=0.2)
    assert min(box[1] for box in boxes) == pytest.approx(margin, abs=0.2)
    assert max(box[2] for box in boxes) == pytest.approx(width - margin, abs=0.2)
    assert max(box[3] for box in boxes) == pytest.approx(frame_height - margin, abs=0.2)


def test_the_view_box_frames_what_is_drawn():
    assert_fits(svg_paths("epci"), 1000)
    assert_fits(svg_paths("departement", ["61"]), 1000)
    assert_fits(svg_paths("epci", ["246100663"], width=300), 300)


def test_north_is_up_and_distances_are_the_same_both_ways():
    project = svg_paths("departement").project
    (x, y), (x_east, _), (_, y_north) = project(49.1, 0.0), project(49.1, 1.0), project(50.1, 0.0)

    assert y_north < y
    assert (x_east - x) / (y - y_north) == pytest.approx(math.cos(math.radians(49.1)), abs=0.002)


def test_a_map_can_be_laid_over_another():
    # No EPCI crosses the limit of Manche: all of its outline is also an EPCI border.
    sirens = [siren for siren, departements in reference.epci_departements().items() if "50" in departements]
    below = svg_paths("epci", sirens)
    above = svg_paths("departement", ["50"], frame=below.project)

    assert above.view_box == below.view_box
    assert set(points_of(above.paths["50"])) <= {point for path in below.paths.values() for point in points_of(path)}


def test_a_map_is_made_once():
    assert svg_paths("epci", ["246100663", "200066827"]) is svg_paths("epci", {"200066827", "246100663"})


def test_an_area_without_contour_is_refused():
    with pytest.raises(KeyError, match="75"):
        svg_paths("departement", ["75"])
    with pytest.raises(ValueError, match="at least one area"):
        svg_paths("epci", [])


def test_vendored_files_stay_small():
    sizes = {file.name: file.stat().st_size for file in Path(reference.FOLDER).iterdir() if file.suffix in (".gz", ".csv")}

    assert sizes["communes.csv.gz"] < 1_000_000
    assert sizes["contours.json.gz"] < 300_000
    assert sum(sizes.values()) < 1_100_000
    assert sum(len(path) for path in svg_paths("epci").paths.values()) < 100_000
