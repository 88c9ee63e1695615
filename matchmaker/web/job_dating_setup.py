"""Setting up a job dating in four steps: theme, place and hours, who is invited, how many meetings. Each step says at once what fits."""

from dataclasses import replace
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db
from matchmaker.models import JobDating
from matchmaker.services import job_dating_feasibility, job_dating_matches, job_dating_pairs, job_datings, venues
from matchmaker.services.errors import EditedMeanwhile, NotAllowedNow, TooManyPeople
from matchmaker.web import formats, job_dating_conflicts, job_dating_picks, job_dating_plan, labels, venue_bookings
from matchmaker.web.access import host_required, job_dating_in_my_hands, signed_in, venue_in_my_hands
from matchmaker.web.forms import answer
from matchmaker.web.job_dating_feasibility import Line, capacity, line
from matchmaker.web.job_dating_forms import ChoiceForm, DraftForm, NewJobDatingForm, RhythmForm, SetUpForm, read_pairs
from matchmaker.web.job_datings import bp, draft_in_my_hands

STEPS = ("Thème et territoire", "Lieu et horaires", "Qui est invité", "Combien d’entretiens")
FIRST = ("title", "theme", "territory_id")


@bp.route("/mes-job-datings/nouveau", methods=["GET", "POST"])
@host_required
def new() -> ResponseReturnValue:
    """The first two steps. Nothing is written before the second is sent: until then each page carries what was typed on the other."""
    form = NewJobDatingForm(venue_id=request.args.get("lieu"), territory_id=request.args.get("territoire", ""))
    mine = venues.in_hands_of(signed_in())
    form.venue_id.choices = {str(venue.id): f"{venue.name}, {venue.commune.name}" for venue in mine}
    form.offer_territories(mine)
    step = wanted_step(form)
    if not mine or step is not None or not form.validate_on_submit():
        shown = 1 if any(form[name].errors for name in FIRST) else step or (2 if form.is_submitted() else 1)
        return answer_step("job_datings/new.html", form, shown, job_dating=None, has_venue=bool(mine), line=None)
    job_dating = job_datings.prepare(venue_in_my_hands(UUID(form.venue_id.data)), **form.facts())
    db.session.commit()
    return redirect(url_for(".choose", job_dating_id=job_dating.id))


@bp.post("/mes-job-datings/nouveau/faisabilite")
@host_required
def new_feasibility() -> ResponseReturnValue:
    """How many could come, for hours that are being typed."""
    form, mine = NewJobDatingForm(), venues.in_hands_of(signed_in())
    form.venue_id.choices = {str(venue.id): venue.name for venue in mine}
    form.offer_territories(mine)
    told: Line | None = None
    if form.validate():
        with db.session.no_autoflush:
            venue = next(venue for venue in mine if str(venue.id) == form.venue_id.data)
            wanted = JobDating(venue=venue, **form.facts())
            told = replace(capacity(wanted), closed=venue_bookings.closed(wanted))
        db.session.rollback()
    return render_template("job_datings/feasibility.html", line=told)


@bp.route("/mes-job-datings/<uuid:job_dating_id>/modifier", methods=["GET", "POST"])
@host_required
def edit(job_dating_id: UUID) -> ResponseReturnValue:
    """The first two steps of a draft that exists."""
    job_dating = draft_in_my_hands(job_dating_id)
    form = set_up_form(job_dating)
    step = wanted_step(form)
    if step is not None or not form.validate_on_submit():
        shown = 1 if any(form[name].errors for name in FIRST) else step or 2
        return answer_step("job_datings/edit.html", form, shown, job_dating=job_dating, line=None if job_dating.is_past else line_of(job_dating))
    try:
        job_datings.reschedule(job_dating, version=form.version.data, **form.facts())
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, set_up_beside(job_dating, form))
    db.session.commit()
    flash("Les changements sont enregistrés.", "success")
    return redirect(url_for(".planner" if job_dating.meetings else ".choose", job_dating_id=job_dating.id))


@bp.route("/mes-job-datings/<uuid:job_dating_id>/choix", methods=["GET", "POST"])
@host_required
def choose(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = draft_in_my_hands(job_dating_id)
    free = job_dating_matches.free_matches(job_dating.venue, beside=job_dating)
    shown = free if "tout" in request.args else [meeting.match for meeting in job_dating.meetings]
    form = ChoiceForm(pairs=[str(match.id) for match in shown], version=job_dating.version)
    form.pairs.choices = [str(match.id) for match in free]
    listed = {"job_dating": job_dating, "matches": free, "picks": job_dating_picks.by_structure(free)}
    told = None if job_dating.is_past else line_of(job_dating)
    if not form.validate_on_submit():
        return answer("job_datings/choose.html", form, steps=STEPS, line=told, **listed)
    wanted = [match for match in free if str(match.id) in form.pairs.data]
    try:
        job_datings.choose(job_dating, wanted, version=form.version.data)
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, job_dating_conflicts.pairs_beside(job_dating, wanted))
    except TooManyPeople as error:
        form.pairs.errors = [job_dating_plan.too_many(error)]
        db.session.rollback()
        return answer("job_datings/choose.html", form, steps=STEPS, line=None, **listed)
    db.session.commit()
    return redirect(url_for(".rhythm" if "suite" in request.form else ".planner", job_dating_id=job_dating.id))


@bp.route("/mes-job-datings/<uuid:job_dating_id>/rythme", methods=["GET", "POST"])
@host_required
def rhythm(job_dating_id: UUID) -> ResponseReturnValue:
    job_dating = draft_in_my_hands(job_dating_id)
    form = RhythmForm(obj=job_dating, seated=job_dating.seated.value)
    if not form.validate_on_submit():
        return answer("job_datings/rhythm.html", form, job_dating=job_dating, steps=STEPS, line=None if job_dating.is_past else line_of(job_dating))
    try:
        job_datings.set_rhythm(job_dating, version=form.version.data, **form.facts())
    except EditedMeanwhile:
        return job_dating_conflicts.page(job_dating, form, rhythms_beside(job_dating, form))
    db.session.commit()
    return redirect(url_for(".planner", job_dating_id=job_dating.id))


@bp.post("/mes-job-datings/<uuid:job_dating_id>/faisabilite")
@host_required
def feasibility(job_dating_id: UUID) -> ResponseReturnValue:
    """What would fit with what is typed on the page of any step. Written down, looked at by the engine, and taken back."""
    job_dating = job_dating_in_my_hands(job_dating_id)
    if not job_dating.is_open:
        raise NotAllowedNow(job_dating.status)
    told = line_of(job_dating) if try_out(job_dating) else None
    db.session.rollback()
    return render_template("job_datings/feasibility.html", line=told)


def try_out(job_dating: JobDating) -> bool:
    """Bring what is typed into the rows. False when it cannot be read yet: somebody is typing."""
    if "seated" in request.form:
        rhythm = RhythmForm()
        facts = rhythm.facts() if rhythm.validate() else None
    elif "rencontres" in request.form:
        job_dating_pairs.try_on(job_dating, read_pairs(request.form.getlist("meet")))
        facts = {}
    elif "held_on" in request.form:
        form = set_up_form(job_dating)
        facts = form.facts() if form.validate() else None
    else:
        free = job_dating_matches.free_matches(job_dating.venue, beside=job_dating)
        job_datings.pair(job_dating, [match for match in free if str(match.id) in request.form.getlist("pairs")])
        facts = {}
    for name, value in (facts or {}).items():
        setattr(job_dating, name, value)
    return facts is not None


def line_of(job_dating: JobDating) -> Line:
    return replace(line(job_dating, job_dating_feasibility.check(job_dating)), closed=venue_bookings.closed(job_dating))


def set_up_form(job_dating: JobDating) -> DraftForm:
    starts, ends = (at.astimezone(formats.PARIS) for at in (job_dating.starts_at, job_dating.ends_at))
    mine = list({venue.id: venue for venue in (job_dating.venue, *venues.in_hands_of(signed_in()))}.values())
    form = DraftForm(obj=job_dating, held_on=starts.date(), starts=starts.time(), ends=ends.time(), venue_id=str(job_dating.venue_id))
    form.offer_venues(mine)
    form.offer_territories(mine)
    if form.venue_id.data is None:
        form.venue_id.data = str(job_dating.venue_id)
    if not form.is_submitted() or form.territory_id.data is None:
        form.territory_id.data = str(job_dating.territory_id or "")
    return form


def wanted_step(form: SetUpForm) -> int | None:
    """The step that a button asks for; the second only with a title and a theme that can be."""
    wanted = {"1": 1, "2": 2}.get(request.args.get("etape", ""))
    if wanted == 2 and form.is_submitted() and not all_right(form):
        return 1
    return wanted


def all_right(form: SetUpForm) -> bool:
    """Each field of the first step is looked at, also after one that is wrong."""
    checked = [form[name].validate(form) for name in FIRST]
    return all(checked)


def answer_step(template: str, form: SetUpForm, step: int, **context: object) -> ResponseReturnValue:
    """The page of the first or the second step: 422 when it came back with something to correct."""
    is_wrong = any(field.errors for field in form)
    return render_template(template, form=form, step=step, steps=STEPS, **context), 422 if is_wrong or (
        form.is_submitted() and not context.get("has_venue", True)
    ) else 200


def set_up_beside(job_dating: JobDating, form: DraftForm) -> job_dating_conflicts.Rows:
    """What was typed in the first two steps beside what is stored."""
    where = dict(form.territory_id.choices)
    return [
        *job_dating_conflicts.facts_beside(job_dating, **form.facts()),
        ("Lieu", form.venue_id.choices[form.venue_id.data], f"{job_dating.venue.name}, {job_dating.venue.commune.name}"),
        ("Territoire", where[form.territory_id.data], where.get(str(job_dating.territory_id or ""), "")),
    ]


def rhythms_beside(job_dating: JobDating, form: RhythmForm) -> job_dating_conflicts.Rows:
    """What was typed beside what is stored."""
    mine = form.facts()

    def number(value: object) -> str:
        return str(value) if value else "sans limite"

    return [
        ("Entretiens par structure, au plus", number(mine["meetings_each"]), number(job_dating.meetings_each)),
        ("Entretiens d’affilée, au plus", number(mine["max_consecutive"]), number(job_dating.max_consecutive)),
        ("Qui reste assis", labels.WORDS[type(job_dating.seated)][mine["seated"]], labels.WORDS[type(job_dating.seated)][job_dating.seated]),
        ("Ne garder que ce qui tient", *("oui" if kept else "non" for kept in (mine["only_what_fits"], job_dating.only_what_fits))),
    ]
