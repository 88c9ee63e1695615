"""Links of mails that open something of an account: issued, read, used once. Services change the session; the caller commits."""

import secrets
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import func, select, update

from matchmaker.extensions import db
from matchmaker.models import AccountToken, TokenPurpose, User
from matchmaker.models.base import now
from matchmaker.services import addresses
from matchmaker.services.errors import NotAllowedNow

# How long each is good, and how many one account is sent in an hour and in a day.
LIFETIMES = {TokenPurpose.RESET: timedelta(hours=1), TokenPurpose.VERIFY: timedelta(hours=48)}
AN_HOUR, A_DAY = 3, 10


def digest(token: str) -> str:
    """A token is 256 bits of chance: no salt and no slow hash are needed."""
    return sha256(token.encode(errors="replace")).hexdigest()


def issue(user: User, purpose: TokenPurpose) -> tuple[str, AccountToken] | None:
    """A new token, which ends the older ones of its purpose; nothing when the account was sent too many of late."""
    # Two at once wait for each other here, so that the count is right and one of them is the newest.
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update())
    mine = (AccountToken.user_id == user.id, AccountToken.purpose == purpose)
    at = now()
    an_hour, a_day = db.session.execute(
        select(
            func.count().filter(AccountToken.created_at > at - timedelta(hours=1)),
            func.count().filter(AccountToken.created_at > at - timedelta(days=1)),
        ).where(*mine)
    ).one()
    if an_hour >= AN_HOUR or a_day >= A_DAY:
        return None
    end_all(user, purpose)
    token = secrets.token_urlsafe(32)
    row = AccountToken(
        user_id=user.id,
        purpose=purpose,
        token_hash=digest(token),
        sent_to_hash=addresses.digest(user.email),
        created_at=at,
        expires_at=at + LIFETIMES[purpose],
    )
    db.session.add(row)
    db.session.flush()
    return token, row


def find(token: str, purpose: TokenPurpose) -> AccountToken | None:
    """The token, good or not; none when we never sent it for this."""
    return db.session.scalars(select(AccountToken).where(AccountToken.token_hash == digest(token), AccountToken.purpose == purpose)).one_or_none()


def is_good(row: AccountToken) -> bool:
    """Does it open its account still?"""
    return row.is_good(now()) and row.user.is_active and row.sent_to_hash == addresses.digest(row.user.email)


def use(row: AccountToken) -> User:
    """The account, once: of two at the same time the second is refused. Raises NotAllowedNow."""
    if not is_good(row):
        raise NotAllowedNow("over")
    where = (AccountToken.id == row.id, AccountToken.ended_at.is_(None))
    taken = db.session.scalar(update(AccountToken).where(*where).values(ended_at=now()).returning(AccountToken.id))
    if taken is None:
        raise NotAllowedNow("used")
    return row.user


def end_all(user: User, purpose: TokenPurpose) -> None:
    """What was sent before opens nothing any more."""
    where = (AccountToken.user_id == user.id, AccountToken.purpose == purpose, AccountToken.ended_at.is_(None))
    db.session.execute(update(AccountToken).where(*where).values(ended_at=now()))
