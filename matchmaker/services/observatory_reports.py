"""The report of a quarter: told to the animators once it is over, and to each once."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from matchmaker.extensions import db
from matchmaker.models import Level, OutboxMail, Role, Span, Territory, User
from matchmaker.services import addresses, indicators_loading, observatory_snapshots, outbox, working_days
from matchmaker.services.observatory_snapshots import start_of

# Who was not reached in the first weeks, because we were asleep, finds it on the page.
TOLD_FOR = timedelta(days=21)


def last_quarter(day: date) -> tuple[date, date]:
    """The first and the last day of the quarter that was over last.

    >>> [str(one) for one in last_quarter(date(2027, 1, 4))]
    ['2026-10-01', '2026-12-31']
    """
    last = start_of(Span.QUARTER, day) - timedelta(days=1)
    return start_of(Span.QUARTER, last), last


def code_of(first: date) -> str:
    return f"{first.year}-T{(first.month - 1) // 3 + 1}"


def territories_of(user: User) -> list[Territory]:
    """Those that have a report: an EPCI finds its figures on the pages."""
    return [one for one in user.territories if one.level is not Level.EPCI]


def send_due(*, at: datetime, settings: outbox.MailSettings) -> int:
    """Tell each animator whom nobody told yet, in the weeks after the quarter and once its last night was written down. Returns how many."""
    today = indicators_loading.paris_day(at)
    first, last = last_quarter(today)
    if today > last + TOLD_FOR or not working_days.is_open(at) or observatory_snapshots.day_in(last, last) is None:
        return 0
    code = code_of(first)
    known = set(db.session.scalars(select(OutboxMail.idempotency_key).where(OutboxMail.idempotency_key.startswith(f"report-{code}-", autoescape=True))))
    query = select(User).where(User.is_active, User.role == Role.ANIMATOR).options(selectinload(User.territories)).order_by(User.id)
    people = [user for user in db.session.scalars(query) if f"report-{code}-{user.id}" not in known and territories_of(user)]
    unwanted = addresses.obstacles([user.email for user in people], "quarter_report")
    return sum(
        outbox.queue(
            "quarter_report",
            uid=f"report-{code}-{user.id}",
            recipient=user.email,
            settings=settings,
            code=code,
            first=first,
            last=last,
            territories=territories_of(user),
        )
        for user in people
        if unwanted[user.email] is None
    )
