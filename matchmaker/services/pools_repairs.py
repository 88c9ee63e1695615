"""Mending a group that an employer left: another employer, or a smaller group. Only who comes anew is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import numpy as np

from matchmaker.engine.pool_problem import Fractions, Rules
from matchmaker.engine.pool_weeks import weeks
from matchmaker.engine.pooling import Pool as Found
from matchmaker.engine.pooling import plan_of, repairs
from matchmaker.extensions import db
from matchmaker.models import Need, Pool, PoolStatus
from matchmaker.services import outbox, pools
from matchmaker.services.errors import ChangedMeanwhile, NotAllowedNow
from matchmaker.services.pools_fractions import Asked, asked, free_fractions, needs_where, rules_from
from matchmaker.services.pools_runs import plan, share, usual_halfdays

MOST = 3


@dataclass(frozen=True)
class Repair:
    """What could follow: the needs that come in, none for a smaller group, with the figures of the new group."""

    newcomers: tuple[Need, ...]
    fte: float
    widest_km: float
    found: Found

    @property
    def key(self) -> str:
        """Names the repair in a form: the ids of who comes in, or « smaller »."""
        return ",".join(str(need.id) for need in self.newcomers) or "smaller"


def repairs_of(pool: Pool) -> list[Repair]:
    """At most three ways to go on with all who stay, the best first. Nobody who left is asked again."""
    return ways_on(pool)[1]


def mend(pool: Pool, key: str, *, today: date, settings: outbox.MailSettings) -> bool:
    """Apply a repair: a new week for the group, and one mail to each newcomer. True when all who stay had said yes and nobody is new.

    Raises NotAllowedNow when nobody is missing, ChangedMeanwhile when the repair is not possible any more.
    """
    pools.lock(pool)
    if pool.status is not PoolStatus.PROPOSED or pool.left_at is None:
        raise NotAllowedNow(pool.status)
    read, ways = ways_on(pool)
    repair = next((way for way in ways if way.key == key), None)
    if repair is None:
        raise ChangedMeanwhile(key)
    apply(pool, read, repair)
    if repair.newcomers:
        pools.ask_again_by(pool, today=today)
    for one in pool.members:
        if one.need in repair.newcomers:
            pools.tell("pool_proposed", one, settings=settings)
    return pools.agree_if_all_said_yes(pool, settings=settings)


def apply(pool: Pool, read: Asked, repair: Repair) -> None:
    """Write the new week: who stays keeps their answer and, where possible, their letter."""
    planned = plan_of(read.fractions, repair.found)
    held = {one.need_id: one for one in pool.members}
    gone = [one for one in pool.shares if one.has_left]
    rows = sorted(repair.found.needs, key=lambda row: held[read.needs[row].id].position if read.needs[row].id in held else len(pool.shares) + row)
    for position, row in enumerate(rows):
        one = held.get(read.needs[row].id)
        if one is None:
            pool.shares.append(share(read, row, planned, position))
        else:
            one.position, one.halfdays = position, usual_halfdays(planned, row)
    for position, former in enumerate(gone, len(rows)):
        former.position = position
    pool.plan, pool.widest_km, pool.left_at = plan(read, planned), repair.found.widest_km, None
    db.session.flush()


def ways_on(pool: Pool) -> tuple[Asked, list[Repair]]:
    """The needs that were looked at, and the repairs."""
    read = with_free_ones(pool)
    row_of = read.row_of()
    ids = {one.need_id for one in pool.shares}
    staying = tuple(sorted(row_of[one.need_id] for one in pool.members if one.need_id in row_of))
    if len(staying) < len(pool.members) or not staying:
        return read, []
    rules = rules_from(pool.run.rules if pool.run else {})
    free = np.array([need.id not in ids for need in read.needs], dtype=np.bool_)
    found = repairs(read.fractions, rules, staying, free=free, most=20)
    good = [one for one in found if set(staying) <= set(one.needs)][:MOST]
    if all(len(one.needs) > len(staying) for one in good) and (smaller := as_they_are(read.fractions, rules, staying)):
        good = [*good[: MOST - 1], smaller]
    return read, [repair(read, one, ids) for one in good]


def repair(read: Asked, found: Found, known: set[UUID]) -> Repair:
    return Repair(tuple(read.needs[row] for row in found.needs if read.needs[row].id not in known), found.fte, found.widest_km, found)


def as_they_are(fractions: Fractions, rules: Rules, staying: Sequence[int]) -> Found | None:
    """Those who stay, by themselves, though it makes a small job; nothing for one alone or without a week for all."""
    rows = tuple(staying)
    if len(rows) < 2 or weeks(fractions, rows) is None:
        return None
    free = np.zeros(len(fractions), dtype=np.bool_)
    small = replace(rules, min_fte=0.0, per_extra_employer=0.0, per_km=0.0)
    return next((one for one in repairs(fractions, small, rows, free=free) if one.needs == rows), None)


def with_free_ones(pool: Pool) -> Asked:
    """The free fractions of the territory, and those of the group that are open still."""
    ids = [need.id for need in free_fractions(pool.territory).needs] + [one.need_id for one in pool.members]
    return asked(needs_where(Need.id.in_(ids)), bound={one.need_id for one in pool.members})
