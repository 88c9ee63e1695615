"""The live count beside a form: how many structures around could answer, without a name."""

from dataclasses import dataclass
from typing import Any

from matchmaker.models import Category, Commune, Family, InclusionKind, Need, Offer, Organisation
from matchmaker.services import declarations_reach, territories
from matchmaker.services.declarations_reach import FEW, STEPS, Reach
from matchmaker.web import formats, labels
from matchmaker.web.declaration_fields import RADIUS

KINDS = {kind.value: labels.label(kind) for kind in (*Family, *InclusionKind)}
# French makes no plural of these as they stand.
PLURALS = {
    "chantier d’insertion": "chantiers d’insertion",
    "entreprise d’insertion": "entreprises d’insertion",
    "entreprise adaptée": "entreprises adaptées",
    "association intermédiaire": "associations intermédiaires",
    "groupement d’employeurs": "groupements d’employeurs",
    "société commerciale de l’ESS": "sociétés commerciales de l’ESS",
    "organisme public": "organismes publics",
    "collectif en émergence": "collectifs en émergence",
    "intérim d’insertion": "structures d’intérim d’insertion",
    "insertion par le travail indépendant": "structures d’insertion par le travail indépendant",
    "ESAT": "ESAT",
    "GEIQ": "GEIQ",
}


@dataclass(frozen=True)
class ShownReach:
    """The count in words. ``steps``: « à moins de 10 km » and its count, from near to far."""

    title: str
    where: str
    steps: list[tuple[str, str]]
    kinds: str


def reach_of(values: Any, organisation: Organisation, *, category: Category, is_need: bool) -> ShownReach | None:
    """What a form, or what an address says, would reach; none where its commune is not known."""
    commune = commune_of(values.commune.data or "")
    if commune is None:
        return None
    radius = int(values.radius_km.data) if values.radius_km.data in RADIUS else 30
    is_remote = "remote_share" in values and values["remote_share"].data == "100"
    return shown(count(commune, organisation, category=category, is_need=is_need, radius_km=radius, is_remote=is_remote))


def commune_of(text: str) -> Commune | None:
    return territories.find_commune(text) if text.strip() else None


def reach_around(declaration: Need | Offer) -> ShownReach:
    """The same of an announcement that is written already."""
    radius = next((step for step in STEPS if step >= declaration.radius_km), STEPS[-1])
    is_need, is_remote = isinstance(declaration, Need), declaration.remote_share == 100
    found = count(declaration.commune, declaration.organisation, category=declaration.category, is_need=is_need, radius_km=radius, is_remote=is_remote)
    return shown(found)


def count(commune: Commune, organisation: Organisation, *, category: Category, is_need: bool, radius_km: int, is_remote: bool) -> Reach:
    return declarations_reach.around(commune, category=category, is_need=is_need, radius_km=radius_km, is_remote=is_remote, organisation_id=organisation.id)


def shown(reach: Reach) -> ShownReach:
    from_afar = f", dont {how_many(reach.from_afar)} à distance" if reach.from_afar else ""
    could = "pourraient" if reach.total else "ne pourrait encore"
    return ShownReach(
        title=structures(reach.total),
        where=f"{could} répondre à moins de {reach.radius_km}\u00a0km{from_afar}.",
        steps=[(f"À moins de {km}\u00a0km", how_many(number)) for km, number in reach.within.items()],
        kinds=kinds(reach),
    )


def how_many(count: int) -> str:
    """A count that tells nobody who it is."""
    return formats.number(count) if count >= FEW else "moins de 3" if count else "aucune"


def structures(count: int) -> str:
    return f"{how_many(count).capitalize()} structure{'s' if count else ''}"


def kinds(reach: Reach) -> str:
    """« 4 entreprises d’insertion, 3 associations »: those of which there are enough."""
    told = [(code, number) for code, number in reach.kinds.most_common() if number >= FEW]
    return ", ".join(f"{number}\u00a0{PLURALS.get(KINDS[code], KINDS[code] + 's')}" for code, number in told)
