"""A rehearsal of failures with real processes: `python -m tests.rehearsal [--n N] [MODE…]`, which `./croisee drill` runs.

PostgreSQL, Valkey, Celery workers and beat of its own under var/drill, and an SMTP server that misbehaves. Invitations leave while
processes are killed; at the end every mail is looked for in what the SMTP server received. Developers' data are not touched.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from matchmaker.embedded import start_postgres, start_valkey
from matchmaker.embedded_places import remove
from matchmaker.processes import Child, make_folder
from tests.rehearsal_report import write
from tests.smtp_server import CUT, STALL, SmtpServer

ROOT = Path(__file__).resolve().parents[1]
# Each reached by one mail in twenty. All but the cut leave no doubt.
STORM = {
    ("mail", "451 4.3.0 later"): 0.05,
    ("rcpt", "450 4.2.0 greylisted"): 0.05,
    ("data", "452 4.3.1 full"): 0.05,
    ("content", CUT): 0.05,
    ("end", "what is this"): 0.05,
    ("connect", "421 4.3.2 busy"): 0.05,
}
# What the server does with a mail that it has taken, so that the client cannot know.
AMBIGUOUS = {("end", CUT), ("end", STALL)}
LONGEST_RECOVERY, SETTLED = 30.0, 120.0


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


@dataclass
class Verdict:
    """What became of the mails."""

    mode: str
    mails: int
    lost: int
    given_up: int
    duplicates: int
    unflagged: int
    strange: int
    flagged: int
    bound: int
    still_open: int
    still_due: int
    seconds: float
    settled_after: float | None
    deeds: list[Deed] = field(default_factory=list)
    faults: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def slowest_recovery(self) -> float:
        return max((deed.recovered_after if deed.recovered_after is not None else float("inf") for deed in self.deeds), default=0.0)

    @property
    def is_good(self) -> bool:
        bad = self.lost or self.given_up or self.unflagged or self.strange or self.still_due or self.duplicates > self.bound
        return not bad and self.slowest_recovery <= LONGEST_RECOVERY


class Rehearsal:
    """The processes of one rehearsal."""

    server: SmtpServer

    def __init__(self, folder: Path, port: int, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.deeds: list[Deed] = []
        self.workers: list[Child] = []
        self.processes = 2
        self.count = 0
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
        self.say(f"  ended in {time.monotonic() - began:.1f} s")
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

    # Watching

    def arrived(self) -> int:
        return len({received.recipients for received in self.server.received})

    def wait_for(self, done: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def wait_for_mails(self, count: float) -> None:
        self.wait_for(lambda: self.arrived() >= count, 300)

    def do(self, name: str) -> None:
        """Do it, and wait until a new mail arrives."""
        began, already = time.monotonic(), self.arrived()
        senders = getattr(self, name)()
        before = self.arrived()
        deed = Deed(name, senders, began, meanwhile=before - already)
        self.deeds.append(deed)
        if before == self.count:
            # There is nothing left to wait for.
            deed.recovered_after = 0.0
        elif self.wait_for(lambda: self.arrived() > before, 3 * LONGEST_RECOVERY):
            deed.recovered_after = time.monotonic() - began
        self.say(f"  {name} at {before} mails: next one after {deed.recovered_after or float('inf'):.1f} s")

    def rows(self) -> list[tuple[bytes, str, bool, bool, int]]:
        """Every mail: bytes, state, flag, is it due, how often was it tried."""
        query = "SELECT message, status, is_maybe_twice, status = 'sending' OR (status = 'queued' AND not_before <= now()), attempts FROM outbox_mail"
        with psycopg.connect(self.database) as connection:
            return connection.execute(query).fetchall()

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


# What each mode does, spread evenly over the mails, and with how many workers and beats.
FULL = ["kill_worker", "kill_pool_process"] * 10
FULL[3:3], FULL[10:10], FULL[17:17] = ["kill_broker", "restart_postgres"], ["flush_broker", "restart_postgres"], ["kill_broker", "restart_postgres"]
MODES: dict[str, tuple[list[str], int, int]] = {
    "full": (FULL, 1, 1),
    "storm": ([], 1, 1),
    "quiet": ([], 1, 1),
    "term": (["end_worker"] * 10, 1, 1),
    "two_beats": ([], 1, 2),
    "two_workers": ([], 2, 1),
    # For every run of the tests.
    "two_workers_and_beats": ([], 2, 2),
    "deployments": (["end_worker"] * 2, 1, 1),
    "short": (["kill_worker", "kill_broker", "kill_worker", "restart_postgres", "kill_worker"], 1, 1),
}

MAILS_OF = {"term": 2000}
BEFORE_A_RELEASE = ("full", "storm", "quiet", "term", "two_beats", "two_workers")


def rehearse(mode: str, count: int, folder: Path, say: Callable[[str], None] = print) -> Verdict:
    """Send so many mails while the deeds of the mode are done, and look for each of them."""
    deeds, workers, beats = MODES[mode]
    with rehearsal(folder, say) as one:
        one.flask("drill", "reset")
        count = int(one.flask("drill", "seed", "--n", str(count)).split()[-1])
        one.count = count
        say(f"{mode}: {count} mails queued")
        if mode in ("full", "storm"):
            one.server.fail_at_random(STORM)
        # A relay that takes its time, so that processes die with a mail in their hands. A worker that is asked to stop ends its turn of
        # some seconds first: slower still, or all mails would have left before the second one.
        one.server.latency = 0.05 if "end_worker" in deeds else 0.005
        began = time.monotonic()
        one.start(workers=workers, beats=beats)
        for number, deed in enumerate(deeds, 1):
            # The last quarter belongs to nobody: what was put off comes back then.
            one.wait_for_mails(0.75 * count * number / (len(deeds) + 1))
            one.do(deed)
        if mode == "storm":
            one.wait_for_mails(0.75 * count)
        one.server.fail_at_random({})
        calm = time.monotonic()
        is_settled = one.wait_for(lambda: one.open() == 0, SETTLED)
        settled_after = time.monotonic() - calm if is_settled else None
        still_open, still_due = one.open(), one.open(only_due=True)
        if not is_settled:
            say(f"  {still_open} not sent {SETTLED:.0f} s after the last fault, {still_due} of them due; waiting for the retries")
            one.wait_for(lambda: one.open() == 0, 900)
        seconds = time.monotonic() - began
        return judge(mode, one, seconds=seconds, settled_after=settled_after, still_open=still_open, still_due=still_due)


def judge(mode: str, one: Rehearsal, *, seconds: float, settled_after: float | None, still_open: int, still_due: int) -> Verdict:
    """Hold what was received against what the database says."""
    rows = one.rows()
    got = Counter(received.content for received in one.server.received)
    flagged = {message for message, _, is_maybe_twice, _, _ in rows if is_maybe_twice}
    faults = one.server.done
    return Verdict(
        mode=mode,
        mails=len(rows),
        lost=sum(message not in got for message, status, *_ in rows if status == "sent") + sum(status in ("queued", "sending") for _, status, *_ in rows),
        given_up=sum(status == "failed" for _, status, *_ in rows),
        duplicates=sum(times - 1 for times in got.values()),
        unflagged=sum(times > 1 and message not in flagged for message, times in got.items()),
        strange=len(set(got) - {message for message, *_ in rows}),
        flagged=len(flagged),
        bound=sum(deed.senders for deed in one.deeds) + sum(times for fault, times in faults.items() if fault in AMBIGUOUS),
        still_open=still_open,
        still_due=still_due,
        seconds=seconds,
        settled_after=settled_after,
        deeds=one.deeds,
        faults=dict(faults),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="./croisee drill", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("modes", nargs="*", choices=[*MODES, []], help="what to rehearse; without a name, what is rehearsed before a release")
    parser.add_argument("--n", type=int, default=5000, help="mails of the mode full, or of the only mode that is named")
    parser.add_argument("--others", type=int, default=1000, help="mails of each other mode, at least")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "drill")
    parser.add_argument("--save", action="store_true", help="write docs/figures/drill.md")
    arguments = parser.parse_args()
    # Whoever ends it, its processes end with it and its folder goes.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
    verdicts = []
    modes = arguments.modes or BEFORE_A_RELEASE
    for mode in modes:
        count = arguments.n if mode == "full" or len(modes) == 1 else max(arguments.others, MAILS_OF.get(mode, 0))
        verdicts.append(rehearse(mode, count, arguments.folder, lambda line: print(line, flush=True)))
        write(verdicts, sys.stdout, short=True)
        if arguments.save:
            path = ROOT / "docs" / "figures" / "drill.md"
            path.parent.mkdir(exist_ok=True)
            with path.open("w") as file:
                write(verdicts, file)
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
