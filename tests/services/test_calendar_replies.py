"""What becomes of an answer that a calendar sends."""

import email
import email.policy
import hashlib
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from matchmaker import mail
from matchmaker.models import Answer, CalendarReply, Channel, InvitationAnswer, ReplyStatus
from matchmaker.models.base import now
from matchmaker.services import calendar_replies, incoming, invitations
from matchmaker.services.errors import NotAllowedNow
from tests.services.test_job_dating_moves import later, move, sent, three_pairs, to
from tests.test_calendar_replies import CALENDAR
from tests.test_calendar_replies import mail as mailed

TRUSTED = "mx.croisee.test"


def reply(invitation, *, partstat="ACCEPTED", sequence=None, at=None, attendee=None, sender=None, results=f"{TRUSTED}; dmarc=pass") -> bytes:
    """The mail that the guest's calendar sends."""
    text = CALENDAR.replace("2f1c@croisee.test", invitation.uid).replace("PARTSTAT=ACCEPTED", f"PARTSTAT={partstat}")
    text = text.replace("SEQUENCE:3", f"SEQUENCE:{invitation.sequence if sequence is None else sequence}")
    text = text.replace("20270103T101500Z", f"{at or now():%Y%m%dT%H%M%SZ}").replace("mailto:Contact@Picoree.test", f"mailto:{attendee or invitation.email}")
    return mailed(text, sender=sender or f"Quelqu’un <{invitation.email}>".encode("ascii", "ignore").decode(), results=results)


def take(raw: bytes, trusted: str = TRUSTED) -> bool:
    return incoming.take(raw, trusted=trusted)


def status(session) -> ReplyStatus:
    return session.scalars(select(CalendarReply.status).order_by(CalendarReply.received_at.desc())).first()


@pytest.fixture
def invitation(session):
    return sent()[1][0]


@pytest.mark.parametrize(("partstat", "meaning"), [("ACCEPTED", Answer.ACCEPTED), ("DECLINED", Answer.DECLINED), ("TENTATIVE", Answer.TENTATIVE)])
def test_an_answer_that_our_server_vouches_for_is_recorded(session, invitation, partstat, meaning):
    assert take(reply(invitation, partstat=partstat))

    session.expire(invitation)
    assert invitation.answer is meaning
    assert [(one.answer, one.channel) for one in invitation.history] == [(meaning, Channel.CALENDAR)]
    assert status(session) is ReplyStatus.APPLIED


def test_the_same_mail_twice_is_one_answer_even_after_another_one(session, invitation):
    raw = reply(invitation, partstat="ACCEPTED")
    take(raw)
    invitations.answer(invitation, Answer.DECLINED, channel=Channel.LINK)

    assert take(raw)

    assert invitation.answer is Answer.DECLINED
    assert len(session.scalars(select(InvitationAnswer)).all()) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"results": None},
        {"results": f"{TRUSTED}; dmarc=fail"},
        {"results": "evil.test; dmarc=pass"},
        {"sender": "eve@evil.test"},
        {"attendee": "collegue@structure.test"},
        {"attendee": "eve@evil.test", "sender": "eve@evil.test"},
    ],
)
def test_who_is_not_vouched_for_changes_nothing_and_is_put_before_who_is_in_charge(session, invitation, changed):
    assert take(reply(invitation, **changed))

    assert invitation.answer is None
    (waiting,) = calendar_replies.waiting(invitation.job_dating)
    assert (waiting.status, waiting.answer, waiting.invitation) == (ReplyStatus.UNVERIFIED, Answer.ACCEPTED, invitation)


def test_without_the_name_of_our_server_every_answer_waits(session, invitation):
    take(reply(invitation), trusted="")

    assert invitation.answer is None
    assert len(calendar_replies.waiting(invitation.job_dating)) == 1


def test_who_is_in_charge_settles_it_once(session, invitation):
    take(reply(invitation, results=None))
    take(reply(invitation, results=None, partstat="DECLINED"))
    first, second = calendar_replies.waiting(invitation.job_dating)

    calendar_replies.settle(first, is_taken=True)
    calendar_replies.settle(second, is_taken=False)

    assert invitation.answer is first.answer
    assert invitation.history[0].channel is Channel.ANIMATOR
    assert (first.status, second.status) == (ReplyStatus.APPLIED, ReplyStatus.DISMISSED)
    assert calendar_replies.waiting(invitation.job_dating) == []
    for one in (first, second):
        with pytest.raises(NotAllowedNow):
            calendar_replies.settle(one, is_taken=True)


def test_a_yes_to_the_old_day_is_no_yes_to_the_new_one(session):
    job_dating, (invitation, _other) = sent()
    move(job_dating, **to(job_dating))

    take(reply(invitation, sequence=0))
    assert (status(session), invitation.answer) == (ReplyStatus.OUTDATED, None)

    take(reply(invitation, sequence=1))
    assert (status(session), invitation.answer, invitation.asks_again) == (ReplyStatus.APPLIED, Answer.ACCEPTED, False)


def test_a_yes_from_before_other_words_still_counts(session):
    job_dating, (invitation, _other) = sent()
    move(job_dating, title="D’autres mots")

    take(reply(invitation, sequence=0))

    assert invitation.answer is Answer.ACCEPTED


def test_a_sequence_that_we_never_sent_counts_for_nothing(session, invitation):
    take(reply(invitation, sequence=7))

    assert (status(session), invitation.answer) == (ReplyStatus.OUTDATED, None)


def test_mails_that_overtake_each_other_leave_the_last_word(session, invitation):
    at = now()
    take(reply(invitation, partstat="DECLINED", at=at))
    take(reply(invitation, partstat="ACCEPTED", at=at - timedelta(seconds=30)))

    assert invitation.answer is Answer.DECLINED


def test_the_page_and_the_calendar_the_last_word_counts(session, invitation):
    invitations.answer(invitation, Answer.DECLINED, channel=Channel.LINK)

    take(reply(invitation, at=now() - timedelta(hours=2)))
    assert invitation.answer is Answer.DECLINED

    # A clock that is some minutes slow is no lie.
    take(reply(invitation, at=now() - timedelta(minutes=5)))
    assert invitation.answer is Answer.ACCEPTED


def test_after_the_deadline_it_is_kept_and_not_applied(session, invitation):
    with time_machine.travel(invitation.answer_by + timedelta(minutes=1), tick=False):
        assert take(reply(invitation))

    assert (status(session), invitation.answer) == (ReplyStatus.LATE, None)


def test_who_is_not_expected_any_more_changes_nothing(session):
    job_dating, matches = three_pairs()
    invitation = invitations.invitation_to(job_dating, matches[2].offer.organisation)
    move(job_dating, matches=matches[:2])
    later(lambda: None)

    assert take(reply(invitation, partstat="DECLINED"))

    assert invitation.answer is None
    assert calendar_replies.waiting(job_dating) == []


def test_what_is_about_nothing_of_ours_is_for_people(session, invitation):
    foreign = reply(invitation).replace(invitation.uid.encode(), b"x@ailleurs.test")

    assert not take(foreign)
    assert not take(b"From: a@b.test\r\nSubject: Bonjour\r\n\r\nUne question.")
    assert session.scalars(select(CalendarReply)).all() == []


def test_an_accented_domain_is_matched_as_it_was_written_to(session):
    job_dating, invited = sent()
    invited[0].email = "contact@picorée.test"
    written = mail.address(invited[0].email)

    take(reply(invited[0], attendee=written, sender=written))

    assert invited[0].answer is Answer.ACCEPTED
    assert job_dating.is_open


def test_a_mail_is_known_by_all_its_bytes(session, invitation):
    raw = reply(invitation)
    take(raw)

    row = session.scalars(select(CalendarReply)).one()
    assert row.digest == hashlib.sha256(raw).hexdigest()
    assert email.message_from_bytes(raw, policy=email.policy.default)["From"].addresses[0].addr_spec == row.sender
