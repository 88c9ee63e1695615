"""The processes of a rehearsal of failures, what is done to them, and what is seen of the mails meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from matchmaker.embedded import start_postgres, start_valkey
from matchmaker.embedded_places import remove
from matchmaker.processes import Child, make_folder
from tests.smtp_server import SmtpServer

ROOT = Path(__file__).resolve().parents[1]
LONGEST_RECOVERY = 30.0


@dataclass
class Deed:
    """Something done to the processes, and how long no new mail arrived afterwards."""

    what: str
    # Processes that may have had a mail in their hands.
    senders: int
    at: float
    # Mails that arrived for the first time while it was being done.
    meanwhile: int = 0
    recovered_after: float | None = None


@dataclass(frozen=True)
class Row:
    """A mail as the database has it."""

    message: bytes
    status: str
    is_maybe_twice: bool
    attempts: int
    # Seconds of time.time.
    created_at: float


class Rehearsal:
    """The processes of one rehearsal."""

    server: SmtpServer

    def __init__(self, folder: Path, port: int, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.deeds: list[Deed] = []
        self.workers: list[Child] = []
        self.processes = 2
        self.count = 0
        # How long the relay is away when it goes, and how often in a row workers were seen to find it so.
        self.outage_seconds, self.most_failures = 30.0, 0
        # The longest that a worker took to end when it was asked to.
        self.longest_end = 0.0
        make_folder(folder / "log")
        self.postgres = start_postgres(folder)
        self.valkey = start_valkey(folder)
        self.database = self.postgres.create_database("croisee_drill")
        self.env = os.environ | {
            "DATABASE_URL": self.database,
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": "of a rehearsal, whose links lead nowhere",
            "PUBLIC_URL": "http://127.0.0.1:9",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SMTP_TIMEOUT": "10",
            "DRILL": "1",
            "DEMO": "0",
        }

    def flask(self, *words: str) -> str:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        return subprocess.run(command, cwd=ROOT, env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout

    def child(self, name: str, *words: str) -> Child:
        command = [sys.executable, "-m", "celery", "-A", "wsgi:celery_app", *words, "--loglevel=WARNING"]
        child = Child(name, command, log=self.folder / "log" / f"{name}.log", env=self.env, cwd=ROOT, death_signal=signal.SIGKILL)
        child.patience = 60.0
        child.start()
        return child

    def start(self, *, workers: int = 1, beats: int = 1) -> None:
        options = ["-Q", "mail", f"--concurrency={self.processes}"]
        self.workers = [self.child(f"worker-{number}", "worker", *options, "-n", f"drill-{number}@%h") for number in range(workers)]
        self.beats = [self.child(f"beat-{number}", "beat", "--pidfile=", "--schedule", str(self.folder / f"beat-{number}")) for number in range(beats)]

    def stop(self) -> None:
        for child in [*getattr(self, "beats", []), *self.workers, self.valkey, self.postgres]:
            child.stop()

    # What is done to the processes. Each returns how many senders it may have caught with a mail in their hands.

    def kill_worker(self) -> int:
        """kill -9 for the worker and all of its pool; what watches over it starts it again."""
        self.workers[0].collect()
        self.workers[0].start()
        return self.processes

    def kill_pool_process(self) -> int:
        """kill -9 for one process of the pool; the worker itself makes a new one."""
        pool = children_of(self.workers[0])
        if pool:
            os.kill(pool[0], signal.SIGKILL)
        return 1

    def end_worker(self) -> int:
        """SIGTERM to the main process, as at a deployment: it ends its turn, and nobody dies with a mail in hand."""
        began = time.monotonic()
        self.workers[0].stop()
        self.longest_end = max(self.longest_end, time.monotonic() - began)
        self.workers[0].start()
        return 0

    def kill_broker(self) -> int:
        self.valkey.collect()
        self.valkey.start()
        return 0

    def flush_broker(self) -> int:
        with redis.Redis.from_url(self.valkey.redis_url) as client:
            client.flushall()
        return 0

    def restart_postgres(self) -> int:
        """An immediate shutdown: every session is cut, nothing is written down first."""
        assert self.postgres.process is not None
        os.kill(self.postgres.process.pid, signal.SIGQUIT)
        while not self.postgres.exited():
            time.sleep(0.01)
        self.postgres.collect()
        self.postgres.start()
        return self.processes * len(self.workers)

    def outage(self) -> int:
        """The relay is stopped for a while: every line breaks, and nobody answers."""
        self.server.go_away()
        until = time.monotonic() + self.outage_seconds
        while time.monotonic() < until:
            self.most_failures = max(self.most_failures, self.relay_failures())
            time.sleep(0.1)
        self.server.come_back()
        return self.processes * len(self.workers)

    # Watching

    def arrived(self) -> int:
        return len({received.recipients for received in self.server.received})

    def wait_for(self, done: Callable[[], bool], seconds: float, *, pause: float = 0.02) -> bool:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                return False
            time.sleep(pause)
        return True

    def wait_for_mails(self, count: float) -> None:
        self.wait_for(lambda: self.arrived() >= count, 300)

    def do(self, name: str) -> None:
        """Do it, and wait until a new mail arrives."""
        began, already = time.monotonic(), self.arrived()
        senders = getattr(self, name)()
        if name == "outage":
            # Nothing can arrive before it is over.
            began += self.outage_seconds
        before = self.arrived()
        deed = Deed(name, senders, began, meanwhile=before - already)
        self.deeds.append(deed)
        if before == self.count:
            # There is nothing left to wait for.
            deed.recovered_after = 0.0
        elif self.wait_for(lambda: self.arrived() > before, 3 * LONGEST_RECOVERY):
            deed.recovered_after = time.monotonic() - began
        self.say(f"  {name} at {before} mails: next one after {deed.recovered_after or float('inf'):.1f} s")

    def rows(self) -> list[Row]:
        query = "SELECT message, status, is_maybe_twice, attempts, extract(epoch FROM created_at)::float FROM outbox_mail"
        with psycopg.connect(self.database) as connection:
            return [Row(*values) for values in connection.execute(query)]

    def relay_failures(self) -> int:
        """How often in a row the relay took nothing; 0 when all may send."""
        with psycopg.connect(self.database) as connection:
            return connection.execute("SELECT failures FROM relay_state").fetchone()[0]  # type: ignore[index]

    def open(self, *, only_due: bool = False) -> int:
        due = " AND (status = 'sending' OR not_before <= now())" if only_due else ""
        query = f"SELECT count(*) FROM outbox_mail WHERE status IN ('queued', 'sending'){due}"
        try:
            with psycopg.connect(self.database) as connection:
                return connection.execute(query).fetchone()[0]  # type: ignore[index]
        except psycopg.OperationalError:
            return -1


def children_of(child: Child) -> list[int]:
    """The processes of a worker's pool."""
    assert child.process is not None
    path = Path(f"/proc/{child.process.pid}/task/{child.process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


@contextmanager
def rehearsal(folder: Path, say: Callable[[str], None]) -> Iterator[Rehearsal]:
    remove(folder)
    with ExitStack() as stack:
        server = stack.enter_context(SmtpServer())
        stack.callback(remove, folder)
        one = Rehearsal(folder, server.port, say)
        one.server = server
        stack.callback(one.stop)
        yield one
