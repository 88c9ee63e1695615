"""Responsible purchasing: a buyer looks for suppliers, and reads the same of each."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from matchmaker.models import Category, Frame, Level, Organisation, Role, Sector, Territory
from matchmaker.models.base import today
from matchmaker.models.purchasing import BOUGHT
from matchmaker.services import purchasing, purchasing_shortlists, territories
from matchmaker.services.observatory_places import code_of
from matchmaker.services.purchasing import Found, Wanted
from matchmaker.web import purchasing_words
from matchmaker.web.access import is_signed_in, public, signed_in
from matchmaker.web.forms import CommuneField, Form, clean

bp = Blueprint("purchasing", __name__)

RADII = (10, 30, 60, 100)
PER_PAGE = 10
# What an address of the search may say.
FILTERS = ("categorie", "secteur", "cadre", "q", "territoire", "commune", "rayon", "page")


class PlaceForm(Form):
    """Read from the address: it changes nothing, and needs no token."""

    commune = CommuneField("Autour de")

    class Meta(Form.Meta):
        csrf = False


@bp.get("/achats")
@public
def suppliers() -> ResponseReturnValue:
    form = PlaceForm(request.args)
    is_place_known = form.validate()
    wanted = asked(form)
    found = purchasing.suppliers(wanted, day=today(), page=request.args.get("page", 1, type=int), per_page=PER_PAGE) if is_place_known else None
    return render_template(
        "purchasing/suppliers.html",
        form=form,
        wanted=wanted,
        found=found,
        words=purchasing_words,
        places=purchasing.places(),
        code_of=code_of,
        radii=RADII,
        categories=BOUGHT,
        filters=narrowed(wanted),
        query={name: clean(request.args[name])[:100] for name in FILTERS if request.args.get(name)},
        Frame=Frame,
        Sector=Sector,
        **buyers_side(found),
    )


def asked(form: PlaceForm) -> Wanted:
    """What the address asks for; a value that we do not know is not asked for."""
    category, radius = choice(Category, "categorie"), request.args.get("rayon", type=int)
    return Wanted(
        category=category if category in BOUGHT else Category.PURCHASE,
        sector=choice(Sector, "secteur"),
        frame=choice(Frame, "cadre") or Frame.OPEN,
        text=clean(request.args.get("q"))[:100],
        territory=territory(clean(request.args.get("territoire"))),
        commune=form.commune.commune,
        radius_km=radius if radius in RADII else None,
    )


def narrowed(wanted: Wanted) -> int:
    """How many filters are on, beside the words."""
    usual = Wanted()
    told = ("category", "sector", "frame", "territory", "commune", "radius_km")
    return sum(getattr(wanted, name) != getattr(usual, name) for name in told)


def choice(enum: Any, name: str) -> Any:
    value = request.args.get(name, "")
    return enum(value) if value in set(enum) else None


def territory(code: str) -> Territory | None:
    """« departement-61 », « epci-… »."""
    level, _, number = code.partition("-")
    return territories.territory_by_code(number[:9], Level(level)) if level in set(Level) else None


def own_structure() -> Organisation | None:
    """The structure that this person speaks for, where there is one: who looks after a territory speaks for none."""
    return signed_in().organisation if is_signed_in() and signed_in().role in (Role.MEMBER, Role.HOST) else None


def buyers_side(found: Found | None) -> Mapping[str, Any]:
    """What the signed-in structure kept, and with whom it said yes already; nothing for who only looks."""
    buyer = own_structure()
    if buyer is None or found is None:
        return {"buyer": buyer, "lists": [], "kept": {}, "met": {}}
    ids = [supplier.organisation.id for supplier in found.suppliers]
    return {
        "buyer": buyer,
        "lists": purchasing_shortlists.lists_of(buyer),
        "kept": purchasing_shortlists.kept_in(buyer, ids),
        "met": purchasing.already_met(buyer, ids),
    }
