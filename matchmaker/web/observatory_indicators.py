"""The 24 indicators: all of a territory, one with its months, its neighbours and its map, and the rows behind it."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from matchmaker import reference
from matchmaker.models import Level, Territory
from matchmaker.models.base import today
from matchmaker.services import indicators_sources, observatory_places
from matchmaker.services.indicators import BY_KEY, Indicator
from matchmaker.services.observatory_places import code_of
from matchmaker.web import maps, observatory_chart, observatory_periods, observatory_reading, observatory_words
from matchmaker.web.access import animator_required, public, territory_in_my_care
from matchmaker.web.observatory_reading import Reading

bp = Blueprint("observatory_indicators", __name__)

# From the fewest to the most; what is not published, or was not measured, is hatched.
SHADES = ("s1", "s2", "s3", "s4", "s5")
UNKNOWN = "white-zone"


@bp.get("/observatoire/indicateurs")
@public
def all_indicators() -> ResponseReturnValue:
    reading = observatory_reading.asked()
    return page("observatory/indicators.html", reading, rows=reading.all())


@bp.get("/observatoire/indicateurs/<key>")
@public
def one_indicator(key: str) -> ResponseReturnValue:
    indicator, reading = BY_KEY.get(key) or abort(404), observatory_reading.asked()
    if reading.territory is None or reading.period is None:
        return page("observatory/indicator.html", reading, indicator=indicator, words=observatory_words.WORDS[key])
    months = observatory_reading.months(reading.places, reading.territory, [key], is_inside=reading.is_inside, until=reading.day or reading.period.last)
    values = [observatory_words.plain(key, cells[0]) if cells[0] else None for _day, cells in months]
    title = observatory_words.WORDS[key].title
    return page(
        "observatory/indicator.html",
        reading,
        indicator=indicator,
        words=observatory_words.WORDS[key],
        shown=reading.shown(indicator, reading.territory),
        months=months,
        chart=observatory_chart.chart([day for day, _cells in months], [("", [None if one is None else float(one) for one in values])]),
        chart_label=f"{title}, mois par mois. Les chiffres sont dans le tableau.",
        compared=[reading.shown(indicator, one) for one in reading.places.compared(reading.territory)],
        parts=reading.parts(indicator),
        map=map_of(reading, indicator),
    )


@bp.get("/observatoire/indicateurs/<key>/lignes/<int:territory_id>")
@animator_required
def rows(key: str, territory_id: int) -> ResponseReturnValue:
    indicator, territory = BY_KEY.get(key) or abort(404), territory_in_my_care(territory_id)
    reading = observatory_reading.asked()
    period = reading.period or abort(404)
    day = reading.day or min(period.last, today())
    found = indicators_sources.sources(indicator, territory, span=period.span, day=day)
    return render_template(
        "observatory/rows.html", indicator=indicator, territory=territory, reading=reading, found=found, words=observatory_words.WORDS[key], day=day
    )


def page(template: str, reading: Reading, **context: object) -> ResponseReturnValue:
    """The page, with what its form offers; what was asked for and is not there is said in it."""
    body = render_template(
        template, reading=reading, periods=observatory_periods.choices(today()), places=choices(reading), code_of=code_of, told=observatory_words, **context
    )
    return body, 200 if reading.is_known else 404


def choices(reading: Reading) -> list[tuple[str, list[Territory]]]:
    """(group, territories) of the list: regions, départements, then the EPCI of each département."""
    places: observatory_places.Places = reading.places
    everyone = list(places.all.values())
    groups = [
        ("Régions", [one for one in everyone if one.level is Level.REGION]),
        ("Départements", [one for one in everyone if one.level is Level.DEPARTEMENT]),
    ]
    return groups + [(one.name, places.inside(one)) for one in groups[1][1] if places.inside(one)]


def map_of(reading: Reading, indicator: Indicator) -> maps.Map | None:
    """The EPCI of the region or the département, shaded by fifths. None where no contour is vendored, and of one EPCI."""
    territory = reading.territory
    if territory is None or reading.day is None or not reading.is_open(indicator) or territory.level is Level.EPCI:
        return None
    drawn = {one.code for one in reading.places.inside(territory)} if territory.level is Level.REGION else {territory.code}
    if not drawn <= set(reference.contours().departements):
        return None
    values = {}
    for epci in reading.places.epcis(territory):
        cell = reading.cell(indicator, epci)
        value = observatory_words.plain(indicator.key, cell) if cell else None
        if value is not None:
            values[epci.code] = float(value)
    ranked = sorted(set(values.values()))
    shade = {code: SHADES[ranked.index(value) * len(SHADES) // len(ranked)] for code, value in values.items()}
    shade |= {one.code: UNKNOWN for one in reading.places.epcis(territory) if one.code not in shade}
    return maps.region_map(shade) if territory.level is Level.REGION else maps.departement_map(territory.code, shade)
