"""The computation of a run, from the tables to the stored pairs with their proof and reasons."""

from datetime import date
from json import dumps
from math import isnan
from typing import Any
from uuid import uuid4

import numpy as np

from matchmaker.engine.candidates import why_none
from matchmaker.engine.capping import assign_capped
from matchmaker.engine.certificate import Certificate, certify
from matchmaker.engine.problem import Assignment, Objective, Problem
from matchmaker.extensions import db
from matchmaker.models import MatchingInstance, MatchingRun, MatchStatus
from matchmaker.services import matching_fairness, matching_freshness, matching_inputs, matching_instances
from matchmaker.services.matching_breakdowns import breakdowns
from matchmaker.services.matching_inputs import Inputs, Scored

COPY_MATCHES = "COPY match (id, run_id, need_id, offer_id, status, score, distance_km, breakdown) FROM STDIN"


def solve(run: MatchingRun, *, today: date) -> None:
    """Tables, candidates, scores, best pairs, proof, reasons: all that the run tells."""
    # Before the rows are read: what changes in between makes the run look stale at worst, never fresh.
    run.inputs_hash = matching_freshness.fingerprint(run.territory, today=today)
    inputs = matching_inputs.read(run.territory, today=today)
    made = matching_inputs.problem(inputs)
    assignment = assign_capped(made.problem, objective=Objective(run.objective))
    proof = prove(made.problem, assignment, Objective(run.objective))
    store_pairs(run, inputs, made, assignment)
    run.unserved = why_unserved(inputs, made.problem, assignment.chosen)
    # A run that is not over has no value yet: it may not be written with one in between.
    with db.session.no_autoflush:
        run.fairness = matching_fairness.figures(run)
    store_figures(run, made.problem, assignment, proof)
    run.instance = MatchingInstance(arrays=matching_instances.pack(inputs, made, assignment))
    run.weights = inputs.weights
    run.set_aside = [[str(need), str(offer)] for need, offer in made.set_aside]
    run.needs_count, run.offers_count = int((inputs.needs.capacity > 0).sum()), len(inputs.offers.ids)


def prove(problem: Problem, assignment: Assignment, objective: Objective) -> Certificate:
    """The proof of an answer. Raises RuntimeError when it does not even hold: nothing of it must be stored then."""
    proof = certify(problem, assignment, objective)
    if not proof.feasible:
        raise RuntimeError("the engine's answer does not hold")
    return proof


def store_figures(run: MatchingRun, problem: Problem, assignment: Assignment, proof: Certificate) -> None:
    run.candidates_count = len(problem.need)
    run.served_count = len(np.unique(problem.need[assignment.chosen]))
    # Under « served first » the proof counts a bonus a need besides the score: what is left to gain is the same.
    run.value, run.bound, run.gap = assignment.value, assignment.value + proof.gap, proof.gap


def store_pairs(run: MatchingRun, inputs: Inputs, made: Scored, assignment: Assignment) -> None:
    """Write the chosen pairs, each with its score broken down in points of one hundred; in one stream, without objects."""
    chosen = np.flatnonzero(assignment.chosen)
    edge = made.keep[chosen]
    need, offer, score = made.problem.need[chosen], made.problem.offer[chosen], made.problem.score[chosen]
    category = inputs.needs.side.category[need]
    lines = breakdowns(score, made.scored.parts[edge], made.scored.unknown[edge], category, inputs.weights, made.turn[chosen])
    distance = np.round(made.found.distance_km[edge], 1)
    need_ids, offer_ids, run_id, preview = inputs.needs.ids, inputs.offers.ids, str(run.id), MatchStatus.PREVIEW.value
    # COPY takes a fifth of the time of an INSERT of as many rows.
    cursor: Any = db.session.connection().connection.cursor()
    with cursor, cursor.copy(COPY_MATCHES) as copy:
        for one, other, points, km, breakdown in zip(need.tolist(), offer.tolist(), score.tolist(), distance.tolist(), lines, strict=True):
            copy.write_row((uuid4(), run_id, need_ids[one], offer_ids[other], preview, points, None if isnan(km) else km, dumps(breakdown)))
    db.session.expire(run, ["matches"])


def why_unserved(inputs: Inputs, problem: Problem, chosen: np.ndarray) -> dict[str, Any]:
    """Need id → the reason, in codes and numbers: no candidate (and what removed the nearest ones) or outbid."""
    needs, refused = inputs.needs, inputs.refused
    served, wanted = (np.zeros(len(needs.ids), dtype=np.bool_) for _twice in range(2))
    served[problem.need[chosen]] = True
    wanted[problem.need] = True
    reasons: dict[str, Any] = {}
    for row in np.flatnonzero(~served & (needs.capacity > 0)).tolist():
        reasons[str(needs.ids[row])] = {"reason": "outbid"} if wanted[row] else why_no_candidate(inputs, row, refused)
    return reasons


def why_no_candidate(inputs: Inputs, row: int, refused: np.ndarray) -> dict[str, Any]:
    why = why_none(inputs.needs.side, inputs.offers.side, row, refused=refused)
    removed = {name: count for name, count in why.removed.items() if count and name != "category"}
    reason = "all_refused" if removed.keys() == {"refused"} else "other_subject" if why.left else "no_candidate" if removed else "no_offer"
    return {"reason": reason, "removed": removed, "nearest_km": None if why.nearest_km is None else round(why.nearest_km)}
