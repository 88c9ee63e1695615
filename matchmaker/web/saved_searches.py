"""Searches that one keeps: from the directory, in a list of one's own, and the link of a mail that stops one."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import Rhythm, SavedSearch
from matchmaker.services import saved_searches
from matchmaker.web import labels
from matchmaker.web import search as addresses
from matchmaker.web.access import by_token, found, signed_in, signed_in_required
from matchmaker.web.answers import LinkToken
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form
from matchmaker.web.security import keep_to_itself
from matchmaker.web.settings import site_keys

bp = Blueprint("saved_searches", __name__)
keep_to_itself(bp, "stop")
LONGEST_LABEL = 200
NEVER = "never"


class KeepForm(Form):
    rhythm = SelectField("Me prévenir", choices=labels.choices(Rhythm), default=Rhythm.WEEKLY.value)


class RhythmForm(Form):
    rhythm = SelectField("Me prévenir", choices=labels.choices(Rhythm) | {NEVER: "Jamais, je la garde seulement"})


class StopForm(Form):
    class Meta(Form.Meta):
        csrf_class = LinkToken


def mine(search_id: UUID) -> SavedSearch:
    saved: SavedSearch = found(saved_searches.mine(signed_in(), search_id))
    return saved


@bp.get("/recherches")
@signed_in_required
def show() -> ResponseReturnValue:
    return render_template("directory/saved.html", searches=saved_searches.of(signed_in()), choices=RhythmForm(formdata=None).rhythm.choices, never=NEVER)


@bp.post("/recherches")
@limiter.limit("60 per hour")
@signed_in_required
def keep() -> ResponseReturnValue:
    """Keep the search that stands in the address of the form, as it stands in that of its page."""
    asked, form = addresses.read(request.args), KeepForm()
    page = asked.url()
    if not form.validate_on_submit():
        flash("Choisissez à quel rythme vous voulez être prévenu·e. La recherche n’est pas gardée.", "warn")
        return redirect(page)
    try:
        label = addresses.told(asked)[:LONGEST_LABEL]
        saved_searches.keep(signed_in(), asked.question, label=label, address=page.partition("?")[2], rhythm=Rhythm(form.rhythm.data))
    except saved_searches.TooMany:
        flash(f"Vous gardez déjà {saved_searches.MOST} recherches. Oubliez-en une pour en garder une autre.", "warn")
        return redirect(url_for(".show"))
    db.session.commit()
    flash("C’est gardé. Vous recevrez un courriel quand il y aura du nouveau, et seulement alors.", "success")
    return redirect(page)


@bp.post("/recherches/<uuid:search_id>/rythme")
@signed_in_required
def change(search_id: UUID) -> ResponseReturnValue:
    saved, form = mine(search_id), RhythmForm()
    if not form.validate_on_submit():
        flash("Choisissez un rythme dans la liste. Rien n’a changé.", "warn")
        return redirect(url_for(".show"))
    if form.rhythm.data == NEVER:
        saved_searches.stop(saved)
    else:
        saved_searches.resume(saved, Rhythm(form.rhythm.data))
    db.session.commit()
    flash("C’est enregistré.", "success")
    return redirect(url_for(".show"))


@bp.post("/recherches/<uuid:search_id>/oublier")
@signed_in_required
def forget(search_id: UUID) -> ResponseReturnValue:
    saved_searches.forget(mine(search_id))
    db.session.commit()
    flash("Cette recherche est oubliée.", "success")
    return redirect(url_for(".show"))


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/recherches/arreter/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("120 per minute")
@by_token
def stop(token: str) -> ResponseReturnValue:
    """The link of a mail: one button, without signing in."""
    saved = saved_searches.by_token(token, site_keys()) or abort(404)
    form = StopForm()
    if form.validate_on_submit():
        saved_searches.stop(saved)
        db.session.commit()
        return redirect(request.path)
    if form.is_submitted():
        return error_page(400, message=LATE_FORM)
    return render_template("directory/stop.html", saved=saved, form=form)
