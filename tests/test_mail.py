"""Mails to the byte, and what a relay that misbehaves is understood to say."""

import email
import email.policy
import hashlib
import socket
import time
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker import ics, mail, mail_bytes
from tests.factories import MatchFactory, OrganisationFactory, proposals_of
from tests.smtp_server import CUT, SmtpServer
from tests.test_ics import EVENT, NASTY, check_lines

HEADERS = {
    "recipient": "contact@picoree.test",
    "sender": "bonjour@croisee.test",
    "reply_to": "animation@flers.test",
    "message_id": "<mutual-0b6f1a4e-8c2d-4a7e-9f3b-5d6c7e8f9a0b-1c2d3e4f-5a6b-7c8d-9e0f-1a2b3c4d5e6f@croisee.test>",
    "date": datetime(2027, 1, 2, 9, 0, tzinfo=UTC),
    "public_url": "https://croisee.test",
    "link": "https://croisee.test/conversations/abc",
}


def composed(*, calendar=None, name="Picorée", **changed):
    proposal = proposals_of(MatchFactory(mutual=True, offer__organisation=OrganisationFactory(name=name)))[0]
    return mail.compose("mutual_yes", proposal=proposal, calendar=calendar, **{**HEADERS, **changed})


def parsed(message: bytes):
    return email.message_from_bytes(message, policy=email.policy.default)


def test_a_mail_to_many_says_where_one_click_ends_it_in_a_line_that_programs_read(app):
    link = "https://croisee.test/courriels/refuser/" + "a" * 200

    done = composed(list_unsubscribe=link)

    check_bytes(done.message)
    assert f"List-Unsubscribe: <{link}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode() in done.message
    assert parsed(done.message)["Message-ID"] == HEADERS["message_id"]
    assert parsed(composed().message)["List-Unsubscribe"] is None


def check_bytes(message: bytes) -> None:
    assert message.count(b"\r") == message.count(b"\n") == message.count(b"\r\n")
    assert max(len(line) for line in message.split(b"\r\n")) <= 998
    assert all(byte < 128 for byte in message)


def test_a_mail_has_each_header_once_and_its_parts_from_plain_to_rich(app):
    done = composed(calendar=("REQUEST", ics.request(EVENT)))

    check_bytes(done.message)
    message = parsed(done.message)
    assert len(message.keys()) == len({name.lower() for name in message.keys()})  # noqa: SIM118
    assert message["Message-ID"] == HEADERS["message_id"]
    assert HEADERS["message_id"].encode() in done.message
    assert message["From"].addresses[0].display_name == "La Croisée"
    assert message["From"].addresses[0].addr_spec == "bonjour@croisee.test"
    assert message["To"] == "contact@picoree.test"
    assert message["Reply-To"] == "animation@flers.test"
    assert message["Date"].datetime == HEADERS["date"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message["Subject"] == done.subject
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    assert list(message.iter_attachments()) == []


def test_the_calendar_part_names_its_method_and_arrives_to_the_letter(app):
    written = ics.request(EVENT)

    *_, part = parsed(composed(calendar=("REQUEST", written)).message).iter_parts()

    assert part["Content-Type"].params == {"charset": "utf-8", "method": "REQUEST"}
    assert part.get_payload(decode=True).decode() == written
    assert check_lines(written)["METHOD"] == ["REQUEST"]


def as_the_library_writes(subject: str, text: str, html: str, calendar: tuple[str, str] | None) -> bytes:
    message = EmailMessage(policy=mail_bytes.POLICY)
    message["Message-ID"] = HEADERS["message_id"]
    message["Date"] = format_datetime(HEADERS["date"])
    message["To"] = Address(addr_spec=HEADERS["recipient"])
    message["Subject"] = "of the test"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if calendar is not None:
        message.add_alternative(calendar[1], subtype="calendar", params={"method": calendar[0]}, cte="base64")
    message["Content-Language"] = "fr"
    message.set_boundary("=_" + hashlib.sha256(HEADERS["message_id"].encode()).hexdigest()[:32])
    return message.as_bytes().replace(b"Subject: of the test\r\n", mail_bytes.folded("Subject", subject).encode("ascii"))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=120)
BODIES = st.lists(st.one_of(WORDS, st.sampled_from(["", ".", "..", "From moi", "=3D", "fin ", "\t", "é" * 90])), max_size=12).map("\n".join)


@given(subject=WORDS.filter(str.strip), text=BODIES, html=BODIES, calendar=st.none() | BODIES.map(lambda body: ("REQUEST", body)))
def test_the_bytes_are_those_of_the_email_library(subject, text, html, calendar):
    headers = [mail_bytes.folded_address("To", HEADERS["recipient"]), mail_bytes.folded("Subject", subject)]

    done = mail_bytes.written(headers, message_id=HEADERS["message_id"], date=HEADERS["date"], text=text, html=html, calendar=calendar)

    assert done == as_the_library_writes(subject, text, html, calendar)


@pytest.mark.parametrize("number", range(60))
def test_a_subject_keeps_its_spaces_wherever_its_lines_end(number):
    subject = f"{'x' * number} pas de suite cette fois pour «\u00a0Traiteur zéro déchet à l’étage, côté cour\u00a0»".strip()

    header = mail_bytes.folded("Subject", subject)

    assert max(map(len, header.splitlines())) <= mail_bytes.LINE_LENGTH
    assert email.message_from_bytes(header.encode("ascii") + b"\r\n", policy=email.policy.default)["Subject"] == subject


def test_html_is_french_and_calls_nobody(app):
    text, html = (part.get_content() for part in parsed(composed().message).iter_parts())

    assert '<html lang="fr">' in html
    assert "<img" not in html
    assert "<script" not in html
    assert "Picorée" in text
    assert "Picorée" in html


@pytest.mark.parametrize("name", [*NASTY, "a\r\nBcc: eve@evil.test", "a\nBcc: eve@evil.test\n\ncorps", "<script>alert(1)</script>", "{{ 7 * 7 }}"])
def test_no_name_adds_a_header_a_line_or_a_tag(app, name):
    # PostgreSQL stores no NUL.
    done = composed(name=name.replace("\x00", ""))

    check_bytes(done.message)
    message = parsed(done.message)
    assert message["Bcc"] is None
    assert message["To"] == "contact@picoree.test"
    assert message["Subject"] == done.subject
    assert len(done.subject) <= mail.SUBJECT_LENGTH
    text, html = (part.get_content() for part in message.iter_parts())
    assert not any(line.startswith(("Bcc:", "ATTACH:", "ATTENDEE:")) for line in text.splitlines())
    assert "<script>" not in html
    assert not set("\u202e\u200f\u2028\x85\x00") & set(done.subject + text + html)


def test_the_same_mail_is_the_same_to_the_byte(app):
    proposal = proposals_of(MatchFactory(mutual=True))[0]

    first, second = (mail.compose("mutual_yes", proposal=proposal, **HEADERS) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    "text", ["", "nobody", "a@b@c.test", "a@b.test\r\nBcc: eve@evil.test", "a b@c.test", "a@b.test,c@d.test", "x@" + "a" * 300 + ".test", "é@croisee.test"]
)
def test_what_smtp_cannot_carry_is_no_address(text):
    assert mail.address(text) is None


def test_an_accented_domain_is_written_as_smtp_wants_it():
    assert mail.address("contact@picorée.test") == "contact@xn--picore-fva.test"


@pytest.fixture
def server():
    with SmtpServer() as running:
        yield running


@pytest.fixture
def smtp(server):
    with mail.Smtp(mail.Relay("127.0.0.1", server.port, timeout=5)) as connection:
        yield connection


MESSAGE = b"Subject: x\r\n\r\nbonjour\r\n.un point en t\xc3\xaate\r\n"


def send(smtp, recipient="contact@picoree.test"):
    return smtp.send(recipient=recipient, sender="bonjour@croisee.test", message=MESSAGE)


def test_mails_arrive_to_the_letter_over_one_connection(server, smtp):
    outcomes = [send(smtp) for _ in range(3)]

    assert all(isinstance(outcome, mail.Sent) for outcome in outcomes)
    assert [received.content for received in server.received] == [MESSAGE] * 3
    assert server.received[0].recipients == ("contact@picoree.test",)
    assert server.connections == 1


def test_a_connection_does_not_grow_old(server, smtp, monkeypatch):
    monkeypatch.setattr(mail, "MAILS_PER_CONNECTION", 2)

    for _ in range(5):
        send(smtp)

    assert len(server.received) == 5
    assert server.connections == 3


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "end"])
@pytest.mark.parametrize(
    ("reply", "kind"), [("451 later", mail.Temporary), ("550 never", mail.Permanent), ("432 too many", mail.Unreachable), ("421 closing", mail.Unreachable)]
)
def test_a_refusal_is_told_apart_by_its_code_and_the_next_mail_goes_on(server, smtp, phase, reply, kind):
    server.fail(phase, reply)

    outcome = send(smtp)

    assert isinstance(outcome, kind)
    assert outcome.code == int(reply[:3])
    assert outcome.text == reply[4:]
    assert not getattr(outcome, "is_ambiguous", False)
    if isinstance(outcome, mail.Permanent):
        assert outcome.phase == {"end": "data"}.get(phase, phase)
    assert server.received == []
    assert isinstance(send(smtp), mail.Sent)
    assert len(server.received) == 1


@pytest.mark.parametrize(("phase", "is_ambiguous", "arrived"), [("mail", False, 0), ("rcpt", False, 0), ("content", True, 0), ("end", True, 1)])
def test_a_cut_line_is_a_later_try_and_doubtful_once_the_content_was_on_its_way(server, smtp, phase, is_ambiguous, arrived):
    server.fail(phase, CUT)

    outcome = send(smtp)

    assert isinstance(outcome, mail.Temporary)
    assert outcome.is_ambiguous is is_ambiguous
    assert len(server.received) == arrived
    assert isinstance(send(smtp), mail.Sent)


def test_a_reply_that_is_none_is_not_believed(server, smtp):
    server.fail("end", "garbage")

    outcome = send(smtp)

    assert outcome == mail.Temporary(None, outcome.text, is_ambiguous=True)


def test_a_line_that_was_cut_between_two_mails_costs_nothing(server, smtp):
    send(smtp)
    server.fail("mail", CUT)

    assert isinstance(send(smtp), mail.Sent)
    assert server.connections == 2


@pytest.mark.parametrize("answer", ["421 full", "554 no", CUT])
def test_a_relay_that_greets_with_a_refusal_is_unreachable(server, smtp, answer):
    server.fail("connect", answer)

    assert isinstance(send(smtp), mail.Unreachable)
    assert isinstance(send(smtp), mail.Sent)


def test_a_relay_that_is_not_there_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with mail.Smtp(mail.Relay("127.0.0.1", port, timeout=2)) as connection:
            assert isinstance(send(connection), mail.Unreachable)


def test_a_relay_that_stalls_is_left_after_the_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        with mail.Smtp(mail.Relay("127.0.0.1", silent.getsockname()[1], timeout=0.3)) as connection:
            assert isinstance(send(connection), mail.Unreachable)
        assert time.monotonic() - started < 3


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_relay_that_wants_a_password_gets_it():
    with SmtpServer(password="secret") as guarded:
        with mail.Smtp(mail.Relay("127.0.0.1", guarded.port, "croisee", "secret", timeout=5)) as connection:
            assert isinstance(send(connection), mail.Sent)
        with mail.Smtp(mail.Relay("127.0.0.1", guarded.port, "croisee", "wrong", timeout=5)) as connection:
            outcome = send(connection)

    assert isinstance(outcome, mail.Unreachable)
    assert outcome.code == 535
