"""The links with which a side answers from its mail: signed, without a date; the database decides until when they are good."""

from uuid import UUID

from matchmaker.models import Proposal
from matchmaker.services import signed_links
from matchmaker.services.outbox import MailSettings

SALT = "proposal"


def token(proposal: Proposal, secret: str, *, salt: str = SALT) -> str:
    """What the link carries: which question, and the version of its links. Another ``salt`` is for another page about it."""
    return signed_links.sign([str(proposal.id), proposal.token_version], secret, salt=salt)


def link(proposal: Proposal, settings: MailSettings) -> str:
    """The address of the page where this side answers. ?reponse=oui, plus-tard or non chooses there, and only its button records."""
    return f"{settings.public_url}/reponses/{token(proposal, settings.secret)}"


def read_token(token: str, keys: tuple[str, ...], *, salt: str = SALT) -> tuple[UUID, int] | None:
    """The question's id and the version of the link, or nothing when we did not sign it."""
    signed = signed_links.read(token, keys, salt=salt)
    return (UUID(signed[0]), signed[1]) if signed else None
