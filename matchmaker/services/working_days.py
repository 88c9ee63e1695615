"""Days on which people work: Monday to Friday, French public holidays left out; and the hours at which mails may reach them."""

from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

from matchmaker.models import Organisation
from matchmaker.models.base import PARIS

# When the platform itself asks, on the clock of Paris.
FIRST_HOUR, LAST_HOUR = 8, 18


@lru_cache(maxsize=64)
def holidays_of(year: int) -> frozenset[date]:
    """The public holidays of France in a year."""
    return frozenset(holidays.country_holidays("FR", years=year))


def is_holiday(day: date) -> bool:
    return day in holidays_of(day.year)


def is_working_day(day: date) -> bool:
    """
    >>> is_working_day(date(2026, 11, 10)), is_working_day(date(2026, 11, 11)), is_working_day(date(2026, 11, 14))
    (True, False, False)
    """
    return day.weekday() < 5 and not is_holiday(day)


def add(day: date, count: int) -> date:
    """The working day that comes ``count`` working days later; backwards when negative.

    >>> add(date(2026, 11, 6), 3), add(date(2026, 11, 12), -1)
    (datetime.date(2026, 11, 12), datetime.date(2026, 11, 10))
    """
    step = timedelta(days=1 if count >= 0 else -1)
    while count:
        day += step
        count -= int(step.days) if is_working_day(day) else 0
    return day


def first_from(day: date) -> date:
    """This day when people work, else the next one that they do."""
    return day if is_working_day(day) else add(day, 1)


def since(starts: NDArray[np.int64], today: date) -> NDArray[np.int64]:
    """(K,) working days from each day (as `date.toordinal` counts) to today; negative for days to come."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    first = date.fromordinal(max(1, int(starts.min())))
    free = sorted(day for year in range(first.year, today.year + 1) for day in holidays_of(year)) if today.year - first.year < 50 else []
    zero = date(1970, 1, 1).toordinal()
    counted = np.busday_count((starts - zero).astype("datetime64[D]"), np.datetime64(today), holidays=np.array(free, dtype="datetime64[D]"))
    return np.asarray(counted, dtype=np.int64)


def is_open(moment: datetime) -> bool:
    """May the platform ask at this moment?"""
    here = moment.astimezone(PARIS)
    return is_working_day(here.date()) and FIRST_HOUR <= here.hour < LAST_HOUR


def next_opening(moment: datetime) -> datetime:
    """When the platform asks next, this moment included."""
    if is_open(moment):
        return moment
    here = moment.astimezone(PARIS)
    day = here.date() if here.hour < FIRST_HOUR else here.date() + timedelta(days=1)
    return datetime.combine(first_from(day), datetime.min.time(), PARIS).replace(hour=FIRST_HOUR)


def works_on(organisation: Organisation, day: date) -> bool:
    return bool(organisation.working_days >> day.weekday() & 1)


def opening(organisation: Organisation, moment: datetime) -> datetime | None:
    """Before when nothing should reach this structure today; None when it is open already."""
    opens = moment.astimezone(PARIS).replace(hour=organisation.opens_at, minute=0, second=0, microsecond=0)
    return opens if moment < opens else None
