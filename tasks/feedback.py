"""Thanks to those who came, the day after."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.services import feedback_thanks
from matchmaker.services.outbox import MailSettings
from tasks.outbox import drain


@shared_task
def thank() -> None:
    told = feedback_thanks.thank_due(settings=MailSettings.from_config(current_app.config))
    db.session.commit()
    if told:
        nudge(drain)
