"""The personal link of those who take part in a job dating, and the short code that stands beside it on their badge."""

from uuid import UUID

from matchmaker.models import Participant
from matchmaker.services import signed_ids
from matchmaker.services.outbox import MailSettings

SALT = "participant"
# Without I, L, O and U: nobody takes one letter for another, or for a number.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 5


def token_of(participant: Participant, secret: str) -> str:
    """What the link carries."""
    return signed_ids.sign(participant.id, secret, salt=SALT)


def link(participant: Participant, settings: MailSettings) -> str:
    """The address of the page that says where to be and when, on the day."""
    return f"{settings.public_url}/jour/{token_of(participant, settings.secret)}"


def read_token(token: str, keys: tuple[str, ...]) -> UUID | None:
    """The participant's id, or nothing when we did not sign it."""
    return signed_ids.read(token, keys, salt=SALT)


def code_of(participant: Participant) -> str:
    """Five signs that tell the participants of one job dating apart: for the desk, where the badge cannot be scanned. It opens nothing.

    >>> code_of(Participant(id=UUID("00000000-0000-4000-8000-000000000021")))
    '00011'
    """
    number = participant.id.int
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(CODE_LENGTH)))
