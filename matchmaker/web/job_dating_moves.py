"""Changing a published job dating: what changes and who is told is shown first, and only a second button does it."""

from collections.abc import Callable
from dataclasses import asdict
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating, JobDatingStatus
from matchmaker.services import job_dating_matches, job_dating_moves, venues
from matchmaker.services.errors import (
    EditedMeanwhile,
    MatchesTaken,
    MeetingsLost,
    NoAccessibleTable,
    NotAllowedNow,
    RoundsDoNotFit,
    TooManyPeople,
    VenueBlocked,
    VenueTaken,
)
from matchmaker.services.invitations import Told
from matchmaker.services.job_dating_moves import Facts, Moved
from matchmaker.web import formats, job_dating_conflicts, job_dating_picks, job_dating_plan
from matchmaker.web.access import host_required, job_dating_in_my_hands, signed_in, venue_in_my_hands
from matchmaker.web.forms import answer
from matchmaker.web.job_dating_conflicts import Rows, pairs_beside, resent, when
from matchmaker.web.job_dating_forms import ChoiceForm, JobDatingForm
from matchmaker.web.job_datings import on_too_late
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("job_dating_moves", __name__)
bp.register_error_handler(NotAllowedNow, on_too_late)

IN_THE_WAY = (MatchesTaken, MeetingsLost, NoAccessibleTable, RoundsDoNotFit, TooManyPeople, VenueBlocked, VenueTaken)


class MoveForm(JobDatingForm):
    venue_id = SelectField("Lieu")
    confirmed = BooleanField()

    def facts(self) -> dict[str, object]:
        return {name: value for name, value in super().facts().items() if name != "confirmed"}


class ChangeMeetingsForm(ChoiceForm):
    confirmed = BooleanField()


@bp.route("/mes-job-datings/<uuid:job_dating_id>/deplacer", methods=["GET", "POST"])
@host_required
def move(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = published_in_my_hands(job_dating_id)
    starts, ends = (at.astimezone(formats.PARIS) for at in (job_dating.starts_at, job_dating.ends_at))
    form = MoveForm(obj=job_dating, held_on=starts.date(), starts=starts.time(), ends=ends.time())
    form.venue_id.choices = {venue.id: f"{venue.name}, {venue.commune.name}" for venue in {job_dating.venue, *venues.in_hands_of(signed_in())}}

    def page(problem: str = "") -> ResponseReturnValue:
        return answer("job_datings/move.html", form, job_dating=job_dating, problem=problem)

    if not form.validate_on_submit():
        return page()
    venue = venue_in_my_hands(UUID(form.venue_id.data))
    mine = [("Lieu", f"{venue.name}, {venue.commune.name}", job_dating_moves.facts(job_dating).venue)]
    return settle(job_dating, form, page, lambda: [*mine, *job_dating_conflicts.facts_beside(job_dating, **form.facts())], venue=venue, **form.facts())


@bp.route("/mes-job-datings/<uuid:job_dating_id>/entretiens", methods=["GET", "POST"])
@host_required
def change_meetings(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = published_in_my_hands(job_dating_id)
    free = job_dating_matches.free_matches(job_dating.venue, beside=job_dating)
    form = ChangeMeetingsForm(version=job_dating.version, pairs=[str(meeting.match_id) for meeting in job_dating.meetings])
    form.pairs.choices = [str(match.id) for match in free]

    def page(problem: str = "") -> ResponseReturnValue:
        picks = job_dating_picks.by_structure(free)
        return answer("job_datings/change_meetings.html", form, job_dating=job_dating, matches=free, picks=picks, problem=problem)

    if not form.validate_on_submit():
        return page()
    matches = [match for match in free if str(match.id) in form.pairs.data]
    return settle(job_dating, form, page, lambda: pairs_beside(job_dating, matches), matches=matches)


def settle(
    job_dating: JobDating, form: MoveForm | ChangeMeetingsForm, page: Callable[[str], ResponseReturnValue], beside: Callable[[], Rows], **changed: object
) -> ResponseReturnValue:
    """Do it, and show what it does; it stays done when that was confirmed. What would be told is counted by telling it and taking it back."""
    try:
        moved = job_dating_moves.move(job_dating, version=form.version.data or 0, settings=mail_settings(), **changed)  # type: ignore[arg-type]
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, beside())
    except IN_THE_WAY as error:
        problem = job_dating_plan.refusal(error)
        db.session.rollback()
        return page(problem)
    if moved.is_nothing:
        db.session.rollback()
        flash("Vous n’avez rien changé.", "message")
        return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))
    if not form.confirmed.data:
        return preview(job_dating, form, moved)
    db.session.commit()
    nudge(drain)
    flash(done(moved.told), "success")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))


def preview(job_dating: JobDating, form: MoveForm | ChangeMeetingsForm, moved: Moved) -> ResponseReturnValue:
    """What would change and who would be told. Written down, then taken back."""
    heading = "Déplacer le job dating\u00a0?" if {"starts_at", "ends_at", "venue"} & {*moved.differences} else "Changer le job dating\u00a0?"
    context = {"heading": heading, "rows": rows(moved), "resent": resent(form), "version": form.version.data}
    shown = render_template("job_datings/move_review.html", job_dating=job_dating, moved=moved, **context)
    db.session.rollback()
    return shown


def rows(moved: Moved) -> Rows:
    """Each fact that changes, before and after, in words."""
    before, after = (in_words(facts) for facts in (moved.before, moved.after))
    return [(name, before[name], after[name]) for name in before if before[name] != after[name]]


def in_words(facts: Facts) -> dict[str, str]:
    """The facts as the page names them."""
    shown = asdict(facts)
    return {
        "Titre": facts.title,
        "Thème": job_dating_conflicts.theme(facts.theme),
        "Quand": when(facts.starts_at, facts.ends_at),
        "Premier tour": formats.hour(facts.first_round_at),
        "Lieu": facts.venue,
        "Un entretien": job_dating_conflicts.minutes(facts.round_minutes),
        **{words.capitalize(): str(shown[name]) for name, words in (("rounds", "tours"), ("meetings", "entretiens"), ("participants", "structures"))},
    }


def done(told: Told) -> str:
    count = len(told.updated) + len(told.invited) + len(told.called_off)
    if not count:
        return "C’est changé. Aucun courriel ne part."
    return f"C’est changé. {formats.plural(count, 'structure est prévenue', 'structures sont prévenues')} par courriel."


def published_in_my_hands(job_dating_id: UUID) -> JobDating:
    """To be changed while it is published and has not begun."""
    job_dating = job_dating_in_my_hands(job_dating_id)
    if job_dating.status is not JobDatingStatus.PUBLISHED or job_dating.has_begun:
        raise NotAllowedNow(job_dating.status)
    return job_dating
