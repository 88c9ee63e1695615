"""Sending what waits in the outbox."""

import logging
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from celery import shared_task, signals
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from matchmaker import mail
from matchmaker.extensions import crash_point, db, nudge
from matchmaker.models.base import now
from matchmaker.services import bounces, outbox, outbox_locks, outbox_relay, outbox_sending, outbox_steps

log = logging.getLogger(__name__)
ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")

# Short turns: a worker that is asked to stop ends its turn first. One that leaves work undone asks for the next one itself.
TURN_SECONDS = 5.0
# Between two looks, while what is due may not leave yet: its domain was written to a moment ago.
BREATH_SECONDS = 0.02
# So many temporary refusals in a row are not about the mails.
REFUSALS_IN_A_ROW = 5
# More than one worker's second of work: another one is asked to help.
MANY = 50
# How long a worker that knows what became of a mail waits for the database to come back, to write it down.
DATABASE_PATIENCE = 30.0


@signals.worker_ready.connect
def begin(**_details: object) -> None:
    """A worker that was killed, and started again, does not wait for beat."""
    nudge(drain)


# A nudge that finds every worker busy for so long is stale: each of them asks for its own next turn.
@shared_task(expires=2 * TURN_SECONDS)
def drain() -> None:
    """Send what is due, one mail at a time. Safe to run many times at once: a mail is in one worker's hands or in none's.

    A claim is committed before its mail is sent. A worker that dies in between leaves the claim behind, so that the mail goes again
    and is known to have perhaps come twice; it is never lost.
    """
    settings = TurnSettings.from_config(current_app.config)
    outbox.reclaim_dead(now=now())
    outbox.give_up_late(now=now())
    outbox_sending.supersede_overtaken()
    outbox_sending.forget_paces(now=now())
    bounces.settle()
    is_wanted = outbox.is_any_due(now=now(), only_released=settings.only_released) and not outbox_relay.is_closed(now=now())
    needs_help = is_wanted and outbox.is_any_due(now=now(), only_released=settings.only_released, at_least=MANY)
    db.session.commit()
    if needs_help:
        nudge(drain)
    if is_wanted and take_turn(settings, mail.Relay.from_config(current_app.config)):
        nudge(drain)


@dataclass(frozen=True)
class TurnSettings:
    """What a turn needs to know of the installation."""

    sender: str
    lines: int
    pace: timedelta
    only_released: bool

    @classmethod
    def from_config(cls, config: Any) -> Self:
        rate = config["OUTBOX_DOMAIN_RATE"]
        pace = timedelta(seconds=1 / rate) if rate else timedelta()
        return cls(sender=config["MAIL_SENDER"], lines=config["OUTBOX_CONNECTIONS"], pace=pace, only_released=config["OUTBOX_HOLD"])


def take_turn(settings: TurnSettings, relay: mail.Relay) -> bool:
    """Send until nothing is due, the turn is over, or the relay takes nothing. True when work is left that can be done now."""
    try:
        with outbox_locks.worker_and_connection(lines=settings.lines) as (worker, own), mail.Smtp(relay) as smtp:
            return Turn(settings, worker, own, smtp).run()
    except outbox_locks.AllLinesTaken:
        return False


class Turn:
    """One worker's turn. A mail takes one step on the worker's own connection: that it left, together with the claim on the next one.

    Whatever else happens to a mail is rare, and goes through the session.
    """

    def __init__(self, settings: TurnSettings, worker: int, own: Connection, smtp: mail.Smtp) -> None:
        self.settings, self.worker, self.smtp = settings, worker, smtp
        self.steps = outbox_steps.Steps(own, worker, pace=settings.pace, only_released=settings.only_released)
        # What the step says that is not known to be kept yet.
        self.unsettled: tuple[outbox.Claimed, mail.Outcome] | None = None
        self.ends_at = time.monotonic() + TURN_SECONDS
        self.refusals = 0
        self.is_trying, self.is_stopped = False, False
        # The database came back: the next turn need not wait for beat.
        self.is_cut_short = False

    def run(self) -> bool:
        if not self._may_start():
            return False
        claimed = self._next()
        while claimed is not None:
            outcome = self._sent(claimed)
            if outcome is None:
                break
            claimed = self._settled(claimed, outcome) or self._next()
        return self.is_cut_short or (not self.is_stopped and self._is_over())

    def _sent(self, claimed: outbox.Claimed) -> mail.Outcome | None:
        """Send it, once the claim is kept. Nothing when the database went away before: then it was not sent."""

        def is_kept() -> None:
            self.steps.kept()
            self.unsettled = None
            crash_point("claimed")

        try:
            outcome = self.smtp.send(recipient=claimed.recipient, sender=self.settings.sender, message=claimed.message, before_content=is_kept)
            # The relay may have said no before it came to the content.
            self.steps.kept()
        except outbox_steps.NotKept:
            self._lost_the_database()
            if self.unsettled is not None:
                self._write_in_the_end(*self.unsettled)
            return None
        self.unsettled = None
        if isinstance(outcome, mail.Sent):
            crash_point("sent")
        return outcome

    def _is_over(self) -> bool:
        return self.is_stopped or time.monotonic() >= self.ends_at

    def _may_start(self) -> bool:
        may = outbox_relay.may_send(self.worker, now=now())
        self.is_trying = may and outbox_relay.is_tried_by(self.worker)
        db.session.commit()
        return may

    def _next(self) -> outbox.Claimed | None:
        """The next mail. Waits for the one whose domain must be left in peace for a moment."""
        while not self._is_over():
            try:
                _, claimed = self.steps.take(now=now())
            except IntegrityError:
                continue
            if claimed is not None:
                return claimed
            is_any_due = outbox.is_any_due(now=now(), only_released=self.settings.only_released)
            is_closed = is_any_due and outbox_relay.is_closed(now=now())
            db.session.commit()
            if not is_any_due or is_closed:
                return None
            time.sleep(BREATH_SECONDS)
        return None

    def _settled(self, claimed: outbox.Claimed, outcome: mail.Outcome) -> outbox.Claimed | None:
        """Write what became of the mail, with the claim on the next one where that is the usual thing."""
        self.refusals = self.refusals + 1 if isinstance(outcome, mail.Temporary) else 0
        if isinstance(outcome, mail.Sent) and not self.is_trying and not self._is_over():
            try:
                is_ours, following = self.steps.take(claimed, outcome.code, now=now())
            except IntegrityError:
                log.debug("another worker was quicker with the thread of the next mail")
            except (DBAPIError, outbox_steps.NotKept):
                self._lost_the_database()
            else:
                if not is_ours:
                    self._warn(claimed)
                self.unsettled = (claimed, outcome) if following is not None else None
                return following
        self._write_in_the_end(claimed, outcome)
        return None

    def _write_in_the_end(self, claimed: outbox.Claimed, outcome: mail.Outcome) -> None:
        """Should the database be away, wait for it: what this worker knows is what keeps the mail from leaving twice."""
        until = time.monotonic() + DATABASE_PATIENCE
        while True:
            try:
                self._write(claimed, outcome)
                db.session.commit()
                return
            except DBAPIError:
                db.session.rollback()
                self._lost_the_database()
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _lost_the_database(self) -> None:
        """The lock went with the connection: this worker is dead to the others, and claims nothing more."""
        self.is_stopped = self.is_cut_short = True

    def _warn(self, claimed: outbox.Claimed) -> None:
        log.warning("mail %s was taken over by another worker while it was being sent", claimed.id)

    def _write(self, claimed: outbox.Claimed, outcome: mail.Outcome) -> None:
        if not outbox.record(claimed, outcome, worker=self.worker, now=now()):
            self._warn(claimed)
        if isinstance(outcome, mail.Unreachable) or self.refusals >= REFUSALS_IN_A_ROW:
            # It may name who was written to: neither the log nor the state of the relay is the place for that.
            text = ADDRESS.sub("…", outcome.text) or "no reason given"
            log.warning("relay takes no mail: %s %s", outcome.code or "", text)
            outbox_relay.close(self.worker, code=outcome.code, error=text, now=now())
            self.is_stopped = True
        elif self.is_trying:
            outbox_relay.reopen(self.worker)
            self.is_trying = False
