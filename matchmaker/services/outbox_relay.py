"""The circuit breaker: when the relay takes nothing, all workers wait, longer and longer; then one mail of one worker tries.

An outage costs no mail a try: what a closed relay did not take is queued as before.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import RelayState
from matchmaker.services.outbox_locks import is_dead

# 5 s, 10 s, 20 s, 40 s, then a minute each time.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=60)
STEPS = 4


def is_closed(*, now: datetime) -> bool:
    """True when nobody may try yet."""
    return db.session.scalar(select(RelayState.id).where(_is_paused(now))) is not None


def may_send(worker: int, *, now: datetime) -> bool:
    """True when the relay is open, or when this worker is the one that tries. The caller commits."""
    if db.session.scalar(select(RelayState.id).where(RelayState.failures > 0)) is None:
        return True
    nobody_tries = or_(RelayState.probed_by.is_(None), RelayState.probed_by == worker, is_dead(RelayState.probed_by))
    where = (RelayState.failures > 0, ~_is_paused(now), nobody_tries)
    return db.session.scalar(update(RelayState).where(*where).values(probed_by=worker).returning(RelayState.id)) is not None


def is_tried_by(worker: int) -> bool:
    """True when this worker is the one that tries the closed relay."""
    return db.session.scalar(select(RelayState.id).where(RelayState.probed_by == worker)) is not None


def close(worker: int, *, code: int | None, error: str, now: datetime) -> None:
    """The relay took nothing. Workers that notice together lengthen the pause once."""
    pause = func.least(LONGEST_PAUSE, FIRST_PAUSE * func.power(2, func.least(RelayState.failures, STEPS)))
    where = or_(RelayState.failures == 0, RelayState.probed_by == worker)
    values = {"failures": RelayState.failures + 1, "closed_until": now + pause, "probed_by": None, "last_code": code, "last_error": error}
    db.session.execute(update(RelayState).where(where).values(values))


def reopen(worker: int) -> None:
    """The relay answered the worker that tried: everybody goes on. Nothing happens when another one tries, or when it is open."""
    where = (RelayState.probed_by == worker,)
    db.session.execute(update(RelayState).where(*where).values(failures=0, closed_until=None, probed_by=None))


def _is_paused(now: datetime) -> ColumnElement[bool]:
    """A pause that would last longer than any was written before the clock was moved back: it is over."""
    return (RelayState.closed_until > now) & (RelayState.closed_until <= now + LONGEST_PAUSE)
