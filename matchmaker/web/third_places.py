"""The network of third places: all of them on a map, one's own page, and where the next job dating would reach most."""

from dataclasses import dataclass, replace
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker import reference
from matchmaker.models import Level, Territory
from matchmaker.services import declarations, mails, observatory_places, third_places
from matchmaker.services.observatory_places import code_of
from matchmaker.services.observatory_secrecy import SMALL
from matchmaker.services.organisations import LAST_PAGE
from matchmaker.services.search import Page
from matchmaker.services.third_places import REACH_KM, House
from matchmaker.web import formats, maps
from matchmaker.web.access import animator_required, found, public, signed_in
from matchmaker.web.forms import clean
from matchmaker.web.place_words import at_place

bp = Blueprint("third_places", __name__)

NOTHING = "—"
PER_PAGE = 40


@dataclass(frozen=True)
class Pin:
    """A commune with third places: its number on the map and in the table."""

    number: int
    x: float
    y: float


@bp.get("/tiers-lieux")
@public
def network() -> ResponseReturnValue:
    places, code = observatory_places.places(), clean(request.args.get("territoire"))[:30]
    territory = places.named(code)
    houses = third_places.network(territory) if territory is not None else []
    numbers, drawn = numbered(houses), map_of(territory, houses) if territory is not None else None
    marks = pins(drawn, houses, numbers) if drawn else []
    page = Page([], max(1, min(request.args.get("page", 1, type=int), LAST_PAGE)), len(houses), PER_PAGE)
    body = render_template(
        "third_places/network.html",
        territory=territory,
        places=places,
        houses=houses,
        page=page,
        shown=houses[page.first - 1 : page.first - 1 + PER_PAGE],
        numbers=numbers,
        map=beside(drawn, marks) if drawn else None,
        pins=marks,
        fill=fill_words,
        code_of=code_of,
    )
    return body, 200 if territory is not None or not code else 404


@bp.get("/tiers-lieux/<uuid:organisation_id>")
@public
def show(organisation_id: UUID) -> ResponseReturnValue:
    house: House = found(third_places.house(organisation_id))
    needs, offers = declarations.public_declarations_of(house.organisation)
    return render_template("third_places/show.html", house=house, needs=needs, offers=offers, fill=fill_words, days=formats.DAYS)


@bp.get("/tiers-lieux/ou-aller")
@animator_required
def next_one() -> ResponseReturnValue:
    """Which venue is best placed, of the territories that this person looks after."""
    return render_template(
        "third_places/next_one.html", best=third_places.best_placed(mails.departements_of(signed_in())), reach_km=REACH_KM, at_place=at_place
    )


def fill_words(house: House) -> str:
    """« 84 % », where enough meetings were held that nobody's are told."""
    if house.fill is None:
        return NOTHING
    return f"{100 * house.fill:.0f}\u00a0%" if house.seated >= SMALL else "non publié"


def numbered(houses: list[House]) -> dict[str, int]:
    """Commune code → its number: third places of one commune are one pin."""
    numbers: dict[str, int] = {}
    for house in houses:
        numbers.setdefault(house.organisation.commune_code, len(numbers) + 1)
    return numbers


def map_of(territory: Territory, houses: list[House]) -> maps.Map | None:
    """The region, or the département, with its EPCI in one shade; none where no contour is vendored."""
    if territory.level is Level.REGION:
        here = {house.organisation.territory.code for house in houses if house.organisation.territory}
        return maps.region_map({}) if here <= set(reference.contours().departements) else None
    departement = territory if territory.level is Level.DEPARTEMENT else territory.parent
    return maps.departement_map(departement.code, {}) if departement is not None else None


def pins(drawn: maps.Map, houses: list[House], numbers: dict[str, int]) -> list[Pin]:
    communes = {house.organisation.commune_code: house.organisation.commune for house in houses}
    return [Pin(numbers[code], *maps.point(drawn, one)) for code, one in communes.items() if one.latitude is not None]


def beside(drawn: maps.Map, marks: list[Pin]) -> maps.Map:
    """The map without the names of towns that would lie on a pin."""
    return replace(drawn, cities=tuple(town for town in drawn.cities if all(abs(town.x - pin.x) > 90 or abs(town.y - pin.y) > 40 for pin in marks)))
