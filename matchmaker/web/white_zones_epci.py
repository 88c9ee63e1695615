"""One intercommunalité of the white zones: each category with its number, where the nearest possible supply is, and how it came about."""

from dataclasses import dataclass

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from matchmaker.models import Category, Level, WhiteZone
from matchmaker.services import observatory_places, third_places, white_zones, white_zones_months
from matchmaker.services.observatory_places import code_of
from matchmaker.services.white_zones import FAR_KM
from matchmaker.services.white_zones_months import Point
from matchmaker.web import observatory_chart
from matchmaker.web.access import is_signed_in, public, signed_in

bp = Blueprint("white_zones_epci", __name__)


@dataclass(frozen=True)
class Line:
    """A category now, where something of it is published, and at the ends of the months."""

    category: Category
    cell: WhiteZone | None
    points: list[Point]


@bp.get("/zones-blanches/<code>")
@public
def show(code: str) -> ResponseReturnValue:
    places = observatory_places.places()
    territory = places.named(code[:30])
    if territory is None or territory.level is not Level.EPCI:
        abort(404)
    known = white_zones.days()
    days = white_zones_months.days_of(known)
    (zone,) = white_zones.zones(known[-1], [territory]) if known else [white_zones.Zone(territory)]
    may_host = is_signed_in() and signed_in().role in ("host", "animator", "admin")
    return render_template(
        "white_zones/epci.html",
        territory=territory,
        departement=places.all.get(territory.parent_id) if territory.parent_id else None,
        zone=zone,
        days=days,
        lines=lines_of(zone, white_zones_months.months(days, [territory.id])),
        first_night=white_zones_months.first_night(),
        venue=third_places.nearest_venues(white_zones.centres([territory])).get(territory.id),
        is_inside=is_signed_in() and signed_in().looks_after(territory),
        may_host=may_host,
        far_km=FAR_KM,
        spark=observatory_chart.spark,
        code_of=code_of,
    )


def lines_of(zone: white_zones.Zone, months: dict[white_zones_months.Key, list[Point]]) -> list[Line]:
    """What lacks most first."""
    cells = {cell.category: cell for cell in zone.cells}
    found = [Line(category, cells.get(category), points) for (_epci, category), points in months.items()]
    return sorted(found, key=lambda line: (-line.points[-1].far, -line.points[-1].needs, list(Category).index(line.category)))
