"""Numbers, dates and lists as French writes them."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from matchmaker.models.base import PARIS

NBSP = "\u00a0"
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre")
HALF_DAYS = tuple(f"{day} {half}" for day in DAYS[:5] for half in ("matin", "après-midi"))
NUMERALS = ("Aucune", "Une", "Deux", "Trois", "Quatre", "Cinq", "Six", "Sept", "Huit", "Neuf", "Dix")


def number(value: float | Decimal | None, decimals: int = 0) -> str:
    """« 1 912 » or « 31,48 »: French thousands and comma."""
    if value is None:
        return ""
    return f"{value:,.{decimals}f}".replace(",", NBSP).replace(".", ",")


def points(millionths: int | None) -> str:
    """A total of scores as people read it: « 31,48 »."""
    return number((millionths or 0) / 1_000_000, 2)


def long_date(value: date | datetime) -> str:
    """« jeudi 21 janvier 2027 », on the calendar of Paris."""
    day = value.astimezone(PARIS).date() if isinstance(value, datetime) else value
    nth = f"{day.day}er" if day.day == 1 else str(day.day)
    return f"{DAYS[day.weekday()]} {nth} {MONTHS[day.month - 1]} {day.year}"


def short_date(value: date | datetime) -> str:
    """« 21 janvier »."""
    day = value.astimezone(PARIS).date() if isinstance(value, datetime) else value
    nth = f"{day.day}er" if day.day == 1 else str(day.day)
    return f"{nth} {MONTHS[day.month - 1]}"


def hour(value: datetime | time) -> str:
    """« 9 h », « 10 h 15 »."""
    local = value.astimezone(PARIS) if isinstance(value, datetime) else value
    return f"{local.hour}{NBSP}h" + (f"{NBSP}{local.minute:02d}" if local.minute else "")


def day_and_hour(value: datetime) -> str:
    return f"{long_date(value)}, {hour(value)}"


def plural(count: int, one: str, many: str) -> str:
    """« 1 structure », « 3 structures », « 0 structure »: French says zero in the singular."""
    return f"{number(count)}{NBSP}{many if count > 1 else one}"


def halfdays(mask: int) -> list[str]:
    """« lundi matin », … for each bit that is set."""
    return [name for bit, name in enumerate(HALF_DAYS) if mask >> bit & 1]


def enumeration(words: Sequence[str]) -> str:
    """« Flers, Domfront et Argentan »."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" et {words[-1]}" if words else ""


def numeral(count: int) -> str:
    """A small count as it opens a title: « Trois »."""
    return NUMERALS[count] if count < len(NUMERALS) else number(count)
