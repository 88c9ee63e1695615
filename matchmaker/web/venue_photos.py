"""Pictures of a venue: adding one with its words, taking it away, showing it."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField, FileRequired
from wtforms import StringField

from matchmaker.extensions import db
from matchmaker.services import venue_photos
from matchmaker.services.errors import BadPicture, NotAllowedNow
from matchmaker.web.access import found, host_required, public, venue_in_my_hands
from matchmaker.web.forms import Form, at_most, required

bp = Blueprint("venue_photos", __name__)

# The picture and the few fields around it.
MOST_SENT = venue_photos.MOST_BYTES + 64 * 1024
REFUSED = "Nous n’avons pas pu lire cette image. Choisissez une photo JPEG, PNG ou WebP, de 5 Mo au plus."


class PhotoForm(Form):
    picture = FileField("Photo", [FileRequired("Choisissez une photo.")])
    alt = StringField("Ce qu’on y voit", [required("Décrivez la photo en quelques mots."), at_most(160)])


@bp.url_value_preprocessor
def allow_pictures(_endpoint: str | None, _values: dict[str, object] | None) -> None:
    """Pictures are larger than what other forms may send. Said before anything reads the body."""
    request.max_content_length = MOST_SENT


@bp.route("/lieux/<uuid:venue_id>/photos", methods=["GET", "POST"])
@host_required
def photos(venue_id: UUID) -> ResponseReturnValue:
    venue, form = venue_in_my_hands(venue_id), PhotoForm()
    is_sent = form.validate_on_submit()
    if is_sent:
        try:
            venue_photos.add(venue, form.picture.data.read(MOST_SENT), alt=form.alt.data)
        except BadPicture:
            db.session.rollback()
            form.picture.errors = [REFUSED]
        except NotAllowedNow:
            db.session.rollback()
            form.picture.errors = [f"Il y a déjà {venue_photos.MOST_PHOTOS} photos. Retirez-en une d’abord."]
        else:
            db.session.commit()
            flash("La photo est ajoutée.", "success")
            return redirect(url_for(".photos", venue_id=venue.id))
    page = render_template("venues/photos.html", venue=venue_in_my_hands(venue_id), form=form, most=venue_photos.MOST_PHOTOS)
    return page, 422 if form.is_submitted() else 200


@bp.post("/lieux/<uuid:venue_id>/photos/<uuid:photo_id>/retrait")
@host_required
def remove(venue_id: UUID, photo_id: UUID) -> ResponseReturnValue:
    venue = venue_in_my_hands(venue_id)
    if venue_photos.remove(venue, photo_id):
        flash("La photo est retirée.", "success")
    db.session.commit()
    return redirect(url_for(".photos", venue_id=venue.id))


@bp.get("/photos/<uuid:photo_id>.jpg")
@public
def show(photo_id: UUID) -> ResponseReturnValue:
    """The picture itself. It never changes under its address."""
    photo = found(venue_photos.photo(photo_id))
    response = Response(photo.content, mimetype="image/jpeg")
    response.set_etag(str(photo.id))
    response.headers["Cache-Control"] = "public, max-age=604800, immutable"
    response.headers["Content-Disposition"] = "inline; filename=photo.jpg"
    return response.make_conditional(request)
