"""A real SMTP server for tests, which can be told to misbehave: refuse in any phase, or cut the line in any phase."""

import threading
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CUT = "cut"
# In their order. "content" comes after the 354, "end" after the final dot, when the server has the mail already.
PHASES = ("connect", "mail", "rcpt", "data", "content", "end")


@dataclass(frozen=True)
class Received:
    sender: str
    recipients: tuple[str, ...]
    content: bytes


class Protocol(SMTP):
    """SMTP in which the controller's plan may replace an answer."""

    controller: "SmtpServer"

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def]
        self.controller.connections += 1
        super().connection_made(transport)

    async def push(self, status) -> None:  # type: ignore[no-untyped-def]
        if status[:3] in ("220", b"220") and (planned := self.controller.next_fault("connect")):
            await self.misbehave(planned)
            self.transport.close()
        else:
            await super().push(status)

    async def misbehave(self, planned: str) -> None:
        if planned == CUT:
            self.transport.abort()
        else:
            await super().push(planned)

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
        if planned := self.controller.next_fault("mail"):
            await self.misbehave(planned)
        else:
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
        if planned := self.controller.next_fault("rcpt"):
            await self.misbehave(planned)
        else:
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if planned := self.controller.next_fault("data"):
            await self.misbehave(planned)
        elif self.controller.next_fault("content"):
            await super().push("354 go on")
            self.transport.abort()
        else:
            await super().smtp_DATA(arg)


class SmtpServer(Controller):
    """`with SmtpServer() as server:` listens on a free port of this machine. ``received`` holds what it took."""

    def __init__(self, *, password: str | None = None) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.faults: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self.password = password
        login = {"auth_required": True, "auth_require_tls": False, "authenticator": self.check} if password else {}
        super().__init__(self, hostname="127.0.0.1", port=0, ready_timeout=10, **login)

    def fail(self, phase: str, answer: str = CUT, *, times: int = 1) -> None:
        """The next ``times`` that this phase is reached, give this answer or cut the line."""
        assert phase in PHASES
        with self.lock:
            self.faults += [(phase, answer)] * times

    def next_fault(self, phase: str) -> str | None:
        with self.lock:
            for place, (planned, answer) in enumerate(self.faults):
                if planned == phase:
                    del self.faults[place]
                    return answer
        return None

    def check(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword) -> AuthResult:
        return AuthResult(success=login.password.decode() == self.password, handled=False)

    async def handle_DATA(self, server: Protocol, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        planned = self.next_fault("end")
        if planned is None or planned == CUT:
            self.received.append(Received(str(envelope.mail_from), tuple(envelope.rcpt_tos), bytes(envelope.original_content or b"")))
        if planned == CUT:
            server.transport.abort()
        return planned or "250 taken"

    def factory(self) -> SMTP:
        protocol = Protocol(self.handler, **self.SMTP_kwargs)
        protocol.controller = self
        return protocol

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()
        self.connections = 0

    def __enter__(self) -> "SmtpServer":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
