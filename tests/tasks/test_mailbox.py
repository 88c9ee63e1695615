"""Reading a real mailbox: each mail once, those for people left to them."""

import pytest
from sqlalchemy import select

from matchmaker import mailbox
from matchmaker.extensions import db
from matchmaker.models import Answer, CalendarReply, Invitation, InvitationAnswer
from matchmaker.services import incoming
from tasks import mailbox as task
from tests.conftest import committing
from tests.imap_server import ImapServer
from tests.services.test_calendar_replies import TRUSTED, reply
from tests.services.test_invitations import published

LETTER = b"From: a@b.test\r\nSubject: Une question\r\n\r\nBonjour.\r\n"


@pytest.fixture(params=[True, False], ids=["move", "copy"])
def server(request):
    with ImapServer(can_move=request.param) as running:
        yield running


@pytest.fixture
def connected(whole_app, server, monkeypatch):
    """The application with real commits and that server as its mailbox; what was written is removed afterwards."""
    told = {
        "HOST": "127.0.0.1",
        "PORT": server.port,
        "USERNAME": "croisee",
        "PASSWORD": "secret",
        "TLS": False,
        "DONE_FOLDER": "Réglé".encode().hex(),
        "AUTHSERV_ID": TRUSTED,
    }
    for name, value in told.items():
        monkeypatch.setitem(whole_app.config, f"IMAP_{name}", value)
    with committing(whole_app):
        yield whole_app


@pytest.fixture
def invitation(connected):
    found = published()[1][0]
    db.session.commit()
    return found


def answers() -> list[Answer]:
    return list(db.session.scalars(select(InvitationAnswer.answer).order_by(InvitationAnswer.created_at)))


def flags(server) -> list[set[str]]:
    return [mail.flags for mail in server.folders["INBOX"]]


def test_an_answer_is_recorded_and_put_away_and_a_letter_stays_unread(connected, server, invitation):
    server.put(LETTER)
    server.put(reply(invitation))

    task.read()

    assert answers() == [Answer.ACCEPTED]
    assert [mail.raw for mail in server.folders["INBOX"]] == [LETTER]
    assert flags(server) == [{mailbox.LEFT}]
    (done,) = server.folders[connected.config["IMAP_DONE_FOLDER"]]
    assert r"\Seen" in done.flags


def test_the_next_turn_has_nothing_to_fetch(connected, server, invitation):
    server.put(LETTER)
    server.put(reply(invitation))
    task.read()
    server.log.clear()

    task.read()

    assert not [line for line in server.log if "FETCH" in line]


def test_without_a_folder_to_put_it_away_it_stays_marked_as_read(connected, server, invitation, monkeypatch):
    monkeypatch.setitem(connected.config, "IMAP_DONE_FOLDER", "")
    server.put(reply(invitation))

    task.read()
    task.read()

    assert flags(server) == [{r"\Seen"}]
    assert answers() == [Answer.ACCEPTED]


def test_a_line_cut_after_the_commit_brings_the_mail_again_and_changes_nothing(connected, server, invitation):
    server.put(reply(invitation))
    server.cuts_at = "STORE"

    task.read()
    assert answers() == [Answer.ACCEPTED]
    server.cuts_at = ""
    task.read()

    assert answers() == [Answer.ACCEPTED]
    assert len(db.session.scalars(select(CalendarReply)).all()) == 1
    assert server.folders["INBOX"] == []


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "SEARCH", "FETCH"])
def test_a_server_that_goes_away_fails_nothing_and_loses_nothing(connected, server, invitation, command):
    server.put(reply(invitation))
    server.cuts_at = command

    task.read()
    assert answers() == []
    server.cuts_at = ""
    task.read()

    assert answers() == [Answer.ACCEPTED]


def test_a_wrong_password_is_a_line_in_the_log(connected, server, invitation, monkeypatch, caplog):
    monkeypatch.setitem(connected.config, "IMAP_PASSWORD", "wrong")
    server.put(reply(invitation))

    task.read()

    assert "mailbox cannot be read" in caplog.text
    assert answers() == []


def test_one_mail_that_breaks_something_does_not_stop_the_next(connected, server, invitation, caplog):
    # The database refuses a NUL: the first mail names its sender with one.
    server.put(reply(invitation, partstat="DECLINED").replace(b"From: Quelquun", b"From: \x00Quelquun"))
    server.put(b"\xff\xfe\x00" * 1000)
    server.put(reply(invitation))

    task.read()

    assert answers()[-1] is Answer.ACCEPTED


def test_a_very_large_mail_is_left_to_people_without_being_fetched(connected, server, invitation):
    server.put(LETTER + b"x" * (mailbox.LARGEST + 1))

    task.read()

    assert not [line for line in server.log if "BODY" in line]
    assert flags(server) == [{mailbox.LEFT}]


def test_without_a_mailbox_in_the_settings_nothing_happens(whole_app):
    with whole_app.app_context():
        assert mailbox.Account.from_config(whole_app.config) is None
        task.read()


def test_an_answer_that_came_while_another_worker_took_it_is_one(connected, server, invitation):
    raw = reply(invitation)
    incoming.take(raw, trusted=TRUSTED)
    db.session.commit()
    server.put(raw)

    task.read()

    assert answers() == [Answer.ACCEPTED]
    assert db.session.get_one(Invitation, invitation.id).answer is Answer.ACCEPTED
