"""The observatory as files: CSV for machines and spreadsheets, XLSX for spreadsheets. No cell is read as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from matchmaker.services.observatory_places import code_of
from matchmaker.web import observatory_reading
from matchmaker.web.access import public
from matchmaker.web.feedback import harmless
from matchmaker.web.observatory_reading import Reading
from matchmaker.web.observatory_words import plain

bp = Blueprint("observatory_files", __name__)

Value = str | int | Decimal | None
COLUMNS = ("territoire", "nom", "période", "relevé", "numéro", "indicateur", "chiffre", "numérateur", "dénominateur", "publié", "définition")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/observatoire/indicateurs.csv")
@public
def indicators_csv() -> ResponseReturnValue:
    reading = asked()
    # With the mark by which spreadsheets know that accents are UTF-8, and the comma of French numbers.
    return download("\ufeff" + written(COLUMNS, rows(reading), delimiter=";", comma=True), "text/csv; charset=utf-8", f"indicateurs-{name_of(reading)}.csv")


@bp.get("/observatoire/indicateurs.xlsx")
@public
def indicators_xlsx() -> ResponseReturnValue:
    reading = asked()
    return download(workbook(COLUMNS, rows(reading), "Indicateurs"), XLSX, f"indicateurs-{name_of(reading)}.xlsx")


def asked() -> Reading:
    reading = observatory_reading.asked()
    return reading if reading.is_known else abort(404)


def name_of(reading: Reading) -> str:
    return f"{reading.query['territoire']}-{reading.query['periode']}"


def rows(reading: Reading) -> Iterable[list[Value]]:
    """The indicators of the territory, then of those that it is compared with."""
    if reading.territory is None or reading.period is None or reading.day is None:
        return
    others = [one for one in reading.places.compared(reading.territory) if one.id != reading.territory.id]
    for territory in (reading.territory, *others):
        for one in (reading.shown(row.indicator, territory) for row in reading.all()):
            cell = one.cell
            numbers: list[Value] = [plain(one.indicator.key, cell), cell.value, cell.denominator] if cell else [None, None, None]
            start: list[Value] = [code_of(territory), territory.name, reading.period.label, reading.day.isoformat(), one.indicator.number, one.words.title]
            yield [*start, *numbers, "oui" if cell else "non", f"{one.words.counted} {one.words.among}".strip()]


def written(columns: Sequence[str], lines: Iterable[Sequence[Value]], *, delimiter: str = ",", comma: bool = False) -> str:
    """CSV; decimals with a point, or with the French comma."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    for line in lines:
        writer.writerow([in_csv(value, comma=comma) for value in line])
    return out.getvalue()


def in_csv(value: Value, *, comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    digits = digits_of(value)
    return digits.replace(".", ",") if comma else digits


def digits_of(value: int | Decimal) -> str:
    """« 12.5 », « 4 »: no zero that says nothing."""
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def workbook(columns: Sequence[str], lines: Iterable[Sequence[Value]], title: str) -> bytes:
    """One sheet; texts are stored as texts, so that « =1+1 » stays what it is."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJK", (22, 26, 24, 12, 9, 34, 12, 12, 14, 9, 80), strict=True):
        sheet.column_dimensions[letter].width = width
    head = [WriteOnlyCell(sheet, column) for column in columns]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    for line in lines:
        sheet.append([text_cell(sheet, value) if isinstance(value, str) else value for value in line])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def text_cell(sheet: object, value: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    return cell


def download(body: str | bytes, kind: str, name: str) -> Response:
    response = Response(body, content_type=kind)
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    # What an animator sees is more than what the public does.
    response.headers["Cache-Control"] = "no-store"
    return response
