"""Erasing a person: asked for, called off within seven days, then done, table by table. The caller commits.

With the last account of a structure its name and all that it wrote go too. What others did with it stays, without a name: their answers,
their meetings, what came of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import FromClause, delete, func, or_, select, update

from matchmaker.extensions import db
from matchmaker.models import AccountToken, AuditAction, Base, ErasureRequest, Organisation, OutboxMail, Role, SpentLink, User
from matchmaker.models.base import now
from matchmaker.services import audit, memberships, outbox, personal_data_tables, search_text, sessions
from matchmaker.services.errors import NotAllowedNow
from matchmaker.services.personal_data_structures import end_what_it_began, forget_names, hand_over
from matchmaker.services.personal_data_subject import Erased

# Time to change one's mind; and after two years without a visit, to come back.
WAIT, WAIT_IDLE = timedelta(days=7), timedelta(days=30)
MAILS = OutboxMail.__tablename__


@dataclass(frozen=True)
class Outlook:
    """What becomes of the structure of who asks: it goes when nobody is left, else these stay. ``admins_left`` counts the other administrators."""

    is_last: bool
    colleagues: list[User]
    is_last_admin: bool


def outlook(user: User) -> Outlook:
    others = colleagues_of(user)
    is_last_admin = user.role is Role.ADMIN and not db.session.scalar(
        select(func.count()).select_from(User).where(User.role == Role.ADMIN, User.is_active, User.id != user.id)
    )
    return Outlook(user.organisation is not None and not others, others, is_last_admin)


def colleagues_of(user: User) -> list[User]:
    """Other accounts that open and speak for the same structure, the oldest first."""
    query = select(User).where(User.organisation_id == user.organisation_id, User.id != user.id, User.is_active)
    return list(db.session.scalars(query.order_by(User.created_at, User.id))) if user.organisation_id else []


def request_of(user: User) -> ErasureRequest | None:
    return db.session.get(ErasureRequest, user.id)


def ask(user: User, *, settings: outbox.MailSettings, is_for_idleness: bool = False, at: datetime | None = None) -> ErasureRequest:
    """Erase this account in seven days, and tell its owner; asked for twice, the first time counts, unless it was for idleness only.

    Raises NotAllowedNow for the last of the administration.
    """
    # Two of the administration at once: the second sees that it is the last one.
    db.session.execute(select(User.id).where(or_(User.id == user.id, User.role == Role.ADMIN)).order_by(User.id).with_for_update())
    leaving = select(ErasureRequest.user_id)
    rest = select(func.count()).select_from(User).where(User.role == Role.ADMIN, User.is_active, User.id != user.id, User.id.not_in(leaving))
    if user.role is Role.ADMIN and not db.session.scalar(rest):
        raise NotAllowedNow("last")
    known = request_of(user)
    if known is not None and (is_for_idleness or not known.is_for_idleness):
        return known
    call_off(user)
    asked_at = at or now()
    due_at = asked_at + (WAIT_IDLE if is_for_idleness else WAIT)
    asked = ErasureRequest(user=user, asked_at=asked_at, due_at=due_at, is_for_idleness=is_for_idleness)
    db.session.add(asked)
    db.session.flush()
    name = "account_idle" if is_for_idleness else "erasure_asked"
    thread = f"erasure-{user.id}-{int(asked_at.timestamp())}"
    outbox.queue(name, uid=thread, recipient=user.email, settings=settings, useless_after=due_at, due_at=due_at, link=f"{settings.public_url}/compte/donnees")
    return asked


def call_off(user: User) -> bool:
    """The account stays. False when nobody had asked."""
    asked = request_of(user)
    if asked is None:
        return False
    outbox.withdraw(f"erasure-{user.id}-{int(asked.asked_at.timestamp())}")
    db.session.delete(asked)
    db.session.flush()
    return True


def come_back(user: User) -> None:
    """Somebody opens an account that was to be erased because nobody did."""
    asked = request_of(user)
    if asked is not None and asked.is_for_idleness:
        call_off(user)


def erase_due(*, at: datetime, settings: outbox.MailSettings) -> bool:
    """Erase the account whose day came first. False when none is due. Those of the demonstration, which everybody opens, stay."""
    query = select(ErasureRequest).join(ErasureRequest.user).where(ErasureRequest.due_at <= at, ~User.is_demo)
    query = query.order_by(ErasureRequest.due_at, ErasureRequest.user_id).limit(1)
    asked = db.session.scalars(query.with_for_update(skip_locked=True, of=ErasureRequest)).one_or_none()
    if asked is None:
        return False
    erase(asked.user, settings=settings)
    return True


def erase(user: User, *, settings: outbox.MailSettings, keeps_structure: bool = False) -> None:
    """Take the person out of every table, and their structure when nobody else speaks for it, unless it is to stay.

    Raises NotAllowedNow while a mail to them is being sent: try again in a minute.
    """
    user_id, organisation, staying = user.id, user.organisation, colleagues_of(user)
    erased = Erased.of(user, with_structure=organisation is not None and not staying and not keeps_structure)
    sessions.end_all(user)
    spend_links(user)
    memberships.release(user)
    if organisation is not None and staying:
        hand_over(organisation, user, staying[0])
    take_out(erased, organisation if erased.is_with_structure else None, settings=settings)
    forget_account(db.session.get_one(User, user_id))
    audit.record(AuditAction.ERASED, about=("user_account", user_id))
    if organisation is not None and erased.is_with_structure:
        audit.record(AuditAction.ERASED, about=("organisation", organisation.id))


def erase_structure(organisation: Organisation, *, settings: outbox.MailSettings) -> None:
    """Take a structure without an account out of every table. Raises NotAllowedNow while a mail to it is being sent."""
    take_out(Erased.of_structure(organisation), organisation, settings=settings)
    audit.record(AuditAction.ERASED, about=("organisation", organisation.id))


def take_out(erased: Erased, closed: Organisation | None, *, settings: outbox.MailSettings) -> None:
    """Table by table, mails last. A structure that goes loses its name first, and ends what it had begun when nothing names it any more:
    the mails that tell others of it are not among those that are emptied.
    """
    if closed is not None:
        forget_names(closed)
        db.session.flush()
    for table, eraser in personal_data_tables.ERASERS.items():
        if table != MAILS:
            eraser(erased)
    db.session.flush()
    db.session.expire_all()
    if closed is not None:
        end_what_it_began(closed, settings=settings)
    personal_data_tables.ERASERS[MAILS](erased)
    db.session.flush()
    if closed is not None:
        search_text.gather_words()
    db.session.expire_all()


def spend_links(user: User) -> None:
    """Links of mails that still opened something say from now on that they are over."""
    hashes = db.session.scalars(select(AccountToken.token_hash).where(AccountToken.user_id == user.id)).all()
    db.session.add_all(SpentLink(token_hash=one) for one in hashes)


def is_spent(token_hash: str) -> bool:
    """Was it a link of an account that is gone?"""
    return db.session.get(SpentLink, token_hash) is not None


def forget_account(user: User) -> None:
    """The row itself, with what hangs on it. What the person decided for others stays, by nobody."""
    user_id = user.id
    db.session.flush()
    db.session.expunge(user)
    for table in Base.metadata.sorted_tables:
        for column in references(table):
            if column.nullable:
                db.session.execute(update(table).where(column == user_id).values({column.name: None}))
    db.session.execute(delete(User).where(User.id == user_id).execution_options(synchronize_session=False))


def references(table: FromClause) -> list[Any]:
    """Columns that point at accounts."""
    return [column for column in table.columns if any(key.column is User.__table__.c.id for key in column.foreign_keys)]
