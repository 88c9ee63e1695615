"""Tables that do not serve this time: broken, lent, or in a room that stays closed."""

from collections.abc import Collection
from uuid import UUID

from matchmaker.extensions import db
from matchmaker.models import JobDating, LostTable
from matchmaker.services import job_dating_plans, job_datings


def set_lost(job_dating: JobDating, table_ids: Collection[UUID], *, version: int | None = None) -> None:
    """Write which tables of the venue do not serve at a draft, and plan anew with the others.

    A published job dating has `replanning`, which shows its moves first. Raises EditedMeanwhile, NoAccessibleTable, NotAllowedNow.
    """
    job_datings.lock_draft(job_dating, version=version)
    wanted = {table.id for table in job_dating.venue.tables} & set(table_ids)
    before = {one.table_id for one in job_dating.lost_tables}
    if wanted == before:
        return
    kept = [one for one in job_dating.lost_tables if one.table_id in wanted]
    job_dating.lost_tables = kept + [LostTable(table_id=one) for one in sorted(wanted - before)]
    job_dating.version += 1
    db.session.flush()
    job_datings.check_accessible_tables(job_dating)
    job_dating_plans.plan(job_dating)
    db.session.flush()
