"""Rehearsals small enough for every run, with real processes: nothing is lost, and what comes twice was known to be doubtful."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from config import ROOT
from matchmaker.extensions import db
from matchmaker.models import DomainPace, MailStatus, Organisation, OutboxMail
from matchmaker.models.base import now
from matchmaker.services import drills
from tests.factories import OrganisationFactory
from tests.rehearsal import rehearse
from tests.rehearsal_processes import LONGEST_RECOVERY
from tests.rehearsal_verdict import LINES, LONGEST_END, Verdict
from tests.services.test_outbox import SETTINGS, put


@pytest.fixture
def folder(worker_id):
    return ROOT / "var" / f"rehearsal-{worker_id}"


def check(verdict: Verdict) -> None:
    assert (verdict.lost, verdict.given_up, verdict.still_open) == (0, 0, 0), verdict
    assert (verdict.unflagged, verdict.strange) == (0, 0), verdict
    assert verdict.duplicates <= verdict.bound, verdict
    assert verdict.itip_faults == []
    assert verdict.lines <= LINES
    assert verdict.longest_end <= LONGEST_END


@pytest.mark.processes
def test_killed_workers_a_lost_broker_and_a_cut_database_lose_nothing(folder):
    verdict = rehearse("short", 300, folder)

    check(verdict)
    assert verdict.mails == 300
    assert [deed.what for deed in verdict.deeds].count("kill_worker") == 3
    assert verdict.slowest_recovery <= LONGEST_RECOVERY


@pytest.mark.processes
@pytest.mark.parametrize("mode", ["two_workers_and_beats", "deployments"])
def test_without_a_fault_nothing_comes_twice(folder, mode):
    verdict = rehearse(mode, 120, folder)

    check(verdict)
    assert (verdict.mails, verdict.duplicates, verdict.flagged) == (120, 0, 0)


@pytest.mark.processes
def test_a_relay_that_is_away_for_a_while_costs_no_mail_a_try(folder):
    verdict = rehearse("short_outage", 120, folder)

    check(verdict)
    assert (verdict.mails, verdict.retried) == (120, 0)
    assert verdict.most_failures > 0
    assert not verdict.is_relay_closed
    assert verdict.slowest_recovery <= LONGEST_RECOVERY


def test_seeding_invites_new_people_each_time_and_resetting_takes_all_of_it_away(app):
    put("somebody else's")
    before = len(db.session.scalars(select(Organisation)).all())

    assert [drills.seed(count, settings=SETTINGS, now=now()) for count in (45, 3)] == [45, 3]

    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation")).all()
    assert len({mail.recipient for mail in mails}) == len({mail.message_id for mail in mails}) == 48
    assert all(mail.status is MailStatus.QUEUED and mail.not_before <= now() for mail in mails)
    assert all(b"METHOD" not in mail.message and b"text/calendar" in mail.message for mail in mails)
    assert (drills.count().total, drills.count().open) == (48, 48)

    db.session.add(DomainPace(domain="a.test", next_at=now() + timedelta(days=1)))
    assert drills.reset() == 48
    assert db.session.scalars(select(OutboxMail.idempotency_key)).all() == ["somebody else's"]
    assert len(db.session.scalars(select(Organisation)).all()) == before
    assert db.session.scalars(select(DomainPace)).all() == []


def test_nothing_is_rehearsed_among_real_structures(app):
    OrganisationFactory(email="contact@picoree.fr", source="inscription")

    with pytest.raises(drills.RealData):
        drills.seed(1, settings=SETTINGS, now=now())


def test_the_commands_say_how_many_and_what_became_of_them(app):
    runner = app.test_cli_runner()

    assert runner.invoke(args=["drill", "seed", "--n", "3"]).output.split() == ["3"]
    checked = runner.invoke(args=["drill", "check"])

    assert checked.exit_code == 1
    assert json.loads(checked.output) == {"total": 3, "open": 3, "maybe_twice": 0, "retried": 0, "queued": 3}


def test_one_by_one_each_is_committed_at_its_time(app):
    said = app.test_cli_runner().invoke(args=["drill", "seed", "--n", "3", "--every", "0.2"])

    assert said.output.split() == ["3"]
    first, *_others, last = db.session.scalars(select(OutboxMail.created_at).order_by(OutboxMail.id)).all()
    assert last - first >= timedelta(seconds=0.3)
