"""Nobody is solicited more often than they accept: counted in rows that no transaction brings above it."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Organisation, Period, SolicitationCount
from matchmaker.services import asking_budgets
from matchmaker.services.asking_budgets import BudgetSpent
from tests.conftest import committing
from tests.factories import OrganisationFactory

# A Tuesday whose week lies in one month.
DAY = date(2026, 11, 10)


def test_a_week_and_a_month_are_counted(session: Session) -> None:
    organisation = OrganisationFactory(weekly_budget=2, monthly_budget=3)
    for _time in range(2):
        asking_budgets.take_one(organisation, day=DAY)

    with pytest.raises(BudgetSpent):
        asking_budgets.take_one(organisation, day=DAY)
    asking_budgets.take_one(organisation, day=DAY + timedelta(days=7))
    # A new week, and the same month.
    with pytest.raises(BudgetSpent):
        asking_budgets.take_one(organisation, day=DAY + timedelta(days=14))

    assert asking_budgets.left(organisation, day=DAY + timedelta(days=14)) == asking_budgets.Left(week=2, month=0)
    assert asking_budgets.left(organisation, day=date(2026, 12, 1)).now == 2


def test_all_of_what_is_asked_of_one_fits_or_nothing_does(session: Session) -> None:
    one, other = OrganisationFactory(weekly_budget=2), OrganisationFactory(weekly_budget=3)

    assert asking_budgets.take({one.id: 3, other.id: 3}, day=DAY) == {one.id}
    assert asking_budgets.counted([one.id, other.id], day=DAY) == {other.id: {Period.WEEK: 3, Period.MONTH: 3}}


def test_what_was_taken_back_gives_its_unit_back(session: Session) -> None:
    organisation = OrganisationFactory(weekly_budget=1)
    asking_budgets.take_one(organisation, day=DAY)

    asking_budgets.give_back({organisation.id: 1}, day=DAY)

    assert asking_budgets.left(organisation, day=DAY).now == 1
    asking_budgets.take_one(organisation, day=DAY)


def test_who_accepts_less_from_now_on_is_asked_no_more(session: Session) -> None:
    organisation = OrganisationFactory(weekly_budget=2)
    asking_budgets.take_one(organisation, day=DAY)
    organisation.weekly_budget = 1
    db.session.flush()

    with pytest.raises(BudgetSpent):
        asking_budgets.take_one(organisation, day=DAY)


def test_the_database_itself_refuses_one_too_many(session: Session) -> None:
    organisation = OrganisationFactory(weekly_budget=1)
    asking_budgets.take_one(organisation, day=DAY)

    with pytest.raises(IntegrityError, match="never_more_than_accepted"), session.begin_nested():
        session.execute(update(SolicitationCount).values(count=SolicitationCount.count + 1))


def test_of_eight_who_want_the_last_units_at_once_as_many_get_one_as_there_are(whole_app) -> None:
    with committing(whole_app):
        organisation_id = OrganisationFactory(weekly_budget=3, monthly_budget=6).id
        db.session.commit()
        together, got = threading.Barrier(8), []

        def work() -> None:
            with whole_app.app_context():
                organisation = db.session.get_one(Organisation, organisation_id)
                together.wait(30)
                try:
                    asking_budgets.take_one(organisation, day=DAY)
                    got.append(1)
                except BudgetSpent:
                    pass
                db.session.commit()
                db.session.remove()

        threads = [threading.Thread(target=work) for _number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(got) == 3
        assert sorted(db.session.execute(select(SolicitationCount.period, SolicitationCount.count)).all()) == [("month", 3), ("week", 3)]
