"""The strict reader finds what is wrong: a checker that never says no would prove nothing."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matchmaker import ics, mail, mail_bytes
from matchmaker.extensions import db
from tests.factories import MatchFactory, OrganisationFactory, proposals_of
from tests.itip import History
from tests.test_ics import EVENT, NASTY

NAMES = [
    *NASTY,
    "a\r\nBcc: eve@evil.test",
    "x" * 5000,
    "\u202eà l’envers\u202c",
    "🎉🥖",
    "Dupont; Durand, Cie",
    '"guillemets"',
    "\\n\\,\\;",
    "%s {{ 7*7 }}",
    " ",
]


def mailed(event: ics.Event = EVENT, *, method: str = "REQUEST", message_id: str = "<a.0@croisee.test>") -> bytes:
    """A mail around this event, as the outbox composes it."""
    proposal = proposals_of(MatchFactory(mutual=True, offer__organisation=OrganisationFactory()))[0]
    db.session.flush()
    written = ics.request(event) if method == "REQUEST" else ics.cancel(event)
    return mail.compose(
        "mutual_yes",
        recipient=event.attendee,
        sender=event.organizer,
        reply_to="animation@flers.test",
        message_id=message_id,
        date=datetime(2027, 1, 2, 9, 0, tzinfo=UTC),
        calendar=(method, written),
        public_url="https://croisee.test",
        proposal=proposal,
        link="https://croisee.test/rencontres/1",
    ).message


def spoilt(old: bytes, new: bytes) -> bytes:
    """A mail whose calendar object has ``new`` where it had ``old``."""
    message = email.message_from_bytes(mailed(), policy=mail_bytes.POLICY)
    *_, part = message.iter_parts()
    written = part.get_payload(decode=True)
    assert old in written
    part.set_payload(written.replace(old, new).decode("utf-8", "surrogateescape"), "utf-8")
    return message.as_bytes(policy=mail_bytes.POLICY)


def test_what_we_write_is_flawless(app):
    assert History().take(mailed()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_no_name_makes_it_less_so(app, name, method):
    event = replace(EVENT, attendee_name=name, summary=name, location=name, description=name)
    history = History()

    assert history.take(mailed(event)) == []
    if method == "CANCEL":
        assert history.take(mailed(replace(event, sequence=4), method="CANCEL", message_id="<a.1@croisee.test>")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"METHOD:REQUEST", b"METHOD:PUBLISH"),
        (b"STATUS:CONFIRMED", b"STATUS:CANCELLED"),
        (b"\r\nSEQUENCE:3", b"\r\nSEQUENCE:trois"),
        (b"\r\nSEQUENCE:3", b""),
        (b"DTSTART:20270121T080000Z", b"DTSTART:20270121T090000"),
        (b"DTSTART:20270121T080000Z", b"DTSTART:20270121T230000Z"),
        (b"ORGANIZER:mailto:bonjour@croisee.test", b'ORGANIZER;CN="La Croisee":mailto:bonjour@croisee.test'),
        (b"ORGANIZER:mailto:bonjour@croisee.test", b"ORGANIZER:mailto:autre@croisee.test"),
        (b"mailto:contact@picoree.test", b"mailto:eve@evil.test"),
        (b"RSVP=TRUE", b"RSVP=FALSE"),
        (b"BEGIN:VEVENT\r\n", b"BEGIN:VEVENT\r\nATTACH:http://evil.test\r\n"),
        (b"END:VEVENT\r\n", b"END:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\n"),
        (b"END:VEVENT\r\n", b"BEGIN:VALARM\r\nACTION:EMAIL\r\nEND:VALARM\r\nEND:VEVENT\r\n"),
        (b"Flers\r\n", b"Flers; la ville, ici\r\n"),
        (b"LOCATION:", b"LOCATION:" + b"x" * 70),
        (b"UID:2f1c@croisee.test", b"UID:2f1c"),
        (b"\r\nVERSION:2.0", b""),
    ],
)
def test_each_fault_is_found(app, old, new):
    assert History().take(spoilt(old, new)) != []


def test_the_same_mail_may_come_twice_but_only_to_the_byte(app):
    history = History()

    assert history.take(mailed()) == []
    assert history.take(mailed()) == ["a second copy is not the same to the byte"] or mailed() == mailed()
    assert history.take(mailed(replace(EVENT, sequence=4))) == ["a second copy is not the same to the byte"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sequence": 3}, "SEQUENCE did not rise"),
        ({"sequence": 2}, "SEQUENCE did not rise"),
        ({"sequence": 4, "stamp": EVENT.stamp - timedelta(seconds=2)}, "DTSTAMP went back"),
        ({"sequence": 4, "organizer": "autre@croisee.test"}, "organizer changed"),
        ({"sequence": 4, "attendee": "autre@picoree.test"}, "attendee changed"),
    ],
)
def test_what_follows_must_follow(app, changed, problem):
    history = History()
    history.take(mailed())

    assert history.take(mailed(replace(EVENT, **changed), message_id="<a.1@croisee.test>")) == [problem]


def test_a_cancellation_needs_something_to_cancel_and_its_hours(app):
    moved = replace(EVENT, sequence=4, starts_at=EVENT.starts_at + timedelta(minutes=15))

    assert History().take(mailed(method="CANCEL")) == ["a cancellation of what was never asked"]
    history = History()
    history.take(mailed())
    assert history.take(mailed(moved, method="CANCEL", message_id="<a.1@croisee.test>")) == ["a cancellation of other hours"]
