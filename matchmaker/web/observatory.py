"""The home of the observatory: the months that are over, as the nights wrote them down; by département, by category, month by month."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from matchmaker.models import Category, Level, Territory
from matchmaker.models.base import today
from matchmaker.services import observatory_places
from matchmaker.services.indicators import BY_KEY
from matchmaker.services.observatory_snapshots import Cell
from matchmaker.web import observatory_chart, observatory_periods, observatory_reading, observatory_words
from matchmaker.web.access import public
from matchmaker.web.observatory_chart import Chart
from matchmaker.web.observatory_reading import Reading, Shown

bp = Blueprint("observatory", __name__)

# The figures at the top of the page, and the columns of the départements.
FIRST = ("cooperations", "answered", "held", "shared_fte")
COLUMNS = ("needs", "offers", "served", "answered", "mutual", "cooperations")


def chart_of(months: Sequence[tuple[date, Sequence[Cell | None]]]) -> Chart | None:
    """Needs and offers published each month."""
    series = [(name, [float(cell.value) if (cell := cells[place]) else None for _day, cells in months]) for place, name in enumerate(("besoins", "offres"))]
    return observatory_chart.chart([day for day, _cells in months], series)


@bp.get("/observatoire")
@public
def public_page() -> ResponseReturnValue:
    """What anybody may read, whoever looks: who looks after the territory finds the rest behind each indicator."""
    places, day = observatory_places.places(), today()
    region = places.named("")
    reading = observatory_reading.of(places, region, observatory_periods.last_month(day), is_inside=False)
    months = observatory_reading.months(places, region, ["needs", "offers", *FIRST], is_inside=False, until=day) if region else []
    over = [(last, cells[2:]) for last, cells in months if last < day.replace(day=1)]
    departements = [one for one in places.all.values() if one.level is Level.DEPARTEMENT]
    return render_template(
        "observatory/public.html",
        reading=reading,
        first=[(observatory_words.WORDS[key], key, total([cells[place] for _last, cells in over])) for place, key in enumerate(FIRST)],
        since=observatory_chart.month_name(over[0][0]) if over else None,
        told=observatory_words,
        column_heads=[(observatory_words.WORDS[key].title, "n") for key in COLUMNS],
        definitions=[observatory_words.WORDS[key] for key in dict.fromkeys((*FIRST, *COLUMNS))],
        departements=[(one, row_of(reading, one)) for one in departements],
        categories=by_category(reading, region) if region else [],
        months=months,
        chart=chart_of(months),
        code_of=observatory_places.code_of,
    )


def total(cells: Sequence[Cell | None]) -> Cell | None:
    """What the months that are published make together: what happened in one did not happen in another. None where none is."""
    kept = [cell for cell in cells if cell is not None]
    among = [cell.denominator for cell in kept if cell.denominator is not None]
    return Cell(sum((cell.value for cell in kept), Decimal()), sum(among, Decimal()) if among else None) if kept else None


def row_of(reading: Reading, territory: Territory) -> list[Shown]:
    return [reading.shown(BY_KEY[key], territory) for key in COLUMNS]


def by_category(reading: Reading, region: Territory) -> list[tuple[Category, Cell, Cell]]:
    """Needs and offers published in each category: what anybody may see."""
    return [(category, *(reading.cell(BY_KEY[key], region, category.value) or Cell() for key in ("needs", "offers"))) for category in Category]
