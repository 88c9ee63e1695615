"""What is not kept any longer goes at night."""

import logging

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models.base import now
from matchmaker.services import retention
from matchmaker.services.outbox import MailSettings
from tasks.outbox import drain
from tasks.personal_data import forget_caught

log = logging.getLogger(__name__)


@shared_task
def nightly() -> None:
    """Each rule in a transaction of its own: one that fails is told, and keeps none of the others."""
    failed = []
    settings = {"settings": MailSettings.from_config(current_app.config)}
    for rule in (*retention.SILENT, *retention.TELLING):
        try:
            changed = rule(at=now(), **(settings if rule in retention.TELLING else {}))
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            failed.append(rule.__name__)
            log.error("retention: %s failed: %s", rule.__name__, type(error).__name__)
            continue
        log.info("retention: %s, %d rows", rule.__name__, changed)
    forget_caught()
    nudge(drain)
    if failed:
        raise RuntimeError("retention failed: " + ", ".join(failed))
