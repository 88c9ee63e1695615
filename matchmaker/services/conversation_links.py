"""The address of the conversation that mails carry: signed, one for each side, ended with the other links of its proposal."""

from uuid import UUID

from matchmaker.models import Proposal
from matchmaker.services import proposal_links
from matchmaker.services.outbox import MailSettings

SALT = "conversation"


def token(proposal: Proposal, secret: str) -> str:
    return proposal_links.token(proposal, secret, salt=SALT)


def link(proposal: Proposal, settings: MailSettings) -> str:
    """The page where this side reads and writes without an account. It never shows contact details: a mail may be passed on."""
    return f"{settings.public_url}/echanges/{token(proposal, settings.secret)}"


def read_token(token: str, keys: tuple[str, ...]) -> tuple[UUID, int] | None:
    return proposal_links.read_token(token, keys, salt=SALT)
