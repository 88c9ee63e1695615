"""Who was erased, in a file that stands outside of the database: a backup knows nothing of the days after it, and would bring them back.

A line of the file is a day, a kind of row and its id, in the order in which they were erased; no name, no address. It is made from the audit
log, and keeps what a restored audit log has lost. Services change the session; the caller commits.
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, select, update

from matchmaker.extensions import db
from matchmaker.models import AccountToken, AuditAction, AuditEntry, Organisation, User, UserSession
from matchmaker.models.base import PARIS, now
from matchmaker.services import memberships, outbox, personal_data_erasing, sessions

# Longer than any backup is kept (35 days): somebody always finds an older one.
KEPT = timedelta(days=366)
PERSON, STRUCTURE = User.__tablename__, Organisation.__tablename__


@dataclass(frozen=True)
class Line:
    """One erasure."""

    day: date
    kind: str
    key: UUID

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.key}"

    @classmethod
    def read(cls, text: str) -> "Line":
        """Raises ValueError for what is no line of ours."""
        day, kind, key = text.split()
        if kind not in (PERSON, STRUCTURE):
            raise ValueError(kind)
        return cls(date.fromisoformat(day), kind, UUID(key))


def read(path: Path) -> list[Line]:
    """The lines of the file, the oldest first. Raises FileNotFoundError, and ValueError when something else stands in it."""
    return [Line.read(text) for text in path.read_text(encoding="ascii").splitlines()]


def keep(path: Path, *, at: datetime) -> int:
    """Bring the file up to the audit log, and let go of what is too old to matter. Returns how many lines are new."""
    with alone(path):
        known = read(path) if path.exists() else []
        young = [line for line in known if line.day >= (at - KEPT).date()]
        seen = {(line.kind, line.key) for line in young}
        fresh = [line for line in told(since=at - KEPT) if (line.kind, line.key) not in seen]
        if not path.exists() or young + fresh != known:
            write(path, young + fresh)
    return len(fresh)


def told(*, since: datetime) -> list[Line]:
    """What the audit log says of erasures, the oldest first."""
    query = select(AuditEntry).where(AuditEntry.action == AuditAction.ERASED, AuditEntry.at >= since).order_by(AuditEntry.id)
    return [Line(entry.at.astimezone(PARIS).date(), entry.object_kind, UUID(entry.object_id)) for entry in db.session.scalars(query)]


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Of two workers at once, one writes after the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write(path: Path, lines: Collection[Line]) -> None:
    """All of it or nothing, and on the disk before it counts."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.touch(mode=0o600)
    with unfinished.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def erase_again(line: Line, lines: Collection[Line], *, settings: outbox.MailSettings) -> bool:
    """Erase who a restored backup brought back; False when nobody of this line is there.

    ``lines``: all of them. A structure that stayed when one of its people went stays, even when the backup knows nobody else in it.
    """
    if line.kind == STRUCTURE:
        return close_again(line.key, settings=settings)
    user = db.session.get(User, line.key)
    if user is None:
        return False
    closed = {one.key for one in lines if one.kind == STRUCTURE}
    personal_data_erasing.erase(user, settings=settings, keeps_structure=user.organisation_id not in closed)
    return True


def close_again(key: UUID, *, settings: outbox.MailSettings) -> bool:
    """Erase a structure. Whoever spoke for it in the backup had left before it went."""
    structure = db.session.get(Organisation, key)
    if structure is None or structure.erased_at is not None:
        return False
    for user in memberships.members(structure):
        memberships.release(user)
        user.is_active, user.left_at = False, now()
        sessions.end_all(user)
    db.session.flush()
    personal_data_erasing.erase_structure(structure, settings=settings)
    return True


def end_ways_in() -> None:
    """A backup brings back sessions that were closed since, and links that were used: none of them opens anything. People sign in anew."""
    db.session.execute(delete(UserSession))
    db.session.execute(update(AccountToken).where(AccountToken.ended_at.is_(None)).values(ended_at=now()))
