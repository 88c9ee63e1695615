"""After a backup was restored: nothing leaves but what a person released."""

from datetime import timedelta

import pytest

from matchmaker.models import MailStatus
from matchmaker.models.base import now
from matchmaker.services import outbox, outbox_hold
from tests.services.test_outbox import WORKER, claim, put, row


@pytest.fixture
def restored(session):
    """Two mails that waited when the backup was made, and one that was being sent."""
    put("under way:1", not_before=now() - timedelta(minutes=1))
    claim()
    put("one:1")
    put("two:1")
    return [mail.id for mail in outbox_hold.waiting()]


def held(at=None):
    return outbox.claim_one(worker=WORKER + 1, now=at or now(), only_released=True)


def test_on_hold_only_what_was_released_is_claimed(restored):
    assert held() is None
    assert not outbox.is_any_due(now=now(), only_released=True)

    assert outbox_hold.release([row("two:1").id], now=now()) == 1

    assert outbox.is_any_due(now=now(), only_released=True)
    assert held().idempotency_key == "two:1"
    assert held() is None


def test_what_was_cancelled_never_leaves(restored):
    assert outbox_hold.cancel([row("one:1").id], now=now()) == 1

    assert row("one:1").status is MailStatus.CANCELLED
    assert outbox_hold.release(None, now=now()) == 2
    assert {held().idempotency_key, held().idempotency_key} == {"under way:1", "two:1"}


def test_a_mail_that_was_being_sent_is_listed_and_known_to_be_doubtful_when_it_leaves(restored):
    assert [mail.idempotency_key for mail in outbox_hold.waiting()] == ["under way:1", "one:1", "two:1"]

    outbox_hold.release([row("under way:1").id], now=now())

    assert (row("under way:1").status, row("under way:1").is_maybe_twice) == (MailStatus.QUEUED, True)


def test_what_is_queued_during_the_hold_waits_too(restored):
    outbox_hold.release(None, now=now())
    put("new:1")

    assert {held().idempotency_key for _ in range(3)} == {"under way:1", "one:1", "two:1"}
    assert held() is None


def test_the_commands_list_release_and_cancel(app, restored):
    def run(*words):
        return app.test_cli_runner().invoke(args=["outbox", *words])

    listed = run("list").output.splitlines()
    assert [line.split()[:2] for line in listed] == [[str(restored[0]), "sending"], [str(restored[1]), "queued"], [str(restored[2]), "queued"]]
    assert "maybe-sent" in listed[0]
    assert "<one:1@x>  contact@picoree.test" in listed[1]
    assert run("release", str(restored[1])).output == "1 released\n"
    assert run("cancel", "--all").output == "3 cancelled\n"
    assert run("list").output == ""
    assert run("release").exit_code == run("cancel", "--all", "1").exit_code == 1
