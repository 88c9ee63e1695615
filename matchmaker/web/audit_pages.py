"""The audit log as the administration reads it: a page with filters, and the same lines as a file."""

import csv
import io
from collections.abc import Iterable
from datetime import date

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.extensions import limiter
from matchmaker.models import AuditAction, AuditEntry
from matchmaker.models.base import PARIS
from matchmaker.services import audit
from matchmaker.web import audit_words
from matchmaker.web.access import admin_required
from matchmaker.web.feedback import harmless
from matchmaker.web.forms import clean
from matchmaker.web.limits import own_account

bp = Blueprint("audit_pages", __name__)
COLUMNS = ("Date", "Heure", "Qui", "Rôle", "Acte", "Objet", "Identifiant", "Avant et après", "Réseau", "Requête")


@bp.get("/journal")
@admin_required
def show() -> ResponseReturnValue:
    filters = asked()
    results = audit.search(filters, page=request.args.get("page", 1, type=int))
    return render_template("audit/show.html", results=results, filters=filters, names=audit.names_of(results.items), words=audit_words)


@bp.get("/journal.csv")
@limiter.limit("5 per 10 minutes", key_func=own_account)
@admin_required
def file() -> ResponseReturnValue:
    entries = list(audit.lines(asked()))
    response = Response("\ufeff" + written(entries), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=journal.csv"
    response.headers["Cache-Control"] = "no-store"
    return response


def asked() -> audit.Filters:
    """The filters of the address; one that names nothing filters nothing."""
    action = request.args.get("acte", "")
    return audit.Filters(
        since=day(request.args.get("du", "")),
        until=day(request.args.get("au", "")),
        action=AuditAction(action) if action in set(AuditAction) else None,
        who=clean(request.args.get("qui"))[:100],
    )


def day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def written(entries: Iterable[AuditEntry]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        at = entry.at.astimezone(PARIS)
        acts = (audit_words.who(entry), audit_words.role(entry), audit_words.ACTIONS[entry.action], audit_words.kind(entry), entry.object_id)
        line = (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}", *acts, "; ".join(audit_words.changes(entry)), entry.address, entry.request_id)
        writer.writerow([harmless(cell) for cell in line])
    return out.getvalue()
