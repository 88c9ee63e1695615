"""The commune that a row of a list means, as lists write it: codes of before a merger, lost zeros, CEDEX."""

import re
from collections import defaultdict
from functools import lru_cache
from itertools import starmap
from typing import NamedTuple

from sqlalchemy import select

from matchmaker import reference
from matchmaker.extensions import db
from matchmaker.models import Commune
from matchmaker.services.territories import fold, plain

CEDEX = re.compile(r" cedex( [0-9]+)?$")
DISTRICT = re.compile(r" [0-9]{1,2}(er|e|eme|ieme)?( arrondissement)?$")


class CommuneRow(NamedTuple):
    """What is needed of a commune to resolve a place."""

    code: str
    folded_name: str
    postal_codes: list[str]
    departement_code: str
    latitude: float | None
    longitude: float | None


class CommuneIndex:
    """All communes in memory, to resolve the places of thousands of rows."""

    def __init__(self) -> None:
        query = select(Commune.code, Commune.folded_name, Commune.postal_codes, Commune.departement_code, Commune.latitude, Commune.longitude)
        self.by_code = {row.code: row for row in starmap(CommuneRow, db.session.execute(query))}
        self.by_name: dict[str, list[CommuneRow]] = defaultdict(list)
        self.by_postal_code: dict[str, list[CommuneRow]] = defaultdict(list)
        for row in self.by_code.values():
            self.by_name[row.folded_name].append(row)
            for postal_code in row.postal_codes:
                self.by_postal_code[postal_code].append(row)

    def find(self, *, insee_code: str = "", name: str = "", postal_code: str = "", departement: str = "") -> str | None:
        """Code of the commune of an INSEE code (of today or before a merger), else of the name, if only one can be meant.

        Among communes of the same name, the one with the postal code, else those of the département, else all of France.
        A longer or shorter form of the name (Oissel became Oissel-sur-Seine) will do with the right postal code.
        """
        code = reference.current_code(insee_code.upper().zfill(5)) if insee_code else None
        if code in self.by_code:
            return code
        # Spreadsheets lose the zero of 01000.
        postal_code = postal_code.zfill(5) if postal_code else ""
        name = town(name)
        allowed = departement_codes(departement, postal_code)
        homonyms = self.by_name.get(name, [])
        near = [row.code for row in homonyms if postal_code in row.postal_codes]
        near = near or [row.code for row in homonyms if row.departement_code in allowed or not allowed]
        near = near or [row.code for row in self.by_postal_code.get(postal_code, []) if name and is_longer_or_shorter(row.folded_name, name)]
        return near[0] if len(near) == 1 else None

    def point(self, code: str) -> tuple[float, float] | None:
        row = self.by_code[code]
        return None if row.latitude is None or row.longitude is None else (row.latitude, row.longitude)


def is_longer_or_shorter(one: str, other: str) -> bool:
    """Does one name begin with all the words of the other?"""
    return f"{one} ".startswith(f"{other} ") or f"{other} ".startswith(f"{one} ")


def town(name: str) -> str:
    """Return the folded name without what the post adds to it.

    >>> town("LE HAVRE CEDEX"), town("Rouen Cedex 1"), town("Lyon 3e arrondissement"), town("Marseille 08")
    ('le havre', 'rouen', 'lyon', 'marseille')
    """
    return DISTRICT.sub("", CEDEX.sub("", fold(name)))


def departement_codes(text: str, postal_code: str) -> set[str]:
    """Codes of the département that is written (number or name), else of the postal code; Corsica's has two."""
    if text:
        code = departements_as_written().get(plain(text).zfill(2))
        return {code} if code else set()
    if postal_code.startswith("20"):
        return {"2A", "2B"}
    return {postal_code[:3] if postal_code.startswith(("97", "98")) else postal_code[:2]} - {""}


@lru_cache
def departements_as_written() -> dict[str, str]:
    """Code of each département by its plain number and its plain name."""
    return {form: row.code for row in reference.departements().values() for form in (plain(row.code), plain(row.name))}
