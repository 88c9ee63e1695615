"""The grid of a plan, where meetings are moved by hand: by pointer, by keyboard, or by a plain form."""

from uuid import UUID

from flask import Blueprint, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, IntegerField, SelectField, StringField

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating, JobDatingStatus, Meeting, Side
from matchmaker.services import job_dating_grid, job_dating_matches, job_dating_moves
from matchmaker.services.errors import EditedMeanwhile, NotAllowedNow
from matchmaker.services.job_dating_grid import CannotSit, Conflict, Obstacle
from matchmaker.web import job_dating_conflicts, job_dating_plan, job_dating_rounds
from matchmaker.web.access import found, host_required, job_dating_in_my_hands
from matchmaker.web.forms import Form
from matchmaker.web.job_dating_conflicts import VersionField
from matchmaker.web.job_dating_moves import IN_THE_WAY, done
from matchmaker.web.job_datings import on_too_late
from matchmaker.web.settings import mail_settings
from tasks.job_datings import plan_due
from tasks.outbox import drain

bp = Blueprint("job_dating_grid", __name__)
bp.register_error_handler(NotAllowedNow, on_too_late)


CHANGED = "Quelqu’un d’autre vient de changer ce plan. Le voici\u00a0: regardez, puis recommencez."


class SeatForm(Form):
    """Which meeting goes where. Names as the page's script sends them."""

    meeting = SelectField("Entretien")
    round = IntegerField("Tour")
    table = SelectField("Table")
    version = VersionField()


class PlanForm(Form):
    version = VersionField()
    how = StringField("Comment")


class LockForm(Form):
    meeting = SelectField("Entretien")
    is_locked = BooleanField()
    version = VersionField()


@bp.route("/mes-job-datings/<uuid:job_dating_id>/grille", methods=["GET", "POST"])
@host_required
def grid(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = editable_in_my_hands(job_dating_id)
    form = SeatForm(version=job_dating.version)
    offer_seats(form, job_dating)
    if not form.validate_on_submit() or form.round.data is None:
        return page(job_dating, form, problem="Choisissez un entretien, un tour et une table." if form.is_submitted() else "")
    wanted = form.round.data, UUID(form.table.data)
    try:
        meeting = job_dating_grid.place(job_dating, UUID(form.meeting.data), *wanted, version=form.version.data or 0)
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, seats_beside(job_dating, form))
    except CannotSit as error:
        problem = " ".join(in_words(conflict) for conflict in error.conflicts)
        return page(job_dating, form, problem=problem)
    db.session.commit()
    flash(f"{pair_of(meeting)}\u00a0: {seat(meeting)}. C’est enregistré.", "success")
    return redirect(url_for(".grid", job_dating_id=job_dating.id, _anchor=f"e-{meeting.id}"))


@bp.post("/mes-job-datings/<uuid:job_dating_id>/grille/verrou")
@host_required
def lock(job_dating_id: UUID) -> ResponseReturnValue:
    """Fix a meeting where it is, or let it go."""
    job_dating = editable_in_my_hands(job_dating_id)
    form = LockForm()
    form.meeting.choices = [str(meeting.id) for meeting in job_dating.meetings]
    if not form.validate_on_submit():
        return redirect(url_for(".grid", job_dating_id=job_dating.id))
    try:
        meeting = job_dating_grid.set_lock(job_dating, UUID(form.meeting.data), form.is_locked.data, version=form.version.data or 0)
    except EditedMeanwhile:
        flash(CHANGED, "warn")
        db.session.rollback()
        return redirect(url_for(".grid", job_dating_id=job_dating.id))
    db.session.commit()
    return redirect(url_for(".grid", job_dating_id=job_dating.id, _anchor=f"e-{meeting.id}"))


@bp.get("/mes-job-datings/<uuid:job_dating_id>/grille/<uuid:meeting_id>")
@host_required
def seats(job_dating_id: UUID, meeting_id: UUID) -> ResponseReturnValue:
    """For the page's script: each seat with what stands in its way, or nothing."""
    job_dating = editable_in_my_hands(job_dating_id)
    meeting: Meeting = found(next((one for one in job_dating.meetings if one.id == meeting_id), None))
    told = {
        f"{number}:{table.id}": " ".join(in_words(conflict) for conflict in job_dating_grid.conflicts(job_dating, meeting, number, table))
        for number in range(rounds(job_dating))
        for table in job_dating.venue.tables
    }
    return jsonify(version=job_dating.version, seats=told)


@bp.post("/mes-job-datings/<uuid:job_dating_id>/recalcul")
@host_required
def replan(job_dating_id: UUID) -> ResponseReturnValue:
    """Plan anew; what is locked stays, and nothing is sent. Of what is published, both ways are shown first: moving little, or whatever moves."""
    job_dating = job_dating_in_my_hands(job_dating_id)
    form = PlanForm()
    try:
        if job_dating.status is JobDatingStatus.PUBLISHED and form.how.data not in ("gently", "anew"):
            return both_ways(job_dating, version=form.version.data or 0)
        job_dating_moves.replan(job_dating, version=form.version.data or 0, gently=form.how.data == "gently")
    except EditedMeanwhile:
        db.session.rollback()
        flash(CHANGED, "warn")
        return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))
    db.session.commit()
    nudge(plan_due)
    flash("Le plan est recalculé. Ce qui est fixé n’a pas bougé.", "success")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))


def both_ways(job_dating: JobDating, *, version: int) -> ResponseReturnValue:
    """What either way would change, and how many would be told anew. Tried out, and taken back."""
    found = {}
    for how in ("gently", "anew"):
        found[how] = job_dating_moves.replan(job_dating, version=version, gently=how == "gently")
        db.session.rollback()
    if all(one.is_nothing for one in found.values()):
        flash("Le plan est déjà le meilleur\u00a0: rien ne change.", "success")
        return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))
    return render_template("job_datings/replan_review.html", job_dating=job_dating_in_my_hands(job_dating.id), **found)


@bp.post("/mes-job-datings/<uuid:job_dating_id>/changements")
@host_required
def publish_changes(job_dating_id: UUID) -> ResponseReturnValue:
    """Write to those whose day is not as they were told."""
    job_dating = job_dating_in_my_hands(job_dating_id)
    try:
        told = job_dating_moves.publish_changes(job_dating, settings=mail_settings())
    except IN_THE_WAY as error:
        flash(f"Rien n’est parti. {job_dating_plan.refusal(error)}", "warn")
        db.session.rollback()
        return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))
    db.session.commit()
    nudge(drain)
    flash(done(told), "success")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))


def page(job_dating: JobDating, form: SeatForm, *, problem: str = "") -> ResponseReturnValue:
    number = rounds(job_dating)
    cells = {(meeting.round, meeting.table_id): meeting for meeting in job_dating.planned}
    loose = [meeting for meeting in job_dating_grid.movable(job_dating) if meeting.round is None]
    context = {"rounds": number, "cells": cells, "loose": loose, "plan": job_dating_plan, "pair_of": pair_of, "owner_of": job_dating_grid.owner_of}
    context["view"] = job_dating_rounds.view(job_dating, rounds=number)
    return render_template("job_datings/grid.html", job_dating=job_dating, form=form, problem=problem, **context), 422 if problem else 200


def offer_seats(form: SeatForm, job_dating: JobDating) -> None:
    meetings = sorted(job_dating_grid.movable(job_dating), key=lambda one: (one.round is None, one.round or 0, one.table.number if one.table else 0))
    form.meeting.choices = {str(meeting.id): f"{pair_of(meeting)} ({seat(meeting)})" for meeting in meetings}
    form.table.choices = {str(table.id): f"Table {table.number}{' (accessible)' if table.is_accessible else ''}" for table in job_dating.tables}


def rounds(job_dating: JobDating) -> int:
    return max(job_dating.rounds, job_dating.rounds_that_fit)


def pair_of(meeting: Meeting) -> str:
    if meeting.match.need.is_confidential or meeting.match.offer.is_confidential:
        return "Entretien confidentiel"
    return f"{meeting.organisation_of(Side.NEED).name} et {meeting.organisation_of(Side.OFFER).name}"


def seat(meeting: Meeting) -> str:
    if meeting.round is None or meeting.table is None:
        return "sans place"
    return f"tour {meeting.round + 1}, table {meeting.table.number}"


def in_words(conflict: Conflict) -> str:
    """One obstacle as a sentence."""
    name = conflict.organisation.name if conflict.organisation else ""
    match conflict.obstacle:
        case Obstacle.BUSY:
            return f"{name} a déjà un entretien à ce tour, table {conflict.meeting.table.number}." if conflict.meeting and conflict.meeting.table else ""
        case Obstacle.AWAY:
            return f"{name} n’est pas là à ce tour."
        case Obstacle.NOT_ACCESSIBLE:
            return f"Cette table n’est pas accessible, et {name} en a besoin."
        case Obstacle.OWN_TABLE:
            return f"{name} reste à sa table."
        case Obstacle.OTHERS_TABLE:
            return f"Cette table est celle de {name}."
        case Obstacle.NOT_EXPECTED:
            return f"{name} ne vient pas."
        case Obstacle.LOST_TABLE:
            return "Cette table ne sert pas cette fois."
        case Obstacle.LOCKED:
            return "L’entretien qui est là est fixé."
        case Obstacle.NO_SWAP:
            return "Un autre entretien est là et ne peut pas prendre l’autre place."
    return "Ce tour n’existe pas."


def seats_beside(job_dating: JobDating, form: SeatForm) -> job_dating_conflicts.Rows:
    """Where this host wanted the meeting, and where it is now."""
    db.session.refresh(job_dating, ["meetings"])
    meeting = next((one for one in job_dating.meetings if str(one.id) == form.meeting.data), None)
    table = next(table for table in job_dating.venue.tables if str(table.id) == form.table.data)
    mine = f"tour {(form.round.data or 0) + 1}, table {table.number}"
    return [(pair_of(meeting), mine, seat(meeting))] if meeting else [("Entretien", mine, "retiré")]


def editable_in_my_hands(job_dating_id: UUID) -> JobDating:
    job_dating = job_dating_in_my_hands(job_dating_id)
    if not job_dating_grid.can_edit(job_dating) or job_dating_matches.count_lost(job_dating):
        raise NotAllowedNow(job_dating.status)
    return job_dating
