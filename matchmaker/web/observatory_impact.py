"""Impact for who looks after a territory: the sums, and each answer behind them."""

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.models import EuroBand, Span, Territory
from matchmaker.models.base import today
from matchmaker.services import observatory_impact, observatory_places
from matchmaker.services.observatory_places import code_of
from matchmaker.web import observatory_periods
from matchmaker.web.access import animator_required, signed_in

bp = Blueprint("observatory_impact", __name__)

# The sums are of all of them.
SHOWN = 200


@bp.get("/observatoire/impact")
@animator_required
def impact() -> ResponseReturnValue:
    places, user = observatory_places.places(), signed_in()
    mine = [one for one in places.all.values() if user.looks_after(one)]
    territory, period = asked(places, mine)
    found = observatory_impact.impact(territory, span=period.span, day=today() if period.span is Span.YEAR else min(period.last, today()))
    return render_template(
        "observatory/impact.html",
        territory=territory,
        period=period,
        impact=found,
        lines=found.lines[:SHOWN],
        bands=list(EuroBand),
        mine=mine,
        code_of=code_of,
        periods=observatory_periods.choices(today()),
    )


def asked(places: observatory_places.Places, mine: list[Territory]) -> tuple[Territory, observatory_periods.Period]:
    """What the address names, or the widest territory in this person's care and the last twelve months. Those of others are not there."""
    code, period_code = request.args.get("territoire", "")[:30], request.args.get("periode", observatory_periods.LAST_YEAR)[:10]
    territory = places.named(code) if code else next(iter(mine), None)
    period = observatory_periods.read(period_code, today=today())
    if territory is None or period is None or territory not in mine:
        abort(404)
    return territory, period
