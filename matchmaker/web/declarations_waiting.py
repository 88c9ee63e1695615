"""« Why is there no answer yet? »: what the last run that was sent says of one's own need, and what one could change. Nobody else is named."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from matchmaker.engine.changes import Kind
from matchmaker.models import Need, Offer
from matchmaker.services import matching_changes, matching_explanations
from matchmaker.services.matching_changes import ShownChange
from matchmaker.web import explanation_words, formats
from matchmaker.web.access import member_required, my_need
from matchmaker.web.declaration_fields import RADIUS

bp = Blueprint("declarations_waiting", __name__)
MOST_SHOWN = 3
# Where the form asks about what would change. Another structure's places are not in one's hands.
FIELDS = {Kind.RADIUS: "radius_km", Kind.HALFDAYS: "halfdays", Kind.FLAGS: "flags", Kind.DATES: "starts_on"}


@dataclass(frozen=True)
class Advice:
    """A change of one's own announcement that would have been enough: what to do, more precisely, and in which field of the form."""

    text: str
    precision: str
    field: str


def why_waiting(declaration: Need | Offer) -> str:
    """Why one's open need has no offer yet, in a sentence or two; nothing where there is nothing to say."""
    if not isinstance(declaration, Need) or not declaration.is_open:
        return ""
    found = matching_explanations.last_word(declaration)
    return explanation_words.reason(found[1], declaration) if found else ""


@bp.get("/besoins/<uuid:need_id>/pourquoi")
@member_required
def show(need_id: UUID) -> ResponseReturnValue:
    """The reason, and the changes that would serve the need: they are solved for, so that the need's own page brings them in after it."""
    need = my_need(need_id)
    reason = why_waiting(need)
    if not reason:
        abort(404)
    return render_template("declarations/waiting.html", need=need, reason=reason, advice=advice_for(need))


def advice_for(need: Need) -> list[Advice] | None:
    """At most three changes, the smallest first; None when the need was changed since, which the next run will see."""
    found = matching_explanations.last_word(need)
    if found is None or need.updated_at > matching_explanations.instant(found[0]):
        return None
    run, instance = found[0], matching_explanations.instance_of(found[0])
    row = matching_explanations.row_of(instance.need_ids, need.id) if instance else None
    if instance is None or row is None:
        return []
    told = [advice(change) for change in matching_changes.remedies(run, instance, row).changes if is_mine_to_make(change, need)]
    return told[:MOST_SHOWN]


def is_mine_to_make(change: ShownChange, need: Need) -> bool:
    within_form = change.kind is not Kind.RADIUS or change.after <= max(map(int, RADIUS))
    return change.kind in FIELDS and within_form and explanation_words.is_tellable(change, need)


def advice(change: ShownChange) -> Advice:
    precision = ""
    if change.kind is Kind.RADIUS and str(int(change.after)) not in RADIUS:
        wide_enough = min(choice for choice in map(int, RADIUS) if choice >= change.after)
        precision = f"Choisissez {wide_enough}{formats.NBSP}km dans la liste."
    return Advice(explanation_words.change(change), precision, FIELDS[change.kind])
