"""Mails: composing one to its final bytes, and handing bytes to the relay. The only module that speaks SMTP."""

import re
import smtplib
import ssl
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from jinja2 import Environment
from markupsafe import Markup

from matchmaker import mail_bytes

SENDER_NAME = "La Croisée"
SUBJECT_LENGTH = 150
MAILS_PER_CONNECTION = 90
# What servers say when they want less of everything, whoever the recipient is.
CLOSING_CODES = {421, 432}


@dataclass(frozen=True)
class Composed:
    """A mail as it will leave, to the letter."""

    subject: str
    message: bytes


def address(text: str) -> str | None:
    """The address as SMTP can carry it (ASCII domain), or nothing when it is none."""
    try:
        # The reserved domain « .test » leads nowhere, and is what demonstrations and tests write to.
        return validate_email(text, check_deliverability=False, test_environment=True).ascii_email
    except EmailNotValidError:
        return None


def one_line(value: object) -> object:
    """A text without line ends, control characters and marks of writing direction; anything else unchanged."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    spaced = re.sub(r"[ \t\r\n\f\v\x85\u2028\u2029]+", " ", value)
    if spaced.isprintable():
        return spaced
    return "".join(letter for letter in spaced if unicodedata.category(letter) not in {"Cc", "Cf", "Cs"})


@lru_cache(maxsize=4)
def templates(environment: Environment) -> Environment:
    """The application's templates, in which every value that is written is a single line: no name can start a line of its own."""
    return environment.overlay(finalize=one_line)


def render(path: str, **context: Any) -> str:
    """A template under templates/email. Without Flask's context processors, which are about a visitor."""
    return templates(current_app.jinja_env).get_template(f"email/{path}").render(**context)


def compose(
    name: str,
    *,
    recipient: str,
    sender: str,
    reply_to: str,
    message_id: str,
    date: datetime,
    calendar: tuple[str, str] | None = None,
    list_unsubscribe: str = "",
    **context: Any,
) -> Composed:
    """The mail of templates/email/``name``: text, HTML, and the calendar object last when there is one, given as (method, text).

    ``list_unsubscribe`` is the address where a single POST ends mails of this kind (RFC 8058).
    The same arguments give the same bytes. ``recipient``, ``sender`` and ``reply_to`` are bare addresses that ``address`` accepted.
    """
    subject = shortened(str(one_line(render(f"{name}/subject.txt", **context))).strip())
    message = mail_bytes.written(
        [
            mail_bytes.folded_address("From", sender, SENDER_NAME),
            mail_bytes.folded_address("To", recipient),
            mail_bytes.folded_address("Reply-To", reply_to),
            mail_bytes.folded("Subject", subject),
        ],
        message_id=message_id,
        date=date,
        text=render(f"{name}/body.txt", subject=subject, **context).strip() + "\n",
        html=render(f"{name}/body.html", subject=subject, **context),
        calendar=calendar,
    )
    # Written here: the library would encode a long address as words, which no mail program reads as an address.
    out = f"List-Unsubscribe: <{list_unsubscribe}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if list_unsubscribe else ""
    return Composed(subject, out.encode("ascii") + message)


def shortened(subject: str) -> str:
    return subject if len(subject) <= SUBJECT_LENGTH else subject[: SUBJECT_LENGTH - 1].rstrip() + "…"


@dataclass(frozen=True)
class Sent:
    """The relay took it."""

    code: int
    text: str


@dataclass(frozen=True)
class Temporary:
    """Not now. ``is_ambiguous``: the line broke once the content was on its way, so that it may have arrived. ``phase`` as for Permanent."""

    code: int | None
    text: str
    is_ambiguous: bool = False
    phase: str = "rcpt"


@dataclass(frozen=True)
class Permanent:
    """Never: this mail to this address is refused. ``phase``: what was said when it was: « mail » (the sender), « rcpt » or « data »."""

    code: int
    text: str
    phase: str = "rcpt"


@dataclass(frozen=True)
class Unreachable:
    """The relay takes nothing at the moment, whatever the mail."""

    code: int | None
    text: str


Outcome = Sent | Temporary | Permanent | Unreachable


@dataclass(frozen=True)
class Relay:
    """Where mails are handed over, and how."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    starttls: bool = False
    # Whom to trust beside the authorities that this machine knows.
    ca_file: str = ""
    timeout: float = 30.0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        return cls(
            host=config["SMTP_HOST"],
            port=config["SMTP_PORT"],
            username=config["SMTP_USERNAME"],
            password=config["SMTP_PASSWORD"],
            starttls=config["SMTP_STARTTLS"],
            ca_file=config["SMTP_CA_FILE"],
            timeout=config["SMTP_TIMEOUT"],
        )


class Smtp:
    """A connection to the relay: opened when the first mail leaves, used for the next ones, opened anew when it has gone."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.client: smtplib.SMTP | None = None
        self.sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def send(self, *, recipient: str, sender: str, message: bytes, before_content: Callable[[], None] = lambda: None) -> Outcome:
        """Hand over one mail, and say what became of it. Raises nothing that a network or a server can cause.

        ``before_content`` is called when the relay is ready for the content: nothing is sent when it raises.
        """
        if self.sent >= MAILS_PER_CONNECTION:
            self.close()
        is_reused = self.client is not None
        outcome = self._send(recipient, sender, message, before_content)
        # A server that closed an idle connection says nothing about this mail.
        if is_reused and self.client is None and isinstance(outcome, Temporary | Unreachable) and not getattr(outcome, "is_ambiguous", False):
            outcome = self._send(recipient, sender, message, before_content)
        return outcome

    def close(self) -> None:
        """Say goodbye if somebody listens."""
        client, self.client, self.sent = self.client, None, 0
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()

    def _send(self, recipient: str, sender: str, message: bytes, before_content: Callable[[], None]) -> Outcome:
        try:
            client = self._connected(sender)
        except smtplib.SMTPResponseException as error:
            return Unreachable(error.smtp_code, words(error.smtp_error))
        except (OSError, smtplib.SMTPException) as error:
            return Unreachable(None, str(error) or type(error).__name__)

        content_began, phase = False, "mail"
        try:
            code, reply = client.mail(sender)
            if code == 250:
                phase = "rcpt"
                code, reply = client.rcpt(recipient)
            if code in (250, 251):
                phase = "data"
                code, reply = client.docmd("DATA")
            if code == 354:
                self._ask(before_content)
                # From here on a line that breaks leaves a doubt. smtplib's data() does not say on which side it broke.
                content_began = True
                client.send(dotted(message))
                code, reply = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Temporary(None, str(error) or type(error).__name__, is_ambiguous=content_began)
        if code == 250 and content_began:
            self.sent += 1
            return Sent(code, words(reply))
        return self._refused(code, reply, phase=phase, after_content=content_began)

    def _ask(self, before_content: Callable[[], None]) -> None:
        try:
            before_content()
        except BaseException:
            # The only way out of a DATA that has begun, without sending anything.
            self._drop()
            raise

    def _connected(self, sender: str) -> smtplib.SMTP:
        """The open connection. The name given in EHLO is the sender's domain: asking for this machine's own can take seconds."""
        if self.client is not None:
            return self.client
        # Given to the constructor and not to connect(): STARTTLS checks the certificate against this name.
        client = smtplib.SMTP(self.relay.host, self.relay.port, sender.rpartition("@")[2], self.relay.timeout)
        try:
            client.ehlo_or_helo_if_needed()
            if self.relay.starttls:
                client.starttls(context=ssl.create_default_context(cafile=self.relay.ca_file or None))
                client.ehlo_or_helo_if_needed()
            if self.relay.username:
                client.login(self.relay.username, self.relay.password)
        except BaseException:
            client.close()
            raise
        self.client, self.sent = client, 0
        return client

    def _refused(self, code: int, reply: bytes | str, *, phase: str, after_content: bool = False) -> Outcome:
        """What a reply other than yes means. The next mail starts from a clean state."""
        text = words(reply)
        if code in CLOSING_CODES:
            self._drop()
            return Unreachable(code, text)
        if not 400 <= code <= 599:
            # Not a reply of this protocol: whatever follows on this connection cannot be trusted.
            self._drop()
            return Temporary(None, text or "unreadable reply", is_ambiguous=after_content)
        self._reset()
        return Permanent(code, text, phase) if code >= 500 else Temporary(code, text, phase=phase)

    def _reset(self) -> None:
        try:
            if self.client is not None and self.client.rset()[0] != 250:
                self._drop()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self.client is not None:
            self.client.close()
        self.client, self.sent = None, 0


def dotted(message: bytes) -> bytes:
    """A mail as it stands on the wire: no line of its own is the final dot."""
    return re.sub(rb"(?m)^\.", b"..", message) + (b"" if message.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def words(reply: bytes | str) -> str:
    """A server's words as one printable line."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return str(one_line(text)).replace("\x00", "")[:500]
