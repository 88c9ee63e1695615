"""Runs: find those that wait and compute them; ask for the weekly ones."""

import logging
from typing import Any

from celery import shared_task, signals

from matchmaker.engine.warming import warm
from matchmaker.extensions import db, nudge
from matchmaker.models.base import today
from matchmaker.services import matching

log = logging.getLogger(__name__)


@signals.worker_init.connect
def compile_engine(sender: Any, **_details: object) -> None:
    """Before the first run, in the process that its workers are forked from: compiling takes seconds the first time.

    A worker that only sends mails is spared the seconds: it is back sooner.
    """
    if "matching" in sender.app.amqp.queues.consume_from:
        warm()


@shared_task
def run_due() -> None:
    """Compute the run that waits longest, then ask for the next turn. Safe to run anywhere, twice: the row's lock decides."""
    run_id = matching.start_due()
    db.session.commit()
    if run_id is None:
        return
    try:
        matching.compute(run_id, today=today())
    except Exception as error:
        log.exception("run %s failed", run_id)
        db.session.rollback()
        matching.fail(run_id, type(error).__name__)
    db.session.commit()
    nudge(run_due)


@shared_task
def request_weekly() -> None:
    matching.request_weekly()
    db.session.commit()
