"""The address of a search: what its parameters mean, what was misunderstood in them, and how they are written again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from flask import url_for
from werkzeug.datastructures import MultiDict

from matchmaker.models import Category, Commune, EntryKind, Family, Level, Territory, Theme, Trait
from matchmaker.services import search_text, territories
from matchmaker.services.search import Question, Sort
from matchmaker.services.search_places import WIDEST_KM
from matchmaker.web import formats, labels
from matchmaker.web.forms import clean
from matchmaker.web.place_words import at_place, of_place

E = TypeVar("E", bound=StrEnum)
LONGEST = 200
USUAL_RADIUS = 30
RADII = (0, 5, 10, 20, 30, 50, 100)
LAST_PAGE = 1_000_000
KINDS = {"structures": EntryKind.ORGANISATION, "besoins": EntryKind.NEED, "offres": EntryKind.OFFER}
SORTS = {"pertinence": Sort.RELEVANCE, "distance": Sort.DISTANCE, "nom": Sort.NAME, "nouveautes": Sort.FRESH}
SORT_WORDS = {Sort.RELEVANCE: "les mots les plus proches", Sort.DISTANCE: "le plus près", Sort.NAME: "l’ordre alphabétique", Sort.FRESH: "le plus récent"}
FACETS: dict[str, type[StrEnum]] = {"famille": Family, "categorie": Category, "theme": Theme, "atout": Trait}
NOUNS = {EntryKind.ORGANISATION: ("structure", "structures"), EntryKind.NEED: ("besoin", "besoins"), EntryKind.OFFER: ("offre", "offres")}


@dataclass(frozen=True)
class Asked:
    """A question as its address put it.

    Attributes
    ----------
    values : the parameters that mean something, as they are written in every link of the page.
    notes : sentences about what was not understood, or taken otherwise.
    """

    question: Question
    page: int
    values: Mapping[str, list[str]]
    commune: Commune | None = None
    departement: Territory | None = None
    epci: Territory | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def is_narrow(self) -> bool:
        """Is anything asked for but a list?"""
        return bool(set(self.values) - {"voir", "tri"})

    @property
    def filters(self) -> int:
        """How many choices narrow the search beside its words and its place."""
        return sum(len(chosen) for name, chosen in self.values.items() if name in (*FACETS, "departement", "epci"))

    def url(self, without: str = "", value: str = "", **changes: str) -> str:
        """The same search: without a parameter, or without one of its values; with other ones."""
        values = {name: list(found) for name, found in self.values.items()}
        if without:
            values[without] = [one for one in values.get(without, []) if value and one != value]
        if without == "ou":
            values.pop("rayon", None)
        if without == "departement":
            values.pop("epci", None)
        return url_for("organisations.directory", **(values | changes))


def read(arguments: "MultiDict[str, str]") -> Asked:
    """Understand an address. Whatever stands in it, there is a question: what means nothing is left out, and said."""
    values: dict[str, list[str]] = {}
    notes: list[str] = []
    text = read_text(arguments, values, notes)
    commune, radius = read_place(arguments, values, notes)
    departement = territory(arguments, "departement", Level.DEPARTEMENT, values)
    epci = territory(arguments, "epci", Level.EPCI, values)
    facets = {name: members(arguments, name, enum, values) for name, enum in FACETS.items()}
    kind = word(arguments, "voir", KINDS, values) or EntryKind.ORGANISATION
    page = arguments.get("page", 1, type=int)
    question = Question(
        kind=kind,
        text=text,
        around=commune.code if commune else "",
        radius_km=radius,
        departement=departement.code if departement else "",
        epci=epci.code if epci else "",
        families=frozenset(Family(one) for one in facets["famille"]),
        categories=frozenset(Category(one) for one in facets["categorie"]),
        themes=frozenset(Theme(one) for one in facets["theme"]),
        traits=frozenset(Trait(one) for one in facets["atout"]),
        sort=word(arguments, "tri", SORTS, values),
    )
    return Asked(question, max(1, min(page, LAST_PAGE)), values, commune, departement, epci, notes)


def read_text(arguments: "MultiDict[str, str]", values: dict[str, list[str]], notes: list[str]) -> str:
    typed = clean(arguments.get("q"))
    text = " ".join(typed.split())[:LONGEST]
    if text:
        values["q"] = [text]
    if len(typed) > LONGEST or len(territories.fold(text).split()) > search_text.MOST_WORDS + 10:
        notes.append("C’est long pour une recherche\u00a0: nous n’avons pris que les premiers mots.")
    return text


def read_place(arguments: "MultiDict[str, str]", values: dict[str, list[str]], notes: list[str]) -> tuple[Commune | None, int]:
    """The commune around which one looks, and how far."""
    typed = clean(arguments.get("ou"))[:80]
    if not typed:
        return None, USUAL_RADIUS
    commune = commune_of(typed, notes)
    if commune is None:
        return None, USUAL_RADIUS
    radius = read_radius(clean(arguments.get("rayon")), notes)
    values["ou"], values["rayon"] = [commune.label], [str(radius)]
    return commune, radius


def commune_of(typed: str, notes: list[str]) -> Commune | None:
    """The commune of this name, of the first words of a name, or of this postal code: the one around here, else the biggest; else the likest name."""
    found = territories.search_communes(typed, limit=20)
    if not found:
        likest = territories.likest_commune(typed)
        understood = f"nous avons compris {likest.label}" if likest is not None else "nous avons cherché partout"
        notes.append(f"Nous ne connaissons pas la commune «\u00a0{typed}\u00a0»\u00a0: {understood}.")
        return likest
    name = territories.fold(typed)
    exact = [commune for commune in found if typed in (commune.label, *commune.postal_codes) or commune.folded_name == name]
    departements = {departement.code for departement in territories.all_departements()}
    here = [commune for commune in found if commune.departement_code in departements]
    # « Vire » is Vire Normandie before it is the Viré of far away; « Lyon » is not Lyons-la-Forêt.
    named = [commune for commune in here if commune in exact] or [commune for commune in here if commune.folded_name.startswith(f"{name} ")]
    choice = named or exact or here or found
    if len(choice) > 1:
        notes.append(f"Plusieurs communes correspondent. Nous avons compris {choice[0].label}\u00a0; sinon, écrivez {choice[1].label}, par exemple.")
    return choice[0]


def read_radius(typed: str, notes: list[str]) -> int:
    if not typed:
        return USUAL_RADIUS
    radius = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None
    if radius is not None and radius <= WIDEST_KM:
        return radius
    if typed.isascii() and typed.isdigit():
        notes.append(f"Nous cherchons au plus à {WIDEST_KM}\u00a0km.")
        return WIDEST_KM
    notes.append(f"Le rayon est un nombre de kilomètres\u00a0: nous avons pris {USUAL_RADIUS}\u00a0km.")
    return USUAL_RADIUS


def territory(arguments: "MultiDict[str, str]", name: str, level: Level, values: dict[str, list[str]]) -> Territory | None:
    code = clean(arguments.get(name))[:9]
    found = territories.territory_by_code(code, level) if code else None
    if found is not None:
        values[name] = [found.code]
    return found


def members(arguments: "MultiDict[str, str]", name: str, enum: type[E], values: dict[str, list[str]]) -> list[E]:
    """The members of a facet that are asked for, each once."""
    typed = set(arguments.getlist(name))
    found = [member for member in enum if member.value in typed]
    if found:
        values[name] = [member.value for member in found]
    return found


def word(arguments: "MultiDict[str, str]", name: str, known: Mapping[str, E], values: dict[str, list[str]]) -> E | None:
    found = known.get(arguments.get(name, ""))
    if found is not None:
        values[name] = [arguments[name]]
    return found


# In words


def chips(asked: Asked) -> list[dict[str, str]]:
    """What is asked for, each with the address that no longer asks it."""
    question = asked.question
    found = [{"label": f"«\u00a0{question.text}\u00a0»", "url": asked.url("q")}] if question.text else []
    if asked.commune is not None:
        found.append({"label": where(asked), "url": asked.url("ou")})
    for name, one in (("departement", asked.departement), ("epci", asked.epci)):
        if one is not None:
            found.append({"label": one.name, "url": asked.url(name)})
    for name, enum in FACETS.items():
        found += [{"label": labels.label(enum(code)), "url": asked.url(name, code)} for code in asked.values.get(name, ())]
    return found


def where(asked: Asked) -> str:
    """« à moins de 30 km de Flers »."""
    if asked.commune is None:
        return ""
    if asked.question.radius_km == 0:
        return f"{at_place(asked.commune.name)} même"
    return f"à moins de {asked.question.radius_km}\u00a0km {of_place(asked.commune.name)}"


def noun(kind: EntryKind, count: int) -> str:
    """« 14 structures »."""
    return formats.plural(count, *NOUNS[kind])


def told(asked: Asked) -> str:
    """The search in one line, as its mails name it: « structures, « réemploi », à moins de 30 km de Flers »."""
    parts = [chip["label"] for chip in chips(asked)]
    return ", ".join([NOUNS[asked.question.kind][1].capitalize(), *parts])
