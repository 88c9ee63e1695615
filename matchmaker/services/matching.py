"""Runs: asking for one, computing it, publishing it."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.engine import scoring
from matchmaker.engine.assignment import assign
from matchmaker.engine.candidates import why_none
from matchmaker.engine.certificate import certify
from matchmaker.engine.problem import Problem
from matchmaker.extensions import db
from matchmaker.models import (
    Match,
    MatchingInstance,
    MatchingRun,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    Proposal,
    RunStatus,
    Status,
    Territory,
    User,
)
from matchmaker.models.base import now
from matchmaker.services import matching_inputs, matching_instances, outbox, proposals
from matchmaker.services.errors import NotAllowedNow, RunUnderWay
from matchmaker.services.matching_places import closed_pairs, places_taken
from matchmaker.services.matching_tables import Table, engine_id

MAX_ATTEMPTS = 3
# One publication at a time: two départements may hold pairs of the same offer.
PUBLICATION_LOCK = 0x6D61746368


def request_run(territory: Territory, *, requested_by: User | None = None) -> MatchingRun:
    """Queue a run of a département. Raises RunUnderWay: the database keeps one at a time."""
    run = MatchingRun(territory=territory, requested_by=requested_by)
    try:
        with db.session.begin_nested():
            db.session.add(run)
    except IntegrityError:
        raise RunUnderWay(territory.code) from None
    return run


def wish_for_a_run(territory: Territory) -> None:
    """Something changed that a run should see. One that waits already will see it."""
    try:
        request_run(territory)
    except RunUnderWay:
        return


def start_due() -> UUID | None:
    """Mark the oldest waiting run as running, or one whose worker died: no lock stands on its row. None when nothing waits."""
    waiting = select(MatchingRun).where(MatchingRun.status.in_((RunStatus.QUEUED, RunStatus.RUNNING)))
    run = db.session.scalars(waiting.order_by(MatchingRun.created_at).limit(1).with_for_update(skip_locked=True, of=MatchingRun)).one_or_none()
    if run is None:
        return None
    if run.attempts >= MAX_ATTEMPTS:
        run.status, run.failure, run.finished_at = RunStatus.FAILED, "its worker died each time", now()
        return None
    run.status, run.attempts, run.started_at = RunStatus.RUNNING, run.attempts + 1, now()
    return run.id


def compute(run_id: UUID, *, today: date) -> None:
    """Compute a running run and store its pairs. The row stays locked: who finds it unlocked knows that its worker died."""
    locked = select(MatchingRun).where(MatchingRun.id == run_id, MatchingRun.status == RunStatus.RUNNING)
    run = db.session.scalars(locked.with_for_update(skip_locked=True, of=MatchingRun)).one_or_none()
    if run is not None:
        solve(run, today=today)


def rematch(territory: Territory, *, today: date) -> MatchingRun:
    """Queue a run and compute it at once, in the caller's transaction."""
    run = request_run(territory)
    run.status, run.started_at = RunStatus.RUNNING, now()
    db.session.flush()
    solve(run, today=today)
    return run


def fail(run_id: UUID, reason: str) -> None:
    run = db.session.get_one(MatchingRun, run_id)
    if not run.is_over:
        run.status, run.failure, run.finished_at = RunStatus.FAILED, reason, now()


def solve(run: MatchingRun, *, today: date) -> None:
    """The whole computation: tables, candidates, scores, best pairs, proof, reasons."""
    inputs = matching_inputs.read(run.territory, today=today)
    made = matching_inputs.problem(inputs)
    needs, offers, problem = inputs.needs, inputs.offers, made.problem
    assignment = assign(problem)
    proof = certify(problem, assignment)
    if not proof.feasible:
        raise RuntimeError("the engine's answer does not hold")

    run.matches = [stored(made, inputs, row) for row in np.flatnonzero(assignment.chosen).tolist()]
    run.unserved = why_unserved(needs, offers, problem, assignment.chosen, inputs.refused)
    run.instance = MatchingInstance(arrays=matching_instances.pack(inputs, problem, assignment))
    run.weights = inputs.weights
    run.needs_count, run.offers_count, run.candidates_count = int((needs.capacity > 0).sum()), len(offers.rows), len(problem.need)
    run.served_count = len({match.need for match in run.matches})
    run.value, run.bound, run.gap = proof.primal, proof.dual, proof.gap
    run.status, run.finished_at = RunStatus.READY, now()
    supersede(run, RunStatus.READY)
    db.session.flush()


def stored(made: matching_inputs.Scored, inputs: matching_inputs.Inputs, row: int) -> Match:
    """The row of one chosen pair of the problem, with its score broken down in points of one hundred."""
    edge = made.keep[row]
    need, offer = inputs.needs.rows[made.problem.need[row]], inputs.offers.rows[made.problem.offer[row]]
    distance = float(made.found.distance_km[edge])
    parts = scoring.points(made.scored.parts[edge], inputs.weights.get(need.category.value))
    return Match(
        need=need,
        offer=offer,
        score=int(made.problem.score[row]),
        distance_km=None if np.isnan(distance) else round(distance, 1),
        breakdown=[
            {"criterion": criterion.name, "earned": earned, "possible": possible, "unknown": bool(made.scored.unknown[edge, column])}
            for column, (criterion, earned, possible) in enumerate(parts)
        ],
    )


def why_unserved(needs: Table, offers: Table, problem: Problem, chosen: np.ndarray, closed: np.ndarray) -> dict[str, Any]:
    """Need id → the reason, in codes and numbers: no candidate (and what removed the nearest ones) or outbid."""
    served = set(problem.need[chosen].tolist())
    wanted = set(problem.need.tolist())
    reasons: dict[str, Any] = {}
    for row, need in enumerate(needs.rows):
        if row in served or needs.capacity[row] == 0:
            continue
        if row in wanted:
            reasons[str(need.id)] = {"reason": "outbid"}
            continue
        why = why_none(needs.side, offers.side, row, refused=closed)
        removed = {name: count for name, count in why.removed.items() if count and name != "category"}
        refused = removed.keys() == {"refused"}
        same_category = bool(removed) or why.left > 0
        reason = "all_refused" if refused else "other_subject" if why.left else "no_candidate" if same_category else "no_offer"
        reasons[str(need.id)] = {"reason": reason, "removed": removed, "nearest_km": None if why.nearest_km is None else round(why.nearest_km)}
    return reasons


def supersede(run: MatchingRun, status: RunStatus) -> None:
    """The other runs of the territory that stand in this status now, whatever we read before, give way to this one."""
    others = update(MatchingRun).where(MatchingRun.territory_id == run.territory_id, MatchingRun.status == status, MatchingRun.id != run.id)
    db.session.execute(others.values(status=RunStatus.SUPERSEDED), execution_options={"synchronize_session": "fetch"})


def publish(run: MatchingRun, *, today: date, settings: outbox.MailSettings) -> list[Proposal]:
    """Put the run's pairs to both sides. Pairs that no longer hold are left out. Raises NotAllowedNow when it is not to be read."""
    db.session.execute(select(func.pg_advisory_xact_lock(PUBLICATION_LOCK)))
    db.session.refresh(run, with_for_update={"of": MatchingRun})
    if not run.can_be_published():
        raise NotAllowedNow(run.status)
    supersede(run, RunStatus.PUBLISHED)
    run.status, run.published_at = RunStatus.PUBLISHED, now()
    taken, asked = places_taken(), proposals.asked_this_month(today=today)
    closed = {tuple(pair) for pair in closed_pairs(today=today).tolist()}
    good = []
    for match in sorted(run.matches, key=lambda match: (-match.score, match.id)):
        pair = (engine_id(match.need_id), engine_id(match.offer_id))
        if pair not in closed and all(can_be_asked(side, run, taken, asked, today=today) for side in (match.need, match.offer)):
            taken.update((match.need_id, match.offer_id))
            asked.update((match.need.organisation_id, match.offer.organisation_id))
            good.append(match)
        else:
            match.status = MatchStatus.ENDED
    return proposals.propose(good, today=today, settings=settings)


def can_be_asked(declaration: Need | Offer, run: MatchingRun, taken: Counter[UUID], asked: Counter[UUID], *, today: date) -> bool:
    """Open, with a place left, as it was when the run read it, and of an organisation that may be asked once more this month."""
    organisation = declaration.organisation
    as_read = run.started_at is None or declaration.updated_at <= run.started_at
    pauses = organisation.paused_until is not None and organisation.paused_until >= today
    has_room = declaration.is_open and taken[declaration.id] < declaration.capacity
    return as_read and has_room and not pauses and asked[organisation.id] < organisation.monthly_budget


def request_weekly() -> list[MatchingRun]:
    """Queue a run for each département with published needs whose last run is a week old, or that never had one."""
    recent = select(MatchingRun.territory_id).where(MatchingRun.created_at > now() - timedelta(days=7))
    query = select(Territory).where(
        Territory.id.in_(select(Need.territory_id).where(Need.status == Status.PUBLISHED)),
        Territory.id.not_in(recent),
    )
    asked = []
    for territory in db.session.scalars(query.order_by(Territory.code)).all():
        try:
            asked.append(request_run(territory))
        except RunUnderWay:
            continue
    return asked


def run(run_id: UUID) -> MatchingRun | None:
    """A run with its matches and both sides of each, in a fixed number of queries."""
    matches = selectinload(MatchingRun.matches)
    need, offer = matches.joinedload(Match.need), matches.joinedload(Match.offer)
    query = (
        select(MatchingRun)
        .where(MatchingRun.id == run_id)
        .options(
            joinedload(MatchingRun.territory).joinedload(Territory.parent),
            need.joinedload(Need.organisation).joinedload(Organisation.commune),
            need.joinedload(Need.commune),
            offer.joinedload(Offer.organisation).joinedload(Organisation.commune),
            offer.joinedload(Offer.commune),
        )
    )
    return db.session.scalars(query).one_or_none()


def latest_runs(territory_ids: Sequence[int], *, limit: int = 40) -> list[MatchingRun]:
    query = select(MatchingRun).where(MatchingRun.territory_id.in_(territory_ids)).options(joinedload(MatchingRun.territory))
    return list(db.session.scalars(query.order_by(MatchingRun.created_at.desc()).limit(limit)))


def needs_of(run: MatchingRun) -> list[Need]:
    """The needs that the run left without an offer, with their organisation and commune."""
    ids = [UUID(text) for text in run.unserved]
    query = select(Need).where(Need.id.in_(ids)).options(joinedload(Need.organisation), joinedload(Need.commune))
    return list(db.session.scalars(query.order_by(Need.title, Need.id)))
