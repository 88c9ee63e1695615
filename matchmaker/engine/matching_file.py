"""The file formats of matching: matching/1 in, the answer out, and the proof of an answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.assignment import assign
from matchmaker.engine.certificate import Certificate, certify
from matchmaker.engine.explanation import regrets
from matchmaker.engine.files import BadFile, Fields, index_of, listing, number, row, whole
from matchmaker.engine.problem import SCORE_MAX, Assignment, BadProblem, Objective, Problem, check_problem

_MOST_PLACES = 1_000_000
_VALUE_LIMIT = 2**62
_ALTERNATIVES = 3


@dataclass(frozen=True)
class Instance:
    """A matching/1 file as arrays, with the names of the rows. Ids are ranks of the names, so that names break ties."""

    problem: Problem
    objective: Objective
    needs: list[str]
    offers: list[str]
    row_of_pair: dict[tuple[int, int], int]
    had_refusal: NDArray[np.bool_]


def match(document: object) -> dict[str, object]:
    """Answer a matching/1 document."""
    instance = read_instance(document)
    assignment = assign(instance.problem, instance.objective)
    proof = certify(instance.problem, assignment, instance.objective)
    problem, needs, offers = instance.problem, instance.needs, instance.offers
    chosen = sorted((needs[problem.need[e]], offers[problem.offer[e]]) for e in np.flatnonzero(assignment.chosen).tolist())
    return {
        "pairs": [list(pair) for pair in chosen],
        "value": assignment.value,
        "served": len(np.unique(problem.need[assignment.chosen])),
        "objective": instance.objective.value,
        "blocking_pairs": proof.blocking_pairs,
        "prices": {
            "needs": dict(zip(needs, assignment.need_price.tolist(), strict=True)),
            "offers": dict(zip(offers, assignment.offer_price.tolist(), strict=True)),
        },
        "bound": assignment.value + proof.gap,
        "gap": proof.gap,
        "unserved": _unserved(instance, assignment),
    }


def verify(document: object) -> dict[str, object]:
    """Check an answer against its instance; see `certificate.certify`.

    `proven` tells whether the answer is shown to be the best for its objective: a gap of 0 for score and served_first, no
    blocking pair for stable. A generous answer is only bounded, never proven. What the answer claims must be true.
    """
    fields = Fields(document, "", ("instance", "answer"))
    instance = read_instance(fields.get("instance"), "instance")
    answer, claims = _read_answer(instance, fields.get("answer"))
    proof = certify(instance.problem, answer, instance.objective)
    truth = {
        "bound": answer.value + proof.gap,
        "gap": proof.gap,
        "blocking_pairs": proof.blocking_pairs,
        "served": len(np.unique(instance.problem.need[answer.chosen])),
        "objective": instance.objective.value,
    }
    false_claims = sorted(key for key, claim in claims.items() if claim != truth[key])
    return {
        "feasible": proof.feasible,
        "primal": proof.primal,
        "dual": proof.dual,
        "gap": proof.gap,
        "blocking_pairs": proof.blocking_pairs,
        "false_claims": false_claims,
        "proven": proof.feasible and not false_claims and _proven(instance.objective, proof),
    }


def read_instance(document: object, where: str = "") -> Instance:
    """Read a matching/1 document into a problem that `assign` accepts."""
    fields = Fields(document, where, ("schema", "objective", "needs", "offers", "pairs", "locked", "refused"))
    if fields.get("schema") != "matching/1":
        raise BadFile(fields.at("schema"), "must be matching/1")
    named = fields.get("objective", Objective.SCORE.value)
    if named not in [objective.value for objective in Objective]:
        raise BadFile(fields.at("objective"), "must be one of " + ", ".join(Objective))
    needs, need_capacity, need_index = _read_side(fields, "needs")
    offers, offer_capacity, offer_index = _read_side(fields, "offers")

    scores: dict[tuple[int, int], int] = {}
    for k, item in enumerate(fields.items("pairs")):
        at = f"{fields.at('pairs')}[{k}]"
        need, offer, score = listing(item, at, 3)
        pair = row(need, at, need_index), row(offer, at, offer_index)
        if pair in scores:
            raise BadFile(at, f"{need} with {offer} is given twice")
        scores[pair] = max(1, round(number(score, at, 0, 1) * SCORE_MAX))
    locked = _read_pairs(fields, "locked", need_index, offer_index)
    refused = _read_pairs(fields, "refused", need_index, offer_index)
    for pair, at in locked.items():
        if pair not in scores:
            raise BadFile(at, "a locked pair must be one of the pairs")
        if pair in refused:
            raise BadFile(at, "the pair is both locked and refused")

    pairs = [pair for pair in scores if pair not in refused]
    rows = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    had_refusal = np.zeros(len(needs), dtype=np.bool_)
    had_refusal[[need for need, _ in refused]] = True
    problem = Problem(
        need=rows[:, 0],
        offer=rows[:, 1],
        score=np.array([scores[pair] for pair in pairs], dtype=np.int64),
        need_capacity=np.array(need_capacity, dtype=np.int32),
        offer_capacity=np.array(offer_capacity, dtype=np.int32),
        locked=np.array([pair in locked for pair in pairs], dtype=np.bool_),
        need_id=_ranks(needs),
        offer_id=_ranks(offers),
    )
    for side, names, taken, capacity in (("needs", needs, problem.need, need_capacity), ("offers", offers, problem.offer, offer_capacity)):
        over = np.flatnonzero(np.bincount(taken[problem.locked], minlength=len(names)) > np.array(capacity, dtype=np.int64))
        if over.size:
            raise BadFile(fields.at("locked"), f"more locked pairs than the capacity of {side} " + ", ".join(names[k] for k in over[:5].tolist()))
    try:
        check_problem(problem)
    except BadProblem as error:
        raise BadFile(where or "instance", str(error)) from error
    return Instance(problem, Objective(named), needs, offers, {pair: e for e, pair in enumerate(pairs)}, had_refusal)


def _read_side(fields: Fields, key: str) -> tuple[list[str], list[int], dict[str, int]]:
    names, capacities = [], []
    for k, item in enumerate(fields.items(key)):
        one = Fields(item, f"{fields.at(key)}[{k}]", ("id", "capacity"))
        names.append(one.text("id"))
        capacities.append(one.whole("capacity", 0, _MOST_PLACES, default=1))
    return names, capacities, index_of(names, fields.at(key))


def _read_pairs(fields: Fields, key: str, need_index: dict[str, int], offer_index: dict[str, int]) -> dict[tuple[int, int], str]:
    pairs: dict[tuple[int, int], str] = {}
    for k, item in enumerate(fields.items(key, [])):
        at = f"{fields.at(key)}[{k}]"
        need, offer = listing(item, at, 2)
        pairs[row(need, at, need_index), row(offer, at, offer_index)] = at
    return pairs


def _ranks(names: list[str]) -> NDArray[np.int64]:
    rank = {name: k for k, name in enumerate(sorted(names))}
    return np.array([rank[name] for name in names], dtype=np.int64)


def _unserved(instance: Instance, assignment: Assignment) -> list[dict[str, object]]:
    """Needs that ask for a partner and have none, with the reason and the offers that forcing would cost least."""
    problem = instance.problem
    served = np.bincount(problem.need[assignment.chosen], minlength=len(instance.needs)) > 0
    regret = regrets(problem, assignment)
    pairs_of: dict[int, list[tuple[int, str]]] = {}
    for e, need in enumerate(problem.need.tolist()):
        if not served[need]:
            pairs_of.setdefault(need, []).append((int(regret[e]), instance.offers[problem.offer[e]]))
    unserved: list[dict[str, object]] = []
    for need in np.flatnonzero(~served & (problem.need_capacity > 0)).tolist():
        nearest = [[offer, cost] for cost, offer in sorted(pairs_of.get(need, []))[:_ALTERNATIVES]]
        reason = "outbid" if nearest else "all_refused" if instance.had_refusal[need] else "no_candidate"
        unserved.append({"need": instance.needs[need], "reason": reason, "best_alternatives": nearest})
    return sorted(unserved, key=lambda one: str(one["need"]))


def _read_answer(instance: Instance, document: object) -> tuple[Assignment, dict[str, object]]:
    """Read the pairs, prices and value of an answer, and what else it claims."""
    claimed = ("bound", "gap", "blocking_pairs", "served", "objective")
    fields = Fields(document, "answer", ("pairs", "value", "prices", "unserved", *claimed))
    need_index = {name: k for k, name in enumerate(instance.needs)}
    offer_index = {name: k for k, name in enumerate(instance.offers)}
    chosen = np.zeros(len(instance.problem.need), dtype=np.bool_)
    for k, item in enumerate(fields.items("pairs")):
        at = f"answer.pairs[{k}]"
        need, offer = listing(item, at, 2)
        e = instance.row_of_pair.get((row(need, at, need_index), row(offer, at, offer_index)))
        if e is None:
            raise BadFile(at, f"{need} with {offer} is not a candidate pair")
        if chosen[e]:
            raise BadFile(at, f"{need} with {offer} is given twice")
        chosen[e] = True
    prices = Fields(fields.get("prices"), "answer.prices", ("needs", "offers"))
    answer = Assignment(
        chosen=chosen,
        need_price=_read_prices(prices, "needs", instance.needs, len(chosen)),
        offer_price=_read_prices(prices, "offers", instance.offers, len(chosen)),
        value=fields.whole("value", 0, _VALUE_LIMIT),
    )
    return answer, {key: fields.values[key] for key in claimed if key in fields.values}


def _read_prices(prices: Fields, side: str, names: list[str], pairs: int) -> NDArray[np.int64]:
    given = Fields(prices.get(side), prices.at(side), frozenset(names))
    # A price beyond any total proves nothing and would overflow the sums.
    limit = SCORE_MAX * (2 + pairs)
    return np.array([whole(given.get(name), given.at(name), -limit, limit) for name in names], dtype=np.int64)


def _proven(objective: Objective, proof: Certificate) -> bool:
    if objective is Objective.STABLE:
        return proof.blocking_pairs == 0
    return objective is not Objective.GENEROUS and proof.gap == 0
