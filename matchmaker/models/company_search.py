"""What the public directory of companies said of a SIRET or of an RNA number, kept for a while."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.models.base import Base, now


class CompanyRecord(Base):
    """The answer for one number. Empty: the directory does not know it."""

    __tablename__ = "company_record"
    __table_args__ = (CheckConstraint("number ~ '^([0-9]{14}|W[0-9A-Z]{9})$'", name="number_is_a_siret_or_an_rna"),)

    number: Mapped[str] = mapped_column(String(14), primary_key=True)
    told: Mapped[dict[str, Any]]
    fetched_at: Mapped[datetime] = mapped_column(default=now)
