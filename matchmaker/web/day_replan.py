"""Changing the plan on the day: what happened, the moves that follow from it, and one button."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from wtforms import SelectMultipleField, StringField

from matchmaker.extensions import db
from matchmaker.models import JobDating, PresenceState
from matchmaker.models.base import now
from matchmaker.services import day_programme, job_dating_feasibility, presence, replanning, walk_in_meetings
from matchmaker.services.errors import ChangedMeanwhile, EditedMeanwhile, NotAllowedNow
from matchmaker.services.job_dating_programmes import barred_meetings
from matchmaker.services.presence import Line
from matchmaker.services.replanning import Asked, Proposal
from matchmaker.web import day_words, formats
from matchmaker.web.access import host_required, signed_in
from matchmaker.web.day_desk import on_not_now, published_in_my_hands
from matchmaker.web.forms import Form
from matchmaker.web.job_dating_feasibility import ways
from matchmaker.web.job_dating_forms import read_pairs

bp = Blueprint("day_replan", __name__)

OVER = "Ce job dating est fini\u00a0: son plan ne change plus."


class ReplanForm(Form):
    """The button that applies carries which plan and which moves were shown; the rest is what happened, one field a structure."""

    lost = SelectMultipleField("Tables perdues", validate_choice=False)
    pairs = SelectMultipleField("Entretiens à ajouter", validate_choice=False)
    version = StringField("Version")
    moves = StringField("Changements")
    apply = StringField("Appliquer")


@bp.route("/mes-job-datings/<uuid:job_dating_id>/replanification", methods=["GET", "POST"])
@host_required
def replan(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = published_in_my_hands(job_dating_id)
    if job_dating.is_past:
        return over(job_dating)
    form = ReplanForm()
    lines = presence.roster(job_dating)
    if not form.is_submitted():
        return page(job_dating, form, lines, replanning.asked_by(job_dating, lines, now()))
    asked = read_asked(job_dating, form, lines)
    if not form.validate():
        return page(job_dating, form, lines, asked), 422
    return apply(job_dating, form, lines, asked) if form.apply.data else preview(job_dating, form, lines, asked)


def preview(job_dating: JobDating, form: ReplanForm, lines: Sequence[Line], asked: Asked, *, problem: str = "", status: int = 200) -> ResponseReturnValue:
    """The moves of what was ticked. New meetings are tried on, and taken off again: nothing is kept."""
    try:
        newcomers = replanning.with_pairs(job_dating, asked)
    except ChangedMeanwhile:
        db.session.rollback()
        return page(job_dating, form, lines, Asked(asked.absent, asked.late, asked.leaving, asked.lost), problem=day_words.PAIR_GONE), 409
    body = page(job_dating, form, lines, asked, newcomers=newcomers, problem=problem)
    db.session.rollback()
    return body, status


def apply(job_dating: JobDating, form: ReplanForm, lines: Sequence[Line], asked: Asked) -> ResponseReturnValue:
    shown = int(form.version.data) if (form.version.data or "").isdecimal() and len(form.version.data) < 10 else 0
    try:
        proposal = replanning.apply(job_dating, asked, version=shown, fingerprint=form.moves.data or "", by=signed_in().name)
    except EditedMeanwhile:
        db.session.rollback()
        return preview(job_dating, form, lines, asked, problem=day_words.edited(shown, job_dating.version), status=409)
    except ChangedMeanwhile:
        db.session.rollback()
        return preview(job_dating, form, lines, asked, problem=day_words.OTHER_MOVES, status=409)
    record_presence(job_dating, lines, asked)
    db.session.commit()
    flash(day_words.applied(proposal), "success")
    return redirect(url_for("day_desk.the_day", job_dating_id=job_dating.id))


def record_presence(job_dating: JobDating, lines: Sequence[Line], asked: Asked) -> None:
    """What the host said here is a gesture like those of the desk, where it says something new."""
    acts = []
    for line in lines:
        key = line.participant.organisation_id
        state, number = line.state, line.act.round if line.act else None
        if key in asked.absent and state not in (PresenceState.EXCUSED, PresenceState.NO_SHOW):
            state, number = PresenceState.NO_SHOW, None
        elif key in asked.late:
            state, number = PresenceState.LATE, asked.late[key]
        elif key in asked.leaving:
            state, number = PresenceState.LEFT, asked.leaving[key]
        elif key not in asked.absent and state in day_words.AWAY:
            state, number = PresenceState.PRESENT, None
        if (state, number) != (line.state, line.act.round if line.act else None):
            acts.append(presence.new_act(line, state, number))
    if acts and presence.is_open(job_dating):
        presence.record(job_dating, acts, by=signed_in().name)


def read_asked(job_dating: JobDating, form: ReplanForm, lines: Sequence[Line]) -> Asked:
    """What the fields say. Whatever is none of ours counts as not said."""
    sent: MultiDict[str, str] = request.form
    absent, late, leaving = set(), {}, {}
    rounds = {str(number): number for number in range(max(job_dating.rounds, job_dating.rounds_that_fit) + 1)}
    for line in lines:
        what, _, at = sent.get(f"p-{line.participant.id}", "here").partition(":")
        if what == "absent":
            absent.add(line.participant.organisation_id)
        elif what == "late" and at in rounds:
            late[line.participant.organisation_id] = rounds[at]
        elif what == "left" and at in rounds:
            leaving[line.participant.organisation_id] = rounds[at]
    tables = {str(table.id): table.id for table in job_dating.venue.tables}
    lost = frozenset(tables[one] for one in form.lost.data or () if one in tables)
    return Asked(frozenset(absent), late, leaving, lost, tuple(sorted(read_pairs(form.pairs.data or ()))))


def page(job_dating: JobDating, form: ReplanForm, lines: Sequence[Line], asked: Asked, *, newcomers: set[UUID] | None = None, problem: str = "") -> str:
    at = now()
    proposal: Proposal = replanning.propose(job_dating, asked, newcomers=newcomers or set(), at=at)
    first = day_programme.present_round(job_dating, at)
    return render_template(
        "day/replan.html",
        job_dating=job_dating,
        form=form,
        asked=asked,
        proposal=proposal,
        lines=sorted(lines, key=lambda line: line.state in (PresenceState.PRESENT, PresenceState.EXPECTED)),
        fields={line.participant.id: day_words.whereabouts(asked, line) for line in lines},
        options=day_words.options(job_dating, first),
        candidates=walk_in_meetings.candidates(job_dating, lines),
        chosen=[move for move in proposal.moves if newcomers and move.meeting.id in newcomers],
        problem=problem,
        way_out=way_out(job_dating, asked) if proposal.waiting else "",
        place=lambda place: day_words.place(job_dating, place),
        kinds=day_words.KINDS_OF_MOVE,
        states=day_words.STATES,
        total=formats.plural(len(proposal.moves), "entretien change", "entretiens changent"),
    )


def way_out(job_dating: JobDating, asked: Asked) -> str:
    """The smallest changes of tables or hours with which everything would have a place."""
    left = [table for table in job_dating.venue.tables if table.id not in asked.lost]
    found = job_dating_feasibility.fixes(job_dating, barred_meetings(job_dating), tables=left)
    return f"Avec {ways(job_dating, found, job_dating.rounds_that_fit)} de plus, tout tiendrait." if found else ""


def over(job_dating: JobDating) -> ResponseReturnValue:
    flash(OVER, "warn")
    return redirect(url_for("day_desk.the_day", job_dating_id=job_dating.id))


bp.register_error_handler(NotAllowedNow, on_not_now)
