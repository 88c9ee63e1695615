"""The forms of job datings: when and where, who meets whom, how many meetings, who comes how."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.validators import Optional

from matchmaker.models import Seated, Theme, Venue
from matchmaker.models.base import now
from matchmaker.services import mails
from matchmaker.services.matching_inputs import PairIds
from matchmaker.web import formats, job_dating_conflicts, labels
from matchmaker.web.forms import Form, at_most, between, next_time, required

LONGEST = timedelta(hours=12)


def whole(words: str, least: int, most: int, default: int) -> IntegerField:
    """A number that must be written, with one sentence for whatever is wrong with it."""
    return IntegerField(words, [between(least, most, f"Écrivez un nombre de {least} à {most}.")], default=default)


class JobDatingForm(Form):
    title = StringField("Titre", [required("Donnez-lui un titre."), at_most(120)])
    theme = SelectField("Thème", choices=labels.choices(Theme, empty="plusieurs thèmes"))
    held_on = DateField("Date", [required("Choisissez une date.")])
    starts = TimeField("Début", [required("Écrivez l’heure du début.")], default=time(9))
    ends = TimeField("Fin", [required("Écrivez l’heure de la fin.")], default=time(12))
    welcome_minutes = whole("Accueil", 0, 120, 30)
    round_minutes = whole("Un entretien", 3, 60, 12)
    changeover_minutes = whole("Pour changer de table", 0, 30, 3)
    break_after_round = whole("Pause après", 1, 50, 4)
    break_minutes = whole("Durée de la pause", 0, 120, 15)
    # Which version of the job dating the page showed.
    version = job_dating_conflicts.VersionField()

    def validate_held_on(self, field: DateField) -> None:
        if field.data < datetime.now(formats.PARIS).date():
            raise ValidationError(f"Cette date est passée. Vouliez-vous écrire {next_time(field.data):%d/%m/%Y}\u00a0?")
        if field.data.year > datetime.now(formats.PARIS).year + 3:
            raise ValidationError("C’est dans plus de trois ans. Vérifiez l’année.")

    @property
    def day(self) -> date | None:
        """The date, once it is one that can be: hours of the year 1 are not on the clock."""
        return None if self.held_on.errors else self.held_on.data

    def validate_starts(self, field: TimeField) -> None:
        refuse_absent_hour(self.day, field.data)
        if self.day and instant(self.day, field.data) < now():
            raise ValidationError("Cette heure est passée.")

    def validate_ends(self, field: TimeField) -> None:
        refuse_absent_hour(self.day, field.data)
        if self.starts.data and field.data <= self.starts.data:
            raise ValidationError("La fin est avant le début.")
        if self.day and self.starts.data and instant(self.day, field.data) - instant(self.day, self.starts.data) > LONGEST:
            raise ValidationError("Un job dating dure douze heures au plus.")

    def facts(self) -> dict[str, object]:
        """What the services ask for."""
        plain = {field.name: field.data for field in self if field.name not in {"venue_id", "held_on", "starts", "ends", "version", "csrf_token"}}
        return {**plain, "starts_at": instant(self.held_on.data, self.starts.data), "ends_at": instant(self.held_on.data, self.ends.data)}


class SetUpForm(JobDatingForm):
    """All of the first two steps; the page of each shows its own fields and keeps the others."""

    territory_id = SelectField("Territoire", default="", description="De quel territoire viennent les annonces qui se rencontrent.")

    def offer_territories(self, venues: list[Venue]) -> None:
        """The départements of these venues, and the intercommunalités in them."""
        codes = {venue.territory_id: venue.commune.departement_code for venue in venues}
        parts = {str(one.id): f"{one.name} ({codes[one.parent_id or 0]})" for one in mails.epcis(codes)}
        self.territory_id.choices = {"": "Tout le département du lieu"} | parts

    def facts(self) -> dict[str, object]:
        return {**super().facts(), "territory_id": int(self.territory_id.data) if self.territory_id.data else None}


class NewJobDatingForm(SetUpForm):
    venue_id = SelectField("Lieu")


class DraftForm(SetUpForm):
    """The first two steps of a draft that exists: its venue can be another one."""

    venue_id = SelectField("Lieu", [Optional()])

    def offer_venues(self, venues: list[Venue]) -> None:
        self.venues = {str(venue.id): venue for venue in venues}
        self.venue_id.choices = {key: f"{venue.name}, {venue.commune.name}" for key, venue in self.venues.items()}

    def facts(self) -> dict[str, object]:
        return {**super().facts(), "venue": self.venues[self.venue_id.data]}


class RhythmForm(Form):
    meetings_each = IntegerField("Entretiens par structure, au plus", [Optional(), between(1, 50, "Écrivez un nombre de 1 à 50, ou rien.")])
    max_consecutive = IntegerField("Entretiens d’affilée, au plus", [Optional(), between(1, 50, "Écrivez un nombre de 1 à 50, ou rien.")])
    seated = RadioField("Qui reste assis ?", choices=labels.choices(Seated), default=Seated.NOBODY.value)
    only_what_fits = BooleanField("Ne garder que les entretiens qui tiennent")
    version = job_dating_conflicts.VersionField()

    def facts(self) -> dict[str, object]:
        plain = {name: self[name].data for name in ("meetings_each", "max_consecutive", "only_what_fits")}
        return {**plain, "seated": Seated(self.seated.data)}


class ComingForm(Form):
    """How a structure comes: it says so by its link or in its account."""

    delegates = whole("Combien de personnes viennent ?", 1, 9, 1)
    arrives = TimeField("Arrivée, si ce n’est pas dès le début", [Optional()])
    leaves = TimeField("Départ, si ce n’est pas à la fin", [Optional()])
    needs_accessible = BooleanField("Il nous faut une table accessible en fauteuil roulant")
    access_note = TextAreaField("Autre chose à prévoir pour que vous puissiez participer ?", [at_most(500)])


class ChoiceForm(Form):
    # Not « matches »: a control of that name would hide the method of the form's element from scripts.
    pairs = SelectMultipleField("Entretiens", [required("Cochez au moins un entretien.")], validate_choice=False)
    version = job_dating_conflicts.VersionField()

    def validate_pairs(self, field: SelectMultipleField) -> None:
        if not set(field.data) <= {value for value, *_rest in field.iter_choices()}:
            raise ValidationError("Une des paires cochées n’est plus libre. Elle n’est plus dans la liste : regardez et renvoyez.")


class VersionForm(Form):
    """The version that a page of several forms showed."""

    class Meta(Form.Meta):
        csrf = False

    version = job_dating_conflicts.VersionField()


class ParticipantForm(Form):
    """One row of the participants' table; the page's form carries the token."""

    class Meta(Form.Meta):
        csrf = False

    delegates = whole("Personnes", 1, 9, 1)
    needs_accessible = BooleanField("Table accessible")


def instant(day: date, at: time) -> datetime:
    """A date and an hour of Paris, in UTC."""
    return datetime.combine(day, at, formats.PARIS).astimezone(UTC)


def refuse_absent_hour(day: date | None, at: time) -> None:
    """One night a year has no hour between 2 and 3."""
    if day is not None and instant(day, at).astimezone(formats.PARIS).time() != at:
        raise ValidationError(f"Cette heure n’existe pas le {formats.short_date(day)}\u00a0: on passe de 2\u00a0h à 3\u00a0h. Choisissez-en une autre.")


def read_pairs(values: Iterable[str]) -> set[PairIds]:
    """The ids of a need and of an offer in each value that was ticked. Whatever is none of ours counts as not said."""
    found = set()
    for value in values:
        need, _, offer = value.partition(" ")
        try:
            found.add((UUID(need), UUID(offer)))
        except ValueError:
            continue
    return found
