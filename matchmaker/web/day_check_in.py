"""The desk of a job dating, on a phone that holds the link: who is there. It goes on without network, and tells the server afterwards."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import IntegerField, SelectField, StringField, TextAreaField

from matchmaker.extensions import csrf, db, limiter
from matchmaker.models import Category, CheckInLink, JobDating, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services import check_in_links, job_datings, participant_links, presence, walk_ins
from matchmaker.services.errors import NoReach, NotAllowedNow, TooManyPeople
from matchmaker.web import day, day_words, job_dating_plan
from matchmaker.web.access import by_token
from matchmaker.web.answers import LinkToken
from matchmaker.web.errors import LATE_FORM, error_page
from matchmaker.web.forms import Form, at_most, clean
from matchmaker.web.settings import site_keys

bp = Blueprint("day_check_in", __name__)

ENDED = "L’accueil a fermé ce lien. Demandez-en un autre à la personne qui tient le lieu."
CLOSED = "L’accueil de ce job dating n’est pas ouvert. Il ouvre la veille, et ferme le soir."
# What one phone sends at once; the rest follows.
MOST_ACTS = 300
LONGEST_NAME = 120


class DeskForm(Form):
    """Gestures as JSON from the page's script, or one from a button of the page without it."""

    class Meta(Form.Meta):
        csrf_class = LinkToken

    acts = TextAreaField("Gestes")
    participant = StringField("Structure")
    state = StringField("État")
    delegates = IntegerField("Personnes")
    name = StringField("Nom de la structure", [at_most(LONGEST_NAME)])
    kind = SelectField("Elle cherche ou propose", choices=lambda: day_words.KINDS, validate_choice=False)
    title = StringField("En une phrase", [at_most(120)])


# The form checks its token itself, as on the other pages of a link.
@bp.route("/jour/accueil/<token>", methods=["GET", "POST"])
@csrf.exempt
@limiter.limit("240 per minute")
@by_token
def desk(token: str) -> ResponseReturnValue:
    link: CheckInLink = check_in_links.find_by_token(token, site_keys()) or abort(404)
    if link.ended_at is not None:
        return error_page(410, message=ENDED)
    job_dating = job_datings.job_dating(link.job_dating_id) or abort(404)
    if not presence.is_open(job_dating):
        return error_page(410, message=CLOSED)
    form = DeskForm()
    if request.method == "GET":
        return page(job_dating, form)
    if not form.validate():
        return refused(job_dating, form)
    return take(job_dating, form, by=link.name)


def take(job_dating: JobDating, form: DeskForm, *, by: str) -> ResponseReturnValue:
    """Write down what was sent, each gesture on its own: one that cannot be does not keep the others."""
    told = read_acts(form)
    if told is None:
        return refused(job_dating, form)
    done, problems = [], []
    for act in told:
        problem = write(job_dating, act, by=by)
        done.append(str(act.id))
        if problem:
            problems.append(problem)
    if request.headers.get("Accept") == "application/json":
        return jsonify(state(job_datings.job_dating(job_dating.id), done=done, problems=problems))
    for problem in problems:
        flash(problem, "error")
    return redirect(request.path)


def write(job_dating: JobDating, act: presence.Act | walk_ins.WalkIn, *, by: str) -> str:
    """One gesture, committed. Returns why it cannot be, or nothing."""
    try:
        if isinstance(act, walk_ins.WalkIn):
            walk_ins.arrive(job_dating, act, by=by)
        elif presence.record(job_dating, [act], by=by):
            return "Une structure n’est plus sur la liste\u00a0: son geste n’a pas compté."
        db.session.commit()
    except TooManyPeople as error:
        db.session.rollback()
        return f"{job_dating_plan.too_many(error)} La structure arrivée n’est pas ajoutée."
    except NoReach:
        db.session.rollback()
        return "La Croisée n’est pas encore ouverte dans ce département."
    except NotAllowedNow:
        db.session.rollback()
        return CLOSED
    return ""


def read_acts(form: DeskForm) -> Sequence[presence.Act | walk_ins.WalkIn] | None:
    """The gestures of the form, or nothing when they are none of ours."""
    try:
        if form.acts.data:
            told = json.loads(form.acts.data)
            return [read_act(one) for one in told] if isinstance(told, list) and len(told) <= MOST_ACTS else None
        button = {"id": str(uuid4()), "at": day.milliseconds(now()), "participant": form.participant.data, "state": form.state.data}
        arrival = {"name": form.name.data, "kind": form.kind.data, "title": form.title.data}
        return [read_act({**button, "delegates": form.delegates.data, **arrival})]
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def read_act(told: dict[str, Any]) -> presence.Act | walk_ins.WalkIn:
    """One gesture. Raises one of the errors above for anything that our page would not send."""
    act_id, at = UUID(told["id"]), datetime.fromtimestamp(int(told["at"]) / 1000, UTC)
    delegates = int(told["delegates"]) if told.get("delegates") else None
    if delegates is not None and not 1 <= delegates <= 9:
        raise ValueError(delegates)
    if not told.get("name"):
        return presence.Act(act_id, UUID(told["participant"]), PresenceState(told["state"]), at, delegates)
    name, title = clean(str(told["name"])), clean(str(told.get("title") or ""))
    if not 0 < len(name) <= LONGEST_NAME or len(title) > LONGEST_NAME:
        raise ValueError(name)
    side, _, category = str(told.get("kind") or "").partition(":")
    kind = (Side(side), Category(category)) if category else (None, None)
    return walk_ins.WalkIn(act_id, name, at, delegates or 1, *kind, title)


def page(job_dating: JobDating, form: DeskForm) -> str:
    lines = presence.roster(job_dating)
    return render_template(
        "day/check_in.html",
        job_dating=job_dating,
        lines=lines,
        notes={line.participant.id: day_words.note(job_dating, line) for line in lines},
        codes={line.participant.id: participant_links.code_of(line.participant) for line in lines},
        here=sum(line.state is PresenceState.PRESENT for line in lines),
        people=presence.people_here(lines),
        names=walk_ins.names_around(job_dating),
        words=day_words.STATES,
        form=form,
        closes_at=presence.closes_at(job_dating),
        now=now(),
    )


def state(job_dating: JobDating | None, *, done: list[str], problems: list[str]) -> dict[str, object]:
    """What every phone at the desk should show."""
    lines = presence.roster(job_dating) if job_dating else []
    told = {
        str(line.participant.id): {"state": line.state, "delegates": line.delegates, "at": day.milliseconds(line.act.acted_at) if line.act else 0}
        for line in lines
    }
    return {"done": done, "problems": problems, "people": told}


def refused(job_dating: JobDating, form: DeskForm) -> ResponseReturnValue:
    """400 for a form that is not ours, 422 for one to correct."""
    if "csrf_token" in form.errors:
        return error_page(400, message=LATE_FORM)
    flash("Nous n’avons pas compris ce geste. Rien n’a changé. Réessayez.", "error")
    return page(job_dating, form), 422


@bp.after_request
def set_headers(response: Response) -> Response:
    """As the other pages of the day; this one may ask for the camera, to scan badges."""
    response.headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    return day.set_headers(response)
