"""What the desk knew of a day that is over, written down with its meetings."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.services import presence


@shared_task
def close_days() -> None:
    presence.close_days()
    db.session.commit()
