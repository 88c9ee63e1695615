"""Accounts: creating them, checking a password, who looks after what."""

from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import Organisation, Role, Territory, User
from matchmaker.models.base import now
from matchmaker.services.errors import EmailTaken

# OWASP's floor for argon2id: 19 MiB, two passes, one lane.
hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified in place of a missing account's hash, so that an unknown address takes as long as a known one.
NOBODY = hasher.hash("nobody has this password")


def create_account(
    *,
    email: str,
    password: str,
    name: str = "",
    role: Role = Role.MEMBER,
    organisation: Organisation | None = None,
    territories: list[Territory] | None = None,
    is_demo: bool = False,
) -> User:
    """A new account. The address is kept in lower case; raises EmailTaken."""
    user = User(email=email.strip().lower(), password_hash=hasher.hash(password), name=name, role=role, is_demo=is_demo)
    try:
        with db.session.begin_nested():
            db.session.add(user)
            user.organisation, user.territories = organisation, territories or []
    except IntegrityError:
        raise EmailTaken(email) from None
    return user


def account_with(email: str) -> User | None:
    return db.session.scalars(select(User).where(User.email == email.strip().lower())).one_or_none()


def account(user_id: UUID) -> User | None:
    """The active account of a session, with what every page reads of it in the same query."""
    query = select(User).where(User.id == user_id, User.is_active).options(joinedload(User.organisation), selectinload(User.territories))
    return db.session.scalars(query).one_or_none()


def sign_in(*, email: str, password: str, allow_demo: bool) -> User | None:
    """The account that this address and password open, or none. Takes the same time whether the address is known or not."""
    user = account_with(email)
    try:
        hasher.verify(user.password_hash if user else NOBODY, password)
    except (VerificationError, InvalidHashError):
        return None
    if user is None or not user.is_active or (user.is_demo and not allow_demo):
        return None
    user.last_login_at = now()
    return user


def accounts() -> list[User]:
    """All accounts, by address, for the administrator."""
    return list(db.session.scalars(select(User).options(joinedload(User.organisation), selectinload(User.territories)).order_by(User.email)))


def demo_accounts() -> list[User]:
    return list(db.session.scalars(select(User).where(User.is_demo).order_by(User.created_at)))
