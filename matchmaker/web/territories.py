"""Communes as people type them: suggestions for the fields of the forms. Who answers for a territory."""

import re

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, ValidationError
from wtforms.validators import Optional

from matchmaker.extensions import db
from matchmaker.models import Level
from matchmaker.services import territories
from matchmaker.web.access import animator_required, public, territory_in_my_care
from matchmaker.web.forms import Form, answer, at_most, clean, full_address

bp = Blueprint("territories", __name__)


@bp.get("/communes")
@public
def suggest() -> ResponseReturnValue:
    """Options of a list, for what stands in the field so far."""
    text = clean(request.args.get("q") or request.args.get("commune") or request.args.get("ou") or "")[:80]
    found = territories.search_communes(text, limit=8) if len(text) >= 2 else []
    return render_template("territories/suggestions.html", communes=found)


class ContactForm(Form):
    """Who answers for a territory: by mail, by telephone, or not yet."""

    name = StringField("Qui répond ?", [at_most(120)])
    email = StringField("Adresse électronique", [Optional(), full_address])
    phone = StringField("Téléphone", [at_most(30)])

    def validate_name(self, field: StringField) -> None:
        if field.data and not self.email.data and not self.phone.data:
            raise ValidationError("Donnez aussi une adresse ou un téléphone, pour qu’on puisse joindre cette personne.")

    def validate_phone(self, field: StringField) -> None:
        field.data = " ".join((field.data or "").split())
        if field.data and not re.fullmatch(r"\+?[0-9][0-9 .()-]{3,}", field.data):
            raise ValidationError("Écrivez le numéro en chiffres, comme 02 33 00 00 00.")


@bp.route("/territoires/<int:territory_id>/contact", methods=["GET", "POST"])
@animator_required
def contact(territory_id: int) -> ResponseReturnValue:
    territory = territory_in_my_care(territory_id)
    # The help page names the contacts of regions and départements only.
    if territory.level is Level.EPCI:
        abort(404)
    form = ContactForm(data={"name": territory.contact_name, "email": territory.contact_email, "phone": territory.contact_phone})
    if not form.validate_on_submit():
        return answer("territories/contact.html", form, territory=territory)
    territory.contact_name, territory.contact_email, territory.contact_phone = form.name.data, form.email.data.lower(), form.phone.data
    db.session.commit()
    flash("C’est enregistré. La page d’aide montre ce contact à tout le monde.", "success")
    return redirect(url_for("pages.help"))
