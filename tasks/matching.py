"""Runs: find those that wait and compute them; ask for the weekly ones."""

import logging

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.models.base import today
from matchmaker.services import matching

log = logging.getLogger(__name__)


@shared_task
def run_due() -> None:
    """Compute every run that waits, one after the other. Safe to run anywhere, twice: the row's lock decides."""
    while (run_id := matching.start_due()) is not None:
        db.session.commit()
        try:
            matching.compute(run_id, today=today())
        except Exception as error:
            log.exception("run %s failed", run_id)
            db.session.rollback()
            matching.fail(run_id, f"{type(error).__name__}: {error}"[:500])
        db.session.commit()


@shared_task
def request_weekly() -> None:
    matching.request_weekly()
    db.session.commit()
