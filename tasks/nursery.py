"""The groups of the week, region by region."""

from celery import shared_task

from matchmaker.extensions import db
from matchmaker.models import Territory
from matchmaker.models.base import now
from matchmaker.services import nursery


@shared_task
def take() -> None:
    for territory_id in nursery.due(at=now()):
        territory = db.session.get(Territory, territory_id)
        if territory is not None:
            nursery.take_due(territory, at=now())
        db.session.commit()
