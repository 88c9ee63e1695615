"""Occupations of the ROME: importing the official list, finding one by what people type, and how near two of them are.

The list is France Travail's, under an open licence. Everything works without it: keywords speak for the occupation then.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import case, delete, exists, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert

from matchmaker.engine.scoring import Proximity
from matchmaker.extensions import db
from matchmaker.models import Occupation, OccupationMobility, OccupationTitle
from matchmaker.services.errors import DomainError
from matchmaker.services.territories import plain

FILES = {
    "rome_metiers.csv": ("code_rome", "libelle"),
    "rome_appellations.csv": ("code_ogr", "libelle", "code_rome"),
    "rome_mobilites.csv": ("code_rome", "cible", "ordre"),
}
CODE = re.compile(r"[A-Z][0-9]{4}")
NAMED = re.compile(r".*\(([A-Z][0-9]{4})\)")
# The files rank the mobilities of an occupation and do not sort them into kinds. We take the first five as near, the others as a step up or aside.
NEAR_RANKS = 5
SAME, NEAR, FAR = 1.0, 0.7, 0.4


class RomeRefused(DomainError):
    """The folder does not hold the list in the form that we know; the message names the file, the column or the row. Nothing is written."""


class Imported(NamedTuple):
    """How many rows the tables hold after an import."""

    occupations: int
    titles: int
    mobilities: int


def import_rome(folder: Path) -> Imported:
    """Write the list that the folder holds in place of the one before. Raises RomeRefused.

    Announcements keep the occupation that they name, unless the new list has it no more.
    """
    occupations, titles, mobilities = read(folder)
    statement = insert(Occupation)
    fresh = {column: statement.excluded[column] for column in ("label", "folded")}
    connection = db.session.connection()
    connection.execute(delete(OccupationMobility))
    connection.execute(delete(OccupationTitle))
    connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh), occupations)
    connection.execute(delete(Occupation).where(Occupation.code.not_in([row["code"] for row in occupations])))
    copy_rows(OccupationTitle.__table__, titles)
    copy_rows(OccupationMobility.__table__, mobilities)
    db.session.expire_all()
    return Imported(len(occupations), len(titles), len(mobilities))


def copy_rows(table: Any, lines: Sequence[dict[str, Any]]) -> None:
    """Write rows by COPY: tens of thousands of them in a fraction of a second."""
    columns = [column.name for column in table.columns]
    cursor: Any = db.session.connection().connection.cursor()
    with cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
        for line in lines:
            copy.write_row([line[column] for column in columns])


def read(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of the three tables. Raises RomeRefused."""
    occupations = [
        {"code": checked_code(name, number, row["code_rome"]), "label": row["libelle"], "folded": plain(row["libelle"])}
        for name, number, row in records(folder, "rome_metiers.csv")
    ]
    if not occupations:
        raise RomeRefused("rome_metiers.csv has no row")
    known = {row["code"] for row in occupations}
    titles = [
        {
            "number": whole_number(name, number, row["code_ogr"]),
            "occupation_code": known_code(name, number, row["code_rome"], known),
            "title": row["libelle"],
            "folded": plain(row["libelle"]),
        }
        for name, number, row in records(folder, "rome_appellations.csv")
    ]
    mobilities = [
        {
            "from_code": known_code(name, number, row["code_rome"], known),
            "to_code": known_code(name, number, row["cible"], known),
            "rank": whole_number(name, number, row["ordre"]),
        }
        for name, number, row in records(folder, "rome_mobilites.csv")
        if row["code_rome"] != row["cible"]
    ]
    refuse_repeats("rome_metiers.csv", [row["code"] for row in occupations])
    refuse_repeats("rome_appellations.csv", [row["number"] for row in titles])
    refuse_repeats("rome_mobilites.csv", [(row["from_code"], row["to_code"]) for row in mobilities])
    return occupations, titles, mobilities


def records(folder: Path, name: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Name of the file, number of the row in a spreadsheet, its cells by title. Raises RomeRefused."""
    path = folder / name
    if not path.is_file():
        raise RomeRefused(f"{name} is missing")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in FILES[name] if column not in (reader.fieldnames or ())]
            if missing:
                raise RomeRefused(f"{name} has no column " + ", ".join(missing))
            for row in reader:
                cells = {column: (row[column] or "").strip() for column in FILES[name]}
                if not all(cells.values()):
                    empty = next(column for column, cell in cells.items() if not cell)
                    raise RomeRefused(f"{name}, row {reader.line_num}: {empty} is empty")
                yield name, reader.line_num, cells
    except UnicodeDecodeError:
        raise RomeRefused(f"{name} is not in UTF-8") from None
    except csv.Error as error:
        raise RomeRefused(f"{name}: {error}") from None


def checked_code(name: str, number: int, text: str) -> str:
    if not CODE.fullmatch(text):
        raise RomeRefused(f"{name}, row {number}: {text[:20]} is no code of an occupation")
    return text


def known_code(name: str, number: int, text: str, known: set[str]) -> str:
    if text not in known:
        raise RomeRefused(f"{name}, row {number}: {text[:20]} is not in rome_metiers.csv")
    return text


def whole_number(name: str, number: int, text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise RomeRefused(f"{name}, row {number}: {text[:20]} is no whole number")
    return int(text)


def refuse_repeats(name: str, keys: Sequence[Any]) -> None:
    seen: set[Any] = set()
    for key in keys:
        if key in seen:
            raise RomeRefused(f"{name}: {key} comes twice")
        seen.add(key)


def are_imported() -> bool:
    return bool(db.session.scalar(select(exists().select_from(Occupation))))


def search(text: str, limit: int = 8) -> list[str]:
    """Names of occupations, each with its code, in which every word of the text begins a word; those that begin with the text first, then the shortest."""
    words = plain(text).split()
    if not words:
        return []
    labels = select(Occupation.label.label("title"), Occupation.code.label("code"), Occupation.folded.label("folded"), literal(0).label("kind"))
    titles = select(OccupationTitle.title, OccupationTitle.occupation_code, OccupationTitle.folded, literal(1))
    both = union_all(labels, titles).subquery()
    # A plain text holds letters, digits and spaces: no wildcard of LIKE can be in it.
    has_words = [both.c.folded.startswith(word) | both.c.folded.contains(f" {word}") for word in words]
    rank = case((both.c.folded.startswith(" ".join(words)), 0), else_=1)
    # A label is often one of the titles too.
    query = select(both.c.title, both.c.code).where(*has_words).group_by(both.c.title, both.c.code, both.c.folded)
    query = query.order_by(rank, func.min(both.c.kind), func.length(both.c.title), both.c.title).limit(limit)
    return [f"{title} ({occupation})" for title, occupation in db.session.execute(query)]


def find(text: str) -> Occupation | None:
    """The occupation that this text names: with its code in brackets, by the code alone, or in full under one of its names."""
    asked = text.strip()
    named = NAMED.fullmatch(asked.upper())
    given = named[1] if named else asked.upper() if CODE.fullmatch(asked.upper()) else None
    if given is not None:
        return db.session.get(Occupation, given)
    folded = plain(asked)
    under = select(OccupationTitle.occupation_code).where(OccupationTitle.folded == folded)
    found = db.session.scalars(select(Occupation).where((Occupation.folded == folded) | Occupation.code.in_(under)).limit(2)).all()
    return found[0] if len(found) == 1 else None


def rows() -> dict[str, int]:
    """Code of each occupation → its row, by rising code: those of `proximity`."""
    return {code: row for row, code in enumerate(db.session.scalars(select(Occupation.code).order_by(Occupation.code.collate("C"))))}


def proximity() -> Proximity:
    """How near the occupations are, by row of `rows`: 1 to itself, 0.7 to those that it leads to first or that lead to it first, 0.4 to the others of its list.

    A mobility counts both ways: who looks for an accountant looks at those who can become one, and the other way round.
    """
    row_of = rows()
    pairs = {(row, row): SAME for row in row_of.values()}
    for one, other, rank in db.session.execute(select(OccupationMobility.from_code, OccupationMobility.to_code, OccupationMobility.rank)):
        value = NEAR if rank <= NEAR_RANKS else FAR
        for pair in ((row_of[one], row_of[other]), (row_of[other], row_of[one])):
            pairs[pair] = max(value, pairs.get(pair, 0.0))
    ordered = sorted(pairs)
    first = np.array([one for one, _other in ordered], dtype=np.int64)
    starts = np.searchsorted(first, np.arange(len(row_of) + 1)).astype(np.int64)
    return Proximity(starts, np.array([other for _one, other in ordered], dtype=np.int64), np.array([pairs[pair] for pair in ordered], dtype=np.float64))
