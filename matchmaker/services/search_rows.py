"""What the list of the directory shows of its rows, in a fixed number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import joinedload

from matchmaker.extensions import db
from matchmaker.models import Category, Need, Offer, Organisation, Side
from matchmaker.services.declarations import public

D = TypeVar("D", Need, Offer)


@dataclass
class Said:
    """What a structure seeks and offers in public, the newest first."""

    titles: dict[Side, list[str]] = field(default_factory=lambda: {side: [] for side in Side})
    categories: list[Category] = field(default_factory=list)
    last_at: datetime | None = None


def organisations_of(ids: Sequence[UUID]) -> list[Organisation]:
    """Structures with their commune, in the order of the ids."""
    query = select(Organisation).where(Organisation.id.in_(ids)).options(joinedload(Organisation.commune))
    return in_order(ids, db.session.scalars(query))


def declarations_of(model: type[D], ids: Sequence[UUID]) -> list[D]:
    """Needs or offers with their structure and commune, in the order of the ids; public ones only, whatever changed meanwhile."""
    query = select(model).where(model.id.in_(ids), *public(model)).options(joinedload(model.organisation), joinedload(model.commune))
    return in_order(ids, db.session.scalars(query))


def in_order(ids: Sequence[UUID], rows: Any) -> list[Any]:
    found = {row.id: row for row in rows}
    return [found[one] for one in ids if one in found]


def said_by(organisation_ids: Sequence[UUID]) -> dict[UUID, Said]:
    """Structure → what anybody may know of its needs and offers; absent where there is nothing. One statement."""
    sides: tuple[tuple[Side, type[Need] | type[Offer]], ...] = (Side.NEED, Need), (Side.OFFER, Offer)
    parts = [
        select(model.organisation_id, literal(side.value), model.category, model.title, model.published_at).where(
            model.organisation_id.in_(organisation_ids), *public(model)
        )
        for side, model in sides
    ]
    found: dict[UUID, Said] = {}
    rows = sorted(db.session.execute(union_all(*parts)), key=lambda row: (row[4], row[3]), reverse=True)
    for organisation_id, side, category, title, published_at in rows:
        said = found.setdefault(organisation_id, Said(last_at=published_at))
        said.titles[Side(side)].append(title)
        if Category(category) not in said.categories:
            said.categories.append(Category(category))
    for said in found.values():
        said.categories.sort(key=list(Category).index)
    return found
