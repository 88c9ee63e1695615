"""White zones: where needs have no possible offer near them, what is left without a yes, and what to do about it."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker import reference
from matchmaker.models import Level, Territory, Venue
from matchmaker.models.base import today
from matchmaker.services import observatory_places, observatory_secrecy, third_places, white_zones, white_zones_months
from matchmaker.services.observatory_places import Places, code_of
from matchmaker.services.observatory_secrecy import SMALL
from matchmaker.services.white_zones import FAR_KM, Zone
from matchmaker.services.white_zones_months import Key, Point
from matchmaker.web import formats, maps, observatory_chart
from matchmaker.web.access import is_signed_in, public, signed_in
from matchmaker.web.forms import clean
from matchmaker.web.observatory_chart import Chart

bp = Blueprint("white_zones", __name__)

HIDDEN = "non publié"
MOST_CELLS = 40


@dataclass(frozen=True)
class Row:
    """An EPCI as this reader may see it. ``number``: its place on the map when it is a white zone."""

    zone: Zone
    number: int | None
    unmet: str
    unused: str
    change: str
    venue: tuple[Venue, float] | None


@dataclass(frozen=True)
class Page:
    """``day``: the night that is read; ``month``: the month end whose counts of yes are public; ``before``: what it is compared with."""

    territory: Territory
    day: date
    month: date | None
    before: date | None
    is_inside: bool
    rows: list[Row]
    days: list[date]
    lines: dict[Key, list[Point]]

    @property
    def points(self) -> list[Point]:
        """The whole territory, month by month."""
        return white_zones_months.together(self.lines.values(), self.days)

    @property
    def white(self) -> list[Row]:
        return [row for row in self.rows if row.number is not None]

    @property
    def far(self) -> int:
        return sum(row.zone.count("far") for row in self.rows)

    @property
    def needs(self) -> int:
        return sum(row.zone.count("needs") for row in self.rows)


@bp.get("/zones-blanches")
@public
def show() -> ResponseReturnValue:
    places, code = observatory_places.places(), clean(request.args.get("territoire"))[:30]
    territory = places.named(code)
    known = white_zones.days()
    page = page_of(places, territory, known) if territory is not None and known else None
    body = render_template(
        "white_zones/show.html",
        page=page,
        territory=territory,
        places=places,
        map=map_of(page) if page else None,
        middles=middles(page) if page else {},
        cells=cells_of(page) if page else [],
        chart=chart_of(page) if page else None,
        first_night=white_zones_months.first_night() if page else None,
        spark=observatory_chart.spark,
        most=MOST_CELLS,
        far_km=FAR_KM,
        code_of=code_of,
        may_host=is_signed_in() and signed_in().role in ("host", "animator", "admin"),
    )
    return body, 200 if territory is not None else 404


def page_of(places: Places, territory: Territory, known: list[date]) -> Page:
    """What this reader may see; the same number of queries however many EPCI there are."""
    is_inside = is_signed_in() and signed_in().looks_after(territory)
    epcis, day = places.epcis(territory), known[-1]
    zones = white_zones.zones(day, epcis)
    before = white_zones.before(known, day)
    then = white_zones.far_counts(before, [one.id for one in epcis]) if before else Counter()
    month = day if is_inside else white_zones.month_end(known, today=today())
    unmet, unused = yes_counts(places, month, is_inside=is_inside)
    ranked = sorted((zone for zone in zones if zone.is_white), key=lambda zone: (-zone.count("far"), -distance(zone), zone.territory.name))
    numbers = {zone.territory.id: place for place, zone in enumerate(ranked, start=1)}
    venues = third_places.nearest_venues(white_zones.centres([zone.territory for zone in ranked]))
    rows = [
        Row(
            zone,
            numbers.get(zone.territory.id),
            unmet.get(zone.territory.id, "0" if month else HIDDEN),
            unused.get(zone.territory.id, "0" if month else HIDDEN),
            change(then[zone.territory.id], zone.count("far")) if before else "",
            venues.get(zone.territory.id),
        )
        for zone in zones
        if zone.cells
    ]
    ordered = sorted(rows, key=lambda row: (row.number or 10**6, -row.zone.count("needs")))
    days = white_zones_months.days_of(known)
    return Page(territory, day, month, before, is_inside, ordered, days, white_zones_months.months(days, [one.id for one in epcis]))


def distance(zone: Zone) -> float:
    """Nothing anywhere is farther than anything."""
    return zone.nearest.nearest_km or 0.0 if zone.nearest else float("inf")


def change(then: int, now: int) -> str:
    """« 5 → 3 »: the far needs of then and of now, in words that a screen reader says too."""
    return "pas de changement" if then == now else f"{then}\u00a0avant, {now}\u00a0maintenant"


def yes_counts(places: Places, month: date | None, *, is_inside: bool) -> tuple[dict[int, str], dict[int, str]]:
    """EPCI → needs without a yes, and offers without one, in words. To the public in bands, and as the parts of each
    département hide together."""
    if month is None:
        return {}, {}
    everywhere = [one for one in places.all.values() if one.level is Level.EPCI]
    zones = {zone.territory.id: zone for zone in white_zones.zones(month, everywhere)}
    found: tuple[dict[int, str], dict[int, str]] = ({}, {})
    for departement in (one for one in places.all.values() if one.level is Level.DEPARTEMENT):
        here = [zones[one.id] for one in places.inside(departement)]
        for told, (part, whole) in zip(found, (("unmet", "needs"), ("unused", "offers")), strict=True):
            vectors = [(zone.count(part), zone.count(whole), zone.count(whole) - zone.count(part)) for zone in here]
            hidden = set() if is_inside else hidden_among(vectors)
            shown = formats.number if is_inside else band
            told.update({zone.territory.id: HIDDEN if place in hidden else shown(zone.count(part)) for place, zone in enumerate(here)})
    return found


def band(count: int) -> str:
    """« 10 à 14 »: what stands at the end of two months is the same but for a few, and their difference must not tell of one yes.

    >>> band(0), band(7), band(10)
    ('0', '5 à 9', '10 à 14')
    """
    least = count - count % SMALL
    return f"{least} à {least + SMALL - 1}" if count else "0"


def hidden_among(vectors: list[tuple[int, int, int]]) -> set[int]:
    """The positions to hide: how many there are is public, how many of them have a yes is not."""
    return observatory_secrecy.hidden([(part, rest) for part, _whole, rest in vectors])


def cells_of(page: Page) -> list[tuple[str, object]]:
    """(EPCI, category) by category, those that lack most first."""
    told = [(row.zone.territory, cell) for row in page.rows for cell in row.zone.cells if cell.needs or cell.offers]
    return sorted(told, key=lambda one: (-one[1].far, -one[1].needs, one[0].name, one[1].category))


def chart_of(page: Page) -> Chart | None:
    """Needs and offers without a yes for who looks after the territory; for anybody, the needs that no offer is near."""
    points = page.points
    if page.is_inside:
        series = [("besoins", [float(one.unmet) for one in points]), ("offres", [float(one.unused) for one in points])]
    else:
        series = [("", [float(one.far) for one in points])]
    return observatory_chart.chart(page.days, series)


def shade_of(page: Page) -> dict[str, str]:
    """White zones are hatched; of the others, the more needs the darker."""
    counts = {row.zone.territory.code: row.zone.count("needs") for row in page.rows if row.number is None}
    return maps.classes(counts) | {row.zone.territory.code: "white-zone" for row in page.white}


def map_of(page: Page) -> maps.Map | None:
    """The EPCI of the region or of the département; none where no contour is vendored."""
    territory, contours = page.territory, reference.contours()
    if territory.level is Level.REGION:
        codes = set(contours.epcis)
        return maps.region_map(shade_of(page)) if {row.zone.territory.code for row in page.rows} <= codes else None
    departement = territory if territory.level is Level.DEPARTEMENT else territory.parent
    return maps.departement_map(departement.code, shade_of(page)) if departement is not None else None


def middles(page: Page) -> dict[int, tuple[float, float]]:
    """EPCI → its middle in degrees, for the numbers on the map."""
    return white_zones.centres([row.zone.territory for row in page.white])
