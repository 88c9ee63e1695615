"""Impact for who looks after a territory: the sums, and each answer behind them."""

from collections.abc import Callable
from math import ceil

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.models import EuroBand, Span, Territory
from matchmaker.models.base import today
from matchmaker.services import observatory_impact, observatory_places
from matchmaker.services.observatory_impact import Line
from matchmaker.services.observatory_places import code_of
from matchmaker.web import formats, observatory_periods
from matchmaker.web.access import animator_required, signed_in

bp = Blueprint("observatory_impact", __name__)

PER_PAGE = 50
# What an address may ask for: the cooperations behind one figure, as ``Line`` tells them apart.
FIGURES: dict[str, tuple[str, Callable[[Line], bool]]] = {
    "mecenat": ("jours de mécénat", lambda line: line.counts_days),
    "achats": ("montants d’achats", lambda line: line.counts_euros),
    "sans-nous": ("« sans La Croisée ? »".replace(" ", formats.NBSP), lambda line: line.fact.found_anyway is not None),
}


@bp.get("/observatoire/impact")
@animator_required
def impact() -> ResponseReturnValue:
    places, user = observatory_places.places(), signed_in()
    mine = [one for one in places.all.values() if user.looks_after(one)]
    territory, period = asked(places, mine)
    found = observatory_impact.impact(territory, span=period.span, day=today() if period.span is Span.YEAR else min(period.last, today()))
    query = {"territoire": code_of(territory), "periode": period.code}
    figure, band = request.args.get("de", ""), request.args.get("tranche", "")
    lines = behind(found.lines, figure, band)
    page = min(max(request.args.get("page", 1, type=int), 1), max(1, ceil(len(lines) / PER_PAGE)))
    return render_template(
        "observatory/impact.html",
        territory=territory,
        period=period,
        impact=found,
        lines=lines[(page - 1) * PER_PAGE : page * PER_PAGE],
        count=len(lines),
        page=page,
        pages=ceil(len(lines) / PER_PAGE),
        figure=FIGURES[figure][0] if figure in FIGURES else "",
        band=EuroBand(band) if figure == "achats" and band in set(EuroBand) else None,
        query=query,
        more=query | ({"de": figure} if figure in FIGURES else {}) | ({"tranche": band} if figure == "achats" and band in set(EuroBand) else {}),
        bands=list(EuroBand),
        mine=mine,
        code_of=code_of,
        periods=observatory_periods.choices(today()),
    )


def behind(lines: list[Line], figure: str, band: str) -> list[Line]:
    """The cooperations that one figure, or one band of it, is the sum of; all of them when the address names none."""
    kept = [line for line in lines if figure not in FIGURES or FIGURES[figure][1](line)]
    return [line for line in kept if line.fact.euros == band] if figure == "achats" and band in set(EuroBand) else kept


def asked(places: observatory_places.Places, mine: list[Territory]) -> tuple[Territory, observatory_periods.Period]:
    """What the address names, or the widest territory in this person's care and the last twelve months. Those of others are not there."""
    code, period_code = request.args.get("territoire", "")[:30], request.args.get("periode", observatory_periods.LAST_YEAR)[:10]
    territory = places.named(code) if code else next(iter(mine), None)
    period = observatory_periods.read(period_code, today=today())
    if territory is None or period is None or territory not in mine:
        abort(404)
    return territory, period
