"""« Mes données »: all that is kept on who is signed in, to read, to take away, or to have erased."""

from uuid import UUID

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, limiter, nudge
from matchmaker.models import AuditAction
from matchmaker.models.base import now
from matchmaker.services import consents, personal_data, personal_data_erasing, personal_data_export
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import formats, my_data_words
from matchmaker.web.access import found, signed_in, signed_in_required
from matchmaker.web.audit import note
from matchmaker.web.errors import error_page
from matchmaker.web.limits import own_account
from matchmaker.web.sessions import recently_confirmed
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain
from tasks.personal_data import export_due

bp = Blueprint("my_data", __name__)
# Of each section, on the page; the file has them all.
MOST = 20
OVER = "Ce fichier n’est plus là\u00a0: nous le gardons un jour. Demandez-en un autre depuis vos données."


@bp.get("/compte/donnees")
@signed_in_required
def show() -> ResponseReturnValue:
    user, export = signed_in(), personal_data_export.latest(signed_in())
    return render_template(
        "my_data/show.html",
        sections=list(personal_data.sections(user, most=MOST)),
        words=my_data_words,
        export=export,
        is_there=export is not None and personal_data_export.is_there(export, at=now()),
        outlook=personal_data_erasing.outlook(user),
        erasure=personal_data_erasing.request_of(user),
        missing=consents.missing(user),
        accepted=consents.consents_of(user),
        most=MOST,
    )


@bp.post("/compte/donnees/export")
@limiter.limit("5 per 10 minutes", key_func=own_account)
@signed_in_required
@recently_confirmed("my_data.show")
def ask_export() -> ResponseReturnValue:
    """A worker writes the file; a mail says when it is there."""
    personal_data_export.ask(signed_in())
    note(AuditAction.DATA_EXPORTED, signed_in())
    db.session.commit()
    nudge(export_due)
    flash("C’est demandé. Le fichier sera prêt dans une minute, un courriel vous le dira.", "success")
    return redirect(url_for("my_data.show"))


@bp.get("/compte/donnees/export/<uuid:export_id>")
@limiter.limit("20 per 10 minutes", key_func=own_account)
@signed_in_required
@recently_confirmed("my_data.show")
def download(export_id: UUID) -> ResponseReturnValue:
    export = found(personal_data_export.export_of(signed_in(), export_id))
    if not personal_data_export.is_there(export, at=now()):
        return abort(404) if export.ready_at is None else error_page(410, message=OVER)
    response = Response(export.content, mimetype="application/zip")
    response.headers["Content-Disposition"] = "attachment; filename=mes-donnees.zip"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/compte/donnees/effacer")
@limiter.limit("10 per hour", key_func=own_account)
@signed_in_required
@recently_confirmed("my_data.show")
def erase() -> ResponseReturnValue:
    """In seven days, so that one can change one's mind."""
    user = signed_in()
    try:
        asked = personal_data_erasing.ask(user, settings=mail_settings())
    except NotAllowedNow:
        db.session.rollback()
        flash("Vous êtes la dernière personne de l’administration. Donnez d’abord ce rôle à quelqu’un d’autre.", "warn")
        return redirect(url_for("my_data.show"))
    note(AuditAction.ERASURE_ASKED, user)
    due_at = asked.due_at
    db.session.commit()
    nudge(drain)
    flash(f"C’est noté. Votre compte et vos données seront effacés le {formats.day_and_hour(due_at)}. D’ici là, vous pouvez changer d’avis.", "success")
    return redirect(url_for("my_data.show"))


@bp.post("/compte/donnees/garder")
@signed_in_required
def keep() -> ResponseReturnValue:
    if personal_data_erasing.call_off(signed_in()):
        note(AuditAction.ERASURE_CALLED_OFF, signed_in())
        db.session.commit()
        flash("Votre compte reste. Rien n’a été effacé.", "success")
    return redirect(url_for("my_data.show"))


@bp.post("/compte/donnees/textes")
@signed_in_required
def accept() -> ResponseReturnValue:
    consents.accept(signed_in())
    db.session.commit()
    flash("C’est noté, avec la date d’aujourd’hui.", "success")
    return redirect(url_for("my_data.show"))
