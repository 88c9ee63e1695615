"""Other rules for the shared jobs of a territory, tried at once and never written; and what animators decide of two needs."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from matchmaker.engine.pool_problem import Rules, check_rules
from matchmaker.engine.pooling import Composition, compose
from matchmaker.extensions import db
from matchmaker.models import NeedPairRule, PairRule, Territory, User
from matchmaker.models.base import now
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.pools_fractions import free_fractions

# So many are composed while somebody waits for the page.
AT_ONCE = 60
BUDGET_S = 0.9


@dataclass(frozen=True)
class Covered:
    """What a composition covers."""

    fte: float
    pools: int
    needs: int


def what_if(territory: Territory, present: Rules, other: Rules) -> tuple[Covered, Covered] | None:
    """What the present rules cover and what the others would; None when there is too much to compose while somebody waits. Raises BadProblem."""
    check_rules(other)
    read = free_fractions(territory)
    if len(read.needs) > AT_ONCE:
        return None
    before, after = (compose(read.fractions, rules, seed=0, budget_s=BUDGET_S) for rules in (present, other))
    return covered(before), covered(after)


def covered(found: Composition) -> Covered:
    return Covered(sum(pool.parts for pool in found.pools) / 120, len(found.pools), sum(len(pool.needs) for pool in found.pools))


def decide(territory: Territory, one: UUID, other: UUID, rule: PairRule, *, by: User | None) -> NeedPairRule:
    """Want two free needs together or apart from the next composition on. What was wanted before is replaced. Raises NotAllowedNow."""
    free = free_fractions(territory).row_of()
    if one == other or one not in free or other not in free:
        raise NotAllowedNow("not two free needs of the territory")
    first, second = sorted((one, other))
    query = select(NeedPairRule).where(NeedPairRule.first_need_id == first, NeedPairRule.second_need_id == second).with_for_update()
    row = db.session.scalars(query).one_or_none() or NeedPairRule(first_need_id=first, second_need_id=second)
    row.rule, row.decided_by, row.decided_at = rule, by, now()
    db.session.add(row)
    db.session.flush()
    return row


def take_back(territory: Territory, rule_id: UUID) -> bool:
    """Forget what was wanted of two needs. False when it is not of this territory, or gone already."""
    row = db.session.get(NeedPairRule, rule_id)
    if row is None or row.first_need.territory_id != territory.id:
        return False
    db.session.delete(row)
    db.session.flush()
    return True
