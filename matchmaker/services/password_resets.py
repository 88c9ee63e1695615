"""A forgotten password: a link by mail, good once and for an hour. Services change the session; the caller commits."""

import secrets
from datetime import datetime
from uuid import uuid4

from matchmaker.extensions import db
from matchmaker.models import AccountToken, TokenPurpose, User
from matchmaker.models.base import now
from matchmaker.services import account_tokens, accounts, outbox, verification


def ask(email: str, *, allow_demo: bool, settings: outbox.MailSettings) -> None:
    """Send the link, when the address has an account that may open. The caller never learns whether it was sent: nobody shall read it there."""
    user = accounts.account_with(email)
    is_open = user is not None and user.is_active and (allow_demo or not user.is_demo)
    issued = account_tokens.issue(user, TokenPurpose.RESET) if user and is_open else None
    if user is None or issued is None:
        rehearse(settings)
        return
    token, row = issued
    send(user.email, token, uid=f"password-reset-{row.id}", useless_after=row.expires_at, settings=settings)


def send(recipient: str, token: str, *, uid: str, useless_after: datetime, settings: outbox.MailSettings) -> None:
    link = f"{settings.public_url}/mot-de-passe/{token}"
    outbox.queue("password_reset", uid=uid, recipient=recipient, settings=settings, useless_after=useless_after, link=link)


def rehearse(settings: outbox.MailSettings) -> None:
    """The work of a mail that is not sent, so that no clock tells it from one that is."""
    attempt = db.session.begin_nested()
    send(settings.sender, secrets.token_urlsafe(32), uid=f"rehearsed-{uuid4()}", useless_after=now(), settings=settings)
    attempt.rollback()


def reset(row: AccountToken, password: str, *, settings: outbox.MailSettings) -> User:
    """Another password for the account of this link; its sessions and its other links end, and a mail says so. Raises NotAllowedNow."""
    user = account_tokens.use(row)
    verification.mark(user)
    change(user, password, settings=settings)
    return user


def change(user: User, password: str, *, settings: outbox.MailSettings) -> None:
    """Another password, and a mail that tells its owner: whoever did not ask for it learns of it."""
    accounts.set_password(user, password)
    account_tokens.end_all(user, TokenPurpose.RESET)
    outbox.queue("password_changed", uid=f"password-changed-{uuid4()}", recipient=user.email, settings=settings)
