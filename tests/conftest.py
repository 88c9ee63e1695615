"""One PostgreSQL and one Valkey per run, one database per worker made from a template, one transaction per test."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from celery import signals
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from psycopg import sql
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from config import ROOT, TestConfig
from matchmaker.app import create_app
from matchmaker.embedded import temporary_servers
from matchmaker.extensions import db
from matchmaker.models import Base, RelayState, User
from matchmaker.services import sessions, territories

TEMPLATE = "croisee_template"
# Tables that the template fills.
FILLED = ("commune", "relay_state", "territory")
stack = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that starts the workers; they find their addresses in the environment."""
    if hasattr(config, "workerinput") or "CROISEE_TEST_DATABASE" in os.environ:
        return
    postgres, valkey = stack.enter_context(temporary_servers(ROOT / "var"))
    os.environ["CROISEE_TEST_DATABASE"] = postgres.create_database(TEMPLATE)
    os.environ["CROISEE_TEST_REDIS"] = valkey.url
    fill_template(os.environ["CROISEE_TEST_DATABASE"])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        stack.close()


def fill_template(url: str) -> None:
    """What every test finds: the schema, the communes of France, the territories of Normandy."""
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=url, REDIS_URL=os.environ["CROISEE_TEST_REDIS"])
    with app.app_context():
        upgrade()
        territories.load_communes()
        territories.load_region("28")
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def new_database(name: str) -> str:
    """A copy of the template, under this name. Returns its address."""
    template = os.environ["CROISEE_TEST_DATABASE"]
    address = template.replace(TEMPLATE, "postgres").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    return template.replace(TEMPLATE, name)


def redis_url() -> str:
    return os.environ["CROISEE_TEST_REDIS"]


@pytest.fixture(scope="session")
def database_url(worker_id: str) -> str:
    return new_database(f"croisee_{worker_id}")


@pytest.fixture(scope="session")
def whole_app(database_url: str) -> Iterator[Flask]:
    """The application with its own database; tests use ``app``, which undoes what they wrote."""
    celery = {**TestConfig.CELERY, "broker_url": redis_url()}
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=database_url, REDIS_URL=redis_url(), CELERY=celery)
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def committing(app: Flask) -> Iterator[Flask]:
    """The application with real commits, for tests with several sessions or processes; what they wrote is removed afterwards."""
    with app.app_context():
        try:
            yield app
        finally:
            db.session.rollback()
            # What is only ever added to goes too: the triggers that keep it are off for this transaction.
            db.session.execute(text("SET LOCAL session_replication_role = 'replica'"))
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in FILLED:
                    db.session.execute(delete(table))
            db.session.execute(update(RelayState).values(failures=0, closed_until=None, probed_by=None))
            db.session.commit()
            db.session.remove()
            db.engine.dispose()


class Client(FlaskClient):
    """Each request has an application context of its own: a view that forgot to commit leaves nothing behind."""

    def open(self, *args: object, **kwargs: object):  # type: ignore[no-untyped-def]
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def sign_in(self, user: User) -> None:
        """Sign in without the page: a session as the login view leaves it."""
        with self.application.app_context():
            key = sessions.begin(user)
            db.session.commit()
        with self.session_transaction() as session:
            session["_user_id"] = str(user.id)
            session["key"] = key
            session["_fresh"] = True


@pytest.fixture(autouse=True)
def _one_celery(request: pytest.FixtureRequest) -> None:
    """Shared tasks belong to the application made last; a test that made another one must not keep them."""
    if "whole_app" in request.fixturenames:
        celery = request.getfixturevalue("whole_app").extensions["celery"]
        celery.set_default()
        celery.set_current()


@pytest.fixture
def app(whole_app: Flask) -> Iterator[Flask]:
    """The application, in a transaction that is rolled back: commits of the code under test release a savepoint."""
    whole_app.test_client_class = Client
    with whole_app.app_context():
        engines = db._app_engines[whole_app]
        engine = engines[None]
        connection = engine.connect()
        transaction = connection.begin()
        connection.begin_nested()
        engines[None] = connection
        try:
            yield whole_app
        finally:
            db.session.remove()
            transaction.rollback()
            connection.close()
            engines[None] = engine


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session


@pytest.fixture
def client(app: Flask) -> Client:
    return app.test_client()


@pytest.fixture
def nudged(app: Flask) -> Iterator[list[tuple[object, ...]]]:
    """What was asked of the queue, as (task name, arguments…)."""
    asked: list[tuple[object, ...]] = []

    def record(sender: str, body: tuple[object, ...], **_ignored: object) -> None:
        asked.append((sender, *body[0]))

    signals.before_task_publish.connect(record)
    yield asked
    signals.before_task_publish.disconnect(record)


@pytest.fixture
def queries(app: Flask) -> Iterator[list[str]]:
    """The statements that are sent to the database."""
    from sqlalchemy import event

    sent: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append(statement)

    connection = db._app_engines[app][None]
    event.listen(connection, "before_cursor_execute", record)
    yield sent
    event.remove(connection, "before_cursor_execute", record)
