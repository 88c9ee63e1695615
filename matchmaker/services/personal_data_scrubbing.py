"""Taking the names of somebody who is erased out of what other people wrote, and out of mails. The caller commits."""

import email
import email.policy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from matchmaker.extensions import db
from matchmaker.models import MailStatus, OutboxMail
from matchmaker.services.errors import NotAllowedNow

GONE = "…"
# A short word is many other things too.
SHORTEST = 5


@dataclass(frozen=True)
class Words:
    """What names the one who is erased. ``keys`` are theirs alone (addresses, telephone numbers); ``names`` may be others' too."""

    keys: frozenset[str]
    names: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, *, keys: Iterable[str], person: str = "", structure: str = "") -> "Words":
        """A first name alone says of nobody who it is; nor does a structure's name of a few letters."""
        names = [name.strip() for name in (person, structure) if len(name.split()) > 1 or (name == structure and len(name.strip()) >= SHORTEST)]
        return cls(frozenset(key.strip() for key in keys if len(key.strip()) >= SHORTEST), frozenset(names))

    def pattern(self, *, only_keys: bool = False) -> re.Pattern[str] | None:
        """Any of them as a whole word, whatever its capitals, the longest first; spaces as people type them."""
        wanted = sorted(self.keys if only_keys else self.keys | self.names, key=len, reverse=True)
        if not wanted:
            return None
        parts = (r"\s+".join(re.escape(part) for part in word.split()) for word in wanted)
        return re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)", re.IGNORECASE)


def without(value: Any, pattern: re.Pattern[str]) -> Any:
    """The text, or the JSON value, with what matches replaced.

    >>> without({"a": ["Camille Léger viendra", 3]}, re.compile("Camille Léger"))
    {'a': ['… viendra', 3]}
    """
    if isinstance(value, str):
        return pattern.sub(GONE, value)
    if isinstance(value, list):
        return [without(one, pattern) for one in value]
    if isinstance(value, dict):
        return {without(key, pattern): without(one, pattern) for key, one in value.items()}
    return value


def scrub(columns: Sequence[InstrumentedAttribute[Any]], words: Words, *, where: ColumnElement[bool] | None = None) -> int:
    """Take the words out of these columns of one table. Names only in rows that ``where`` chooses, keys in all. Returns how many rows changed."""
    changed = 0
    if (keys := words.pattern(only_keys=True)) is not None:
        changed += rewrite(columns, keys, None)
    if where is not None and (names := words.pattern()) is not None:
        changed += rewrite(columns, names, where)
    return changed


def rewrite(columns: Sequence[InstrumentedAttribute[Any]], pattern: re.Pattern[str], where: ColumnElement[bool] | None) -> int:
    model = columns[0].class_
    keys = list(model.__table__.primary_key.columns)
    query = select(*keys, *columns) if where is None else select(*keys, *columns).where(where)
    if where is None:
        # Whole tables: the database finds the few rows, by the longest part of each word that holds no sign of a pattern.
        query = query.where(any_holds(columns, pattern))
    changed = 0
    for row in db.session.execute(query).all():
        values = {column.key: row[len(keys) + place] for place, column in enumerate(columns)}
        fresh = {name: without(value, pattern) for name, value in values.items()}
        if fresh != values:
            same = [key == row[place] for place, key in enumerate(keys)]
            db.session.execute(update(model).where(*same).values(**fresh).execution_options(synchronize_session=False))
            changed += 1
    return changed


def any_holds(columns: Sequence[InstrumentedAttribute[Any]], pattern: re.Pattern[str]) -> ColumnElement[bool]:
    """Does any of the columns hold what the pattern looks for, in the database's words?"""
    words = pattern.pattern.removeprefix(r"(?<!\w)(?:").removesuffix(r")(?!\w)")
    return or_(*(cast(column, Text).bool_op("~*")(words) for column in columns))


def scrub_mails(words: Words, own: ColumnElement[bool]) -> int:
    """Empty the mails that are ``own``, and whatever else names the person, in its bytes or beside them. What waits does not leave.

    Returns how many. Raises NotAllowedNow while one of them is in a worker's hands.
    """
    pattern, needles = words.pattern(), needles_of(words)
    emptied = 0
    ids = db.session.scalars(select(OutboxMail.id).order_by(OutboxMail.id)).all()
    for first in range(0, len(ids), 200):
        chunk = select(OutboxMail, own.label("own")).where(OutboxMail.id.in_(ids[first : first + 200]))
        for mail, is_own in db.session.execute(chunk).all():
            if is_own or (pattern is not None and names_them(mail, pattern, needles)):
                empty(mail, pattern, is_own=is_own)
                emptied += 1
        db.session.flush()
        db.session.expire_all()
    return emptied


def needles_of(words: Words) -> list[bytes]:
    """What a mail that holds one of the words holds for sure, as its bytes are written: the longest part of each that no encoding changes.

    >>> sorted(needles_of(Words.of(keys=["zoe@picoree.test"], person="Zoé Léger-Petit")))
    [b'ger-petit', b'zoe@picoree.test']
    """
    return [max(re.findall(r"[0-9A-Za-z@._+-]+", word), key=len, default="").lower().encode() for word in words.keys | words.names]


def names_them(mail: OutboxMail, pattern: re.Pattern[str], needles: Sequence[bytes]) -> bool:
    beside = (mail.recipient, mail.subject, mail.last_error, mail.returned_words or "")
    if any(pattern.search(text) for text in beside):
        return True
    # Texts leave as quoted-printable, calendars as base64: nine mails in ten are not worth decoding, and there may be a hundred thousand.
    plain = mail.message.replace(b"=\r\n", b"").lower()
    if b"text/calendar" not in plain and not any(needle in plain for needle in needles):
        return False
    return any(pattern.search(text) for text in texts_of(mail.message))


def texts_of(message: bytes) -> Iterable[str]:
    """Headers and parts of a mail as people read them."""
    if not message:
        return
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    for part in parsed.walk():
        yield from (str(value) for value in part.values())
        if not part.is_multipart():
            content = part.get_content()
            yield content if isinstance(content, str) else bytes(content).decode(errors="replace")


def empty(mail: OutboxMail, pattern: re.Pattern[str] | None, *, is_own: bool) -> None:
    """Without its bytes. Whose it is stays where that is somebody else."""
    if mail.status is MailStatus.SENDING:
        raise NotAllowedNow("a mail is on its way")
    if mail.status is MailStatus.QUEUED:
        mail.status = MailStatus.CANCELLED
    is_theirs = is_own or (pattern is not None and pattern.search(mail.recipient) is not None)
    mail.recipient = "" if is_theirs else mail.recipient
    mail.subject, mail.message, mail.last_error = "", b"", ""
    mail.returned_words = None if mail.returned_words is None else ""
