"""The file with all that is kept on a person: asked for on a page, written by a worker, taken away within a day. The caller commits."""

import csv
import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from matchmaker import mail
from matchmaker.extensions import db
from matchmaker.models import DataExport, User
from matchmaker.models.base import now
from matchmaker.services import outbox, personal_data
from matchmaker.services.personal_data import Section

# How long the file can be taken away.
KEPT = timedelta(hours=24)
# First letters that make a spreadsheet read a cell as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def ask(user: User) -> DataExport:
    """Ask for the file. Asked for again while it is being written, it is the same one."""
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update())
    waiting = db.session.scalars(select(DataExport).where(DataExport.user_id == user.id, DataExport.ready_at.is_(None))).one_or_none()
    if waiting is not None:
        return waiting
    export = DataExport(user=user)
    db.session.add(export)
    db.session.flush()
    return export


def latest(user: User) -> DataExport | None:
    """The last file that was asked for."""
    return db.session.scalars(select(DataExport).where(DataExport.user_id == user.id).order_by(DataExport.asked_at.desc()).limit(1)).one_or_none()


def export_of(user: User, export_id: UUID) -> DataExport | None:
    return db.session.scalars(select(DataExport).where(DataExport.id == export_id, DataExport.user_id == user.id)).one_or_none()


def is_there(export: DataExport, *, at: datetime) -> bool:
    """Can it be taken away still?"""
    return export.expires_at is not None and at < export.expires_at


def write_due(*, settings: outbox.MailSettings) -> UUID | None:
    """Write the file that waits longest, and tell its owner. Returns which, or nothing when none waits."""
    query = select(DataExport).where(DataExport.ready_at.is_(None)).order_by(DataExport.asked_at, DataExport.id).limit(1)
    export = db.session.scalars(query.with_for_update(skip_locked=True, of=DataExport)).one_or_none()
    if export is None:
        return None
    export.content = archive(list(personal_data.sections(export.user)), at=now())
    export.ready_at = now()
    export.expires_at = export.ready_at + KEPT
    db.session.flush()
    outbox.queue(
        "data_export",
        uid=f"data-export-{export.id}",
        recipient=export.user.email,
        settings=settings,
        useless_after=export.expires_at,
        link=f"{settings.public_url}/compte/donnees",
    )
    return export.id


def archive(sections: list[Section], *, at: datetime) -> bytes:
    """A zip: everything as one JSON document, each section as a CSV file, and what they are in plain words."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("LISEZ-MOI.txt", mail.render("data_export/lisez-moi.txt", sections=sections, at=at))
        file.writestr("donnees.json", json.dumps({one.key: one.rows for one in sections}, ensure_ascii=False, indent=2))
        for one in sections:
            file.writestr(f"{one.key}.csv", "\ufeff" + table(one.rows))
    return out.getvalue()


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as CSV, in which no cell is read as a formula."""
    out = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[cell(row.get(name)) for name in columns] for row in rows])
    return out.getvalue()


def cell(value: object) -> str:
    text = "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def forget_old(*, at: datetime) -> int:
    """Empty the files whose day is over; returns how many. That there was one stays, as long as the account."""
    over = update(DataExport).where(DataExport.expires_at <= at, DataExport.content.is_not(None))
    return len(db.session.scalars(over.values(content=None).returning(DataExport.id)).all())
