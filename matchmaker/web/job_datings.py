"""Job datings: the public list, and for who is in charge the preparation, the choice, the plan, the sending."""

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating, JobDatingStatus, Organisation, Participant, ParticipantState
from matchmaker.models.base import now, today
from matchmaker.services import (
    calendar_replies,
    invitation_budgets,
    invitations,
    job_dating_groups,
    job_dating_guests,
    job_dating_lists,
    job_dating_pairs,
    job_dating_plans,
    job_datings,
    mails,
    outbox,
    presence,
    territories,
)
from matchmaker.services.errors import EditedMeanwhile, MatchesTaken, MeetingsLost, NotAllowedNow, RoundsDoNotFit, TooManyPeople, VenueBlocked, VenueTaken
from matchmaker.web import formats, job_dating_conflicts, job_dating_feasibility, job_dating_plan, job_dating_rounds
from matchmaker.web.access import found, holds, host_required, is_signed_in, job_dating_in_my_hands, public, signed_in
from matchmaker.web.invitations import SAID
from matchmaker.web.job_dating_forms import ParticipantForm, VersionForm
from matchmaker.web.reasons import reasons
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("job_datings", __name__)


@bp.get("/job-datings")
@public
def public_list() -> ResponseReturnValue:
    return render_template("job_datings/public_list.html", coming=job_dating_lists.coming(), past=job_dating_lists.past())


@bp.get("/job-datings/<uuid:job_dating_id>")
@public
def show(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating: JobDating = found(job_datings.job_dating(job_dating_id))
    if job_dating.published_at is None:
        return redirect(url_for(".planner", job_dating_id=job_dating.id)) if is_signed_in() and holds(signed_in(), job_dating.venue) else abort(404)
    organisation = signed_in().organisation if is_signed_in() else None
    in_charge = is_signed_in() and holds(signed_in(), job_dating.venue)
    context = for_organisation(job_dating, organisation) if organisation is not None else dict.fromkeys(("meetings", "invited", "may_ask", "mine"))
    return render_template("job_datings/show.html", job_dating=job_dating, in_charge=in_charge, days=formats.DAYS, **context)


def for_organisation(job_dating: JobDating, organisation: Organisation) -> dict[str, object]:
    """What a structure sees more than the public: its meetings and its answer, or whom it could meet if it came."""
    part = job_dating_guests.participant_of(job_dating, organisation)
    mine, invited = job_dating_plan.meetings_of(job_dating, organisation), invitation_of(job_dating, organisation)
    may_ask = part is None and job_dating.is_registration_open and job_dating.is_open and not job_dating.has_begun
    waits = part is not None and not mine and job_dating.is_open and (part.state is ParticipantState.REQUESTED or part.waiting_since is not None)
    context = {"organisation": organisation, "meetings": mine, "invited": invited, "may_ask": may_ask, "mine": part if invited is None else None}
    if may_ask or waits:
        context |= {"could_meet": job_dating_pairs.candidates_of(job_dating, organisation), "reasons": reasons}
    return context


def invitation_of(job_dating: JobDating, organisation: Organisation) -> dict[str, str | None] | None:
    """What this structure answered, and the link to its answer page as long as it may answer."""
    invitation = invitations.invitation_to(job_dating, organisation)
    if invitation is None:
        return None
    link = url_for("invitations.answer", token=invitations.token(invitation, current_app.config["SECRET_KEY"]))
    return {"said": SAID[invitation.answer] if invitation.answer else None, "link": None if invitation.is_over else link}


@bp.get("/mes-job-datings")
@host_required
def mine() -> ResponseReturnValue:
    listed = job_dating_lists.in_charge_of(signed_in())
    return render_template("job_datings/mine.html", job_datings=listed, at_the_desk=[one for one in reversed(listed) if presence.is_open(one)])


@bp.get("/mes-job-datings/<uuid:job_dating_id>")
@host_required
def planner(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    return planner_page(job_dating, participant_forms(job_dating))


@bp.post("/mes-job-datings/<uuid:job_dating_id>/structures")
@host_required
def adjust(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = draft_in_my_hands(job_dating_id)
    forms = participant_forms(job_dating)
    # Each row is checked, also after the first that is wrong.
    valid = [form.validate() for _participant, form in forms]
    if not all(valid) or wants_what_is_not_there(job_dating, forms):
        return planner_page(job_dating, forms, problem="" if not all(valid) else job_dating_plan.NO_ACCESSIBLE_TABLE), 422
    wanted = {participant.id: (form.delegates.data, form.needs_accessible.data) for participant, form in forms}
    try:
        job_datings.adjust(job_dating, wanted, version=VersionForm().version.data)
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, [form for _participant, form in forms], people_beside(job_dating, wanted))
    except TooManyPeople as error:
        db.session.rollback()
        return planner_page(job_dating, forms, problem=job_dating_plan.too_many(error)), 422
    db.session.commit()
    flash("Le plan est recalculé.", "success")
    return redirect(url_for(".planner", job_dating_id=job_dating.id))


@bp.get("/mes-job-datings/<uuid:job_dating_id>/publication")
@host_required
def review(job_dating_id: UUID) -> ResponseReturnValue:
    """What would leave, to whom. The planner says what stands in the way, if anything does."""
    job_dating = draft_in_my_hands(job_dating_id)
    if job_dating.is_past or job_datings.obstacles(job_dating):
        return redirect(url_for(".planner", job_dating_id=job_dating.id))
    clashes = job_dating_plan.clashes(invitations.expected_elsewhere(job_dating))
    counts = job_dating_plan.meetings_by_organisation(job_dating)
    spent = invitation_budgets.spent(job_dating, day=today())
    coming = [participant.organisation for participant, _form in participant_forms(job_dating) if participant.is_expected]
    guests = [organisation for organisation in coming if counts[organisation.id] and organisation not in spent]
    answer_by = invitations.deadline(job_dating, at=now())
    told = mails.preview(guests, "invitation", today=today())
    return render_template(
        "job_datings/review.html", job_dating=job_dating, guests=guests, answer_by=answer_by, clashes=clashes, plan=job_dating_plan, told=told, spent=spent
    )


@bp.post("/mes-job-datings/<uuid:job_dating_id>/publication")
@host_required
def publish(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    try:
        invited = job_datings.publish(job_dating, settings=mail_settings())
    except (MatchesTaken, MeetingsLost, RoundsDoNotFit, TooManyPeople, VenueBlocked, VenueTaken) as error:
        flash(f"Rien n’est parti. {job_dating_plan.refusal(error)}", "warn")
        db.session.rollback()
        return redirect(url_for(".planner", job_dating_id=job_dating.id))
    db.session.commit()
    nudge(drain)
    flash(f"Le job dating est publié. {formats.plural(len(invited), 'structure est invitée', 'structures sont invitées')}.", "success")
    return redirect(url_for(".planner", job_dating_id=job_dating.id))


@bp.route("/mes-job-datings/<uuid:job_dating_id>/annulation", methods=["GET", "POST"])
@host_required
def cancel(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = job_dating_in_my_hands(job_dating_id)
    if request.method == "GET":
        return render_template("job_datings/cancel.html", job_dating=job_dating)
    job_datings.cancel(job_dating, settings=mail_settings())
    db.session.commit()
    nudge(drain)
    flash("Le job dating est annulé.", "success")
    return redirect(url_for(".planner", job_dating_id=job_dating.id))


@bp.errorhandler(NotAllowedNow)
def on_too_late(_error: NotAllowedNow) -> ResponseReturnValue:
    """A second click, or somebody else was faster: say where things stand, change nothing."""
    db.session.rollback()
    job_dating = job_dating_in_my_hands((request.view_args or {})["job_dating_id"])
    flash(job_dating_plan.standing(job_dating), "message")
    return redirect(url_for("job_datings.planner", job_dating_id=job_dating.id))


def draft_in_my_hands(job_dating_id: UUID) -> JobDating:
    job_dating = job_dating_in_my_hands(job_dating_id)
    if job_dating.status is not JobDatingStatus.DRAFT:
        raise NotAllowedNow(job_dating.status)
    return job_dating


def wants_what_is_not_there(job_dating: JobDating, forms: list[tuple[Participant, ParticipantForm]]) -> bool:
    """An accessible table, at a venue that has none."""
    return any(form.needs_accessible.data for _participant, form in forms) and not any(table.is_accessible for table in job_dating.tables)


def people_beside(job_dating: JobDating, wanted: Mapping[UUID, tuple[int, bool]]) -> job_dating_conflicts.Rows:
    """What was typed of each structure beside what is stored now: only what differs."""
    found = []
    for participant in sorted(job_dating.participants, key=lambda one: territories.fold(one.organisation.name)):
        stored = (participant.delegates, participant.needs_accessible)
        mine = wanted.get(participant.id, stored)
        if mine != stored:
            found.append((participant.organisation.name, come_in_words(*mine), come_in_words(*stored)))
    return found or [("Les structures", "comme vous les avez envoyées", "la liste ou le plan a changé")]


def come_in_words(delegates: int, needs_accessible: bool) -> str:
    return formats.plural(delegates, "personne", "personnes") + (", table accessible" if needs_accessible else "")


def participant_forms(job_dating: JobDating) -> list[tuple[Participant, ParticipantForm]]:
    """Each structure with its row of the form, by name."""
    ordered = sorted(job_dating.participants, key=lambda participant: (territories.fold(participant.organisation.name), participant.id))
    return [(participant, ParticipantForm(prefix=f"{participant.id}-", obj=participant)) for participant in ordered]


def planner_page(job_dating: JobDating, forms: list[tuple[Participant, ParticipantForm]], *, problem: str = "") -> str:
    context: dict[str, object] = {"obstacles": [], "is_lost": False, "clashes": [], "answers": {}, "statuses": {}, "replies": [], "aside": [], "untold": []}
    context |= {
        "groups": job_dating_groups.groups_at(job_dating),
        "requests": job_dating_guests.requests(job_dating),
        "waiting": job_dating_guests.waiting_list(job_dating),
        "view": job_dating_rounds.view(job_dating),
    }
    if job_dating.status is JobDatingStatus.DRAFT:
        context |= draft_context(job_dating)
    else:
        answers = job_datings.answers(job_dating)
        statuses = outbox.latest_statuses([str(invitation.id) for invitation in answers.values()])
        context |= {"answers": answers, "statuses": statuses, "replies": calendar_replies.waiting(job_dating)}
        if job_dating.is_open and not job_dating.has_begun:
            context |= {"untold": invitations.untold(job_dating), "aside": job_dating_plans.set_aside(job_dating)}
    return render_template(
        "job_datings/planner.html", job_dating=job_dating, participants=forms, plan=job_dating_plan, words=job_dating_feasibility, problem=problem, **context
    )


def draft_context(job_dating: JobDating) -> dict[str, object]:
    """What stands between a draft and its publication. A plan with a meeting that can no longer be is not shown at all: its names are not ours to tell."""
    obstacles = job_datings.obstacles(job_dating)
    is_lost = any(isinstance(obstacle, MeetingsLost) for obstacle in obstacles)
    aside = [] if is_lost else job_dating_plans.set_aside(job_dating)
    clashes = [] if is_lost else job_dating_plan.clashes(invitations.expected_elsewhere(job_dating))
    return {"obstacles": obstacles, "is_lost": is_lost, "clashes": clashes, "aside": aside}
