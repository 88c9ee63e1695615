"""Reading a list of structures from a CSV file: refused as a whole, or rows of known cells."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from matchmaker.services.errors import DomainError
from matchmaker.services.territories import plain

MAX_BYTES = 10_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 500
MAX_CELL = 20_000

# Titles as they are met, made plain → the names used here.
COLUMNS = {
    "siret": "siret",
    "rna": "rna",
    "nom": "name",
    "denomination": "name",
    "enseigne": "brand",
    "type siae": "kind",
    "famille": "family",
    "naf": "naf",
    "adresse": "address",
    "code postal": "postal_code",
    "code insee": "insee_code",
    "commune": "commune",
    "departement": "departement",
    "lat": "latitude",
    "latitude": "latitude",
    "lon": "longitude",
    "longitude": "longitude",
    "site web": "website",
    "email": "email",
    "telephone": "phone",
    "description": "description",
    "idcc": "idcc",
    "source": "source",
}
# Of each of these, a file has at least one column.
ESSENTIAL = {"siret": ("siret", "rna"), "nom": ("name", "brand"), "commune": ("commune", "insee_code")}


class ImportRefused(DomainError):
    """The whole file is refused, and nothing written. ``detail`` is what the reason is about.

    Reasons: too_big, not_utf8, nul_bytes, malformed, no_header, missing_columns, duplicate_columns, too_many_columns,
    too_many_rows, cell_too_long.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason
        self.detail = detail


class Table(NamedTuple):
    """The rows of a file, with their number in a spreadsheet (the titles are row 1), and the titles that nobody knows.

    The cells of a row stand under the names of COLUMNS, empty where the file has none; « surplus » holds what stands to
    the right of the last column.
    """

    rows: list[tuple[int, dict[str, str]]]
    ignored_columns: list[str]


def read_csv(stream: BinaryIO) -> Table:
    """Return the rows of a CSV file in UTF-8, with commas or semicolons. Raises ImportRefused."""
    records = csv_records(text_of(stream))
    titles = next(records, [])
    places = places_of(titles)
    rows = []
    for number, record in enumerate(records, start=2):
        if number > MAX_ROWS + 1:
            raise ImportRefused("too_many_rows", str(MAX_ROWS))
        if any(cell.strip() for cell in record):
            rows.append((number, cells(record, places, width=len(titles))))
    return Table(rows, [title.strip() for place, title in enumerate(titles) if title.strip() and place not in places.values()])


def text_of(stream: BinaryIO) -> str:
    content = stream.read(MAX_BYTES)
    if len(content) >= MAX_BYTES:
        raise ImportRefused("too_big", str(MAX_BYTES))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused("not_utf8") from error
    # UTF-16 without its mark is valid UTF-8 full of NUL.
    if "\0" in text:
        raise ImportRefused("nul_bytes")
    return text


def csv_records(text: str) -> Iterator[list[str]]:
    """Yield the records, a blank line as an empty one. Raises ImportRefused."""
    title_line = text.lstrip().partition("\n")[0]
    delimiter = ";" if title_line.count(";") > title_line.count(",") else ","
    # strict: a quote that is never closed would otherwise swallow the rest of the file in silence.
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if any(len(cell) > MAX_CELL for cell in record):
                raise ImportRefused("cell_too_long", str(reader.line_num))
            yield record
    except csv.Error as error:
        raise ImportRefused("cell_too_long" if "field limit" in str(error) else "malformed", str(reader.line_num)) from error


def places_of(titles: Sequence[str]) -> dict[str, int]:
    """Return the place of each known column. Raises ImportRefused."""
    names = [plain(title) for title in titles]
    if len(names) > MAX_COLUMNS:
        raise ImportRefused("too_many_columns", str(len(names)))
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise ImportRefused("duplicate_columns", ", ".join(repeated))
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in COLUMNS:
            places.setdefault(COLUMNS[name], place)
    if not places:
        raise ImportRefused("no_header")
    if missing := [title for title, choice in ESSENTIAL.items() if not any(name in places for name in choice)]:
        raise ImportRefused("missing_columns", ", ".join(missing))
    return places


def cells(record: Sequence[str], places: dict[str, int], *, width: int) -> dict[str, str]:
    found = dict.fromkeys(COLUMNS.values(), "")
    for name, place in places.items():
        if place < len(record):
            found[name] = " ".join(record[place].split())
    found["surplus"] = " ".join("".join(record[width:]).split())
    return found
