"""How often, and when, a structure may be asked: its own page."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, IntegerField, SelectField
from wtforms.validators import Optional, ValidationError

from matchmaker.extensions import db
from matchmaker.models import Organisation
from matchmaker.models.base import today
from matchmaker.services import asking_budgets, asking_rhythms, refusals
from matchmaker.web import formats
from matchmaker.web.access import found, organisation_in_my_hands, structure_required
from matchmaker.web.forms import BoxesField, Form, between, bits, numbers, required

bp = Blueprint("asking_rhythms", __name__)
DAY_NAMES = {str(place): name for place, name in enumerate(formats.DAYS)}
HOURS = {str(hour): f"{hour}{formats.NBSP}h" for hour in range(6, 23)}


class RhythmForm(Form):
    monthly_budget = IntegerField("Par mois, au plus", [between(0, 60, "Écrivez un nombre entier de 0 à 60.")])
    weekly_budget = IntegerField("Par semaine, au plus", [between(0, 15, "Écrivez un nombre entier de 0 à 15.")])
    working_days = BoxesField("Quels jours peut-on vous écrire\u00a0?", choices=DAY_NAMES)
    opens_at = SelectField("Pas avant", choices=HOURS)
    closes_at = SelectField("Ni après", choices=HOURS)
    paused_until = DateField("Ne rien nous envoyer jusqu’au", [Optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and not self.working_days.data:
            self.working_days.errors = ["Gardez un jour au moins. Pour ne rien recevoir, dites jusqu’à quand."]
        if is_valid and int(self.opens_at.data) >= int(self.closes_at.data):
            self.closes_at.errors = ["La fin doit venir après le début."]
        return is_valid and not self.working_days.errors and not self.closes_at.errors

    def columns(self) -> dict[str, Any]:
        return {
            "monthly_budget": self.monthly_budget.data,
            "weekly_budget": self.weekly_budget.data,
            "working_days": bits(self.working_days.data or ()),
            "opens_at": int(self.opens_at.data),
            "closes_at": int(self.closes_at.data),
            "paused_until": self.paused_until.data,
        }


class AbsenceForm(Form):
    starts_on = DateField("Du", [required("Quel est le premier jour\u00a0?")])
    ends_on = DateField("Au", [required("Quel est le dernier jour\u00a0?")])

    def validate_ends_on(self, field: DateField) -> None:
        if self.starts_on.data and field.data and field.data < max(self.starts_on.data, today()):
            raise ValidationError("Le dernier jour vient après le premier, et n’est pas passé.")


def first_values(organisation: Organisation) -> dict[str, Any]:
    names = ("monthly_budget", "weekly_budget", "paused_until")
    hours = {"opens_at": str(organisation.opens_at), "closes_at": str(organisation.closes_at)}
    return {name: getattr(organisation, name) for name in names} | hours | {"working_days": numbers(organisation.working_days)}


def page(organisation: Organisation, form: RhythmForm, absence: AbsenceForm, *, day: date) -> ResponseReturnValue:
    told = render_template(
        "asking/rhythm.html",
        organisation=organisation,
        form=form,
        absence=absence,
        absences=asking_rhythms.absences(organisation, day=day),
        left=asking_budgets.left(organisation, day=day),
        refused=refusals.of_organisation(organisation.id),
        history=asking_rhythms.history(organisation, day=day),
    )
    return told, 422 if form.errors or absence.errors else 200


@bp.route("/structures/<uuid:organisation_id>/rythme", methods=["GET", "POST"])
@structure_required
def show(organisation_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    form = RhythmForm(data=first_values(organisation))
    if not form.validate_on_submit():
        return page(organisation, form, AbsenceForm(formdata=None), day=today())
    for column, value in form.columns().items():
        setattr(organisation, column, value)
    db.session.commit()
    flash("C’est enregistré.", "success")
    return redirect(url_for(".show", organisation_id=organisation.id))


@bp.post("/structures/<uuid:organisation_id>/absences")
@structure_required
def add_absence(organisation_id: UUID) -> ResponseReturnValue:
    organisation, form = organisation_in_my_hands(organisation_id), AbsenceForm()
    if not form.validate_on_submit():
        return page(organisation, RhythmForm(formdata=None, data=first_values(organisation)), form, day=today())
    asking_rhythms.add_absence(organisation, starts_on=form.starts_on.data, ends_on=form.ends_on.data)
    db.session.commit()
    flash("C’est noté. Rien ne vous sera demandé ces jours-là.", "success")
    return redirect(url_for(".show", organisation_id=organisation.id))


@bp.post("/structures/<uuid:organisation_id>/absences/<uuid:absence_id>/retirer")
@structure_required
def remove_absence(organisation_id: UUID, absence_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    asking_rhythms.remove_absence(found(asking_rhythms.absence_of(organisation, absence_id)))
    db.session.commit()
    return redirect(url_for(".show", organisation_id=organisation.id))


@bp.post("/structures/<uuid:organisation_id>/historique/oublier")
@structure_required
def forget(organisation_id: UUID) -> ResponseReturnValue:
    organisation = organisation_in_my_hands(organisation_id)
    asking_rhythms.forget_history(organisation, day=today())
    db.session.commit()
    flash("C’est oublié. Vous repartez comme une structure nouvelle.", "success")
    return redirect(url_for(".show", organisation_id=organisation.id))
