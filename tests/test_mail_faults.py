"""A relay that misbehaves in every phase, in every way: what is made of it, and that the next mail leaves."""

import ssl
from pathlib import Path

import pytest

from matchmaker import mail
from tests.smtp_server import CUT, STALL, SmtpServer

CERTIFICATES = Path(__file__).parent / "certificates"
MESSAGE = b"Message-ID: <1@croisee.test>\r\nSubject: bonjour\r\n\r\n..un point\r\n"
BEFORE = ("connect", "ehlo")
TALK = ("mail", "rcpt", "data")
AWAY, LATER, NEVER = mail.Unreachable, mail.Temporary, mail.Permanent
# What is said → what is made of it, before the mail, during the talk about it, after its content.
MEANING = {
    CUT: (AWAY, LATER, LATER),
    STALL: (AWAY, LATER, LATER),
    "451 4.3.0 later": (AWAY, LATER, LATER),
    "550 5.1.1 never": (AWAY, NEVER, NEVER),
    "421 4.3.2 closing": (AWAY, AWAY, AWAY),
    "432 4.7.12 not so many": (AWAY, AWAY, AWAY),
    "what is this": (AWAY, LATER, LATER),
}


def send(connection: mail.Smtp) -> mail.Outcome:
    return connection.send(recipient="contact@picoree.test", sender="bonjour@croisee.test", message=MESSAGE)


@pytest.mark.parametrize("said", MEANING)
@pytest.mark.parametrize("phase", [*BEFORE, *TALK, "content", "end"])
def test_every_fault_is_understood_and_the_next_mail_leaves(phase, said):
    before, talk, after = MEANING[said]
    with SmtpServer() as server, mail.Smtp(mail.Relay("127.0.0.1", server.port, timeout=0.5)) as connection:
        # A greeting that is refused is followed by the older one: both must fail.
        server.fail(phase, said, times=2 if phase == "ehlo" else 1)

        outcome = send(connection)

        assert type(outcome) is (before if phase in BEFORE else talk if phase in TALK else after)
        is_doubtful = phase in ("content", "end") and type(outcome) is LATER and not said.startswith("4")
        assert getattr(outcome, "is_ambiguous", False) is is_doubtful
        server.faults.clear()
        assert type(send(connection)) is mail.Sent
        assert server.received[-1].content == MESSAGE


@pytest.fixture
def encrypted():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "certificate.pem", CERTIFICATES / "key.pem")
    with SmtpServer(password="secret", tls=context) as server:
        yield server


def relay(server: SmtpServer, **changed) -> mail.Relay:
    settings = {"host": "localhost", "username": "croisee", "password": "secret", "starttls": True, "ca_file": str(CERTIFICATES / "certificate.pem")}
    return mail.Relay(port=server.port, timeout=5, **settings | changed)


def test_over_starttls_and_with_a_password_a_mail_leaves(encrypted):
    with mail.Smtp(relay(encrypted)) as connection:
        assert type(send(connection)) is mail.Sent
        assert next(iter(encrypted.conversations)).is_encrypted
        assert next(iter(encrypted.conversations)).is_known


@pytest.mark.parametrize("changed", [{"ca_file": ""}, {"host": "127.0.0.1"}, {"password": "wrong"}, {"username": ""}])
def test_without_the_right_certificate_name_or_password_nothing_leaves(encrypted, changed):
    with mail.Smtp(relay(encrypted, **changed)) as connection:
        assert type(send(connection)) is not mail.Sent
    assert encrypted.received == []


def test_a_relay_without_starttls_gets_no_mail_and_no_password():
    with SmtpServer(password="secret") as server, mail.Smtp(relay(server)) as connection:
        assert type(send(connection)) is mail.Unreachable


def test_more_connections_than_the_relay_wants_are_told_to_wait():
    with SmtpServer() as server:
        server.most_connections = 1
        place = mail.Relay("127.0.0.1", server.port, timeout=5)
        with mail.Smtp(place) as first, mail.Smtp(place) as second:
            assert type(send(first)) is mail.Sent
            assert send(second) == mail.Unreachable(421, "4.7.0 too many connections")


def test_a_relay_that_is_in_a_hurry_says_so():
    with SmtpServer() as server, mail.Smtp(mail.Relay("127.0.0.1", server.port, timeout=5)) as connection:
        server.most_per_second = 1.0
        assert [type(send(connection)) for _ in range(2)] == [mail.Sent, mail.Temporary]
