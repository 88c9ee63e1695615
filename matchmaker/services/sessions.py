"""Sessions: begun at sign-in, ended by time, by their owner or by a change of rights. Services change the session; the caller commits."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Role, User, UserSession
from matchmaker.models.base import now as present

STAFF = frozenset({Role.ANIMATOR, Role.ADMIN})
# A session ends when nothing was asked for so long, and whatever was asked after so long: who sees much is asked for the password sooner.
IDLE, IDLE_STAFF = timedelta(hours=8), timedelta(minutes=30)
WHOLE, WHOLE_STAFF = timedelta(days=7), timedelta(hours=12)
# How often a session that is in use writes that it is.
PACE = timedelta(minutes=1)
# After the password was typed, how long sensitive things can be done without typing it again.
CONFIRMED = timedelta(minutes=5)


def digest(key: str) -> str:
    """A key is 128 bits of chance: no salt and no slow hash are needed."""
    return sha256(key.encode(errors="replace")).hexdigest()


def begin(user: User, *, device: str = "", is_confirmed: bool = True, has_two_factors: bool = False, id_token: str = "") -> str:
    """A new session of this account. Returns its key, which is kept nowhere else.

    Not confirmed: the password was not typed for it, and what is sensitive asks for it first. ``id_token`` is sealed already.
    """
    db.session.execute(delete(UserSession).where(UserSession.user_id == user.id, UserSession.created_at < present() - WHOLE))
    key = secrets.token_urlsafe(16)
    at = present()
    row = UserSession(user_id=user.id, key_hash=digest(key), device=device[:80], created_at=at, seen_at=at, id_token=id_token)
    row.confirmed_at = at if is_confirmed else at - 2 * CONFIRMED
    row.has_two_factors = has_two_factors
    db.session.add(row)
    db.session.flush()
    return key


def opened(key: str) -> UserSession | None:
    """The session of this key while it lasts and its account is active, with what every page reads of the account in the same query."""
    query = (
        select(UserSession)
        .join(UserSession.user)
        .where(UserSession.key_hash == digest(key), User.is_active)
        .options(contains_eager(UserSession.user).options(joinedload(User.organisation), joinedload(User.second_factor), selectinload(User.territories)))
    )
    found = db.session.scalars(query).one_or_none()
    return None if found is None or is_over(found) else found


def is_over(session: UserSession, at: datetime | None = None) -> bool:
    idle, whole = limits(session.user.role)
    at = at or present()
    return at - session.seen_at > idle or at - session.created_at > whole


def limits(role: Role) -> tuple[timedelta, timedelta]:
    """How long a session may rest, and how long it may last."""
    return (IDLE_STAFF, WHOLE_STAFF) if role in STAFF else (IDLE, WHOLE)


def is_seen_late(session: UserSession) -> bool:
    """Is it time to write that it is in use?"""
    return present() - session.seen_at > PACE


def see(key: str) -> None:
    """Write that the session is in use."""
    db.session.execute(update(UserSession).where(UserSession.key_hash == digest(key)).values(seen_at=present()))


def sessions_of(user: User) -> list[UserSession]:
    """Those that still open the account, the latest seen first."""
    rows = db.session.scalars(select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.seen_at.desc(), UserSession.id))
    return [row for row in rows if not is_over(row)]


def session_of(user: User, session_id: UUID) -> UserSession | None:
    return db.session.scalars(select(UserSession).where(UserSession.user_id == user.id, UserSession.id == session_id)).one_or_none()


def end(session: UserSession) -> None:
    db.session.delete(session)
    db.session.flush()


def end_all(user: User, *, but: UserSession | None = None) -> None:
    """End every session of this account; ``but`` is the one in which it was asked."""
    query = delete(UserSession).where(UserSession.user_id == user.id)
    db.session.execute(query.where(UserSession.id != but.id) if but else query)


def end_key(key: str) -> None:
    db.session.execute(delete(UserSession).where(UserSession.key_hash == digest(key)))


def confirm(session: UserSession) -> None:
    """The password was typed again."""
    session.confirmed_at = present()


def is_confirmed(session: UserSession) -> bool:
    return present() - session.confirmed_at <= CONFIRMED
