"""Watching over children: started in order, started again when they die, stopped in the opposite order."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from matchmaker.embedded_places import EmbeddedError
from matchmaker.processes import Child

STEADY_SECONDS = 60.0  # a part that lived that long starts its next life without a wait
LONGEST_PAUSE = 30.0


class StartError(RuntimeError):
    """The start cannot go on. The message is for the person at the terminal."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came during the start."""


@dataclass
class Part:
    """A child under watch."""

    child: Child
    started_at: float
    failures: int = 0
    due_at: float | None = None


@dataclass
class Supervisor:
    """Starts children in order, restarts those that die, stops them in the opposite order."""

    say: Callable[[str], None]
    parts: list[Part] = field(default_factory=list)
    signals: int = 0

    def listen(self) -> None:
        """Take note of Ctrl-C, SIGTERM and a closed terminal instead of dying of them."""

        def note(_number: int, _frame: FrameType | None) -> None:
            self.signals += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, note)

    def start(self, child: Child) -> None:
        """Start a child and keep watch over it."""
        child.start()
        self.adopt(child)

    def adopt(self, child: Child) -> None:
        """Keep watch over a child that runs already."""
        self.parts.append(Part(child, time.monotonic()))

    def wait_for(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until `done`; False when the time is over. Raises Interrupted."""
        deadline = time.monotonic() + seconds
        while not done():
            if self.signals:
                raise Interrupted
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def wait_until_up(self, up: Callable[[], bool], seconds: float) -> None:
        """Wait for the part started last. Raises StartError with the end of a log when it, or an earlier one, fails."""

        def failed() -> Child | None:
            return next((part.child for part in reversed(self.parts) if part.child.exited()), None)

        answered = self.wait_for(lambda: up() or failed() is not None, seconds)
        if broken := failed() or (None if answered else self.parts[-1].child):
            raise StartError(f"{broken.name} did not start. The end of {broken.log}:\n{broken.tail()}")

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say that a step is done, with the seconds that it took."""
        began = time.monotonic()
        yield
        self.say(f"{what} … {time.monotonic() - began:.1f} s")

    def run_once(self, child: Child, seconds: float = 600.0) -> None:
        """Run a child to its end. Raises StartError with the end of its log when it fails, Interrupted."""
        child.start()
        try:
            ended = self.wait_for(child.exited, seconds)
        finally:
            child.stop()
        if not ended or child.collect():
            raise StartError(f"{child.name} failed. The end of {child.log}:\n{child.tail()}")

    def watch(self) -> None:
        """Restart what dies until a signal comes."""
        while not self.signals:
            for part in self.parts:
                self._tend(part, time.monotonic())
            time.sleep(0.2)

    def _tend(self, part: Part, now: float) -> None:
        if part.due_at is not None and now >= part.due_at:
            try:
                part.child.start()
                part.started_at, part.due_at = time.monotonic(), None
                self.say(f"{part.child.name} started again.")
            except (EmbeddedError, OSError) as error:
                self._put_off(part, now, str(error))
        elif part.due_at is None and part.child.exited():
            code = part.child.collect()
            if now - part.started_at > STEADY_SECONDS:
                part.failures = 0
            self._put_off(part, now, f"killed by signal {-code}" if code < 0 else f"exit code {code}")

    def _put_off(self, part: Part, now: float, why: str) -> None:
        wait = pause(part.failures)
        part.failures, part.due_at = part.failures + 1, now + wait
        self.say(f"{part.child.name} stopped by itself ({why}): starting it again in {wait:g} s. See {part.child.log}")

    def stop(self) -> None:
        """Stop all children, the last started first. One more Ctrl-C makes it short."""
        so_far = self.signals
        for part in reversed(self.parts):
            part.child.stop(hurry=lambda: self.signals > so_far)
        self.parts.clear()


def pause(failures: int) -> float:
    """Seconds before the next start after so many failures in a row."""
    return float(min(LONGEST_PAUSE, 0.5 * 2 ** min(failures, 10)))
