"""A real web server whose database is cut and whose broker is killed while people write: what was confirmed is kept, and it comes back alone."""

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

import psycopg
import pytest

from config import ROOT
from matchmaker.embedded import Postgres, Valkey, start_postgres, start_valkey
from matchmaker.embedded_places import remove
from matchmaker.models import Topic
from matchmaker.processes import Child, make_folder
from matchmaker.services import addresses
from matchmaker.supervisor import free_port

pytestmark = pytest.mark.processes
SECRET = "of a site that lasts a minute, thirty-two bytes at least"
# Seconds after which the site is itself again, and what a person calls « at once ».
BACK, AT_ONCE = 10.0, 3.0


@dataclass
class Answer:
    """Of the site; no code when nobody answered."""

    code: int | None
    headers: Message = field(default_factory=Message)
    text: str = ""
    seconds: float = 0.0


@dataclass
class Site:
    """Two web processes, PostgreSQL and Valkey of their own."""

    address: str
    database: str
    postgres: Postgres
    valkey: Valkey
    web: Child

    def ask(self, path: str, data: bytes | None = None) -> Answer:
        before = time.monotonic()
        try:
            with urllib.request.urlopen(self.address + path, data, timeout=30) as response:
                return Answer(response.status, response.headers, response.read().decode(), time.monotonic() - before)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read().decode(), time.monotonic() - before)
        except OSError as error:
            return Answer(None, text=str(error))

    def write(self, number: int) -> Answer:
        """One commit: an address of this number wants no more of these mails."""
        token = addresses.token(addresses.digest(f"contact-{number}@picoree.test"), Topic.DIGEST, SECRET)
        return self.ask(f"/courriels/refuser/{token}", b"List-Unsubscribe=One-Click")

    def kept(self) -> set[str]:
        with psycopg.connect(self.database) as connection:
            return {row[0] for row in connection.execute("SELECT address_hash FROM mail_objection")}

    def wait_until_ready(self, seconds: float) -> float:
        began = time.monotonic()
        while self.ask("/readyz").code != 200:
            assert time.monotonic() < began + seconds, self.web.tail()
            time.sleep(0.1)
        return time.monotonic() - began


@pytest.fixture
def site(worker_id: str) -> Iterator[Site]:
    folder = ROOT / "var" / f"lost-servers-{worker_id}"
    remove(folder)
    make_folder(folder)
    started: list[Child] = []
    try:
        postgres, valkey = start_postgres(folder), start_valkey(folder)
        started += [postgres, valkey]
        database, port = postgres.create_database("croisee"), free_port()
        env = os.environ | {"DATABASE_URL": database, "REDIS_URL": valkey.url, "SECRET_KEY": SECRET, "PUBLIC_URL": f"http://127.0.0.1:{port}", "DEMO": "0"}
        web = child(folder, "web", ["gunicorn", "wsgi:app", "--worker-class=gthread", "--workers=2", "--threads=4", f"--bind=127.0.0.1:{port}"], env)
        schema = child(folder, "schema", ["flask", "--app", "wsgi", "db", "upgrade"], env)
        schema.start()
        assert schema.process is not None
        assert schema.process.wait(120) == 0, schema.tail()
        web.start()
        started.append(web)
        one = Site(f"http://127.0.0.1:{port}", database, postgres, valkey, web)
        one.wait_until_ready(60)
        yield one
    finally:
        for server in reversed(started):
            server.stop()
        remove(folder)


def child(folder: Path, name: str, command: list[str], env: dict[str, str]) -> Child:
    return Child(name, [sys.executable, "-m", *command], log=folder / f"{name}.log", env=env, cwd=ROOT, death_signal=signal.SIGKILL)


@contextmanager
def people_writing(site: Site, *, count: int, writers: int = 3, pause: float = 0.15) -> Iterator[dict[int, Answer]]:
    """Several people write one thing after the other; number → what each was told, whole at the end."""
    told: dict[int, Answer] = {}

    def write(first: int) -> None:
        for number in range(first, count, writers):
            told[number] = site.write(number)
            time.sleep(pause)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        for thread in threads:
            thread.join()


def wait_for(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.02)


def hashes(numbers: set[int]) -> set[str]:
    return {addresses.digest(f"contact-{number}@picoree.test") for number in numbers}


def test_a_database_that_is_cut_while_people_write_loses_nothing_that_was_confirmed(site: Site) -> None:
    with people_writing(site, count=90) as told:
        wait_for(lambda: len(told) >= 15)
        assert site.postgres.process is not None
        # An immediate shutdown: every session is cut, nothing is written down first.
        os.kill(site.postgres.process.pid, signal.SIGQUIT)
        site.postgres.collect()
        meanwhile = {path: site.ask(path) for path in ("/healthz", "/readyz", "/annuaire")}
        site.postgres.start()
        seconds = site.wait_until_ready(BACK)

    confirmed = {number for number, answer in told.items() if answer.code == 200}
    refused = [answer for answer in told.values() if answer.code != 200]
    assert hashes(confirmed) <= site.kept()
    assert {answer.code for answer in refused} == {503}
    assert all(answer.headers["Retry-After"] and "Traceback" not in answer.text and "psycopg" not in answer.text for answer in refused)
    assert {path: answer.code for path, answer in meanwhile.items()} == {"/healthz": 200, "/readyz": 503, "/annuaire": 503}
    assert seconds <= BACK
    # The same process as before finds the database again.
    assert site.web.process is not None
    assert site.web.process.poll() is None
    assert site.write(90).code == 200


def test_a_broker_that_is_killed_while_people_write_is_not_missed(site: Site) -> None:
    with people_writing(site, count=30) as told:
        wait_for(lambda: len(told) >= 9)
        site.valkey.collect()
        meanwhile = {path: site.ask(path) for path in ("/healthz", "/readyz", "/annuaire", "/connexion")}
        wait_for(lambda: len(told) >= 20)
        site.valkey.start()

    assert {answer.code for answer in told.values()} == {200}
    assert hashes(set(told)) == site.kept()
    assert max(answer.seconds for answer in (*told.values(), *meanwhile.values())) <= AT_ONCE
    assert {answer.code for answer in meanwhile.values()} == {200}
    assert site.ask("/readyz").code == 200
