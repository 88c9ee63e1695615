"""Who could meet whom among those who come: what is proposed, with the reasons in words, and what the host ticks of it."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectMultipleField

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating, JobDatingStatus
from matchmaker.services import invitations, job_dating_pairs
from matchmaker.services.errors import ChangedMeanwhile, EditedMeanwhile, NotAllowedNow
from matchmaker.services.matching_inputs import PairIds
from matchmaker.web import formats, job_dating_conflicts
from matchmaker.web.access import host_required, job_dating_in_my_hands
from matchmaker.web.forms import Form
from matchmaker.web.job_dating_conflicts import VersionField
from matchmaker.web.job_dating_forms import read_pairs
from matchmaker.web.job_dating_setup import line_of
from matchmaker.web.job_datings import on_too_late
from matchmaker.web.reasons import reasons
from tasks.job_datings import plan_due

bp = Blueprint("job_dating_pairs", __name__)
bp.register_error_handler(NotAllowedNow, on_too_late)

NONE_TICKED = "Cochez au moins une rencontre, ou revenez au plan."
GONE = "Une de ces rencontres n’est plus possible\u00a0: une annonce a changé, ou une structure ne vient plus. Voici celles qui restent."


class PairsForm(Form):
    meet = SelectMultipleField("Rencontres", validate_choice=False)
    version = VersionField()


@bp.route("/mes-job-datings/<uuid:job_dating_id>/rencontres", methods=["GET", "POST"])
@host_required
def pairs(job_dating_id: UUID) -> ResponseReturnValue:
    """The proposed meetings, and those that the host wants of them."""
    job_dating = editable_in_my_hands(job_dating_id)
    form = PairsForm(version=job_dating.version)
    chosen = read_pairs(form.meet.data or ())
    if not form.validate_on_submit() or not chosen:
        return page(job_dating, form, chosen, problem=NONE_TICKED if form.is_submitted() else "")
    try:
        made = job_dating_pairs.add(job_dating, chosen, version=form.version.data or 0)
    except EditedMeanwhile:
        rows = [(formats.plural(len(chosen), "rencontre à ajouter", "rencontres à ajouter"), "cochées par vous", "le plan a changé depuis")]
        return job_dating_conflicts.page(job_dating, form, rows)
    except ChangedMeanwhile:
        db.session.rollback()
        return page(job_dating, form, chosen, problem=GONE, status=409)
    db.session.commit()
    nudge(plan_due)
    flash(told(job_dating, len(made), sum(one.round is not None for one in made)), "success")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))


def told(job_dating: JobDating, count: int, placed: int) -> str:
    added = formats.plural(count, "rencontre est ajoutée", "rencontres sont ajoutées")
    if job_dating.plan_due_at is not None:
        return f"{added}. Le plan se calcule."
    missing = f" {formats.plural(count - placed, 'n’a pas encore de place', 'n’ont pas encore de place')}." if placed < count else ""
    is_owed = job_dating.status is JobDatingStatus.PUBLISHED and invitations.untold(job_dating)
    return f"{added} au plan.{missing}{' Publiez les changements pour prévenir les structures.' if is_owed else ''}"


def editable_in_my_hands(job_dating_id: UUID) -> JobDating:
    job_dating = job_dating_in_my_hands(job_dating_id)
    if not job_dating.is_open or job_dating.has_begun:
        raise NotAllowedNow(job_dating.status)
    return job_dating


def page(job_dating: JobDating, form: PairsForm, chosen: set[PairIds], *, problem: str = "", status: int = 422) -> ResponseReturnValue:
    found, idle = job_dating_pairs.candidates(job_dating), job_dating_pairs.alone(job_dating)
    first, others = job_dating_pairs.of_structures(found, idle)
    ticked = {one.ids for one in found} if "tout" in request.args and not form.is_submitted() else chosen
    context = {"first": first, "others": others, "alone": idle, "ticked": ticked, "reasons": reasons, "problem": problem}
    line = line_of(job_dating) if found and job_dating.status is JobDatingStatus.DRAFT else None
    shown = render_template("job_datings/pairs.html", job_dating=job_dating, form=form, line=line, **context)
    return shown, status if problem else 200
