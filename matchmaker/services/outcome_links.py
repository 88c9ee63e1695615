"""The address where a side says what its mutual yes led to: one for each side, whichever of the three mails it came with."""

from uuid import UUID

from matchmaker.models import Proposal
from matchmaker.services import proposal_links
from matchmaker.services.outbox import MailSettings

SALT = "outcome"


def token(proposal: Proposal, secret: str) -> str:
    return proposal_links.token(proposal, secret, salt=SALT)


def link(proposal: Proposal, settings: MailSettings) -> str:
    """?reponse=rien, rencontre, accord or signe chooses there, and only the button of the page records."""
    return f"{settings.public_url}/suites/{token(proposal, settings.secret)}"


def read_token(token: str, keys: tuple[str, ...]) -> tuple[UUID, int] | None:
    return proposal_links.read_token(token, keys, salt=SALT)
