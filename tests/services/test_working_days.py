from datetime import date, datetime, timedelta

import numpy as np
import pytest

from matchmaker.models.base import PARIS
from matchmaker.services import working_days
from tests.factories import OrganisationFactory


@pytest.mark.parametrize("day", [date(2026, 5, 1), date(2026, 5, 14), date(2026, 7, 14), date(2027, 3, 29), date(2026, 11, 14)])
def test_nobody_is_asked_on_a_holiday_or_a_weekend(day: date) -> None:
    assert not working_days.is_working_day(day)


def test_counting_is_the_same_forward_and_backward() -> None:
    start = date(2026, 4, 30)
    for count in range(1, 30):
        later = working_days.add(start, count)
        assert working_days.add(later, -count) == start
        assert working_days.since(np.array([start.toordinal()]), later).tolist() == [count]


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (datetime(2026, 11, 10, 9, 30, tzinfo=PARIS), datetime(2026, 11, 10, 9, 30, tzinfo=PARIS)),
        (datetime(2026, 11, 10, 7, 59, tzinfo=PARIS), datetime(2026, 11, 10, 8, tzinfo=PARIS)),
        (datetime(2026, 11, 10, 18, tzinfo=PARIS), datetime(2026, 11, 12, 8, tzinfo=PARIS)),
        (datetime(2026, 11, 13, 22, tzinfo=PARIS), datetime(2026, 11, 16, 8, tzinfo=PARIS)),
    ],
)
def test_the_next_opening(moment: datetime, opens: datetime) -> None:
    assert working_days.next_opening(moment) == opens


def test_a_mail_waits_for_the_structure_to_open(app) -> None:
    organisation = OrganisationFactory(opens_at=10, working_days=0b00101)
    early = datetime(2026, 11, 9, 8, 15, tzinfo=PARIS)

    assert working_days.opening(organisation, early) == early.replace(hour=10, minute=0)
    assert working_days.opening(organisation, early + timedelta(hours=3)) is None
    assert [working_days.works_on(organisation, date(2026, 11, 9) + timedelta(days=day)) for day in range(5)] == [True, False, True, False, False]
