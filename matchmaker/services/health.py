"""Figures that tell whether mails leave and runs end: for whoever watches the installation, not for its pages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import db
from matchmaker.models import AddressStatus, Heartbeat, MailAddress, MailObjection, MailStatus, MatchingRun, ObjectionSource, OutboxMail, RelayState, RunStatus

BEAT = "beat"
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
# Longer than any server of ours is waited for.
STUCK = timedelta(minutes=2)


@dataclass(frozen=True)
class Figure:
    """One measure of now. ``value`` is None when there is nothing to measure: it is not written then."""

    name: str
    meaning: str
    value: float | None


def beat(*, now: datetime) -> None:
    """The schedule reached a worker."""
    statement = insert(Heartbeat).values(name=BEAT, seen_at=now)
    db.session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def figures(*, now: datetime) -> Iterator[Figure]:
    """All figures, in a fixed number of queries."""
    yield from mail_figures(now)
    blocked = select(func.count()).select_from(MailAddress).where(MailAddress.status == AddressStatus.BLOCKED)
    yield Figure("mail_addresses_blocked", "Addresses that no mail is sent to, because mails to them come back", db.session.scalar(blocked))
    complaints = select(func.count(MailObjection.address_hash.distinct())).where(
        MailObjection.source == ObjectionSource.COMPLAINT, MailObjection.objected_at > now - WEEK
    )
    yield Figure("mail_complaints_week", "Addresses that complained of spam in the last seven days", db.session.scalar(complaints))
    yield from relay_figures(now)
    seen = db.session.scalar(select(Heartbeat.seen_at).where(Heartbeat.name == BEAT))
    yield Figure("beat_age_seconds", "Time since the schedule last reached a worker", (now - seen).total_seconds() if seen else None)
    runs = func.count().filter(MatchingRun.status == RunStatus.QUEUED), func.count().filter(MatchingRun.status == RunStatus.RUNNING)
    queued, running = db.session.execute(select(*runs)).one()
    yield Figure("matching_runs_queued", "Matching runs that wait", queued)
    yield Figure("matching_runs_running", "Matching runs under way", running)


def relay_figures(now: datetime) -> Iterator[Figure]:
    """The circuit breaker before the relay: no row, or no failure, is a relay that takes mails."""
    row = db.session.execute(select(RelayState.failures, RelayState.closed_until)).one_or_none()
    failures, until = (row.failures, row.closed_until) if row is not None else (0, None)
    yield Figure("relay_failures", "Times in a row that the relay took nothing", failures)
    yield Figure(
        "relay_pause_seconds", "How long nothing is sent from now on, because the relay takes nothing", max(0.0, (until - now).total_seconds()) if until else 0
    )


def mail_figures(now: datetime) -> Iterator[Figure]:
    """The outbox, by one reading of it."""
    status, changed = OutboxMail.status, OutboxMail.changed_at
    row = db.session.execute(
        select(
            func.min(OutboxMail.not_before).filter(status == MailStatus.QUEUED, OutboxMail.not_before <= now).label("oldest"),
            func.count().filter(status == MailStatus.QUEUED).label("queued"),
            func.count().filter(status == MailStatus.SENDING).label("sending"),
            func.count().filter(status == MailStatus.SENDING, changed <= now - STUCK).label("stuck"),
            func.count().filter(status == MailStatus.FAILED, changed > now - HOUR).label("failed"),
            func.count().filter(OutboxMail.is_maybe_twice, changed > now - DAY).label("twice"),
            func.count().filter(OutboxMail.sent_at > now - WEEK).label("sent"),
            func.count().filter(status == MailStatus.BOUNCED, OutboxMail.sent_at > now - WEEK).label("bounced"),
        )
    ).one()
    yield Figure("outbox_oldest_due_seconds", "How long the mail that is due longest has waited", (now - row.oldest).total_seconds() if row.oldest else 0)
    yield Figure("outbox_queued", "Mails that wait", row.queued)
    yield Figure("outbox_sending", "Mails in a worker's hands", row.sending)
    yield Figure("outbox_sending_over_two_minutes", "Mails in a worker's hands for more than two minutes", row.stuck)
    yield Figure("outbox_failed_hour", "Mails given up in the last hour", row.failed)
    yield Figure("outbox_maybe_twice_day", "Mails that became doubtful in the last 24 hours", row.twice)
    yield Figure("outbox_bounce_ratio_week", "Share of the mails of the last seven days that came back", row.bounced / row.sent if row.sent else 0)


def exposition(figures: Iterable[Figure]) -> str:
    """The figures as Prometheus reads them (text format 0.0.4).

    >>> print(exposition([Figure("mails", "Mails that wait", 3), Figure("none", "Nothing", None)]), end="")
    # HELP croisee_mails Mails that wait
    # TYPE croisee_mails gauge
    croisee_mails 3
    """
    lines = []
    for figure in figures:
        if figure.value is not None:
            name = f"croisee_{figure.name}"
            lines += [f"# HELP {name} {figure.meaning}", f"# TYPE {name} gauge", f"{name} {figure.value:.10g}"]
    return "\n".join(lines) + "\n"
