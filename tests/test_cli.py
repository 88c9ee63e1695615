"""The commands of the terminal: what they print, what they refuse, and that nothing is half done."""

import csv
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from config import ROOT
from matchmaker.extensions import db
from matchmaker.models import Category, Level, MatchingRun, Organisation, RunStatus, Territory, User
from matchmaker.models.base import now, today
from matchmaker.services import matching
from tests.conftest import Client
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement
from tests.rights import MARKS, address

HEADER = ["siret", "nom", "commune", "code_postal", "latitude", "longitude", "couleur"]
# Each with a right key.
SIRETS = ("73282932000074", "44306184100047", "55208131766522")


def flask(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


def written(path: Path, *rows: list[str], header: list[str] | None = HEADER, encoding: str = "utf-8") -> str:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([*([header] if header else []), *rows])
    return str(path)


def row(siret: str, name: str = "Atelier d’été", commune: str = "Flers", **cells: str) -> list[str]:
    return [{"siret": siret, "nom": name, "commune": commune, "code_postal": "61100", **cells}.get(title, "") for title in HEADER]


def organisations() -> int:
    return db.session.scalar(select(func.count()).select_from(Organisation)) or 0


# Importing


def test_an_import_says_what_it_wrote_what_it_left_out_and_why(app: Flask, tmp_path: Path) -> None:
    file = written(
        tmp_path / "structures.csv",
        row(SIRETS[0]),
        row("12345678901234", "Clé fausse"),
        row("", "Sans numéro"),
        row(SIRETS[1], "Nulle part", "Villeperdue-sur-Rien", code_postal="99999"),
        row(SIRETS[2], "Trop loin", latitude="43.3", longitude="5.4"),
        row(SIRETS[0], "La même"),
    )

    result = flask(app, "import", "organisations", file)

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "1 created, 0 updated, 0 unchanged, 5 refused"
    assert lines[1] == "Ignored columns: couleur"
    assert lines[2] == "  Refused: row 3, 12345678901234: bad_siret checksum"
    assert lines[3] == "  Refused: row 4, no SIRET: bad_siret missing"
    assert re.fullmatch(rf"  Refused: row 5, {SIRETS[1]}: unknown_commune .*Villeperdue-sur-Rien", lines[4])
    assert re.fullmatch(rf"  Refused: row 6, {SIRETS[2]}: too_far \d+", lines[5])
    assert lines[6] == f"  Refused: row 7, {SIRETS[0]}: duplicate 2"
    structure = db.session.scalars(select(Organisation)).one()
    assert (structure.name, structure.siret, structure.commune.label, structure.source) == ("Atelier d’été", SIRETS[0], "Flers (61)", "structures")


def test_the_same_file_a_second_time_changes_nothing(app: Flask, tmp_path: Path) -> None:
    file = written(tmp_path / "structures.csv", row(SIRETS[0]), row(SIRETS[1], "Autre"))
    flask(app, "import", "organisations", file)
    before = db.session.execute(select(Organisation.__table__).order_by(Organisation.siret)).all()

    result = flask(app, "import", "organisations", file)

    assert result.output.splitlines()[0] == "0 created, 0 updated, 2 unchanged, 0 refused"
    db.session.expire_all()
    assert db.session.execute(select(Organisation.__table__).order_by(Organisation.siret)).all() == before


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"])
def test_a_file_in_another_encoding_is_refused_whole(app: Flask, tmp_path: Path, encoding: str) -> None:
    rows = [row(siret, "Atelier d'été") for siret in SIRETS]

    result = flask(app, "import", "organisations", written(tmp_path / "liste.csv", *rows, encoding=encoding))

    assert result.exit_code == 1
    assert re.fullmatch(r"Error: liste\.csv refused, nothing imported: (not_utf8|nul_bytes)\n", result.output)
    assert organisations() == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no_header"),
        (b"\n\n\n", "no_header"),
        (f"{SIRETS[0]},Atelier,Flers\n".encode(), "no_header"),
        (f"siret,nom\n{SIRETS[0]},Atelier\n".encode(), "missing_columns commune"),
        (f"siret,nom,commune,Nom\n{SIRETS[0]},Atelier,Flers,x\n".encode(), "duplicate_columns nom"),
        (b"siret,nom,commune" + b",x" * 600, "too_many_columns 603"),
        (f'siret,nom,commune\n{SIRETS[0]},"Atelier,Flers\n'.encode(), "malformed"),
        (f"siret,nom,commune\n{SIRETS[0]},{'a' * 30_000},Flers\n".encode(), "cell_too_long 2"),
        (f"siret,nom,commune\n{SIRETS[0]},Ate\0lier,Flers\n".encode(), "nul_bytes"),
    ],
    ids=["empty", "blank", "no titles", "no commune", "a title twice", "columns", "open quote", "cell", "NUL"],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_reason(app: Flask, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "liste.csv"
    file.write_bytes(content)

    result = flask(app, "import", "organisations", str(file))

    assert result.exit_code == 1
    assert f"liste.csv refused, nothing imported: {reason}" in result.output
    assert organisations() == 0


def test_a_file_of_more_than_ten_megabytes_is_refused(app: Flask, tmp_path: Path) -> None:
    line = ",".join(row(SIRETS[0], "a" * 900)) + "\n"
    file = tmp_path / "liste.csv"
    file.write_text(",".join(HEADER) + "\n" + line * 11_500)
    assert file.stat().st_size > 10_000_000

    result = flask(app, "import", "organisations", str(file))

    assert (result.exit_code, organisations()) == (1, 0)
    assert "too_big" in result.output


def test_a_million_rows_are_refused_and_the_good_ones_before_are_not_kept(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "liste.csv"
    file.write_text(",".join(HEADER) + "\n" + ",".join(row(SIRETS[0])) + "\n" + "1,b,c\n" * 1_000_000)

    result = flask(app, "import", "organisations", str(file))

    assert (result.exit_code, organisations()) == (1, 0)
    assert "too_many_rows 100000" in result.output


def test_a_file_that_is_not_there_is_named(app: Flask) -> None:
    result = flask(app, "import", "organisations", "/nowhere/liste.csv")

    assert result.exit_code == 2
    assert "/nowhere/liste.csv" in result.output


# Runs


def line_of(output: str, code: str) -> dict[str, float | str]:
    """The line of a département, read as the table's columns."""
    found = re.search(
        rf"^{code}  (?P<name>.{{18}}) *(?P<needs>\d+) +(?P<offers>\d+) +(?P<pairs>\d+) +(?P<served>\d+) +(?P<value>[\d.]+) +(?P<gap>\d+)$", output, re.M
    )
    assert found, output
    return {"name": found["name"].strip()} | {name: float(found[name]) for name in ("needs", "offers", "pairs", "served", "value", "gap")}


def test_a_region_runs_each_of_its_departements(app: Flask) -> None:
    OfferFactory()
    NeedFactory()
    NeedFactory(at="Caen (14)", category=Category.MATERIAL)
    db.session.commit()

    result = flask(app, "rematch", "28")

    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 6
    assert [line_of(result.output, code)["gap"] for code in ("14", "27", "50", "61", "76")] == [0] * 5
    orne, calvados = line_of(result.output, "61"), line_of(result.output, "14")
    assert (orne["name"], orne["needs"], orne["pairs"], orne["served"]) == ("Orne", 1, 1, 1)
    assert 0 < float(orne["value"]) <= 1
    assert (calvados["needs"], calvados["served"], calvados["value"]) == (1, 0, 0)
    runs = db.session.scalars(select(MatchingRun)).all()
    assert {(run.status, run.gap) for run in runs} == {(RunStatus.READY, 0)}
    assert len(runs) == 5


def test_a_departement_runs_alone(app: Flask) -> None:
    result = flask(app, "rematch", "61")

    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 2
    assert line_of(result.output, "61")["gap"] == 0


@pytest.mark.parametrize("code", ["99", "", "' OR 1=1", "246100663"])
def test_a_code_of_nowhere_is_said_to_be_none(app: Flask, code: str) -> None:
    result = flask(app, "rematch", code)

    assert result.exit_code == 1
    assert result.output.startswith(f"Error: No region or département has the code {code}")
    assert db.session.scalar(select(func.count()).select_from(MatchingRun)) == 0


def test_a_run_that_waits_already_is_the_one_that_is_computed(app: Flask) -> None:
    waiting = matching.request_run(departement("61"))
    db.session.commit()

    result = flask(app, "rematch", "28")

    assert result.exit_code == 0
    assert [line_of(result.output, code)["gap"] for code in ("14", "27", "50", "61", "76")] == [0] * 5
    assert db.session.get_one(MatchingRun, waiting.id).status is RunStatus.READY
    assert db.session.scalar(select(func.count()).select_from(MatchingRun)) == 5


# The map of the pages


def test_the_map_of_the_pages_names_the_access_of_each(app: Flask) -> None:
    rules = json.loads(flask(app, "url-map").output)

    assert {rule["rule"] for rule in rules} == {rule.rule for rule in app.url_map.iter_rules()}
    assert {rule["access"] for rule in rules} <= MARKS
    assert all(rule["methods"] and rule["endpoint"] for rule in rules)
    assert {"rule": "/besoins/<uuid:need_id>/publier", "methods": ["POST"], "endpoint": "declarations.publish_need", "access": "member"} in rules


def test_what_the_map_calls_public_is_open_and_the_rest_is_not(app: Flask, client: Client) -> None:
    for rule in json.loads(flask(app, "url-map").output):
        # The page of a code is for everybody, and comes after the one of the password.
        if "GET" in rule["methods"] and rule["endpoint"] not in {"static", "second_factor.ask"}:
            response = client.get(address(rule["rule"]))
            sent_away = response.status_code == 302 and response.location.startswith("/connexion")
            assert sent_away is (rule["access"] not in {"public", "token", "demo"}), rule


def test_the_command_prints_json_and_nothing_else() -> None:
    env = os.environ | {"SECRET_KEY": "of one test, thirty-two bytes at least", "DATABASE_URL": os.environ["CROISEE_TEST_DATABASE"]}

    done = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "url-map"], cwd=ROOT, env=env, check=True, capture_output=True, text=True)

    assert {"/", "/calculs", "/healthz"} <= {rule["rule"] for rule in json.loads(done.stdout)}


# Reference tables and demonstration


def test_another_region_is_one_command_and_leaves_the_first_as_it_was(app: Flask) -> None:
    orne = departement("61")
    orne.contact_name = "Dominique Lenoir"
    waiting = OrganisationFactory(at="Rennes (35)", territory=None)
    db.session.commit()
    before = set(db.session.execute(select(Territory.id, Territory.level, Territory.code, Territory.name)).all())

    first, second = flask(app, "reference", "load", "--region", "53"), flask(app, "reference", "load", "--region", "53")

    assert first.exit_code == second.exit_code == 0
    assert first.output == second.output
    assert re.fullmatch(r"3\d{4} communes; Bretagne: \d+ territories\n", first.output)
    db.session.expire_all()
    assert before < set(db.session.execute(select(Territory.id, Territory.level, Territory.code, Territory.name)).all())
    assert departement("61").contact_name == "Dominique Lenoir"
    assert waiting.territory is not None
    assert (waiting.territory.code, waiting.territory.parent.code) == ("35", "53")
    assert sorted(db.session.scalars(select(Territory.code).where(Territory.level == Level.REGION))) == ["28", "53"]


def test_a_region_that_does_not_exist_is_said_to_be_none(app: Flask) -> None:
    result = flask(app, "reference", "load", "--region", "99")

    assert result.exit_code == 1
    assert result.output == "Error: No region of France has the code 99.\n"


def test_the_demonstration_is_refused_outside_its_mode(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "DEMO", False)

    result = flask(app, "demo", "load")

    assert result.exit_code == 1
    assert "The demonstration is off" in result.output
    assert organisations() == 0


def test_the_demonstration_is_refused_where_there_is_anything(app: Flask) -> None:
    OrganisationFactory()
    db.session.commit()

    result = flask(app, "demo", "load")

    assert result.exit_code == 1
    assert "not empty: nothing was changed" in result.output
    assert organisations() == 1
    assert db.session.scalar(select(func.count()).select_from(User)) == 0


def test_the_accounts_of_the_demonstration_are_printed(app: Flask) -> None:
    UserFactory(email="hote@demo.croisee.test", is_demo=True)
    UserFactory(email="camille@structure.test")
    db.session.commit()

    assert flask(app, "demo", "accounts").output.split() == ["hote@demo.croisee.test", "demo-croisee-2026"]


def test_the_figures_that_are_due_are_written_at_once_and_only_once(app: Flask) -> None:
    NeedFactory(published_at=now() - timedelta(days=2))

    first, again = flask(app, "snapshot"), flask(app, "snapshot")

    assert (first.exit_code, again.exit_code) == (0, 0)
    yesterday = today() - timedelta(days=1)
    told = [line.partition(": ")[::2] for line in first.output.splitlines()]
    assert [(name, days.split()[0]) for name, days in told] == [("figures", f"{yesterday}"), ("white zones", f"{yesterday}"), ("groups", "Normandie")]
    assert again.output == ""
