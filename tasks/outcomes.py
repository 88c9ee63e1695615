"""What mutual yes led to: asked when its day has come, at an hour when people work."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import outcomes, working_days
from matchmaker.services.outbox import MailSettings


@shared_task
def ask() -> None:
    if working_days.is_open(now()):
        outcomes.ask_due(at=now(), settings=MailSettings.from_config(current_app.config))
        db.session.commit()
