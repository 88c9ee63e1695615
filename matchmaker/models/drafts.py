"""What somebody began to write: the answers of a form as they were typed, right or wrong, to be gone on with from another device."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base, RowId, Timestamped, stored
from matchmaker.models.declarations import Category
from matchmaker.models.proposals import Side


class DeclarationDraft(Timestamped, Base):
    """An announcement before it is one: at most one of each kind and category a structure."""

    __tablename__ = "declaration_draft"
    __table_args__ = (UniqueConstraint("organisation_id", "side", "category"),)

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    side: Mapped[Side] = mapped_column(stored(Side))
    category: Mapped[Category] = mapped_column(stored(Category))
    # Name of the field → the texts that it held.
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)

    @property
    def title(self) -> str:
        """What was written first, if anything."""
        return next(iter(self.answers.get("title", [])), "")
