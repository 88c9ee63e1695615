"""What views write into the audit log: who, from where, in which request."""

from collections.abc import Mapping

from flask import Flask, Response, g, request
from flask_limiter.util import get_remote_address

from matchmaker.extensions import db
from matchmaker.models import AuditAction, User
from matchmaker.services import addresses, audit
from matchmaker.web.access import is_signed_in, signed_in
from matchmaker.web.forms import RIGHTS
from matchmaker.web.request_ids import request_id

# Answers to a form that was read; others may be about a body that cannot be.
READ = {200, 302, 422}
# Files that tell of people or structures. Figures of a territory are not among them.
FILES = {
    "audit_pages.file",
    "feedback.results_file",
    "matching.instance_file",
    "matching.proof_file",
    "papers.pdf",
    "purchasing_shortlists.csv_file",
    "purchasing_shortlists.xlsx_file",
}


def note(
    action: AuditAction, about: audit.Row | tuple[str, object] | None = None, *, by: User | None = None, changes: Mapping[str, object] | None = None
) -> None:
    """Add a line about this request, by who is signed in unless ``by`` says who it is. The caller commits."""
    who = by or (signed_in() if is_signed_in() else None)
    audit.record(action, by=who, about=about, changes=changes, trace=audit.Trace(request_id(), get_remote_address()))


def note_refusal(email: str, account: User | None) -> None:
    """Somebody typed a wrong password. An address without an account is kept as its hash. The caller commits."""
    audit.record(AuditAction.SIGN_IN_REFUSED, about=account or ("address", addresses.digest(email)), trace=audit.Trace(request_id(), get_remote_address()))


def note_what_was_taken(response: Response) -> Response:
    """A file that tells of people, and fields named like rights that no form of the page has, leave a line."""
    if request.endpoint in FILES and request.method == "GET" and response.status_code == 200:
        note(AuditAction.FILE_TAKEN, ("file", request.path[:200]))
        db.session.commit()
    elif response.status_code in READ and (forged := forged_fields()):
        # What the view wrote is committed already, or was not meant to stay.
        db.session.rollback()
        note(AuditAction.FORGED_FORM, ("page", str(request.endpoint)), changes={name: [None, "…"] for name in forged})
        db.session.commit()
    return response


def forged_fields() -> list[str]:
    """Names of rights that were sent to a form which has no such field."""
    return sorted(RIGHTS & set(request.form) - g.form_fields) if request.method == "POST" and "form_fields" in g else []


def init_app(app: Flask) -> None:
    app.after_request(note_what_was_taken)
