"""The circuit breaker: one outage, one growing pause for everybody, one worker that tries."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select, update

from matchmaker.extensions import db
from matchmaker.models import RelayState
from matchmaker.models.base import now
from matchmaker.services import outbox_locks, outbox_relay
from tests.services.test_outbox import claim, put

ONE, OTHER = 1, 2
SECOND = timedelta(seconds=1)


@pytest.fixture
def at(session):
    return now()


@pytest.fixture
def alive(database_url):
    """A worker of another process."""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [outbox_locks.LOCKS, ONE])
        yield ONE


def state() -> RelayState:
    return db.session.scalars(select(RelayState).execution_options(populate_existing=True)).one()


def close(worker, at):
    outbox_relay.close(worker, code=421, error="too busy", now=at)


def test_an_open_relay_is_everybodys(at):
    assert outbox_relay.may_send(ONE, now=at)
    assert outbox_relay.may_send(OTHER, now=at)
    assert not outbox_relay.is_closed(now=at)


def test_a_closed_relay_is_nobodys_until_the_pause_is_over(at):
    put()
    close(ONE, at)

    assert outbox_relay.is_closed(now=at)
    assert not outbox_relay.may_send(ONE, now=at + 4 * SECOND)
    assert claim(worker=OTHER) is None
    assert (state().last_code, state().last_error) == (421, "too busy")


def test_one_worker_tries_and_its_answer_opens_for_all(at, alive):
    close(ONE, at)

    assert outbox_relay.may_send(alive, now=at + 5 * SECOND)
    assert not outbox_relay.may_send(OTHER, now=at + 5 * SECOND)
    put()
    assert claim(worker=OTHER) is None
    assert claim(worker=alive) is not None
    outbox_relay.reopen(OTHER)
    assert state().failures == 1
    outbox_relay.reopen(alive)

    assert (state().failures, state().closed_until, state().probed_by) == (0, None, None)
    assert outbox_relay.may_send(OTHER, now=at)


def test_pauses_grow_to_a_minute(at):
    pauses = []
    for _ in range(7):
        close(ONE, at)
        pauses.append((state().closed_until - at) // SECOND)
        at = state().closed_until
        assert outbox_relay.may_send(ONE, now=at)

    assert pauses == [5, 10, 20, 40, 60, 60, 60]


def test_workers_that_notice_together_lengthen_the_pause_once(at):
    close(ONE, at)
    close(OTHER, at + SECOND)

    assert (state().failures, state().closed_until) == (1, at + 5 * SECOND)


def test_a_clock_that_is_moved_back_does_not_lengthen_a_pause(at):
    close(ONE, at)
    before = at - timedelta(hours=1)

    assert not outbox_relay.is_closed(now=before)
    assert outbox_relay.may_send(ONE, now=before)
    outbox_relay.reopen(ONE)
    assert state().failures == 0


def test_when_the_worker_that_tries_dies_the_next_one_tries(at):
    close(ONE, at)
    db.session.execute(update(RelayState).values(probed_by=12345))

    assert outbox_relay.may_send(OTHER, now=at + 5 * SECOND)
