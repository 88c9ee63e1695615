"""Rows of the outbox: queued once, in one worker's hands at a time, never lost, and doubtful when they are."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.models.base import now
from matchmaker.models.outbox import ARROWS
from matchmaker.services import outbox, outbox_sending
from tests.conftest import committing
from tests.factories import MatchFactory, proposals_of

SETTINGS = outbox.MailSettings(sender="bonjour@croisee.test", public_url="https://croisee.test:8443", secret="secret")
LINK = "https://croisee.test:8443/conversations/abc"
WORKER = 7
SENT = (MailStatus.SENT, MailStatus.BOUNCED)


def put(key="thread:org:request:0", **fields):
    """Queue a mail without rendering one."""
    composed = mail.Composed("sujet", b"Subject: sujet\r\n\r\nbonjour\r\n")
    return outbox.queue_mail(idempotency_key=key, composed=composed, recipient="contact@picoree.test", message_id=f"<{key}@x>", **fields)


def row(key="thread:org:request:0") -> OutboxMail:
    return db.session.scalars(select(OutboxMail).where(OutboxMail.idempotency_key == key).execution_options(populate_existing=True)).one()


def claim(worker=WORKER, at=None):
    return outbox.claim_one(worker=worker, now=at or now())


def test_a_mail_is_queued_in_its_final_bytes_with_links_of_our_own_address(session):
    proposal = proposals_of(MatchFactory(mutual=True))[0]

    assert outbox.queue("mutual_yes", uid="mutual-1", recipient="Contact@Picoree.TEST", settings=SETTINGS, proposal=proposal, link=LINK)

    queued = row("mutual-1")
    assert (queued.status, queued.attempts, queued.recipient) == (MailStatus.QUEUED, 0, "Contact@picoree.test")
    assert queued.message_id == "<mutual-1@croisee.test>"
    assert LINK.encode() in queued.message.replace(b"=\r\n", b"")
    assert queued.subject.endswith("voici comment vous joindre")


def test_the_same_fact_queued_twice_is_one_mail_with_the_first_bytes(session):
    proposal = proposals_of(MatchFactory(mutual=True))[0]
    queue = {"uid": "mutual-1", "recipient": "contact@picoree.test", "settings": SETTINGS, "proposal": proposal, "link": LINK}
    outbox.queue("mutual_yes", **queue)
    before = row("mutual-1").message

    assert not outbox.queue("mutual_yes", **{**queue, "recipient": "other@picoree.test"})

    assert row("mutual-1").message == before


@pytest.mark.parametrize("recipient", ["", "nobody", "a@b.test\r\nBcc: eve@evil.test"])
def test_what_is_no_address_gets_no_mail_and_stops_nobody(session, recipient):
    proposal = proposals_of(MatchFactory(mutual=True))[0]

    assert not outbox.queue("mutual_yes", uid="mutual-1", recipient=recipient, settings=SETTINGS, proposal=proposal, link=LINK)

    assert session.scalars(select(OutboxMail)).all() == []


def test_the_mail_that_is_due_first_is_claimed_first_and_only_once(session):
    put("b", not_before=now() - timedelta(minutes=1))
    put("a", not_before=now() - timedelta(minutes=2))
    put("later", not_before=now() + timedelta(minutes=1))

    assert [claim().idempotency_key, claim().idempotency_key, claim()] == ["a", "b", None]


def test_a_claimed_mail_is_marked_by_its_own_worker_only(session):
    put()
    claimed = claim()

    assert not outbox.record(claimed, mail.Sent(250, "ok"), worker=WORKER + 1, now=now())
    assert row().status is MailStatus.SENDING
    assert outbox.record(claimed, mail.Sent(250, "ok"), worker=WORKER, now=now())
    assert (row().status, row().attempts, row().last_code, row().claimed_by) == (MailStatus.SENT, 1, 250, None)
    assert not outbox.record(claimed, mail.Temporary(451, "later"), worker=WORKER, now=now())
    assert row().status is MailStatus.SENT


def test_a_permanent_refusal_is_the_end(session):
    put()

    outbox.record(claim(), mail.Permanent(550, "no such user"), worker=WORKER, now=now())

    assert (row().status, row().attempts, row().last_code, row().last_error) == (MailStatus.FAILED, 1, 550, "no such user")


def test_temporary_refusals_wait_longer_and_longer_then_give_up(session):
    put()
    at, delays = now(), []
    for _ in outbox.RETRIES:
        assert outbox.record(claim(at=at), mail.Temporary(451, "later"), worker=WORKER, now=at)
        delays.append(row().not_before - at)
        assert claim(at=at) is None
        at = row().not_before

    outbox.record(claim(at=at), mail.Temporary(451, "later"), worker=WORKER, now=at)

    assert all(0.8 <= delay / planned <= 1.2 for delay, planned in zip(delays, outbox.RETRIES, strict=True))
    assert timedelta(hours=42) < sum(outbox.RETRIES, timedelta()) < timedelta(hours=44)
    assert (row().status, row().attempts, row().is_maybe_twice) == (MailStatus.FAILED, len(outbox.RETRIES) + 1, False)


def test_a_relay_that_is_away_costs_no_try(session):
    put()
    at = now()

    outbox.record(claim(at=at), mail.Unreachable(421, "closing"), worker=WORKER, now=at)

    assert (row().status, row().attempts, row().last_code) == (MailStatus.QUEUED, 0, 421)
    assert claim(at=at) is None
    assert claim(at=at + outbox.PAUSE) is not None


def test_a_line_that_broke_in_the_middle_leaves_a_doubt(session):
    put()

    outbox.record(claim(), mail.Temporary(None, "cut", is_ambiguous=True), worker=WORKER, now=now())

    assert (row().status, row().is_maybe_twice) == (MailStatus.QUEUED, True)


def test_nothing_is_tried_again_after_it_would_be_useless(session):
    put(useless_after=now() + timedelta(seconds=10))

    outbox.record(claim(), mail.Temporary(451, "later"), worker=WORKER, now=now())

    assert row().status is MailStatus.FAILED


def test_what_waited_too_long_is_given_up(session):
    put("late", useless_after=now() - timedelta(seconds=1))
    put("in time", useless_after=now() + timedelta(hours=1))

    assert outbox.give_up_late(now=now()) == 1

    assert (row("late").status, row("late").last_error) == (MailStatus.FAILED, outbox.TOO_LATE)
    assert claim().idempotency_key == "in time"


def test_a_newer_mail_takes_the_place_of_those_of_its_thread_that_wait(session):
    put("one:org:request:0")
    put("other:org:request:0")

    outbox.supersede("one")
    put("one:org:cancel:1")

    assert row("one:org:request:0").status is MailStatus.SUPERSEDED
    assert {claim().idempotency_key, claim().idempotency_key} == {"other:org:request:0", "one:org:cancel:1"}


def test_a_newer_mail_waits_for_the_older_one_that_is_being_sent(session):
    put("one:org:request:0")
    older = claim()
    put("one:org:cancel:1")

    assert claim() is None
    outbox.record(older, mail.Sent(250, "ok"), worker=WORKER, now=now())
    assert claim().idempotency_key == "one:org:cancel:1"


@pytest.mark.parametrize("outcome", [mail.Temporary(451, "later"), mail.Unreachable(None, "away")])
def test_an_older_mail_that_comes_back_gives_way_to_the_newer_one(session, outcome):
    put("one:org:request:0")
    older = claim()
    put("one:org:cancel:1")

    outbox.record(older, outcome, worker=WORKER, now=now())

    assert row("one:org:request:0").status is MailStatus.SUPERSEDED
    assert claim().idempotency_key == "one:org:cancel:1"


def test_only_what_surely_stayed_here_is_withdrawn(session):
    put("one:org:request:0")
    put("two:org:request:0", not_before=now() - timedelta(minutes=1))
    outbox.record(claim(), mail.Temporary(None, "cut", is_ambiguous=True), worker=WORKER, now=now())

    outbox.withdraw("one")
    outbox.withdraw("two")

    assert (row("one:org:request:0").status, outbox.may_have_left("one")) == (MailStatus.CANCELLED, False)
    assert (row("two:org:request:0").status, outbox.may_have_left("two")) == (MailStatus.QUEUED, True)


def test_changes_within_ten_minutes_of_a_sent_mail_are_one_mail_that_says_the_last_state(session):
    put("one:org:request:0")
    sent_at = now()
    outbox.record(claim(), mail.Sent(250, "ok"), worker=WORKER, now=sent_at)

    assert put("one:org:request:1", coalesce=outbox.COALESCE)
    assert put("one:org:request:2", coalesce=outbox.COALESCE)
    assert not put("one:org:request:2", coalesce=outbox.COALESCE)

    assert row("one:org:request:1").status is MailStatus.SUPERSEDED
    assert row("one:org:request:2").not_before == sent_at + outbox.COALESCE
    assert claim(at=sent_at + outbox.COALESCE).idempotency_key == "one:org:request:2"


def test_a_change_before_the_first_mail_left_takes_its_place_at_once(session):
    put("one:org:request:0")

    put("one:org:request:1", coalesce=outbox.COALESCE)

    assert row("one:org:request:0").status is MailStatus.SUPERSEDED
    assert claim().idempotency_key == "one:org:request:1"


@pytest.mark.parametrize("outcome", [None, mail.Temporary(None, "cut", is_ambiguous=True)])
def test_a_mail_that_may_be_arriving_counts_as_sent_now(session, outcome):
    put("one:org:request:0")
    older = claim()
    if outcome:
        outbox.record(older, outcome, worker=WORKER, now=now())

    before = now()
    put("one:org:request:1", coalesce=outbox.COALESCE)

    assert row("one:org:request:1").not_before >= before + outbox.COALESCE


def test_a_change_that_would_wait_until_it_is_useless_leaves_at_once(session):
    put("one:org:request:0")
    outbox.record(claim(), mail.Sent(250, "ok"), worker=WORKER, now=now())

    put("one:org:cancel:1", coalesce=outbox.COALESCE, useless_after=now() + timedelta(minutes=5))

    assert claim().idempotency_key == "one:org:cancel:1"


@pytest.fixture
def committed(whole_app):
    """The application with real commits, for tests with several sessions."""
    with committing(whole_app):
        yield whole_app


def test_a_live_worker_keeps_its_mail_and_a_dead_one_loses_it(committed):
    put()
    with outbox.worker() as key:
        claimed = claim(worker=key)
        db.session.commit()
        assert outbox.reclaim_dead(now=now()) == 0
        db.session.commit()
    # Its session is gone, as after a `kill -9`.
    assert outbox.reclaim_dead(now=now()) == 1
    db.session.commit()

    assert (row().status, row().is_maybe_twice, row().attempts) == (MailStatus.QUEUED, True, 1)
    assert not outbox.record(claimed, mail.Sent(250, "ok"), worker=key, now=now())


def test_the_mail_of_a_dead_worker_gives_way_to_a_newer_one(committed):
    put("one:org:request:0")
    with outbox.worker() as key:
        claim(worker=key)
        db.session.commit()
    put("one:org:cancel:1")

    outbox.reclaim_dead(now=now())

    assert row("one:org:request:0").status is MailStatus.SUPERSEDED


def test_two_workers_never_hold_one_mail_together(committed):
    for number in range(60):
        put(f"mail-{number}")
    db.session.commit()
    claims: dict[int, list[str]] = {1: [], 2: []}
    together = threading.Barrier(2)

    def work(worker: int) -> None:
        with committed.app_context():
            together.wait()
            while (claimed := outbox.claim_one(worker=worker, now=now())) is not None:
                claims[worker].append(claimed.idempotency_key)
                db.session.commit()
            db.session.commit()

    threads = [threading.Thread(target=work, args=[worker]) for worker in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert claims[1]
    assert claims[2]
    assert sorted(claims[1] + claims[2]) == sorted(f"mail-{number}" for number in range(60))


def test_the_same_fact_queued_by_two_transactions_at_once_is_one_mail(committed):
    together, results = threading.Barrier(2), []

    def work() -> None:
        with committed.app_context():
            together.wait()
            results.append(put("same"))
            db.session.commit()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [False, True]


@pytest.mark.parametrize("old", MailStatus)
@pytest.mark.parametrize("new", MailStatus)
def test_the_database_lets_a_mail_go_its_arrows_only(session, old, new):
    def columns(status):
        return {"status": status, "claimed_by": 1 if status is MailStatus.SENDING else None, "sent_at": now() if status in SENT else None}

    fixed = {"idempotency_key": "one:1", "recipient": "contact@picoree.test", "subject": "", "message_id": "<1@x>", "message": b"x", "last_error": ""}
    db.session.add(OutboxMail(**fixed, **columns(old)))
    db.session.flush()
    change = update(OutboxMail).values(**columns(new))

    if old is new or (old, new) in ARROWS:
        db.session.execute(change)
    else:
        with pytest.raises(IntegrityError, match="cannot go from"):
            db.session.execute(change)


@pytest.mark.parametrize("change", [{"message": b"other"}, {"message_id": "<other@x>"}])
def test_the_bytes_of_a_mail_stay_what_they_were(session, change):
    put()

    with pytest.raises(IntegrityError, match="keeps its bytes"):
        db.session.execute(update(OutboxMail).values(**change))


def test_the_bytes_of_an_old_mail_can_be_thrown_away(session):
    put()

    db.session.execute(update(OutboxMail).values(message=b""))

    assert row().message == b""


def test_two_mails_of_one_thread_are_never_under_way_together(session):
    put("one:org:request:0")
    claim()
    put("one:org:request:1")

    with pytest.raises(IntegrityError, match="thread_under_way"):
        db.session.execute(update(OutboxMail).where(OutboxMail.status == MailStatus.QUEUED).values(status=MailStatus.SENDING, claimed_by=2))


def test_a_mail_that_a_newer_one_has_overtaken_never_leaves(session):
    put("one:org:request:0", not_before=now() + timedelta(minutes=1))
    put("one:org:request:1")

    assert claim().idempotency_key == "one:org:request:1"

    assert claim(worker=WORKER + 1, at=now() + timedelta(minutes=2)) is None
    assert outbox_sending.supersede_overtaken() == 1
    assert row("one:org:request:0").status is MailStatus.SUPERSEDED
