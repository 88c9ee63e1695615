"""What those who met say of it, in a minute."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, now
from matchmaker.models.job_datings import Meeting
from matchmaker.models.organisations import Organisation


class Feedback(Base):
    """One structure's word on one meeting. It may change until the door closes; whoever skips is not asked again."""

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("meeting_id", "organisation_id"),
        CheckConstraint("NOT is_skipped OR (is_useful IS NULL AND NOT wants_again AND NOT has_next_step)", name="skipped_says_nothing"),
    )

    id: Mapped[RowId]
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    is_useful: Mapped[bool | None]
    wants_again: Mapped[bool] = mapped_column(default=False)
    has_next_step: Mapped[bool] = mapped_column(default=False)
    is_skipped: Mapped[bool] = mapped_column(default=False)
    said_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    meeting: Mapped[Meeting] = relationship()
    organisation: Mapped[Organisation] = relationship()
