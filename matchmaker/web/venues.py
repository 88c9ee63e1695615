"""The venues of third places: what they are like, their rooms and tables."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import Field

from matchmaker.extensions import db
from matchmaker.models import Venue
from matchmaker.services import venues
from matchmaker.services.errors import TablesPlanned, TooManyPeople
from matchmaker.web import formats
from matchmaker.web.access import host_required, my_organisation, signed_in, venue_in_my_hands
from matchmaker.web.forms import answer
from matchmaker.web.venue_forms import VenueForm

bp = Blueprint("venues", __name__)

FROZEN = (
    "Des entretiens sont prévus à ces tables\u00a0: leur nombre ne change plus. Vous pouvez ajouter une salle à la suite, ou renommer. "
    "Une table ne sert plus\u00a0? Dites-le au plan du job dating, par «\u00a0Une table de moins\u00a0»."
)
KEPT = "Un ancien plan garde ces tables\u00a0: leur nombre ne change plus. Vous pouvez ajouter une salle à la suite, ou renommer."


@bp.get("/lieux")
@host_required
def mine() -> ResponseReturnValue:
    return render_template("venues/mine.html", venues=venues.in_hands_of(signed_in()))


@bp.route("/lieux/nouveau", methods=["GET", "POST"])
@host_required
def new() -> ResponseReturnValue:
    organisation, form = my_organisation(), VenueForm()
    if not form.validate_on_submit():
        return answer("venues/form.html", form, venue=None, days=formats.DAYS)
    venue = venues.open_venue(organisation, **form.facts())
    db.session.commit()
    flash("Votre lieu est enregistré. Vous pouvez y préparer un job dating.", "success")
    return redirect(url_for(".show", venue_id=venue.id))


@bp.get("/lieux/<uuid:venue_id>")
@host_required
def show(venue_id: UUID) -> ResponseReturnValue:
    return render_template("venues/show.html", venue=venue_in_my_hands(venue_id), days=formats.DAYS)


@bp.route("/lieux/<uuid:venue_id>/modifier", methods=["GET", "POST"])
@host_required
def edit(venue_id: UUID) -> ResponseReturnValue:
    venue = venue_in_my_hands(venue_id)
    form = VenueForm(data=as_typed(venue))
    if not form.validate_on_submit():
        return answer("venues/form.html", form, venue=venue, days=formats.DAYS)
    try:
        venues.describe(venue, **form.facts())
    except TablesPlanned as error:
        return refused(form, venue, form.rooms, FROZEN if error.is_to_come else KEPT)
    except TooManyPeople as error:
        people = formats.plural(error.people, "personne", "personnes")
        return refused(form, venue, form.authorised_headcount, f"Un job dating publié y attend {people}, équipe comprise. Écrivez {error.people} au moins.")
    db.session.commit()
    flash("Les changements sont enregistrés.", "success")
    return redirect(url_for(".show", venue_id=venue.id))


def as_typed(venue: Venue) -> dict[str, object]:
    """A venue as its form asks for it."""
    names = ("name", "address", "authorised_headcount", "staff_count", "is_accessible", "access_text", "transport_text", "equipment", "description")
    plain = {name: getattr(venue, name) for name in names}
    days = {one.weekday: {"opens_at": one.opens_at, "closes_at": one.closes_at} for one in venues.openings(venue)}
    hours = [days.get(weekday, {}) for weekday in range(7)]
    return {**plain, "commune": venue.commune.label, "rooms": rows(venues.room_plans(venue)), "hours": hours}


def rows(plans: Sequence[venues.RoomPlan]) -> list[dict[str, object]]:
    return [asdict(plan) for plan in plans]


def refused(form: VenueForm, venue: Venue, field: Field, message: str) -> ResponseReturnValue:
    """The page again, with what stands in the way beside its field."""
    db.session.rollback()
    field.errors = [message]
    return answer("venues/form.html", form, venue=venue, days=formats.DAYS)
