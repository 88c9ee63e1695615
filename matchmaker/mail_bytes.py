"""The bytes of a mail: what the email library writes, without building its tree of objects, which took most of a mail's time.

Headers that hold words go through the library; the others, and the parts, are lines that never change. tests/test_mail.py compares.
"""

import base64
import email.policy
import hashlib
from collections.abc import Sequence
from datetime import datetime
from email import quoprimime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache

# No raw line feed and no byte above 127 on the wire, whatever the relay announces.
POLICY = email.policy.SMTP.clone(cte_type="7bit")
LINE_LENGTH = 78
EOL = "\r\n"


def written(headers: Sequence[str], *, message_id: str, date: datetime, text: str, html: str, calendar: tuple[str, str] | None = None) -> bytes:
    """A mail with these folded headers, its text, its HTML and, last, its calendar object, given as (method, text). The same arguments give the same bytes."""
    boundary = "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32]
    parts = [
        f'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{quoted(text)}',
        f'Content-Type: text/html; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n{quoted(html)}',
    ]
    if calendar is not None:
        method, written_calendar = calendar
        about = f'Content-Transfer-Encoding: base64\r\nContent-Type: text/calendar; charset="utf-8"; method="{method}"\r\nMIME-Version: 1.0'
        parts.append(f"{about}\r\n\r\n{in_base64(written_calendar)}")
    lines = [
        f"Message-ID: {message_id}\r\nDate: {format_datetime(date)}\r\n",
        *headers,
        # No answering machine answers a machine.
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\nContent-Language: fr\r\n\r\n',
        *(f"--{boundary}\r\n{part}\r\n" for part in parts),
        f"--{boundary}--\r\n",
    ]
    return "".join(lines).encode("ascii")


# Most headers are written again and again: the sender, where answers go, one subject for many.
@lru_cache(maxsize=4096)
def folded(name: str, words: str) -> str:
    """A header of words as it stands on the wire.

    Words that are not ASCII are encoded whole: the library's own folding loses the space between two of them where a line ends.
    """
    if not words.isascii():
        return f"{name}: {Header(words, 'utf-8', header_name=name).encode(linesep=EOL)}{EOL}"
    return str(POLICY.header_factory(name, words).fold(policy=POLICY))


@lru_cache(maxsize=4096)
def folded_address(name: str, address: str, display_name: str = "") -> str:
    """A header with one address."""
    return str(POLICY.header_factory(name, Address(display_name, addr_spec=address)).fold(policy=POLICY))


def quoted(text: str) -> str:
    """Quoted-printable, by lines."""
    body = b"\n".join(text.encode().splitlines()) + b"\n"
    return quoprimime.body_encode(body.decode("latin-1"), LINE_LENGTH, eol="\r\n")


def in_base64(text: str) -> str:
    body = b"\r\n".join(text.encode().splitlines()) + b"\r\n"
    return base64.encodebytes(body).decode("ascii").replace("\n", "\r\n")
