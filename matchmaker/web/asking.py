"""What a mail must be worth in a territory: set by its animators, tried before it is kept; and what was asked on the last days."""

from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField

from matchmaker.extensions import db
from matchmaker.models import AskingPrice, Territory
from matchmaker.models.base import today
from matchmaker.services import asking, asking_prices
from matchmaker.web import formats
from matchmaker.web.access import animator_required, signed_in
from matchmaker.web.declaration_fields import AmountField
from matchmaker.web.forms import Form, between
from matchmaker.web.matching_weights import departement_in_my_care

bp = Blueprint("asking", __name__)
FAVOURS = {"1": "non", "1.5": "un peu", "2": "beaucoup"}
LEAST, MOST = Decimal("0.1"), 50


class PriceForm(Form):
    price = AmountField(
        "Chances de coopération qu’un courriel doit valoir, sur 100",
        [between(LEAST, MOST, "Écrivez un nombre de 0,1 à 50\u00a0: 2 veut dire 2 chances sur 100.")],
    )
    newcomers = RadioField("Mettre en avant les structures à qui nous n’avons encore rien demandé\u00a0?", choices=FAVOURS)
    waiting = RadioField("Mettre en avant les besoins qui attendent depuis trois semaines\u00a0?", choices=FAVOURS)

    def values(self) -> dict[str, float]:
        return {"price": float(self.price.data) / 100, "newcomers": float(self.newcomers.data), "waiting": float(self.waiting.data)}


def in_words(price: float) -> str:
    """« pas de courriel pour moins de 2 chances sur 100 »."""
    percent = price * 100
    digits = formats.number(percent, 0 if percent == round(percent) else 1)
    return f"pas de courriel pour moins de {digits}{formats.NBSP}{'chances' if percent >= 2 else 'chance'} sur{formats.NBSP}100"


@bp.route("/territoires/<int:territory_id>/courriels", methods=["GET", "POST"])
@animator_required
def price(territory_id: int) -> ResponseReturnValue:
    territory = departement_in_my_care(territory_id)
    form = form_of(territory)
    if not form.validate_on_submit():
        return page(territory, form)
    asking_prices.set_price(territory, **form.values(), by=signed_in())
    db.session.commit()
    flash("C’est enregistré. Les prochains courriels suivront ce réglage.", "success")
    return redirect(url_for(".price", territory_id=territory.id))


@bp.post("/territoires/<int:territory_id>/courriels/apercu")
@animator_required
def preview(territory_id: int) -> ResponseReturnValue:
    """What today's mails would be at this price and at others; nothing is written. A part of the page for htmx, the whole page else."""
    territory = departement_in_my_care(territory_id)
    form = form_of(territory)
    effects = asking_prices.effects(territory, **form.values(), day=today()) if form.validate_on_submit() else None
    if "HX-Request" not in request.headers:
        return page(territory, form, effects)
    return render_template("asking/preview.html", form=form, effects=effects, in_words=in_words, chosen=form.values()["price"] if effects else None)


def form_of(territory: Territory) -> PriceForm:
    row = asking_prices.in_force(territory)
    percent = Decimal(str(round(row.price * 100, 3))).normalize()
    return PriceForm(data={"price": percent, "newcomers": f"{row.newcomers:g}", "waiting": f"{row.waiting:g}"})


def page(territory: Territory, form: PriceForm, effects: list[asking_prices.Effect] | None = None) -> ResponseReturnValue:
    """The form with its history: 422 when it came back with something to correct."""
    in_force = asking_prices.in_force(territory)
    context: dict[str, Any] = {"favours": FAVOURS, "in_words": in_words, "in_force": in_force, "history": asking_prices.history(territory)}
    chosen = form.values()["price"] if effects is not None else None
    days = asking.latest_days(territory)
    told = render_template("asking/price.html", territory=territory, form=form, effects=effects, chosen=chosen, days=days, favour=favour, **context)
    return told, 422 if form.is_submitted() and effects is None else 200


def favour(row: AskingPrice) -> str:
    """What a setting puts first, in words."""
    favoured = [words for words, weight in (("les nouvelles structures", row.newcomers), ("les besoins qui attendent", row.waiting)) if weight > 1]
    return formats.enumeration(favoured) if favoured else "personne en particulier"
