"""What is new in the searches that people keep."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import saved_searches
from matchmaker.services.outbox import MailSettings


@shared_task
def send() -> None:
    saved_searches.send_due(at=now(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()
