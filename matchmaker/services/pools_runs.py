"""Composing the shared jobs of a territory: asking for it, computing it, keeping what comes out."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from decimal import Decimal
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from matchmaker.engine.pool_problem import Rules, check_rules
from matchmaker.engine.pool_weeks import Week
from matchmaker.engine.pooling import Miss, compose, nearest_miss, plan_of
from matchmaker.engine.pooling import Pool as Found
from matchmaker.extensions import compute_at_length, db
from matchmaker.models import Need, Pool, PoolingRun, PoolingStatus, PoolShare, PoolStatus, Territory, User
from matchmaker.models.base import now
from matchmaker.services.errors import RunUnderWay
from matchmaker.services.pools_fractions import USUAL, Asked, free_fractions, rules_from
from matchmaker.services.pools_turns import held, take_up

BUDGET_S, MISSES_S = 30.0, 60.0


def request_composition(territory: Territory, *, rules: Rules = USUAL, requested_by: User | None = None) -> PoolingRun:
    """Queue a composition of a département. Raises RunUnderWay: the database keeps one at a time. BadProblem: the rules contradict each other."""
    check_rules(rules)
    run = PoolingRun(territory=territory, rules=asdict(rules), requested_by=requested_by)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        raise RunUnderWay(territory.code) from None
    return run


def compute(run_id: UUID) -> None:
    """Compute a running composition."""
    if (run := held(PoolingRun, run_id)) is not None:
        finish(run)


def recompose(territory: Territory, *, rules: Rules = USUAL) -> PoolingRun:
    """Queue a composition and compute it at once, in the caller's transaction."""
    run = request_composition(territory, rules=rules)
    take_up(run)
    db.session.flush()
    finish(run)
    return run


def finish(run: PoolingRun) -> None:
    """Compose, and take the place of what was composed before and never proposed."""
    compute_at_length()
    territory = run.territory
    asked, rules = free_fractions(territory), rules_from(run.rules)
    found = compose(asked.fractions, rules, seed=0, budget_s=BUDGET_S)
    db.session.execute(delete(Pool).where(Pool.territory_id == territory.id, Pool.status == PoolStatus.COMPOSED))
    for one in found.pools:
        db.session.add(pool_from(asked, one, territory=territory, run=run))
    placed = {row for one in found.pools for row in one.needs}
    run.misses = misses(asked, rules, placed) | {str(need.id): {"kind": reason} for need, reason in asked.left_out}
    run.value, run.bound = found.value, max(found.value, found.bound)
    run.needs_count = len(asked.needs) + len(asked.left_out)
    run.status, run.finished_at = PoolingStatus.READY, now()
    db.session.flush()


def misses(asked: Asked, rules: Rules, held: Collection[int]) -> dict[str, Any]:
    """Why each need is in no pool, and what would let it into one. What cannot be found out in time is « unknown »."""
    told: dict[str, Any] = {}
    end = monotonic() + MISSES_S
    for row, need in enumerate(asked.needs):
        if row not in held:
            told[str(need.id)] = miss_words(asked, nearest_miss(asked.fractions, rules, row)) if monotonic() < end else {"kind": "unknown"}
    return told


def latest(territory: Territory) -> PoolingRun | None:
    """The composition that was asked for last."""
    return db.session.scalars(select(PoolingRun).where(PoolingRun.territory_id == territory.id).order_by(PoolingRun.created_at.desc()).limit(1)).one_or_none()


def pool_from(asked: Asked, found: Found, *, territory: Territory, run: PoolingRun | None) -> Pool:
    """A composed pool of the engine as rows, the greatest part first."""
    weeks = plan_of(asked.fractions, found)
    rows = sorted(found.needs, key=lambda row: (-int(asked.fractions.parts[row]), asked.needs[row].organisation.name, row))
    pool = Pool(territory=territory, run=run, occupation=occupation_label([asked.needs[row] for row in rows]))
    pool.plan, pool.widest_km = plan(asked, weeks), found.widest_km
    pool.shares = [share(asked, row, weeks, position) for position, row in enumerate(rows)]
    return pool


def plan(asked: Asked, weeks: dict[int, Week]) -> dict[str, Any]:
    return {str(month): {str(asked.needs[row].id): list(halfdays) for row, halfdays in week.items()} for month, week in weeks.items()}


def share(asked: Asked, row: int, weeks: dict[int, Week], position: int) -> PoolShare:
    fte = Decimal(int(asked.fractions.parts[row])) / 120
    return PoolShare(need=asked.needs[row], position=position, fte=fte.quantize(Decimal("0.001")), halfdays=usual_halfdays(weeks, row))


def usual_halfdays(weeks: dict[int, Week], row: int) -> int:
    """The half-days of a need in the busiest month that it works in."""
    own = [week for week in weeks.values() if row in week]
    return sum(1 << halfday for halfday in max(own, key=lambda week: sum(map(len, week.values())))[row])


def occupation_label(needs: Sequence[Need]) -> str:
    """What the shared job is called: the official occupation of the greatest part that has one, else what its people call it."""
    official = next((need.occupation.label for need in needs if need.occupation is not None), None)
    return official or needs[0].details.get("occupation") or needs[0].title


def miss_words(asked: Asked, miss: Miss) -> dict[str, Any]:
    """A nearest miss as a run keeps it."""
    needs = [str(asked.needs[row].id) for row in miss.pool.needs] if miss.pool else []
    return {"kind": miss.kind, "amount": miss.amount, "halfdays": list(miss.halfdays), "needs": needs}
