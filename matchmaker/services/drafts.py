"""What a structure began to write: kept while it is written, found again on any device, gone once it is an announcement or after 30 days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import db
from matchmaker.models import Category, DeclarationDraft, Organisation, Side
from matchmaker.models.base import now

KEPT_DAYS = 30
# Of each field, so that a draft stays what a person types.
LONGEST, MOST_VALUES = 3000, 60


def keep(organisation: Organisation, side: Side, category: Category, answers: Mapping[str, Sequence[str]], *, fields: Iterable[str]) -> DeclarationDraft:
    """Write down the form as it stands: these fields only, in place of what was kept before."""
    kept = {name: [value[:LONGEST] for value in answers[name][:MOST_VALUES]] for name in fields if answers.get(name)}
    moment = now()
    row = {"organisation_id": organisation.id, "side": side, "category": category, "answers": kept, "created_at": moment, "updated_at": moment}
    statement = insert(DeclarationDraft).values(row)
    fresh = {"answers": statement.excluded.answers, "updated_at": statement.excluded.updated_at}
    statement = statement.on_conflict_do_update(index_elements=["organisation_id", "side", "category"], set_=fresh)
    return db.session.scalars(statement.returning(DeclarationDraft), execution_options={"populate_existing": True}).one()


def draft_of(organisation: Organisation, side: Side, category: Category) -> DeclarationDraft | None:
    """What was begun of this kind, if anything."""
    query = select(DeclarationDraft).where(DeclarationDraft.organisation_id == organisation.id)
    return db.session.scalars(query.where(DeclarationDraft.side == side, DeclarationDraft.category == category)).one_or_none()


def drafts_of(organisation: Organisation) -> list[DeclarationDraft]:
    """All that was begun, the latest first."""
    query = select(DeclarationDraft).where(DeclarationDraft.organisation_id == organisation.id)
    return list(db.session.scalars(query.order_by(DeclarationDraft.updated_at.desc(), DeclarationDraft.id)))


def discard(organisation: Organisation, side: Side, category: Category) -> None:
    """It is an announcement now, or nobody wants it any more."""
    ours = (DeclarationDraft.organisation_id == organisation.id, DeclarationDraft.side == side, DeclarationDraft.category == category)
    db.session.execute(delete(DeclarationDraft).where(*ours))


def forget_old(*, at: datetime) -> None:
    """Drafts that nobody touched for 30 days go."""
    db.session.execute(delete(DeclarationDraft).where(DeclarationDraft.updated_at < at - timedelta(days=KEPT_DAYS)))
