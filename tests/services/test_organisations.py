import pytest
from sqlalchemy import event, func, select

from matchmaker.extensions import db
from matchmaker.models import Family, Organisation
from matchmaker.services import organisations, territories
from matchmaker.services.errors import SiretTaken
from tests.factories import OrganisationFactory, commune

SIRET = "73282932000074"


def create(**fields):
    defaults = {"name": "La Remise", "family": Family.ASSOCIATION, "commune": commune("Flers (61)")}
    return organisations.create_organisation(**defaults | fields)


def names(*arguments, **options):
    return [row.name for row in organisations.search_organisations(*arguments, **options).items]


def test_a_new_structure_belongs_to_the_departement_of_its_commune(session):
    organisation = create(siret="732 829 320 00074", rna="", email="bonjour@remise.test")

    found = organisations.organisation_by_siret(SIRET)
    assert found is organisation
    assert (found.territory.name, found.rna, found.email, found.source) == ("Orne", None, "bonjour@remise.test", "inscription")


def test_a_structure_outside_the_loaded_regions_has_no_territory(session):
    assert create(commune=commune("Lille (59)")).territory is None


@pytest.mark.parametrize("number", [{"siret": SIRET}, {"rna": "W751000001"}])
def test_a_number_that_another_structure_has_is_refused_and_the_transaction_goes_on(session, number):
    create(**number)

    with pytest.raises(SiretTaken):
        create(name="Une autre", **number)

    assert session.scalar(select(func.count()).select_from(Organisation)) == 1


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("7328293200007", "length"),
        ("73282932000075", "checksum"),
        ("7,33E+13", "digits"),
        ("", "digits"),
        ("٧٣٢٨٢٩٣٢٠٠٠٠٧٤", "digits"),
        ("00000000000000", "zeros"),
    ],
)
def test_a_wrong_siret_is_refused_and_said_how(text, how):
    with pytest.raises(organisations.BadSiret) as refusal:
        organisations.read_siret(text)

    assert refusal.value.how == how


def test_the_post_offices_have_a_key_of_their_own():
    assert organisations.read_siret("356 000 000 49837") == "35600000049837"


@pytest.mark.parametrize("text", ["751000001", "W75100000", "W7510000011", "X751000001"])
def test_a_wrong_number_of_association_is_refused(text):
    with pytest.raises(organisations.BadRna):
        organisations.read_rna(text)


def test_a_structure_that_changes_its_page_moves_and_is_its_own_source(session):
    organisation = OrganisationFactory(source="ASP", siret=SIRET)

    organisations.update_organisation(organisation, name="Nouveau nom", commune=commune("Rouen (76)"))

    assert (organisation.name, organisation.territory.code, organisation.source, organisation.siret) == ("Nouveau nom", "76", "inscription", SIRET)


def test_a_refused_change_leaves_the_structure_as_it_was(session):
    OrganisationFactory(siret=SIRET)
    other = OrganisationFactory(name="Avant")

    with pytest.raises(SiretTaken):
        organisations.update_organisation(other, name="Après", siret=SIRET)

    assert (other.name, other.siret) == ("Avant", None)


def test_the_directory_finds_names_communes_and_sirets_without_accents_and_in_order(session):
    OrganisationFactory(name="Zinc & Cie", siret=SIRET)
    OrganisationFactory(name="épicerie d’à côté", at="Saint-Lô (50)")
    OrganisationFactory(name="Éclat 100 %")
    OrganisationFactory(name="Atelier ST Vincent")

    assert names() == ["Atelier ST Vincent", "Éclat 100 %", "épicerie d’à côté", "Zinc & Cie"]
    assert names("EPICERIE") == ["épicerie d’à côté"]
    assert names("st lo") == ["épicerie d’à côté"]
    assert names("st vincent") == ["Atelier ST Vincent"]
    assert names("zinc flers") == ["Zinc & Cie"]
    assert names("7328") == ["Zinc & Cie"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "\0"])
def test_wildcards_find_nothing(session, text):
    OrganisationFactory()

    assert names(text) == []


def test_the_directory_keeps_to_a_territory_of_any_level(session):
    OrganisationFactory(name="Flers")
    OrganisationFactory(name="Rouen", at="Rouen (76)")
    OrganisationFactory(name="Lille", commune=commune("Lille (59)"), territory=None)

    assert names("", territories.territory_by_code("28")) == ["Flers", "Rouen"]
    assert names("", territories.territory_by_code("76")) == ["Rouen"]
    assert names("", territories.territory_by_code(commune("Flers (61)").epci_code)) == ["Flers"]


def test_the_directory_is_cut_in_pages_and_a_page_too_far_is_empty(session):
    for _ in range(5):
        OrganisationFactory()

    page = organisations.search_organisations(page=2, per_page=2)
    assert (page.total, page.pages, len(page.items)) == (5, 3, 2)
    assert organisations.search_organisations(page=10**30).items == []
    assert len(organisations.search_organisations(page=-1).items) == 5


@pytest.mark.parametrize("count", [2, 20])
def test_a_page_of_the_directory_takes_two_queries_whatever_it_holds(session, count):
    for _ in range(count):
        OrganisationFactory()
    session.expire_all()
    statements: list[str] = []

    def note(connection, cursor, statement, *rest):
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        page = organisations.search_organisations()
        labels = {row.commune.label for row in page.items}
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

    assert (page.total, labels) == (count, {"Flers (61)"})
    assert len(statements) == 2
