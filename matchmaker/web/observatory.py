"""The public page of counts, by département and by category."""

from collections.abc import Sequence

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from matchmaker.services import observatory, pools
from matchmaker.web import labels
from matchmaker.web.access import public

bp = Blueprint("observatory", __name__)

# A pair of structures that said yes to each other could be recognised among fewer than these.
SMALL = 5


def shown(counts: Sequence[int]) -> list[str]:
    """Each count as the public may read it beside their total: small ones hidden, and one more where the total would give them away."""
    small = [count for count in counts if 0 < count < SMALL]
    given_away = len(small) == 1 or sum(small) in (len(small), (SMALL - 1) * len(small))
    also = min((count for count in counts if count >= SMALL), default=None) if small and given_away else None
    return [f"<\u00a0{SMALL}" if 0 < count < SMALL else "non montré" if count == also else labels.number(count) for count in counts]


@bp.get("/observatoire")
@public
def public_page() -> ResponseReturnValue:
    figures, departements, categories = observatory.figures(), observatory.by_departement(), observatory.by_category()
    return render_template(
        "observatory/public.html",
        figures=figures,
        departements=departements,
        categories=categories,
        signed_fte=pools.signed_fte(),
        mutual_total=shown([figures.mutual])[0],
        departement_mutual=shown([row.mutual for row in departements.values()]),
        category_mutual=shown([row.mutual for row in categories.values()]),
    )
