import pytest
from sqlalchemy import func, select, text

from matchmaker import reference
from matchmaker.extensions import db
from matchmaker.models import Commune, Level, Organisation, Territory, Theme
from matchmaker.services import territories
from matchmaker.services.commune_index import CommuneIndex
from tests.factories import OrganisationFactory, commune, departement


def test_all_communes_of_france_are_in_the_table(session):
    assert session.scalar(select(func.count()).select_from(Commune)) == len(reference.communes())

    caen = session.get(Commune, "14118")
    assert (caen.name, caen.folded_name, caen.departement_code, caen.region_code) == ("Caen", "caen", "14", "28")
    assert "14000" in caen.postal_codes
    assert session.get(Commune, "98818").region_code == ""


def test_loading_the_communes_again_writes_only_what_differs(session):
    session.execute(text("UPDATE commune SET name = 'Ancien nom', population = 1 WHERE code = '61169'"))
    versions = text("SELECT count(DISTINCT xmin::text) FROM commune WHERE code <> '61169'")
    before = session.scalar(versions)

    territories.load_communes()

    assert session.get(Commune, "61169").label == "Flers (61)"
    assert session.scalar(versions) == before


def test_normandy_has_its_departements_its_epci_and_their_themes(session):
    normandy = territories.territory_by_code("28")

    assert (normandy.level, normandy.name, normandy.parent) == (Level.REGION, "Normandie", None)
    assert [row.code for row in territories.departements_of(normandy)] == ["14", "27", "50", "61", "76"]
    assert departement("76").themes == [Theme.WATER, Theme.MOBILITY, Theme.FLAX_WOOD, Theme.URBAN_FARMING, Theme.CSR]
    assert normandy.themes
    inside = territories.descendants(normandy)
    assert len(inside) == 5 + 71
    assert normandy not in inside
    assert {row.level for row in territories.descendants(departement())} == {Level.EPCI}
    assert territories.descendants(territories.descendants(departement())[0]) == []


def test_an_epci_stands_in_the_loaded_departement_where_most_of_its_inhabitants_live(session):
    dreux = session.scalars(select(Territory).where(Territory.name == "Agglo du Pays de Dreux")).one()
    assert dreux.parent.code == "27"

    territories.load_region("24")
    territories.load_region("28")

    assert (dreux.parent.code, dreux.parent.name) == ("28", "Eure-et-Loir")


def test_loading_a_region_again_keeps_what_was_written_on_its_territories(session):
    count = select(func.count()).select_from(Territory)
    before = session.scalar(count)
    orne = departement()
    orne.themes, orne.contact_name, orne.name = [Theme.FOOD], "Camille", "ancien nom"

    territories.load_region("28")

    assert (orne.themes, orne.contact_name, orne.name) == ([Theme.FOOD], "Camille", "Orne")
    assert session.scalar(count) == before


def test_loading_a_region_gives_their_territory_to_the_structures_that_waited_for_it(session):
    waiting = OrganisationFactory(commune=commune("Lille (59)"), territory=None)

    region = territories.load_region("32")

    assert session.get(Organisation, waiting.id).territory.code == "59"
    assert region.themes == []


def test_a_code_of_no_region_is_refused(session):
    with pytest.raises(territories.UnknownRegion):
        territories.load_region("00")


def test_a_region_wins_over_the_departement_of_the_same_number(session):
    territories.load_region("24")

    assert territories.territory_by_code("28").name == "Normandie"
    assert territories.territory_by_code("28", Level.DEPARTEMENT).name == "Eure-et-Loir"
    assert territories.territory_by_code("999") is None


def test_the_departement_of_a_commune_is_none_outside_the_loaded_regions(session):
    assert territories.departement_of(commune("Flers (61)")).name == "Orne"
    assert territories.departement_of(commune("Flers (80)")) is None


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Domfront en Poiraie", "Domfront en Poiraie (61)"),
        ("domfront-en-poiraie", "Domfront en Poiraie (61)"),
        ("14000", "Caen (14)"),
        ("14118", "Caen (14)"),
        ("2a004", "Ajaccio (2A)"),
        ("Flers (61)", "Flers (61)"),
        (" Flers (80) ", "Flers (80)"),
        ("St Lô", "Saint-Lô (50)"),
        ("Flers", "Flers (61)"),
        ("Flers (14)", None),
        ("Dom", None),
        ("%", None),
        ("", None),
        ("\0", None),
    ],
)
def test_a_commune_is_found_by_what_people_type(session, typed, found):
    commune = territories.find_commune(typed)

    assert (commune.label if commune else None) == found


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("rou", ["Rouen (76)", "Roubaix (59)"]),
        ("Flers", ["Flers (61)", "Flers (62)"]),
        ("havre", ["Le Havre (76)"]),
        ("140", ["Caen (14)"]),
        ("ÉVREUX", ["Évreux (27)"]),
        ("Flers (62)", ["Flers (62)"]),
        ("%_", []),
        (" ", []),
    ],
)
def test_communes_are_suggested_the_biggest_first(session, typed, first):
    assert [row.label for row in territories.search_communes(typed, limit=len(first) or 5)] == first


def test_the_point_of_a_commune_is_its_centroid_where_it_is_known(session):
    assert territories.commune_point(commune("Caen (14)")) == pytest.approx((49.18, -0.37), abs=0.05)
    assert territories.commune_point(db.session.get(Commune, "98818")) is None


def test_the_commune_of_a_row_is_found_only_when_one_alone_can_be_meant(session):
    index = CommuneIndex()
    cases: list[tuple[dict[str, str], str | None]] = [
        ({"insee_code": "14118"}, "14118"),
        ({"insee_code": "1004"}, "01004"),
        ({"insee_code": "50173"}, "50129"),
        ({"insee_code": "00000", "name": "Caen"}, "14118"),
        ({"name": "LA FERTE MACE", "postal_code": "61600"}, "61168"),
        ({"name": "La Ferté-Macé", "departement": "Orne"}, "61168"),
        ({"name": "ROUEN CEDEX", "postal_code": "76085"}, "76540"),
        ({"name": "Le Havre Cedex 2", "departement": "76"}, "76351"),
        ({"name": "Lyon 3e arrondissement", "postal_code": "69003"}, "69123"),
        ({"name": "Ambérieu-en-Bugey", "postal_code": "1500"}, "01004"),
        ({"name": "Oissel", "postal_code": "76350"}, "76484"),
        ({"name": "Ajaccio", "postal_code": "20000"}, "2A004"),
        ({"name": "Flers", "departement": "61"}, "61169"),
        ({"name": "Flers"}, None),
        ({"name": "Caen", "postal_code": "76000"}, None),
        ({"name": "Atlantide", "postal_code": "14000"}, None),
        ({"name": "", "postal_code": "14000"}, None),
        ({"name": "Caen", "departement": "Bretagne"}, "14118"),
    ]

    assert [index.find(**place) for place, _ in cases] == [code for _, code in cases]
