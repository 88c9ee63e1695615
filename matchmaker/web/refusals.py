"""Why structures of a territory said no, and what follows from it: each consequence can be lifted, and brought back."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.services import matching, refusals
from matchmaker.web.access import animator_required, found, signed_in
from matchmaker.web.matching_weights import departement_in_my_care
from tasks.matching import run_due

bp = Blueprint("refusals", __name__)


@bp.get("/territoires/<int:territory_id>/refus")
@animator_required
def index(territory_id: int) -> ResponseReturnValue:
    territory = departement_in_my_care(territory_id)
    shown, lifted = refusals.of_territories([territory.id]), refusals.of_territories([territory.id], lifted=True)
    return render_template("refusals/index.html", territory=territory, shown=shown, lifted=lifted, counts=refusals.counts(shown))


@bp.post("/territoires/<int:territory_id>/refus/<uuid:proposal_id>/lever")
@animator_required
def lift(territory_id: int, proposal_id: UUID) -> ResponseReturnValue:
    territory = departement_in_my_care(territory_id)
    refusals.lift(found(refusals.refusal_of(proposal_id, territory.id)), by=signed_in())
    matching.wish_for_a_run(territory)
    db.session.commit()
    nudge(run_due)
    flash("C’est levé\u00a0: les prochains calculs n’en tiennent plus compte.", "success")
    return redirect(url_for(".index", territory_id=territory_id, _anchor="leves"))


@bp.post("/territoires/<int:territory_id>/refus/<uuid:proposal_id>/remettre")
@animator_required
def restore(territory_id: int, proposal_id: UUID) -> ResponseReturnValue:
    territory = departement_in_my_care(territory_id)
    refusals.restore(found(refusals.refusal_of(proposal_id, territory.id)))
    matching.wish_for_a_run(territory)
    db.session.commit()
    nudge(run_due)
    flash("C’est remis\u00a0: les prochains calculs en tiennent compte.", "success")
    return redirect(url_for(".index", territory_id=territory_id))
