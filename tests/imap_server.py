"""A small real IMAP server for tests (RFC 3501, as much as reading a mailbox needs), which can be told to cut the line."""

import re
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Any

COMMANDS = "IMAP4rev1 UIDPLUS"


@dataclass
class Stored:
    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


class Connection(socketserver.StreamRequestHandler):
    """One client. Each line is a command, answered before the next one is read."""

    server: "ImapServer"

    def handle(self) -> None:
        self.folder = ""
        self.say("* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            words = re.findall(r'"(?:[^"\\]|\\.)*"|\([^)]*\)|\S+', rest)
            if not self.obey(tag, [word.strip('"') for word in words]):
                return

    def say(self, text: str, raw: bytes = b"", end: str = "") -> None:
        self.wfile.write(text.encode() + (b"\r\n" + raw + end.encode() if raw else b"") + b"\r\n")

    def obey(self, tag: str, words: list[str]) -> bool:
        name = words[0].upper()
        self.server.log.append(" ".join(words))
        if self.server.cuts_at == name or (name == "UID" and self.server.cuts_at == words[1].upper()):
            return False
        if name == "LOGOUT":
            self.say("* BYE")
            self.say(f"{tag} OK bye")
            return False
        with self.server.lock:
            answer = getattr(self, f"do_{name.lower()}")(words[1:])
        self.say(f"{tag} {answer}")
        return True

    def do_capability(self, _words: list[str]) -> str:
        self.say(f"* CAPABILITY {COMMANDS}{' MOVE' if self.server.can_move else ''}")
        return "OK done"

    def do_login(self, words: list[str]) -> str:
        return "OK done" if words == ["croisee", self.server.password] else "NO wrong password"

    def do_create(self, words: list[str]) -> str:
        if words[0] in self.server.folders:
            return "NO exists"
        self.server.folders[words[0]] = []
        return "OK done"

    def do_select(self, words: list[str]) -> str:
        if words[0] not in self.server.folders:
            return "NO there is none"
        self.folder = words[0]
        self.say(f"* {len(self.mails)} EXISTS")
        return "OK [READ-WRITE]"

    def do_uid(self, words: list[str]) -> str:
        answer: str = getattr(self, f"uid_{words[0].lower()}")(words[1:])
        return answer

    @property
    def mails(self) -> list[Stored]:
        return self.server.folders[self.folder]

    def uid_search(self, words: list[str]) -> str:
        without = {r"\Seen"} if "UNSEEN" in words else set()
        without |= {words[place + 1] for place, word in enumerate(words) if word == "UNKEYWORD"}
        found = [str(mail.uid) for mail in self.mails if not mail.flags & without]
        self.say(" ".join(["* SEARCH", *found]))
        return "OK done"

    def uid_fetch(self, words: list[str]) -> str:
        for place, mail in enumerate(self.mails, start=1):
            if mail.uid == int(words[0]):
                if "RFC822.SIZE" in words[1]:
                    self.say(f"* {place} FETCH (UID {mail.uid} RFC822.SIZE {len(mail.raw)})")
                else:
                    self.say(f"* {place} FETCH (UID {mail.uid} BODY[] {{{len(mail.raw)}}}", mail.raw, ")")
        return "OK done"

    def uid_store(self, words: list[str]) -> str:
        for mail in self.mails:
            if mail.uid == int(words[0]):
                mail.flags |= set(words[2].strip("()").split())
        return "OK done"

    def uid_copy(self, words: list[str]) -> str:
        if words[1] not in self.server.folders:
            return "NO [TRYCREATE]"
        for mail in self.mails:
            if mail.uid == int(words[0]):
                self.server.put(mail.raw, folder=words[1], flags=mail.flags)
        return "OK done"

    def uid_expunge(self, words: list[str]) -> str:
        self.mails[:] = [mail for mail in self.mails if mail.uid != int(words[0]) or r"\Deleted" not in mail.flags]
        return "OK done"

    def uid_move(self, words: list[str]) -> str:
        if not self.server.can_move:
            return "BAD unknown command"
        answer = self.uid_copy(words)
        self.mails[:] = [mail for mail in self.mails if mail.uid != int(words[0])]
        return answer


class ImapServer(socketserver.ThreadingTCPServer):
    """`with ImapServer() as server:` listens on a free port of this machine. ``folders`` holds the mails."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, can_move: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.port: int = self.server_address[1]
        self.password = "secret"
        self.can_move = can_move
        self.cuts_at = ""
        self.log: list[str] = []
        self.lock = threading.RLock()
        self.folders: dict[str, list[Stored]] = {"INBOX": []}
        self.count = 0

    def put(self, raw: bytes, *, folder: str = "INBOX", flags: set[str] | None = None) -> None:
        with self.lock:
            self.count += 1
            self.folders[folder].append(Stored(self.count, raw, set(flags or ())))

    def __enter__(self) -> "ImapServer":
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()
