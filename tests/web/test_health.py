"""The health of the process, and the figures that alerts are made of."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from matchmaker.extensions import db
from matchmaker.models import MailStatus, ObjectionSource, RelayState, RunStatus, Topic
from matchmaker.models.base import now
from matchmaker.services import addresses, health
from tasks import health as task
from tests.factories import MailFactory, RunFactory


def measured(client) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {name.removeprefix("croisee_"): float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}


def test_the_figures_say_how_the_mails_and_the_runs_stand(client, queries):
    late = now() - timedelta(minutes=10)
    MailFactory(waiting=True, not_before=late)
    MailFactory(waiting=True, not_before=now() + timedelta(hours=1), is_maybe_twice=True)
    MailFactory(waiting=True, status=MailStatus.SENDING, claimed_by=1, changed_at=late)
    MailFactory(waiting=True, status=MailStatus.SENDING, claimed_by=1)
    MailFactory(lost=True)
    MailFactory(lost=True, changed_at=now() - timedelta(hours=2))
    MailFactory(bounced=True)
    for _mail in range(3):
        MailFactory()
    RunFactory(status=RunStatus.RUNNING, value=None, bound=None, gap=None)
    addresses.note_bounce("contact@picoree.test", key="1:1", status="5.1.1")
    addresses.object_to(addresses.digest("contact@picoree.test"), list(Topic), source=ObjectionSource.COMPLAINT)
    task.beat()
    db.session.merge(RelayState(id=1, failures=2, closed_until=now() + timedelta(seconds=30)))
    db.session.flush()
    queries.clear()

    figures = measured(client)

    assert 600 <= figures.pop("outbox_oldest_due_seconds") < 660
    assert 0 <= figures.pop("beat_age_seconds") < 60
    assert 0 < figures.pop("relay_pause_seconds") <= 30
    assert figures == {
        "outbox_queued": 2,
        "outbox_sending": 2,
        "outbox_sending_over_two_minutes": 1,
        "outbox_failed_hour": 1,
        "outbox_maybe_twice_day": 1,
        "outbox_bounce_ratio_week": 0.25,
        "relay_failures": 2,
        "mail_addresses_blocked": 1,
        "mail_complaints_week": 1,
        "matching_runs_queued": 0,
        "matching_runs_running": 1,
    }
    assert len(queries) <= 7


def test_a_schedule_that_never_ran_has_no_age_and_an_empty_outbox_no_delay(client):
    figures = measured(client)

    assert "beat_age_seconds" not in figures
    assert figures["outbox_oldest_due_seconds"] == figures["outbox_bounce_ratio_week"] == figures["relay_pause_seconds"] == 0


def test_the_text_is_what_prometheus_reads(client):
    response = client.get("/metrics")

    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    for figure in health.figures(now=now()):
        if figure.value is not None:
            assert f"# HELP croisee_{figure.name} {figure.meaning}\n# TYPE croisee_{figure.name} gauge\ncroisee_{figure.name} " in response.text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_without_a_token_this_machine_alone_measures(client, address):
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


def test_with_a_token_whoever_holds_it_measures_from_anywhere(app, client, monkeypatch):
    monkeypatch.setitem(app.config, "METRICS_TOKEN", "un jeton")
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}

    assert client.get("/metrics", environ_base=elsewhere, headers={"Authorization": "Bearer un jeton"}).status_code == 200
    for wrong in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer un jetom"}, {"Authorization": "Basic é"}):
        assert client.get("/metrics", headers=wrong).status_code == 404


def test_a_schema_that_is_behind_is_not_ready_and_one_that_is_ahead_is(client):
    assert client.get("/readyz").json == {"status": "ok", "queue": "ok"}

    for revision, expected in (("0001", 503), ("9999", 200)):
        db.session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        db.session.commit()
        assert client.get("/readyz").status_code == expected


def test_without_the_queue_it_is_ready_and_says_so(app, client, monkeypatch):
    monkeypatch.setattr(app.extensions["celery"].conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app.extensions["celery"].conf, "broker_write_url", "redis://127.0.0.1:1/0")

    assert client.get("/readyz").json == {"status": "ok", "queue": "unreachable"}
