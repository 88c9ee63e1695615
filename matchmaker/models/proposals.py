"""Proposals: what is put to one side of a match, its answer, and the history of its answers."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.base import Base, RowId, now, stored, today
from matchmaker.models.declarations import Declaration, Unit
from matchmaker.models.organisations import Organisation

if TYPE_CHECKING:
    from matchmaker.models.matching import Match


class Side(StrEnum):
    NEED = "need"
    OFFER = "offer"


class ProposalStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class DeclineReason(StrEnum):
    FOUND = "found"
    TOO_FAR = "too_far"
    WRONG_DATES = "wrong_dates"
    WRONG_VOLUME = "wrong_volume"
    TOO_EXPENSIVE = "too_expensive"
    WRONG_FIT = "wrong_fit"
    NO_TIME = "no_time"
    OTHER = "other"


class Channel(StrEnum):
    """Where an answer came from."""

    LINK = "link"
    ACCOUNT = "account"
    ANIMATOR = "animator"
    CALENDAR = "calendar"


class Proposal(Base):
    """One side's question: do you want to meet them?"""

    __tablename__ = "proposal"
    __table_args__ = (
        UniqueConstraint("match_id", "side"),
        CheckConstraint("(status IN ('accepted', 'declined')) = (answered_at IS NOT NULL)", name="an_answer_has_a_time"),
        CheckConstraint("(status = 'declined') = (decline_reason IS NOT NULL)", name="a_refusal_has_a_reason"),
        CheckConstraint("token_version >= 1", name="token_version_counts_up"),
        CheckConstraint("postponed_until IS NULL OR answer_by >= postponed_until", name="a_postponed_answer_is_waited_for"),
        CheckConstraint(
            "status = 'declined' OR (NOT never_again AND not_before IS NULL AND least_volume IS NULL AND most_volume IS NULL)",
            name="bounds_belong_to_a_refusal",
        ),
        CheckConstraint("(volume_unit IS NULL) = (least_volume IS NULL AND most_volume IS NULL)", name="bounds_of_volume_have_a_unit"),
        CheckConstraint("least_volume > 0 AND most_volume > 0 AND least_volume <= most_volume", name="bounds_of_volume_are_a_band"),
        CheckConstraint("parted_by_id IS NULL OR status = 'withdrawn'", name="who_parts_is_not_asked"),
        # What keeps two structures apart is looked for when both say yes.
        Index("ix_proposal_never_again", "match_id", postgresql_where=text("never_again")),
        Index("ix_proposal_organisation_id_status", "organisation_id", "status"),
    )

    id: Mapped[RowId]
    match_id: Mapped[UUID] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    side: Mapped[Side] = mapped_column(stored(Side))
    status: Mapped[ProposalStatus] = mapped_column(stored(ProposalStatus), default=ProposalStatus.PENDING)
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    answer_by: Mapped[date]
    answered_at: Mapped[datetime | None]
    decline_reason: Mapped[DeclineReason | None] = mapped_column(stored(DeclineReason))
    decline_comment: Mapped[str] = mapped_column(default="")
    # What the refusal asks of later runs, beside its reason: see services/refusal_bounds.
    never_again: Mapped[bool] = mapped_column(default=False, server_default="false")
    not_before: Mapped[date | None]
    least_volume: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    most_volume: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    volume_unit: Mapped[Unit | None] = mapped_column(stored(Unit))
    # The day that this side asked for: until then nobody reminds it, and the question is not over.
    postponed_until: Mapped[date | None]
    # This question was withdrawn with the refusal of the same structure that asked for « never again »: see services/never_again.
    parted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposal.id", ondelete="SET NULL"), index=True)
    # An animator found that what follows from this refusal for later runs need not follow: see services/refusals.
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    # Raised to kill every link sent before.
    token_version: Mapped[int] = mapped_column(default=1)

    match: Mapped["Match"] = relationship(back_populates="proposals")
    organisation: Mapped[Organisation] = relationship()
    history: Mapped[list["ProposalAnswer"]] = relationship(back_populates="proposal", cascade="all, delete-orphan", order_by="ProposalAnswer.created_at")

    @property
    def other(self) -> "Proposal":
        """The proposal put to the other side of the same match."""
        return next(proposal for proposal in self.match.proposals if proposal.side is not self.side)

    @property
    def own_declaration(self) -> Declaration:
        return self.match.need if self.side is Side.NEED else self.match.offer

    @property
    def their_declaration(self) -> Declaration:
        return self.match.offer if self.side is Side.NEED else self.match.need

    def can_be_answered(self) -> bool:
        return self.status is ProposalStatus.PENDING

    @property
    def is_late(self) -> bool:
        """The day to answer is past, and nothing was said."""
        return self.status is ProposalStatus.EXPIRED or (self.can_be_answered() and self.answer_by < today())


class ProposalAnswer(Base):
    """One answer as it was given: who changes their mind leaves a trace. « Later » is pending, with its day."""

    __tablename__ = "proposal_answer"
    __table_args__ = (
        CheckConstraint("status IN ('accepted', 'declined', 'pending')", name="says_yes_no_or_later"),
        CheckConstraint("(status = 'declined') = (reason IS NOT NULL)", name="a_refusal_has_a_reason"),
        CheckConstraint("(status = 'pending') = (postponed_until IS NOT NULL)", name="later_has_a_day"),
    )

    id: Mapped[RowId]
    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"), index=True)
    status: Mapped[ProposalStatus] = mapped_column(stored(ProposalStatus))
    reason: Mapped[DeclineReason | None] = mapped_column(stored(DeclineReason))
    postponed_until: Mapped[date | None]
    channel: Mapped[Channel] = mapped_column(stored(Channel))
    created_at: Mapped[datetime] = mapped_column(default=now)

    proposal: Mapped[Proposal] = relationship(back_populates="history")
