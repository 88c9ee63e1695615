"""Which passwords are too easy: short, digits only, used by many, repeated, or made of one's own name. Nothing about capitals and signs."""

import re
import unicodedata
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path

from matchmaker.models import Organisation, User
from matchmaker.services.errors import DomainError

LEAST, MOST = 12, 128
# Of digits alone, 12 are 40 bits of chance: 16 are the 50 that the CNIL asks for where tries are counted.
DIGITS = 16
# What is left beside a name that is in it must be a password of its own.
BESIDE = 8
LIST = Path(__file__).resolve().parents[1] / "reference" / "common_passwords.txt"


class Weakness(StrEnum):
    LENGTH = "length"
    DIGITS = "digits"
    COMMON = "common"
    REPEATED = "repeated"
    NAME = "name"


class WeakPassword(DomainError):
    """The password is too easy to guess; ``weakness`` says why."""

    def __init__(self, weakness: Weakness) -> None:
        super().__init__(weakness.value)
        self.weakness = weakness


def weakness(password: str, *, names: tuple[str, ...] = ()) -> Weakness | None:
    """Why this password is too easy, or nothing. ``names`` are those that anybody would try: the person's, the structure's, the address.

    >>> weakness("motdepasse2026")
    <Weakness.COMMON: 'common'>
    >>> weakness("une phrase assez longue")
    """
    if not LEAST <= len(password) <= MOST:
        return Weakness.LENGTH
    plain = fold(password)
    if password.isdigit() and len(password) < DIGITS:
        return Weakness.DIGITS
    if is_repeated(plain or password):
        return Weakness.REPEATED
    if any(one in common() for one in (plain, plain.rstrip("0123456789"), plain.strip("0123456789"))):
        return Weakness.COMMON
    return Weakness.NAME if any(holds(plain, name) for name in names) else None


def fold(text: str) -> str:
    """Letters and digits, without capitals and accents: « Mot-de-Passé » is « motdepasse »."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text.lower()) if letter.isalnum())


def is_repeated(plain: str) -> bool:
    """One short piece again and again, or keys of the alphabet in their order."""
    if re.fullmatch(r"(.{1,4})\1+.{0,3}", plain) and len(set(plain)) <= 4:
        return True
    # Digits go round: 0 follows 9.
    round_at = 10 if plain.isdigit() else 1 << 21
    steps = {(ord(after) - ord(before)) % round_at for before, after in pairwise(plain)}
    return len(steps) == 1


def holds(plain: str, name: str) -> bool:
    """Is the password this name, or one of its words, with little beside it?"""
    words = [fold(word) for word in (name, *re.split(r"[\s@.\-']+", name))]
    return any(word in plain and len(plain) - len(word) < BESIDE for word in words if len(word) >= 4)


@cache
def common() -> frozenset[str]:
    return frozenset(LIST.read_text(encoding="utf-8").split())


def names_of(user: User) -> tuple[str, ...]:
    """What somebody who knows this account would try first."""
    return names(user.name, user.email, user.organisation)


def names(name: str, email: str, organisation: Organisation | None = None) -> tuple[str, ...]:
    return (name, email, *([organisation.name] if organisation else []))
