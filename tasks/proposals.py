"""Proposals whose time is over."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.models.base import today
from matchmaker.services import proposals


@shared_task
def expire() -> None:
    proposals.expire_due(today=today())
    db.session.commit()
