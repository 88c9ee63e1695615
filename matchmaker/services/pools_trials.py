"""Other rules tried by a worker, where there are too many needs to compose while somebody waits for the page."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from matchmaker.engine.pool_problem import Rules, check_rules
from matchmaker.engine.pooling import compose
from matchmaker.extensions import db
from matchmaker.models import PoolingStatus, PoolingTrial, Territory
from matchmaker.models.base import now
from matchmaker.services.errors import RunUnderWay
from matchmaker.services.pools_fractions import free_fractions, rules_from
from matchmaker.services.pools_turns import UNDER_WAY, held
from matchmaker.services.pools_what_if import Covered, covered

BUDGET_S = 30.0


def request_trial(territory: Territory, present: Rules, other: Rules) -> PoolingTrial:
    """Queue it, in the place of earlier ones. Raises RunUnderWay: the database keeps one at a time. BadProblem: the rules contradict each other."""
    check_rules(other)
    db.session.execute(delete(PoolingTrial).where(PoolingTrial.territory_id == territory.id, PoolingTrial.status.not_in(UNDER_WAY)))
    needs_count = len(free_fractions(territory).needs)
    trial = PoolingTrial(territory=territory, present=asdict(present), rules=asdict(other), needs_count=needs_count)
    try:
        with db.session.begin_nested():
            db.session.add(trial)
    except IntegrityError:
        raise RunUnderWay(territory.code) from None
    return trial


def compute(trial_id: UUID) -> None:
    """Compose under both sets of rules."""
    trial = held(PoolingTrial, trial_id)
    if trial is None:
        return
    fractions = free_fractions(trial.territory).fractions
    both = {name: rules_from(rules) for name, rules in (("before", trial.present), ("after", trial.rules))}
    trial.covered = {name: asdict(covered(compose(fractions, rules, seed=0, budget_s=BUDGET_S))) for name, rules in both.items()}
    trial.status, trial.finished_at = PoolingStatus.READY, now()


def latest(territory: Territory) -> PoolingTrial | None:
    """The trial that was asked for last."""
    query = select(PoolingTrial).where(PoolingTrial.territory_id == territory.id).order_by(PoolingTrial.created_at.desc())
    return db.session.scalars(query.limit(1)).one_or_none()


def change(trial: PoolingTrial) -> tuple[Covered, Covered] | None:
    """What the present rules cover and what the others would, once it is known."""
    return (Covered(**trial.covered["before"]), Covered(**trial.covered["after"])) if trial.status is PoolingStatus.READY else None
