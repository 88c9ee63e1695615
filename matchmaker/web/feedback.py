"""What came of the meetings: the page of a minute behind the personal link, and the results for who is in charge."""

import csv
import io
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import StringField
from wtforms.validators import AnyOf, DataRequired

from matchmaker.extensions import csrf, db, limiter, nudge
from matchmaker.models import JobDating, Participant, Side
from matchmaker.models.base import now
from matchmaker.services import feedback, feedback_follow_up, feedback_results, participant_links
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.feedback import Said
from matchmaker.services.feedback_results import Line
from matchmaker.web import formats, limits
from matchmaker.web.access import by_token, found, host_required, job_dating_in_my_hands
from matchmaker.web.answers import LinkToken
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form
from matchmaker.web.security import keep_to_itself
from matchmaker.web.settings import mail_settings, site_keys
from tasks.outbox import drain

bp = Blueprint("feedback", __name__)
keep_to_itself(bp, "give")

EARLY = "Votre job dating n’a pas encore commencé. Revenez ici ensuite, par le même lien."
CLOSED = "C’était il y a plus de deux semaines\u00a0: nous ne notons plus rien ici. Votre animation, elle, vous lit toujours."
COLUMNS = ("tour", "heure", "table", "besoin", "offre", "tenu", "utile (besoin)", "utile (offre)", "à revoir (besoin)", "à revoir (offre)", "suite convenue")


class TapForm(Form):
    class Meta(Form.Meta):
        csrf_class = LinkToken

    meeting = StringField(validators=[DataRequired()])
    said = StringField(validators=[AnyOf([*Said])])

    @property
    def meeting_id(self) -> UUID | None:
        try:
            return UUID(self.meeting.data)
        except ValueError:
            return None


# The form checks its token itself: the general check also wants a Referer, which this page forbids so that its link does not leak.
@bp.route("/jour/<token>/retour", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("240 per minute")
@by_token
def give(token: str) -> ResponseReturnValue:
    participant_id = participant_links.read_token(token, site_keys()) or abort(404)
    participant = found(feedback.participant(participant_id))
    form = TapForm()
    meeting_id = form.meeting_id if form.validate_on_submit() else None
    if form.is_submitted() and meeting_id is None:
        return error_page(400, message=LATE_FORM)
    if not feedback.is_open(participant.job_dating):
        return error_page(410, message=EARLY if participant.job_dating.starts_at > now() else CLOSED)
    if meeting_id is None:
        questions = feedback.questions(participant)
        return render_template("feedback/give.html", participant=participant, questions=questions, form=form, day=request.path.removesuffix("/retour"))
    return record(participant, meeting_id, Said(form.said.data))


def record(participant: Participant, meeting_id: UUID, said: Said) -> ResponseReturnValue:
    """Write the tap down, and come back to its meeting."""
    try:
        said_now = feedback.say(participant, meeting_id, said)
        is_new = feedback_follow_up.agree(said_now, settings=mail_settings())
    except LookupError:
        abort(404)
    except NotAllowedNow:
        db.session.rollback()
        return error_page(410, message=CLOSED)
    db.session.commit()
    if is_new:
        nudge(drain)
    return redirect(f"{request.path}#entretien-{meeting_id}")


@bp.get("/mes-job-datings/<uuid:job_dating_id>/bilan")
@host_required
def results(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    return render_template("feedback/results.html", job_dating=job_dating, results=feedback_results.results(job_dating))


@bp.get("/mes-job-datings/<uuid:job_dating_id>/bilan.csv")
@limiter.limit(limits.HEAVY, key_func=limits.own_account)
@host_required
def results_file(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    written = io.StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(COLUMNS)
    writer.writerows([[harmless(value) for value in row(job_dating, line)] for line in feedback_results.results(job_dating).lines])
    # With the mark by which spreadsheets know that accents are UTF-8.
    response = Response("\ufeff" + written.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=bilan.csv"
    response.headers["Cache-Control"] = "no-store"
    return response


def row(job_dating: JobDating, line: Line) -> list[str]:
    number, table = line.meeting.round, line.meeting.table
    need, offer = line.said.get(Side.NEED), line.said.get(Side.OFFER)
    is_confidential = line.meeting.match.need.is_confidential or line.meeting.match.offer.is_confidential
    names = ["confidentiel"] * 2 if is_confidential else [line.need.name, line.offer.name]
    words = [yes_or_no(one.is_useful if one else None) for one in (need, offer)]
    again = [yes_or_no(one.wants_again if one and not one.is_skipped else None) for one in (need, offer)]
    place = ["", ""] if number is None else [str(number + 1), formats.hour(job_dating.round_starts_at(number))]
    return [*place, str(table.number) if table else "", *names, yes_or_no(line.is_held), *words, *again, yes_or_no(line.any_says("has_next_step"))]


def yes_or_no(value: bool | None) -> str:
    return "" if value is None else "oui" if value else "non"


def harmless(value: str) -> str:
    """A name that begins like a formula stays a name in a spreadsheet."""
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r", "\0"} else value
