"""Shared jobs: compose what waits, and end the questions that nobody answered."""

import logging
from collections.abc import Callable
from uuid import UUID

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models import PoolingRun, PoolingTrial
from matchmaker.models.base import today
from matchmaker.services import pools, pools_meetings, pools_runs, pools_trials, pools_turns
from matchmaker.services.outbox import MailSettings

log = logging.getLogger(__name__)


@shared_task
def compose_due() -> None:
    """Compute the composition that waits longest, then ask for the next turn."""
    if turn(PoolingRun, pools_runs.compute):
        nudge(compose_due)


@shared_task
def try_due() -> None:
    """Try the rules that wait longest, then ask for the next turn."""
    if turn(PoolingTrial, pools_trials.compute):
        nudge(try_due)


def turn(kind: type[PoolingRun] | type[PoolingTrial], compute: Callable[[UUID], None]) -> bool:
    """Compute one waiting row, if there is one. Safe to run anywhere, twice: the row's lock decides."""
    row_id = pools_turns.start_due(kind)
    db.session.commit()
    if row_id is None:
        return False
    try:
        compute(row_id)
    except Exception as error:
        log.exception("%s %s failed", kind.__tablename__, row_id)
        db.session.rollback()
        pools_turns.fail(kind, row_id, type(error).__name__)
    db.session.commit()
    return True


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
