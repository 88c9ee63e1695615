"""Who did what that touches rights, secrets or people's data. Rows are only added: for twelve months a trigger of the database refuses all else."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matchmaker.models.accounts import Role, User
from matchmaker.models.base import Base, now, stored


class AuditAction(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    CODE_REFUSED = "code_refused"
    SIGNED_OUT = "signed_out"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an act
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    IDENTITY_LINKED = "identity_linked"
    ACCOUNT_OPENED = "account_opened"
    RIGHTS_CHANGED = "rights_changed"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_REOPENED = "account_reopened"
    MEMBERS_CHANGED = "members_changed"
    ORGANISATIONS_MERGED = "organisations_merged"
    # Fields that a form does not have, with names of rights: somebody tries.
    FORGED_FORM = "forged_form"
    FILE_TAKEN = "file_taken"
    DATA_EXPORTED = "data_exported"
    ERASURE_ASKED = "erasure_asked"
    ERASURE_CALLED_OFF = "erasure_called_off"
    ERASED = "erased"
    RUN_PUBLISHED = "run_published"
    RUN_TAKEN_BACK = "run_taken_back"
    MAIL_RESENT = "mail_resent"
    ADDRESS_REOPENED = "address_reopened"


class AuditEntry(Base):
    """One act. No name, address or text of anybody stands in it: only identifiers, which lead nowhere once a person is erased."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_actor_id_at", "actor_id", "at"),
        Index("ix_audit_entry_action_at", "action", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    # Nobody for a command of the server, and for who was not let in. The account may be gone: the trace stays.
    actor_id: Mapped[UUID | None]
    role: Mapped[Role | None] = mapped_column(stored(Role))
    action: Mapped[AuditAction] = mapped_column(stored(AuditAction))
    # The table and the key of what it was done to: « user_account » and its id; « address » and its hash, of who has no account.
    object_kind: Mapped[str] = mapped_column(default="")
    object_id: Mapped[str] = mapped_column(default="")
    # Name of a sensitive field → what it was and what it became.
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    request_id: Mapped[str] = mapped_column(default="")
    # Of the network, not of the machine: the last number is left out.
    address: Mapped[str] = mapped_column(default="")

    actor: Mapped[User | None] = relationship(primaryjoin="foreign(AuditEntry.actor_id) == User.id", viewonly=True)
