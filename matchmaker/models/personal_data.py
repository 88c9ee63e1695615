"""What people decide about their own data: texts that they accepted, exports that they asked for, their erasure. And which columns are personal.

The registry at the end names every column that tells of somebody. A test fails when a column that looks as if it did is not in it.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import User
from matchmaker.models.base import Base, RowId, now, stored


class LegalText(StrEnum):
    TERMS = "terms"
    PRIVACY = "privacy"


class Consent(Base):
    """A person accepted a version of a text, on a day."""

    __tablename__ = "consent"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    legal_text: Mapped[LegalText] = mapped_column(stored(LegalText), primary_key=True)
    # The day of the version, « 2026-11-23 ».
    version: Mapped[str] = mapped_column(primary_key=True)
    accepted_at: Mapped[datetime] = mapped_column(default=now)


class DataExport(Base):
    """All that is kept on a person, asked for by that person: written by a worker, gone a day later."""

    __tablename__ = "data_export"
    __table_args__ = (
        CheckConstraint("(ready_at IS NULL) = (expires_at IS NULL)", name="ready_has_an_end"),
        CheckConstraint("content IS NULL OR ready_at IS NOT NULL", name="content_is_ready"),
        # One at a time: asked for twice, it is one.
        Index("uq_data_export_waiting", "user_id", unique=True, postgresql_where=text("ready_at IS NULL")),
        Index("ix_data_export_user_id", "user_id"),
    )

    id: Mapped[RowId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    # A zip; emptied when its day is over.
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    user: Mapped[User] = relationship()


class ErasureRequest(Base):
    """A person wants to be forgotten, on a day that is far enough to change one's mind."""

    __tablename__ = "erasure_request"
    __table_args__ = (CheckConstraint("due_at > asked_at", name="leaves_time_to_change_ones_mind"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    # Nobody asked: the account was not opened for two years, and its owner was told.
    is_for_idleness: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship()


class SpentLink(Base):
    """The hash of a link of an account that is gone: who opens it reads that it is over, and not that it never was."""

    __tablename__ = "spent_link"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(default=now)


class Way(StrEnum):
    """What erasing does to a personal column."""

    # The row goes with the account.
    GOES = "goes"
    # Emptied, or given a word that says nothing, when the structure that it is about goes with its last member.
    EMPTIED = "emptied"
    # Somebody else's text: what names the person is taken out of it.
    SCRUBBED = "scrubbed"
    # The bytes of a mail: emptied when the mail was to the person or names the person.
    MAIL = "mail"


# Table → its personal columns, and what becomes of each. services/personal_data_erasing.py has one function for each table.
PERSONAL: dict[str, dict[str, Way]] = {
    "user_account": {"email": Way.GOES, "name": Way.GOES, "password_hash": Way.GOES},
    "user_session": {"device": Way.GOES, "id_token": Way.GOES},
    "second_factor": {"secret": Way.GOES},
    "openid_identity": {"subject": Way.GOES},
    "data_export": {"content": Way.GOES},
    "territory": {"contact_name": Way.EMPTIED, "contact_email": Way.EMPTIED, "contact_phone": Way.EMPTIED},
    "sign_up": {"email": Way.GOES, "name": Way.GOES, "password_hash": Way.GOES, "structure": Way.GOES},
    "member_invitation": {"email": Way.GOES, "name": Way.GOES},
    "join_request": {"email": Way.GOES, "name": Way.GOES, "message": Way.GOES},
    "merged_organisation": {"sheet": Way.EMPTIED},
    "company_record": {"number": Way.EMPTIED, "told": Way.EMPTIED},
    "organisation": dict.fromkeys(("name", "siret", "rna", "description", "address", "email", "phone", "website", "source"), Way.EMPTIED),
    "need": dict.fromkeys(("title", "description", "skills", "details"), Way.EMPTIED),
    "offer": dict.fromkeys(("title", "description", "skills", "details"), Way.EMPTIED),
    "declaration_draft": {"answers": Way.EMPTIED},
    "venue": dict.fromkeys(("name", "address", "access_text", "transport_text", "description"), Way.EMPTIED),
    "room": {"name": Way.SCRUBBED},
    "venue_block": {"reason": Way.EMPTIED},
    "venue_photo": {"alt": Way.EMPTIED, "content": Way.EMPTIED},
    "series": {"title": Way.SCRUBBED},
    "job_dating": {"title": Way.SCRUBBED, "theme": Way.SCRUBBED},
    "participant": {"access_note": Way.EMPTIED},
    "invitation": {"email": Way.EMPTIED},
    "invitation_notice": dict.fromkeys(("title", "town", "place", "access_text", "meetings"), Way.SCRUBBED),
    "calendar_reply": {"sender": Way.EMPTIED},
    "check_in_link": {"name": Way.SCRUBBED},
    "presence_act": {"by": Way.SCRUBBED},
    "plan_change": {"by": Way.SCRUBBED, "moves": Way.SCRUBBED},
    "proposal": {"decline_comment": Way.SCRUBBED},
    "conversation_message": {"text": Way.SCRUBBED},
    "work_act": {"note": Way.SCRUBBED},
    "match": {"breakdown": Way.SCRUBBED},
    "pool": {"occupation": Way.SCRUBBED},
    "news": {"title": Way.SCRUBBED, "text": Way.SCRUBBED},
    "story": {"text": Way.EMPTIED, "signature": Way.EMPTIED},
    "cluster_invitation": {"message": Way.EMPTIED},
    "shortlist": {"name": Way.EMPTIED},
    "shortlist_entry": {"note": Way.EMPTIED},
    "search_question": {"question": Way.SCRUBBED, "answer": Way.SCRUBBED},
    "group_answer": {"summary": Way.EMPTIED, "contact": Way.EMPTIED},
    "group_member": {"part": Way.EMPTIED, "comment": Way.EMPTIED},
    "saved_search": {"label": Way.GOES, "asked": Way.GOES, "address": Way.GOES},
    "search_entry": dict.fromkeys(("sort_name", "vector"), Way.EMPTIED),
    "directory_report": {"note": Way.EMPTIED},
    "outbox_mail": dict.fromkeys(("recipient", "subject", "message", "last_error", "returned_words"), Way.MAIL),
}
# What looks personal and is not, with the reason.
IMPERSONAL: dict[str, str] = {
    "audit_entry.address": "the network of a machine, its last number left out",
    "audit_entry.changes": "codes and identifiers only: services/audit.py writes no name into it",
    "account_token.token_hash": "a hash of chance, and the row goes with the account",
    "account_token.sent_to_hash": "goes with the account",
    "recovery_code.code_hash": "a hash of chance, and the row goes with the account",
    "user_session.key_hash": "a hash of chance, and the row goes with the account",
    "sign_up.token_hash": "a hash of chance, and the row goes with its address",
    "member_invitation.token_hash": "a hash of chance, and the row goes with its address",
    "spent_link.token_hash": "a hash of chance that belongs to nobody any more",
    "cluster.theme": "the code of a theme",
    "commune.name": "a place of the official list",
    "commune.folded_name": "a place of the official list",
    "heartbeat.name": "the name of a process",
    "mail_address.hash": "kept on purpose: an objection outlives the erasure of who made it (ADR 0009)",
    "mail_address.reason": "a code of a server",
    "mail_bounce.address_hash": "a hash, see mail_address.hash",
    "mail_objection.address_hash": "a hash, see mail_address.hash",
    "occupation_title.title": "an occupation of the official list",
    "territory.name": "a place of the official list",
    "outbox_mail.message_id": "made of the key of a fact and of our own name",
    "job_dating.rounds_bound_reason": "the code of a reason",
    "invitation.organizer": "our own address",
    "pooling_run.failure": "the name of an error",
    "relay_state.last_error": "what the relay said of itself, replaced by its next answer",
    "matching_instance.arrays": "identifiers and numbers",
    "snapshot.part": "the code of a part of an indicator",
    "venue.equipment": "codes of a fixed list",
}
