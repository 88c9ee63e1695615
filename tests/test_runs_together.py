"""Runs that are asked for, computed and killed by several processes at once, on a database that really commits."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from config import ROOT
from matchmaker.extensions import db
from matchmaker.models import MatchingRun, RunStatus, Territory, Verdict
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_decisions
from matchmaker.services.errors import ChangedMeanwhile, RunUnderWay
from tasks.matching import run_due
from tests.conftest import new_database, redis_url
from tests.factories import NeedFactory, OfferFactory, UserFactory, departement
from tests.test_faults import running

LAUNCHES = 10


@pytest.fixture
def own_database(worker_id: str) -> str:
    return new_database(f"croisee_together_{worker_id}")


@pytest.fixture
def site(own_database: str) -> Iterator[Flask]:
    with running(own_database, redis_url()) as app:
        yield app


def at_once(app: Flask, act: Callable[[], str], times: int = LAUNCHES) -> Counter[str]:
    """What as many threads answer that all begin in the same moment."""
    barrier = Barrier(times)

    def one() -> str:
        with app.app_context():
            db.session.execute(select(1))
            barrier.wait()
            try:
                return act()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(times) as pool:
        return Counter(future.result() for future in [pool.submit(one) for _time in range(times)])


def launch() -> str:
    territory = db.session.scalars(select(Territory).where(Territory.code == "61", Territory.level == "departement")).one()
    try:
        matching.request_run(territory)
    except RunUnderWay:
        return "refused"
    db.session.commit()
    return "accepted"


def test_of_ten_launches_at_once_one_is_accepted(site: Flask) -> None:
    assert at_once(site, launch) == {"accepted": 1, "refused": 9}
    assert len(db.session.scalars(select(MatchingRun)).all()) == 1


def test_without_the_index_of_the_database_several_would_be(site: Flask) -> None:
    db.session.execute(text("DROP INDEX uq_matching_run_under_way"))
    db.session.commit()

    assert at_once(site, launch)["accepted"] > 1


def test_of_two_animators_who_decide_at_once_one_is_told_to_look_again(site: Flask) -> None:
    for title in ("Buffet", "Goûter"):
        NeedFactory(title=title)
        OfferFactory()
    run = matching.rematch(departement("61"), today=today())
    animator = UserFactory(animator=True)
    db.session.commit()
    run_id, by, matches = run.id, animator.id, [(match.need_id, match.offer_id) for match in matching.matches_of(run)]
    db.session.commit()
    left = iter(matches)

    def decide() -> str:
        need_id, offer_id = next(left)
        mine = db.session.get_one(MatchingRun, run_id)
        try:
            matching_decisions.decide(mine, need_id, offer_id, Verdict.LOCKED, by=db.session.get_one(type(animator), by), revision=0)
        except ChangedMeanwhile:
            return "look again"
        db.session.commit()
        return "done"

    assert at_once(site, decide, 2) == {"done": 1, "look again": 1}


COMPUTE = """
from wsgi import app
from tasks.matching import run_due
with app.app_context():
    run_due()
"""


def test_a_run_whose_process_is_killed_is_not_running_for_a_minute(site: Flask, own_database: str) -> None:
    NeedFactory()
    OfferFactory()
    run = matching.request_run(departement("61"))
    db.session.commit()
    run_id = run.id
    env = os.environ | {"DATABASE_URL": own_database, "REDIS_URL": redis_url(), "SECRET_KEY": site.config["SECRET_KEY"]}

    # Nobody can read this table while it is held: the process stands still in the middle of the run, its row locked.
    with psycopg.connect(own_database.replace("+psycopg", "")) as holder:
        holder.execute("LOCK TABLE match IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen([sys.executable, "-c", COMPUTE], cwd=ROOT, env=env)
        until = time.monotonic() + 40
        while not stands_still() and time.monotonic() < until:
            time.sleep(0.1)
        assert matching.start_due() is None
        db.session.rollback()
        process.kill()
        process.wait()
        killed = time.monotonic()
    # The server waited for the table on behalf of a client that is gone: it sees that a moment after it has the table.
    while status_of(run_id) is RunStatus.RUNNING and time.monotonic() < killed + 60:
        run_due()

    run = db.session.get_one(MatchingRun, run_id)
    assert (run.status, run.served_count, run.attempts) == (RunStatus.READY, 1, 2)


def status_of(run_id: object) -> RunStatus | None:
    db.session.rollback()
    return db.session.scalar(select(MatchingRun.status).where(MatchingRun.id == run_id))


def stands_still() -> bool:
    """Somebody waits for a lock in this database. Looking takes none: a worker that found the run's row taken would leave it alone."""
    db.session.rollback()
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    return bool(db.session.scalar(waiting))


def test_a_worker_that_dies_each_time_is_not_tried_for_ever(site: Flask) -> None:
    run = matching.request_run(departement("61"))
    run.status, run.attempts, run.started_at = RunStatus.RUNNING, matching.MAX_ATTEMPTS, now()
    db.session.commit()

    run_due()

    db.session.rollback()
    assert run.status is RunStatus.FAILED


def test_connections_are_watched_by_both_ends(site: Flask) -> None:
    with db.engine.connect() as connection:
        parameters = connection.connection.driver_connection.info.get_parameters()

    assert (parameters["keepalives_idle"], parameters["keepalives_interval"], parameters["keepalives_count"]) == ("10", "5", "3")
    assert "tcp_keepalives_idle=10" in parameters["options"]
