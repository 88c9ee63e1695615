"""Who comes to a job dating: asking to come, and for who is in charge the search, the requests, the waiting list."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, StringField

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, Organisation, ParticipantState
from matchmaker.models.base import today
from matchmaker.services import invitation_budgets, job_dating_guests, job_dating_pairs, job_dating_replacements, job_datings, organisations, territories
from matchmaker.services.errors import NotAllowedNow, TooManyPeople
from matchmaker.web import job_dating_plan
from matchmaker.web.access import found, host_required, job_dating_in_my_hands, member_required, my_organisation
from matchmaker.web.forms import Form
from matchmaker.web.job_datings import on_too_late

bp = Blueprint("job_dating_guests", __name__)
bp.register_error_handler(NotAllowedNow, on_too_late)

DONE = {
    "add": "La structure est ajoutée.",
    "remove": "La structure est retirée, avec ses entretiens.",
    "accept": "C’est fait.",
    "refuse": "La demande est écartée.",
    "open": "Les structures peuvent demander à venir.",
    "close": "Les demandes sont fermées.",
}


MEANWHILE = "Quelqu’un d’autre vient de changer cette liste\u00a0: la voici. Rien de plus n’est changé."


class ActForm(Form):
    action = SelectField(choices=list(DONE))
    structure = StringField()


@bp.get("/mes-job-datings/<uuid:job_dating_id>/invites")
@host_required
def guests(job_dating_id: UUID) -> ResponseReturnValue:
    """Those who come, by state, and a search of the directory."""
    job_dating = job_dating_in_my_hands(job_dating_id)
    text = request.args.get("q", "").strip()
    area = job_dating.territory or job_dating.venue.territory
    there = {one.organisation_id for one in job_dating.participants}
    shown = organisations.search_organisations(text, area).items if text else []
    ordered = sorted(job_dating.participants, key=lambda one: (territories.fold(one.organisation.name), one.id))
    full = invitation_budgets.without_room({one.organisation for one in job_dating.participants if one.waiting_since is not None}, day=today())
    context = {"full": full, "text": text, "shown": [one for one in shown if one.id not in there], "waiting": job_dating_guests.waiting_list(job_dating)}
    counts = job_dating_plan.meetings_by_organisation(job_dating)
    context["alone"] = job_dating_pairs.alone(job_dating)
    if job_dating.is_open and not job_dating.has_begun:
        context |= {"declined": job_dating_replacements.declined(job_dating), "instead": job_dating_replacements.replacements(job_dating)}
    return render_template("job_datings/guests.html", job_dating=job_dating, participants=ordered, counts=counts, states=ParticipantState, **context)


@bp.post("/mes-job-datings/<uuid:job_dating_id>/invites")
@host_required
def act(job_dating_id: UUID) -> ResponseReturnValue:
    """Add, remove, accept, refuse; open or close the requests."""
    job_dating, form = job_dating_in_my_hands(job_dating_id), ActForm()
    if form.validate():
        try:
            do(job_dating, form.action.data, form.structure.data or "")
        except TooManyPeople as error:
            db.session.rollback()
            flash(f"Rien n’est changé. {job_dating_plan.too_many(error)}", "warn")
            return redirect(url_for(".guests", job_dating_id=job_dating_id))
        except NotAllowedNow:
            db.session.rollback()
            if not job_dating.is_open or job_dating.has_begun:
                raise
            flash(MEANWHILE, "warn")
            return redirect(url_for(".guests", job_dating_id=job_dating_id))
        db.session.commit()
        flash(DONE[form.action.data], "success")
    return redirect(url_for(".guests", job_dating_id=job_dating_id))


def do(job_dating: JobDating, action: str, structure: str) -> None:
    if action in ("open", "close"):
        job_dating_guests.open_registration(job_dating, is_open=action == "open")
        return
    organisation = found(organisation_named(structure))
    if action == "add":
        job_dating_guests.add(job_dating, organisation)
        return
    participant = job_dating_guests.participant_of(job_dating, organisation)
    if participant is None:
        raise NotAllowedNow("it is not there any more")
    acts = {"remove": job_dating_guests.remove, "accept": job_dating_guests.accept, "refuse": job_dating_guests.refuse}
    acts[action](job_dating, participant)


def organisation_named(text: str) -> Organisation | None:
    try:
        return organisations.organisation(UUID(text))
    except ValueError:
        return None


@bp.post("/job-datings/<uuid:job_dating_id>/inscription")
@member_required
def register(job_dating_id: UUID) -> ResponseReturnValue:
    """A structure asks to come."""
    job_dating: JobDating = found(job_datings.job_dating(job_dating_id))
    found(job_dating if job_dating.status is JobDatingStatus.PUBLISHED else None)
    try:
        job_dating_guests.register(job_dating, my_organisation())
    except NotAllowedNow:
        db.session.rollback()
        flash("Les demandes sont fermées pour ce job dating.", "warn")
        return redirect(url_for("job_datings.show", job_dating_id=job_dating_id))
    db.session.commit()
    flash("Votre demande est envoyée. L’hôte vous répond par une invitation.", "success")
    return redirect(url_for("job_datings.show", job_dating_id=job_dating_id))
