"""Locks and refusals of an animator: the answer of the run that is being read is mended at once, and proven again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import joinedload

from matchmaker.engine.components import Pair, Resolved, resolve
from matchmaker.engine.problem import Objective
from matchmaker.extensions import db
from matchmaker.models import Match, MatchingRun, Need, Offer, PairDecision, Status, User, Verdict
from matchmaker.services import matching_breakdowns, matching_fairness, matching_instances
from matchmaker.services.errors import ChangedMeanwhile, LockedAndRefused, NoPlaceToLock, NotAllowedNow, NotInRun
from matchmaker.services.matching_inputs import PairIds
from matchmaker.services.matching_instances import Instance
from matchmaker.services.matching_solving import prove, store_figures


@dataclass(frozen=True)
class Change:
    """What a decision changed: pairs that came into the answer and that left it, and the total in millionths before and after.

    ``standing`` is what was decided of the pair before: the way back.
    """

    entered: list[PairIds]
    left: list[PairIds]
    before: int
    after: int
    standing: Verdict | None = None


def decide(run: MatchingRun, need_id: UUID, offer_id: UUID, verdict: Verdict | None, *, by: User, revision: int) -> Change:
    """Lock a pair, refuse it, or take the decision on it back (None), and mend the answer of the run.

    Raises NotAllowedNow when the run is not waiting to be read, ChangedMeanwhile when it has another revision, NotInRun, LockedAndRefused,
    NoPlaceToLock. The same decision twice changes nothing.
    """
    db.session.refresh(run, with_for_update={"of": MatchingRun})
    if not run.can_be_published():
        raise NotAllowedNow(run.status)
    decision = db.session.scalars(select(PairDecision).where(PairDecision.need_id == need_id, PairDecision.offer_id == offer_id)).one_or_none()
    if decision and decision.need.territory_id != run.territory_id:
        # What was decided in another territory is its animator's to take back.
        raise NotInRun(f"{need_id} with {offer_id}")
    standing = decision.verdict if decision else None
    value = run.value or 0
    if decision and standing is verdict:
        return Change([], [], value, value, standing)
    if run.instance is None or (verdict is None and decision is None):
        raise NotInRun(f"{need_id} with {offer_id}")
    if run.revision != revision:
        raise ChangedMeanwhile(f"revision {run.revision}")
    if standing and verdict:
        raise LockedAndRefused(standing)
    instance = matching_instances.unpack(run.instance.arrays)
    mended = mend(instance, (need_id, offer_id), standing, verdict)
    if mended is None and verdict is not None:
        raise NotInRun(f"{need_id} with {offer_id}")
    if decision:
        db.session.delete(decision)
    if verdict:
        db.session.add(PairDecision(need_id=need_id, offer_id=offer_id, verdict=verdict, decided_by=by))
    # A pair that this run does not know any more: the decision is taken back for the next one.
    change = store(run, *mended) if mended else Change([], [], value, value)
    if mended:
        run.instance.arrays = matching_instances.pack_instance(mended[0])
    run.set_aside = [pair for pair in run.set_aside if pair != [str(need_id), str(offer_id)]]
    db.session.flush()
    return replace(change, standing=standing)


def mend(instance: Instance, pair: PairIds, standing: Verdict | None, verdict: Verdict | None) -> tuple[Instance, Resolved] | None:
    """The instance after a decision, with what changed in its answer. None when it does not know the pair."""
    rows = rows_of(instance, pair)
    if rows is None:
        return None
    problem, answer = instance.problem, instance.assignment
    at = np.flatnonzero((problem.need == rows[0]) & (problem.offer == rows[1]))
    refused = (instance.refused[:, 0] == rows[0]) & (instance.refused[:, 1] == rows[1])
    if standing is Verdict.REFUSED:
        if not refused.any():
            return None
        added = (*rows, int(instance.refused[refused][0, 2]))
        return mended(instance, resolve(problem, answer, add=[added]), instance.refused[~refused])
    if not at.size:
        return None
    if standing is Verdict.LOCKED:
        return mended(instance, resolve(problem, answer, unlock=[rows] if problem.locked[at[0]] else []), instance.refused)
    if verdict is Verdict.REFUSED:
        out = np.array([[*rows, int(problem.score[at[0]])]], dtype=np.int64)
        return mended(instance, resolve(problem, answer, refuse=[rows]), np.concatenate((instance.refused, out)))
    check_places(instance, rows)
    return mended(instance, resolve(problem, answer, lock=[rows]), instance.refused)


def mended(instance: Instance, resolved: Resolved, refused: np.ndarray) -> tuple[Instance, Resolved]:
    return replace(instance, problem=resolved.problem, assignment=resolved.assignment, refused=refused), resolved


def rows_of(instance: Instance, pair: PairIds) -> Pair | None:
    """The rows of both sides, where the run read them."""
    try:
        return instance.need_ids.index(pair[0]), instance.offer_ids.index(pair[1])
    except ValueError:
        return None


def check_places(instance: Instance, rows: Pair) -> None:
    """Raises NoPlaceToLock when the places of a side are all locked already."""
    problem = instance.problem
    offers = problem.offer[problem.locked & (problem.need == rows[0])].tolist()
    needs = problem.need[problem.locked & (problem.offer == rows[1])].tolist()
    if len(offers) >= problem.need_capacity[rows[0]]:
        partners = select(Offer).where(Offer.id.in_([instance.offer_ids[row] for row in offers])).order_by(Offer.title)
        raise NoPlaceToLock(db.session.get_one(Need, instance.need_ids[rows[0]]), db.session.scalars(partners).all())
    if len(needs) >= problem.offer_capacity[rows[1]]:
        holders = select(Need).where(Need.id.in_([instance.need_ids[row] for row in needs])).order_by(Need.title)
        raise NoPlaceToLock(db.session.get_one(Offer, instance.offer_ids[rows[1]]), db.session.scalars(holders).all())


def store(run: MatchingRun, instance: Instance, resolved: Resolved) -> Change:
    """Write the mended answer with its new proof."""
    problem, assignment = instance.problem, instance.assignment
    proof = prove(problem, assignment, Objective(run.objective))
    before = run.value or 0
    entered, left = (ids_of(instance, pairs) for pairs in (resolved.entered, resolved.left))
    store_matches(run, instance, resolved, entered, left)
    store_figures(run, problem, assignment, proof)
    store_reasons(run, instance, {need for need, _offer in (*entered, *left)})
    run.fairness = matching_fairness.figures(run)
    run.revision += 1
    return Change(entered, left, before, assignment.value)


def ids_of(instance: Instance, pairs: np.ndarray) -> list[PairIds]:
    return [(instance.need_ids[need], instance.offer_ids[offer]) for need, offer in pairs.tolist()]


def store_matches(run: MatchingRun, instance: Instance, resolved: Resolved, entered: list[PairIds], left: list[PairIds]) -> None:
    if left:
        gone = delete(Match).where(Match.run_id == run.id, tuple_(Match.need_id, Match.offer_id).in_(left))
        db.session.execute(gone, execution_options={"synchronize_session": "fetch"})
    if not entered:
        return
    problem = instance.problem
    scores = {}
    for pair, (need, offer) in zip(entered, resolved.entered.tolist(), strict=True):
        at = np.flatnonzero((problem.need == need) & (problem.offer == offer))[0]
        scores[pair] = int(problem.score[at])
    rows = [
        {"id": uuid4(), "run_id": run.id, "need_id": pair[0], "offer_id": pair[1], "score": scores[pair], **vars(detail)}
        for pair, detail in matching_breakdowns.details(run, scores).items()
    ]
    db.session.execute(insert(Match), rows)
    db.session.expire(run, ["matches"])


def store_reasons(run: MatchingRun, instance: Instance, touched: set[UUID]) -> None:
    """Who lost its last offer is told why: others want them more, or all that fitted were refused."""
    problem, told = instance.problem, dict(run.unserved)
    row_of = {one: row for row, one in enumerate(instance.need_ids)}
    for need_id in touched:
        pairs = problem.need == row_of[need_id]
        if np.any(instance.assignment.chosen & pairs):
            told.pop(str(need_id), None)
        else:
            told[str(need_id)] = {"reason": "outbid"} if np.any(pairs) else {"reason": "all_refused", "removed": {"refused": 1}, "nearest_km": None}
    run.unserved = told


def decisions_in(run: MatchingRun) -> list[PairDecision]:
    """The decisions on open announcements of the run's territory, the newest first, with both sides."""
    need, offer = joinedload(PairDecision.need), joinedload(PairDecision.offer)
    query = select(PairDecision).join(PairDecision.need).join(PairDecision.offer)
    query = query.where(Need.territory_id == run.territory_id, Need.status == Status.PUBLISHED, Offer.status == Status.PUBLISHED)
    query = query.options(
        need.joinedload(Need.organisation), need.joinedload(Need.commune), offer.joinedload(Offer.organisation), offer.joinedload(Offer.commune)
    )
    return list(db.session.scalars(query.order_by(PairDecision.decided_at.desc(), PairDecision.id)))


def sides(pairs: Iterable[PairIds]) -> list[tuple[Need, Offer]]:
    """Both sides of each pair."""
    wanted = list(pairs)
    needs = {need.id: need for need in db.session.scalars(select(Need).where(Need.id.in_([need for need, _offer in wanted])))}
    offers = {offer.id: offer for offer in db.session.scalars(select(Offer).where(Offer.id.in_([offer for _need, offer in wanted])))}
    return [(needs[need], offers[offer]) for need, offer in wanted]
