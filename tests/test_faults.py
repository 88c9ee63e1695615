"""A server that is down: what people still can do meanwhile, and that nothing is lost."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from celery import current_app
from flask import Flask
from sqlalchemy import select, update

from config import ROOT, TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db, limiter
from matchmaker.models import MailStatus, MatchingRun, Need, OutboxMail, ProposalStatus, RelayState, RunStatus, Status
from matchmaker.models.base import now, today
from matchmaker.services import matching, territories
from matchmaker.web.settings import mail_settings
from tasks.outbox import drain
from tests.conftest import Client, new_database, redis_url
from tests.factories import PASSWORD, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement, proposals_of
from tests.smtp_server import SmtpServer

NO_BROKER = "redis+socket:///nonexistent/valkey.sock?virtual_host=0"
NO_LIMITS = "redis+unix:///nonexistent/valkey.sock?db=0"
# What a person calls « at once ».
AT_ONCE = 1.8


@contextmanager
def running(database: str, broker: str, **settings: object) -> Iterator[Flask]:
    """An application with these servers, in its context. What it changes in this process is given back to the other tests."""
    before, current = dict(vars(limiter)), current_app._get_current_object()
    celery = {**TestConfig.CELERY, "broker_url": broker}
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=database, REDIS_URL=broker, CELERY=celery, **settings)
    app.test_client_class = Client
    try:
        with app.app_context():
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()
    finally:
        vars(limiter).clear()
        vars(limiter).update(before)
        current.set_current()
        current.set_default()


@pytest.fixture
def own_database(worker_id: str) -> str:
    """A database of this test's own: what is written to it is really committed."""
    return new_database(f"croisee_faults_{worker_id}")


def timed(call: Callable[[], object]) -> float:
    before = time.monotonic()
    call()
    return time.monotonic() - before


# The broker is down


@pytest.fixture
def without_broker(own_database: str) -> Iterator[Flask]:
    settings = {"RATELIMIT_ENABLED": True, "RATELIMIT_STORAGE_URI": NO_LIMITS}
    with running(own_database, NO_BROKER, **settings) as app:
        yield app


def test_without_a_broker_pages_work_and_what_is_asked_is_written_at_once(without_broker: Flask, caplog: pytest.LogCaptureFixture) -> None:
    need, match = NeedFactory(draft=True), MatchFactory(offer=OfferFactory())
    # A result that waits to be read keeps the next one from being asked for.
    match.run.status = RunStatus.SUPERSEDED
    proposal, _other = proposals_of(match)
    member = UserFactory(organisation=need.organisation)
    asked = UserFactory(organisation=proposal.organisation)
    db.session.commit()
    client = without_broker.test_client()
    client.sign_in(member)

    for path in ("/", "/annuaire", "/observatoire", "/annonces", f"/besoins/{need.id}", "/readyz"):
        assert client.get(path).status_code == 200
    declared = client.post(
        "/besoins/nouveau/purchase", data={"title": "Buffet pour douze", "commune": "Flers (61)", "volume_unit": "people", "radius_km": "30"}
    )
    seconds = timed(lambda: client.post(f"/besoins/{need.id}/publier"))
    client.sign_in(asked)
    seconds_to_accept = timed(lambda: client.post(f"/propositions/{proposal.id}/oui"))

    assert declared.status_code == 302
    assert max(seconds, seconds_to_accept) < AT_ONCE
    db.session.expire_all()
    assert need.status is Status.PUBLISHED
    assert db.session.scalar(select(Need.status).where(Need.title == "Buffet pour douze")) is Status.DRAFT
    assert db.session.scalars(select(MatchingRun.status).where(MatchingRun.territory_id == need.territory_id)).all().count(RunStatus.QUEUED) == 1
    assert proposal.status is ProposalStatus.ACCEPTED
    assert "queue unreachable" in caplog.text


def test_what_waited_for_the_broker_is_found_by_the_next_beat(without_broker: Flask, own_database: str) -> None:
    need = NeedFactory(draft=True)
    OfferFactory()
    member = UserFactory(organisation=need.organisation)
    db.session.commit()
    client = without_broker.test_client()
    client.sign_in(member)
    client.post(f"/besoins/{need.id}/publier")

    due = without_broker.extensions["celery"].conf.beat_schedule["matching.run_due"]["task"]
    without_broker.extensions["celery"].tasks[due]()

    db.session.expire_all()
    run = db.session.scalars(select(MatchingRun).where(MatchingRun.territory_id == need.territory_id)).one()
    assert (run.status, run.served_count, run.gap) == (RunStatus.READY, 1, 0)


def test_the_limits_fall_back_to_memory_and_still_hold(without_broker: Flask) -> None:
    UserFactory(email="camille@structure.test")
    db.session.commit()
    client = without_broker.test_client()

    tries = [client.post("/connexion", data={"email": "camille@structure.test", "password": "une autre phrase"}) for _number in range(6)]

    assert [response.status_code for response in tries] == [422] * 5 + [429]
    refused = client.post("/connexion", data={"email": "camille@structure.test", "password": PASSWORD})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60 + 1
    assert "trop" in refused.text.lower()
    assert client.get("/connexion").status_code == 200


# The relay is down


@pytest.fixture
def without_relay(own_database: str) -> Iterator[Flask]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": taken.getsockname()[1], "SMTP_TIMEOUT": 2.0}
        with running(own_database, redis_url(), **settings) as app:
            yield app


def statuses() -> list[MailStatus]:
    db.session.expire_all()
    return list(db.session.scalars(select(OutboxMail.status).order_by(OutboxMail.id)))


def test_without_a_relay_mails_wait_and_are_delivered_when_it_comes(without_relay: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whose doors are always open: mails wait for no morning.
    NeedFactory(organisation__opens_at=0)
    OfferFactory(organisation__opens_at=0)
    run = matching.rematch(departement("61"), today=today())
    animator = UserFactory(animator=True)
    db.session.commit()
    client = without_relay.test_client()
    client.sign_in(animator)

    seconds = timed(lambda: client.post(f"/calculs/{run.id}/publier"))
    drain()

    assert seconds < AT_ONCE
    assert statuses() == [MailStatus.QUEUED] * 2
    assert set(db.session.scalars(select(OutboxMail.attempts))) == {0}
    assert client.get(f"/calculs/{run.id}").status_code == 200

    with SmtpServer() as server:
        monkeypatch.setitem(without_relay.config, "SMTP_PORT", server.port)
        for mail in db.session.scalars(select(OutboxMail)):
            mail.not_before = now()
        db.session.execute(update(RelayState).values(closed_until=now()))
        db.session.commit()
        drain()
        drain()

    assert statuses() == [MailStatus.SENT] * 2
    assert {received.content for received in server.received} == set(db.session.scalars(select(OutboxMail.message)))
    assert len(server.received) == 2


# The database is down


@pytest.fixture
def without_database() -> Iterator[Flask]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://nobody@127.0.0.1:{taken.getsockname()[1]}/nothing"
        with running(url, redis_url()) as app:
            yield app


@pytest.mark.parametrize("path", ["/", "/annuaire", "/observatoire", "/job-datings", "/communes?q=flers", "/aide"])
@pytest.mark.parametrize("is_signed_in", [False, True], ids=["anonymous", "signed in"])
def test_without_a_database_a_page_says_so_and_when_to_come_back(without_database: Flask, path: str, is_signed_in: bool) -> None:
    client = without_database.test_client()
    if is_signed_in:
        with client.session_transaction() as session:
            session["_user_id"] = "00000000-0000-7000-8000-000000000000"

    response = client.get(path)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "Le site se repose un instant" in response.text
    assert "psycopg" not in response.text
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_without_a_database_a_form_is_not_lost_in_a_trace(without_database: Flask) -> None:
    response = without_database.test_client().post("/connexion", data={"email": "camille@structure.test", "password": PASSWORD})

    assert response.status_code == 503
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["anonymous", "signed in"])
def test_without_a_database_the_process_is_healthy_and_not_ready(without_database: Flask, is_signed_in: bool) -> None:
    client = without_database.test_client()
    if is_signed_in:
        with client.session_transaction() as session:
            session["_user_id"] = "00000000-0000-7000-8000-000000000000"

    healthy, ready = client.get("/healthz"), client.get("/readyz")

    assert (healthy.status_code, healthy.json) == (200, {"status": "ok"})
    assert (ready.status_code, ready.headers["Retry-After"]) == (503, "5")


def test_a_page_that_needs_no_row_is_there_without_a_database(without_database: Flask) -> None:
    assert without_database.test_client().get("/comment-ca-marche").status_code == 200


def test_the_database_comes_back_without_a_restart(own_database: str) -> None:
    with running(own_database, redis_url()) as app:
        client = app.test_client()
        assert client.get("/annuaire").status_code == 200
        with psycopg.connect(own_database.replace("+psycopg", ""), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")

        assert client.get("/annuaire").status_code == 200
        assert client.get("/readyz").status_code == 200


# A worker is killed


@pytest.fixture
def worker(own_database: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts real workers on the test's own database and broker; those that still live at the end are killed."""
    env = os.environ | {
        "DATABASE_URL": own_database,
        "REDIS_URL": redis_url().replace("virtual_host=0", "virtual_host=2"),
        "SECRET_KEY": "of the workers of one test, thirty-two bytes at least",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "9",
        "DEMO": "1",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        number = len(started)
        beat = ["--beat", "--schedule", str(tmp_path / f"beat-{number}")]
        command = [sys.executable, "-m", "celery", "-A", "wsgi:celery_app", "worker", "--concurrency=2", "-n", f"faults-{number}@%h", *beat]
        with (tmp_path / f"worker-{number}.log").open("wb") as log:
            started.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 for the worker and its pool, which are a session of their own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(is_so: Callable[[], bool], seconds: float, log: Path) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            pytest.fail("\n\n".join(f"{file}\n{file.read_text()[-3000:]}" for file in sorted(log.glob("worker-*.log"))))
        db.session.rollback()
        time.sleep(0.2)


def run_statuses() -> list[RunStatus]:
    db.session.rollback()
    return list(db.session.scalars(select(MatchingRun.status).order_by(MatchingRun.created_at)))


def test_a_run_whose_worker_was_killed_is_computed_by_the_next_one(own_database: str, worker, tmp_path: Path) -> None:
    with running(own_database, redis_url()):
        for number in range(30):
            NeedFactory(title=f"Traiteur {number}", organisation=OrganisationFactory())
            OfferFactory(title=f"Traiteur aussi {number}", organisation__opens_at=0)
        for territory in territories.departements_of(departement("61").parent):
            matching.request_run(territory)
        db.session.commit()

        # Nobody can read this table while it is held: the worker stands still in the middle of its first run.
        with psycopg.connect(own_database.replace("+psycopg", "")) as holder:
            holder.execute("LOCK TABLE match IN ACCESS EXCLUSIVE MODE")
            first = worker()
            wait_until(lambda: RunStatus.RUNNING in run_statuses(), 40, tmp_path)
            kill(first)
        assert run_statuses().count(RunStatus.READY) == 0

        worker()
        wait_until(lambda: all(status is RunStatus.READY for status in run_statuses()), 60, tmp_path)

        runs = db.session.scalars(select(MatchingRun)).all()
        assert len(runs) == 5
        assert {(run.status, run.gap) for run in runs} == {(RunStatus.READY, 0)}
        orne = next(run for run in runs if run.territory.code == "61")
        assert (orne.served_count, len(orne.matches)) == (30, 30)


def test_a_worker_killed_while_it_sends_loses_no_mail_and_says_which_may_come_twice(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with SmtpServer() as server:
        settings = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_TIMEOUT": 5.0}
        with running(own_database, redis_url(), **settings) as app:
            for number in range(20):
                NeedFactory(title=f"Traiteur {number}", organisation__opens_at=0)
                OfferFactory(title=f"Traiteur aussi {number}", organisation__opens_at=0)
            run = matching.rematch(departement("61"), today=today())
            matching.publish(run, today=today(), settings=mail_settings())
            db.session.commit()
            script = "from wsgi import app\nfrom tasks.outbox import drain\nwith app.app_context():\n    drain()\n"
            env = os.environ | {"DATABASE_URL": own_database, "REDIS_URL": redis_url(), "SECRET_KEY": app.config["SECRET_KEY"], "DEMO": "1"}
            env |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port)}
            sender = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=env)
            until = time.monotonic() + 40
            while len(server.received) < 5 and time.monotonic() < until:
                time.sleep(0.002)
            sender.kill()
            sender.wait()
            assert MailStatus.QUEUED in statuses()

            deadline = time.monotonic() + 20
            while set(statuses()) != {MailStatus.SENT} and time.monotonic() < deadline:
                drain()
                time.sleep(0.1)
            got = [received.content for received in server.received]
            mails = {mail.message: mail.is_maybe_twice for mail in db.session.scalars(select(OutboxMail))}
    assert len(mails) == 40
    assert set(got) == set(mails)
    assert {message for message in got if got.count(message) > 1} <= {message for message, is_maybe_twice in mails.items() if is_maybe_twice}
    assert len(got) <= len(mails) + 1
