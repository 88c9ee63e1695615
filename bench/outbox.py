"""How fast mails leave, against the ceiling: `python -m bench.outbox [--n N] [--save]`.

The ceiling hands the same prebuilt bytes to the same SMTP server over one reused connection, in one process that does nothing else.
The outbox does what it does in production: rows, claims and commits in a database that syncs to disk, two processes of a Celery worker.
Both in one run, in turns; the ratio is what counts.
"""

import argparse
import multiprocessing
import os
import platform
import smtplib
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
from aiosmtpd.controller import Controller

from matchmaker.embedded_places import remove
from matchmaker.supervisor import free_port
from tests.rehearsal_processes import Rehearsal
from tests.smtp_server import SmtpServer

ROOT = Path(__file__).resolve().parents[1]
GOAL = 0.5


class Sink:
    """The SMTP server, in a process of its own: it shares no interpreter with whom it is measured against."""

    def __init__(self, kind: str) -> None:
        self.pipe, far = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=[far, kind], daemon=True)
        self.process.start()
        self.port = int(self.pipe.recv())

    def arrived(self) -> tuple[int, float, float]:
        """How many since the last time it was emptied, and the seconds of the first and of the last."""
        self.pipe.send("count")
        return self.pipe.recv()

    def empty(self) -> None:
        self.pipe.send("empty")
        self.pipe.recv()

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()


class Received:
    """The times at which mails came, for aiosmtpd."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def handle_DATA(self, _server: object, _session: object, _envelope: object) -> str:  # noqa: N802 (aiosmtpd's name)
        self.times.append(time.monotonic())
        return "250 taken"


def serve(pipe: Connection, kind: str) -> None:
    with ExitStack() as stack:
        if kind == "bare":
            server = stack.enter_context(SmtpServer())
            port = server.port
        else:
            handler = Received()
            port = free_port()
            controller = Controller(handler, hostname="127.0.0.1", port=port, server_hostname="localhost")
            controller.start()
            stack.callback(controller.stop)
        pipe.send(port)
        while True:
            asked = pipe.recv()
            times = [received.at for received in server.received] if kind == "bare" else handler.times
            pipe.send(None if asked == "empty" else (len(times), times[0] if times else 0.0, times[-1] if times else 0.0))
            if asked == "empty":
                (server.received if kind == "bare" else handler.times).clear()


def ceiling(mails: list[tuple[str, bytes]], port: int) -> float:
    """Mails in a second."""
    began = time.monotonic()
    with smtplib.SMTP("127.0.0.1", port, local_hostname="croisee.test") as client:
        for recipient, message in mails:
            client.sendmail("bonjour@croisee.test", recipient, message)
    return len(mails) / (time.monotonic() - began)


def outbox(one: Rehearsal, sink: Sink, count: int) -> float:
    """Mails in a second, from the first that arrives to the last."""
    with psycopg.connect(one.database, autocommit=True) as connection:
        # Back to the queue, as they were on the first day: the trigger lets nobody do that, so that they are made anew.
        connection.execute("CREATE TEMP TABLE again AS SELECT * FROM outbox_mail")
        connection.execute("TRUNCATE outbox_mail, domain_pace CASCADE")
        columns = "idempotency_key, kind, recipient, organisation_id, subject, message_id, message, useless_after"
        connection.execute(
            f"INSERT INTO outbox_mail ({columns}, status, attempts, not_before, is_maybe_twice, last_error, created_at, changed_at)"
            f" SELECT {columns}, 'queued', 0, now(), false, '', now(), now() FROM again ORDER BY id"
        )
        connection.execute("DROP TABLE again")
    wait(lambda: sink.arrived()[0] >= count, 600)
    arrived, first, last = sink.arrived()
    return (arrived - 1) / (last - first)


def wait(done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            sys.exit("The mails do not arrive.")
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="mails in each turn")
    parser.add_argument("--turns", type=int, default=5)
    kinds = ("aiosmtpd", "bare")
    parser.add_argument("--server", choices=kinds, default=kinds[0], help="aiosmtpd parses as servers do; bare answers as fast as Python can")
    parser.add_argument("--save", action="store_true", help="write docs/figures/outbox.md")
    options = parser.parse_args()
    folder = ROOT / "var" / "bench-outbox"
    remove(folder)
    sink = Sink(options.server)
    one = Rehearsal(folder, sink.port, print)
    try:
        one.flask("drill", "reset")
        one.flask("drill", "seed", "--n", str(options.n))
        with psycopg.connect(one.database) as connection:
            mails = connection.execute("SELECT recipient, message FROM outbox_mail ORDER BY id").fetchall()
        one.start()
        wait(lambda: sink.arrived()[0] >= options.n, 600)
        wait(lambda: one.open() == 0, 30)
        rows = []
        sink.empty()
        before = ceiling(mails, sink.port)
        for _ in range(options.turns):
            sink.empty()
            ours = outbox(one, sink, options.n)
            sink.empty()
            after = ceiling(mails, sink.port)
            # Others use the machine too: what it could do meanwhile lies between what it could do before and after.
            most, before = (before + after) / 2, after
            rows.append((most, ours, ours / most))
            print(f"ceiling {most:7.1f} mails/s   outbox {ours:7.1f} mails/s   ratio {ours / most:.2f}", flush=True)
    finally:
        one.stop()
        sink.stop()
        remove(folder)
    ratio = statistics.median(row[2] for row in rows)
    print(f"median ratio {ratio:.2f} (goal {GOAL})")
    if options.save:
        save(rows, ratio, options)
    sys.exit(ratio < GOAL)


def save(rows: list[tuple[float, float, float]], ratio: float, options: argparse.Namespace) -> None:
    lines = [f"| {most:.0f} | {ours:.0f} | {share:.2f} |" for most, ours, share in rows]
    path = ROOT / "docs" / "figures" / "outbox.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"# How fast mails leave\n\nMade by `./croisee bench outbox --save` on {datetime.now(UTC):%Y-%m-%d}, with {os.cpu_count()} cores shared with others,"
        f" Python {platform.python_version()}: {options.n} invitations a turn, from the first that arrives\nto the last, to {options.server}."
        " The ceiling is one process that hands "
        "prebuilt bytes to the same SMTP server over one reused connection, before and after each turn (their mean);"
        " the outbox is a Celery worker of two processes and a database that syncs.\n\n"
        "| ceiling, mails/s | outbox, mails/s | ratio |\n|---|---|---|\n" + "\n".join(lines) + f"\n\nMedian ratio: **{ratio:.2f}** (goal {GOAL}).\n"
    )


if __name__ == "__main__":
    main()
