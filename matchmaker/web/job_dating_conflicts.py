"""Two people change one job dating: the second sees both versions, and nothing of either is lost."""

from collections.abc import Sequence
from datetime import datetime

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import IntegerField
from wtforms.widgets import HiddenInput

from matchmaker.extensions import db
from matchmaker.models import JobDating, Match
from matchmaker.web import formats, labels

# Name of the fact, mine, theirs.
Rows = Sequence[tuple[str, object, object]]


class VersionField(IntegerField):
    """The version that the page showed, in a hidden control; nothing when what comes back is no number."""

    widget = HiddenInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0] if valuelist else ""
        self.data = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def resent(*forms: FlaskForm) -> list[tuple[str, str]]:
    """What was typed, to be sent again by a button."""
    kept = {field.name for form in forms for field in form} - {"csrf_token", "version", "confirmed"}
    return [(name, value) for name, value in request.form.items(multi=True) if name in kept]


def page(job_dating: JobDating, form: FlaskForm | Sequence[FlaskForm], rows: Rows) -> ResponseReturnValue:
    """Both versions side by side, with 409. Several forms where the page has a row for each."""
    db.session.rollback()
    kept = resent(form) if isinstance(form, FlaskForm) else resent(*form)
    return render_template("job_datings/conflict.html", job_dating=job_dating, rows=rows, resent=kept), 409


def when(starts_at: datetime, ends_at: datetime) -> str:
    return f"{formats.long_date(starts_at)}, de {formats.hour(starts_at)} à {formats.hour(ends_at)}"


def minutes(count: object) -> str:
    return formats.plural(int(str(count)), "minute", "minutes")


def facts_beside(job_dating: JobDating, **mine: object) -> Rows:
    """What was typed beside what is stored, in words."""
    rows: list[tuple[str, object, object]] = [
        ("Titre", mine["title"], job_dating.title),
        ("Thème", theme(mine["theme"]), theme(job_dating.theme)),
        ("Quand", when(mine["starts_at"], mine["ends_at"]), when(job_dating.starts_at, job_dating.ends_at)),  # type: ignore[arg-type]
        ("Accueil", minutes(mine["welcome_minutes"]), minutes(job_dating.welcome_minutes)),
        ("Un entretien", minutes(mine["round_minutes"]), minutes(job_dating.round_minutes)),
        ("Pour changer de table", minutes(mine["changeover_minutes"]), minutes(job_dating.changeover_minutes)),
        (
            "Pause",
            f"{minutes(mine['break_minutes'])}, après {mine['break_after_round']}",
            f"{minutes(job_dating.break_minutes)}, après {job_dating.break_after_round}",
        ),
    ]
    return rows


def theme(code: object) -> str:
    return labels.theme(str(code)).capitalize() if code else "Plusieurs thèmes"


def pairs_beside(job_dating: JobDating, matches: Sequence[Match]) -> Rows:
    """The pairs that were ticked beside those that are planned now: only what differs."""
    db.session.refresh(job_dating, ["meetings"])
    planned = {meeting.match.id: meeting.match for meeting in job_dating.meetings}
    ticked = {match.id: match for match in matches}
    words = {True: "se rencontrent", False: "ne se rencontrent pas"}
    changed = sorted(planned.keys() ^ ticked.keys())
    return [
        ("Entretiens", len(ticked), len(planned)),
        *((pair_name((ticked | planned)[key]), words[key in ticked], words[key in planned]) for key in changed),
    ]


def pair_name(match: Match) -> str:
    return f"{match.need.organisation.name} et {match.offer.organisation.name}"
