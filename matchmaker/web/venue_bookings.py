"""The calendar of a venue: job datings and blocked hours, month by month."""

from datetime import UTC, date, datetime, time
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, StringField, TimeField, ValidationError

from matchmaker.extensions import db
from matchmaker.models import JobDating, Venue
from matchmaker.models.base import PARIS, today
from matchmaker.services import venue_bookings, venues
from matchmaker.services.errors import NotAllowedNow, VenueTaken
from matchmaker.web import formats
from matchmaker.web.access import host_required, venue_in_my_hands
from matchmaker.web.forms import Form, at_most, required

bp = Blueprint("venue_bookings", __name__)

# Beyond these there is no calendar to turn.
FIRST_YEAR, YEARS_AHEAD = 2020, 5


class BlockForm(Form):
    starts_on = DateField("Du", [required("Choisissez une date.")])
    starts = TimeField("à partir de", [required("Écrivez une heure.")], default=time(8))
    ends_on = DateField("Au", [required("Choisissez une date.")])
    ends = TimeField("jusqu’à", [required("Écrivez une heure.")], default=time(20))
    reason = StringField("Pour quoi", [at_most(120)])

    def validate_starts_on(self, field: DateField) -> None:
        check_year(field)

    def validate_ends_on(self, field: DateField) -> None:
        check_year(field)
        if self.starts_on.data and not self.starts_on.errors and (field.data - self.starts_on.data).days > 365:
            raise ValidationError("C’est plus d’une année. Bloquez une année à la fois.")

    def validate_ends(self, field: TimeField) -> None:
        is_dated = self.starts_on.data and self.ends_on.data and not self.starts_on.errors and not self.ends_on.errors
        if is_dated and self.starts.data and self.starts_at >= instant(self.ends_on.data, field.data):
            raise ValidationError("La fin vient après le début.")

    @property
    def starts_at(self) -> datetime:
        return instant(self.starts_on.data, self.starts.data)

    @property
    def ends_at(self) -> datetime:
        return instant(self.ends_on.data, self.ends.data)


def check_year(field: DateField) -> None:
    if not today().year <= field.data.year <= today().year + YEARS_AHEAD:
        raise ValidationError("Vérifiez l’année.")


def instant(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour.replace(tzinfo=None), PARIS).astimezone(UTC)


@bp.route("/lieux/<uuid:venue_id>/calendrier", methods=["GET", "POST"])
@host_required
def calendar(venue_id: UUID) -> ResponseReturnValue:
    venue, form = venue_in_my_hands(venue_id), BlockForm(data={"starts_on": None})
    if form.validate_on_submit():
        try:
            venue_bookings.block(venue, starts_at=form.starts_at, ends_at=form.ends_at, reason=form.reason.data or "")
        except VenueTaken as error:
            return refused(venue_id, form, f"« {error.job_dating.title} » y est publié {hours(error.job_dating)}. Déplacez-le d’abord.")
        except NotAllowedNow:
            return refused(venue_id, form, "Ces heures sont passées.")
        db.session.commit()
        flash("Ces heures sont bloquées. Rien ne s’y publiera.", "success")
        return redirect(url_for(".calendar", venue_id=venue.id, mois=f"{form.starts_on.data:%Y-%m}"))
    return month_page(venue, form), 422 if form.is_submitted() else 200


def refused(venue_id: UUID, form: BlockForm, message: str) -> ResponseReturnValue:
    """The page again, with what stands in the way."""
    db.session.rollback()
    form.starts_on.errors = [message]
    return month_page(venue_in_my_hands(venue_id), form), 422


@bp.post("/lieux/<uuid:venue_id>/calendrier/<uuid:block_id>/liberation")
@host_required
def unblock(venue_id: UUID, block_id: UUID) -> ResponseReturnValue:
    venue = venue_in_my_hands(venue_id)
    if venue_bookings.unblock(venue, block_id):
        flash("Ces heures sont libres de nouveau.", "success")
    db.session.commit()
    return redirect(url_for(".calendar", venue_id=venue.id))


def month_page(venue: Venue, form: BlockForm) -> str:
    first = month_asked(request.args.get("mois", ""))
    starts_at, ends_at = instant(first, time()), instant(next_month(first), time())
    return render_template(
        "venues/calendar.html",
        venue=venue,
        form=form,
        bookings=venue_bookings.between(venue, starts_at, ends_at),
        month=f"{formats.MONTHS[first.month - 1]} {first.year}",
        before=f"{last_month(first):%Y-%m}" if first > date(FIRST_YEAR, 1, 1) else None,
        after=f"{next_month(first):%Y-%m}" if first.year < today().year + YEARS_AHEAD else None,
        closed=closed,
    )


def month_asked(text: str) -> date:
    """The first day of the month in the address; of this month when there is none that can be."""
    try:
        asked = datetime.strptime(text, "%Y-%m").replace(tzinfo=PARIS).date()
    except ValueError:
        return today().replace(day=1)
    return asked if FIRST_YEAR <= asked.year <= today().year + YEARS_AHEAD else today().replace(day=1)


def next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def last_month(first: date) -> date:
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)


def hours(job_dating: JobDating) -> str:
    return f"le {formats.long_date(job_dating.starts_at)}, de {formats.hour(job_dating.starts_at)} à {formats.hour(job_dating.ends_at)}"


def closed(job_dating: JobDating) -> str:
    """What to say of a job dating at hours at which its venue is closed; nothing when it is open, or when nobody knows."""
    venue = job_dating.venue
    if venues.is_open(venue, job_dating.starts_at, job_dating.ends_at):
        return ""
    weekday = job_dating.starts_at.astimezone(PARIS).weekday()
    opening = next((one for one in venues.openings(venue) if one.weekday == weekday), None)
    if opening is None:
        return f"{venue.name} est fermé le {formats.DAYS[weekday]}. Vérifiez que vous pourrez entrer."
    span = f"de {formats.hour(opening.opens_at)} à {formats.hour(opening.closes_at)}"
    return f"Le {formats.DAYS[weekday]}, {venue.name} est ouvert {span}. Vérifiez que vous pourrez entrer et sortir."
