"""Shared jobs: compose what waits, and end the questions that nobody answered."""

import logging

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models.base import today
from matchmaker.services import pools, pools_meetings, pools_runs, pools_trials
from matchmaker.services.outbox import MailSettings

log = logging.getLogger(__name__)


@shared_task
def compose_due() -> None:
    """Compute the composition that waits longest, then ask for the next turn. Safe to run anywhere, twice: the row's lock decides."""
    run_id = pools_runs.start_due()
    db.session.commit()
    if run_id is None:
        return
    try:
        pools_runs.compute(run_id)
    except Exception as error:
        log.exception("composition %s failed", run_id)
        db.session.rollback()
        pools_runs.fail(run_id, type(error).__name__)
    db.session.commit()
    nudge(compose_due)


@shared_task
def try_due() -> None:
    """Try the rules that wait longest, then ask for the next turn. Safe to run anywhere, twice: the row's lock decides."""
    trial_id = pools_trials.start_due()
    db.session.commit()
    if trial_id is None:
        return
    try:
        pools_trials.compute(trial_id)
    except Exception as error:
        log.exception("trial %s failed", trial_id)
        db.session.rollback()
        pools_trials.fail(trial_id, type(error).__name__)
    db.session.commit()
    nudge(try_due)


@shared_task
def expire() -> None:
    """Groups whose last day to answer has passed."""
    pools.expire_due(today=today(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()


@shared_task
def follow_meetings() -> None:
    """Groups whose job dating was moved or called off."""
    pools_meetings.follow(settings=MailSettings.from_config(current_app.config))
    db.session.commit()
