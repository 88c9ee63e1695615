"""Two entries of one structure: what was merged into what, and which pairs are two structures indeed."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, now
from matchmaker.models.organisations import Organisation

if TYPE_CHECKING:
    from matchmaker.models.accounts import User


class MergedOrganisation(Base):
    """An entry that is no more, and the one that has all that was its own. Old links lead there."""

    __tablename__ = "merged_organisation"

    old_id: Mapped[UUID] = mapped_column(primary_key=True)
    kept_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    # What its sheet said, in full, and how many rows of each table went over.
    sheet: Mapped[dict[str, Any]]
    moved: Mapped[dict[str, Any]]
    merged_at: Mapped[datetime] = mapped_column(default=now)
    merged_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)

    kept: Mapped[Organisation] = relationship()
    merged_by: Mapped["User | None"] = relationship()


class DistinctOrganisations(Base):
    """Two structures that look alike and are not the same: an animator said so."""

    __tablename__ = "distinct_organisations"
    __table_args__ = (CheckConstraint("first_id < second_id", name="in_one_order"),)

    first_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True, index=True)
    said_at: Mapped[datetime] = mapped_column(default=now)
    said_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
