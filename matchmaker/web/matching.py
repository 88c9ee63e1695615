"""Runs for animators: asking for one, reading it, deciding on its pairs, sending it, taking it back."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, limiter, nudge
from matchmaker.models import AuditAction, Level, MatchingRun, RunStatus, Territory
from matchmaker.models.base import now, today
from matchmaker.services import (
    mails,
    matching,
    matching_comparison,
    matching_decisions,
    matching_files,
    matching_freshness,
    matching_overview,
    matching_withdrawal,
    proposal_lists,
    territories,
    working_days,
)
from matchmaker.services.errors import AnsweredAlready, LockedAndRefused, NoPlaceToLock, NotAllowedNow, NotInRun, RunUnderWay
from matchmaker.web import formats, limits, matching_page, reasons
from matchmaker.web.access import animator_required, found, run_in_my_care, signed_in, territory_in_my_care
from matchmaker.web.audit import note
from matchmaker.web.settings import mail_settings
from tasks.matching import run_due
from tasks.outbox import drain

bp = Blueprint("matching", __name__)


def my_departements() -> list[Territory]:
    return [territory for territory in territories.all_departements() if signed_in().looks_after(territory)]


@bp.get("/calculs")
@animator_required
def runs() -> ResponseReturnValue:
    mine = my_departements()
    ids = [territory.id for territory in mine]
    latest = matching.latest_runs(ids)
    return render_template(
        "matching/runs.html",
        territories=mine,
        runs=latest,
        earlier=matching_page.earlier_runs(latest),
        refusals=proposal_lists.refusals(ids),
        RunStatus=RunStatus,
    )


@bp.post("/territoires/<int:territory_id>/calculs")
@limiter.limit(limits.HEAVY, key_func=limits.own_territory)
@animator_required
def rematch(territory_id: int) -> ResponseReturnValue:
    territory = territory_in_my_care(territory_id)
    if territory.level is not Level.DEPARTEMENT:
        abort(404)
    try:
        run = matching.request_run(territory, requested_by=signed_in())
    except RunUnderWay:
        db.session.rollback()
        flash("Un calcul est déjà en cours pour ce territoire. Le voici dans la liste.", "message")
        return redirect(url_for(".runs"))
    db.session.commit()
    nudge(run_due)
    return redirect(url_for(".show", run_id=run.id))


@bp.get("/calculs/<uuid:run_id>")
@animator_required
def show(run_id: UUID) -> ResponseReturnValue:
    return shown(run_in_my_care(run_id))


def shown(run: MatchingRun) -> str:
    """The page of a run, whatever became of it."""
    if not run.is_over or run.status is RunStatus.FAILED:
        return render_template("matching/waiting.html", run=run, RunStatus=RunStatus)
    context = matching_page.context(run, everything="tout" in request.args, today=today())
    return render_template("matching/show.html", undo=matching_page.undo_of(request.args), **context)


@bp.post("/calculs/<uuid:run_id>/paires/<uuid:need_id>/<uuid:offer_id>")
@animator_required
def decide(run_id: UUID, need_id: UUID, offer_id: UUID) -> ResponseReturnValue:
    """Lock a pair, refuse it, or take that back; the answer is mended at once."""
    run, word = run_in_my_care(run_id), request.form.get("verdict", "")
    if word not in matching_page.VERDICTS:
        abort(422)
    verdict = matching_page.VERDICTS[word]
    try:
        change = matching_decisions.decide(run, need_id, offer_id, verdict, by=signed_in(), revision=request.form.get("revision", -1, type=int))
    except NotInRun:
        abort(404)
    except (NotAllowedNow, LockedAndRefused, NoPlaceToLock) as refusal:
        words = matching_page.refusal_words(refusal)
        db.session.rollback()
        flash(words, "warn")
        return shown(run_in_my_care(run_id)), 409
    words = matching_page.change_words(change, (need_id, offer_id), verdict)
    db.session.commit()
    flash(words, "success")
    return redirect(url_for(".show", run_id=run_id, besoin=need_id, offre=offer_id, defaire=matching_page.word_of(change.standing)))


@bp.get("/calculs/<uuid:run_id>/comparer/<uuid:other_id>")
@animator_required
def compare(run_id: UUID, other_id: UUID) -> ResponseReturnValue:
    """This run beside another of the same territory, as a rule an earlier one."""
    run = run_in_my_care(run_id)
    other: MatchingRun = found(matching_comparison.run_of_the_same_territory(run, other_id))
    if run.value is None:
        abort(404)
    comparison = matching_comparison.compare(other, run, limit=matching_page.SHOWN)
    rows = matching_page.measures(other, run)
    return render_template("matching/compare.html", run=run, other=other, comparison=comparison, rows=rows, reasons=reasons)


@bp.get("/calculs/<uuid:run_id>/probleme.json")
@limiter.limit(limits.HEAVY, key_func=limits.own_account)
@animator_required
def instance_file(run_id: UUID) -> ResponseReturnValue:
    """The problem of a run, as the engine's command reads it."""
    run = run_in_my_care(run_id)
    instance = found(matching_files.instance_of(run))
    return download(matching_files.instance_json(instance, run.objective), f"calcul-{run.territory.code}-probleme.json")


@bp.get("/calculs/<uuid:run_id>/preuve.json")
@limiter.limit(limits.HEAVY, key_func=limits.own_account)
@animator_required
def proof_file(run_id: UUID) -> ResponseReturnValue:
    """The problem with its answer and the prices that prove it."""
    run = run_in_my_care(run_id)
    instance = found(matching_files.instance_of(run))
    return download(matching_files.proof_json(instance, run), f"calcul-{run.territory.code}-reponse.json")


def download(parts: Iterator[str], name: str) -> Response:
    return Response(parts, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@bp.get("/calculs/<uuid:run_id>/envoi")
@animator_required
def confirm(run_id: UUID) -> ResponseReturnValue:
    """What leaves, to whom, and who receives nothing: the last look before the mails."""
    run = run_in_my_care(run_id)
    if not run.can_be_published():
        return redirect(url_for(".show", run_id=run.id))
    told = mails.preview(matching_overview.asked_organisations(run), "proposals", today=today())
    return render_template("matching/confirm.html", run=run, matches_count=matching_overview.matches_count(run), told=told)


@bp.post("/calculs/<uuid:run_id>/publier")
@animator_required
def publish(run_id: UUID) -> ResponseReturnValue:
    run = run_in_my_care(run_id)
    is_stale, at = matching_freshness.is_stale(run, today=today()), now()
    # Who tries the demonstration at night sees mails all the same.
    asks = working_days.is_open(at) or current_app.config["DEMO"]
    try:
        sent_to = matching.publish(run, today=today(), settings=mail_settings(), asks=asks)
    except NotAllowedNow:
        abort(409)
    if is_stale:
        # What changed while it was being read has its own run at once.
        matching.wish_for_a_run(run.territory)
    note(AuditAction.RUN_PUBLISHED, run)
    db.session.commit()
    nudge(drain)
    if is_stale:
        nudge(run_due)
    flash(sent_words(len(sent_to) // 2, matching_overview.matches_count(run), None if asks else working_days.next_opening(at)), "success")
    return redirect(url_for(".show", run_id=run.id))


def sent_words(proposed: int, planned: int, opens: datetime | None) -> str:
    """What leaves now, and when the rest does."""
    if opens is not None:
        return f"C’est noté. Les premiers courriels partiront {formats.long_date(opens)} à {opens.hour}\u00a0h, quand les structures sont là."
    sent = formats.plural(proposed, "mise en relation est proposée", "mises en relation sont proposées")
    later = max(0, planned - proposed)
    rest = formats.plural(later, "autre suivra", "autres suivront")
    return f"{sent}. Chaque structure reçoit un seul courriel." + (f" {rest} jour après jour, au rythme que les structures acceptent." if later else "")


@bp.get("/calculs/<uuid:run_id>/reprise")
@animator_required
def confirm_take_back(run_id: UUID) -> ResponseReturnValue:
    run = run_in_my_care(run_id)
    if run.status is not RunStatus.PUBLISHED:
        return redirect(url_for(".show", run_id=run.id))
    return before_take_back(run)


def before_take_back(run: MatchingRun) -> str:
    """What a withdrawal does, or why it cannot be any more."""
    return render_template("matching/take_back.html", run=run, answers=matching_withdrawal.answers_of(run), asked=len(matching_withdrawal.pending(run)))


@bp.post("/calculs/<uuid:run_id>/reprendre")
@animator_required
def take_back(run_id: UUID) -> ResponseReturnValue:
    """Withdraw what nobody answered yet: the run is to be read again."""
    run = run_in_my_care(run_id)
    try:
        withdrawn = matching_withdrawal.take_back(run, settings=mail_settings())
    except AnsweredAlready:
        db.session.rollback()
        return before_take_back(run_in_my_care(run_id)), 409
    except NotAllowedNow:
        abort(409)
    note(AuditAction.RUN_TAKEN_BACK, run)
    db.session.commit()
    nudge(drain)
    told = formats.plural(withdrawn.told, "structure est prévenue", "structures sont prévenues")
    flash(f"L’envoi est repris. {told} par un court courriel, les autres n’avaient encore rien reçu.", "success")
    return redirect(url_for(".show", run_id=run.id))
