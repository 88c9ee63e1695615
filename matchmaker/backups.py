"""`./croisee backup` and `./croisee restore`: a copy of the database in a file, and the database from such a file.

    python -m matchmaker.backups dump FOLDER
    python -m matchmaker.backups restore FILE

Of the database of DATABASE_URL, or of the one that `./croisee run` keeps under var/. After a restore whoever was erased since is erased again.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from matchmaker.embedded import Postgres, start_postgres
from matchmaker.embedded_places import EmbeddedError, settle
from matchmaker.processes import hand_over, make_folder
from matchmaker.supervisor import ROOT, kept_secret, only_one, settings
from matchmaker.watching import StartError

# The privacy page promises it.
KEPT = timedelta(days=35)
NAME = re.compile(r"croisee-(\d{8}T\d{6})Z\.dump")
# Of `./croisee run`: its folder, and the name of its database.
FOLDER, OWN = ROOT / "var" / "run", "croisee"
# What a restore puts aside, with its moment.
ASIDE = f"{OWN}_before_"
LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


class BackupError(RuntimeError):
    """Nothing was copied, or the copy cannot be used. The message is for the person at the terminal."""


def dump(url: str, folder: Path, *, at: datetime) -> Path:
    """Write a copy of the database into the folder, for its owner's eyes only, and remove copies that are too old. Raises BackupError."""
    make_folder(folder)
    path = folder / f"croisee-{at:%Y%m%dT%H%M%S}Z.dump"
    unfinished = path.with_suffix(".part")
    unfinished.touch(mode=0o600)
    try:
        call("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}", url=url)
    except BackupError:
        unfinished.unlink()
        raise
    hand_over(unfinished)
    unfinished.rename(path)
    for old in folder.iterdir():
        if (found := NAME.fullmatch(old.name)) and datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) < at - KEPT:
            old.unlink()
    return path


def restore(file: Path, url: str) -> None:
    """Fill an empty database from a copy: all of it or nothing. Raises BackupError."""
    with psycopg.connect(plain(url)) as connection:
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace").fetchone()
    if row is None or row[0]:
        raise BackupError("The database is not empty: nothing was changed. Make an empty one, and name it in DATABASE_URL.")
    dbname = str(conninfo_to_dict(plain(url)).get("dbname") or "")
    call("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", f"--dbname={dbname}", str(file), url=url)


def call(program: str, *arguments: str, url: str) -> None:
    """Run a program of PostgreSQL. What leads to the database goes through the environment: a password in the arguments is everybody's."""
    told = {LIBPQ[name]: str(value) for name, value in conninfo_to_dict(plain(url)).items() if name in LIBPQ}
    environ = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **told}
    done = subprocess.run([program_for(program, url), *arguments], env=environ, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise BackupError(f"{program} failed:\n{done.stderr.strip()[-2000:]}")


def program_for(name: str, url: str) -> str:
    """One as new as the server at least, for an older one refuses: installed on this machine, else the one that comes with our own server."""
    with psycopg.connect(plain(url)) as connection:
        wanted = connection.info.server_version // 10_000
    own = settle(FOLDER).postgres_program(name)
    return next((path for path in (shutil.which(name), own) if path and version_of(path) == wanted), own)


def version_of(path: str) -> int:
    told = subprocess.run([path, "--version"], capture_output=True, text=True).stdout  # noqa: S603
    found = re.search(r"(\d+)", told)
    return int(found[1]) if found else 0


def plain(url: str) -> str:
    """As libpq reads it."""
    return re.sub(r"^postgresql\+\w+://", "postgresql://", url)


@contextmanager
def own_server(*, is_alone: bool) -> Iterator[Postgres]:
    """The server of `./croisee run`: the one that runs, else started for as long as this takes. ``is_alone``: nothing else may run."""
    make_folder(FOLDER)
    try:
        only_one(FOLDER)
    except StartError:
        if is_alone:
            raise
        place = settle(FOLDER)
        # Somebody else's to start and to stop: here it only says where it listens.
        yield Postgres(place, "PostgreSQL", [], stop_signal=signal.SIGINT, death_signal=signal.SIGINT)
        return
    server = start_postgres(FOLDER)
    try:
        yield server
    finally:
        server.stop()


def check(file: Path, url: str) -> None:
    """Raises BackupError unless the file is a copy, whole or not: before anything is moved for it."""
    call("pg_restore", "--list", str(file), url=url)


def fill_in_place(file: Path, server: Postgres, *, at: datetime) -> str:
    """The copy in the place of the present database, which stays under another name; all as it was when the copy cannot be restored.

    Returns its URL. Raises BackupError.
    """
    check(file, server.url("postgres"))
    aside = f"{ASIDE}{at:%Y%m%dT%H%M%S}"
    had_one = rename(server, OWN, aside)
    try:
        url = server.create_database(OWN)
        restore(file, url)
    except (BackupError, psycopg.Error) as error:
        drop(server, OWN)
        rename(server, aside, OWN)
        raise BackupError(f"Nothing was changed: the database is as it was.\n{error}") from None
    if had_one:
        print(f"The database as it was is kept as {aside} for {KEPT.days} days: ./croisee backup removes it then.", flush=True)
    return url


def rename(server: Postgres, name: str, other: str) -> bool:
    """False when there is no database of that name."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            return False
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(other)))
    return True


def drop(server: Postgres, name: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def forget_kept(server: Postgres, *, at: datetime) -> None:
    """Remove what restores put aside as long ago as copies go: people who were erased since are in it."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        names = [str(row[0]) for row in connection.execute("SELECT datname FROM pg_database")]
    for name in names:
        found = re.fullmatch(rf"{ASIDE}(\d{{8}}T\d{{6}})", name)
        if found and datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) < at - KEPT:
            drop(server, name)


def bring_up_to_date(url: str, environ: Mapping[str, str]) -> None:
    """The schema of this version; then whoever was erased since the copy is erased again. Raises BackupError."""
    for command in (["db", "upgrade"], ["erasures", "replay"]):
        words = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
        done = subprocess.run(words, cwd=ROOT, env={**environ, "DATABASE_URL": url}, text=True, capture_output=True)  # noqa: S603
        if done.returncode:
            raise BackupError(f"The copy is in the database, and is not to be used yet: flask {' '.join(command)} failed.\n{done.stderr.strip()[-2000:]}")
        if command[0] == "erasures":
            print(done.stdout.strip(), flush=True)


def dump_here(folder: Path) -> None:
    at = datetime.now(UTC)
    if url := os.environ.get("DATABASE_URL"):
        path = dump(url, folder, at=at)
    else:
        with own_server(is_alone=False) as server:
            path = dump(server.url(OWN), folder, at=at)
            forget_kept(server, at=at)
    print(f"{path}  {path.stat().st_size / 1e6:.1f} MB. Copy it to another machine, with the list of erasures ({erasures()}).", flush=True)


def restore_here(file: Path) -> None:
    if not file.is_file():
        raise BackupError(f"There is no file {file}.")
    if not erasures().exists():
        raise BackupError(f"There is no list of erasures at {erasures()}: nothing was restored. Bring it back first, or name it in ERASURES_FILE.")
    if url := os.environ.get("DATABASE_URL"):
        restore(file, url)
        bring_up_to_date(url, os.environ)
    else:
        with own_server(is_alone=True) as server:
            url = fill_in_place(file, server, at=datetime.now(UTC))
            port, secret = int(os.environ.get("PORT") or 8000), kept_secret(FOLDER / "secret_key")
            bring_up_to_date(url, {**os.environ, **settings(os.environ, port=port, secret_key=secret, mail_folder=ROOT / "var" / "mails")})
    print("Restored. Start with OUTBOX_HOLD=1, and see « After a restore » in docs/operations.md.", flush=True)


def erasures() -> Path:
    return Path(os.environ.get("ERASURES_FILE") or ROOT / "var" / "erasures.txt")


def main(arguments: list[str]) -> int:
    verbs = {"dump": dump_here, "restore": restore_here}
    if len(arguments) != 2 or arguments[0] not in verbs:
        print("Usage: ./croisee backup [FOLDER]    ./croisee restore FILE", file=sys.stderr)
        return 2
    try:
        verbs[arguments[0]](Path(arguments[1]).resolve())
    except (BackupError, StartError, EmbeddedError, psycopg.Error) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
