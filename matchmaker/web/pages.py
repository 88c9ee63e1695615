"""The home page and the pages that explain: how it works, help, data, accessibility, legal."""

from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from matchmaker.models import LegalText
from matchmaker.services import consents, declarations, job_dating_lists, observatory, territories
from matchmaker.web import maps
from matchmaker.web.access import public

bp = Blueprint("pages", __name__)


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    counts = {code: needs + offers for code, (needs, offers) in declarations.public_counts_by_epci().items()}
    coming, region = job_dating_lists.coming(limit=5), maps.region_map(maps.classes(counts))
    crossings = job_dating_lists.crossings([dating.id for dating in coming])
    threads = [thread for dating in coming for thread in maps.threads(region, dating.venue.commune, crossings[dating.id])]
    return render_template("pages/home.html", map=region, threads=threads, counts=counts, coming=coming, figures=observatory.figures())


@bp.get("/comment-ca-marche")
@public
def about() -> ResponseReturnValue:
    return render_template("pages/about.html")


@bp.get("/aide")
@public
def help() -> ResponseReturnValue:  # noqa: A001 - the word of the address
    return render_template("pages/help.html", territories=territories.with_contacts())


@bp.get("/vos-donnees")
@public
def data() -> ResponseReturnValue:
    return render_template("pages/data.html", version=version_of(LegalText.PRIVACY))


def version_of(legal_text: LegalText) -> date:
    """The day since when the text says what it says."""
    return date.fromisoformat(consents.VERSIONS[legal_text])


@bp.get("/conditions")
@public
def terms() -> ResponseReturnValue:
    return render_template("pages/terms.html", version=version_of(LegalText.TERMS))


@bp.get("/accessibilite")
@public
def accessibility() -> ResponseReturnValue:
    return render_template("pages/accessibility.html")


@bp.get("/mentions-legales")
@public
def legal() -> ResponseReturnValue:
    return render_template("pages/legal.html")
