"""The life of a territory: who follows it, what its animators write, and what structures say of what came about there."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, Timestamped, now, stored
from matchmaker.models.organisations import Organisation
from matchmaker.models.territories import Territory

LONGEST_NEWS = 2000
LONGEST_STORY = 600


class StoryStatus(StrEnum):
    """Written and not read by an animator yet, on the page, not wanted there, taken back by who wrote it."""

    WAITING = "waiting"
    PUBLISHED = "published"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class CommunityMember(Base):
    """A structure follows a territory: its page names it, and news of the territory are mailed to it."""

    __tablename__ = "community_member"

    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True, index=True)
    joined_at: Mapped[datetime] = mapped_column(default=now)

    territory: Mapped[Territory] = relationship()
    organisation: Mapped[Organisation] = relationship()


class News(Timestamped, Base):
    """What an animator tells of a territory, in plain text. Created is posted."""

    __tablename__ = "news"
    __table_args__ = (
        CheckConstraint("length(btrim(title)) > 0 AND length(title) <= 120", name="has_a_short_title"),
        CheckConstraint(f"length(btrim(text)) > 0 AND length(text) <= {LONGEST_NEWS}", name="says_something_short"),
        Index("ix_news_territory_id_created_at", "territory_id", "created_at"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id", ondelete="CASCADE"))
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    title: Mapped[str]
    text: Mapped[str]

    territory: Mapped[Territory] = relationship()
    author: Mapped[User | None] = relationship()


class Story(Base):
    """What a structure says of what it found, with its consent that anybody reads it. Taken back, nothing of it stays but that it was."""

    __tablename__ = "story"
    __table_args__ = (
        CheckConstraint(f"length(text) <= {LONGEST_STORY} AND length(signature) <= 80", name="is_short"),
        CheckConstraint("(status = 'withdrawn') = (length(btrim(text)) = 0)", name="is_erased_when_withdrawn"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_has_a_time"),
        Index(
            "uq_story_standing",
            "territory_id",
            "organisation_id",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'published')"),
        ),
        Index("ix_story_territory_id_status", "territory_id", "status"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    status: Mapped[StoryStatus] = mapped_column(stored(StoryStatus), default=StoryStatus.WAITING)
    text: Mapped[str]
    # Who speaks, as they want to be named; nobody's name when it is empty.
    signature: Mapped[str] = mapped_column(default="")
    consented_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    territory: Mapped[Territory] = relationship()
    organisation: Mapped[Organisation] = relationship()

    @property
    def is_standing(self) -> bool:
        return self.status in (StoryStatus.WAITING, StoryStatus.PUBLISHED)
