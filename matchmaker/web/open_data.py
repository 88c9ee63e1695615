"""Open data: the files at addresses that do not change, with their dictionary."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from matchmaker.models.base import today
from matchmaker.services import observatory_places, open_data
from matchmaker.services.indicators import INDICATORS, Kind
from matchmaker.services.observatory_places import code_of
from matchmaker.web import open_data_schema
from matchmaker.web.access import public
from matchmaker.web.observatory_files import Value, written
from matchmaker.web.observatory_words import WORDS, plain

bp = Blueprint("open_data", __name__)

KINDS = {Kind.SUM: "somme", Kind.SHARE: "part", Kind.RATIO: "rapport", Kind.MEASURE: "mesure"}


@bp.get("/donnees")
@public
def page() -> ResponseReturnValue:
    return render_template("observatory/open_data.html", files=open_data_schema.FILES.values(), licence=open_data_schema.LICENCE, months=open_data.MONTHS)


@bp.get("/donnees/<name>.csv")
@public
def csv_file(name: str) -> ResponseReturnValue:
    file = open_data_schema.FILES.get(name) or abort(404)
    body = written([column.name for column in file.columns], ROWS[name]())
    return shared(body, "text/csv; charset=utf-8")


@bp.get("/donnees/<name>.schema.json")
@public
def schema(name: str) -> ResponseReturnValue:
    file = open_data_schema.FILES.get(name) or abort(404)
    return in_json(file.schema())


@bp.get("/donnees/datapackage.json")
@public
def package() -> ResponseReturnValue:
    return in_json(open_data_schema.package(current_app.config["PUBLIC_URL"]))


def in_json(told: dict[str, Any]) -> Response:
    return shared(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "application/json; charset=utf-8")


def shared(body: str, kind: str) -> Response:
    """Anybody may read it, from any page: it is the same for all."""
    response = Response(body, content_type=kind)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def figures() -> Iterable[list[Value]]:
    for line in open_data.lines(observatory_places.places(), today=today()):
        cell = line.cell
        numbers: list[Value] = [plain(line.indicator.key, cell), cell.value, cell.denominator] if cell else [None, None, None]
        start: list[Value] = [f"{line.day:%Y-%m}", code_of(line.territory), line.indicator.key, "publie" if cell else "non_publie"]
        yield [*start, *numbers, "true" if line.is_rebuilt else "false"]


def territories() -> Iterable[list[Value]]:
    places = observatory_places.places()
    for one in places.all.values():
        parent = places.all.get(one.parent_id) if one.parent_id else None
        yield [code_of(one), one.level.value, one.code, one.name, code_of(parent) if parent else None]


def definitions() -> Iterable[list[Value]]:
    for one in INDICATORS:
        words = WORDS[one.key]
        unit = "%" if one.kind is Kind.SHARE else words.unit or None
        yield [one.key, one.number, words.title, KINDS[one.kind], unit, words.counted, words.among or None]


ROWS: dict[str, Callable[[], Iterable[list[Value]]]] = {"indicateurs": figures, "territoires": territories, "definitions": definitions}
