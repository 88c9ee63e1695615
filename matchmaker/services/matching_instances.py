"""The engine's view of a run, kept beside it: the problem and its answer, to mend, explain and verify without reading all again."""

import io
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import numpy as np

from matchmaker.engine.problem import Assignment, Problem
from matchmaker.services.matching_inputs import Inputs


@dataclass(frozen=True)
class Instance:
    """A problem, its answer, and the ids of the declarations by row."""

    problem: Problem
    assignment: Assignment
    need_ids: list[UUID]
    offer_ids: list[UUID]


def pack(inputs: Inputs, problem: Problem, assignment: Assignment) -> bytes:
    return pack_instance(Instance(problem, assignment, [need.id for need in inputs.needs.rows], [offer.id for offer in inputs.offers.rows]))


def pack_instance(instance: Instance) -> bytes:
    """A compressed archive of plain arrays: nothing in it can run when it is read."""
    arrays: dict[str, Any] = {f"problem_{field.name}": getattr(instance.problem, field.name) for field in fields(Problem)}
    arrays |= {f"answer_{field.name}": np.asarray(getattr(instance.assignment, field.name)) for field in fields(Assignment)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, need_uuid=bytes_of(instance.need_ids), offer_uuid=bytes_of(instance.offer_ids), **arrays)
    return buffer.getvalue()


def unpack(packed: bytes) -> Instance:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        problem = Problem(**{field.name: arrays[f"problem_{field.name}"] for field in fields(Problem)})
        answer = {field.name: arrays[f"answer_{field.name}"] for field in fields(Assignment)}
        assignment = Assignment(**(answer | {"value": int(answer["value"])}))
        return Instance(problem, assignment, ids_of(arrays["need_uuid"]), ids_of(arrays["offer_uuid"]))


def bytes_of(ids: list[UUID]) -> np.ndarray:
    """(N, 16) bytes of the ids."""
    return np.frombuffer(b"".join(one.bytes for one in ids), dtype=np.uint8).reshape(-1, 16)


def ids_of(rows: np.ndarray) -> list[UUID]:
    return [UUID(bytes=row.tobytes()) for row in rows]
