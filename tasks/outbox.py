"""Sending what waits in the outbox."""

import logging
import time

from celery import shared_task
from flask import current_app

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models.base import now
from matchmaker.services import outbox

log = logging.getLogger(__name__)

# Short turns: a worker that is asked to stop ends its turn first. Beat starts the next one within seconds.
TURN_SECONDS = 20.0


@shared_task
def drain() -> None:
    """Send what is due, one mail at a time. Safe to run many times at once: a mail is in one worker's hands or in none's.

    Each mail takes two commits: the claim before it is sent, what became of it after. A worker that dies in between leaves a
    claim behind, so that the mail goes again and is known to have perhaps come twice; it is never lost.
    """
    if current_app.config["OUTBOX_HOLD"]:
        return
    outbox.reclaim_dead(now=now())
    outbox.give_up_late(now=now())
    is_any_due = outbox.is_any_due(now=now())
    db.session.commit()
    if is_any_due:
        with outbox.worker() as worker, mail.Smtp(mail.Relay.from_config(current_app.config)) as relay:
            take_turn(worker, relay)


def take_turn(worker: int, relay: mail.Smtp) -> None:
    """Send until nothing is due, the turn is over, or the relay takes nothing."""
    ends_at = time.monotonic() + TURN_SECONDS
    while time.monotonic() < ends_at:
        claimed = outbox.claim_one(worker=worker, now=now())
        db.session.commit()
        if claimed is None:
            return
        outcome = relay.send(recipient=claimed.recipient, sender=current_app.config["MAIL_SENDER"], message=claimed.message)
        if not outbox.record(claimed, outcome, worker=worker, now=now()):
            log.warning("mail %s was taken over by another worker while it was being sent", claimed.id)
        db.session.commit()
        if isinstance(outcome, mail.Unreachable):
            log.warning("relay takes no mail: %s %s", outcome.code or "", outcome.text)
            return
