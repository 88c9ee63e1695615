"""Draining the outbox into a real SMTP server."""

import socket
import threading
import time
from datetime import timedelta

import pytest
from celery import signals
from sqlalchemy import select, text, update

from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail, RelayState
from matchmaker.models.base import now
from matchmaker.services import outbox
from tasks import outbox as task
from tests.conftest import committing
from tests.services.test_outbox import put, row
from tests.smtp_server import CUT, SmtpServer


@pytest.fixture
def server():
    with SmtpServer() as running:
        yield running


@pytest.fixture
def drained(whole_app, server, monkeypatch):
    """The application with real commits and that server as its relay."""
    for name, value in {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_TIMEOUT": 5.0}.items():
        monkeypatch.setitem(whole_app.config, name, value)
    with committing(whole_app):
        yield whole_app


@pytest.fixture
def nudged_really(drained):
    """Names of tasks that were asked for."""
    asked: list[str] = []

    def record(sender, **_details):
        asked.append(sender)

    signals.before_task_publish.connect(record)
    yield asked
    signals.before_task_publish.disconnect(record)


def relay_state() -> tuple[int, int | None]:
    return tuple(db.session.execute(select(RelayState.failures, RelayState.last_code)).one())


def statuses() -> list[MailStatus]:
    return list(db.session.scalars(select(OutboxMail.status).order_by(OutboxMail.id)))


def fill(count: int) -> None:
    for number in range(count):
        put(f"mail-{number}")
    db.session.commit()


def all_due_now() -> None:
    for queued in db.session.scalars(select(OutboxMail).where(OutboxMail.status == MailStatus.QUEUED)):
        queued.not_before = now()
    db.session.commit()


def test_everything_that_is_due_leaves_once_over_one_connection(drained, server):
    fill(5)
    put("later", not_before=now() + timedelta(hours=1))
    db.session.commit()

    task.drain()
    task.drain()

    assert statuses() == [MailStatus.SENT] * 5 + [MailStatus.QUEUED]
    assert len(server.received) == 5
    assert {received.sender for received in server.received} == {"bonjour@croisee.test"}
    assert server.received[0].content == row("mail-0").message
    assert server.connections == 1


def test_one_refused_mail_does_not_stop_the_others(drained, server):
    fill(3)
    server.fail("rcpt", "550 no such user")

    task.drain()

    assert statuses() == [MailStatus.FAILED, MailStatus.SENT, MailStatus.SENT]
    assert row("mail-0").last_error == "no such user"


def test_a_temporary_refusal_is_delivered_later(drained, server):
    fill(2)
    server.fail("end", "451 busy")

    task.drain()
    assert statuses() == [MailStatus.QUEUED, MailStatus.SENT]
    all_due_now()
    task.drain()

    assert statuses() == [MailStatus.SENT, MailStatus.SENT]
    assert not row("mail-0").is_maybe_twice


def test_a_line_cut_after_the_final_dot_brings_the_same_bytes_again_and_says_so(drained, server):
    fill(1)
    server.fail("end", CUT)

    task.drain()
    all_due_now()
    task.drain()

    first, second = server.received
    assert first.content == second.content
    assert (row("mail-0").status, row("mail-0").is_maybe_twice) == (MailStatus.SENT, True)


def test_without_a_relay_the_task_ends_quietly_and_the_mails_wait(drained, monkeypatch):
    fill(3)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setitem(drained.config, "SMTP_PORT", taken.getsockname()[1])
        task.drain()

    assert statuses() == [MailStatus.QUEUED] * 3
    assert [queued.attempts for queued in db.session.scalars(select(OutboxMail))] == [0, 0, 0]


def test_on_hold_nothing_leaves(drained, server, monkeypatch):
    fill(2)
    monkeypatch.setitem(drained.config, "OUTBOX_HOLD", True)

    task.drain()

    assert statuses() == [MailStatus.QUEUED] * 2
    assert server.received == []


def test_a_turn_ends_in_time(drained, server, monkeypatch):
    fill(2)
    monkeypatch.setattr(task, "TURN_SECONDS", 0.0)

    task.drain()

    assert server.received == []


def test_what_a_dead_worker_held_is_sent_by_the_next_one_and_flagged(drained, server):
    fill(1)
    with outbox.worker() as key:
        outbox.claim_one(worker=key, now=now())
        db.session.commit()
        task.drain()
        assert server.received == []

    task.drain()

    assert (row("mail-0").status, row("mail-0").is_maybe_twice) == (MailStatus.SENT, True)
    assert len(server.received) == 1


def test_a_report_that_was_read_while_its_mail_left_is_applied_by_the_next_turn(drained, server):
    fill(1)
    row("mail-0").returned_code, row("mail-0").returned_words = 550, "5.1.1 User unknown"
    db.session.commit()

    for _turn in range(2):
        task.drain()

    assert (row("mail-0").status, row("mail-0").last_error, len(server.received)) == (MailStatus.BOUNCED, "5.1.1 User unknown", 1)


def test_a_mail_in_the_past_is_not_sent(drained, server):
    put("late", useless_after=now() - timedelta(seconds=1))
    db.session.commit()

    task.drain()

    assert statuses() == [MailStatus.FAILED]
    assert server.received == []


def test_two_workers_together_send_each_mail_once(drained, server):
    fill(40)
    together = threading.Barrier(2)

    def work() -> None:
        with drained.app_context():
            together.wait()
            task.drain()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses() == [MailStatus.SENT] * 40
    assert len(server.received) == 40
    assert db.session.scalars(select(OutboxMail.is_maybe_twice).distinct()).all() == [False]


def test_an_outage_uses_up_no_try_and_one_mail_opens_the_relay_for_all(drained, server, monkeypatch):
    fill(3)
    server.fail("connect", "421 too busy", times=1)

    task.drain()
    all_due_now()
    task.drain()
    assert server.received == []
    assert relay_state() == (1, 421)

    db.session.execute(update(RelayState).values(closed_until=now()))
    all_due_now()
    task.drain()

    assert statuses() == [MailStatus.SENT] * 3
    assert relay_state()[0] == 0
    assert set(db.session.scalars(select(OutboxMail.attempts))) == {1}


def test_a_relay_that_refuses_one_mail_after_the_other_gets_a_rest(drained, server):
    fill(10)
    server.fail("mail", "451 slow down", times=10)

    task.drain()

    assert relay_state() == (1, 451)
    assert sorted(db.session.scalars(select(OutboxMail.attempts))) == [0] * 5 + [1] * 5


def test_no_more_workers_than_lines_talk_to_the_relay(drained, server, monkeypatch):
    fill(1)
    monkeypatch.setitem(drained.config, "OUTBOX_CONNECTIONS", 2)

    with outbox.worker(lines=2), outbox.worker(lines=2):
        task.drain()
        assert server.connections == 0
    task.drain()

    assert statuses() == [MailStatus.SENT]


def test_one_domain_gets_its_mails_in_peace_over_one_connection(drained, server, monkeypatch):
    fill(5)
    monkeypatch.setitem(drained.config, "OUTBOX_DOMAIN_RATE", 20.0)
    began = time.monotonic()

    task.drain()

    assert statuses() == [MailStatus.SENT] * 5
    assert time.monotonic() - began >= 4 / 20
    assert server.connections == 1


def test_a_turn_that_ends_before_the_work_does_asks_for_the_next_one(drained, server, monkeypatch, nudged_really):
    fill(2)
    monkeypatch.setattr(task, "TURN_SECONDS", 0.0)

    task.drain()

    assert nudged_really == ["tasks.outbox.drain"]


@pytest.fixture
def commit_that_dies(drained):
    """Of this mail's claim: the database cuts the worker's session in the middle of the commit."""

    def plan(key: str) -> None:
        db.session.execute(
            text("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'")
        )
        trigger = "CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON outbox_mail DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        db.session.execute(text(f"{trigger} WHEN (NEW.status = 'sending' AND NEW.idempotency_key = '{key}') EXECUTE FUNCTION cut()"))
        db.session.commit()

    def undo() -> None:
        db.session.rollback()
        db.session.execute(text("DROP FUNCTION IF EXISTS cut CASCADE"))
        db.session.commit()

    plan.undo = undo
    yield plan
    undo()


@pytest.mark.parametrize("key", ["mail-0", "mail-1"])
def test_a_claim_that_was_not_kept_sends_nothing_and_what_left_before_is_written_down(drained, server, commit_that_dies, key):
    fill(2)
    commit_that_dies(key)

    task.drain()

    assert statuses() == [MailStatus.SENT if key == "mail-1" else MailStatus.QUEUED, MailStatus.QUEUED]
    assert len(server.received) == (1 if key == "mail-1" else 0)
    commit_that_dies.undo()
    task.drain()

    assert statuses() == [MailStatus.SENT] * 2
    assert len(server.received) == 2
    assert db.session.scalars(select(OutboxMail.is_maybe_twice).distinct()).all() == [False]


def test_much_work_asks_another_worker_to_help(drained, server, monkeypatch, nudged_really):
    monkeypatch.setattr(task, "MANY", 3)
    fill(2)
    task.drain()
    assert nudged_really == []

    fill(5)
    task.drain()

    assert nudged_really == ["tasks.outbox.drain"]
