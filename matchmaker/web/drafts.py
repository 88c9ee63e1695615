"""What goes on beside a form that is being written: it is kept as it stands, and says who could answer."""

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, StringField

from matchmaker.extensions import db, limiter
from matchmaker.models import Category
from matchmaker.models.base import now
from matchmaker.services import drafts
from matchmaker.web.access import member_required, my_organisation
from matchmaker.web.declaration_fields import RADIUS
from matchmaker.web.declaration_guides import GUIDES
from matchmaker.web.declaration_reach import reach_of
from matchmaker.web.declarations import NEED, OFFER, Kind, category_of
from matchmaker.web.forms import Form, clean

bp = Blueprint("drafts", __name__)
# Which question was being answered.
STEP = "etape"
# As fast as a person types, and not faster.
PACE = "240 per minute"


class PlaceForm(Form):
    """The three answers that decide who is around."""

    class Meta(Form.Meta):
        csrf = False

    commune = StringField()
    radius_km = RadioField(choices=RADIUS, default="30")
    remote_share = StringField()


def fields_of(category: Category) -> Iterable[str]:
    """What a draft of this category may hold."""
    return [field.name for field in GUIDES[category].form(formdata=None, meta={"csrf": False})] + [STEP]


@bp.post("/besoins/nouveau/<category>/brouillon")
@limiter.limit(PACE)
@member_required
def keep_need(category: str) -> ResponseReturnValue:
    return keep(NEED, category_of(category))


@bp.post("/offres/nouvelle/<category>/brouillon")
@limiter.limit(PACE)
@member_required
def keep_offer(category: str) -> ResponseReturnValue:
    return keep(OFFER, category_of(category))


def keep(kind: Kind, category: Category) -> ResponseReturnValue:
    """Keep the form as it stands, unchecked: by itself while one types, or by its button, which leads back to one's list."""
    answers = {name: [clean(value) for value in values] for name, values in request.form.lists()}
    drafts.keep(my_organisation(), kind.side, category, answers, fields=fields_of(category))
    db.session.commit()
    if "HX-Request" in request.headers:
        return render_template("declarations/_kept.html", kept_at=now())
    flash("Votre brouillon est gardé. Il vous attend ici 30 jours, sur tous vos appareils.", "success")
    return redirect(url_for("declarations.mine"))


@bp.post("/besoins/nouveau/<category>/recommencer")
@member_required
def discard_need(category: str) -> ResponseReturnValue:
    return discard(NEED, category_of(category))


@bp.post("/offres/nouvelle/<category>/recommencer")
@member_required
def discard_offer(category: str) -> ResponseReturnValue:
    return discard(OFFER, category_of(category))


def discard(kind: Kind, category: Category) -> ResponseReturnValue:
    drafts.discard(my_organisation(), kind.side, category)
    db.session.commit()
    flash("Le brouillon est effacé. Voici une page blanche.", "success")
    return redirect(url_for(kind.new, category=category))


@bp.get("/besoins/nouveau/<category>/autour")
@limiter.limit(PACE)
@member_required
def around_need(category: str) -> ResponseReturnValue:
    return around(NEED, category_of(category))


@bp.get("/offres/nouvelle/<category>/autour")
@limiter.limit(PACE)
@member_required
def around_offer(category: str) -> ResponseReturnValue:
    return around(OFFER, category_of(category))


def around(kind: Kind, category: Category) -> ResponseReturnValue:
    reach = reach_of(PlaceForm(request.args), my_organisation(), category=category, is_need=kind.is_need)
    return render_template("declarations/_reach.html", reach=reach, kind=kind)
