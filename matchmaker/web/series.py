"""A series of job datings: its dates from one model, and the pairs spread over them."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, IntegerField, SelectField, StringField, TimeField, ValidationError

from matchmaker.extensions import db
from matchmaker.models import JobDating, Series
from matchmaker.models.base import today
from matchmaker.services import series as all_series
from matchmaker.services import venue_bookings, venues
from matchmaker.services.errors import NotAllowedNow, TooManyPeople
from matchmaker.web import formats, job_dating_plan
from matchmaker.web.access import found, holds, host_required, signed_in, venue_in_my_hands
from matchmaker.web.forms import Form, answer, at_most, between, next_time, required
from matchmaker.web.venue_bookings import closed

bp = Blueprint("series", __name__)

RHYTHMS = {"1": "chaque semaine", "2": "toutes les 2 semaines", "4": "toutes les 4 semaines", "8": "toutes les 8 semaines", "13": "chaque trimestre"}
LEAST, MOST = 2, 12
LONGEST = timedelta(hours=12)


class SeriesForm(Form):
    title = StringField("Titre", [required("Donnez-lui un titre."), at_most(120)])
    venue_id = SelectField("Lieu")
    first = DateField("Première date", [required("Choisissez une date.")])
    weeks = SelectField("Puis", choices=RHYTHMS, default="4")
    count = IntegerField("Combien de dates", [between(LEAST, MOST, f"Écrivez un nombre de {LEAST} à {MOST}.")], default=4)
    starts = TimeField("Début", [required("Écrivez l’heure du début.")], default=time(9))
    ends = TimeField("Fin", [required("Écrivez l’heure de la fin.")], default=time(12))
    round_minutes = IntegerField("Durée d’un entretien", [between(3, 60, "Écrivez un nombre de 3 à 60.")], default=12)

    def validate_first(self, field: DateField) -> None:
        if field.data <= today():
            raise ValidationError(f"Cette date est passée. Vouliez-vous écrire {next_time(field.data):%d/%m/%Y}\u00a0?")
        if field.data.year > today().year + 2:
            raise ValidationError("C’est dans plus de deux ans. Vérifiez l’année.")

    def validate_ends(self, field: TimeField) -> None:
        if self.starts.data is None:
            return
        lasts = datetime.combine(date.min, field.data) - datetime.combine(date.min, self.starts.data)
        if not timedelta(hours=1) <= lasts <= LONGEST:
            raise ValidationError("La fin vient une heure au moins après le début, et le même jour.")

    def facts(self) -> dict[str, object]:
        """What the services ask for."""
        plain = {name: self[name].data for name in ("title", "first", "count", "starts", "ends", "round_minutes")}
        return plain | {"weeks": int(self.weeks.data)}


@bp.get("/mes-job-datings/series")
@host_required
def mine() -> ResponseReturnValue:
    return render_template("series/mine.html", all_series=all_series.in_hands_of(signed_in()))


@bp.route("/mes-job-datings/series/nouvelle", methods=["GET", "POST"])
@host_required
def new() -> ResponseReturnValue:
    form, places = SeriesForm(), venues.in_hands_of(signed_in())
    form.venue_id.choices = {str(venue.id): f"{venue.name}, {venue.commune.name}" for venue in places}
    if not places or not form.validate_on_submit():
        return answer("series/new.html", form, has_venue=bool(places))
    made = all_series.prepare(venue_in_my_hands(UUID(form.venue_id.data)), **form.facts())
    db.session.commit()
    flash("La série est prête. Rien n’est envoyé avant que vous publiiez chaque date.", "success")
    return redirect(url_for(".show", series_id=made.id))


@bp.get("/mes-job-datings/series/<uuid:series_id>")
@host_required
def show(series_id: UUID) -> ResponseReturnValue:
    series = series_in_my_hands(series_id)
    appearances = all_series.appearances(series)
    warnings = {job_dating.id: warning(series, job_dating) for job_dating in all_series.drafts(series)}
    names = {one.organisation_id: one.organisation.name for job_dating in series.job_datings for one in job_dating.expected}
    often = sorted((names[key], count) for key, count in appearances.items() if count > 1)
    context = {"appearances": appearances, "often": often, "warnings": warnings, "drafts": all_series.drafts(series)}
    return render_template("series/show.html", series=series, **context)


@bp.post("/mes-job-datings/series/<uuid:series_id>/repartition")
@host_required
def share_out(series_id: UUID) -> ResponseReturnValue:
    series = series_in_my_hands(series_id)
    try:
        spread = all_series.share_out(series)
    except NotAllowedNow:
        db.session.rollback()
        flash("Aucune date de cette série n’est encore à préparer. Rien n’a changé.", "message")
        return redirect(url_for(".show", series_id=series_id))
    except TooManyPeople as error:
        db.session.rollback()
        flash(job_dating_plan.too_many(error), "warn")
        return redirect(url_for(".show", series_id=series_id))
    db.session.commit()
    flash(told(spread), "success" if spread.placed else "message")
    return redirect(url_for(".show", series_id=series_id))


def told(spread: all_series.Spread) -> str:
    """What the sharing out led to, in a sentence or three."""
    words = [formats.plural(spread.placed, "paire a une date", "paires ont une date")]
    if spread.left:
        words.append(f"{formats.plural(spread.left, 'ne tient', 'ne tiennent')} sur aucune date")
    if spread.met_before:
        words.append(f"{formats.plural(spread.met_before, 's’est déjà rencontrée', 'se sont déjà rencontrées')}")
    return ". ".join(words) + "."


def warning(series: Series, job_dating: JobDating) -> str:
    """What stands in the way of a date, as far as its hours tell."""
    kept = venue_bookings.blocked(series.venue, job_dating.starts_at, job_dating.ends_at)
    if kept is not None:
        return "Le lieu est gardé pour autre chose ce jour-là" + (f"\u00a0: {kept.reason}." if kept.reason else ".")
    return closed(job_dating)


def series_in_my_hands(series_id: UUID) -> Series:
    series: Series = found(all_series.series(series_id))
    return series if holds(signed_in(), series.venue) else abort(404)
