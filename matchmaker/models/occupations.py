"""Occupations of the ROME, the names that people give them, and those that a person moves to easily from each."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base


class Occupation(Base):
    """An occupation of the official list, by its code: a letter and four digits. The table is empty until the list is imported."""

    __tablename__ = "occupation"
    __table_args__ = (CheckConstraint("code ~ '^[A-Z][0-9]{4}$'", name="code_is_well_formed"),)

    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    label: Mapped[str]
    # Lower case, no accent, no punctuation: what people type is folded the same way before it is compared.
    folded: Mapped[str]

    @property
    def name(self) -> str:
        """Label and code, as in « Comptable (M1203) »."""
        return f"{self.label} ({self.code})"


class OccupationTitle(Base):
    """One of the names under which an occupation is known."""

    __tablename__ = "occupation_title"
    __table_args__ = (Index("ix_occupation_title_folded", "folded", postgresql_ops={"folded": "text_pattern_ops"}),)

    # The number that the official list gives it.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    occupation_code: Mapped[str] = mapped_column(ForeignKey("occupation.code", ondelete="CASCADE"), index=True)
    title: Mapped[str]
    folded: Mapped[str]


class OccupationMobility(Base):
    """From one occupation a person moves to another; of all those it leads to, rank 1 is the nearest."""

    __tablename__ = "occupation_mobility"
    __table_args__ = (CheckConstraint("rank > 0", name="rank_counts_from_one"), CheckConstraint("from_code <> to_code", name="leads_elsewhere"))

    from_code: Mapped[str] = mapped_column(ForeignKey("occupation.code", ondelete="CASCADE"), primary_key=True)
    to_code: Mapped[str] = mapped_column(ForeignKey("occupation.code", ondelete="CASCADE"), primary_key=True, index=True)
    rank: Mapped[int] = mapped_column(SmallInteger)
