"""« À faire »: what comes to an animator, the call sheet of each row, and the acts on it."""

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from matchmaker.extensions import db, nudge
from matchmaker.models import ActKind, Category, DoneReason, Matter, Proposal, ProposalStatus, Territory, User, WorkAct
from matchmaker.models.base import now, today
from matchmaker.services import mails, matching, proposals, work_queue, work_queue_acts
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.work_queue import MINE, NOBODY, Filters, Row
from matchmaker.web import labels, work_queue_words
from matchmaker.web.access import animator_required, found, signed_in
from matchmaker.web.answer_days import first_day
from matchmaker.web.forms import Form, clean
from matchmaker.web.refusal_fields import unit_of
from matchmaker.web.settings import mail_settings
from matchmaker.web.work_queue_forms import AnswerForForm, AssignForm, CallForm, DoneForm, SnoozeForm, next_week
from tasks.matching import run_due
from tasks.outbox import drain

bp = Blueprint("work_queue", __name__)
# How long one's last acts stay at hand.
AT_HAND = timedelta(days=2)
# Their own page ends them: a run that is read, a call for help that was answered.
ENDED_ELSEWHERE = (Matter.TO_REVIEW, Matter.CALLED_FOR)
FILTERS = ("quoi", "epci", "categorie", "qui", "plus-tard", "page")


@bp.get("/a-faire")
@animator_required
def show() -> ResponseReturnValue:
    departements = mails.departements_of(signed_in())
    filters, page = asked(departements), request.args.get("page", 1, type=int)
    return render_template(
        "work_queue/show.html",
        queue=work_queue.queue(filters, user=signed_in(), today=today(), page=page),
        filters=filters,
        epcis=mails.epcis(filters.territory_ids),
        latest=work_queue_acts.latest_of(signed_in(), since=now() - AT_HAND),
        **forms_of(departements),
    )


def asked(departements: list[Territory]) -> Filters:
    """The filters of the address; one that names nothing filters nothing."""
    matter, category, who = (clean(request.args.get(name)) for name in ("quoi", "categorie", "qui"))
    return Filters(
        frozenset(departement.id for departement in departements),
        matter=Matter(matter) if matter in set(Matter) else None,
        category=Category(category) if category in set(Category) else None,
        epci=clean(request.args.get("epci"))[:9],
        who=who if who in (MINE, NOBODY) else "",
        later="plus-tard" in request.args,
    )


def forms_of(departements: list[Territory]) -> dict[str, object]:
    """What every row offers: the same lists, whatever the row."""
    people = [user for user in work_queue_acts.colleagues(departements) if user.id != signed_in().id]
    return {
        "colleagues": people,
        "territories": {departement.id: departement for departement in departements},
        "reasons": DoneReason,
        "next_week": next_week(),
        "last_day": today() + timedelta(days=work_queue_acts.LONGEST_SNOOZE_DAYS),
        "today": today(),
        "words": work_queue_words,
        "Matter": Matter,
    }


def row_in_my_care(subject_id: UUID) -> Row:
    """The row about this subject, if there is anything to do about it in one's départements."""
    mine = [departement.id for departement in mails.departements_of(signed_in())]
    row: Row = found(work_queue.row(subject_id, mine, today=today()))
    return row


@bp.get("/a-faire/<uuid:subject_id>")
@animator_required
def sheet(subject_id: UUID) -> ResponseReturnValue:
    row = row_in_my_care(subject_id)
    if row.run is not None:
        return redirect(url_for("matching.show", run_id=row.run.id))
    if row.fact.matter is Matter.CALLED_FOR:
        return redirect(url_for("conversations.call", help_id=subject_id))
    return sheet_of(row, {})


def sheet_of(row: Row, sent: dict[str, Form]) -> ResponseReturnValue:
    """Whom to call and what to say. ``sent``: the form that came back with something to correct, by its name or by its question's id."""
    departements = mails.departements_of(signed_in())
    questions = work_queue.questions(row)
    context = {
        "answers": {question.id: sent.get(str(question.id)) or blank(question) for question in questions},
        "units": {question.id: labels.label(unit_of(question)) for question in questions},
        "call": sent.get("call") or CallForm(formdata=None),
        **forms_of(departements),
    }
    return render_template("work_queue/sheet.html", row=row, questions=questions, **context), 422 if sent else 200


def blank(question: Proposal) -> AnswerForForm:
    form = AnswerForForm(formdata=None, data={"until": first_day(question)}, prefix=short(question))
    form.latest = proposals.latest_postponement(question)
    return form


def short(question: Proposal) -> str:
    """What tells the fields of one question from those of the others on the same page."""
    return f"q{question.id.hex[:8]}"


@bp.post("/a-faire/<uuid:subject_id>/prendre")
@animator_required
def take(subject_id: UUID) -> ResponseReturnValue:
    return acted(work_queue_acts.assign(row_in_my_care(subject_id).fact, signed_in(), by=signed_in()))


@bp.post("/a-faire/<uuid:subject_id>/confier")
@animator_required
def assign(subject_id: UUID) -> ResponseReturnValue:
    row, form = row_in_my_care(subject_id), AssignForm()
    people = [user for user in work_queue_acts.colleagues(mails.departements_of(signed_in())) if looks_after(user, row)]
    form.offer(people)
    if not form.validate_on_submit():
        return refused("Choisissez à qui confier cette ligne. Elle n’a pas changé.")
    to = next(user for user in people if user.id == form.chosen)
    return acted(work_queue_acts.assign(row.fact, to, by=signed_in()))


def looks_after(user: User, row: Row) -> bool:
    return user.looks_after(db.session.get(Territory, row.fact.territory_id))


@bp.post("/a-faire/<uuid:subject_id>/fait")
@animator_required
def finish(subject_id: UUID) -> ResponseReturnValue:
    row, form = row_in_my_care(subject_id), DoneForm()
    if row.fact.matter in ENDED_ELSEWHERE:
        abort(409)
    if not form.validate_on_submit():
        return refused("Choisissez pourquoi c’est fait. La ligne n’a pas changé.")
    return acted(work_queue_acts.finish(row.fact, reason=DoneReason(form.reason.data), by=signed_in(), note=form.note.data or ""))


@bp.post("/a-faire/<uuid:subject_id>/plus-tard")
@animator_required
def snooze(subject_id: UUID) -> ResponseReturnValue:
    row, form = row_in_my_care(subject_id), SnoozeForm()
    if not form.validate_on_submit():
        return refused(" ".join(form.until.errors))
    return acted(work_queue_acts.snooze(row.fact, until=form.until.data, by=signed_in(), today=today()))


@bp.post("/a-faire/<uuid:subject_id>/appel")
@animator_required
def note_call(subject_id: UUID) -> ResponseReturnValue:
    row, form = row_in_my_care(subject_id), CallForm()
    if row.fact.matter in ENDED_ELSEWHERE:
        abort(409)
    if not form.validate_on_submit():
        return sheet_of(row, {"call": form})
    work_queue_acts.note_call(row.fact, by=signed_in(), note=form.note.data)
    db.session.commit()
    flash("C’est noté. La ligne reste à faire jusqu’à ce que vous la fermiez.", "success")
    return redirect(url_for(".sheet", subject_id=subject_id))


@bp.post("/a-faire/<uuid:subject_id>/reponses/<uuid:proposal_id>")
@animator_required
def answer(subject_id: UUID, proposal_id: UUID) -> ResponseReturnValue:
    """The answer of a structure that said it on the telephone."""
    row = row_in_my_care(subject_id)
    question: Proposal = found(next((one for one in work_queue.questions(row) if one.id == proposal_id), None))
    form = AnswerForForm(prefix=short(question))
    form.latest = proposals.latest_postponement(question)
    if not form.validate_on_submit():
        return sheet_of(row, {str(question.id): form})
    reply = form.reply(question)
    try:
        work_queue_acts.answer_for(row.fact, question, reply, by=signed_in(), note=form.note.data, settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        return refused("Cette question est close entre-temps. Rien n’a été envoyé.")
    if reply.status is ProposalStatus.DECLINED:
        matching.wish_for_runs_after(question)
    db.session.commit()
    nudge(run_due if reply.status is ProposalStatus.DECLINED else drain)
    flash(f"{work_queue_words.answer_words(reply.status)}. Votre nom et vos mots sont gardés avec la réponse.", "success")
    return redirect(url_for(".show"))


@bp.post("/a-faire/gestes/<uuid:act_id>/annuler")
@animator_required
def undo(act_id: UUID) -> ResponseReturnValue:
    made: WorkAct = found(work_queue_acts.act_of(signed_in(), act_id))
    try:
        work_queue_acts.undo(made)
    except NotAllowedNow:
        db.session.rollback()
        return refused("C’était déjà annulé. Rien n’a changé.")
    db.session.commit()
    flash("C’est annulé. La ligne est comme avant.", "success")
    return back()


def acted(made: WorkAct) -> ResponseReturnValue:
    """Keep the act, and come back to the list as it was filtered."""
    told = work_queue_words.done(made)
    name = f"{made.organisation.name}\u00a0: " if made.organisation else ""
    done = made.kind is ActKind.ASSIGNED and made.assigned_to_id == signed_in().id
    db.session.commit()
    flash(f"{name}{'vous vous en occupez' if done else told}. Vous pouvez revenir sur ce geste en bas de la liste.", "success")
    return back()


def refused(message: str) -> ResponseReturnValue:
    flash(message, "warn")
    return back()


def back() -> Response:
    """The list, with the filters that the form carried along."""
    kept = {name: clean(request.form.get(f"filtre-{name}"))[:40] for name in FILTERS}
    return redirect(url_for(".show", **{name: value for name, value in kept.items() if value}))
