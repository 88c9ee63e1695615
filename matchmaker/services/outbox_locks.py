"""Who sends, and who is alive: session advisory locks, which the server drops at the moment of a `kill -9`. No lease to tune."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import ColumnElement, Connection, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from matchmaker.extensions import db

# Spaces of advisory locks: "mail" and "line" in ASCII. The second half is the worker's key, or the number of a line to the relay.
LOCKS, LINES = 0x6D61696C, 0x6C696E65
# A machine that went away without a word is noticed after 25 seconds; over a unix socket this means nothing.
KEEPALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"


class AllLinesTaken(Exception):
    """As many workers as may talk to the relay do so already."""


@contextmanager
def worker(*, lines: int | None = None) -> Iterator[int]:
    """A key for claiming mails, alive exactly as long as this process and its database session are.

    With ``lines``, at most that many workers at once, over all machines. Raises AllLinesTaken.
    """
    with worker_and_connection(lines=lines) as (key, _):
        yield key


@contextmanager
def worker_and_connection(*, lines: int | None = None) -> Iterator[tuple[int, Connection]]:
    """A worker's key, and the connection that keeps it alive, which commits each statement by itself.

    Claims are made on this connection: who has lost it is dead to the others, and can claim nothing more.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.execute(text(KEEPALIVE))
            if lines is not None and not any(_takes(connection, LINES, line) for line in range(lines)):
                raise AllLinesTaken
            key = random.getrandbits(31)
            while not _takes(connection, LOCKS, key):
                key = random.getrandbits(31)
            yield key, connection
        finally:
            # Given back at once: after a close the server takes a moment to notice. And really closed: the pool would keep the session.
            with suppress(DBAPIError):
                connection.execute(select(func.pg_advisory_unlock_all()))
            connection.invalidate()


def is_dead(worker: int | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """True when nobody holds the worker's lock. Who asks holds it until the end of the transaction."""
    return func.pg_try_advisory_xact_lock(LOCKS, worker)


def _takes(connection: Connection, space: int, number: int) -> bool:
    return bool(connection.scalar(select(func.pg_try_advisory_lock(space, number))))
