"""The embedded servers, for real: they start, answer, survive what happens to machines, and leave nothing behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from matchmaker.embedded import Postgres, start_postgres, start_valkey, temporary_servers
from matchmaker.embedded_places import remove

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parents[1]

STARTS_AND_WAITS = """
import sys, time
from pathlib import Path
from matchmaker.embedded import start_postgres, start_valkey
postgres, valkey = start_postgres(Path(sys.argv[1]), durable=False), start_valkey(Path(sys.argv[1]))
print("pids", postgres.process.pid, valkey.process.pid, flush=True)
time.sleep(60)
"""


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ask(postgres: Postgres, name: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "un dossier à nous" / "var" / "run"
    yield folder
    remove(folder)


def test_temporary_servers_answer_and_leave_nothing(tmp_path):
    with temporary_servers(tmp_path) as (postgres, valkey):
        url = postgres.create_database("croisee")
        ask(postgres, "croisee", "CREATE TABLE need (title text); INSERT INTO need VALUES ('Été à Évreux')")
        postgres.create_database("copy", template="croisee")

        assert url == postgres.url("croisee")
        assert ask(postgres, "copy", "SELECT lower(title) FROM need") == [("été à évreux",)]
        assert ask(postgres, "copy", "SELECT to_tsvector('french', 'bénévoles') @@ to_tsquery('french', 'bénévole')") == [(True,)]
        with redis.Redis.from_url(valkey.redis_url) as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
        sockets = postgres.place.sockets

    assert list(tmp_path.iterdir()) == []
    assert not sockets.exists()


def test_what_people_typed_stands_in_no_log_of_the_server(tmp_path):
    with temporary_servers(tmp_path) as (postgres, _valkey):
        ask(postgres, "postgres", "CREATE TABLE account (email text UNIQUE)")
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            for _twice in range(2):
                with contextlib.suppress(psycopg.errors.UniqueViolation):
                    connection.execute("INSERT INTO account VALUES (%s)", ["zoe@serin-jaune.test"])
        log = postgres.log.read_text()

    assert "duplicate key" in log
    assert "serin-jaune" not in log


def test_creating_a_database_that_exists_keeps_it(tmp_path):
    with temporary_servers(tmp_path) as (postgres, _valkey):
        postgres.create_database("croisee")
        ask(postgres, "croisee", "CREATE TABLE kept ()")

        postgres.create_database("croisee")

        assert ask(postgres, "croisee", "SELECT to_regclass('kept')::text") == [("kept",)]


def test_only_the_account_of_the_servers_may_use_their_sockets(tmp_path):
    with temporary_servers(tmp_path) as (postgres, _valkey):
        assert postgres.place.sockets.stat().st_mode & 0o077 == 0
        assert ask(postgres, "postgres", "SHOW listen_addresses") == [("",)]


def test_the_length_of_the_path_does_not_matter(tmp_path):
    deep = tmp_path.joinpath(*["a rather long name of a folder"] * 5)
    deep.mkdir(parents=True)
    with temporary_servers(deep) as (postgres, valkey):
        assert len(str(postgres.place.sockets)) < 90
        assert valkey.ready()


def test_servers_end_with_a_killed_parent_and_start_again_with_their_data(folder):
    first = start_postgres(folder)
    first.create_database("croisee")
    ask(first, "croisee", "CREATE TABLE kept ()")
    first.stop()
    parent = subprocess.Popen([sys.executable, "-c", STARTS_AND_WAITS, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with parent:
        pids = next([int(pid) for pid in line.split()[1:]] for line in parent.stdout if line.startswith("pids"))
        parent.kill()

    postgres, valkey = start_postgres(folder), start_valkey(folder)

    assert [pid for pid in pids if running(pid)] == []
    assert ask(postgres, "croisee", "SELECT to_regclass('kept')::text") == [("kept",)]
    assert valkey.ready()
    valkey.stop()
    postgres.stop()


@pytest.mark.parametrize("whose", ["nobody's", "another program's"])
def test_a_lock_file_left_by_a_crash_does_not_prevent_the_start(folder, whose):
    postgres = start_postgres(folder, durable=False)
    lock = postgres.place.data / "postgres" / "postmaster.pid"
    left_behind = lock.read_text().splitlines()
    postgres.stop()
    pid = os.getpid() if whose == "another program's" else 2**22 - 7
    lock.write_text("\n".join([str(pid), *left_behind[1:]]) + "\n")
    lock.chmod(0o644)

    again = start_postgres(folder, durable=False)

    assert again.ready()
    again.stop()


def test_a_killed_server_starts_again_at_the_same_address(folder):
    postgres = start_postgres(folder)
    url = postgres.create_database("croisee")
    os.kill(postgres.process.pid, signal.SIGKILL)
    assert postgres.collect() == -signal.SIGKILL

    postgres.start()

    assert postgres.create_database("croisee") == url
    assert ask(postgres, "croisee", "SELECT 1") == [(1,)]
    postgres.stop()


def test_what_a_killed_test_run_left_is_cleared_away(tmp_path):
    left = tmp_path / f"test-{2**22 - 7}"
    left.mkdir()
    other = tmp_path / f"test-{os.getppid()}"
    other.mkdir()

    with temporary_servers(tmp_path):
        assert not left.exists()
        assert other.exists()


def test_exec_gives_a_command_the_addresses_and_its_exit_code():
    script = "import os, psycopg, sys; psycopg.connect(os.environ['DATABASE_URL']).close(); print(os.environ['REDIS_URL']); sys.exit(7)"

    ran = subprocess.run([sys.executable, "-m", "matchmaker.embedded", "exec", "--", sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode == 7
    assert ran.stdout.splitlines()[-1].startswith("redis+socket:///")


def test_stopping_is_quick_even_with_an_open_connection(tmp_path):
    with temporary_servers(tmp_path) as (postgres, _valkey):
        connection = psycopg.connect(postgres.url("postgres"))
        began = time.monotonic()
        postgres.stop()
        connection.close()

    assert time.monotonic() - began < 10
