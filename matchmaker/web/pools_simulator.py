"""The public simulator of shared jobs: a fraction is described, nothing of it is kept."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from matchmaker.extensions import limiter
from matchmaker.services import pools_simulator
from matchmaker.web import pools_words
from matchmaker.web.access import public
from matchmaker.web.forms import answer
from matchmaker.web.pools_forms import SimulatorForm

bp = Blueprint("pools_simulator", __name__)


@bp.route("/emplois-partages/simulateur", methods=["GET", "POST"])
@limiter.limit("30 per 15 minutes", methods=["POST"])
@public
def simulate() -> ResponseReturnValue:
    form = SimulatorForm()
    if not form.validate_on_submit():
        return answer("pools/simulator.html", form, found=None, words=pools_words)
    found = pools_simulator.simulate(
        form.commune.commune, occupation=form.occupation.data, halfdays=form.wanted.data, allowed=form.allowed_bits, months=form.month_bits
    )
    return render_template("pools/simulator.html", form=form, found=found, words=pools_words)
