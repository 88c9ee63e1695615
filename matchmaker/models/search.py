"""What anybody may find: structures, published needs and published offers, as the directory searches them; searches that people keep; what they report.

The rows of SearchEntry are written by triggers of the database alone (migration 0029), in the transaction that changes a structure, an
announcement or a venue: whatever code writes those, the directory says the same. A succession in confidence never has a row.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.declarations import Category
from matchmaker.models.organisations import Family, InclusionKind, Organisation
from matchmaker.models.territories import Theme


class EntryKind(StrEnum):
    ORGANISATION = "organisation"
    NEED = "need"
    OFFER = "offer"


class Trait(StrEnum):
    """What a structure is, or its place has."""

    THIRD_PLACE = "third_place"
    # Of the insertion or disability sector: hours done there count for a social clause, or a market may be reserved to it.
    CLAUSE = "clause"
    # A venue, or what it offers, can be reached in a wheelchair.
    ACCESSIBLE = "accessible"


# Independent workers are left out on purpose: whether their hours count depends on the contract.
CLAUSE_KINDS = frozenset({InclusionKind.EI, InclusionKind.ACI, InclusionKind.AI, InclusionKind.ETTI, InclusionKind.EA, InclusionKind.ESAT, InclusionKind.GEIQ})

# The bit of each facet in SearchEntry.facets, as the triggers write it: a new member of an enum needs a migration that writes it too.
FAMILY_BITS = {family: bit for bit, family in enumerate(Family)}
CATEGORY_BITS = {category: 8 + bit for bit, category in enumerate(Category)}
THEME_BITS = {theme: 16 + bit for bit, theme in enumerate(Theme)}
TRAIT_BITS = {trait: 40 + bit for bit, trait in enumerate(Trait)}


class SearchEntry(Base):
    """A structure, a need or an offer as it is searched. It holds nothing that its page does not show, but the SIRET, which finds and is not shown."""

    __tablename__ = "search_entry"
    __table_args__ = (
        Index("ix_search_entry_vector", "vector", postgresql_using="gin"),
        Index("ix_search_entry_sort_name_words", "sort_name", postgresql_using="gin", postgresql_ops={"sort_name": "gin_trgm_ops"}),
        # Two lists that are read in their order, and two counts: none touches the table.
        Index("ix_search_entry_kind_sort_name_subject_id", "kind", "sort_name", "subject_id", postgresql_include=["facets", "commune_code"]),
        Index("ix_search_entry_kind_fresh_at_subject_id", "kind", "fresh_at", "subject_id", postgresql_include=["facets", "commune_code"]),
        Index("ix_search_entry_kind_facets", "kind", "facets"),
        Index("ix_search_entry_kind_commune_code_facets", "kind", "commune_code", "facets"),
    )

    # The structure's, the need's or the offer's.
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[EntryKind] = mapped_column(stored(EntryKind))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    # Name or title, folded.
    sort_name: Mapped[str]
    commune_code: Mapped[str] = mapped_column(String(5))
    facets: Mapped[int] = mapped_column(BigInteger)
    # When it came to the directory: of an announcement, when it was published.
    fresh_at: Mapped[datetime]
    vector: Mapped[Any] = mapped_column(TSVECTOR, deferred=True)


class Rhythm(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"


class SavedSearch(Timestamped, Base):
    """A search that somebody keeps, whose new results come by mail."""

    __tablename__ = "saved_search"
    __table_args__ = (
        CheckConstraint("length(btrim(label)) > 0", name="has_a_label"),
        UniqueConstraint("user_id", "address"),
    )

    id: Mapped[RowId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    label: Mapped[str]
    # The question, by codes, for the mail; and what stands behind the « ? » of its page, for people.
    asked: Mapped[dict[str, Any]]
    address: Mapped[str]
    rhythm: Mapped[Rhythm] = mapped_column(stored(Rhythm), default=Rhythm.WEEKLY)
    # What came before was told, or was there when the search was kept.
    told_until: Mapped[datetime] = mapped_column(default=now)
    # When somebody last looked for news, found or not.
    looked_at: Mapped[datetime] = mapped_column(default=now)
    # Off: kept, and no mail.
    stopped_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class ReportReason(StrEnum):
    """What is wrong with a page of the directory."""

    CLOSED = "closed"
    MOVED = "moved"
    WRONG = "wrong"
    TWICE = "twice"
    IMPROPER = "improper"
    OTHER = "other"


class DirectoryReport(Base):
    """Somebody, known or not, says that the page of a structure is wrong: a row of the work queue of its animators."""

    __tablename__ = "directory_report"
    __table_args__ = (CheckConstraint("length(note) <= 1000", name="note_is_short"),)

    id: Mapped[RowId]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    reason: Mapped[ReportReason] = mapped_column(stored(ReportReason))
    note: Mapped[str] = mapped_column(default="")
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)

    organisation: Mapped[Organisation] = relationship()
    by: Mapped[User | None] = relationship()
