"""How often a structure may be solicited: counted by week and by month, in rows that no transaction can bring above what it accepts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, func, literal, select, text, update

from matchmaker.extensions import db
from matchmaker.models import Organisation, Period, SolicitationCount
from matchmaker.services.errors import DomainError


class BudgetSpent(DomainError):
    """The structure was asked as often as it accepts, this week or this month."""


@dataclass(frozen=True)
class Left:
    """What a structure still accepts."""

    week: int
    month: int

    @property
    def now(self) -> int:
        """How often it may be asked before the end of this week and of this month."""
        return max(0, min(self.week, self.month))


def starts(day: date) -> dict[Period, date]:
    """The first days of the week and of the month of a day."""
    return {Period.WEEK: day - timedelta(days=day.weekday()), Period.MONTH: day.replace(day=1)}


def usual_weekly(monthly: int) -> int:
    """What is spread over a week unless the structure says otherwise.

    >>> [usual_weekly(monthly) for monthly in (0, 1, 2, 6, 10, 30)]
    [0, 1, 1, 2, 4, 10]
    """
    return min(15, -(-monthly // 3)) if monthly > 2 else min(1, monthly)


# The guard and the count are one statement: of two transactions that want the last unit, the second waits here and finds none.
TAKE = text("""
INSERT INTO solicitation_count AS kept (organisation_id, period, starts_on, count, ceiling)
SELECT accepted.id, CAST(:period AS text), CAST(:starts_on AS date), wanted.units, accepted.ceiling
FROM unnest(:ids, :units) AS wanted (id, units) JOIN (
    SELECT id, CASE CAST(:period AS text) WHEN 'week' THEN weekly_budget ELSE monthly_budget END AS ceiling FROM organisation WHERE id = ANY(:ids)
) AS accepted ON accepted.id = wanted.id AND wanted.units <= accepted.ceiling
ORDER BY accepted.id
ON CONFLICT (organisation_id, period, starts_on)
DO UPDATE SET count = kept.count + excluded.count, ceiling = excluded.ceiling WHERE kept.count + excluded.count <= excluded.ceiling
RETURNING kept.organisation_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("units", type_=ARRAY(Integer())))


def take(units: Mapping[UUID, int], *, day: date) -> set[UUID]:
    """Count so many solicitations of each structure on that day: all of a structure's, or none. Returns whose budget had no room."""
    got = set(units)
    for period, starts_on in starts(day).items():
        wanted = sorted(got)
        values = {"period": period.value, "starts_on": starts_on, "ids": wanted, "units": [units[one] for one in wanted]}
        kept = {row.organisation_id for row in db.session.execute(TAKE, values)}
        if period is Period.MONTH:
            give_back_period({one: units[one] for one in got - kept}, Period.WEEK, starts(day)[Period.WEEK])
        got = kept
    return set(units) - got


def take_one(organisation: Organisation, *, day: date) -> None:
    """The same for one solicitation. Raises BudgetSpent."""
    if take({organisation.id: 1}, day=day):
        raise BudgetSpent(str(organisation.id))


def give_back(units: Mapping[UUID, int], *, day: date) -> None:
    """These solicitations of that day do not count: nobody answered them, and they were taken back."""
    for period, starts_on in starts(day).items():
        give_back_period(units, period, starts_on)


def give_back_period(units: Mapping[UUID, int], period: Period, starts_on: date) -> None:
    if not units:
        return
    ids = sorted(units)
    given = (
        func.unnest(literal(ids, ARRAY(Uuid())), literal([units[one] for one in ids], ARRAY(Integer())))
        .table_valued("id", "units")
        .render_derived(name="given")
    )
    row = (SolicitationCount.organisation_id == given.c.id, SolicitationCount.period == period, SolicitationCount.starts_on == starts_on)
    lowered: Any = func.greatest(0, SolicitationCount.count - given.c.units)
    db.session.execute(update(SolicitationCount).where(*row).values(count=lowered), execution_options={"synchronize_session": False})


def counted(organisation_ids: Collection[UUID], *, day: date) -> dict[UUID, dict[Period, int]]:
    """Organisation id → how often it was asked in the week and in the month of that day; absent for who was not."""
    ids: Any = literal(sorted(organisation_ids), ARRAY(Uuid()))
    first = starts(day)
    now = ((SolicitationCount.period == Period.WEEK) & (SolicitationCount.starts_on == first[Period.WEEK])) | (
        (SolicitationCount.period == Period.MONTH) & (SolicitationCount.starts_on == first[Period.MONTH])
    )
    query = select(SolicitationCount.organisation_id, SolicitationCount.period, SolicitationCount.count)
    told: dict[UUID, dict[Period, int]] = {}
    for organisation_id, period, count in db.session.execute(query.where(SolicitationCount.organisation_id == func.any(ids), now)):
        told.setdefault(organisation_id, {})[period] = count
    return told


def left(organisation: Organisation, *, day: date) -> Left:
    """What one structure still accepts on that day."""
    return left_of(organisation, counted([organisation.id], day=day).get(organisation.id, {}))


def left_of(organisation: Organisation, asked: Mapping[Period, int]) -> Left:
    """What it still accepts when it was asked so often."""
    return Left(
        week=max(0, organisation.weekly_budget - asked.get(Period.WEEK, 0)),
        month=max(0, organisation.monthly_budget - asked.get(Period.MONTH, 0)),
    )
