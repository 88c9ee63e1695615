"""The links with which a side answers from its mail: signed, without a date; the database decides until when they are good."""

from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from matchmaker.models import Proposal
from matchmaker.services.outbox import MailSettings

SALT = "proposal"


def token(proposal: Proposal, secret: str, *, salt: str = SALT) -> str:
    """What the link carries: which question, and the version of its links. Another ``salt`` is for another page about it."""
    return str(URLSafeSerializer(secret, salt=salt).dumps([str(proposal.id), proposal.token_version]))


def link(proposal: Proposal, settings: MailSettings) -> str:
    """The address of the page where this side answers. ?reponse=oui, plus-tard or non chooses there, and only its button records."""
    return f"{settings.public_url}/reponses/{token(proposal, settings.secret)}"


def read_token(token: str, secret: str, *, salt: str = SALT) -> tuple[UUID, int] | None:
    """The question's id and the version of the link, or nothing when we did not sign it."""
    serializer = URLSafeSerializer(secret, salt=salt)
    try:
        proposal_id, version = serializer.loads(token)
        # The last letter of a signature has spare bits: four spellings decode to the same bytes, and only one is ours.
        return (UUID(proposal_id), int(version)) if serializer.dumps([proposal_id, version]) == token else None
    except (BadData, TypeError, ValueError):
        return None
