"""`./croisee run`: starts every part of La Croisée on this machine, watches over them, stops them.

PostgreSQL, Valkey and the mail catcher are ours unless DATABASE_URL, REDIS_URL or SMTP_HOST name real ones. A part that dies
is started again: nothing may be lost by that, because what must happen is a row in the database.
"""

import errno
import fcntl
import http.client
import os
import secrets
import signal
import socket
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from matchmaker.embedded import start_postgres, start_valkey
from matchmaker.embedded_places import EmbeddedError
from matchmaker.processes import Child, hand_over, make_folder
from matchmaker.watching import Interrupted, StartError, Supervisor

ROOT = Path(__file__).resolve().parents[1]
# A process that has answered much is replaced, and not both at once: what it leaked goes with it.
WEB = (
    *("gunicorn", "wsgi:app", "--worker-class=matchmaker.web_worker.Worker", "--workers=2", "--threads=4", "--preload"),
    *("--timeout=30", "--graceful-timeout=10", "--max-requests=2000", "--max-requests-jitter=200"),
    *("--limit-request-line=8190", "--no-control-socket", "--log-level=warning"),
)


def settings(environ: Mapping[str, str], *, port: int, secret_key: str, mail_folder: Path) -> dict[str, str]:
    """What the application is told beside the person's own environment, the addresses of embedded servers apart."""
    real = any(environ.get(name) for name in ("DATABASE_URL", "REDIS_URL", "SMTP_HOST"))
    defaults = {"DEMO": "0" if real else "1", "SECRET_KEY": secret_key, "PUBLIC_URL": f"http://127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"}
    given = {name: value for name, value in defaults.items() if not environ.get(name)}
    return given if environ.get("SMTP_HOST") else given | {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(free_port()), "MAIL_FOLDER": str(mail_folder)}


def chosen_port(environ: Mapping[str, str]) -> int:
    """The web port. Raises StartError when PORT is not one, or when it is taken."""
    text = environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StartError(f"PORT must be a number from 1 to 65535, not “{text}”.")
    port = int(text)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise StartError(f"Port {port} needs more rights. Try: PORT=8001 ./croisee run") from None
            raise StartError(f"Port {port} is taken by another program. Try: PORT={8001 if port != 8001 else 8002} ./croisee run") from None
    return port


def free_port() -> int:
    """A free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def only_one(folder: Path) -> None:
    """Take the folder's lock, which the system gives back when this process ends, however it ends. Raises StartError."""
    handle = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(handle, 20).decode() or "unknown"
        os.close(handle)
        raise StartError(f"La Croisée already runs from this folder (process {holder}). Stop it with Ctrl-C there, or: kill {holder}") from None
    hand_over(folder / "supervisor.lock")
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())  # and the handle stays open: it is the lock


def kept_secret(path: Path) -> str:
    """The secret key of this folder, made on the first start."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        hand_over(unfinished)
        unfinished.rename(path)
    return path.read_text()


def healthy(port: int, public_url: str) -> bool:
    """True when the web server answers 200 to /healthz."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": urlsplit(public_url).netloc})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def run(supervisor: Supervisor, folder: Path, port: int) -> None:
    """Start every part, say where the site is, and watch until a signal comes. Raises StartError, EmbeddedError, Interrupted."""
    log = folder / "log"
    make_folder(log)
    for old in log.glob("*.log"):
        old.unlink()
    environ = {**os.environ, **settings(os.environ, port=port, secret_key=kept_secret(folder / "secret_key"), mail_folder=folder.parent / "mails")}

    def python(name: str, *arguments: str, death_signal: signal.Signals = signal.SIGKILL, statement_seconds: int = 300) -> Child:
        file = log / f"{name.lower().replace(' ', '-')}.log"
        own = {"STATEMENT_TIMEOUT": str(statement_seconds), **environ}
        return Child(name, [sys.executable, "-m", *arguments], log=file, env=own, cwd=ROOT, death_signal=death_signal)

    if not environ.get("DATABASE_URL"):
        with supervisor.timed("PostgreSQL ready"):
            postgres = start_postgres(folder)
            supervisor.adopt(postgres)
            environ["DATABASE_URL"] = postgres.create_database("croisee")
    if not environ.get("REDIS_URL"):
        with supervisor.timed("Valkey ready"):
            valkey = start_valkey(folder)
            supervisor.adopt(valkey)
            environ["REDIS_URL"] = valkey.url
    if not os.environ.get("SMTP_HOST"):
        with supervisor.timed("Mail catcher ready"):
            supervisor.start(python("Mail catcher", "matchmaker.mailcatcher", "--port", environ["SMTP_PORT"], "--folder", environ["MAIL_FOLDER"]))
            supervisor.wait_until_up(lambda: listens(int(environ["SMTP_PORT"])), 30)
    supervisor.say("Migrations, reference tables and, the first time, the demonstration: this can take a minute.")
    with supervisor.timed("Database up to date"):
        supervisor.run_once(python("Preparation", "flask", "--app", "wsgi", "prepare"))
    with supervisor.timed("Web server, worker and beat ready"):
        worker = ["celery", "-A", "wsgi:celery_app", "worker", "--loglevel=WARNING"]
        computing = [*worker, "--concurrency=2", "-Q", "celery,matching,maintenance", "-n", "croisee@%h"]
        # A process of its own: no computation, however long, keeps a mail waiting.
        sending = [*worker, "--concurrency=1", "-Q", "mail", "-n", "mail@%h"]
        beat = ["celery", "-A", "wsgi:celery_app", "beat", "--loglevel=WARNING", "--pidfile=", "--schedule", str(folder / "celerybeat-schedule")]
        web = [*WEB, f"--bind=127.0.0.1:{port}"]
        # Nobody waits ten seconds for a page; a worker may.
        supervisor.start(python("Web server", *web, death_signal=signal.SIGQUIT, statement_seconds=10))
        supervisor.start(python("Worker", *computing))
        supervisor.start(python("Mail worker", *sending))
        supervisor.start(python("Beat", *beat))
        supervisor.wait_until_up(lambda: healthy(port, environ["PUBLIC_URL"]), 120)
    supervisor.say(f"\nLa Croisée is at {environ['PUBLIC_URL']}   (Ctrl-C stops it; logs are in {log})")
    if environ["DEMO"] == "1":
        accounts = python("Demo accounts", "flask", "--app", "wsgi", "demo", "accounts")
        supervisor.run_once(accounts)
        supervisor.say("\n" + accounts.log.read_text().strip() + "\n")
    supervisor.watch()


def listens(port: int) -> bool:
    """True when something accepts connections on the port of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    """Run until Ctrl-C. Returns the exit code."""
    supervisor = Supervisor(say=lambda line: print(line, flush=True))
    folder = ROOT / "var" / "run"
    supervisor.listen()
    code = 0
    try:
        make_folder(folder)
        only_one(folder)
        run(supervisor, folder, chosen_port(os.environ))
    except Interrupted:
        pass
    except (StartError, EmbeddedError) as error:
        print(error, file=sys.stderr, flush=True)
        code = 1
    except PermissionError as error:
        print(f"{error.filename} cannot be written: another account ran this first. Run as that account, or remove {folder}.", file=sys.stderr, flush=True)
        code = 1
    if supervisor.parts:
        with supervisor.timed("Stopped"):
            supervisor.say("\nStopping…")
            supervisor.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
