"""The day as the host sees it: the phones that check people in, the screen, who is there, and the way to change the plan."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from matchmaker.extensions import db
from matchmaker.models import JobDating, JobDatingStatus, PresenceState
from matchmaker.models.base import now
from matchmaker.services import check_in_links, day_board, presence, replanning
from matchmaker.services.errors import NotAllowedNow
from matchmaker.web import day_words, job_dating_plan
from matchmaker.web.access import found, host_required, job_dating_in_my_hands, signed_in
from matchmaker.web.forms import Form, at_most, required
from matchmaker.web.settings import mail_settings

bp = Blueprint("day_desk", __name__)


class PhoneForm(Form):
    name = StringField("À qui est ce téléphone\u00a0?", [required("Donnez-lui un nom, par exemple un prénom."), at_most(60)])


@bp.route("/mes-job-datings/<uuid:job_dating_id>/jour-j", methods=["GET", "POST"])
@host_required
def the_day(job_dating_id: UUID) -> ResponseReturnValue:
    """The page, and its form: a link for one more phone."""
    job_dating = published_in_my_hands(job_dating_id)
    form = PhoneForm()
    if not form.validate_on_submit():
        return page(job_dating, form), 422 if form.is_submitted() else 200
    check_in_links.make(job_dating, name=form.name.data, by=signed_in())
    db.session.commit()
    flash("Le lien est prêt. Ouvrez-le sur ce téléphone tant qu’il y a du réseau.", "success")
    return redirect(request.path)


@bp.post("/mes-job-datings/<uuid:job_dating_id>/jour-j/telephones/<uuid:link_id>/fin")
@host_required
def end_phone(job_dating_id: UUID, link_id: UUID) -> ResponseReturnValue:
    job_dating = published_in_my_hands(job_dating_id)
    check_in_links.end(found(check_in_links.link_of(job_dating, link_id)))
    db.session.commit()
    flash("Ce téléphone ne fait plus l’accueil.", "success")
    return redirect(url_for(".the_day", job_dating_id=job_dating.id))


def published_in_my_hands(job_dating_id: UUID) -> JobDating:
    job_dating = job_dating_in_my_hands(job_dating_id)
    if job_dating.status is not JobDatingStatus.PUBLISHED:
        raise NotAllowedNow(job_dating.status)
    return job_dating


def page(job_dating: JobDating, form: PhoneForm) -> str:
    lines, settings = presence.roster(job_dating), mail_settings()
    links = check_in_links.links_of(job_dating)
    return render_template(
        "day/desk.html",
        job_dating=job_dating,
        form=form,
        lines=lines,
        here=[line for line in lines if line.state is PresenceState.PRESENT],
        people=presence.people_here(lines),
        words=day_words.STATES,
        links={link: check_in_links.address(link, settings) for link in links if link.ended_at is None},
        ended=[link for link in links if link.ended_at is not None],
        board=day_board.address(job_dating, settings),
        is_open=presence.is_open(job_dating),
        history=presence.history(job_dating)[:30],
        changes=replanning.changes(job_dating),
        now=now(),
    )


@bp.errorhandler(NotAllowedNow)
def on_not_now(_error: NotAllowedNow) -> ResponseReturnValue:
    """A draft has no day yet, a cancelled one never will: say where it stands."""
    db.session.rollback()
    job_dating = job_dating_in_my_hands((request.view_args or {})["job_dating_id"])
    is_draft = job_dating.status is JobDatingStatus.DRAFT
    flash("Publiez d’abord ce job dating\u00a0: le jour J se prépare ensuite." if is_draft else job_dating_plan.standing(job_dating), "message")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))
