"""« Why have I received nothing? »: what stands between a structure and the propositions that it waits for. Nobody else is named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select

from matchmaker.engine import explanation
from matchmaker.extensions import db
from matchmaker.models import Match, MatchingRun, MatchStatus, Need, Obstacle, Offer, Organisation, RunStatus, Status
from matchmaker.models.matching import LIVE_MATCH
from matchmaker.services import addresses, asking_budgets, asking_rhythms, declarations, matching_explanations, refusal_bounds
from matchmaker.services.matching_instances import Instance

# What one more click on « accept more » adds a month, and the most that there may be.
MORE, MOST = 2, 60
# Each figure of what a declaration lacked is solved for: of so many at most, and among so many pairs.
MOST_SOLVED, LOOKED_AT = 4, 3


class Cause(StrEnum):
    """What stands in the way. The first ones are the structure's, the others a declaration's."""

    PAUSED = "paused"
    AWAY = "away"
    BUDGET = "budget"
    WEEK = "week"
    NO_ADDRESS = "no_address"
    BLOCKED = "blocked"
    OBJECTED = "objected"
    NOTHING_DECLARED = "nothing_declared"
    DRAFT = "draft"
    STOPPED = "stopped"
    EXPIRED = "expired"
    RESTING = "resting"
    NOT_READ_YET = "not_read_yet"
    NO_CANDIDATE = "no_candidate"
    OUTBID = "outbid"
    ENDED = "ended"
    # Not in the way: something was received.
    ASKED = "asked"
    AGREED = "agreed"


@dataclass(frozen=True)
class Finding:
    """One cause.

    Attributes
    ----------
    told : what the run says of a need without a candidate, in codes and numbers.
    lack : what an outbid declaration lacked, in millionths; None when it cannot be told.
    asked : how often the structure was asked this month, or this week, where that is the cause.
    until : the last day of an absence; of an announcement that rests, the day on which it looks again.
    """

    cause: Cause
    declaration: Need | Offer | None = None
    told: dict[str, Any] = field(default_factory=dict)
    lack: int | None = None
    asked: int = 0
    until: date | None = None


STATUSES = {Status.DRAFT: Cause.DRAFT, Status.PAUSED: Cause.STOPPED, Status.EXPIRED: Cause.EXPIRED}
OBSTACLES = {
    Obstacle.NO_ADDRESS: Cause.NO_ADDRESS,
    Obstacle.BAD_ADDRESS: Cause.NO_ADDRESS,
    Obstacle.BLOCKED: Cause.BLOCKED,
    Obstacle.OBJECTED: Cause.OBJECTED,
}


def diagnose(organisation: Organisation, *, today: date) -> list[Finding]:
    """All that is in the way, the structure's own causes first, then one finding a declaration. Closed ones are left out."""
    needs, offers = declarations.declarations_of(organisation)
    mine: list[Need | Offer] = [*needs, *offers]
    open_ones = [one for one in mine if one.status is not Status.CLOSED]
    return of_structure(organisation, bool(open_ones), today=today) + of_declarations(open_ones, today=today)


def of_structure(organisation: Organisation, has_declared: bool, *, today: date) -> list[Finding]:
    found = []
    if organisation.paused_until is not None and organisation.paused_until >= today:
        found.append(Finding(Cause.PAUSED))
    found += [Finding(Cause.AWAY, until=one.ends_on) for one in asking_rhythms.absences(organisation, day=today)[:1] if one.starts_on <= today]
    left = asking_budgets.left(organisation, day=today)
    if not left.month:
        found.append(Finding(Cause.BUDGET, asked=organisation.monthly_budget))
    elif not left.week:
        found.append(Finding(Cause.WEEK, asked=organisation.weekly_budget))
    obstacle = addresses.obstacle(organisation.email, "proposals")
    if obstacle is not None:
        found.append(Finding(OBSTACLES[obstacle]))
    return found if has_declared else [*found, Finding(Cause.NOTHING_DECLARED)]


def of_declarations(mine: Sequence[Need | Offer], *, today: date) -> list[Finding]:
    """One finding a declaration, in a fixed number of queries but for what the engine is asked."""
    matches, runs = statuses_of(mine), runs_of({one.territory_id for one in mine})
    instances: dict[UUID, Instance | None] = {}
    resting = refusal_bounds.resting(today=today)
    found = []
    for declaration in mine:
        if declaration.status in STATUSES:
            found.append(Finding(STATUSES[declaration.status], declaration))
        elif live := matches.get(declaration.id, set()) & set(LIVE_MATCH):
            found.append(Finding(Cause.AGREED if MatchStatus.CONFIRMED in live else Cause.ASKED, declaration))
        elif declaration.id in resting:
            found.append(Finding(Cause.RESTING, declaration, until=resting[declaration.id]))
        else:
            run = runs.get(declaration.territory_id)
            # An announcement of somebody who changed it since the run is one that the run has not read.
            if run is None or matching_explanations.instant(run) < max(declaration.published_at or declaration.updated_at, declaration.updated_at):
                found.append(Finding(Cause.NOT_READ_YET, declaration))
                continue
            if run.id not in instances:
                instances[run.id] = matching_explanations.instance_of(run)
            is_solved = sum(one.lack is not None for one in found) < MOST_SOLVED
            was_put = MatchStatus.ENDED in matches.get(declaration.id, set())
            found.append(of_run(run, instances[run.id], declaration, was_put=was_put, is_solved=is_solved))
    return found


def of_run(run: MatchingRun, instance: Instance | None, declaration: Need | Offer, *, was_put: bool, is_solved: bool) -> Finding:
    """What the run that was sent last says of a declaration that is open and to which nobody is being put."""
    told = run.unserved.get(str(declaration.id), {}) if isinstance(declaration, Need) else {}
    if told and told["reason"] != "outbid":
        return Finding(Cause.NO_CANDIDATE, declaration, told=told)
    row = row_in(instance, declaration)
    if instance is None or row is None:
        return Finding(Cause.ENDED if was_put else Cause.OUTBID if told else Cause.NOT_READ_YET, declaration)
    side = instance.problem.need if isinstance(declaration, Need) else instance.problem.offer
    if not np.any(side == row):
        return Finding(Cause.NO_CANDIDATE, declaration)
    if np.any(instance.assignment.chosen & (side == row)):
        return Finding(Cause.ENDED, declaration)
    return Finding(Cause.OUTBID, declaration, lack=lack(run, instance, declaration, row) if is_solved else None)


def row_in(instance: Instance | None, declaration: Need | Offer) -> int | None:
    if instance is None:
        return None
    return matching_explanations.row_of(instance.need_ids if isinstance(declaration, Need) else instance.offer_ids, declaration.id)


def lack(run: MatchingRun, instance: Instance, declaration: Need | Offer, row: int) -> int | None:
    """By how much its best pair was left out, in millionths: solved for."""
    others = explanation.alternatives if isinstance(declaration, Need) else explanation.offer_alternatives
    missed = others(instance.problem, instance.assignment, row, LOOKED_AT)
    losses = [matching_explanations.loss_of(run, instance, one.need_row, one.offer_row) for one in missed]
    return min((loss for loss in losses if loss is not None), default=None)


def statuses_of(mine: Sequence[Need | Offer]) -> dict[UUID, set[MatchStatus]]:
    """Declaration id → the states of what was made of it, previews left out."""
    ids = [one.id for one in mine]
    query = select(Match.need_id, Match.offer_id, Match.status).where(Match.status != MatchStatus.PREVIEW)
    found: dict[UUID, set[MatchStatus]] = {one: set() for one in ids}
    for need_id, offer_id, status in db.session.execute(query.where(Match.need_id.in_(ids) | Match.offer_id.in_(ids))):
        for one in (need_id, offer_id):
            if one in found:
                found[one].add(status)
    return found


def runs_of(territory_ids: set[int]) -> dict[int, MatchingRun]:
    """Département → the run that was sent last there."""
    query = select(MatchingRun).where(MatchingRun.territory_id.in_(territory_ids), MatchingRun.status == RunStatus.PUBLISHED)
    return {run.territory_id: run for run in db.session.scalars(query)}


def accept_more(organisation: Organisation) -> int:
    """Be asked a little more often. Returns how often a month."""
    organisation.monthly_budget = min(MOST, organisation.monthly_budget + MORE)
    db.session.flush()
    return organisation.monthly_budget


def end_pause(organisation: Organisation) -> None:
    """Be asked again from today on."""
    organisation.paused_until = None
    db.session.flush()
