"""Declarations without a sign of life for ninety days, and drafts that nobody touched for thirty."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db
from matchmaker.models.base import now, today
from matchmaker.services import declarations, drafts
from matchmaker.services.outbox import MailSettings


@shared_task
def expire() -> None:
    declarations.expire_due(today=today(), settings=MailSettings.from_config(current_app.config))
    drafts.forget_old(at=now())
    db.session.commit()
