"""A job dating on paper: what can be printed, and the files."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue

from matchmaker.models import JobDating, Participant
from matchmaker.models.base import now
from matchmaker.services import papers, participant_links
from matchmaker.web.access import host_required, job_dating_in_my_hands
from matchmaker.web.papers_badges import badge_pages
from matchmaker.web.papers_canvas import Sheets
from matchmaker.web.papers_sheets import morning_page, table_page, wall_pages
from matchmaker.web.settings import mail_settings

bp = Blueprint("papers", __name__)


@bp.get("/mes-job-datings/<uuid:job_dating_id>/papier")
@host_required
def choose(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    people = sum(participant.delegates for participant in job_dating.expected)
    counts = {"structures": len(papers.mornings(job_dating)), "tables": len(papers.table_sheets(job_dating)), "people": people}
    return render_template("papers/choose.html", job_dating=job_dating, counts=counts)


@bp.get("/mes-job-datings/<uuid:job_dating_id>/papier/<file>.pdf")
@host_required
def pdf(job_dating_id: UUID, file: str) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    if file not in FILES or not papers.planned(job_dating):
        abort(404)
    words, draw = FILES[file]
    sheets = Sheets(f"{words}\u00a0: {job_dating.title}", at=now())
    draw(sheets, job_dating)
    response = Response(sheets.finished(), mimetype="application/pdf")
    # It holds each structure's personal link.
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f"inline; filename={file}.pdf"
    return response


def personal(participant: Participant) -> str:
    return participant_links.link(participant, mail_settings())


def everything(sheets: Sheets, job_dating: JobDating) -> None:
    for draw in (wall, tables, structures):
        draw(sheets, job_dating)


def wall(sheets: Sheets, job_dating: JobDating) -> None:
    wall_pages(sheets, job_dating, at=now())


def tables(sheets: Sheets, job_dating: JobDating) -> None:
    for sheet in papers.table_sheets(job_dating):
        table_page(sheets, job_dating, sheet, at=now())


def structures(sheets: Sheets, job_dating: JobDating) -> None:
    for morning in papers.mornings(job_dating):
        morning_page(sheets, job_dating, morning, address=personal(morning.participant), at=now())


def badges(sheets: Sheets, job_dating: JobDating) -> None:
    badge_pages(sheets, job_dating, personal)


# Name of the file → what its title says, and who draws it.
FILES: dict[str, tuple[str, Callable[[Sheets, JobDating], None]]] = {
    "tout": ("Tout le plan", everything),
    "structures": ("Une feuille par structure", structures),
    "tables": ("Une feuille par table", tables),
    "mural": ("Plan mural", wall),
    "badges": ("Badges", badges),
}
