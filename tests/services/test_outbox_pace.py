"""How often a domain, and a person, are written to."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import DomainPace, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import outbox, outbox_sending
from tests.services.test_outbox import WORKER, row

PACE = timedelta(seconds=0.1)


def put(key, recipient="contact@picoree.test", **fields):
    composed = mail.Composed("sujet", b"Subject: sujet\r\n\r\nbonjour\r\n")
    outbox.queue_mail(idempotency_key=key, composed=composed, recipient=recipient, message_id=f"<{key}@x>", **fields)


def claimed_key(at):
    claimed = outbox.claim_one(worker=WORKER, now=at, pace=PACE)
    return claimed and claimed.idempotency_key


def test_mails_to_one_domain_leave_one_by_one_and_hold_up_nobody_else(session):
    put("one", "a@Mairie.test")
    put("two", "b@mairie.test")
    put("elsewhere", "a@autre.test")
    at = now()

    assert [claimed_key(at), claimed_key(at), claimed_key(at)] == ["one", "elsewhere", None]
    assert claimed_key(at + PACE / 2) is None
    assert claimed_key(at + PACE) == "two"


def test_a_domain_that_was_left_in_peace_saves_up_nothing(session):
    for number in range(3):
        put(f"mail-{number}")
    at = now()
    claimed_key(at)

    assert claimed_key(at + timedelta(minutes=5)) == "mail-1"
    assert claimed_key(at + timedelta(minutes=5)) is None


def test_a_clock_that_is_moved_back_does_not_stop_a_domain(session):
    for number in range(3):
        put(f"mail-{number}", not_before=now() - timedelta(hours=2))
    at = now()
    claimed_key(at)

    before = at - timedelta(hours=1)
    assert claimed_key(before) == "mail-1"
    assert claimed_key(before + PACE / 2) is None
    assert claimed_key(before + timedelta(seconds=1)) == "mail-2"


def test_domains_are_forgotten_after_a_while(session):
    put("one")
    at = now()
    claimed_key(at)

    outbox_sending.forget_paces(now=at + timedelta(minutes=30))
    assert len(db.session.scalars(select(DomainPace)).all()) == 1
    outbox_sending.forget_paces(now=at + timedelta(hours=2))
    assert db.session.scalars(select(DomainPace)).all() == []


def waits(kind, count, **fields):
    """Minutes that each of so many mails of a kind waits, queued together."""
    at = now()
    for number in range(count):
        put(f"{kind}-{number}", kind=kind, not_before=at, **fields)
    return [round((row(f"{kind}-{number}").not_before - at) / timedelta(minutes=1)) for number in range(count)]


def test_what_can_wait_comes_once_in_ten_minutes_and_five_times_a_day(session):
    assert waits("proposals", 7) == [0, 10, 20, 30, 40, 24 * 60, 24 * 60 + 10]


@pytest.mark.parametrize("kind", ["invitation", "invitation_cancelled", "mutual_yes", ""])
def test_what_somebody_waits_for_leaves_at_once(session, kind):
    assert waits(kind, 3) == [0, 0, 0]


def test_another_person_and_mails_that_never_left_do_not_count(session):
    put("theirs", "other@picoree.test", kind="digest")
    put("gone", kind="digest")
    db.session.execute(OutboxMail.__table__.update().where(OutboxMail.idempotency_key == "gone").values(status="cancelled"))

    assert waits("digest", 1) == [0]


def test_what_would_come_too_late_does_not_wait(session):
    assert waits("reminder", 2, useless_after=now() + timedelta(minutes=5)) == [0, 0]
