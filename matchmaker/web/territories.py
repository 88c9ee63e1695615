"""Communes as people type them: suggestions for the fields of the forms."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.services import territories
from matchmaker.web.access import public
from matchmaker.web.forms import clean

bp = Blueprint("territories", __name__)


@bp.get("/communes")
@public
def suggest() -> ResponseReturnValue:
    """Options of a list, for what stands in the field so far."""
    text = clean(request.args.get("q") or request.args.get("commune") or "")[:80]
    found = territories.search_communes(text, limit=8) if len(text) >= 2 else []
    return render_template("territories/suggestions.html", communes=found)
