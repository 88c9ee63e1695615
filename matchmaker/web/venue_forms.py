"""The form that describes a venue: what it is like, its rooms and tables, its hours."""

from datetime import time

from wtforms import BooleanField, Field, FieldList, FormField, IntegerField, StringField, TextAreaField, TimeField, ValidationError

from matchmaker.models import Equipment
from matchmaker.services import venues
from matchmaker.web import labels
from matchmaker.web.forms import BoxesField, CommuneField, Form, at_most, reached, required

ROOMS = 4
MOST_TABLES = 60


class RoomForm(Form):
    """One room; a row that was left empty is no room."""

    class Meta(Form.Meta):
        csrf = False

    name = StringField("Nom de la salle", [at_most(80)])
    tables = IntegerField("Tables")
    accessible_tables = IntegerField("dont accessibles")
    quiet_tables = IntegerField("dont au calme")

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
        self.check_part(field)

    def validate_quiet_tables(self, field: IntegerField) -> None:
        self.check_part(field)

    def check_part(self, field: IntegerField) -> None:
        """Some of the tables: none, or all at most."""
        clear_errors(field)
        unreadable = field.data is None and bool(field.raw_data and str(field.raw_data[0]).strip())
        if unreadable or not 0 <= (field.data or 0) <= max(self.tables.data or 0, 0):
            raise ValidationError("Écrivez un nombre, au plus celui des tables.")


class HoursForm(Form):
    """One day of the week; one that was left empty is a day on which the venue is closed."""

    class Meta(Form.Meta):
        csrf = False

    opens_at = TimeField("de")
    closes_at = TimeField("à")

    @property
    def is_blank(self) -> bool:
        return not any(str(value).strip() for field in self for value in (field.raw_data or ()))

    @property
    def span(self) -> tuple[time, time] | None:
        """Its hours, once they are such."""
        if self.opens_at.data is None or self.closes_at.data is None or self.opens_at.data >= self.closes_at.data:
            return None
        return self.opens_at.data.replace(tzinfo=None), self.closes_at.data.replace(tzinfo=None)

    def validate_opens_at(self, field: TimeField) -> None:
        clear_errors(field)

    def validate_closes_at(self, field: TimeField) -> None:
        clear_errors(field)
        if not self.is_blank and self.span is None:
            raise ValidationError("Écrivez deux heures, la plus petite d’abord.")


class VenueForm(Form):
    name = StringField("Nom du lieu", [required("Dites comment s’appelle le lieu."), at_most(120)])
    address = StringField("Adresse", [at_most(200)])
    commune = CommuneField("Commune", [required("Écrivez une commune ou un code postal."), reached])
    authorised_headcount = IntegerField("Combien de personnes au plus, d’après votre registre de sécurité\u00a0?")
    staff_count = IntegerField("Combien sont de votre équipe\u00a0?", default=1)
    is_accessible = BooleanField("On entre et on circule en fauteuil roulant")
    access_text = TextAreaField("Comment entrer", [at_most(1000)])
    transport_text = TextAreaField("Comment venir", [at_most(1000)])
    equipment = BoxesField("Équipements", choices=labels.choices(Equipment))
    description = TextAreaField("Ce qu’il faut encore savoir", [at_most(2000)])
    hours = FieldList(FormField(HoursForm), "Horaires d’ouverture", min_entries=7, max_entries=7)
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
        return [venues.RoomPlan(row.name.data or "", row.tables.data or 0, row.accessible_tables.data or 0, row.quiet_tables.data or 0) for row in rows]

    def openings(self) -> list[venues.Opening]:
        spans = [(weekday, row.form.span) for weekday, row in enumerate(self.hours)]
        return [venues.Opening(weekday, *span) for weekday, span in spans if span is not None]

    def facts(self) -> dict[str, object]:
        """What the services ask for."""
        plain = {field.name: field.data for field in self if field.name not in {"commune", "rooms", "hours", "csrf_token"}}
        return {**plain, "commune": self.commune.commune, "rooms": self.room_plans(), "hours": self.openings()}


def clear_errors(field: Field) -> None:
    """Our sentence alone: not the library's as well, for a text that is no number."""
    field.errors = []
