"""Lists of suppliers that a buyer keeps: they belong to the structure, and what is taken off can be put back."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Organisation, Shortlist, ShortlistEntry, User
from matchmaker.models.base import now
from matchmaker.services.errors import DomainError

MOST_LISTS, MOST_ENTRIES = 50, 200


class NameTaken(DomainError):
    """The structure has a list of this name."""


class TooMany(DomainError):
    """As many lists, or structures in one list, as there may be."""


def make(buyer: Organisation, name: str) -> Shortlist:
    """A new, empty list. Raises NameTaken, TooMany."""
    names = {one.name.lower() for one in lists_of(buyer)}
    if name.strip().lower() in names:
        raise NameTaken(name)
    if len(names) >= MOST_LISTS:
        raise TooMany(MOST_LISTS)
    shortlist = Shortlist(organisation=buyer, name=name.strip())
    db.session.add(shortlist)
    db.session.flush()
    return shortlist


def rename(shortlist: Shortlist, name: str) -> None:
    """Raises NameTaken."""
    if any(one.id != shortlist.id and one.name.lower() == name.strip().lower() for one in lists_of(shortlist.organisation)):
        raise NameTaken(name)
    shortlist.name = name.strip()
    db.session.flush()


def delete(shortlist: Shortlist) -> None:
    """With its notes, for good."""
    db.session.delete(shortlist)
    db.session.flush()


def keep(shortlist: Shortlist, supplier: Organisation, *, by: User) -> ShortlistEntry:
    """Put a structure in the list; one that was taken off comes back with its note. Kept twice, it is there once. Raises TooMany."""
    if len(shortlist.kept) >= MOST_ENTRIES:
        raise TooMany(MOST_ENTRIES)
    values = {"shortlist_id": shortlist.id, "supplier_id": supplier.id, "added_by_id": by.id, "note": "", "added_at": now()}
    fresh = insert(ShortlistEntry).values(values).on_conflict_do_update(index_elements=["shortlist_id", "supplier_id"], set_={"removed_at": None})
    entry_id = db.session.scalars(fresh.returning(ShortlistEntry.id)).one()
    shortlist.updated_at = now()
    db.session.expire(shortlist, ["entries"])
    return db.session.get_one(ShortlistEntry, entry_id, populate_existing=True)


def annotate(entry: ShortlistEntry, note: str) -> None:
    entry.note = note.strip()
    entry.shortlist.updated_at = now()
    db.session.flush()


def remove(entry: ShortlistEntry) -> None:
    """Taken off, with its note kept for whoever puts it back."""
    entry.removed_at = entry.removed_at or now()
    entry.shortlist.updated_at = now()
    db.session.flush()


def put_back(entry: ShortlistEntry) -> None:
    entry.removed_at = None
    entry.shortlist.updated_at = now()
    db.session.flush()


def lists_of(buyer: Organisation) -> list[Shortlist]:
    """A structure's lists, by name."""
    return list(db.session.scalars(select(Shortlist).where(Shortlist.organisation_id == buyer.id).order_by(func.lower(Shortlist.name), Shortlist.id)))


def counts(shortlists: Sequence[Shortlist]) -> dict[UUID, int]:
    """List id → how many structures it keeps."""
    query = select(ShortlistEntry.shortlist_id, func.count()).where(ShortlistEntry.removed_at.is_(None))
    query = query.where(ShortlistEntry.shortlist_id.in_([one.id for one in shortlists])).group_by(ShortlistEntry.shortlist_id)
    return dict(db.session.execute(query).all())


def shortlist_of(buyer: Organisation, shortlist_id: UUID) -> Shortlist | None:
    """One of the structure's own lists, with what its page shows."""
    supplier = selectinload(Shortlist.entries).joinedload(ShortlistEntry.supplier).joinedload(Organisation.commune)
    query = select(Shortlist).where(Shortlist.id == shortlist_id, Shortlist.organisation_id == buyer.id)
    return db.session.scalars(query.options(supplier, joinedload(Shortlist.organisation))).one_or_none()


def entry_of(buyer: Organisation, entry_id: UUID) -> ShortlistEntry | None:
    """A line of one of the structure's own lists."""
    query = select(ShortlistEntry).join(ShortlistEntry.shortlist).where(ShortlistEntry.id == entry_id, Shortlist.organisation_id == buyer.id)
    return db.session.scalars(query.options(joinedload(ShortlistEntry.shortlist), joinedload(ShortlistEntry.supplier))).one_or_none()


def kept_in(buyer: Organisation, supplier_ids: Sequence[UUID]) -> dict[UUID, list[Shortlist]]:
    """Organisation id → the buyer's lists that hold it."""
    query = select(ShortlistEntry).join(ShortlistEntry.shortlist).options(joinedload(ShortlistEntry.shortlist))
    query = query.where(Shortlist.organisation_id == buyer.id, ShortlistEntry.removed_at.is_(None), ShortlistEntry.supplier_id.in_(supplier_ids))
    found: dict[UUID, list[Shortlist]] = {}
    for entry in db.session.scalars(query.order_by(func.lower(Shortlist.name))):
        found.setdefault(entry.supplier_id, []).append(entry.shortlist)
    return found
