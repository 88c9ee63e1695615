"""On Monday morning: what was new in the territories that a structure follows."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import news
from matchmaker.services.outbox import MailSettings


@shared_task
def send() -> None:
    news.send_due(at=now(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()
