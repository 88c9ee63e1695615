"""The venues of third places: what they are like, their rooms and tables."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, Field, FieldList, FormField, IntegerField, StringField, TextAreaField, ValidationError

from matchmaker.extensions import db
from matchmaker.models import Venue
from matchmaker.services import venues
from matchmaker.services.errors import TablesPlanned, TooManyPeople
from matchmaker.web import labels
from matchmaker.web.access import host_required, my_organisation, signed_in, venue_in_my_hands
from matchmaker.web.forms import CommuneField, Form, answer, at_most, reached, required

bp = Blueprint("venues", __name__)

ROOMS = 4
MOST_TABLES = 60
FROZEN = "Des entretiens sont prévus à ces tables\u00a0: leur nombre ne change plus. Vous pouvez ajouter une salle à la suite, ou renommer."
KEPT = "Un ancien plan garde ces tables\u00a0: leur nombre ne change plus. Vous pouvez ajouter une salle à la suite, ou renommer."


class RoomForm(Form):
    """One room; a row that was left empty is no room."""

    class Meta(Form.Meta):
        csrf = False

    name = StringField("Nom de la salle", [at_most(80)])
    tables = IntegerField("Tables")
    accessible_tables = IntegerField("dont accessibles")

    @property
    def is_blank(self) -> bool:
        return not any(field.data or (field.raw_data and str(field.raw_data[0]).strip()) for field in self)

    def validate_name(self, field: StringField) -> None:
        if not self.is_blank and not field.data:
            raise ValidationError("Donnez un nom à cette salle.")

    def validate_tables(self, field: IntegerField) -> None:
        clear_errors(field)
        if not self.is_blank and (field.data is None or not 1 <= field.data <= MOST_TABLES):
            raise ValidationError(f"Écrivez combien il y a de tables, de 1 à {MOST_TABLES}.")

    def validate_accessible_tables(self, field: IntegerField) -> None:
        clear_errors(field)
        unreadable = field.data is None and bool(field.raw_data and str(field.raw_data[0]).strip())
        if unreadable or not 0 <= (field.data or 0) <= max(self.tables.data or 0, 0):
            raise ValidationError("Écrivez un nombre, au plus celui des tables.")


class VenueForm(Form):
    name = StringField("Nom du lieu", [required("Dites comment s’appelle le lieu."), at_most(120)])
    address = StringField("Adresse", [at_most(200)])
    commune = CommuneField("Commune", [required("Écrivez une commune ou un code postal."), reached])
    authorised_headcount = IntegerField("Combien de personnes au plus, d’après votre registre de sécurité\u00a0?")
    staff_count = IntegerField("Combien sont de votre équipe\u00a0?", default=1)
    is_accessible = BooleanField("On entre et on circule en fauteuil roulant")
    access_text = TextAreaField("Comment venir", [at_most(1000)])
    description = TextAreaField("Ce qu’on y trouve", [at_most(2000)])
    rooms = FieldList(FormField(RoomForm), "Salles", min_entries=ROOMS, max_entries=ROOMS)

    def validate_authorised_headcount(self, field: IntegerField) -> None:
        clear_errors(field)
        if field.data is None or not 1 <= field.data <= 5000:
            raise ValidationError("Écrivez un nombre de personnes, de 1 à 5\u00a0000.")

    def validate_staff_count(self, field: IntegerField) -> None:
        clear_errors(field)
        if field.data is None or field.data < 0:
            raise ValidationError("Écrivez un nombre, zéro compris.")
        if field.data > (self.authorised_headcount.data or 5000):
            raise ValidationError("Votre équipe compte dans le nombre autorisé\u00a0: elle ne peut pas le dépasser.")

    def validate_rooms(self, _field: FieldList) -> None:
        names = [plan.name.casefold() for plan in self.room_plans()]
        if not names:
            raise ValidationError("Décrivez au moins une salle et ses tables.")
        if len(set(names)) < len(names):
            raise ValidationError("Deux salles ont le même nom.")

    def room_plans(self) -> list[venues.RoomPlan]:
        rows = [row.form for row in self.rooms if not row.form.is_blank]
        return [venues.RoomPlan(row.name.data or "", row.tables.data or 0, row.accessible_tables.data or 0) for row in rows]

    def facts(self) -> dict[str, object]:
        """What the services ask for."""
        plain = {field.name: field.data for field in self if field.name not in {"commune", "rooms", "csrf_token"}}
        return {**plain, "commune": self.commune.commune, "rooms": self.room_plans()}


def clear_errors(field: Field) -> None:
    """Our sentence alone: not the library's as well, for a text that is no number."""
    field.errors = []


@bp.get("/lieux")
@host_required
def mine() -> ResponseReturnValue:
    return render_template("venues/mine.html", venues=venues.in_hands_of(signed_in()))


@bp.route("/lieux/nouveau", methods=["GET", "POST"])
@host_required
def new() -> ResponseReturnValue:
    organisation, form = my_organisation(), VenueForm()
    if not form.validate_on_submit():
        return answer("venues/form.html", form, venue=None)
    venue = venues.open_venue(organisation, **form.facts())
    db.session.commit()
    flash("Votre lieu est enregistré. Vous pouvez y préparer un job dating.", "success")
    return redirect(url_for(".show", venue_id=venue.id))


@bp.get("/lieux/<uuid:venue_id>")
@host_required
def show(venue_id: UUID) -> ResponseReturnValue:
    return render_template("venues/show.html", venue=venue_in_my_hands(venue_id))


@bp.route("/lieux/<uuid:venue_id>/modifier", methods=["GET", "POST"])
@host_required
def edit(venue_id: UUID) -> ResponseReturnValue:
    venue = venue_in_my_hands(venue_id)
    form = VenueForm(data=as_typed(venue))
    if not form.validate_on_submit():
        return answer("venues/form.html", form, venue=venue)
    try:
        venues.describe(venue, **form.facts())
    except TablesPlanned as error:
        return refused(form, venue, form.rooms, FROZEN if error.is_to_come else KEPT)
    except TooManyPeople as error:
        people = labels.plural(error.people, "personne", "personnes")
        return refused(form, venue, form.authorised_headcount, f"Un job dating publié y attend {people}, équipe comprise. Écrivez {error.people} au moins.")
    db.session.commit()
    flash("Les changements sont enregistrés.", "success")
    return redirect(url_for(".show", venue_id=venue.id))


def as_typed(venue: Venue) -> dict[str, object]:
    """A venue as its form asks for it."""
    names = ("name", "address", "authorised_headcount", "staff_count", "is_accessible", "access_text", "description")
    return {**{name: getattr(venue, name) for name in names}, "commune": venue.commune.label, "rooms": rows(venues.room_plans(venue))}


def rows(plans: Sequence[venues.RoomPlan]) -> list[dict[str, object]]:
    return [{"name": plan.name, "tables": plan.tables, "accessible_tables": plan.accessible_tables} for plan in plans]


def refused(form: VenueForm, venue: Venue, field: Field, message: str) -> ResponseReturnValue:
    """The page again, with what stands in the way beside its field."""
    db.session.rollback()
    field.errors = [message]
    return answer("venues/form.html", form, venue=venue)
