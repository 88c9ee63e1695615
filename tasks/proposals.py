"""Proposals whose time is over or whose structures part for good, and needs that nobody said yes to."""

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db
from matchmaker.models.base import today
from matchmaker.services import matching, never_again, proposal_ends, silent_needs
from matchmaker.services.outbox import MailSettings


@shared_task
def expire() -> None:
    settings = MailSettings.from_config(current_app.config)
    proposal_ends.expire_due(today=today(), settings=settings)
    for refusal in never_again.end_left_over(settings=settings):
        matching.wish_for_runs_after(refusal)
    db.session.commit()


@shared_task
def tell_silent() -> None:
    """Needs that nobody said yes to for 45 days: their structures are told, once."""
    silent_needs.tell_due(today=today(), settings=MailSettings.from_config(current_app.config))
    db.session.commit()
