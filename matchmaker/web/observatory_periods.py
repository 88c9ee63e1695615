"""The stretches of time that the observatory is asked about: a month, a quarter, the last twelve months."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from matchmaker.models import Span
from matchmaker.services.observatory_snapshots import end_of, start_of
from matchmaker.web.formats import MONTHS

CODE = re.compile(r"(?P<year>20\d\d)-(?:(?P<month>0[1-9]|1[0-2])|T(?P<quarter>[1-4]))", re.ASCII)
LAST_YEAR = "12-mois"
SHOWN_MONTHS, SHOWN_QUARTERS = 12, 4


@dataclass(frozen=True)
class Period:
    code: str
    span: Span
    first: date
    last: date

    @property
    def label(self) -> str:
        """« octobre 2026 », « 4e trimestre 2026 », « les 12 derniers mois »."""
        if self.span is Span.MONTH:
            return f"{MONTHS[self.first.month - 1]} {self.first.year}"
        if self.span is Span.QUARTER:
            nth = (self.first.month - 1) // 3 + 1
            return f"{'1er' if nth == 1 else f'{nth}e'} trimestre {self.first.year}"
        return "les 12\u00a0derniers mois"

    def is_over(self, today: date) -> bool:
        return self.last < today


def month(day: date) -> Period:
    return Period(f"{day:%Y-%m}", Span.MONTH, start_of(Span.MONTH, day), end_of(Span.MONTH, day))


def quarter(day: date) -> Period:
    first = start_of(Span.QUARTER, day)
    return Period(f"{day.year}-T{(day.month - 1) // 3 + 1}", Span.QUARTER, first, end_of(Span.QUARTER, day))


def last_year(day: date) -> Period:
    return Period(LAST_YEAR, Span.YEAR, start_of(Span.YEAR, day), day)


def last_month(today: date) -> Period:
    """The last month that is over."""
    return month(today.replace(day=1) - timedelta(days=1))


def read(code: str, *, today: date) -> Period | None:
    """The period of this code; nothing when it is none."""
    if code == LAST_YEAR:
        return last_year(today - timedelta(days=1))
    told = CODE.fullmatch(code)
    if told is None:
        return None
    year = int(told["year"])
    return month(date(year, int(told["month"]), 1)) if told["month"] else quarter(date(year, 3 * int(told["quarter"]), 1))


def choices(today: date) -> list[Period]:
    """The last twelve months as a whole, the last quarters, the last months: newest first."""
    found, day = [last_year(today - timedelta(days=1))], today
    for make, count in ((quarter, SHOWN_QUARTERS), (month, SHOWN_MONTHS)):
        day = today
        for _ in range(count + 1):
            period = make(day)
            found.append(period)
            day = period.first - timedelta(days=1)
    return found
