"""How a structure wants to be asked: its hours, the days when it is away, and what counts of its past answers."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Absence, Organisation
from matchmaker.services import asking_rates


@dataclass(frozen=True)
class History:
    """What counts of a structure's past: answers, and questions that it left without one."""

    answered: int
    silent: int


def history(organisation: Organisation, *, day: date) -> History:
    answered, silent = asking_rates.histories(day=day, organisation_id=organisation.id)
    return History(round(answered.get(organisation.id, 0.0)), round(silent.get(organisation.id, 0.0)))


def forget_history(organisation: Organisation, *, day: date) -> None:
    """What it answered, or did not, before today no longer counts."""
    organisation.history_from = day
    db.session.flush()


def absences(organisation: Organisation, *, day: date) -> list[Absence]:
    """Those that are not over, the next one first."""
    query = select(Absence).where(Absence.organisation_id == organisation.id, Absence.ends_on >= day)
    return list(db.session.scalars(query.order_by(Absence.starts_on, Absence.id)))


def add_absence(organisation: Organisation, *, starts_on: date, ends_on: date) -> Absence:
    absence = Absence(organisation=organisation, starts_on=starts_on, ends_on=ends_on)
    db.session.add(absence)
    db.session.flush()
    return absence


def absence_of(organisation: Organisation, absence_id: UUID) -> Absence | None:
    return db.session.scalars(select(Absence).where(Absence.id == absence_id, Absence.organisation_id == organisation.id)).one_or_none()


def remove_absence(absence: Absence) -> None:
    db.session.delete(absence)
    db.session.flush()
