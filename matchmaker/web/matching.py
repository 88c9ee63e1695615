"""Runs for animators: asking for one, reading it, sending it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker import reference
from matchmaker.extensions import db, nudge
from matchmaker.models import Level, MatchingRun, Need, RunStatus, Territory
from matchmaker.models.base import today
from matchmaker.services import matching, proposals, territories
from matchmaker.services.errors import NotAllowedNow, RunUnderWay
from matchmaker.web import labels, maps, reasons
from matchmaker.web.access import animator_required, run_in_my_care, signed_in, territory_in_my_care
from matchmaker.web.settings import mail_settings
from tasks.matching import run_due
from tasks.outbox import drain

bp = Blueprint("matching", __name__)


@dataclass(frozen=True)
class PlaceLine:
    """One EPCI of a run: served needs of all needs, and what stands in the way of the others."""

    code: str
    name: str
    served: int
    total: int
    obstacle: str


def my_departements() -> list[Territory]:
    return [territory for territory in territories.all_departements() if signed_in().looks_after(territory)]


@bp.get("/calculs")
@animator_required
def runs() -> ResponseReturnValue:
    mine = my_departements()
    ids = [territory.id for territory in mine]
    return render_template("matching/runs.html", territories=mine, runs=matching.latest_runs(ids), refusals=proposals.refusals(ids), RunStatus=RunStatus)


@bp.post("/territoires/<int:territory_id>/calculs")
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
        return redirect(url_for("matching.runs"))
    db.session.commit()
    nudge(run_due)
    return redirect(url_for("matching.show", run_id=run.id))


@bp.get("/calculs/<uuid:run_id>")
@animator_required
def show(run_id: UUID) -> ResponseReturnValue:
    run = run_in_my_care(run_id)
    if not run.is_over or run.status is RunStatus.FAILED:
        return render_template("matching/waiting.html", run=run, RunStatus=RunStatus)
    unserved = matching.needs_of(run)
    places = by_epci(run, unserved)
    shade = {line.code: shade_of(line) for line in places if line.code}
    matches = sorted(run.matches, key=lambda match: (-match.score, match.id))
    return render_template(
        "matching/show.html",
        run=run,
        matches=matches,
        unserved=unserved,
        places=places,
        map=maps.departement_map(run.territory.code, shade),
        reasons=reasons,
        everything="tout" in request.args,
        RunStatus=RunStatus,
    )


def by_epci(run: MatchingRun, unserved: list[Need]) -> list[PlaceLine]:
    """The EPCI that have needs in this run, those with most needs first."""
    served = Counter(need.commune.epci_code for need in {match.need for match in run.matches})
    without: dict[str | None, list[Need]] = defaultdict(list)
    for need in unserved:
        without[need.commune.epci_code].append(need)
    lines = [
        PlaceLine(code or "", epci_name(code), served[code], served[code] + len(without[code]), reasons.first_obstacle(run, without[code]))
        for code in served.keys() | without.keys()
    ]
    return sorted(lines, key=lambda line: (-line.total, line.name))


def epci_name(code: str | None) -> str:
    return reference.short_name(reference.epcis()[code].name) if code else "Hors intercommunalité"


def shade_of(line: PlaceLine) -> str:
    """All served, three in four or more, more than half, or a white zone."""
    if line.served == line.total:
        return "s5"
    return "s3" if line.served * 4 >= line.total * 3 else "s1" if line.served * 2 > line.total else "white-zone"


@bp.get("/calculs/<uuid:run_id>/envoi")
@animator_required
def confirm(run_id: UUID) -> ResponseReturnValue:
    """What leaves, to whom, and who has no address: the last look before the mails."""
    run = run_in_my_care(run_id)
    if not run.can_be_published():
        return redirect(url_for("matching.show", run_id=run.id))
    asked = Counter(side.organisation for match in run.matches for side in (match.need, match.offer))
    silent = sorted((organisation for organisation in asked if not organisation.can_be_written_to()), key=lambda organisation: organisation.name)
    return render_template("matching/confirm.html", run=run, organisations=len(asked), silent=silent)


@bp.post("/calculs/<uuid:run_id>/publier")
@animator_required
def publish(run_id: UUID) -> ResponseReturnValue:
    run = run_in_my_care(run_id)
    try:
        sent_to = matching.publish(run, today=today(), settings=mail_settings())
    except NotAllowedNow:
        abort(409)
    db.session.commit()
    nudge(drain)
    sent = labels.plural(len(sent_to) // 2, "mise en relation est proposée", "mises en relation sont proposées")
    left = len(run.matches) - len(sent_to) // 2
    reason = labels.plural(left, "autre ne tient plus, ou dépasserait", "autres ne tiennent plus, ou dépasseraient")
    flash(f"{sent}. Chaque structure reçoit un seul courriel." + (f" {reason} ce que les structures acceptent par mois." if left else ""), "success")
    return redirect(url_for("matching.show", run_id=run.id))
