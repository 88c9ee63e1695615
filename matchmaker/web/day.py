"""The day of a job dating, on the phone of somebody who takes part: where to be, and when. The link is the key, no account."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.extensions import limiter
from matchmaker.models import JobDatingStatus
from matchmaker.models.base import now
from matchmaker.services import day_programme, participant_links
from matchmaker.web import formats
from matchmaker.web.access import by_token, found, public
from matchmaker.web.errors import error_page
from matchmaker.web.settings import site_keys

bp = Blueprint("day", __name__)

CANCELLED = "Ce job dating est annulé. Vous n’avez nulle part où aller."
EVER = datetime(2100, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@bp.get("/jour/<token>")
@limiter.limit("120 per minute")
@by_token
def mine(token: str) -> ResponseReturnValue:
    participant_id = participant_links.read_token(token, site_keys()) or abort(404)
    version, changed_at = found(day_programme.stamp(participant_id))
    stamp = f"{version}-{changed_at.timestamp():.3f}"
    if request.if_none_match.contains(stamp):
        return Response(status=304)
    participant = found(day_programme.participant(participant_id))
    if participant.job_dating.status is JobDatingStatus.CANCELLED:
        return error_page(410, message=CANCELLED)
    turns = day_programme.turns(participant.job_dating, participant.organisation)
    code = participant_links.code_of(participant)
    page = make_response(render_template("day/mine.html", participant=participant, turns=turns, cards=cards(turns), code=code, now=now()))
    page.set_etag(stamp)
    return page


def cards(turns: list[day_programme.Turn]) -> list[dict[str, object]]:
    """What the page says in large letters, each with the hours between which it is true: the page shows one at a time."""
    found: list[dict[str, object]] = []
    free_since = LONG_AGO
    for turn in turns:
        if turn.meetings:
            found.append({"kind": "next", "turn": turn, "since": free_since, "until": turn.step.starts_at})
            found.append({"kind": "now", "turn": turn, "since": turn.step.starts_at, "until": turn.step.ends_at})
            free_since = turn.step.ends_at
    return [*found, {"kind": "over", "turn": None, "since": free_since, "until": EVER}] if found else []


@bp.app_template_filter("ms")
def milliseconds(at: datetime) -> int:
    """An instant as scripts count it."""
    return int(at.timestamp() * 1000)


@bp.app_template_filter("wait")
def wait(until: datetime) -> str:
    """How long it is until then, as people say it."""
    minutes = max(0, -(-(until - now()) // timedelta(minutes=1)))
    if minutes >= 24 * 60:
        return f"le {formats.short_date(until)}"
    if minutes >= 60:
        return f"dans {minutes // 60}{formats.NBSP}h {minutes % 60:02}"
    return f"dans {formats.plural(minutes, 'minute', 'minutes')}" if minutes else "maintenant"


@bp.get("/jour/hors-ligne.js")
@public
def worker() -> ResponseReturnValue:
    """The script that keeps the pages of the day readable without network. It answers for all addresses below its own."""
    with current_app.open_resource("static/js/day-worker.js") as script:
        return Response(script.read(), mimetype="text/javascript", headers={"Cache-Control": "no-cache"})


@bp.after_request
def set_headers(response: Response) -> Response:
    """The address is a key: it goes to no other site, no search engine and no shared cache. Clocks follow ours."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Server-Time"] = str(milliseconds(now()))
    return response
