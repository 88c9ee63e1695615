"""Answers of calendars, as Outlook, Gmail and Apple's programs send them, and as nobody should."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker import calendar_replies

CALENDAR = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20270121T080000Z
DTEND:20270121T110000Z
DTSTAMP:20270103T101500Z
ORGANIZER:mailto:bonjour@croisee.test
UID:2f1c@croisee.test
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN="Picorée
 , la boutique: en ville";X-NUM-GUESTS=0:mailto:Contact@Picoree.test
SEQUENCE:3
STATUS:CONFIRMED
SUMMARY:Job dating de l’hiver
END:VEVENT
END:VCALENDAR
"""
RESULTS = "mx.croisee.test; spf=pass smtp.mailfrom=picoree.test; dmarc=pass (p=NONE; sp=NONE) header.from=picoree.test"


def mail(
    calendar: str = CALENDAR, *, sender: str = "Picorée <contact@picoree.test>", results: str | None = RESULTS, kind: str = "text/calendar", charset="utf-8"
):
    """A mail as a calendar program sends it."""
    head = [f"Authentication-Results: {results}"] if results else []
    head += [f"From: {sender}", "To: bonjour@croisee.test", "Subject: Accepted", "MIME-Version: 1.0", 'Content-Type: multipart/alternative; boundary="b"']
    parts = [
        "--b",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Oui",
        "--b",
        f'Content-Type: {kind}; charset="{charset}"; method=REPLY',
        "Content-Transfer-Encoding: 8bit",
        "",
    ]
    return "\r\n".join([*head, "", *parts, calendar.replace("\n", "\r\n"), "--b--", ""]).encode()


def read(raw: bytes, trusted: str = "mx.croisee.test"):
    return calendar_replies.read(email.message_from_bytes(raw, policy=email.policy.default), trusted=trusted)


def test_a_reply_says_who_answers_what_to_which_state():
    assert read(mail()) == calendar_replies.Reply(
        uid="2f1c@croisee.test",
        sequence=3,
        attendee="contact@picoree.test",
        partstat="ACCEPTED",
        stamp=datetime(2027, 1, 3, 10, 15, tzinfo=UTC),
        sender="contact@picoree.test",
        is_authentic=True,
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("METHOD:REPLY", "METHOD:REQUEST"),
        ("METHOD:REPLY\n", ""),
        ("PARTSTAT=ACCEPTED", "PARTSTAT=DELEGATED"),
        ("PARTSTAT=ACCEPTED", "PARTSTAT=NEEDS-ACTION"),
        ("UID:2f1c@croisee.test\n", ""),
        ("UID:2f1c@croisee.test", "UID:a@b\nUID:2f1c@croisee.test"),
        ("SEQUENCE:3", "SEQUENCE:trois"),
        ("SEQUENCE:3", "SEQUENCE:-1"),
        ("SEQUENCE:3", "SEQUENCE:3\nSEQUENCE:4"),
        ("SEQUENCE:3", "SEQUENCE:" + "9" * 30),
        ("DTSTAMP:20270103T101500Z", "DTSTAMP:hier"),
        ("DTSTAMP:20270103T101500Z", "DTSTAMP:20271303T101500Z"),
        (":mailto:Contact", ":tel:Contact"),
        ("SEQUENCE:3", "SEQUENCE:3\nATTENDEE;PARTSTAT=DECLINED:mailto:eve@evil.test"),
        ("END:VEVENT\n", "END:VEVENT\nBEGIN:VEVENT\nEND:VEVENT\n"),
        ("END:VEVENT\n", ""),
        ("END:VCALENDAR", "END:VTODO"),
        ("SEQUENCE:3", "X:y\n" * 3000 + "SEQUENCE:3"),
    ],
)
def test_what_is_not_exactly_one_answer_of_one_guest_is_none(old, new):
    assert old in CALENDAR
    assert read(mail(CALENDAR.replace(old, new))) is None


def test_no_sequence_is_the_first_one_and_time_zones_may_stand_beside():
    zone = "BEGIN:VTIMEZONE\nTZID:Romance Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T030000\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT"

    assert read(mail(CALENDAR.replace("SEQUENCE:3\n", ""))).sequence == 0
    assert read(mail(CALENDAR.replace("BEGIN:VEVENT", zone, 1))).sequence == 3


@pytest.mark.parametrize("kind", ["application/ics", "TEXT/Calendar"])
def test_it_is_found_in_parts_by_other_names(kind):
    assert read(mail(kind=kind)) is not None


@pytest.mark.parametrize("charset", ["x-unknown", "ascii", "utf-16", "latin-1", ""])
def test_a_false_charset_loses_nothing_that_counts(charset):
    reply = read(mail(charset=charset))

    assert reply is None or reply.partstat == "ACCEPTED"
    assert reply is not None or charset == "utf-16"


def test_too_large_is_not_read():
    assert read(mail(CALENDAR.replace("SUMMARY:", "SUMMARY:" + "x" * 300_000))) is None


@pytest.mark.parametrize(
    "results",
    [
        None,
        "",
        "mx.croisee.test",
        "mx.croisee.test; none",
        "mx.croisee.test; dmarc=fail header.from=picoree.test",
        "mx.croisee.test; dmarc=pass header.from=evil.test",
        "mx.croisee.test; dmarc=pass; dmarc=fail",
        "mx.croisee.test; spf=pass; dkim=pass",
        'mx.croisee.test; spf=fail reason="x; dmarc=pass"',
        "mx.croisee.test; spf=fail (; dmarc=pass)",
        "evil.test; dmarc=pass header.from=picoree.test",
        "evil.test (mx.croisee.test); dmarc=pass",
        "mx.croisee.test.evil.test; dmarc=pass",
        "mx.croisee.test; xdmarc=pass",
        "mx.croisee.test; dmarc=passed",
        "(" * 5000 + "; dmarc=pass",
    ],
)
def test_only_our_own_server_vouches_for_a_sender(results):
    assert not read(mail(results=results)).is_authentic


def test_without_a_trusted_name_nobody_is_authentic():
    assert not read(mail(), trusted="").is_authentic


def test_a_header_that_the_sender_wrote_below_ours_counts_for_nothing():
    forged = b"Authentication-Results: mx.croisee.test; dmarc=pass header.from=picoree.test\r\n"

    assert not read(b"Authentication-Results: mx.croisee.test; dmarc=fail\r\n" + forged + mail(results=None)).is_authentic
    assert read(b"Authentication-Results: other.test; dmarc=fail\r\n" + forged + mail(results=None)).is_authentic


@pytest.mark.parametrize(
    "spelling",
    ["MX.Croisee.TEST 1; DMARC=PASS header.from=PICOREE.test", "mx.croisee.test;dmarc = pass", "mx.croisee.test; dmarc/1=pass header.from=x@picoree.test"],
)
def test_spellings_of_the_same(spelling):
    assert read(mail(results=spelling)).is_authentic


@pytest.mark.parametrize(
    "sender",
    [
        "a@picoree.test, b@picoree.test",
        "contact@picoree.test\r\nFrom: eve@evil.test",
        "",
        "<>",
        "x" * 5000,
        '"contact@picoree.test" <eve@evil.test>',
        "a@b@c.test",
    ],
)
def test_several_senders_or_none_are_nobody(sender):
    reply = read(mail(sender=sender))

    assert reply.sender in {"", "eve@evil.test"}
    assert reply.sender == "" or not reply.is_authentic


def test_a_mail_without_a_calendar_is_none():
    assert read(b"From: a@b.test\r\nSubject: Bonjour\r\n\r\nBonjour") is None
    assert read(b"") is None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(mail())), st.binary(max_size=40), st.integers(0, 60))
def test_whatever_is_broken_in_it_nothing_fails(place, junk, removed):
    raw = mail()

    reply = read(raw[:place] + junk + raw[place + removed :])

    assert reply is None or reply.partstat in calendar_replies.PARTSTATS


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_no_reply(raw):
    assert read(raw) is None
