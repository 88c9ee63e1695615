"""The list of occupations: imported from a folder of files, found by what people type, near or far from each other."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matchmaker.models import Category, Need, Occupation, OccupationMobility, OccupationTitle
from matchmaker.services import occupations
from matchmaker.services.occupations import RomeRefused
from tests.factories import NeedFactory

# Invented, in the form of the official files.
OCCUPATIONS = "code_rome,libelle,code_parent,transition_eco\nZ1001,Semeur / Semeuse de lin,Z1001,\nZ1002,Rouisseuse,Z1001,\nZ1003,Teilleur / Teilleuse,Z1003,\n"
TITLES = """code_ogr,libelle,libelle_court,code_rome
1,Semeuse à la volée,,Z1001
2,Ouvrière du rouissage,,Z1002
3,Chef·fe d’équipe,,Z1001
4,Chef·fe d’équipe,,Z1003
5,Rouisseuse,,Z1002
"""
MOBILITIES = "code_rome,cible,ordre\nZ1001,Z1002,1\nZ1003,Z1001,6\nZ1002,Z1001,7\n"


def folder_of(path: Path, **files: str | bytes) -> Path:
    """A folder of the three files; another text may be given for each."""
    for name, text in {"metiers": OCCUPATIONS, "appellations": TITLES, "mobilites": MOBILITIES, **files}.items():
        content = text if isinstance(text, bytes) else text.encode()
        if content:
            (path / f"rome_{name}.csv").write_bytes(content)
    return path


@pytest.fixture
def imported(session: Session, tmp_path: Path) -> Path:
    folder = folder_of(tmp_path)
    occupations.import_rome(folder)
    return folder


def count(session: Session) -> tuple[int, ...]:
    return tuple(session.scalar(select(func.count()).select_from(model)) or 0 for model in (Occupation, OccupationTitle, OccupationMobility))


def test_nothing_is_known_before_the_import(session: Session) -> None:
    assert not occupations.are_imported()
    assert occupations.search("semeur") == []
    assert occupations.find("Z1001") is None
    assert occupations.rows() == {}
    near = occupations.proximity()
    assert [len(array) for array in (near.start, near.other, near.value)] == [1, 0, 0]


def test_an_import_twice_over_leaves_the_same_rows(session: Session, imported: Path) -> None:
    assert occupations.are_imported()
    assert count(session) == (3, 5, 3)

    assert occupations.import_rome(imported) == (3, 5, 3)

    assert count(session) == (3, 5, 3)


def test_a_newer_list_keeps_what_announcements_name_unless_it_is_gone(session: Session, imported: Path) -> None:
    stays, goes = (NeedFactory(category=Category.JOB, occupation_code=code) for code in ("Z1001", "Z1003"))
    newer = OCCUPATIONS.replace("Semeur / Semeuse de lin", "Semeuse").replace("Z1003,Teilleur / Teilleuse,Z1003,\n", "")
    occupations.import_rome(folder_of(imported, metiers=newer, appellations=TITLES.replace("Z1003", "Z1002"), mobilites="code_rome,cible,ordre\n"))

    session.expire_all()
    assert stays.occupation.name == "Semeuse (Z1001)"
    assert session.scalars(select(Need.occupation_code).where(Need.id == goes.id)).one() is None
    assert count(session) == (2, 5, 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("semeu", ["Semeur / Semeuse de lin (Z1001)", "Semeuse à la volée (Z1001)"]),
        ("lin semeuse", ["Semeur / Semeuse de lin (Z1001)"]),
        ("ROUISSAGE", ["Ouvrière du rouissage (Z1002)"]),
        ("rouisseuse", ["Rouisseuse (Z1002)"]),
        ("eur", []),
        ("%", []),
        ("", []),
    ],
)
def test_names_are_found_by_the_beginnings_of_their_words(imported: Path, text: str, found: list[str]) -> None:
    assert occupations.search(text) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Semeuse à la volée (Z1001)", "Z1001"),
        ("z1002", "Z1002"),
        ("ouvriere du rouissage", "Z1002"),
        ("rouisseuse", "Z1002"),
        ("Chef·fe d’équipe", None),
        ("Inconnu (Z9999)", None),
        ("Inconnu", None),
    ],
)
def test_a_text_names_one_occupation_or_none(imported: Path, text: str, code: str | None) -> None:
    found = occupations.find(text)

    assert (found.code if found else None) == code


def test_proximity_is_the_best_of_both_ways(imported: Path) -> None:
    assert occupations.rows() == {"Z1001": 0, "Z1002": 1, "Z1003": 2}

    near = occupations.proximity()

    table = {(row, int(near.other[at])): float(near.value[at]) for row in range(3) for at in range(int(near.start[row]), int(near.start[row + 1]))}
    assert table == {(0, 0): 1.0, (1, 1): 1.0, (2, 2): 1.0, (0, 1): 0.7, (1, 0): 0.7, (0, 2): 0.4, (2, 0): 0.4}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"metiers": ""}, "rome_metiers.csv is missing"),
        ({"mobilites": ""}, "rome_mobilites.csv is missing"),
        ({"metiers": "code_rome,libelle\n"}, "rome_metiers.csv has no row"),
        ({"appellations": "code_ogr,code_rome\n"}, "rome_appellations.csv has no column libelle"),
        ({"mobilites": "a,b\n"}, "rome_mobilites.csv has no column code_rome, cible, ordre"),
        ({"metiers": "code_rome,libelle\n1001,Semeur\n"}, "row 2: 1001 is no code of an occupation"),
        ({"metiers": "code_rome,libelle\nZ1001,\n"}, "row 2: libelle is empty"),
        ({"metiers": OCCUPATIONS + "Z1001,Encore,,\n"}, "rome_metiers.csv: Z1001 comes twice"),
        ({"mobilites": "code_rome,cible,ordre\nZ1001,Z9999,1\n"}, "row 2: Z9999 is not in rome_metiers.csv"),
        ({"mobilites": "code_rome,cible,ordre\nZ1001,Z1002,proche\n"}, "row 2: proche is no whole number"),
        ({"metiers": OCCUPATIONS.encode("utf-16")}, "rome_metiers.csv is not in UTF-8"),
        ({"metiers": 'code_rome,libelle\nZ1001,"Semeur\n'}, "rome_metiers.csv"),
    ],
)
def test_a_folder_that_is_not_the_list_is_refused_with_the_place_and_nothing_is_written(
    session: Session, tmp_path: Path, files: dict[str, str | bytes], reason: str
) -> None:
    with pytest.raises(RomeRefused, match=reason.replace(".", r"\.")):
        occupations.import_rome(folder_of(tmp_path, **files))

    assert count(session) == (0, 0, 0)
