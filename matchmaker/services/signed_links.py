"""What the links in mails and the addresses of calendars carry: signed, without a date; the database decides until when it is good.

The present key of the site signs. Those that it replaced are read too, until they are taken away: a mail is opened weeks after it was sent.
"""

from typing import Any

from itsdangerous import BadData, URLSafeSerializer


def sign(content: Any, secret: str, *, salt: str) -> str:
    """A token for one use, which ``salt`` names: it opens nothing else."""
    return str(URLSafeSerializer(secret, salt=salt).dumps(content))


def read(token: str, keys: tuple[str, ...], *, salt: str) -> Any | None:
    """What we signed for this use with one of the keys (``sealing.keys_of``), or nothing.

    >>> read(sign(["a", 1], "the former key", salt="test"), ("the present key", "the former key"), salt="test")
    ['a', 1]
    """
    for key in keys:
        serializer = URLSafeSerializer(key, salt=salt)
        try:
            content = serializer.loads(token)
            # The last letter of a signature has spare bits: four spellings decode to the same bytes, and only one is ours.
            return content if serializer.dumps(content) == token else None
        except (BadData, ValueError):
            continue
    return None
