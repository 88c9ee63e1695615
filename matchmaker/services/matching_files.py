"""A run as the files that the engine reads: for whoever wants to compute it again, or to check the proof, on a machine of their own."""

from collections.abc import Iterable, Iterator
from json import dumps
from typing import Any

import numpy as np
from sqlalchemy import select

from matchmaker.engine.problem import SCORE_MAX
from matchmaker.extensions import db
from matchmaker.models import MatchingInstance, MatchingRun
from matchmaker.services import matching_instances
from matchmaker.services.matching_instances import Instance

# Some 200 MB: a larger file is no use to a person with a browser.
MOST_PAIRS = 2_000_000
_CHUNK = 10_000


def can_be_written(run: MatchingRun) -> bool:
    return run.candidates_count <= MOST_PAIRS and has_instance(run)


def has_instance(run: MatchingRun) -> bool:
    """Without reading it: it may have many megabytes."""
    return db.session.scalar(select(MatchingInstance.run_id).where(MatchingInstance.run_id == run.id)) is not None


def instance_of(run: MatchingRun) -> Instance | None:
    """The stored instance, when there is one that is not too large."""
    return matching_instances.unpack(run.instance.arrays) if can_be_written(run) and run.instance else None


def instance_json(instance: Instance, objective: str) -> Iterator[str]:
    """The problem as a matching/1 document, in parts. Declarations are named by their ids: nothing of what they say is in it."""
    problem = instance.problem
    yield f'{{"schema": "matching/1", "objective": {dumps(objective)}'
    for key, ids, capacity in (("needs", instance.need_ids, problem.need_capacity), ("offers", instance.offer_ids, problem.offer_capacity)):
        yield from listed(key, ({"id": str(one), "capacity": places} for one, places in zip(ids, capacity.tolist(), strict=True)))
    needs, offers = [str(one) for one in instance.need_ids], [str(one) for one in instance.offer_ids]
    pairs = zip(problem.need.tolist(), problem.offer.tolist(), problem.score.tolist(), strict=True)
    yield from listed("pairs", ([needs[need], offers[offer], score / SCORE_MAX] for need, offer, score in pairs))
    yield from listed("locked", pairs_of(instance, problem.locked))
    yield "}\n"


def proof_json(instance: Instance, run: MatchingRun) -> Iterator[str]:
    """The problem with its answer and the prices that prove it, as `verify` reads them."""
    # Of the run now, while its session is open: the parts are made while they are sent.
    objective, claims = run.objective, {"value": instance.assignment.value, "bound": run.bound, "gap": run.gap, "served": run.served_count}
    return proof_parts(instance, objective, claims)


def proof_parts(instance: Instance, objective: str, claims: dict[str, Any]) -> Iterator[str]:
    answer = instance.assignment
    needs, offers = [str(one) for one in instance.need_ids], [str(one) for one in instance.offer_ids]
    prices = {
        "needs": dict(zip(needs, answer.need_price.tolist(), strict=True)),
        "offers": dict(zip(offers, answer.offer_price.tolist(), strict=True)),
    }
    yield '{"instance": '
    yield from instance_json(instance, objective)
    yield f', "answer": {dumps(claims)[:-1]}'
    yield from listed("pairs", pairs_of(instance, answer.chosen))
    yield f', "prices": {dumps(prices)}}}}}\n'


def pairs_of(instance: Instance, rows: np.ndarray) -> Iterator[list[str]]:
    problem = instance.problem
    for need, offer in zip(problem.need[rows].tolist(), problem.offer[rows].tolist(), strict=True):
        yield [str(instance.need_ids[need]), str(instance.offer_ids[offer])]


def listed(key: str, items: Iterable[object]) -> Iterator[str]:
    """One more key with its list, in parts of many items."""
    yield f", {dumps(key)}: ["
    part: list[str] = []
    first = True
    for item in items:
        part.append(dumps(item))
        if len(part) == _CHUNK:
            yield ("" if first else ",\n") + ",\n".join(part)
            part, first = [], False
    yield ("" if first or not part else ",\n") + ",\n".join(part) + "]"
