"""The mailbox to which guests' calendars and mail servers answer. The only module that speaks IMAP."""

import imaplib
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

TIMEOUT = 30.0
# Larger mails are left to the people who read the mailbox: no answer of a calendar or of a server is.
LARGEST = 1_000_000
MOST_AT_ONCE = 200
# Marks what was looked at and left for people: it stays unread, and is not read by us again.
LEFT = "CroiseeLeft"


class MailboxDown(Exception):
    """The server is away, or refuses what it must allow."""


@dataclass(frozen=True)
class Account:
    """Where the mailbox is. ``done_folder``: where what was understood goes; empty to leave it in place, marked as read."""

    host: str
    port: int
    username: str
    password: str
    folder: str = "INBOX"
    done_folder: str = ""
    is_encrypted: bool = True

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self | None:
        """The account of the settings, or nothing when there is none."""
        if not config["IMAP_HOST"]:
            return None
        return cls(
            host=config["IMAP_HOST"],
            port=config["IMAP_PORT"],
            username=config["IMAP_USERNAME"],
            password=config["IMAP_PASSWORD"],
            folder=config["IMAP_FOLDER"],
            done_folder=config["IMAP_DONE_FOLDER"],
            is_encrypted=config["IMAP_TLS"],
        )


class Mailbox:
    """An open mailbox. Raises MailboxDown, whatever the network and the server do."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client: imaplib.IMAP4 | None = None

    def __enter__(self) -> Self:
        account = self.account
        try:
            if account.is_encrypted:
                self.client = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT)
            else:
                self.client = imaplib.IMAP4(account.host, account.port, timeout=TIMEOUT)
            self.client.login(account.username, account.password)
        except (OSError, imaplib.IMAP4.error) as error:
            self.close()
            raise MailboxDown(str(error)) from error
        try:
            if account.done_folder:
                # « No » means that it is there already.
                self._run("CREATE", quoted(account.done_folder), may_refuse=True)
            self._run("SELECT", quoted(account.folder))
        except MailboxDown:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            try:
                client.logout()
            except (OSError, imaplib.IMAP4.error):
                with suppress(OSError):
                    client.shutdown()

    def waiting(self) -> list[str]:
        """What nobody has read and we have not looked at, the oldest first."""
        found = self._run("SEARCH", "UNSEEN", "UNKEYWORD", LEFT, by_uid=True)
        return [uid.decode() for line in found if isinstance(line, bytes) for uid in line.split()][:MOST_AT_ONCE]

    def fetch(self, uid: str) -> bytes | None:
        """The mail as it came, still unread; nothing when it is gone or too large to be ours."""
        size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(flat(self._run("FETCH", uid, "(RFC822.SIZE)", by_uid=True))))
        if size is None or int(size[1]) > LARGEST:
            return None
        answered = self._run("FETCH", uid, "(BODY.PEEK[])", by_uid=True)
        return next((bytes(line[1]) for line in answered if isinstance(line, tuple)), None)

    def finish(self, uid: str) -> None:
        """Mark as read, and put away."""
        self._run("STORE", uid, "+FLAGS.SILENT", r"(\Seen)", by_uid=True)
        if not self.account.done_folder:
            return
        capabilities = set(self.client.capabilities) if self.client else set()
        if "MOVE" in capabilities:
            self._run("MOVE", uid, quoted(self.account.done_folder), by_uid=True)
            return
        self._run("COPY", uid, quoted(self.account.done_folder), by_uid=True)
        self._run("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)", by_uid=True)
        # Without UIDPLUS, to expunge would take away what somebody else marked as well.
        if "UIDPLUS" in capabilities:
            self._run("EXPUNGE", uid, by_uid=True)

    def leave(self, uid: str) -> None:
        """Not for us: it stays unread, for people. A server that keeps no keywords makes us look again, which changes nothing."""
        self._run("STORE", uid, "+FLAGS.SILENT", f"({LEFT})", by_uid=True, may_refuse=True)

    def _run(self, command: str, *arguments: str, by_uid: bool = False, may_refuse: bool = False) -> list[Any]:
        if self.client is None:
            raise MailboxDown("not connected")
        try:
            if by_uid:
                status, answered = self.client.uid(command, *arguments)
            else:
                status, answered = getattr(self.client, command.lower())(*arguments)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxDown(f"{command}: {error}") from error
        if status != "OK" and not may_refuse:
            raise MailboxDown(f"{command}: {answered!r}")
        return list(answered)


def flat(answered: list[Any]) -> Iterator[bytes]:
    for line in answered:
        yield from (one for one in (line if isinstance(line, tuple) else (line,)) if isinstance(one, bytes))


def quoted(name: str) -> str:
    """A folder's name as the protocol wants it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
