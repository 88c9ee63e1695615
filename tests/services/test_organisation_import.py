import io

import pytest
from sqlalchemy import func, select

from matchmaker.models import EssLabel, Family, InclusionKind, Organisation
from matchmaker.services import organisations, territories
from matchmaker.services.organisation_csv import MAX_BYTES, MAX_CELL, MAX_COLUMNS, MAX_ROWS
from matchmaker.services.organisation_import import ImportRefused, ImportReport, Remark, import_organisations, read_csv
from tests.factories import OrganisationFactory, commune

FLERS = "48.7479,-0.5667"
HEADER = "siret,type_siae,nom,enseigne,naf,adresse,code_postal,commune,departement,lat,lon,site_web,source\n"
# Invented structures; the numbers only have right keys.
LIST = (
    HEADER
    + f"73282932000074,ACI,LA REMISE,,8899B,1 rue des Lilas,61100,Flers,61,{FLERS},https://remise.test,ASP\n"
    + "44306184100047,EI,LES JARDINS,Jardins d’Aure,81.30z,,50000,ST LO,50,,,,GEIQ\n"
    + "21610000800012,ACI,MAIRIE,,,,61000,Alençon,61,,,,ASP\n"
)


def load(text: str, *, source: str = "liste d’essai", encoding: str = "utf-8") -> ImportReport:
    return import_organisations(io.BytesIO(text.encode(encoding)), source=source)


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.updated, report.unchanged


def one(siret: str) -> Organisation:
    organisation = organisations.organisation_by_siret(siret)
    assert organisation is not None
    return organisation


def row(siret: str = "73282932000074", nom: str = "La Remise", place: str = "61100,Flers", rest: str = "") -> str:
    return f"{siret},{nom},{place}{rest}\n"


def test_a_list_becomes_structures(session):
    report = load(LIST)

    assert counts(report) == (3, 0, 0)
    assert (report.refused, report.noted, report.ignored_columns) == ([], [], [])
    remise, jardins = one("73282932000074"), one("44306184100047")
    assert (remise.name, remise.inclusion_kind, remise.family, remise.ess_label) == ("LA REMISE", InclusionKind.ACI, Family.ASSOCIATION, EssLabel.LISTED)
    assert (remise.commune.label, remise.territory.code, remise.point) == ("Flers (61)", "61", (48.7479, -0.5667))
    assert (remise.website, remise.address, remise.source, remise.email, remise.phone) == ("https://remise.test", "1 rue des Lilas", "ASP", "", "")
    assert (jardins.name, jardins.naf, jardins.family, jardins.commune.label, jardins.source) == (
        "Jardins d’Aure",
        "8130Z",
        Family.ESS_COMPANY,
        "Saint-Lô (50)",
        "GEIQ",
    )
    assert (one("21610000800012").family, one("21610000800012").ess_label) == (Family.PUBLIC, EssLabel.DECLARED)


def test_the_same_list_again_changes_nothing(session):
    load(LIST)
    changed_at = one("73282932000074").updated_at

    assert counts(load(LIST)) == (0, 0, 3)
    assert one("73282932000074").updated_at == changed_at


def test_semicolons_a_byte_order_mark_and_decimal_commas_are_read(session):
    text = "SIRET;Dénomination;Code INSEE;Latitude;Longitude;Téléphone;Chiffre d'affaires\n73282932000074;La Remise;61169;48,7479;-0,5667;02 33 00 00 00;12\n"

    report = load(text, encoding="utf-8-sig")

    assert (counts(report), report.ignored_columns) == ((1, 0, 0), ["Chiffre d'affaires"])
    assert (one("73282932000074").latitude, one("73282932000074").phone) == (48.7479, "02 33 00 00 00")


def test_a_newer_list_updates_what_it_says_and_erases_nothing(session):
    load(LIST)

    report = load("siret,nom,code_postal,commune,email,adresse\n73282932000074,La Remise,76000,Rouen,contact@la-remise-de-flers.fr,\n", source="annuaire")

    remise = one("73282932000074")
    assert counts(report) == (0, 1, 0)
    assert (remise.name, remise.email, remise.source) == ("La Remise", "contact@la-remise-de-flers.fr", "annuaire")
    assert (remise.address, remise.website, remise.family, remise.inclusion_kind) == (
        "1 rue des Lilas",
        "https://remise.test",
        Family.ASSOCIATION,
        InclusionKind.ACI,
    )
    assert (remise.commune_code, remise.territory_id, remise.latitude) == ("76540", territories.territory_by_code("76").id, None)


@pytest.mark.parametrize("source", ["inscription", "animation", "démonstration"])
def test_structures_that_people_wrote_or_changed_are_left_as_they_are(session, source):
    OrganisationFactory(name="Inscrite", siret="73282932000074", source=source)
    load(LIST)
    organisations.update_organisation(one("44306184100047"), name="Notre vrai nom")

    report = load(LIST.replace("LES JARDINS", "AUTRE NOM"))

    assert counts(report) == (0, 0, 3)
    assert one("73282932000074").name == "Inscrite"
    assert one("44306184100047").name == "Notre vrai nom"


def test_a_list_cannot_pass_for_a_sign_up_nor_undo_a_check(session):
    load(LIST.replace(",ASP", ",Inscription"))
    remise = one("73282932000074")
    assert remise.source == "liste d’essai"
    remise.ess_label = EssLabel.VERIFIED

    assert counts(load(LIST.replace(",ASP", ",Inscription"))) == (0, 0, 3)
    assert remise.ess_label is EssLabel.VERIFIED


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (row(siret="73282932000075"), "bad_siret", "checksum"),
        (row(siret="732829320"), "bad_siret", "length"),
        (row(siret="7.33E+13"), "bad_siret", "digits"),
        (row(siret="00000000000000"), "bad_siret", "zeros"),
        (row(siret=""), "bad_siret", "missing"),
        (row(nom=""), "missing_name", ""),
        (row(place="14000,Atlantide"), "unknown_commune", "14000 Atlantide"),
        (row(place=","), "unknown_commune", ""),
        (row(rest=",44.99,-0.44"), "too_far", "417"),
        (row(rest=",0,0"), "too_far", "5420"),
        (row(rest=",48.75,"), "bad_coordinates", "missing"),
        (row(rest=",nan,0.1"), "bad_coordinates", "nan"),
        (row(rest=",91,0.1"), "bad_coordinates", "91"),
        (row(rest=",48.75,-0.57,,,,Trop"), "too_many_cells", "Trop"),
    ],
)
def test_a_row_is_refused_with_its_reason_and_the_others_go_on(session, line, reason, detail):
    report = load("siret,nom,code_postal,commune,lat,lon,rna,email,description\n" + line + row(siret="44306184100047"))

    assert report.created == 1
    assert [(refused.number, refused.reason, refused.detail) for refused in report.refused] == [(2, reason, detail)]


def test_the_second_row_of_a_siret_is_a_duplicate(session):
    report = load("siret,nom,code_postal,commune\n" + row() + "\n" + row(siret="732 829 320 00074", nom="Encore"))

    assert report.created == 1
    assert report.refused == [Remark(4, "732 829 320 00074", "duplicate", "2")]
    assert one("73282932000074").name == "La Remise"


def test_a_lost_first_zero_is_given_back_and_noted(session):
    report = load("siret,nom,code_postal,commune\n" + row(siret="5880148100019") + row(siret="5880148100010"))

    assert one("05880148100019").name == "La Remise"
    assert report.noted == [Remark(2, "5880148100019", "siret_repaired", "05880148100019")]
    assert [refused.reason for refused in report.refused] == ["bad_siret"]


def test_what_cannot_be_kept_of_a_row_is_left_out_and_noted(session):
    header = "siret,nom,code_postal,commune,type_siae,famille,rna,email,telephone,site_web,idcc\n"

    report = load(header + row(rest=",XYZ,guilde,W12,pas une adresse,appelez-moi,javascript:alert(1),abc"))

    organisation = one("73282932000074")
    assert {note.reason for note in report.noted} == {"unknown_kind", "unknown_family", "bad_rna", "bad_email", "bad_phone", "bad_website", "bad_idcc"}
    assert (organisation.rna, organisation.email, organisation.phone, organisation.website, organisation.idcc) == (None, "", "", "", None)
    assert (organisation.family, organisation.ess_label) == (Family.COMPANY, EssLabel.DECLARED)


def test_the_family_that_is_written_comes_before_any_guess(session):
    load("siret,nom,code_postal,commune,type_siae,famille,idcc,site_web\n" + row(rest=",ACI,Coopérative,16,remise.test"))

    organisation = one("73282932000074")
    assert (organisation.family, organisation.ess_label) == (Family.COOPERATIVE, EssLabel.LISTED)
    assert (organisation.idcc, organisation.website) == ("0016", "https://remise.test")


def test_an_association_without_siret_is_known_by_its_rna_and_receives_its_siret_later(session):
    header = "siret,rna,nom,code_postal,commune\n"
    load(header + ",W611000001,La Remise,61100,Flers\n")

    report = load(header + "73282932000074,W611000001,La Remise,61100,Flers\n")

    assert counts(report) == (0, 1, 0)
    assert (one("73282932000074").rna, one("73282932000074").family) == ("W611000001", Family.ASSOCIATION)


def test_the_second_place_of_an_association_is_known_by_its_siret_alone(session):
    header = "siret,rna,nom,code_postal,commune\n"
    text = header + "73282932000074,W611000001,La Remise,61100,Flers\n44306184100047,W611000001,La Remise bis,61000,Alençon\n"

    report = load(text)
    elsewhere = load(header + "05880148100019,W611000001,La Remise ter,61000,Alençon\n")

    assert (counts(report), counts(elsewhere)) == ((2, 0, 0), (1, 0, 0))
    assert [note.reason for note in report.noted + elsewhere.noted] == ["rna_taken", "rna_taken"]
    assert (one("44306184100047").rna, one("05880148100019").rna) == (None, None)
    assert counts(load(text)) == (0, 0, 2)


def test_two_rows_that_mean_one_structure_are_not_both_written(session):
    header = "siret,rna,nom,code_postal,commune\n"
    load(header + "73282932000074,W611000001,La Remise,61100,Flers\n")

    report = load(header + "73282932000074,,La Remise,61100,Flers\n,W611000001,Autre nom,61100,Flers\n")

    assert [(refused.number, refused.reason, refused.detail) for refused in report.refused] == [(3, "duplicate", "W611000001")]
    assert one("73282932000074").name == "La Remise"


def test_a_structure_outside_the_loaded_regions_is_kept_without_a_territory(session):
    load("siret,nom,code_postal,commune\n" + row(place="59000,Lille"))

    assert (one("73282932000074").commune_code, one("73282932000074").territory_id) == (commune("Lille (59)").code, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no_header"),
        (LIST.encode("utf-16"), "not_utf8"),
        (LIST.encode("utf-16-le"), "not_utf8"),
        ("siret,nom,commune\n1,a,b\n".encode("utf-16-le"), "nul_bytes"),
        (LIST.replace("’", "'").encode("latin-1"), "not_utf8"),
        (b"73282932000074,La Remise,Flers\n", "no_header"),
        (b"siret,nom\n", "missing_columns"),
        (b"nom,commune\n", "missing_columns"),
        (b"siret,commune\n", "missing_columns"),
        (b"siret,nom,commune,Nom\n", "duplicate_columns"),
        (b'siret,nom,commune\n73282932000074,"La Remise,Flers\n', "malformed"),
        (b"siret,nom,commune\n73282932000074,La\0Remise,Flers\n", "nul_bytes"),
        (b"siret,nom,commune\n73282932000074," + b"a" * (MAX_CELL + 1) + b",Flers\n", "cell_too_long"),
        (b"siret,nom,commune\n73282932000074," + b"a" * 200_000 + b",Flers\n", "cell_too_long"),
        (b"siret,nom,commune," + b",".join(b"c%d" % number for number in range(MAX_COLUMNS)) + b"\n", "too_many_columns"),
        (b"siret,nom,commune\n" + b"1,a,b\n" * (MAX_ROWS + 1), "too_many_rows"),
        (b"siret,nom,commune\n" + b"\n" * (MAX_ROWS * 10), "too_many_rows"),
        (b"siret,nom,commune\n".ljust(MAX_BYTES, b" "), "too_big"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(session, content, reason):
    with pytest.raises(ImportRefused) as refusal:
        import_organisations(io.BytesIO(content), source="liste d’essai")

    assert refusal.value.reason == reason
    assert session.scalar(select(func.count()).select_from(Organisation)) == 0


def test_a_file_at_the_limits_is_read():
    rows = read_csv(io.BytesIO(b"siret,nom,commune\n" + b"1,a,b\n" * MAX_ROWS)).rows

    assert (len(rows), rows[0][0], rows[-1][0]) == (MAX_ROWS, 2, MAX_ROWS + 1)


def test_short_rows_line_ends_and_lines_within_cells_are_read():
    table = read_csv(io.BytesIO(b'siret,nom,commune,\r73282932000074,"La\nRemise",Flers\r\n,,,\n1,b\n'))

    assert [(number, cells["name"], cells["commune"]) for number, cells in table.rows] == [(2, "La Remise", "Flers"), (4, "b", "")]
    assert table.ignored_columns == []
