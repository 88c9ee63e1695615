"""An SMTP server for this machine only: it delivers nothing and keeps each mail as a file.

`python -m matchmaker.mailcatcher --folder FOLDER [--port PORT]` prints the port once it listens, and stops on SIGTERM.
A file is the mail as it came, with two lines before it: X-Envelope-From and X-Envelope-To.
"""

import argparse
import asyncio
import itertools
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from matchmaker.processes import hand_over, make_folder

SIZE_LIMIT = 32 * 1024 * 1024
_numbers = itertools.count(1)


class Catcher(SMTP):
    """Takes 8-bit content, UTF-8 addresses and lines of any length: judging mails is the tests' work."""

    line_length_limit = SIZE_LIMIT


class Keeper:
    """Writes what arrives to the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 (the name and arguments are aiosmtpd's)
        """Answer 250 only once the mail is on the disk under its name."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        path = keep(self.folder, envelope.mail_from or "", envelope.rcpt_tos, content)
        return f"250 kept as {path.name}"


def keep(folder: Path, sender: str, recipients: list[str], content: bytes) -> Path:
    """Store one mail; a reader of the folder never sees half of it. Names sort by time of arrival."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{next(_numbers)}"
    envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
    unfinished = folder / f".{name}.tmp"
    unfinished.write_bytes(envelope.encode() + content)
    hand_over(unfinished)
    return unfinished.rename(folder / f"{name}.eml")


async def catch(port: int, folder: Path) -> None:
    """Listen on the loopback address until SIGTERM or SIGINT."""
    make_folder(folder)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    # Without a host name aiosmtpd asks the DNS for one at each connection.
    server = await loop.create_server(
        lambda: Catcher(Keeper(folder), hostname="localhost", enable_SMTPUTF8=True, data_size_limit=SIZE_LIMIT, loop=loop), host="127.0.0.1", port=port
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m matchmaker.mailcatcher", description="Keeps every mail as a file, delivers none.")
    parser.add_argument("--port", type=int, default=0, help="0, the default: any free port")
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    os.umask(0o077)  # mails hold names and answer links
    asyncio.run(catch(arguments.port, arguments.folder))


if __name__ == "__main__":
    main()
