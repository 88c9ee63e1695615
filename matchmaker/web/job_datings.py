"""Job datings: the public list, and for who is in charge the preparation, the choice, the plan, the sending."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, IntegerField, SelectField, SelectMultipleField, StringField, TimeField, ValidationError

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating, JobDatingStatus, Organisation, Participant, Theme
from matchmaker.models.base import now, today
from matchmaker.services import calendar_replies, invitations, job_datings, mails, outbox, territories, venues
from matchmaker.services.errors import EditedMeanwhile, MatchesTaken, MeetingsLost, NotAllowedNow, RoundsDoNotFit, TooManyPeople, VenueBlocked, VenueTaken
from matchmaker.web import job_dating_conflicts, job_dating_plan, labels
from matchmaker.web.access import found, holds, host_required, is_signed_in, job_dating_in_my_hands, public, signed_in, venue_in_my_hands
from matchmaker.web.forms import Form, answer, at_most, between, next_time, required
from matchmaker.web.invitations import SAID
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain

bp = Blueprint("job_datings", __name__)

LONGEST = timedelta(hours=12)


def whole(words: str, least: int, most: int, default: int) -> IntegerField:
    """A number that must be written, with one sentence for whatever is wrong with it."""
    return IntegerField(words, [between(least, most, f"Écrivez un nombre de {least} à {most}.")], default=default)


class JobDatingForm(Form):
    title = StringField("Titre", [required("Donnez-lui un titre."), at_most(120)])
    theme = SelectField("Thème", choices=labels.choices(Theme, empty="plusieurs thèmes"))
    held_on = DateField("Date", [required("Choisissez une date.")])
    starts = TimeField("Début", [required("Écrivez l’heure du début.")], default=time(9))
    ends = TimeField("Fin", [required("Écrivez l’heure de la fin.")], default=time(12))
    welcome_minutes = whole("Accueil", 0, 120, 30)
    round_minutes = whole("Un entretien", 3, 60, 12)
    changeover_minutes = whole("Pour changer de table", 0, 30, 3)
    break_after_round = whole("Pause après", 1, 50, 4)
    break_minutes = whole("Durée de la pause", 0, 120, 15)
    # Which version of the job dating the page showed.
    version = job_dating_conflicts.VersionField()

    def validate_held_on(self, field: DateField) -> None:
        if field.data < datetime.now(labels.PARIS).date():
            raise ValidationError(f"Cette date est passée. Vouliez-vous écrire {next_time(field.data):%d/%m/%Y}\u00a0?")
        if field.data.year > datetime.now(labels.PARIS).year + 3:
            raise ValidationError("C’est dans plus de trois ans. Vérifiez l’année.")

    @property
    def day(self) -> date | None:
        """The date, once it is one that can be: hours of the year 1 are not on the clock."""
        return None if self.held_on.errors else self.held_on.data

    def validate_starts(self, field: TimeField) -> None:
        refuse_absent_hour(self.day, field.data)
        if self.day and instant(self.day, field.data) < now():
            raise ValidationError("Cette heure est passée.")

    def validate_ends(self, field: TimeField) -> None:
        refuse_absent_hour(self.day, field.data)
        if self.starts.data and field.data <= self.starts.data:
            raise ValidationError("La fin est avant le début.")
        if self.day and self.starts.data and instant(self.day, field.data) - instant(self.day, self.starts.data) > LONGEST:
            raise ValidationError("Un job dating dure douze heures au plus.")

    def facts(self) -> dict[str, object]:
        """What the services ask for."""
        plain = {field.name: field.data for field in self if field.name not in {"venue_id", "held_on", "starts", "ends", "version", "csrf_token"}}
        return {**plain, "starts_at": instant(self.held_on.data, self.starts.data), "ends_at": instant(self.held_on.data, self.ends.data)}


class NewJobDatingForm(JobDatingForm):
    venue_id = SelectField("Lieu")


class ChoiceForm(Form):
    # Not « matches »: a control of that name would hide the method of the form's element from scripts.
    pairs = SelectMultipleField("Entretiens", [required("Cochez au moins un entretien.")], validate_choice=False)

    def validate_pairs(self, field: SelectMultipleField) -> None:
        if not set(field.data) <= {value for value, *_rest in field.iter_choices()}:
            raise ValidationError("Une des paires cochées n’est plus libre. Elle n’est plus dans la liste : regardez et renvoyez.")


class ParticipantForm(Form):
    """One row of the participants' table; the page's form carries the token."""

    class Meta(Form.Meta):
        csrf = False

    delegates = whole("Personnes", 1, 9, 1)
    needs_accessible = BooleanField("Table accessible")


def instant(day: date, at: time) -> datetime:
    """A date and an hour of Paris, in UTC."""
    return datetime.combine(day, at, labels.PARIS).astimezone(UTC)


def refuse_absent_hour(day: date | None, at: time) -> None:
    """One night a year has no hour between 2 and 3."""
    if day is not None and instant(day, at).astimezone(labels.PARIS).time() != at:
        raise ValidationError(f"Cette heure n’existe pas le {labels.short_date(day)}\u00a0: on passe de 2\u00a0h à 3\u00a0h. Choisissez-en une autre.")


@bp.get("/job-datings")
@public
def public_list() -> ResponseReturnValue:
    return render_template("job_datings/public_list.html", coming=job_datings.coming(), past=job_datings.past())


@bp.get("/job-datings/<uuid:job_dating_id>")
@public
def show(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating: JobDating = found(job_datings.job_dating(job_dating_id))
    if job_dating.published_at is None:
        return redirect(url_for(".planner", job_dating_id=job_dating.id)) if is_signed_in() and holds(signed_in(), job_dating.venue) else abort(404)
    organisation = signed_in().organisation if is_signed_in() else None
    mine = job_dating_plan.meetings_of(job_dating, organisation) if organisation else []
    in_charge = is_signed_in() and holds(signed_in(), job_dating.venue)
    invited = invitation_of(job_dating, organisation) if organisation else None
    return render_template("job_datings/show.html", job_dating=job_dating, meetings=mine, in_charge=in_charge, invited=invited)


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
    return render_template("job_datings/mine.html", job_datings=job_datings.in_charge_of(signed_in()))


@bp.route("/mes-job-datings/nouveau", methods=["GET", "POST"])
@host_required
def new() -> ResponseReturnValue:
    form, mine = NewJobDatingForm(venue_id=request.args.get("lieu")), venues.in_hands_of(signed_in())
    form.venue_id.choices = {venue.id: f"{venue.name}, {venue.commune.name}" for venue in mine}
    if not mine or not form.validate_on_submit():
        return answer("job_datings/new.html", form, job_dating=None, has_venue=bool(mine))
    job_dating = job_datings.prepare(venue_in_my_hands(UUID(form.venue_id.data)), **form.facts())
    db.session.commit()
    return redirect(url_for(".choose", job_dating_id=job_dating.id))


@bp.route("/mes-job-datings/<uuid:job_dating_id>/modifier", methods=["GET", "POST"])
@host_required
def edit(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = draft_in_my_hands(job_dating_id)
    starts, ends = (at.astimezone(labels.PARIS) for at in (job_dating.starts_at, job_dating.ends_at))
    form = JobDatingForm(obj=job_dating, held_on=starts.date(), starts=starts.time(), ends=ends.time())
    if not form.validate_on_submit():
        return answer("job_datings/edit.html", form, job_dating=job_dating)
    try:
        job_datings.reschedule(job_dating, version=form.version.data, **form.facts())
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, job_dating_conflicts.facts_beside(job_dating, **form.facts()))
    db.session.commit()
    flash("Les changements sont enregistrés.", "success")
    return redirect(url_for(".planner", job_dating_id=job_dating.id))


@bp.route("/mes-job-datings/<uuid:job_dating_id>/choix", methods=["GET", "POST"])
@host_required
def choose(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = draft_in_my_hands(job_dating_id)
    free = job_datings.free_matches(job_dating.venue, beside=job_dating)
    shown = free if "tout" in request.args else [meeting.match for meeting in job_dating.meetings]
    form = ChoiceForm(pairs=[str(match.id) for match in shown])
    form.pairs.choices = [str(match.id) for match in free]
    if not form.validate_on_submit():
        return answer("job_datings/choose.html", form, job_dating=job_dating, matches=free)
    try:
        job_datings.choose(job_dating, [match for match in free if str(match.id) in form.pairs.data])
    except TooManyPeople as error:
        form.pairs.errors = [job_dating_plan.too_many(error)]
        db.session.rollback()
        return answer("job_datings/choose.html", form, job_dating=job_dating, matches=free)
    db.session.commit()
    return redirect(url_for(".planner", job_dating_id=job_dating.id))


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
    try:
        job_datings.adjust(job_dating, {participant.id: (form.delegates.data, form.needs_accessible.data) for participant, form in forms})
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
    guests = [participant.organisation for participant, _form in participant_forms(job_dating)]
    answer_by = invitations.deadline(job_dating, at=now())
    told = mails.preview(guests, "invitation", today=today())
    return render_template(
        "job_datings/review.html", job_dating=job_dating, guests=guests, answer_by=answer_by, clashes=clashes, plan=job_dating_plan, told=told
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
    flash(f"Le job dating est publié. {labels.plural(len(invited), 'structure est invitée', 'structures sont invitées')}.", "success")
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
    return any(form.needs_accessible.data for _participant, form in forms) and not any(table.is_accessible for table in job_dating.venue.tables)


def participant_forms(job_dating: JobDating) -> list[tuple[Participant, ParticipantForm]]:
    """Each structure with its row of the form, by name."""
    ordered = sorted(job_dating.participants, key=lambda participant: (territories.fold(participant.organisation.name), participant.id))
    return [(participant, ParticipantForm(prefix=f"{participant.id}-", obj=participant)) for participant in ordered]


def planner_page(job_dating: JobDating, forms: list[tuple[Participant, ParticipantForm]], *, problem: str = "") -> str:
    context: dict[str, object] = {"obstacles": [], "is_lost": False, "clashes": [], "answers": {}, "statuses": {}, "replies": []}
    if job_dating.status is JobDatingStatus.DRAFT:
        context |= draft_context(job_dating)
    else:
        answers = job_datings.answers(job_dating)
        statuses = outbox.latest_statuses([str(invitation.id) for invitation in answers.values()])
        context |= {"answers": answers, "statuses": statuses, "replies": calendar_replies.waiting(job_dating)}
    return render_template("job_datings/planner.html", job_dating=job_dating, participants=forms, plan=job_dating_plan, problem=problem, **context)


def draft_context(job_dating: JobDating) -> dict[str, object]:
    """What stands between a draft and its publication. A plan with a meeting that can no longer be is not shown at all: its names are not ours to tell."""
    obstacles = job_datings.obstacles(job_dating)
    is_lost = any(isinstance(obstacle, MeetingsLost) for obstacle in obstacles)
    clashes = [] if is_lost else job_dating_plan.clashes(invitations.expected_elsewhere(job_dating))
    return {"obstacles": obstacles, "is_lost": is_lost, "clashes": clashes}
