"""Groups of structures that could become a territorial pole of cooperation (PTCE), week by week, and whom an animator invited to speak of it."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.organisations import Organisation
from matchmaker.models.proposals import Channel
from matchmaker.models.territories import Territory

# Who was invited is left in peace so long, whichever group it is found in next; the link of its mail is good until then.
PEACE = timedelta(days=90)


class Function(StrEnum):
    """What such a pole needs somebody for: article 9 of the law of 31 July 2014 names the first four, the others make it work."""

    ESS = "ess"
    COMPANY = "company"
    PUBLIC = "public"
    TRAINING = "training"
    THIRD_PLACE = "third_place"
    INCLUSION = "inclusion"


class ClusterAnswer(StrEnum):
    """What an invited structure said, by the link of its mail or to the animator."""

    INTERESTED = "interested"
    NOT_NOW = "not_now"


class NurserySnapshot(Base):
    """The groups of one region as they were found on a day, among so many structures; those of the first weeks are of one département each."""

    __tablename__ = "nursery_snapshot"
    __table_args__ = (UniqueConstraint("territory_id", "day"), CheckConstraint("organisations >= 0", name="counts_structures"))

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id", ondelete="CASCADE"))
    day: Mapped[date]
    organisations: Mapped[int]

    territory: Mapped[Territory] = relationship()
    clusters: Mapped[list["Cluster"]] = relationship(back_populates="snapshot", cascade="all, delete-orphan", order_by="Cluster.position")


class Cluster(Base):
    """One group. Links are [[position, position, kind], …] between members; the kind « together » is a cooperation, « near » shared themes nearby."""

    __tablename__ = "cluster"
    __table_args__ = (
        UniqueConstraint("snapshot_id", "position"),
        CheckConstraint("stability BETWEEN 0 AND 1", name="stability_is_a_share"),
    )

    id: Mapped[RowId]
    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey("nursery_snapshot.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(SmallInteger)
    # The theme that most of its members share, and their most frequent category.
    theme: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    # Values of Function that nobody in it holds.
    missing: Mapped[list[str]] = mapped_column(default=list)
    # What it has in common with a group of the snapshot before; nothing in the first one.
    stability: Mapped[float | None]
    links: Mapped[list[Any]] = mapped_column(JSONB, default=list)

    snapshot: Mapped[NurserySnapshot] = relationship(back_populates="clusters")
    members: Mapped[list["ClusterMember"]] = relationship(back_populates="cluster", cascade="all, delete-orphan", order_by="ClusterMember.position")


class ClusterMember(Base):
    """A structure in a group, and where it is drawn: from 0 to 1 both ways."""

    __tablename__ = "cluster_member"
    __table_args__ = (CheckConstraint("x BETWEEN 0 AND 1 AND y BETWEEN 0 AND 1", name="is_drawn_inside"),)

    cluster_id: Mapped[UUID] = mapped_column(ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    x: Mapped[float]
    y: Mapped[float]

    cluster: Mapped[Cluster] = relationship(back_populates="members")
    organisation: Mapped[Organisation] = relationship()


class ClusterInvitation(Base):
    """An animator asked a structure whether it would speak of such a pole. It outlives the group: the next snapshot knows who was asked.

    Its territory is the département of the structure: who looks after that one reads the answer.
    """

    __tablename__ = "cluster_invitation"
    __table_args__ = (
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="an_answer_has_a_time"),
        CheckConstraint("(answer IS NULL) = (channel IS NULL)", name="an_answer_came_somehow"),
        CheckConstraint("length(message) <= 1000", name="message_is_short"),
        Index("ix_cluster_invitation_organisation_id_invited_at", "organisation_id", "invited_at"),
    )

    id: Mapped[RowId]
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    cluster_id: Mapped[UUID | None] = mapped_column(ForeignKey("cluster.id", ondelete="SET NULL"), index=True)
    invited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    invited_at: Mapped[datetime] = mapped_column(default=now)
    message: Mapped[str] = mapped_column(default="")
    answer: Mapped[ClusterAnswer | None] = mapped_column(stored(ClusterAnswer))
    answered_at: Mapped[datetime | None]
    channel: Mapped[Channel | None] = mapped_column(stored(Channel))

    territory: Mapped[Territory] = relationship()
    organisation: Mapped[Organisation] = relationship()
    cluster: Mapped[Cluster | None] = relationship()
    invited_by: Mapped[User | None] = relationship()

    @property
    def ends_at(self) -> datetime:
        """Until when its link takes an answer."""
        return self.invited_at + PEACE

    @property
    def is_over(self) -> bool:
        return self.ends_at <= now() or self.organisation.erased_at is not None
