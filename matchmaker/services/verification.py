"""Is the address of an account its owner's? A link in a mail, good for 48 hours, says so. The caller commits."""

from matchmaker.models import AccountToken, TokenPurpose, User
from matchmaker.models.base import now
from matchmaker.services import account_tokens, outbox


def ask(user: User, *, settings: outbox.MailSettings) -> bool:
    """Send the link. False when the address is verified already, or was sent enough of them of late."""
    if user.email_verified_at is not None:
        return False
    issued = account_tokens.issue(user, TokenPurpose.VERIFY)
    if issued is None:
        return False
    token, row = issued
    return outbox.queue(
        "verify_email",
        uid=f"verify-email-{row.id}",
        recipient=user.email,
        settings=settings,
        useless_after=row.expires_at,
        link=f"{settings.public_url}/compte/adresse/{token}",
    )


def verify(row: AccountToken) -> User:
    """The address is its owner's. Raises NotAllowedNow when the link is over."""
    user = account_tokens.use(row)
    mark(user)
    return user


def mark(user: User) -> None:
    """Somebody read a mail that was sent there."""
    user.email_verified_at = user.email_verified_at or now()
