"""What other servers write back about our mails, and what becomes of the mail and of its address."""

import email
import email.policy
import random

import pytest
from sqlalchemy import func, select

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import AddressStatus, MailBounce, MailStatus, OutboxMail, Topic
from matchmaker.models.base import now
from matchmaker.services import addresses, bounces, outbox
from tests import reports
from tests.factories import MailFactory

ADDRESS = "contact@picoree.test"


@pytest.fixture
def sent(session) -> OutboxMail:
    return MailFactory(kind="invitation", recipient=ADDRESS, message_id=reports.OURS)


def status_of(row) -> MailStatus:
    db.session.refresh(row)
    return row.status


@pytest.mark.parametrize(
    ("report", "status", "code", "said"),
    [
        (reports.postfix(), "5.1.1", 550, "User unknown"),
        (reports.exchange(), "5.1.10", 550, "RecipientNotFound"),
        (reports.qmail(), "5.1.1", None, "no mailbox here by that name"),
        (reports.attached(), "554", 554, "doesn't have an account here"),
    ],
    ids=["postfix", "exchange", "qmail", "attached"],
)
def test_a_report_marks_the_mail_with_the_servers_words_and_blocks_the_address(sent, report, status, code, said):
    assert bounces.take(report)

    assert (status_of(sent), sent.last_code) == (MailStatus.BOUNCED, code)
    assert said in sent.last_error
    row = addresses.known(ADDRESS)
    assert row is not None
    assert (row.status, row.reason) == (AddressStatus.BLOCKED, status)


def test_a_full_box_is_a_soft_bounce_and_leaves_the_address_open(sent):
    assert bounces.take(reports.gmail_full())

    assert status_of(sent) is MailStatus.BOUNCED
    assert "over quota" in sent.last_error
    assert db.session.scalars(select(MailBounce.is_hard)).all() == [False]
    assert not addresses.is_blocked(ADDRESS, "invitation")


def test_a_relay_that_gave_up_after_days_is_a_soft_bounce(sent):
    assert bounces.take(reports.postfix("4.4.1", "X-Postfix; connect to mx.picoree.test[192.0.2.25]:25: Connection timed out"))

    assert (status_of(sent), sent.last_error) == (MailStatus.BOUNCED, "connect to mx.picoree.test[192.0.2.25]:25: Connection timed out")
    assert not addresses.is_blocked(ADDRESS, "invitation")


def test_a_status_that_says_nothing_gives_way_to_the_servers_words(sent):
    assert bounces.take(reports.postfix("5.0.0", "smtp; 550 5.7.1 Service refused, please try later"))

    assert db.session.scalars(select(MailBounce.code)).all() == ["5.7.1"]
    assert not addresses.is_blocked(ADDRESS, "invitation")


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered"])
def test_a_report_of_a_delay_or_a_delivery_changes_nothing(sent, action):
    assert bounces.take(reports.postfix("4.4.1", "smtp; 421 try later", action))

    assert status_of(sent) is MailStatus.SENT
    assert db.session.scalar(select(func.count()).select_from(MailBounce)) == 0


@pytest.mark.parametrize("report", [reports.absence(), reports.answer(), reports.read_receipt()], ids=["absence", "answer", "read receipt"])
def test_what_people_and_their_programs_answer_is_no_bounce(sent, report):
    assert not bounces.take(report)

    assert status_of(sent) is MailStatus.SENT


def test_a_report_on_somebody_elses_mail_is_not_ours_to_keep(sent):
    assert not bounces.take(reports.postfix(ours="<autre@ailleurs.test>"))

    assert db.session.scalar(select(func.count()).select_from(MailBounce)) == 0


def test_the_same_report_twice_changes_nothing_more(sent):
    for _time in range(5):
        assert bounces.take(reports.gmail_full())

    assert db.session.scalar(select(func.count()).select_from(MailBounce)) == 1
    assert not addresses.is_blocked(ADDRESS, "invitation")


@pytest.mark.parametrize("is_read_first", [True, False], ids=["read before it is recorded", "recorded before it is read"])
def test_a_report_is_not_lost_whichever_comes_first(session, is_read_first):
    under_way = MailFactory(waiting=True, recipient=ADDRESS, message_id=reports.OURS)
    claimed = outbox.claim_one(worker=1, now=now())
    assert claimed is not None
    acts = [lambda: bounces.take(reports.postfix()), lambda: outbox.record(claimed, mail.Sent(250, "ok"), worker=1, now=now())]

    for act in acts if is_read_first else reversed(acts):
        assert act()
    bounces.settle()

    assert (status_of(under_way), under_way.last_code, under_way.sent_at is None) == (MailStatus.BOUNCED, 550, False)
    assert "User unknown" in under_way.last_error
    assert (under_way.returned_code, under_way.returned_words) == (None, None)
    assert db.session.scalar(select(func.count()).select_from(MailBounce)) == 1
    assert addresses.is_blocked(ADDRESS, "invitation")


def test_a_mail_that_is_queued_again_because_nobody_knows_has_its_report_when_it_has_left(session):
    doubtful = MailFactory(waiting=True, is_maybe_twice=True, recipient=ADDRESS, message_id=reports.OURS)

    assert bounces.take(reports.postfix())
    assert status_of(doubtful) is MailStatus.QUEUED
    assert addresses.is_blocked(ADDRESS, "invitation")
    outbox.record(outbox.claim_one(worker=1, now=now()), mail.Sent(250, "ok"), worker=1, now=now())

    assert bounces.settle() == 1
    assert status_of(doubtful) is MailStatus.BOUNCED


def test_a_copy_that_surely_has_not_left_is_not_taken_for_the_one_that_came_back(session):
    copy = MailFactory(waiting=True, recipient=ADDRESS, message_id=reports.OURS)

    assert bounces.take(reports.postfix())

    assert (status_of(copy), copy.returned_words) == (MailStatus.QUEUED, None)


def test_a_complaint_is_an_objection_to_all_that_may_be_refused(sent):
    assert bounces.take(reports.complaint())
    assert bounces.take(reports.complaint())

    assert addresses.objections(addresses.digest(ADDRESS)) == set(Topic)
    assert (status_of(sent), addresses.is_blocked(ADDRESS, "mutual_yes")) == (MailStatus.SENT, False)


def test_who_takes_a_mail_out_of_the_spam_does_not_complain(sent):
    assert not bounces.take(reports.complaint("not-spam"))

    assert addresses.objections(addresses.digest(ADDRESS)) == set()


def test_a_report_whose_parts_came_encoded_is_read_all_the_same(sent):
    text = (
        reports.postfix().as_string().replace("Content-Type: message/delivery-status", "Content-Type: message/delivery-status\nContent-Transfer-Encoding: 7bit")
    )
    text = text.replace("Content-Type: text/rfc822-headers", 'Content-Type: text/rfc822-headers; charset="x-nowhere"')

    assert bounces.take(email.message_from_string(text, policy=email.policy.default))

    assert status_of(sent) is MailStatus.BOUNCED


def test_no_mail_is_so_broken_that_reading_it_fails(sent):
    """Reports cut, doubled and overwritten at random places: understood or not, never an error."""
    rng = random.Random(1)
    whole = [report.as_bytes() for report in (reports.postfix(), reports.exchange(), reports.gmail_full(), reports.qmail(), reports.complaint())]
    for _try in range(300):
        content = bytearray(rng.choice(whole))
        for _change in range(rng.randint(1, 6)):
            place = rng.randrange(len(content))
            content[place : place + rng.choice((0, 1, 40, 400))] = rng.choice((b"", b"\x00", b"\xff\xfe", b"=?utf-8?q?", b"\r\n\r\n", b"--", b"<" * 50))
        bounces.take(email.message_from_bytes(bytes(content), policy=email.policy.default))
        db.session.flush()
