"""Tables that do not serve this time: told before the day, the plan follows."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectMultipleField

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating, JobDatingStatus
from matchmaker.services import job_dating_tables
from matchmaker.services.errors import EditedMeanwhile, NoAccessibleTable, NotAllowedNow
from matchmaker.web import formats, job_dating_conflicts
from matchmaker.web.access import host_required, job_dating_in_my_hands
from matchmaker.web.forms import Form
from matchmaker.web.job_dating_conflicts import VersionField
from matchmaker.web.job_dating_setup import line_of
from matchmaker.web.job_datings import on_too_late
from tasks.job_datings import plan_due

bp = Blueprint("job_dating_tables", __name__)
bp.register_error_handler(NotAllowedNow, on_too_late)

NO_ACCESSIBLE = "Une structure a besoin d’une table accessible, et il n’en reste aucune. Gardez-en une, ou changez de lieu."


class TablesForm(Form):
    lost = SelectMultipleField("Tables qui ne servent pas", validate_choice=False)
    version = VersionField()


@bp.route("/mes-job-datings/<uuid:job_dating_id>/tables", methods=["GET", "POST"])
@host_required
def tables(job_dating_id: UUID) -> ResponseReturnValue:
    """Of a draft: what is ticked is planned around at once. What is published has a page that shows its moves first."""
    job_dating = job_dating_in_my_hands(job_dating_id)
    if job_dating.status is JobDatingStatus.PUBLISHED and not job_dating.is_past:
        return redirect(url_for("day_replan.replan", job_dating_id=job_dating.id, _anchor="tables"))
    if job_dating.status is not JobDatingStatus.DRAFT or job_dating.is_past:
        raise NotAllowedNow(job_dating.status)
    form = TablesForm(version=job_dating.version, lost=[str(one.table_id) for one in job_dating.lost_tables])
    if not form.validate_on_submit():
        return page(job_dating, form)
    ours = {str(table.id): table.id for table in job_dating.venue.tables}
    wanted = {ours[one] for one in form.lost.data or () if one in ours}
    try:
        job_dating_tables.set_lost(job_dating, wanted, version=form.version.data)
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, [("Tables qui ne servent pas", numbers(job_dating, wanted), numbers(job_dating, None))])
    except NoAccessibleTable:
        db.session.rollback()
        return page(job_dating, form, problem=NO_ACCESSIBLE)
    db.session.commit()
    nudge(plan_due)
    if job_dating.meetings and job_dating.plan_due_at is None:
        told = line_of(job_dating)
        flash(f"{told.answer} {told.advice}".strip(), "success" if told.kind == "success" else "warn")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))


def numbers(job_dating: JobDating, wanted: set[UUID] | None) -> str:
    """« 3 et 5 », or « toutes servent »; without ids those that are stored."""
    ids = {one.table_id for one in job_dating.lost_tables} if wanted is None else wanted
    found = [str(table.number) for table in job_dating.venue.tables if table.id in ids]
    return formats.enumeration(found) if found else "toutes servent"


def page(job_dating: JobDating, form: TablesForm, *, problem: str = "") -> ResponseReturnValue:
    return render_template("job_datings/tables.html", job_dating=job_dating, form=form, problem=problem), 422 if form.is_submitted() else 200
