"""Processes that we start: each in a session of its own, and told to stop when the one that started it dies, even by `kill -9`.

This file is also run as a script, as the first step of each child: standard library only.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1


class Child:
    """A process of ours, its log, and how it is asked to end."""

    patience = 20.0

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        env: dict[str, str] | None = None,
        cwd: Path = Path("/"),
        account: pwd.struct_passwd | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self.command, self.log, self.env, self.cwd, self.account = name, command, log, env, cwd, account
        self.stop_signal, self.death_signal = stop_signal, death_signal
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command; its output is added to the log.

        `death_signal` reaches it when the thread that called this ends: call it from the main thread.
        """
        # Through this very file and not through preexec_fn: that one is unsafe, and warns on 3.12, once numpy has started its threads.
        account = f"{self.account.pw_uid}:{self.account.pw_gid}" if self.account else ""
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), str(int(self.death_signal)), account]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [*launcher, *self.command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=self.cwd, start_new_session=True
            )

    def exited(self) -> bool:
        """True once the process has ended. `collect` reaps it: until then its number cannot be given to another process."""
        if self.process is None or self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def collect(self) -> int:
        """Kill what is left of the process and of its group, and return its exit code (minus the signal that ended it)."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # not reaped yet, so this group is surely ours
        return self.process.wait()

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask the process to end, wait (less when `hurry` says so), then kill it. Does nothing when it does not run."""
        if self.process is not None and not self.exited():
            os.kill(self.process.pid, self.stop_signal)
            deadline = time.monotonic() + self.patience
            while not self.exited() and time.monotonic() < deadline and not hurry():
                time.sleep(0.05)
        self.collect()

    def tail(self, lines: int = 25) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


def make_folder(path: Path) -> None:
    """Make the folder and its parents."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    hand_over(path)


def hand_over(path: Path) -> None:
    """Give what root made to the owner of the folder that holds it, who may come next and without root's rights."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _become(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    """Replace this process by the command, as the account, tied to the life of the parent."""
    if account:
        uid, gid = map(int, account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # after setuid, which clears it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
