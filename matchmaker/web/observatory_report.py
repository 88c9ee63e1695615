"""The report of a quarter of a territory, as a PDF for its animators."""

from datetime import date, timedelta
from itertools import pairwise

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from matchmaker.extensions import limiter
from matchmaker.models import Span, Territory
from matchmaker.models.base import now, today
from matchmaker.services import observatory_places
from matchmaker.services.indicators import INDICATORS
from matchmaker.services.observatory_snapshots import Cell
from matchmaker.web import formats, limits, observatory_chart, observatory_periods, observatory_reading
from matchmaker.web.access import animator_required, territory_in_my_care
from matchmaker.web.observatory_chart import BOTTOM, LEFT, RIGHT, Chart
from matchmaker.web.observatory_periods import Period
from matchmaker.web.observatory_reading import Reading
from matchmaker.web.papers_canvas import INK, NEED, OFFER, SOFT, Sheets, footer

bp = Blueprint("observatory_report", __name__)

MARGIN = 16.0
TITLE, NOW, BEFORE = 74.0, 24.0, 24.0
# The chart's units in a millimetre.
SCALE = 5.6
CAUTION = "Pour l’animation du territoire. Ce bilan contient de petits nombres\u00a0: ne le publiez pas tel quel."


@bp.get("/observatoire/rapports/<int:territory_id>/<code>.pdf")
@limiter.limit(limits.HEAVY, key_func=limits.own_account)
@animator_required
def pdf(territory_id: int, code: str) -> ResponseReturnValue:
    territory, period = territory_in_my_care(territory_id), observatory_periods.read(code[:10], today=today())
    if period is None or period.span is not Span.QUARTER:
        abort(404)
    places = observatory_places.places()
    reading = observatory_reading.of(places, places.all[territory.id], period, is_inside=True)
    before = observatory_reading.of(places, places.all[territory.id], observatory_periods.quarter(period.first - timedelta(days=1)), is_inside=True)
    months = observatory_reading.months(places, places.all[territory.id], ["needs", "offers"], is_inside=True, until=min(period.last, today()))
    sheets = Sheets(f"Bilan du {period.label}, {territory.name}", at=now())
    draw(sheets, territory, period, reading, before, months)
    response = Response(sheets.finished(), mimetype="application/pdf")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f"inline; filename=bilan-{observatory_places.code_of(territory)}-{period.code}.pdf"
    return response


def draw(sheets: Sheets, territory: Territory, period: Period, reading: Reading, before: Reading, months: list[tuple[date, list[Cell | None]]]) -> None:
    sheets.leaf(margin=MARGIN)
    width = sheets.w - 2 * MARGIN
    y = sheets.write_text(MARGIN, MARGIN, "La Croisée, observatoire", width=width, size=11, colour=SOFT)
    y = sheets.write_text(MARGIN, y + 2, f"{territory.name}\u00a0: {period.label}", width=width, size=26, bold=True)
    y = sheets.write_text(MARGIN, y + 2, told(period, reading), width=width, size=11)
    y = sheets.write_text(MARGIN, y + 1, CAUTION, width=width, size=11, bold=True)
    if reading.day is None:
        footer(sheets, printed(), MARGIN)
        return
    y = curves(sheets, y + 6, months)
    y = head(sheets, y + 4)
    for indicator in INDICATORS:
        if reading.territory is None:
            break
        shown = reading.shown(indicator, reading.territory)
        earlier = before.shown(indicator, reading.territory).figure if before.day else "—"
        room = width - TITLE - NOW - BEFORE - 6
        height = max(sheets.height(shown.words.title, TITLE - 10, 10, bold=True), sheets.height(shown.counted, room, 9)) + 3
        if y + height > sheets.h - MARGIN - 8:
            footer(sheets, printed(), MARGIN)
            sheets.leaf(margin=MARGIN)
            y = head(sheets, MARGIN)
        sheets.rule(MARGIN, y, width)
        sheets.write_text(MARGIN, y + 1.5, str(indicator.number), width=8, size=10, colour=SOFT)
        sheets.write_text(MARGIN + 8, y + 1.5, shown.words.title, width=TITLE - 10, size=10, bold=True)
        sheets.write_text(MARGIN + TITLE, y + 1.5, shown.figure, width=NOW, size=10, bold=True, align="R")
        sheets.write_text(MARGIN + TITLE + NOW, y + 1.5, earlier, width=BEFORE, size=10, colour=SOFT, align="R")
        sheets.write_text(MARGIN + TITLE + NOW + BEFORE + 6, y + 1.5, shown.counted, width=room, size=9, colour=SOFT)
        y += height
    sheets.rule(MARGIN, y, width)
    footer(sheets, printed(), MARGIN)


def told(period: Period, reading: Reading) -> str:
    if reading.day is None:
        return "Aucun relevé pendant ce trimestre."
    end = "" if reading.day == period.last else " Le trimestre n’est pas fini, ou sa dernière nuit n’a pas été relevée."
    return f"Relevé du {formats.long_date(reading.day)}.{end}"


def printed() -> str:
    return f"Imprimé le {formats.long_date(now())}. Définitions complètes\u00a0: page Observatoire, «\u00a0Les 24 indicateurs\u00a0»."


def head(sheets: Sheets, y: float) -> float:
    room = sheets.w - 2 * MARGIN - TITLE - NOW - BEFORE - 6
    sheets.write_text(MARGIN + 8, y, "Indicateur", width=TITLE - 8, size=9, colour=SOFT)
    sheets.write_text(MARGIN + TITLE, y, "Ce trimestre", width=NOW, size=9, colour=SOFT, align="R")
    sheets.write_text(MARGIN + TITLE + NOW, y, "Le précédent", width=BEFORE, size=9, colour=SOFT, align="R")
    return sheets.write_text(MARGIN + TITLE + NOW + BEFORE + 6, y, "Compté sur", width=room, size=9, colour=SOFT) + 1


def curves(sheets: Sheets, y: float, months: list[tuple[date, list[Cell | None]]]) -> float:
    """Needs and offers of each month, the lines named at their ends."""
    series = [(name, [float(cell.value) if (cell := cells[place]) else None for _day, cells in months]) for place, name in enumerate(("besoins", "offres"))]
    chart = observatory_chart.chart([day for day, _cells in months], series)
    if chart is None:
        return y
    y = sheets.write_text(MARGIN, y, "Besoins et offres publiés, mois par mois", width=120, size=12, bold=True) + 1
    lines(sheets, chart, y)
    return y + 340 / SCALE


def lines(sheets: Sheets, chart: Chart, top: float) -> None:
    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN + x / SCALE, top + y / SCALE

    for height, value in chart.rules:
        x, y = at(LEFT, height)
        sheets.rule(x, y, (RIGHT - LEFT) / SCALE, thick=0.4 if height == BOTTOM else 0.15, colour=INK if height == BOTTOM else (190, 194, 182))
        sheets.write_text(MARGIN, y - 1.8, formats.number(value, chart.decimals), width=LEFT / SCALE - 2, size=8, colour=SOFT, align="R")
    for x_unit, name in chart.months:
        x, y = at(x_unit, BOTTOM + 10)
        sheets.write_text(x - 8, y, name, width=16, size=8, colour=SOFT, align="C")
    for curve in chart.curves:
        is_need = curve.css == "need"
        sheets.set_draw_color(*(NEED if is_need else OFFER))
        sheets.set_line_width(0.6)
        sheets.set_dash_pattern(*((0, 0) if is_need else (2, 1.2)))
        for run in curve.runs:
            for one, other in pairwise(run):
                sheets.line(*at(*one), *at(*other))
        sheets.set_dash_pattern()
        x, y = at(RIGHT + 12, curve.end)
        sheets.write_text(x, y - 3, curve.name, width=22, size=9, bold=True, colour=NEED if is_need else OFFER)
