"""The observatory: what the night writes down, and the report of a quarter."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models.base import now
from matchmaker.services import observatory_reports, observatory_snapshots
from matchmaker.services.outbox import MailSettings
from tasks.outbox import drain


@shared_task
def snapshot() -> None:
    observatory_snapshots.take_due(at=now())
    db.session.commit()


@shared_task
def report() -> None:
    sent = observatory_reports.send_due(at=now(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()
    if sent:
        nudge(drain)
