"""What a connection to the database may not do: rest in a transaction, run for ever, or say in an error what people typed."""

import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from config import Config
from matchmaker.extensions import compute_at_length, db
from matchmaker.models import PoolingRun, User
from matchmaker.models.base import today
from matchmaker.services import asking, job_dating_plans, matching, pools_runs
from matchmaker.web.settings import mail_settings
from tests.conftest import new_database, redis_url
from tests.factories import FractionFactory, JobDatingFactory, NeedFactory, OfferFactory, UserFactory, departement, venue
from tests.test_faults import running


def setting(name: str) -> str:
    return str(db.session.scalar(text("SELECT current_setting(:name)").bindparams(name=name)))


def test_a_connection_has_an_end_to_everything(app: Flask) -> None:
    names = ("idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout", "TimeZone", "tcp_keepalives_idle")

    assert [setting(name) for name in names[:4]] == ["6min", "1min", "5s", "UTC"]
    told = Config.SQLALCHEMY_ENGINE_OPTIONS["connect_args"]["options"]
    assert "idle_in_transaction_session_timeout=30s" in told
    assert "tcp_keepalives_idle=10" in told


@pytest.fixture
def impatient(worker_id: str) -> Iterator[Flask]:
    """A site whose connections may rest for a third of a second."""
    options = Config.SQLALCHEMY_ENGINE_OPTIONS
    patience = options["connect_args"]["options"].replace("idle_in_transaction_session_timeout=30s", "idle_in_transaction_session_timeout=300ms")
    changed = {**options, "connect_args": {**options["connect_args"], "options": patience}}
    with running(new_database(f"croisee_idle_{worker_id}"), redis_url(), SQLALCHEMY_ENGINE_OPTIONS=changed) as site:
        yield site


def rest() -> None:
    db.session.scalar(text("SELECT 1"))
    time.sleep(0.8)
    db.session.scalar(text("SELECT 1"))


def test_who_rests_in_a_transaction_is_ended_and_who_computes_is_not(impatient: Flask) -> None:
    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        rest()
    db.session.rollback()

    compute_at_length()
    rest()
    db.session.commit()

    with pytest.raises(DBAPIError, match="idle-in-transaction"):
        rest()
    db.session.rollback()


def test_all_that_computes_at_length_says_so(app: Flask) -> None:
    """Their row is locked meanwhile: who finds it unlocked takes it up."""
    NeedFactory()
    OfferFactory()
    FractionFactory()
    for act in (
        lambda: matching.rematch(departement("61"), today=today()),
        lambda: pools_runs.recompose(departement("61")),
        lambda: asking.ask(departement("61"), day=today(), settings=mail_settings()),
        plan_a_large_one,
    ):
        db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '30s'"))
        act()
        assert setting("idle_in_transaction_session_timeout") == "6min"
    assert db.session.scalars(select(PoolingRun)).one().is_over


def plan_a_large_one() -> None:
    dating = JobDatingFactory(venue=venue())
    dating.plan_due_at = dating.starts_at
    db.session.flush()
    assert job_dating_plans.plan_due() == dating.id


def test_an_error_says_nothing_of_what_was_typed(app: Flask) -> None:
    user: User = UserFactory(email="zoe@serin-jaune.test")
    db.session.flush()

    with pytest.raises(IntegrityError) as refused, db.session.begin_nested():
        db.session.execute(text("INSERT INTO user_account (id, email) VALUES (gen_random_uuid(), :email)"), {"email": "secret@serin-jaune.test"})

    assert user.email
    assert "[SQL parameters hidden" in str(refused.value)
