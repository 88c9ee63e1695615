"""Every refusal as a page in plain French, with a way on. The words are in templates/errors."""

import logging

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from matchmaker.extensions import db

log = logging.getLogger(__name__)

LATE_FORM = (
    "Rien n’a été enregistré\u00a0: ce formulaire est trop ancien, ou il ne vient pas de notre site. "
    "Revenez en arrière, rechargez la page, puis envoyez de nouveau."
)


def error_page(code: int, **words: str) -> ResponseReturnValue:
    """The page of this code; ``message`` says more precisely what happened."""
    general = 400 if code < 500 else 500
    return render_template([f"errors/{code}.html", f"errors/{general}.html"], **words), code


def on_http_error(error: HTTPException) -> ResponseReturnValue:
    return error.response or error_page(error.code or 500)


def on_csrf_error(_error: CSRFError) -> ResponseReturnValue:
    return error_page(400, message=LATE_FORM)


def on_database_down(error: OperationalError) -> ResponseReturnValue:
    """A page of its own: the layout asks the database who is signed in."""
    log.error("database unreachable for %s: %s", request.path, error.orig)
    db.session.remove()
    return render_template("errors/database_down.html"), 503, {"Retry-After": "10"}


def on_crash(error: Exception) -> ResponseReturnValue:
    log.error("unexpected error for %s %s", request.method, request.path, exc_info=error)
    db.session.rollback()
    return error_page(500)


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(OperationalError, on_database_down)
    if not app.testing:
        app.register_error_handler(Exception, on_crash)
