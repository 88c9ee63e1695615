"""Territories and communes: loading them from the reference tables, finding them by what people type."""

import re
import unicodedata
from collections import Counter, defaultdict
from hashlib import md5
from math import asin, cos, radians, sin, sqrt
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Text, case, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.orm import joinedload

from matchmaker import reference
from matchmaker.extensions import db
from matchmaker.models import Commune, Level, Organisation, Territory, Theme
from matchmaker.services.errors import DomainError

# What the territories said of themselves at the regional conference of March 2022. Regions that were not asked have no themes.
PRIORITIES = {
    (Level.REGION, "28"): (Theme.EMPLOYMENT, Theme.SUPPORT, Theme.CSR, Theme.COOPERATION),
    (Level.DEPARTEMENT, "14"): (Theme.EMPLOYMENT, Theme.BUSINESS_PREMISES, Theme.WATER),
    (Level.DEPARTEMENT, "27"): (Theme.MOBILITY, Theme.HOUSING, Theme.FOOD, Theme.TOURISM, Theme.SOCIAL_LINK),
    (Level.DEPARTEMENT, "50"): (Theme.FOOD, Theme.SUPPORT, Theme.CSR, Theme.SOCIAL_CLAUSES),
    (Level.DEPARTEMENT, "61"): (Theme.EMPLOYMENT, Theme.COOPERATION, Theme.PUBLIC_AWARENESS, Theme.FUNDING),
    (Level.DEPARTEMENT, "76"): (Theme.WATER, Theme.MOBILITY, Theme.FLAX_WOOD, Theme.URBAN_FARMING, Theme.CSR),
}

EARTH_RADIUS_KM = 6371.0088
# « Flerz » for « Flers », not « Paris » for « Vire ».
ALIKE = 0.45
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
SAINT = re.compile(r"\bst(e?)\b")
CODE = re.compile(r"[0-9][0-9AB][0-9]{3}")
LABEL = re.compile(r"(?P<name>.+)\((?P<departement>[0-9AB]{2,3})\)")


class UnknownRegion(DomainError):
    """No region of France has this code."""


def plain(text: str) -> str:
    """Return the words of a text: lower case, no accent, letters and digits only.

    >>> plain("  L'Œuf d’ARÇONNAY, n° 2 ")
    'l oeuf d arconnay n 2'
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    letters = (letter if letter.isalnum() else " " for letter in decomposed if not unicodedata.combining(letter))
    return " ".join("".join(letters).split())


def fold(text: str) -> str:
    """Return the name of a place as it is compared: plain, with its saints in full.

    >>> fold("St-Vaast-la-Hougue"), fold("Ste Mère-Église")
    ('saint vaast la hougue', 'sainte mere eglise')
    """
    return SAINT.sub(r"saint\1", plain(text))


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance between two points in degrees.

    >>> round(kilometres((49.18, -0.37), (48.43, 0.09)))
    90
    """
    (lat_1, lon_1), (lat_2, lon_2) = ((radians(lat), radians(lon)) for lat, lon in (one, other))
    half_chord = sin((lat_2 - lat_1) / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin((lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half_chord)))


def communes_are_loaded() -> bool:
    """Does the table say what the vendored file says? One look at a digest, so that a start need not write 35,000 rows."""
    told = "".join(f"{row.code}{row.name}{row.epci or ''}{row.population}" for row in sorted(reference.communes().values()))
    each = func.concat(Commune.code, Commune.name, func.coalesce(Commune.epci_code, ""), Commune.population)
    digest = func.md5(func.string_agg(each, aggregate_order_by(literal(""), Commune.code.collate("C"))))
    return db.session.scalar(select(digest)) == md5(told.encode(), usedforsecurity=False).hexdigest()


def load_communes() -> int:
    """Write all communes of France into their table, or bring it up to date. Returns how many there are."""
    rows = [commune_row(commune) for commune in reference.communes().values()]
    statement = insert(Commune)
    fresh = {column: statement.excluded[column] for column in rows[0] if column != "code"}
    # A row that says the same already is not written again: the second load costs reading only.
    differs = tuple_(*(getattr(Commune, column) for column in fresh)).is_distinct_from(tuple_(*fresh.values()))
    db.session.connection().execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh, where=differs), rows)
    db.session.expire_all()
    return len(rows)


def commune_row(commune: reference.Commune) -> dict[str, Any]:
    return {
        "code": commune.code,
        "name": commune.name,
        "folded_name": fold(commune.name),
        "postal_codes": list(commune.postal_codes),
        "population": commune.population,
        "departement_code": commune.departement,
        # The table of reference gives the overseas collectivities (975 to 989) a region of their own; in law they have none.
        "region_code": commune.region if len(commune.region) == 2 else "",
        "epci_code": commune.epci or None,
        "latitude": commune.lat,
        "longitude": commune.lon,
    }


def load_region(code: str) -> Territory:
    """The region with its départements and EPCI as territories, made or brought up to date. Raises UnknownRegion.

    What was written on a territory since (themes, contact) stays. Organisations of the region that waited for their
    territory receive it.
    """
    if code not in reference.regions():
        raise UnknownRegion(code)
    known = {(territory.level, territory.code): territory for territory in db.session.scalars(select(Territory))}

    def settle(level: Level, territory_code: str, name: str, parent: Territory | None) -> Territory:
        territory = known.get((level, territory_code))
        if territory is None:
            territory = Territory(level=level, code=territory_code, themes=[theme.value for theme in PRIORITIES.get((level, territory_code), ())])
            known[level, territory_code] = territory
            db.session.add(territory)
        territory.name = name
        territory.parent = parent
        return territory

    region = settle(Level.REGION, code, reference.regions()[code].name, None)
    for departement in reference.departements().values():
        if departement.region == code:
            settle(Level.DEPARTEMENT, departement.code, departement.name, region)
    for siren, inhabitants in inhabitants_of_epcis(code).items():
        # Of the loaded départements only: an EPCI may go over the border of a region that is not loaded.
        loaded = [departement for departement in inhabitants if (Level.DEPARTEMENT, departement) in known]
        main = max(sorted(loaded), key=lambda departement: inhabitants[departement])
        settle(Level.EPCI, siren, reference.short_name(reference.epcis()[siren].name), known[Level.DEPARTEMENT, main])
    db.session.flush()
    adopt_organisations()
    return region


def inhabitants_of_epcis(region: str) -> dict[str, Counter[str]]:
    """SIREN of each EPCI with a commune in the region → inhabitants per département, those of other regions included."""
    inhabitants: dict[str, Counter[str]] = defaultdict(Counter)
    here = set()
    for commune in reference.communes().values():
        if commune.epci:
            inhabitants[commune.epci][commune.departement] += commune.population
            if commune.region == region:
                here.add(commune.epci)
    return {siren: inhabitants[siren] for siren in sorted(here)}


def adopt_organisations() -> None:
    """Give organisations without a territory the département of their commune, if it is loaded now."""
    waiting = (
        update(Organisation)
        .where(Organisation.territory_id.is_(None), Organisation.commune_code == Commune.code)
        .where(Territory.level == Level.DEPARTEMENT, Territory.code == Commune.departement_code)
        .values(territory_id=Territory.id)
    )
    db.session.execute(waiting, execution_options={"synchronize_session": False})
    db.session.expire_all()


def find_commune(text: str) -> Commune | None:
    """The commune that this text names in full: « Flers (61) », a name, a postal code or an INSEE code; the biggest if several."""
    text = text.strip()
    code = text.upper() if CODE.fullmatch(text.upper()) else ""
    asked: ColumnElement[bool] = Commune.folded_name == fold(text)
    if label := LABEL.fullmatch(text):
        asked = (Commune.folded_name == fold(label["name"])) & (Commune.departement_code == label["departement"])
    elif code:
        asked = has_postal_code(code) | (Commune.code == code)
    # An INSEE code looks like a postal code, and people know the latter.
    query = select(Commune).where(asked).order_by(Commune.code == code, Commune.population.desc(), Commune.code).limit(1)
    return db.session.scalars(query).one_or_none()


def has_postal_code(code: str) -> ColumnElement[bool]:
    return Commune.postal_codes.bool_op("@>")([code])


def search_communes(text: str, limit: int = 10) -> list[Commune]:
    """Communes whose name has a word that starts like the text, or whose postal code does; whole names first, then the biggest."""
    if LABEL.fullmatch(text.strip()) and (commune := find_commune(text)):
        return [commune]
    name = fold(text)
    if not name:
        return []
    if name.isdigit():
        codes = func.array_to_string(Commune.postal_codes, " ", type_=Text)
        query = select(Commune).where(or_(codes.startswith(name), codes.contains(f" {name}")))
        rank = case((has_postal_code(name), 0), else_=1)
    else:
        # A folded text holds letters, digits and spaces: no wildcard of LIKE can be in it.
        query = select(Commune).where(or_(Commune.folded_name.startswith(name), Commune.folded_name.contains(f" {name}")))
        rank = case((Commune.folded_name == name, 0), (Commune.folded_name.startswith(name), 1), else_=2)
    return list(db.session.scalars(query.order_by(rank, Commune.population.desc(), Commune.code).limit(limit)))


def likest_commune(text: str) -> Commune | None:
    """The commune of the loaded départements whose name, or some words of it, is most like a misspelled one; of two alike the biggest."""
    likeness = func.strict_word_similarity(fold(text), Commune.folded_name)
    here = select(Territory.code).where(Territory.level == Level.DEPARTEMENT)
    query = select(Commune).where(Commune.departement_code.in_(here), likeness >= ALIKE)
    return db.session.scalars(query.order_by(likeness.desc(), Commune.population.desc(), Commune.code).limit(1)).one_or_none()


def commune_point(commune: Commune) -> tuple[float, float] | None:
    """Latitude and longitude of its centroid in degrees, where it is known."""
    if commune.latitude is None or commune.longitude is None:
        return None
    return commune.latitude, commune.longitude


def departement_of(commune: Commune) -> Territory | None:
    """The département of a commune, or none when its region has not been loaded."""
    return territory_by_code(commune.departement_code, Level.DEPARTEMENT)


def territory_by_code(code: str, level: Level | None = None) -> Territory | None:
    """The territory of this code. Regions and départements share numbers: without a level, 28 is Normandie and not Eure-et-Loir."""
    query = select(Territory).where(Territory.code == code)
    if level is not None:
        query = query.where(Territory.level == level)
    return db.session.scalars(query.order_by(case((Territory.level == Level.REGION, 0), else_=1)).limit(1)).one_or_none()


def departements_of(region: Territory) -> list[Territory]:
    """The départements of a region, by code."""
    query = select(Territory).where(Territory.parent_id == region.id, Territory.level == Level.DEPARTEMENT)
    return list(db.session.scalars(query.order_by(Territory.code)))


def descendants(territory: Territory) -> list[Territory]:
    """All territories inside this one, without itself: départements first, then EPCI, by name."""
    children = select(Territory.id).where(Territory.parent_id == territory.id)
    query = select(Territory).where(or_(Territory.parent_id == territory.id, Territory.parent_id.in_(children)))
    return sorted(db.session.scalars(query), key=lambda territory: (territory.level, fold(territory.name)))


def all_departements() -> list[Territory]:
    """The départements of every loaded region, by code, with the region."""
    query = select(Territory).where(Territory.level == Level.DEPARTEMENT).options(joinedload(Territory.parent))
    return list(db.session.scalars(query.order_by(Territory.code)))


def regions() -> list[Territory]:
    """The loaded regions."""
    return list(db.session.scalars(select(Territory).where(Territory.level == Level.REGION).order_by(Territory.name)))


def with_contacts() -> list[Territory]:
    """The regions and départements that have somebody to write to or to call."""
    query = select(Territory).where(Territory.level != Level.EPCI, (Territory.contact_email != "") | (Territory.contact_phone != ""))
    return list(db.session.scalars(query.order_by(Territory.level.desc(), Territory.code)))


def homes(codes: CompoundSelect[str] | None = None) -> dict[str, tuple[int, int, int]]:
    """Commune code → territory ids of its EPCI, département and region, -1 where not loaded. Communes outside are left out.

    ``codes``: of these communes only; a query for their codes.
    """
    ids = {(level, code): row_id for level, code, row_id in db.session.execute(select(Territory.level, Territory.code, Territory.id))}
    loaded = [code for level, code in ids if level is Level.DEPARTEMENT]
    query = select(Commune.code, Commune.epci_code, Commune.departement_code, Commune.region_code).where(Commune.departement_code.in_(loaded))
    if codes is not None:
        query = query.where(Commune.code.in_(codes))
    return {
        code: (ids.get((Level.EPCI, epci or ""), -1), ids.get((Level.DEPARTEMENT, departement), -1), ids.get((Level.REGION, region), -1))
        for code, epci, departement, region in db.session.execute(query)
    }
