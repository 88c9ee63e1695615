"""A worker's turn at what is computed for a territory: one row at a time. Its lock says that somebody works on it."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import compute_at_length, db
from matchmaker.models import PoolingRun, PoolingStatus, PoolingTrial
from matchmaker.models.base import now

MAX_ATTEMPTS = 3
UNDER_WAY = (PoolingStatus.QUEUED, PoolingStatus.RUNNING)

Computed = TypeVar("Computed", bound=PoolingRun | PoolingTrial)


def start_due(kind: type[Computed]) -> UUID | None:
    """Mark the oldest waiting row as running, or one whose worker died: no lock stands on it. None when nothing waits."""
    waiting = select(kind).where(kind.status.in_(UNDER_WAY)).order_by(kind.created_at).limit(1)
    row = db.session.scalars(waiting.with_for_update(skip_locked=True, of=kind)).one_or_none()
    if row is None:
        return None
    if row.attempts >= MAX_ATTEMPTS:
        row.status, row.failure, row.finished_at = PoolingStatus.FAILED, "its worker died each time", now()
        return None
    take_up(row)
    return row.id


def take_up(row: PoolingRun | PoolingTrial) -> None:
    row.status, row.attempts, row.started_at = PoolingStatus.RUNNING, (row.attempts or 0) + 1, now()


def held(kind: type[Computed], row_id: UUID) -> Computed | None:
    """The running row, locked until the transaction ends: who finds it unlocked knows that its worker died. None when another has it."""
    compute_at_length()
    running = select(kind).where(kind.id == row_id, kind.status == PoolingStatus.RUNNING)
    return db.session.scalars(running.with_for_update(skip_locked=True, of=kind)).one_or_none()


def fail(kind: type[Computed], row_id: UUID, reason: str) -> None:
    row = db.session.get_one(kind, row_id)
    if not row.is_over:
        row.status, row.failure, row.finished_at = PoolingStatus.FAILED, reason, now()
