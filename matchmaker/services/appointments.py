"""Whom each structure meets at a job dating, when and at which table: what its mails, its calendar and its page say."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Declaration, JobDating, Match, Meeting, Need, Offer, Participant, ParticipantState


@dataclass(frozen=True)
class Slot:
    """One meeting as a guest is told of it. Hour and table are those of the plan, or nothing."""

    declaration_id: UUID
    starts_at: datetime | None
    table: int | None

    def is_at(self, other: "Slot") -> bool:
        """The same hour and table."""
        return (self.starts_at, self.table) == (other.starts_at, other.table)

    def row(self) -> dict[str, Any]:
        """As the database keeps it."""
        return {"declaration": str(self.declaration_id), "starts_at": self.starts_at.isoformat() if self.starts_at else None, "table": self.table}

    @staticmethod
    def of(row: dict[str, Any]) -> "Slot":
        return Slot(UUID(row["declaration"]), datetime.fromisoformat(row["starts_at"]) if row["starts_at"] else None, row["table"])


@dataclass(frozen=True)
class Appointment:
    """A slot with the announcement of the one to meet, for who reads."""

    partner: Declaration
    starts_at: datetime | None
    table: int | None
    # The host brings them together: nobody was asked before.
    is_by_host: bool = False

    @property
    def slot(self) -> Slot:
        return Slot(self.partner.id, self.starts_at, self.table)


def slots(found: Iterable[Slot]) -> tuple[Slot, ...]:
    """In one order, so that two states can be compared."""
    return tuple(sorted(found, key=lambda slot: (str(slot.starts_at), slot.table or 0, slot.declaration_id)))


def of(job_dating: JobDating) -> dict[UUID, list[Appointment]]:
    """Organisation id → its appointments in the order of the rounds; of who declined, those that it would have had, without an hour."""
    need = joinedload(Meeting.match).joinedload(Match.need).joinedload(Need.organisation)
    offer = joinedload(Meeting.match).joinedload(Match.offer).joinedload(Offer.organisation)
    query = select(Meeting).where(Meeting.job_dating_id == job_dating.id).options(need, offer, joinedload(Meeting.table))
    gone = select(Participant.organisation_id).where(Participant.job_dating_id == job_dating.id, Participant.state == ParticipantState.DECLINED)
    declined = set(db.session.scalars(gone))
    found: dict[UUID, list[Appointment]] = defaultdict(list)
    for meeting in db.session.scalars(query.order_by(Meeting.round.nulls_last(), Meeting.id)):
        starts_at = job_dating.round_starts_at(meeting.round) if meeting.round is not None else None
        for mine, theirs in ((meeting.match.need, meeting.match.offer), (meeting.match.offer, meeting.match.need)):
            if meeting.round is not None or mine.organisation_id in declined:
                table = meeting.table.number if meeting.table else None
                found[mine.organisation_id].append(Appointment(theirs, starts_at, table, meeting.match.is_by_host))
    return found
