"""Signs of life."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import health


@shared_task
def beat() -> None:
    """Write that the schedule reached a worker: what /metrics measures the age of."""
    health.beat(now=now())
    db.session.commit()
