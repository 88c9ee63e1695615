"""Whether the process is up, whether it can serve, and the figures that alerts are made of."""

import hmac
from functools import cache
from ipaddress import ip_address

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config import ROOT
from matchmaker.extensions import db, limiter
from matchmaker.models.base import now
from matchmaker.services import health
from matchmaker.web.access import by_token, public

bp = Blueprint("health", __name__)
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@bp.get("/healthz")
@limiter.exempt
@public
def healthz() -> ResponseReturnValue:
    """The process answers. Nothing else is looked at: a restart would not bring a database back."""
    return jsonify(status="ok")


@bp.get("/readyz")
@limiter.exempt
@public
def readyz() -> ResponseReturnValue:
    """Pages can be served: the database answers and its schema is ours. Without the queue all is slower, and nothing is lost."""
    try:
        revision = str(db.session.scalar(text("SELECT version_num FROM alembic_version")))
    except SQLAlchemyError:
        return jsonify(status="database unreachable"), 503, {"Retry-After": "5"}
    # One that we do not know is of a newer release, which is being installed: its schema serves us too.
    if revision in known_revisions()[:-1]:
        return jsonify(status="database waits for its migrations"), 503, {"Retry-After": "5"}
    return jsonify(status="ok", queue="ok" if queue_answers() else "unreachable")


@cache
def known_revisions() -> tuple[str, ...]:
    """The migrations of this release, the oldest first."""
    return tuple(reversed([script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()]))


def queue_answers() -> bool:
    try:
        with current_app.extensions["celery"].connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=1)
    except (OperationalError, OSError):
        return False
    return True


@bp.get("/metrics")
@limiter.exempt
@by_token
def metrics() -> ResponseReturnValue:
    """Figures for Prometheus: for who has the METRICS_TOKEN; without one, for this machine alone."""
    if not may_measure():
        abort(404)
    return Response(health.exposition(health.figures(now=now())), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_measure() -> bool:
    token = current_app.config["METRICS_TOKEN"]
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    # Behind a proxy of the same machine everybody comes from here: what was passed on is not ours.
    is_passed_on = any(name in request.headers for name in FORWARDED)
    return not is_passed_on and ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104 - nobody's address
