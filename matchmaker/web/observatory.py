"""The public page of counts, by département and by category."""

from collections.abc import Sequence
from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from matchmaker.models.base import today
from matchmaker.services import observatory, observatory_places, pools
from matchmaker.services.observatory_snapshots import Cell
from matchmaker.web import labels, observatory_chart, observatory_reading
from matchmaker.web.access import public
from matchmaker.web.observatory_chart import Chart

bp = Blueprint("observatory", __name__)

# A pair of structures that said yes to each other could be recognised among fewer than these.
SMALL = 5


def shown(counts: Sequence[int]) -> list[str]:
    """Each count as the public may read it beside their total: small ones hidden, and one more where the total would give them away."""
    small = [count for count in counts if 0 < count < SMALL]
    given_away = len(small) == 1 or sum(small) in (len(small), (SMALL - 1) * len(small))
    also = min((count for count in counts if count >= SMALL), default=None) if small and given_away else None
    return [f"<\u00a0{SMALL}" if 0 < count < SMALL else "non montré" if count == also else labels.number(count) for count in counts]


def chart_of(months: Sequence[tuple[date, Sequence[Cell | None]]]) -> Chart | None:
    """Needs and offers published each month."""
    series = [(name, [float(cell.value) if (cell := cells[place]) else None for _day, cells in months]) for place, name in enumerate(("besoins", "offres"))]
    return observatory_chart.chart([day for day, _cells in months], series)


@bp.get("/observatoire")
@public
def public_page() -> ResponseReturnValue:
    figures, departements, categories = observatory.figures(), observatory.by_departement(), observatory.by_category()
    places = observatory_places.places()
    region = places.named("")
    months = observatory_reading.months(places, region, ["needs", "offers"], is_inside=False, until=today()) if region else []
    return render_template(
        "observatory/public.html",
        months=months,
        chart=chart_of(months),
        figures=figures,
        departements=departements,
        categories=categories,
        signed_fte=pools.signed_fte(),
        mutual_total=shown([figures.mutual])[0],
        departement_mutual=shown([row.mutual for row in departements.values()]),
        category_mutual=shown([row.mutual for row in categories.values()]),
    )
