"""« Other days », an answer of its own: the week of the group is made anew around what an employer can really do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from matchmaker.engine.pool_problem import ALL_HALFDAYS, Fractions
from matchmaker.engine.pool_weeks import Week, weeks
from matchmaker.extensions import db
from matchmaker.models import PoolShare, ShareStatus
from matchmaker.models.base import now
from matchmaker.services import outbox, pools
from matchmaker.services.errors import NotAllowedNow, NoWeek
from matchmaker.services.pools_fractions import asked
from matchmaker.services.pools_runs import plan, usual_halfdays


def propose_other_days(share: PoolShare, halfdays: int, *, today: date, settings: outbox.MailSettings) -> list[PoolShare]:
    """Say yes on other days: what suits the need from now on, and the week of the group with it.

    The others keep their half-days where that is possible; whoever does not is asked once more. Returns those.

    Raises
    ------
    NotAllowedNow
        The question is closed, or somebody is missing and the week will change anyway.
    NoWeek
        No week suits the whole group then; it says which half-days would.
    """
    pool = pools.open_question(share, also=ShareStatus.INTERESTED)
    if pool.left_at is not None:
        raise NotAllowedNow("somebody left")
    members, need = pool.members, share.need
    need.halfdays = halfdays
    read = asked([one.need for one in members])
    if read.left_out:
        raise NoWeek(0)
    row_of = read.row_of()
    rows, own = range(len(read.needs)), row_of[need.id]
    found = weeks(as_planned(read.fractions, members, own), rows) or weeks(read.fractions, rows)
    if found is None:
        raise NoWeek(that_would_do(read.fractions, members, own))
    before, pool.plan = pool.plan, plan(read, found)
    for one in members:
        one.halfdays = usual_halfdays(found, row_of[one.need_id])
    share.status, share.answered_at = ShareStatus.INTERESTED, now()
    moved = [one for one in members if one is not share and of_need(before, one) != of_need(pool.plan, one)]
    if moved:
        pools.ask_again_by(pool, today=today)
    for one in moved:
        one.status, one.answered_at, one.asked = ShareStatus.PENDING, None, one.asked + 1
    db.session.flush()
    for one in moved:
        pools.tell("pool_moved", one, settings=settings)
    pools.agree_if_all_said_yes(pool, settings=settings)
    return moved


def of_need(plan: dict[str, dict[str, list[int]]], share: PoolShare) -> dict[str, list[int]]:
    """Month → the half-days of one employer."""
    return {month: week[str(share.need_id)] for month, week in plan.items() if str(share.need_id) in week}


def as_planned(fractions: Fractions, members: Sequence[PoolShare], own: int) -> Fractions:
    """The same needs, of which all but one come at the half-days that they have in the plan only."""
    allowed = fractions.allowed.copy()
    rows = [row for row in range(len(fractions)) if row != own]
    for row, share in zip(rows, [one for place, one in enumerate(members) if place != own], strict=True):
        allowed[row] = sum(1 << halfday for halfday in {halfday for week in of_need(share.pool.plan, share).values() for halfday in week})
    return replace(fractions, allowed=allowed)


def that_would_do(fractions: Fractions, members: Sequence[PoolShare], own: int) -> int:
    """Bits of half-days that the need could have without moving anybody else; none when there is no such week."""
    free = as_planned(fractions, members, own)
    found: dict[int, Week] | None = weeks(replace(free, allowed=np.where(np.arange(len(free)) == own, ALL_HALFDAYS, free.allowed)), range(len(free)))
    return usual_halfdays(found, own) if found else 0
