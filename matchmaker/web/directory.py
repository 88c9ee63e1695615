"""The directory: a search as a list and as a map, and what the map asks for."""

from flask import Blueprint, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker import reference
from matchmaker.models import Category, EntryKind, Family, Need, Offer, Rhythm, Theme, Trait
from matchmaker.services import search, search_rows, territories
from matchmaker.services.search import Results
from matchmaker.web import directory_map, labels
from matchmaker.web import search as addresses
from matchmaker.web.access import public
from matchmaker.web.search import RADII, SORT_WORDS, SORTS, Asked

bp = Blueprint("directory", __name__)
# Of one commune, in the small window of the map.
SHOWN_AT = 8


def answer() -> str:
    """The page of the search that stands in the address."""
    asked = addresses.read(request.args)
    found = search.results(asked.question, page=asked.page)
    return render_template(
        "directory/show.html", asked=asked, results=found, words=addresses, **rows_of(found), **choices_of(asked, found), **map_of(asked, found)
    )


def rows_of(found: Results) -> dict[str, object]:
    """What the list shows: structures with what they say, or announcements."""
    kind, ids = found.question.kind, found.page.ids
    if kind is EntryKind.ORGANISATION:
        rows = search_rows.organisations_of(ids)
        return {"rows": rows, "said": search_rows.said_by(ids)}
    return {"rows": search_rows.declarations_of(Need if kind is EntryKind.NEED else Offer, ids), "said": {}}


def choices_of(asked: Asked, found: Results) -> dict[str, object]:
    """What the form offers: each list with how many would answer, without the choices that would leave nothing."""
    departements = [one for one in territories.all_departements() if found.departements.get(one.code) or one.code == asked.question.departement]
    epcis = sorted(
        (code for code in found.epcis if asked.question.departement or code == asked.question.epci),
        key=lambda code: territories.fold(reference.short_name(reference.epcis()[code].name)),
    )
    kinds = [
        {"label": f"{plural.capitalize()} ({found.kinds[kind]})", "url": asked.url(voir=name), "is_current": kind is asked.question.kind}
        for name, kind in addresses.KINDS.items()
        for _one, plural in [addresses.NOUNS[kind]]
    ]
    return {
        "departements": departements,
        "epcis": {code: reference.short_name(reference.epcis()[code].name) for code in epcis},
        "kinds": kinds,
        "facets": [
            ("famille", "Sorte de structure", Family, found.counts.families, asked.question.families),
            (
                "categorie",
                "Ce qu’elle cherche ou propose" if asked.question.kind is EntryKind.ORGANISATION else "Catégorie",
                Category,
                found.counts.categories,
                asked.question.categories,
            ),
            ("atout", "Ce qu’elle a de particulier", Trait, found.counts.traits, asked.question.traits),
            ("theme", "Thème", Theme, found.counts.themes, asked.question.themes),
        ],
        "radii": sorted({*RADII, asked.question.radius_km}),
        "sorts": {name: SORT_WORDS[sort] for name, sort in SORTS.items() if fits(sort, asked)},
        "chips": addresses.chips(asked),
        "rhythms": labels.choices(Rhythm),
    }


def fits(sort: search.Sort, asked: Asked) -> bool:
    """Is there anything to sort by?"""
    return {search.Sort.RELEVANCE: bool(asked.question.text), search.Sort.DISTANCE: asked.commune is not None}.get(sort, True)


def map_of(asked: Asked, found: Results) -> dict[str, object]:
    drawn = directory_map.drawn_for(asked)
    zoom = asked.question.departement in reference.contours().departements
    return {"map": drawn, "zoom": zoom, "pins": directory_map.pins(drawn, found.places), "outside": directory_map.outside(drawn, found.places)}


@bp.get("/annuaire/points")
@public
def points() -> ResponseReturnValue:
    """The communes of what answers, as the map of the page places them: code, name, x, y, how many."""
    asked = addresses.read(request.args)
    found = search.results(asked.question)
    drawn = directory_map.drawn_for(asked)
    return jsonify({"noun": addresses.NOUNS[asked.question.kind], "points": directory_map.points(drawn, found.places)})


@bp.get("/annuaire/communes/<code>")
@public
def commune(code: str) -> ResponseReturnValue:
    """What answers in one commune, for the small window of the map."""
    here = reference.communes().get(code)
    if here is None:
        abort(404)
    asked = addresses.read(request.args)
    ids, total = search.ids_at(asked.question, code, limit=SHOWN_AT)
    kind = asked.question.kind
    rows = search_rows.organisations_of(ids) if kind is EntryKind.ORGANISATION else search_rows.declarations_of(Need if kind is EntryKind.NEED else Offer, ids)
    every = asked.url("departement", ou=f"{here.name} ({here.departement})", rayon="0")
    return render_template("directory/commune.html", commune=here, rows=rows, total=total, asked=asked, every=every, words=addresses)
