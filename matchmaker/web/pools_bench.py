"""The animator's page of the shared jobs of a département: compose, try other rules, propose, mend, sign."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from matchmaker.extensions import db, nudge
from matchmaker.models import Level, Need, PairRule, Pool, PoolingRun, PoolingStatus, PoolingTrial, PoolStatus, ShareStatus, Territory, WelcomeStatus
from matchmaker.models.base import today
from matchmaker.services import pools, pools_meetings, pools_profiles, pools_repairs, pools_runs, pools_trials, pools_welcomes, pools_what_if
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow, RunUnderWay, TooManyPeople
from matchmaker.services.pools_fractions import USUAL, free_fractions, needs_where, pair_rules, rules_from
from matchmaker.services.pools_warnings import warnings
from matchmaker.web import formats, pools_words
from matchmaker.web.access import animator_required, found, signed_in, territory_in_my_care
from matchmaker.web.pools_forms import RulesForm, first_values
from matchmaker.web.pools_map import map_of
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain
from tasks.pools import compose_due, try_due

bp = Blueprint("pools_bench", __name__)


def departement_in_my_care(territory_id: int) -> Territory:
    territory = territory_in_my_care(territory_id)
    return territory if territory.level is Level.DEPARTEMENT else abort(404)


def pool_in_my_care(pool_id: UUID) -> Pool:
    pool: Pool = found(pools.pool(pool_id))
    return pool if signed_in().looks_after(pool.territory) else abort(404)


@bp.get("/territoires/<int:territory_id>/emplois-partages")
@animator_required
def show(territory_id: int) -> ResponseReturnValue:
    territory = departement_in_my_care(territory_id)
    if "essai" in request.args:
        trial = found(pools_trials.latest(territory))
        return page(territory, RulesForm(formdata=None, data=first_values(rules_from(trial.rules))), trial=trial)
    return page(territory, RulesForm(formdata=request.args) if "max_km" in request.args else None)


def page(territory: Territory, tried: RulesForm | None, *, trial: PoolingTrial | None = None, status: int = 200) -> ResponseReturnValue:
    """The page, with what other rules would change when some are tried, here or by a worker: 422 when these cannot be."""
    run = pools_runs.latest(territory)
    present = rules_from(run.rules) if run else USUAL
    is_good = tried is not None and (trial is not None or tried.validate())
    if trial is not None:
        change = pools_trials.change(trial)
    else:
        change = pools_what_if.what_if(territory, present, tried.rules(present)) if tried is not None and is_good else None
    shown = pools.pools_of(territory)
    profiles = pools_profiles.profiles_of(territory)
    free, in_no_pool = free_fractions(territory).needs, no_pool(territory, run, shown)
    context = {
        "territory": territory,
        "run": run,
        "present": present,
        "form": tried if tried is not None else RulesForm(formdata=None, data=first_values(present)),
        "is_tried": is_good,
        "change": change,
        "trial": trial,
        "takes_a_moment": len(free) > pools_what_if.AT_ONCE,
        "pools": shown,
        "steps": pools.fte_by_status(shown),
        "free": free,
        "in_no_pool": in_no_pool,
        "pair_rules": pair_rules(territory),
        "groups": pools.employer_groups(),
        "job_datings": pools_meetings.coming(territory),
        "profiles": {pool.id: pools_profiles.that_fit(pool, profiles) for pool in shown},
        "parted": pools.parted(shown),
        "repairs": {pool.id: pools_repairs.repairs_of(pool) for pool in shown if pool.left_at is not None},
    }
    words: dict[str, Any] = {"words": pools_words, "warnings_of": warnings, "nearest_group": pools.nearest_group, "map_of": map_of}
    kinds = {"PoolStatus": PoolStatus, "ShareStatus": ShareStatus, "PoolingStatus": PoolingStatus, "PairRule": PairRule, "WelcomeStatus": WelcomeStatus}
    return render_template("pools/bench.html", **context, **words, **kinds), 422 if tried is not None and not is_good else status


def no_pool(territory: Territory, run: PoolingRun | None, shown: list[Pool]) -> list[tuple[Need, str]]:
    """The open needs that are in no group, each with the reason that the last composition found."""
    held = {share.need_id for pool in shown for share in pool.members}
    needs = {str(need.id): need for need in needs_where(Need.territory_id == territory.id)}
    misses = run.misses if run else {}
    return [(need, pools_words.miss_text(misses[key], needs) if key in misses else "") for key, need in needs.items() if need.id not in held]


@bp.post("/territoires/<int:territory_id>/emplois-partages/composer")
@animator_required
def compose(territory_id: int) -> ResponseReturnValue:
    territory, form = departement_in_my_care(territory_id), RulesForm()
    if not form.validate():
        return page(territory, form)
    run = pools_runs.latest(territory)
    try:
        pools_runs.request_composition(territory, rules=form.rules(rules_from(run.rules) if run else USUAL), requested_by=signed_in())
    except RunUnderWay:
        db.session.rollback()
        flash("Une recherche est déjà en cours pour ce territoire.", "message")
        return back_to(territory_id)
    db.session.commit()
    nudge(compose_due)
    return back_to(territory_id)


@bp.post("/territoires/<int:territory_id>/emplois-partages/essai")
@animator_required
def try_rules(territory_id: int) -> ResponseReturnValue:
    """Let a worker try other rules: there are too many needs to wait for the page."""
    territory, form = departement_in_my_care(territory_id), RulesForm()
    if not form.validate():
        return page(territory, form)
    run = pools_runs.latest(territory)
    present = rules_from(run.rules) if run else USUAL
    try:
        pools_trials.request_trial(territory, present, form.rules(present))
    except RunUnderWay:
        db.session.rollback()
        flash("Un essai est déjà en cours pour ce territoire : le voici.", "message")
    db.session.commit()
    nudge(try_due)
    return redirect(url_for(".show", territory_id=territory_id, essai="oui", _anchor="regles"))


@bp.post("/territoires/<int:territory_id>/emplois-partages/paires")
@animator_required
def decide(territory_id: int) -> ResponseReturnValue:
    """Want two needs together, or apart."""
    territory = departement_in_my_care(territory_id)
    try:
        one, other = UUID(request.form.get("one", "")), UUID(request.form.get("other", ""))
        rule = PairRule(request.form.get("rule", ""))
        pools_what_if.decide(territory, one, other, rule, by=signed_in())
    except (ValueError, NotAllowedNow):
        db.session.rollback()
        flash("Choisissez deux besoins différents, libres l’un et l’autre.", "error")
        return page(departement_in_my_care(territory_id), None, status=422)
    db.session.commit()
    flash("C’est noté. La prochaine recherche en tiendra compte.", "success")
    return back_to(territory_id)


@bp.post("/territoires/<int:territory_id>/emplois-partages/paires/<uuid:rule_id>/retirer")
@animator_required
def take_back(territory_id: int, rule_id: UUID) -> ResponseReturnValue:
    if not pools_what_if.take_back(departement_in_my_care(territory_id), rule_id):
        abort(404)
    db.session.commit()
    flash("Ce choix est oublié.", "success")
    return back_to(territory_id)


@bp.post("/emplois-partages/<uuid:pool_id>/proposer")
@animator_required
def propose(pool_id: UUID) -> ResponseReturnValue:
    pool = pool_in_my_care(pool_id)
    done = f"La proposition part. {formats.plural(len(pool.shares), 'structure reçoit', 'structures reçoivent')} un courriel."
    return act(pool, lambda: pools.propose(pool, today=today(), settings=mail_settings()), done)


@bp.post("/emplois-partages/<uuid:pool_id>/reparer")
@animator_required
def mend(pool_id: UUID) -> ResponseReturnValue:
    pool, key = pool_in_my_care(pool_id), request.form.get("repair", "")
    done = "Le groupe est complété. Seules les structures nouvelles sont interrogées."
    return act(pool, lambda: pools_repairs.mend(pool, key, today=today(), settings=mail_settings()), done)


@bp.post("/emplois-partages/<uuid:pool_id>/rejoindre/<uuid:organisation_id>")
@animator_required
def ask_group(pool_id: UUID, organisation_id: UUID) -> ResponseReturnValue:
    """Ask an employer group nearby whether it would take this pool in."""
    pool = pool_in_my_care(pool_id)
    done = "La question est posée au groupement. Sa réponse s’affichera ici et chez les structures du groupe."
    return act(pool, lambda: pools_welcomes.ask(pool, organisation_id, settings=mail_settings()), done)


@bp.post("/emplois-partages/<uuid:pool_id>/reunion/<uuid:job_dating_id>")
@animator_required
def meet(pool_id: UUID, job_dating_id: UUID) -> ResponseReturnValue:
    """Let the group meet when a job dating opens."""
    pool = pool_in_my_care(pool_id)
    done = "La réunion est notée. Chaque structure du groupe reçoit un courriel."
    return act(pool, lambda: pools_meetings.arrange(pool, job_dating_id, settings=mail_settings()), done)


@bp.post("/emplois-partages/<uuid:pool_id>/signer")
@animator_required
def sign(pool_id: UUID) -> ResponseReturnValue:
    pool = pool_in_my_care(pool_id)
    done = f"Contrat signé. {formats.number(pool.fte, 2)}{formats.NBSP}ETP comptent dans l’observatoire."
    return act(pool, lambda: pools.sign(pool), done)


@bp.post("/emplois-partages/<uuid:pool_id>/dissoudre")
@animator_required
def dissolve(pool_id: UUID) -> ResponseReturnValue:
    pool = pool_in_my_care(pool_id)
    done = "Le groupe est dissous. Les besoins sont de nouveau libres, et celles qui attendaient sont prévenues."
    return act(pool, lambda: pools.dissolve(pool, settings=mail_settings()), done)


def act(pool: Pool, change: Callable[[], object], done: str) -> ResponseReturnValue:
    """Do it and say so; 409 with the page as it is now when it cannot be done any more."""
    territory_id = pool.territory_id
    try:
        change()
    except (NotAllowedNow, TooManyPeople) as refusal:
        db.session.rollback()
        stale = (
            "Une annonce de ce groupe a changé depuis, ou deux de ses structures ne souhaitent plus être mises en relation. Relancez la recherche."
            if isinstance(refusal, ChangedMeanwhile)
            else f"Le lieu peut recevoir {formats.plural(refusal.allowed, 'personne', 'personnes')}, il y en aurait {refusal.people}."
            if isinstance(refusal, TooManyPeople)
            else "C’était déjà fait, ou le groupe a changé entre-temps."
        )
        flash(f"Rien n’a été envoyé. {stale}", "warn")
        return page(departement_in_my_care(territory_id), None, status=409)
    db.session.commit()
    nudge(drain)
    flash(done, "success")
    return back_to(territory_id)


def back_to(territory_id: int) -> ResponseReturnValue:
    return redirect(url_for(".show", territory_id=territory_id))
