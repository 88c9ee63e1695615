"""Keys made of a row's id and our signature, short enough to be typed or drawn as a small QR code. The database decides until when they are good."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from itsdangerous import BadData, Signer


def sign(row_id: UUID, secret: str, *, salt: str) -> str:
    """The id and its signature, in 50 characters that need no escape in an address."""
    return signer(secret, salt).sign(urlsafe_b64encode(row_id.bytes).rstrip(b"=")).decode()


def read(key: str, keys: tuple[str, ...], *, salt: str) -> UUID | None:
    """The id, or nothing when we did not sign it for this use, with the present key of the site or one that it replaced."""
    return next((row_id for secret in keys if (row_id := read_with(key, secret, salt))), None)


def read_with(key: str, secret: str, salt: str) -> UUID | None:
    try:
        encoded = signer(secret, salt).unsign(key.encode())
        row_id = UUID(bytes=urlsafe_b64decode(encoded + b"=="))
    except (BadData, ValueError):
        return None
    # The last letters of an id and of a signature have spare bits: several spellings decode to the same bytes, and only one is ours.
    return row_id if sign(row_id, secret, salt=salt) == key else None


def signer(secret: str, salt: str) -> Signer:
    return Signer(secret, salt=salt, sep=".")
