"""Declarations without a sign of life for ninety days."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db
from matchmaker.models.base import today
from matchmaker.services import declarations
from matchmaker.services.outbox import MailSettings


@shared_task
def expire() -> None:
    declarations.expire_due(today=today(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()
