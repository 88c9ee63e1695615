"""The mails of a demonstration, which its catcher keeps as files for everybody to read: they forget what the outbox forgets."""

from email.parser import BytesHeaderParser
from pathlib import Path

from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import OutboxMail

# More than all headers of a mail of ours.
HEAD = 16_384


def forget_emptied(folder: Path) -> int:
    """Remove the files of mails that the outbox has emptied, for an erasure or for their age. Returns how many."""
    keys = {path: key_of(path) for path in sorted(folder.glob("*.eml"))}
    query = select(OutboxMail.message_id).where(OutboxMail.message_id.in_(set(keys.values())), func.length(OutboxMail.message) == 0)
    emptied = set(db.session.scalars(query))
    gone = [path for path, key in keys.items() if key in emptied]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def key_of(path: Path) -> str:
    """The Message-ID of a file."""
    with path.open("rb") as file:
        return str(BytesHeaderParser().parsebytes(file.read(HEAD)).get("Message-ID", "")).strip()
