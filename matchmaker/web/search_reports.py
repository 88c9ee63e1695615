"""« Signaler cette fiche » : anybody may, and the animators of the territory read it."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, TextAreaField

from matchmaker.extensions import db, limiter
from matchmaker.models import ReportReason
from matchmaker.services import organisations, search_reports
from matchmaker.web import labels
from matchmaker.web.access import found, is_signed_in, public, signed_in
from matchmaker.web.forms import Form, answer, at_most, required

bp = Blueprint("search_reports", __name__)


class ReportForm(Form):
    reason = RadioField("Qu’est-ce qui ne va pas\u00a0?", [required("Choisissez ce qui ne va pas.")], choices=labels.choices(ReportReason))
    note = TextAreaField("Un mot de plus", [at_most(1000)])


@bp.route("/structures/<uuid:organisation_id>/signaler", methods=["GET", "POST"])
@limiter.limit("10 per hour", methods=["POST"])
@public
def report(organisation_id: UUID) -> ResponseReturnValue:
    organisation = found(organisations.organisation(organisation_id))
    if organisation.territory_id is None:
        abort(404)
    form = ReportForm()
    if not form.validate_on_submit():
        return answer("directory/report.html", form, organisation=organisation)
    by = signed_in() if is_signed_in() else None
    search_reports.report(organisation, reason=ReportReason(form.reason.data), note=form.note.data or "", by=by)
    db.session.commit()
    flash("Merci, c’est transmis. L’animation du territoire va regarder cette fiche.", "success")
    return redirect(url_for("organisations.show", organisation_id=organisation.id))
