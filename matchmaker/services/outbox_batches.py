"""Many mails of one kind at once: each rendered for its reader, all queued by a few statements."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import crash_point, db
from matchmaker.models import OutboxMail
from matchmaker.models.base import now as present
from matchmaker.services import addresses, outbox, outbox_pace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """One mail of a batch; the words as for `outbox.queue`. ``context`` is what its templates get."""

    uid: str
    recipient: str
    organisation_id: UUID
    context: Mapping[str, Any]
    idempotency_key: str = ""
    not_before: datetime | None = None

    @property
    def key(self) -> str:
        return self.idempotency_key or self.uid


def queue_all(name: str, letters: Sequence[Letter], *, settings: outbox.MailSettings) -> set[str]:
    """Queue them as `outbox.queue` does one by one. Returns the idempotency keys of those that are new and leave."""
    written = [(letter, to) for letter in letters if (to := outbox.writable(letter.recipient)) is not None]
    if len(written) < len(letters):
        log.warning("%d mails %s have no usable address", len(letters) - len(written), name)
    if not written:
        return set()
    due = outbox_pace.none_too_often(name, [(to, letter.not_before or present()) for letter, to in written])
    rows = [row_of(name, letter, to, at, settings) for (letter, to), at in zip(written, due, strict=True)]
    statement = insert(OutboxMail).on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(OutboxMail.idempotency_key)
    new = set(db.session.scalars(statement, rows))
    crash_point("queued")
    return new - addresses.withhold({letter.key: to for letter, to in written if letter.key in new}, name)


def row_of(name: str, letter: Letter, to: str, due: datetime, settings: outbox.MailSettings) -> dict[str, Any]:
    message_id = outbox.message_id_of(letter.key, settings)
    composed = outbox.composed_for(to, name, message_id=message_id, settings=settings, **letter.context)
    return {
        "idempotency_key": letter.key,
        "kind": name,
        "recipient": to,
        "organisation_id": letter.organisation_id,
        "subject": composed.subject,
        "message_id": message_id,
        "message": composed.message,
        "not_before": due,
    }
