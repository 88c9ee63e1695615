"""The report of a quarter is told once, when it is whole, to who looks after a territory."""

from datetime import date, datetime

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.models import OutboxMail
from matchmaker.models.base import PARIS, now
from matchmaker.services import observatory_reports, observatory_snapshots
from matchmaker.web.settings import mail_settings
from tests.factories import NeedFactory, UserFactory, departement


def send(day: date, hour: int = 10) -> int:
    with time_machine.travel(datetime(day.year, day.month, day.day, hour, tzinfo=PARIS), tick=False):
        return observatory_reports.send_due(at=now(), settings=mail_settings())


@pytest.fixture
def animator(session: Session):
    NeedFactory()
    return UserFactory(animator=True)


def test_each_animator_is_told_once_when_the_last_night_of_the_quarter_is_written(session: Session, animator) -> None:
    UserFactory(animator=True, territories=[])
    assert send(date(2027, 1, 4)) == 0
    observatory_snapshots.take(date(2026, 12, 31))

    assert [send(date(2027, 1, 4)), send(date(2027, 1, 4)), send(date(2027, 1, 5))] == [1, 0, 0]

    mail = session.scalars(select(OutboxMail)).one()
    assert (mail.recipient, mail.kind) == (animator.email, "quarter_report")
    assert f"/observatoire/rapports/{departement().id}/2026-T4.pdf" in mail.message.decode()


@pytest.mark.parametrize(("day", "hour"), [(date(2027, 1, 1), 10), (date(2027, 1, 4), 3), (date(2027, 1, 22), 10)])
def test_nobody_is_told_on_a_holiday_at_night_or_weeks_later(animator, day: date, hour: int) -> None:
    observatory_snapshots.take(date(2026, 12, 31))

    assert send(day, hour) == 0
