"""A real copy of the database, and what comes out of it: all that was there, but nobody who was erased since, and no open session."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import func, select, update

from config import ROOT
from matchmaker import backups
from matchmaker.embedded_places import remove
from matchmaker.extensions import db
from matchmaker.models import AccountToken, ErasureRequest, Organisation, OutboxMail, TokenPurpose, User, UserSession
from matchmaker.models.base import now
from matchmaker.services import account_tokens, personal_data_erased, personal_data_erasing, sessions
from matchmaker.web.settings import mail_settings
from tasks.personal_data import erase_due
from tests.canary import make_canary, traces
from tests.conftest import TEMPLATE, new_database, redis_url
from tests.factories import UserFactory
from tests.test_faults import running

pytestmark = pytest.mark.processes
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    return tmp_path / "erasures.txt"


@pytest.fixture
def site(worker_id: str, list_file: Path) -> Iterator[Flask]:
    with running(new_database(f"croisee_backups_{worker_id}"), redis_url(), ERASURES_FILE=str(list_file)) as app:
        yield app


def empty_database(name: str) -> str:
    address = os.environ["CROISEE_TEST_DATABASE"]
    with psycopg.connect(address.replace(TEMPLATE, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return address.replace(TEMPLATE, name)


@pytest.fixture
def empty(worker_id: str) -> str:
    return empty_database(f"croisee_restored_{worker_id}")


def erased(*people: User) -> None:
    """Each asked for it, and their days came, in this order."""
    for number, person in enumerate(people):
        personal_data_erasing.ask(person, settings=mail_settings())
        due = now() - timedelta(hours=1) + timedelta(minutes=number)
        db.session.execute(update(ErasureRequest).where(ErasureRequest.user_id == person.id).values(asked_at=due - timedelta(days=7), due_at=due))
    db.session.commit()
    for _person in people:
        erase_due()


def test_who_was_erased_after_the_copy_is_not_brought_back(site: Flask, empty: str, tmp_path: Path, list_file: Path) -> None:
    canary, leaving, other = make_canary(), UserFactory(email="partante@structure.test"), UserFactory()
    structure_id, closed_id, leaving_id, other_id = leaving.organisation_id, canary.organisation_id, leaving.id, other.id
    sessions.begin(other)
    account_tokens.issue(other, TokenPurpose.RESET)
    db.session.commit()
    structures = db.session.scalar(select(func.count()).select_from(Organisation))
    copy = backups.dump(db.engine.url.render_as_string(hide_password=False), tmp_path / "backups", at=AT)
    # Of this structure the copy knows one person only; since then there was another one, and it stays.
    UserFactory(organisation=leaving.organisation)
    db.session.commit()
    ids = [canary.id, leaving.id]
    erased(canary, leaving)
    assert [line.key for line in personal_data_erased.read(list_file)] == [ids[0], closed_id, ids[1]]

    backups.restore(copy, empty)

    with running(empty, redis_url(), ERASURES_FILE=str(list_file)) as restored:
        assert traces(), "the copy alone brings them back"
        assert db.session.scalar(select(func.count()).select_from(Organisation)) == structures
        mails = db.session.scalar(select(func.count()).select_from(OutboxMail))

        told = restored.test_cli_runner().invoke(args=["erasures", "replay"])

        assert (told.exit_code, told.output.splitlines()) == (
            0,
            ["Of 3 on the list of erasures, 2 had come back: erased again. All sessions and links of accounts are over."],
        )
        db.session.rollback()
        db.session.expire_all()
        assert traces() == {}
        assert (db.session.get(User, leaving_id), db.session.get(User, other_id) is not None) == (None, True)
        assert db.session.get_one(Organisation, structure_id).erased_at is None
        assert db.session.get_one(Organisation, closed_id).erased_at is not None
        assert db.session.scalars(select(UserSession)).all() == []
        assert db.session.scalars(select(AccountToken).where(AccountToken.ended_at.is_(None))).all() == []
        assert (db.session.scalar(select(func.count()).select_from(OutboxMail)) or 0) >= (mails or 0)
        again = restored.test_cli_runner().invoke(args=["erasures", "replay"])
        assert again.output.startswith("Of 3 on the list of erasures, 0 had come back")
        assert len(personal_data_erased.read(list_file)) == 3


def command(url: str, list_file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "of a rehearsal", "ERASURES_FILE": str(list_file), "REDIS_URL": redis_url()}
    return subprocess.run([sys.executable, "-m", "matchmaker.backups", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True)


def test_the_two_commands_do_all_of_it_and_refuse_in_words(site: Flask, empty: str, tmp_path: Path, list_file: Path) -> None:
    person = UserFactory(email="partante@structure.test")
    db.session.commit()
    url, person_id = db.engine.url.render_as_string(hide_password=False), person.id
    folder = tmp_path / "backups"
    made = command(url, list_file, "dump", str(folder))
    assert (made.returncode, made.stderr) == (0, "")
    copy = next(folder.iterdir())
    assert copy.stat().st_mode & 0o077 == 0, "for its owner's eyes only"

    refused = command(empty, list_file, "restore", str(copy))
    assert (refused.returncode, "no list of erasures" in refused.stderr) == (1, True)
    erased(person)
    half = tmp_path / "half.dump"
    half.write_bytes(copy.read_bytes()[:-5000])
    assert command(empty, list_file, "restore", str(half)).returncode == 1
    with psycopg.connect(backups.plain(empty)) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace").fetchone() == (0,)

    done = command(empty, list_file, "restore", str(copy))

    assert done.returncode == 0, done.stderr
    assert "1 had come back: erased again" in done.stdout
    assert "OUTBOX_HOLD=1" in done.stdout
    with psycopg.connect(backups.plain(empty)) as connection:
        assert connection.execute("SELECT count(*) FROM user_account WHERE id = %s", [person_id]).fetchone() == (0,)
    twice = command(empty, list_file, "restore", str(copy))
    assert (twice.returncode, "not empty: nothing was changed" in twice.stderr) == (1, True)
    assert command(url, list_file, "restore", "nowhere.dump").returncode == 1


def test_the_own_server_keeps_the_database_that_was_there(tmp_path: Path, list_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = backups.dump(os.environ["CROISEE_TEST_DATABASE"], tmp_path / "backups", at=AT)
    list_file.touch()
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ERASURES_FILE", str(list_file))
    monkeypatch.setattr(backups, "FOLDER", tmp_path / "var" / "run")
    try:
        with backups.own_server(is_alone=False) as server, psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE croisee")
            with psycopg.connect(server.url("croisee")) as present:
                present.execute("CREATE TABLE precious (id int)")
            # A file that is none, and a copy that is not whole, move nothing.
            half = tmp_path / "half.dump"
            half.write_bytes(copy.read_bytes()[:-5000])
            for wrong in (ROOT / "README.md", half):
                with pytest.raises(backups.BackupError):
                    backups.fill_in_place(wrong, server, at=AT)
                assert {row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'croisee%'")} == {"croisee"}
                with psycopg.connect(server.url("croisee")) as present:
                    assert present.execute("SELECT count(*) FROM precious").fetchone() == (0,)

            backups.fill_in_place(copy, server, at=AT)

            names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            assert names >= {"croisee", "croisee_before_20261123T020000"}
            with psycopg.connect(server.url("croisee")) as restored:
                row = restored.execute("SELECT count(*) FROM commune").fetchone()
            assert row is not None
            assert row[0] > 30_000
            # It is in use: a second copy asks the same server, and a restore waits until it is stopped.
            with backups.own_server(is_alone=False) as same:
                assert same.url("croisee") == server.url("croisee")
            assert backups.main(["restore", str(copy)]) == 1
            # What was put aside goes with the copies of its time: people who were erased since are in it.
            backups.forget_kept(server, at=AT + timedelta(days=34))
            assert "croisee_before_20261123T020000" in {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            backups.forget_kept(server, at=AT + timedelta(days=36))
            assert {row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'croisee%'")} == {"croisee"}
    finally:
        remove(tmp_path / "var" / "run")


def test_copies_older_than_35_days_go_and_other_files_stay(tmp_path: Path) -> None:
    for name in ("croisee-20261019T015959Z.dump", "croisee-20261019T020001Z.dump", "notes.txt"):
        (tmp_path / name).touch()

    made = backups.dump(os.environ["CROISEE_TEST_DATABASE"], tmp_path, at=AT)

    assert {path.name for path in tmp_path.iterdir()} == {"croisee-20261019T020001Z.dump", "notes.txt", made.name}


def test_the_list_keeps_what_a_restored_log_has_lost_and_forgets_after_a_year(site: Flask, list_file: Path) -> None:
    old = [f"{now().date() - timedelta(days=days)} user_account 00000000-0000-4000-8000-00000000000{days % 10}" for days in (400, 300)]
    list_file.write_text("\n".join(old) + "\n")

    assert personal_data_erased.keep(list_file, at=now()) == 0
    erased(UserFactory())

    lines = list_file.read_text().splitlines()
    assert lines[0] == old[1]
    assert [line.split()[1] for line in lines] == ["user_account", "user_account", "organisation"]
    assert list_file.stat().st_mode & 0o077 == 0


def test_a_list_that_cannot_be_written_stops_no_erasure_and_is_told(site: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a file").touch()
    site.config["ERASURES_FILE"] = str(tmp_path / "a file" / "erasures.txt")
    person = UserFactory()
    db.session.commit()
    person_id = person.id

    erased(person)

    assert db.session.get(User, person_id) is None
    assert "the list of erasures cannot be written" in caplog.text


@pytest.mark.parametrize(("content", "told"), [(None, "There is no"), ("2026-11-23 need x\n", "is no list of erasures"), ("%PDF", "is no list of erasures")])
def test_without_a_list_nothing_is_replayed(site: Flask, list_file: Path, content: str | None, told: str) -> None:
    if content is not None:
        list_file.write_text(content)

    answer = site.test_cli_runner().invoke(args=["erasures", "replay"])

    assert answer.exit_code == 1
    assert told in answer.output
