"""Job datings before their day: plans that a page does not wait for, answers, reminders, and what is forgotten after."""

from datetime import datetime, time

from celery import shared_task
from flask import current_app

from matchmaker.extensions import db, nudge
from matchmaker.models import JobDating
from matchmaker.models.base import PARIS, today
from matchmaker.services import invitation_reminders, job_dating_guests, job_dating_partings, job_dating_plans
from matchmaker.services.outbox import MailSettings


@shared_task
def plan_due() -> None:
    """Compute the plan that waits longest, then ask for the next turn."""
    planned = job_dating_plans.plan_due()
    db.session.commit()
    if planned is not None:
        nudge(plan_due)


@shared_task
def settle_due() -> None:
    """Bring the plans of published job datings up to what was answered, one after the other."""
    settings = MailSettings.from_config(current_app.config)
    for job_dating_id in job_dating_guests.to_settle():
        job_dating_guests.settle(db.session.get_one(JobDating, job_dating_id), settings=settings)
        db.session.commit()


@shared_task
def part_due() -> None:
    """Withdraw what was planned between two of whom one said « never again »."""
    settings = MailSettings.from_config(current_app.config)
    for job_dating_id in job_dating_partings.due():
        job_dating_partings.part(db.session.get_one(JobDating, job_dating_id), settings=settings)
        db.session.commit()


@shared_task
def remind_silent() -> None:
    """Ask once more whoever has not answered."""
    invitation_reminders.remind(settings=MailSettings.from_config(current_app.config))
    db.session.commit()


@shared_task
def forget_needs() -> None:
    """What people need to take part, and whom they wish to meet, is nobody's business once the day is over."""
    midnight = datetime.combine(today(), time(), PARIS)
    job_dating_guests.forget_needs(today_began_at=midnight)
    db.session.commit()
