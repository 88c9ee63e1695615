"""The asking of the day: territory by territory, each in a transaction of its own."""

import logging

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models import Territory
from matchmaker.models.base import now, today
from matchmaker.services import asking
from matchmaker.services.outbox import MailSettings
from tasks.outbox import drain

log = logging.getLogger(__name__)


@shared_task
def ask_due() -> None:
    """Ask in each territory that was not looked at today. Safe to run twice, or at once: the day's row decides."""
    territory_ids = [territory.id for territory in asking.due(moment=now())]
    db.session.commit()
    for territory_id in territory_ids:
        try:
            asking.ask(db.session.get_one(Territory, territory_id), day=today(), settings=MailSettings.from_config(current_app.config))
        except Exception:
            # One territory's trouble is not the others'; the next beat tries again.
            log.exception("the asking of territory %s failed", territory_id)
            db.session.rollback()
        db.session.commit()
    if territory_ids:
        nudge(drain)
