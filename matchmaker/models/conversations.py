"""After two yes: the messages of a match, the help that a side asks for, and who looked at whose contact details."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored
from matchmaker.models.matching import Match
from matchmaker.models.organisations import Organisation
from matchmaker.models.proposals import Channel, Side

LONGEST_MESSAGE = 2000


class ContactWay(StrEnum):
    """How contact details came before somebody's eyes."""

    MAIL = "mail"
    ACCOUNT = "account"
    HELP = "help"


class Message(Base):
    """What one side of a mutual match writes to the other. Without a side: the animator whom one of them called."""

    __tablename__ = "conversation_message"
    __table_args__ = (
        CheckConstraint(f"length(btrim(text)) > 0 AND length(text) <= {LONGEST_MESSAGE}", name="says_something_short"),
        CheckConstraint("(side IS NULL) = (channel = 'animator')", name="an_animator_is_no_side"),
        Index("ix_conversation_message_match_id_sent_at", "match_id", "sent_at"),
    )

    id: Mapped[RowId]
    match_id: Mapped[UUID] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    side: Mapped[Side | None] = mapped_column(stored(Side))
    # Nobody for a message written from a mail's link.
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    channel: Mapped[Channel] = mapped_column(stored(Channel))
    text: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(default=now)

    match: Mapped[Match] = relationship()
    author: Mapped[User | None] = relationship()


class HelpRequest(Base):
    """A side calls the animator of the territory, who may read and write while it is open. Nobody else lets them in."""

    __tablename__ = "help_request"
    __table_args__ = (
        CheckConstraint("ended_at >= asked_at", name="ends_after_it_was_asked"),
        Index("uq_help_request_open", "match_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[RowId]
    match_id: Mapped[UUID] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"), index=True)
    side: Mapped[Side] = mapped_column(stored(Side))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    match: Mapped[Match] = relationship()


class ContactView(Base):
    """Somebody saw the contact details of a structure. Rows are only added: a trigger of the database refuses any change."""

    __tablename__ = "contact_view"
    __table_args__ = (
        CheckConstraint("(way = 'mail') = (viewer_id IS NULL)", name="a_page_is_seen_by_a_person"),
        Index("ix_contact_view_organisation_id_viewed_at", "organisation_id", "viewed_at"),
        Index("ix_contact_view_match_id_viewer_id", "match_id", "viewer_id"),
    )

    id: Mapped[RowId]
    # Whose details they are.
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"))
    match_id: Mapped[UUID] = mapped_column(ForeignKey("match.id", ondelete="CASCADE"))
    # For whom they were looked at; nobody's when an animator did.
    viewer_organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)
    # The account, which may be gone: the trace stays as it was written.
    viewer_id: Mapped[UUID | None]
    way: Mapped[ContactWay] = mapped_column(stored(ContactWay))
    viewed_at: Mapped[datetime] = mapped_column(default=now)

    viewer_organisation: Mapped[Organisation | None] = relationship(foreign_keys=viewer_organisation_id)
