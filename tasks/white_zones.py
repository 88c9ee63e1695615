"""What the night writes down of the white zones."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import white_zones


@shared_task
def take() -> None:
    white_zones.take_due(at=now())
    db.session.commit()
