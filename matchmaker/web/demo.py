"""The demonstration's mails, as their catcher received them. Absent outside the demonstration."""

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from matchmaker.web.access import demo_only

bp = Blueprint("demo", __name__)
SHOWN = 200


@dataclass(frozen=True)
class Caught:
    """One mail on disk."""

    name: str
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["subject"] or "(sans objet)")

    @property
    def sender(self) -> str:
        return str(self.message["from"] or self.message["x-envelope-from"] or "")

    @property
    def recipient(self) -> str:
        return str(self.message["to"] or self.message["x-envelope-to"] or "")

    @property
    def sent_at(self) -> datetime | None:
        date = self.message["date"]
        return date.datetime if date else None

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")

    @property
    def calendar(self) -> str:
        return self.part("calendar")

    def part(self, kind: str) -> str:
        for part in self.message.walk():
            if part.get_content_type() == f"text/{kind}":
                return readable(part)
        return ""


def readable(part: EmailMessage) -> str:
    """The text of a part; a mail may name a character set that does not exist."""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        return bytes(part.get_payload(decode=True) or b"").decode("utf-8", errors="replace")  # type: ignore[arg-type]


def opening_above(page: str) -> str:
    """The page, with links that leave the frame in which it is shown."""
    base = '<base target="_top">'
    framed, heads = re.subn(r"(<head\b[^>]*>)", rf"\1{base}", page, count=1, flags=re.IGNORECASE)
    return framed if heads else base + page


def folder() -> Path:
    return Path(current_app.config["MAIL_FOLDER"])


def caught(name: str) -> Caught:
    """The mail of that file; 404 for a name that is no file of the folder."""
    if not name.endswith(".eml") or Path(name).name != name:
        abort(404)
    try:
        content = (folder() / name).read_bytes()
    except (OSError, ValueError):
        abort(404)
    return Caught(name, email.message_from_bytes(content, policy=email.policy.default))  # type: ignore[arg-type]


@bp.get("/demo/courriels")
@demo_only
def mails() -> ResponseReturnValue:
    names = sorted((path.name for path in folder().glob("*.eml")), reverse=True) if folder().is_dir() else []
    return render_template("demo/mails.html", mails=[caught(name) for name in names[:SHOWN]], total=len(names))


@bp.get("/demo/courriels/<name>")
@demo_only
def mail(name: str) -> ResponseReturnValue:
    return render_template("demo/mail.html", mail=caught(name))


@bp.get("/demo/courriels/<name>/page")
@demo_only
def mail_page(name: str) -> ResponseReturnValue:
    """The HTML part alone, as a mail program shows it: in its own frame, without any script."""
    response = Response(opening_above(caught(name).html or "<p>Ce courriel n’a pas de partie HTML.</p>"), mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups allow-top-navigation-by-user-activation"
    )
    return response


@bp.get("/demo/courriels/<name>/source")
@demo_only
def source(name: str) -> ResponseReturnValue:
    return Response((folder() / caught(name).name).read_bytes(), mimetype="text/plain", headers={"Content-Disposition": "inline"})
