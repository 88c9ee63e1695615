"""The projected screen of a job dating: without account, by a signed address, by the server's clock."""

from dataclasses import replace

from flask import Blueprint, Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.extensions import limiter
from matchmaker.models import JobDatingStatus
from matchmaker.models.base import now
from matchmaker.services import day_board, job_datings
from matchmaker.services.day_board import Scene
from matchmaker.web import day
from matchmaker.web.access import by_token, found
from matchmaker.web.errors import error_page
from matchmaker.web.settings import site_keys

bp = Blueprint("day_board", __name__)

bp.after_request(day.set_headers)


def with_eve(scenes: list[Scene]) -> list[Scene]:
    """Whoever tries the screen out days before sees when it begins, and the first tables."""
    first = scenes[0]
    if first.kind != "welcome":
        return scenes
    return [replace(first, kind="early", since=day.LONG_AGO, until=first.since, counts_from=first.since, counts_to=first.since), *scenes]


@bp.get("/jour/ecran/<token>")
@limiter.limit("240 per minute")
@by_token
def board(token: str) -> ResponseReturnValue:
    job_dating_id = day_board.read_token(token, site_keys()) or abort(404)
    version, changed_at = found(day_board.stamp(job_dating_id))
    stamp = f"{version}-{changed_at.timestamp():.3f}"
    if request.if_none_match.contains(stamp):
        return Response(status=304)
    job_dating = found(job_datings.job_dating(job_dating_id))
    if job_dating.status is JobDatingStatus.CANCELLED:
        return error_page(410, message="Ce job dating est annulé.")
    if job_dating.status is not JobDatingStatus.PUBLISHED:
        abort(404)
    lost = day_board.lost_tables(job_dating)
    scenes = with_eve(day_board.scenes(job_dating))
    rounds = {number: (day_board.cells(job_dating, number, lost), day_board.pausing(job_dating, number)) for number in range(job_dating.rounds)}
    page = make_response(render_template("day/board.html", job_dating=job_dating, scenes=scenes, rounds=rounds, hosts=day_board.hosts(job_dating), now=now()))
    page.set_etag(stamp)
    return page
