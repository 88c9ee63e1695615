"""Which passwords are refused, and why; which are not, whatever they look like."""

import pytest

from matchmaker.services import accounts, passwords
from matchmaker.services.passwords import Weakness


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("onze lettre", Weakness.LENGTH),
        ("x" * 129, Weakness.LENGTH),
        ("739104628153", Weakness.DIGITS),
        ("motdepasse2026", Weakness.COMMON),
        ("Mot-de-Passe-2026!", Weakness.COMMON),
        ("AzertyuiopQSDFGHJKLM", Weakness.COMMON),
        ("password1234", Weakness.COMMON),
        ("1qaz2wsx3edc", Weakness.COMMON),
        ("bonjourbonjour", Weakness.COMMON),
        ("123456789012345678", Weakness.REPEATED),
        ("aaaaaaaaaaaa", Weakness.REPEATED),
        ("abababababab", Weakness.REPEATED),
        ("abcdefghijklm", Weakness.REPEATED),
        ("les ateliers du bocage", Weakness.NAME),
        ("Bocage-2026-ok", Weakness.NAME),
        ("camille.durand", Weakness.NAME),
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str, why: Weakness) -> None:
    assert passwords.weakness(password, names=("Camille Durand", "camille@ateliers.test", "Les Ateliers du Bocage")) is why


@pytest.mark.parametrize(
    "password",
    [
        "une phrase assez longue",
        "7391046281530482",
        "le bocage sent bon le matin",
        "ÉÈÀÇ éèàç ïöü",
        "correct horse battery staple",
        "\U0001f600" * 12 + "abcdefg é",
        "x" * 3 + "y7" * 3 + "zkv",
    ],
)
def test_no_rule_is_about_capitals_or_signs(password: str) -> None:
    assert passwords.weakness(password, names=("Camille Durand", "camille@ateliers.test", "Les Ateliers du Bocage")) is None


def test_a_passphrase_of_ours_is_never_refused() -> None:
    assert [made for made in (accounts.new_passphrase() for _time in range(300)) if passwords.weakness(made)] == []
