"""A real SMTP server for tests and rehearsals, which misbehaves at will: refuses, cuts, stalls or babbles in any phase, once or at random.

What it took is in ``received``, in order: with its time, its bytes, and the answer that the client saw, or did not.
"""

import asyncio
import base64
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

# Answers that are none: break the line, or say nothing for longer than anybody waits.
CUT, STALL = "cut", "stall"
# In their order. "content" comes after the 354, "end" after the final dot, when the server has the mail already.
PHASES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content", "end")
LARGEST = 32 * 1024 * 1024


class Gone(Exception):
    """The line was cut, by us."""


@dataclass(frozen=True)
class Received:
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    # Seconds of time.monotonic.
    at: float = 0.0
    # What the client was told: a line that begins with 250, or CUT or STALL.
    answer: str = "250 taken"


@dataclass(eq=False)
class Conversation:
    """One connection: what has been said so far."""

    server: "SmtpServer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    is_known: bool = False
    is_encrypted: bool = False

    async def hold(self) -> None:
        if await self.fault("connect"):
            return
        if self.server.most_connections and len(self.server.conversations) > self.server.most_connections:
            await self.say("421 4.7.0 too many connections")
            return
        await self.say("220 relay.test")
        while line := await self.reader.readline():
            verb, _, rest = line.decode("latin-1").strip().partition(" ")
            answer = getattr(self, f"on_{verb.lower()}", None)
            if answer is None:
                await self.say("500 5.5.1 what?")
            elif await answer(rest):
                return

    async def say(self, *lines: str) -> None:
        *first, last = lines
        self.writer.write("".join([*(f"{line[:3]}-{line[4:]}\r\n" for line in first), f"{last}\r\n"]).encode())
        await self.writer.drain()

    async def fault(self, phase: str) -> str | None:
        """What is planned instead of the right answer, done; nothing when all is well."""
        answer = self.server.next_fault(phase)
        if answer is not None:
            await self.misbehave(answer)
        return answer

    async def misbehave(self, answer: str) -> None:
        """Give the answer, cut or stall. A 421 ends the conversation."""
        if answer == STALL:
            await asyncio.sleep(3600)
        if answer == CUT:
            self.writer.transport.abort()
            raise Gone
        await self.say(answer)
        if answer.startswith("421"):
            raise Gone

    async def on_ehlo(self, _rest: str) -> None:
        if not await self.fault("ehlo"):
            offers = ["250 8BITMIME", *(["250 STARTTLS"] if self.server.tls and not self.is_encrypted else [])]
            offers += ["250 AUTH PLAIN LOGIN"] if self.server.password else []
            await self.say("250 relay.test", *offers, "250 SIZE")

    async def on_helo(self, _rest: str) -> None:
        if not await self.fault("ehlo"):
            await self.say("250 relay.test")

    async def on_starttls(self, _rest: str) -> None:
        if await self.fault("starttls"):
            return
        if self.server.tls is None:
            await self.say("502 5.5.1 no")
            return
        await self.say("220 go on")
        await self.writer.start_tls(self.server.tls)
        self.is_encrypted = True

    async def on_auth(self, rest: str) -> None:
        if await self.fault("auth"):
            return
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() == "PLAIN" and initial:
            password = base64.b64decode(initial).rpartition(b"\0")[2].decode()
        else:
            await self.say("334 " + base64.b64encode(b"Username:").decode())
            await self.reader.readline()
            await self.say("334 " + base64.b64encode(b"Password:").decode())
            password = base64.b64decode(await self.reader.readline()).decode()
        self.is_known = password == self.server.password
        await self.say("235 2.7.0 welcome" if self.is_known else "535 5.7.8 wrong")

    async def on_mail(self, rest: str) -> None:
        if await self.fault("mail"):
            return
        if self.server.password and not self.is_known:
            await self.say("530 5.7.0 who are you?")
        elif self.server.is_too_fast():
            await self.say(self.server._note("mail", self.server.too_fast))
        else:
            self.sender, self.recipients = between(rest), []
            await self.say("250 2.1.0 ok")

    async def on_rcpt(self, rest: str) -> None:
        if not await self.fault("rcpt"):
            self.recipients.append(between(rest))
            await self.say("250 2.1.5 ok")

    async def on_data(self, _rest: str) -> None:
        if await self.fault("data"):
            return
        await self.say("354 go on")
        if await self.fault("content"):
            return
        content = await self.reader.readuntil(b"\r\n.\r\n")
        content = content.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.").removeprefix(b"." if content.startswith(b"..") else b"")
        planned = self.server.next_fault("end")
        if planned is None or planned in (CUT, STALL):
            took = Received(self.sender, tuple(self.recipients), content, time.monotonic(), planned or "250 taken")
            self.server.received.append(took)
            self.server.on_received(took)
        if planned is None:
            await asyncio.sleep(self.server.latency)
            await self.say("250 2.0.0 taken")
        else:
            await self.misbehave(planned)

    async def on_rset(self, _rest: str) -> None:
        self.recipients = []
        await self.say("250 2.0.0 ok")

    async def on_noop(self, _rest: str) -> None:
        await self.say("250 2.0.0 ok")

    async def on_quit(self, _rest: str) -> bool:
        await self.say("221 2.0.0 bye")
        return True


def between(text: str) -> str:
    """The address between angle brackets."""
    return text.partition("<")[2].partition(">")[0]


class SmtpServer:
    """`with SmtpServer() as server:` listens on a free port of this machine."""

    def __init__(self, *, password: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.password, self.tls = password, tls
        self.port = 0
        self.received: list[Received] = []
        self.connections = self.most_at_once = 0
        self.conversations: set[Conversation] = set()
        self.faults: list[tuple[str, str]] = []
        self.rates: dict[tuple[str, str], float] = {}
        self.random = random.Random(1)
        self.lock = threading.Lock()
        # 0: as many as come.
        self.most_connections = 0
        self.most_per_second, self.too_fast = 0.0, "451 4.7.1 too fast"
        self.allowed_at = 0.0
        # Seconds between a mail and its 250.
        self.latency = 0.0
        self.on_received: Callable[[Received], None] = lambda received: None
        # What it did on purpose, by phase and answer.
        self.done: dict[tuple[str, str], int] = {}

    def fail(self, phase: str, answer: str = CUT, *, times: int = 1) -> None:
        """The next ``times`` that this phase is reached, give this answer, cut the line or stall."""
        assert phase in PHASES
        with self.lock:
            self.faults += [(phase, answer)] * times

    def fail_at_random(self, rates: Mapping[tuple[str, str], float]) -> None:
        """From now on, misbehave this often: (phase, answer) → share of the times that the phase is reached."""
        assert all(phase in PHASES for phase, _ in rates)
        with self.lock:
            self.rates = dict(rates)

    def hang_up(self) -> None:
        """Break every line."""
        self.loop.call_soon_threadsafe(lambda: [one.writer.transport.abort() for one in self.conversations])

    def next_fault(self, phase: str) -> str | None:
        with self.lock:
            for place, (planned, answer) in enumerate(self.faults):
                if planned == phase:
                    del self.faults[place]
                    return self._note(phase, answer)
            for (planned, answer), rate in self.rates.items():
                if planned == phase and self.random.random() < rate:
                    return self._note(phase, answer)
        return None

    def _note(self, phase: str, answer: str) -> str:
        self.done[phase, answer] = self.done.get((phase, answer), 0) + 1
        return answer

    def is_too_fast(self) -> bool:
        if not self.most_per_second:
            return False
        now = time.monotonic()
        if now < self.allowed_at:
            return True
        self.allowed_at = now + 1 / self.most_per_second
        return False

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(self, reader, writer)
        self.connections += 1
        self.conversations.add(conversation)
        self.most_at_once = max(self.most_at_once, len(self.conversations))
        try:
            with suppress(Gone, OSError, asyncio.CancelledError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await conversation.hold()
        finally:
            self.conversations.discard(conversation)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    def go_away(self) -> None:
        """Break every line and listen no more, as a relay that is stopped."""
        asyncio.run_coroutine_threadsafe(self._go_away(), self.loop).result()

    def come_back(self) -> None:
        """Listen again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result()

    async def _listen(self) -> None:
        self.listener = await asyncio.start_server(self._converse, "127.0.0.1", self.port, limit=LARGEST)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def _go_away(self) -> None:
        self.listener.close()
        for one in self.conversations:
            one.writer.transport.abort()

    async def _serve(self, ready: threading.Event) -> None:
        self.loop, self.stopped = asyncio.get_running_loop(), asyncio.Event()
        await self._listen()
        ready.set()
        await self.stopped.wait()
        self.listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in list(self.conversations):
            one.writer.transport.abort()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __enter__(self) -> "SmtpServer":
        ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self.thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_error: object) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()
