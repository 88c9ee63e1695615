"""Pages of the directory that people report: each report is a row of the work queue of the structure's animators, until one of them ends it."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Commune, DirectoryReport, Organisation, ReportReason, User
from matchmaker.models.base import now
from matchmaker.services.errors import NoReach

# The same thing said again within this time is one report: a page is not reported away by pressing often.
SAME_FOR = timedelta(days=7)
MOST_OPEN = 10


def report(organisation: Organisation, *, reason: ReportReason, note: str = "", by: User | None = None) -> DirectoryReport | None:
    """Tell the animators. None when it was told already. Raises NoReach where nobody looks after the structure's territory."""
    if organisation.territory_id is None:
        raise NoReach(organisation.commune_code)
    recent = select(DirectoryReport).where(DirectoryReport.organisation_id == organisation.id, DirectoryReport.created_at > now() - SAME_FOR)
    known = db.session.scalars(recent).all()
    if len(known) >= MOST_OPEN or any((one.reason, one.note) == (reason, note) for one in known):
        return None
    made = DirectoryReport(organisation_id=organisation.id, reason=reason, note=note, by_id=by.id if by else None)
    db.session.add(made)
    db.session.flush()
    return made


def reported(territory_ids: Collection[int], only: UUID | None) -> Sequence[Any]:
    """Report, when, territory, structure and EPCI of what was reported in these territories; ``only``: of this report."""
    query = select(DirectoryReport.id, DirectoryReport.created_at, Organisation.territory_id, Organisation.id, Commune.epci_code)
    query = query.join(DirectoryReport.organisation).join(Organisation.commune).where(Organisation.territory_id.in_(territory_ids))
    return db.session.execute(query if only is None else query.where(DirectoryReport.id == only)).all()


def reports_of(ids: Collection[UUID]) -> dict[UUID, DirectoryReport]:
    """Reports by id, with who made them."""
    query = select(DirectoryReport).where(DirectoryReport.id.in_(ids)).options(joinedload(DirectoryReport.by))
    return {one.id: one for one in db.session.scalars(query)}
