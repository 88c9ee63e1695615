"""Every refusal as a page in plain French, with a way on. The words are in templates/errors."""

import logging
from math import ceil
from time import time

from flask import Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from matchmaker.extensions import db, limiter
from matchmaker.services.mails import SIGNED_LINKS
from matchmaker.web.request_ids import request_id

log = logging.getLogger(__name__)

LATE_FORM = (
    "Rien n’a été enregistré\u00a0: ce formulaire est trop ancien, ou il ne vient pas de notre site. "
    "Revenez en arrière, rechargez la page, puis envoyez de nouveau."
)


def error_page(code: int, **words: str) -> tuple[str, int]:
    """The page of this code; ``message`` says more precisely what happened."""
    general = 400 if code < 500 else 500
    return render_template([f"errors/{code}.html", f"errors/{general}.html"], **words), code


def on_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response:
        return error.response
    if isinstance(error, SecurityError):
        # Another host's name: there is no site, and so no link of ours, to make a page with.
        return "Cette adresse n’est pas celle de La Croisée.\n", 400, {"Content-Type": "text/plain; charset=utf-8"}
    told = headers_of(error)
    words = {"message": wait_words(int(told["Retry-After"]))} if error.code == 429 and "Retry-After" in told else {}
    if error.code == 403 and error.description != type(error).description:
        # Ours, from access.py: what one lacks, and who can give it.
        words = {"message": error.description or ""}
    page, code = error_page(error.code or 500, **words)
    return page, code, told


def wait_words(seconds: int) -> str:
    """When to come back, as people say it."""
    if seconds <= 61:
        return "Attendez une minute, puis réessayez. Rien n’est perdu."
    minutes = ceil((seconds - 1) / 60)
    wait = f"{minutes} minutes" if minutes <= 90 else f"{ceil(minutes / 60)} heures"
    return f"Attendez {wait}, puis réessayez. Rien n’est perdu."


def headers_of(error: HTTPException) -> dict[str, str]:
    """What a refusal says to machines: which methods there are, when to come back."""
    told = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    if error.code == 429 and (limit := limiter.current_limit):
        told["Retry-After"] = str(max(1, ceil(limit.reset_at - time())))
    return told


def on_csrf_error(_error: CSRFError) -> ResponseReturnValue:
    return error_page(400, message=LATE_FORM)


# A lock that did not come, a deadlock, a statement that took too long.
BUSY = {"55P03", "40P01", "57014"}


def on_database_error(error: OperationalError) -> ResponseReturnValue:
    """Somebody else is writing the same thing: try again. Or the database is away."""
    if getattr(error.orig, "sqlstate", None) not in BUSY:
        return database_down(error)
    db.session.rollback()
    return error_page(409, message="Quelqu’un travaille sur la même chose en ce moment. Rien n’a été changé\u00a0: réessayez dans une minute.")


def database_down(error: OperationalError) -> ResponseReturnValue:
    """A page of its own, without what templates are given: the layout and its menu ask the database who is signed in."""
    log.error("database unreachable for %s: %s", SIGNED_LINKS.sub(r"\1…", request.path), error.orig)
    db.session.remove()
    return current_app.jinja_env.get_template("errors/database_down.html").render(), 503, {"Retry-After": "10"}


def on_crash(error: Exception) -> ResponseReturnValue:
    log.error("unexpected error for %s %s, request %s", request.method, SIGNED_LINKS.sub(r"\1…", request.path), request_id(), exc_info=error)
    db.session.rollback()
    return error_page(500, request_id=request_id())


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(OperationalError, on_database_error)
    if not app.testing:
        app.register_error_handler(Exception, on_crash)
