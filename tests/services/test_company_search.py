"""What the public directory fills in, what is kept of it, and that nothing waits for it."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import CompanyRecord, Family, Headcount, InclusionKind
from matchmaker.models.base import now
from matchmaker.services import company_search
from tests.company_directory import SEAT, SIRET, Directory, directory, unit


@pytest.fixture
def server(app: Flask) -> Iterator[Directory]:
    with directory() as running:
        yield running


def test_an_establishment_is_read_with_its_family_its_kind_its_agreement_and_its_place(server: Directory) -> None:
    company = company_search.look_up(SIRET, url=server.url)

    assert company is not None
    assert (company.name, company.family, company.is_ess) == ("LES ATELIERS DU BOCAGE", Family.ASSOCIATION, True)
    assert (company.inclusion_kind, company.naf, company.idcc, company.headcount) == (InclusionKind.ACI, "88.10C", "1518", Headcount.SMALL)
    assert (company.commune_code, company.address, company.rna) == ("61169", "3 RUE DU LIN 61100 FLERS", "W611000001")
    assert not company.is_closed
    assert server.asked == [f"/search {SIRET}"]


def test_an_association_is_read_at_its_seat_by_its_rna_and_only_when_it_is_the_one(server: Directory) -> None:
    other = unit(complements={"identifiant_association": "W611000002"}, nom_raison_sociale="W611000001")
    closed = unit(etat_administratif="C", nom_raison_sociale="AVANT")
    server.results = [other, closed, unit()]

    company = company_search.look_up("W611000001", url=server.url)

    assert company is not None
    assert (company.name, company.siret, company.standing_siret, company.commune_code) == ("LES ATELIERS DU BOCAGE", SEAT, SEAT, "61145")
    assert (company.rna, company.idcc, company.is_closed) == ("W611000001", "1518", False)
    server.results = [other]
    assert company_search.look_up("W611000009", url=server.url) is None
    assert company_search.is_unknown("W611000009")


def test_it_is_asked_once_in_thirty_days(server: Directory) -> None:
    company_search.look_up(SIRET, url=server.url)
    company_search.look_up(SIRET, url=server.url)
    assert len(server.asked) == 1

    db.session.get_one(CompanyRecord, SIRET).fetched_at = now() - timedelta(days=31)
    db.session.flush()
    company_search.look_up(SIRET, url=server.url)

    assert len(server.asked) == 2
    assert db.session.scalar(select(func.count()).select_from(CompanyRecord)) == 1


def test_an_unknown_siret_is_asked_again_the_next_day(server: Directory) -> None:
    server.results = []

    assert company_search.look_up(SIRET, url=server.url) is None
    assert company_search.is_unknown(SIRET)
    company_search.look_up(SIRET, url=server.url)
    assert len(server.asked) == 1

    db.session.get_one(CompanyRecord, SIRET).fetched_at = now() - timedelta(days=2)
    db.session.flush()
    company_search.look_up(SIRET, url=server.url)
    assert len(server.asked) == 2


def test_a_closed_establishment_is_named_with_the_seat_that_is_open(server: Directory) -> None:
    server.results = [unit({"etat_administratif": "F", "date_fermeture": "2024-05-31"})]

    company = company_search.look_up(SIRET, url=server.url)

    assert company is not None
    assert (company.is_closed, company.closed_on, company.open_siret, company.open_commune) == (True, "2024-05-31", SEAT, "DOMFRONT EN POIRAIE")


def test_who_asked_for_discretion_has_no_address_here(server: Directory) -> None:
    server.results = [unit({"statut_diffusion_etablissement": "P"})]

    company = company_search.look_up(SIRET, url=server.url)

    assert company is not None
    assert (company.address, company.commune_code) == ("", "")
    assert "RUE DU LIN" not in str(db.session.get_one(CompanyRecord, SIRET).told)


@pytest.mark.parametrize(
    ("category", "is_ess", "family"),
    [
        ("9220", True, Family.ASSOCIATION),
        ("9300", True, Family.FOUNDATION),
        ("8210", True, Family.MUTUAL),
        ("6411", True, Family.MUTUAL),
        ("5458", True, Family.COOPERATIVE),
        ("5560", False, Family.COOPERATIVE),
        ("6316", True, Family.COOPERATIVE),
        ("5710", True, Family.ESS_COMPANY),
        ("5710", False, Family.COMPANY),
        ("5499", False, Family.COMPANY),
        ("7210", False, Family.PUBLIC),
        ("", False, Family.COMPANY),
    ],
)
def test_a_company_is_of_the_ess_only_when_the_directory_says_so(category: str, is_ess: bool, family: Family) -> None:
    assert company_search.family_of(category, is_ess=is_ess) is family


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429},
        {"status": 500},
        {"status": 302, "location": "http://169.254.169.254/latest"},
        {"body": b"<html>maintenance</html>"},
        {"body": b'{"results": 3}'},
        {"body": b'{"results": ["a"]}'},
        {"body": b'{"erreur": "trop de demandes"}'},
        {"body": b"[" * 100_000},
        {"body": b" " * (company_search.MOST_BYTES + 1)},
        {"body": b""},
    ],
    ids=str,
)
def test_whatever_goes_wrong_there_is_no_answer_and_nothing_is_kept(server: Directory, fault: dict[str, object]) -> None:
    for name, value in fault.items():
        setattr(server, name, value)

    assert company_search.look_up(SIRET, url=server.url) is None
    assert db.session.get(CompanyRecord, SIRET) is None
    assert len(server.asked) == 1, "a redirection is not followed"


def test_a_slow_directory_is_not_waited_for(server: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company_search, "SECONDS", 0.2)
    server.seconds = 1.0
    before = now()

    assert company_search.look_up(SIRET, url=server.url) is None

    assert now() - before < timedelta(seconds=0.9)


def test_a_directory_that_is_not_there_or_is_off_is_no_hindrance(app: Flask) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert company_search.look_up(SIRET, url=f"http://127.0.0.1:{port}") is None
    assert company_search.look_up(SIRET, url="") is None


def test_what_was_kept_is_used_when_the_directory_fails_later(server: Directory) -> None:
    company_search.look_up(SIRET, url=server.url)
    db.session.get_one(CompanyRecord, SIRET).fetched_at = now() - timedelta(days=60)
    db.session.flush()
    server.status = 503

    company = company_search.look_up(SIRET, url=server.url)

    assert company is not None
    assert company.name == "LES ATELIERS DU BOCAGE"


def test_what_it_says_is_read_as_text_whatever_it_is(server: Directory) -> None:
    server.results = [unit({"commune": 61169, "adresse": None, "liste_idcc": ["1518", "2264"]}, nom_raison_sociale="A\u0000B\u202e", complements=None)]

    company = company_search.look_up(SIRET, url=server.url)

    assert company is not None
    assert (company.name, company.commune_code, company.address, company.idcc, company.is_ess) == ("AB", "", "", "", False)
