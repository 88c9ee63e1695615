"""A process that dies at the worst moments: whoever does the same again, everything ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import select

from config import ROOT
from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from tests.conftest import new_database, redis_url
from tests.smtp_server import SmtpServer
from tests.test_faults import running

# What a request does, and then a worker.
STORY = """
from wsgi import app
from matchmaker import mail
from matchmaker.extensions import db, nudge
from matchmaker.services import outbox
from tasks.outbox import drain
with app.app_context():
    for name in ("one", "two"):
        composed = mail.Composed(name, b"Subject: " + name.encode() + b"\\r\\n\\r\\nbonjour\\r\\n")
        outbox.queue_mail(idempotency_key=f"{name}:request:0", composed=composed, recipient=f"{name}@picoree.test", message_id=f"<{name}@croisee.test>")
    db.session.commit()
    nudge(drain)
    drain()
"""
KILLED = (137, -signal.SIGKILL)


@pytest.fixture
def story(worker_id):
    """Runs the story in a process of its own; an application looks at the same database meanwhile."""
    database = new_database(f"croisee_crashes_{worker_id}")
    with SmtpServer() as server, running(database, redis_url()):
        env = os.environ | {"DATABASE_URL": database, "REDIS_URL": redis_url(), "SECRET_KEY": "of a process that lasts a second", "DRILL": "1"}
        env |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port)}

        def tell(crash_at: str = "", *, may_be_killed_at_the_dot: bool = False) -> int:
            process = subprocess.Popen([sys.executable, "-c", STORY], cwd=ROOT, env=env | {"CRASH_AT": crash_at})
            if may_be_killed_at_the_dot:
                server.on_received = lambda _received: process.kill()
            code = process.wait()
            server.on_received = lambda _received: None
            return code

        tell.server = server
        yield tell


def mails() -> dict[str, OutboxMail]:
    db.session.rollback()
    return {mail.subject: mail for mail in db.session.scalars(select(OutboxMail).execution_options(populate_existing=True))}


# Where it dies: what the database holds then, what is flagged in the end, what has come twice.
POINTS = {
    "queued": ([], [], []),
    "before the nudge": ([MailStatus.QUEUED, MailStatus.QUEUED], [], []),
    "claimed": ([MailStatus.QUEUED, MailStatus.SENDING], ["one"], []),
    "after the dot": ([MailStatus.QUEUED, MailStatus.SENDING], ["one"], ["one"]),
    "sent": ([MailStatus.QUEUED, MailStatus.SENDING], ["one"], ["one"]),
}


@pytest.mark.processes
@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_any_moment_ends_in_the_same_state(story, point):
    after_death, flagged, twice = POINTS[point]

    assert story(point, may_be_killed_at_the_dot=point == "after the dot") in KILLED
    assert sorted(mail.status for mail in mails().values()) == after_death
    assert story() == 0

    assert {name: mail.status for name, mail in mails().items()} == {"one": MailStatus.SENT, "two": MailStatus.SENT}
    assert [name for name, mail in mails().items() if mail.is_maybe_twice] == flagged
    got = Counter(received.content for received in story.server.received)
    assert set(got) == {mail.message for mail in mails().values()}
    assert [name for name, mail in mails().items() if got[mail.message] > 1] == twice


@pytest.mark.processes
def test_outside_of_a_rehearsal_nobody_can_ask_for_a_crash(story, monkeypatch):
    monkeypatch.setitem(os.environ, "DRILL", "")
    command = [sys.executable, "-c", "from config import Config; print(repr(Config.CRASH_AT))"]

    said = subprocess.run(command, cwd=ROOT, env=os.environ | {"CRASH_AT": "sent"}, capture_output=True, text=True, check=True).stdout

    assert said.strip() == "''"
