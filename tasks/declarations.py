"""Declarations without a sign of life for ninety days."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.models.base import today
from matchmaker.services import declarations


@shared_task
def expire() -> None:
    declarations.expire_due(today=today())
    db.session.commit()
