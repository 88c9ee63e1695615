"""The whole way of a published job dating that moves: through the real outbox and a real SMTP server, every mail read strictly."""

from datetime import timedelta

import pytest
import time_machine

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import invitations, job_dating_moves, job_datings
from matchmaker.web.settings import mail_settings
from tasks import outbox as task
from tests.conftest import committing
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue
from tests.itip import History
from tests.smtp_server import CUT, SmtpServer

EVIL = 'Évil", Ltd; \\ ^n fin\r\nATTENDEE:mailto:eve@evil.test\u202e🎉'


@pytest.fixture
def server():
    with SmtpServer() as running:
        yield running


@pytest.fixture
def connected(whole_app, server, monkeypatch):
    """The application with real commits and that server as its relay; what was written is removed afterwards."""
    for name, value in {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": server.port, "SMTP_TIMEOUT": 5.0}.items():
        monkeypatch.setitem(whole_app.config, name, value)
    with committing(whole_app):
        yield whole_app


def test_published_moved_twice_and_cancelled_each_calendar_holds_what_is_true(connected, server):
    buyer = OrganisationFactory(name=EVIL)
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer), offer=OfferFactory(title=EVIL * 30)) for _ in range(3)]
    job_dating = JobDatingFactory(title=EVIL, venue=venue(OrganisationFactory(name="Tiers-lieu")))
    job_datings.choose(job_dating, matches[:2])
    job_datings.publish(job_dating, settings=mail_settings())
    db.session.commit()
    server.fail("end", CUT)
    acts = [
        lambda: move(job_dating, starts_at=job_dating.starts_at + timedelta(days=7), ends_at=job_dating.ends_at + timedelta(days=7)),
        lambda: move(job_dating, matches=matches[1:], title="Un autre titre"),
        lambda: job_datings.cancel(job_dating, settings=mail_settings()),
    ]

    drain_all(0)
    for count, act in enumerate(acts, start=1):
        with time_machine.travel(now() + count * timedelta(hours=1), tick=False):
            act()
            db.session.commit()
        drain_all(count)

    history = History()
    assert [problem for mail in server.received for problem in history.take(mail.content)] == []
    story = {arrived[0].attendee: [(one.method, one.sequence) for one in arrived] for arrived in history.entries.values()}
    removed, stays, comes = (match.offer.organisation.email for match in matches)
    assert story[f"mailto:{removed}"] == [("REQUEST", 0), ("REQUEST", 1), ("CANCEL", 2)]
    assert story[f"mailto:{stays}"] == [("REQUEST", 0), ("REQUEST", 1), ("REQUEST", 2), ("CANCEL", 3)]
    assert story[f"mailto:{comes}"] == [("REQUEST", 1), ("CANCEL", 2)]
    assert len(invitations.invitations_of(job_dating)) == len(story) == 4
    # The one whose line was cut after the final dot came twice, to the byte.
    assert len(server.received) == sum(map(len, story.values())) + 1


def move(job_dating, **changed) -> None:
    job_dating_moves.move(job_dating, version=job_dating.version, settings=mail_settings(), **changed)


def drain_all(hours: int) -> None:
    """Some minutes later, when what was coalesced or refused is due."""
    for minutes in (0, 15, 30):
        with time_machine.travel(now() + timedelta(hours=hours, minutes=minutes), tick=False):
            task.drain()
