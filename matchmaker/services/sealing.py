"""Secrets that must be read again, as the database keeps them: sealed with a key made from SECRET_KEY, so that a copy of it opens nothing.

``keys`` are SECRET_KEY and those that it replaced, the latest first: what an old one sealed is read until it is taken away.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def keys_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The present key of the site first, then those that it replaced."""
    return (config["SECRET_KEY"], *(config["SECRET_KEY_FALLBACKS"] or ()))


def seal(text: str, keys: Sequence[str], *, purpose: str) -> str:
    """What the database keeps. Sealed for one purpose, it is of no use for another.

    >>> unseal(seal("GEZDGNBV", ["a key"], purpose="test"), ["a newer key", "a key"], purpose="test")
    'GEZDGNBV'
    """
    return box(keys[0], purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, keys: Sequence[str], *, purpose: str) -> str | None:
    """The text; nothing when none of the keys sealed it for this purpose."""
    try:
        return MultiFernet([box(key, purpose) for key in keys]).decrypt(sealed.encode(errors="replace")).decode()
    except (InvalidToken, UnicodeDecodeError):
        return None


def is_old(sealed: str, keys: Sequence[str], *, purpose: str) -> bool:
    """Did another key than the present one seal it?"""
    return unseal(sealed, keys[:1], purpose=purpose) is None


@lru_cache(maxsize=64)
def box(key: str, purpose: str) -> Fernet:
    """SECRET_KEY signs sessions too: what encrypts is another key, that nobody who knows one of the two finds from it."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"matchmaker {purpose}".encode()).derive(key.encode())
    return Fernet(urlsafe_b64encode(derived))
