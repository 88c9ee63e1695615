"""Accounts: creating them, their role and passwords, who looks after what."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import ColumnElement, delete, false, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import SPEAKERS, Level, OpenidIdentity, Organisation, Role, Standing, Territory, User
from matchmaker.models.base import now
from matchmaker.services import memberships, organisations, sessions
from matchmaker.services.errors import DomainError, EmailTaken
from matchmaker.services.territories import all_departements, fold, plain, regions

# No letter of a passphrase is taken for another when it is read aloud.
CONSONANTS, VOWELS = "bdfgklmnprstv", "aeiou"
# OWASP's floor for argon2id: 19 MiB, two passes, one lane.
hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified in place of a missing account's hash, so that an unknown address takes as long as a known one.
NOBODY = hasher.hash("nobody has this password")


class NoStructure(DomainError):
    """A member or a host speaks for a structure, and none was given."""


class NoTerritory(DomainError):
    """An animator looks after territories, and none was given."""


def create_account(
    *,
    email: str,
    password: str,
    name: str = "",
    role: Role = Role.MEMBER,
    organisation: Organisation | None = None,
    standing: Standing | None = None,
    territories: list[Territory] | None = None,
    is_demo: bool = False,
) -> User:
    """A new account with this password. See create_account_with."""
    return create_account_with(
        hasher.hash(password), email=email, name=name, role=role, organisation=organisation, standing=standing, territories=territories, is_demo=is_demo
    )


def create_account_with(
    password_hash: str,
    *,
    email: str,
    name: str = "",
    role: Role = Role.MEMBER,
    organisation: Organisation | None = None,
    standing: Standing | None = None,
    territories: list[Territory] | None = None,
    is_demo: bool = False,
) -> User:
    """A new account. The address is kept in lower case; without a standing, the first of a structure administers it and the others edit.
    Raises EmailTaken, NoStructure, NoTerritory.
    """
    check_duties(role, organisation, territories or [])
    user = User(email=email.strip().lower(), password_hash=password_hash, name=name, role=role, is_demo=is_demo)
    if organisation is not None:
        user.standing = standing or memberships.standing_of_newcomer(organisation)
    try:
        with db.session.begin_nested():
            db.session.add(user)
            user.organisation, user.territories = organisation, territories or []
    except IntegrityError:
        raise EmailTaken(email) from None
    return user


def check_duties(role: Role, organisation: Organisation | None, territories: list[Territory]) -> None:
    """Raise NoStructure or NoTerritory when the role lacks what it is about."""
    if role in SPEAKERS and organisation is None:
        raise NoStructure(role)
    if role is Role.ANIMATOR and not territories:
        raise NoTerritory(role)


def change_duties(user: User, *, role: Role, organisation: Organisation | None, territories: list[Territory]) -> None:
    """Give an account another role and what goes with it; only an animator keeps territories. Its sessions end.
    Raises NoStructure, NoTerritory.
    """
    check_duties(role, organisation, territories)
    sessions.end_all(user)
    if organisation is not user.organisation or (role in SPEAKERS) is not user.speaks:
        memberships.release(user)
        user.standing = memberships.standing_of_newcomer(organisation) if organisation else Standing.EDITOR
    user.role, user.organisation = role, organisation
    user.territories = territories if role is Role.ANIMATOR else []


def account_with(email: str) -> User | None:
    return db.session.scalars(select(User).where(User.email == email.strip().lower())).one_or_none()


def sign_in(*, email: str, password: str, allow_demo: bool) -> User | None:
    """The account that this address and password open, or none. Takes the same time whether the address is known or not."""
    user = account_with(email)
    if not opens(user.password_hash if user else NOBODY, password):
        return None
    if user is None or not user.is_active or (user.is_demo and not allow_demo):
        return None
    user.last_login_at = now()
    return user


def opens(password_hash: str, password: str) -> bool:
    """Is it the password of this hash?"""
    try:
        return hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def set_password(user: User, password: str) -> None:
    """Another password. What the one before opened is closed, and what was tied to the account with it is tied no more."""
    user.password_hash = hasher.hash(password)
    sessions.end_all(user)
    db.session.execute(delete(OpenidIdentity).where(OpenidIdentity.user_id == user.id))
    db.session.expire(user, ["openid_identity"])


def close(user: User) -> None:
    """The account opens nothing any more, and no device stays signed in. Somebody else administers its structure from now on."""
    memberships.release(user)
    user.is_active = False
    sessions.end_all(user)


def new_passphrase() -> str:
    """Four words that mean nothing, of three syllables each: 72 bits of chance, and no trouble to read aloud."""
    words = ("".join(secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _syllable in range(3)) for _word in range(4))
    return "-".join(words)


def accounts() -> list[User]:
    """All accounts, by address."""
    return list(db.session.scalars(select(User).options(joinedload(User.organisation), selectinload(User.territories)).order_by(User.email)))


def search_accounts(text: str = "", *, page: int = 1, per_page: int = 20) -> Pagination:
    """Accounts whose address, name or structure holds each word of the text, by address, with what a list shows of them."""
    query = select(User).outerjoin(User.organisation).options(contains_eager(User.organisation), selectinload(User.territories))
    # A word holds letters and digits only: no wildcard of LIKE is left in it. An address is as many words as it has parts.
    words = plain(text).split()
    if text.strip() and not words:
        query = query.where(false())
    for word in words:
        query = query.where(or_(User.email.contains(word), simple(User.name).contains(word), simple(Organisation.name).contains(word)))
    return db.paginate(query.order_by(User.email), page=max(1, min(page, organisations.LAST_PAGE)), per_page=per_page, max_per_page=100, error_out=False)


def simple(column: object) -> ColumnElement[str]:
    """A text of the database without capitals and accents."""
    return func.unaccent(func.lower(column))


def structures_meant(text: str) -> list[Organisation]:
    """The structures that this SIRET, RNA number or whole name is of: one for a number, perhaps several for a name."""
    columns = {"siret": organisations.read_siret, "rna": organisations.read_rna}
    for column, read in columns.items():
        try:
            return list(db.session.scalars(select(Organisation).where(getattr(Organisation, column) == read(text))))
        except DomainError:
            continue
    return list(db.session.scalars(select(Organisation).where(simple(Organisation.name) == simple(text.strip())).order_by(Organisation.id)))


def territories_to_give() -> list[Territory]:
    """What an animator can look after: each loaded region, followed by its départements."""
    departements = all_departements()
    return [territory for region in regions() for territory in (region, *(each for each in departements if each.parent_id == region.id))]


def territory_to_give(text: str) -> Territory | None:
    """The one of this code or name. Regions and départements share numbers, and some names: the region wins."""
    meant = [territory for territory in territories_to_give() if text.upper() == territory.code or fold(text) == fold(territory.name)]
    return min(meant, key=lambda territory: territory.level is not Level.REGION, default=None)


def territories_in_care(user: User) -> list[Territory]:
    """Regions and départements that this account looks after."""
    return [territory for territory in territories_to_give() if user.looks_after(territory)]


def demo_accounts() -> list[User]:
    return list(db.session.scalars(select(User).where(User.is_demo).order_by(User.created_at)))
