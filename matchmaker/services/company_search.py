"""The public directory of companies (« Recherche d'entreprises »), which fills in a sign-up when it answers. The caller commits.

The only place from which the site asks another one: a fixed host, three seconds, nothing followed, nothing needed. What it said is kept 30
days; that it does not know a number, one day. The address of an establishment whose owner asked for discretion is never read. It knows an
association by its RNA number when that association has a SIRET too: who has none is not there.
"""

import http.client
import json
import logging
import re
import ssl
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy.dialects.postgresql import insert

from matchmaker.extensions import db
from matchmaker.models import CompanyRecord, Family, Headcount, InclusionKind
from matchmaker.models.base import now

log = logging.getLogger(__name__)

SECONDS = 3.0
MOST_BYTES = 1024 * 1024
KEPT, KEPT_UNKNOWN = timedelta(days=30), timedelta(days=1)
# INSEE's legal categories. Of the companies only some are cooperatives, and whether the others are of the ESS the directory says apart.
COOPERATIVES = re.compile(r"5[456](5\d|60)|519[2-6]|631[678]")
FAMILIES = (("92", Family.ASSOCIATION), ("93", Family.FOUNDATION), ("82", Family.MUTUAL), ("6411", Family.MUTUAL), ("7", Family.PUBLIC), ("4", Family.PUBLIC))
# INSEE's bands of staff.
HEADCOUNTS = {
    **dict.fromkeys(("NN", "00"), Headcount.NONE),
    **dict.fromkeys(("01", "02", "03"), Headcount.VERY_SMALL),
    **dict.fromkeys(("11", "12"), Headcount.SMALL),
    **dict.fromkeys(("21", "22", "31"), Headcount.MEDIUM),
    **dict.fromkeys(("32", "41", "42", "51", "52", "53"), Headcount.LARGE),
}


@dataclass(frozen=True)
class Company:
    """What a sign-up can use of an establishment. ``closed_on`` is empty when it is closed since nobody knows when."""

    name: str
    family: Family
    is_ess: bool
    inclusion_kind: InclusionKind | None
    naf: str
    idcc: str
    headcount: Headcount | None
    commune_code: str
    address: str
    rna: str
    is_closed: bool
    closed_on: str
    # The establishment that is open, when this one is closed.
    open_siret: str
    open_commune: str
    # Of the place that was read: the seat, for an association that was asked for by its RNA number.
    siret: str = ""

    @property
    def standing_siret(self) -> str:
        """Its SIRET while it is open."""
        return "" if self.is_closed else self.siret


class Unreadable(Exception):
    """The directory said something else than what it promises."""


def look_up(number: str, *, url: str) -> Company | None:
    """What the directory says of this SIRET or RNA number, asked at most once in a while; nothing when it is off, unreachable, or does not know it."""
    record = db.session.get(CompanyRecord, number)
    if record is None or not is_fresh(record):
        told = ask(number, url=url)
        if told is None:
            return known(number)
        values = {"number": number, "told": told, "fetched_at": now()}
        db.session.execute(insert(CompanyRecord).values(values).on_conflict_do_update(index_elements=["number"], set_=values))
        db.session.flush()
        db.session.expire_all()
    return known(number)


def known(number: str | None) -> Company | None:
    """What is kept of it. Asks nobody."""
    record = db.session.get(CompanyRecord, number) if number else None
    return company_of(record.told) if record and record.told else None


def is_unknown(number: str | None) -> bool:
    """Did the directory say that it has no such number?"""
    record = db.session.get(CompanyRecord, number) if number else None
    return record is not None and not record.told


def is_fresh(record: CompanyRecord) -> bool:
    return now() - record.fetched_at < (KEPT if record.told else KEPT_UNKNOWN)


def company_of(told: dict[str, Any]) -> Company:
    kind, headcount = told["inclusion_kind"], told["headcount"]
    enums = {
        "family": Family(told["family"]),
        "inclusion_kind": InclusionKind(kind) if kind else None,
        "headcount": Headcount(headcount) if headcount else None,
    }
    return Company(**told | enums)


def ask(number: str, *, url: str) -> dict[str, Any] | None:
    """The answer as it is kept; empty for a number that the directory does not know, nothing when it gave no answer."""
    if not url:
        return None
    try:
        return read(fetch(url, number), number)
    except (OSError, http.client.HTTPException, Unreadable) as error:
        log.warning("the directory of companies gave no answer: %s", error or type(error).__name__)
        return None


def fetch(url: str, number: str) -> bytes:
    """The body of the answer. A redirection, an error and a refusal (429) are no answers; neither is a body without end."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, parts.port, timeout=SECONDS, context=ssl.create_default_context())
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=SECONDS)
    # A SIRET is one establishment; an RNA number is searched among other texts, and is not always the first that is found.
    query = urlencode({"q": number, "per_page": 5 if number.startswith("W") else 1, "limite_matching_etablissements": 1})
    try:
        connection.request("GET", f"{parts.path}/search?{query}", headers={"Accept": "application/json", "User-Agent": "La Croisee"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise Unreadable(f"status {response.status}")
        return within_time(connection, response)
    finally:
        connection.close()


def within_time(connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> bytes:
    """The whole body, or Unreadable: one byte a second is no answer either."""
    end, body = now() + timedelta(seconds=SECONDS), b""
    while chunk := response.read1(65536):
        body += chunk
        left = (end - now()).total_seconds()
        if len(body) > MOST_BYTES or left <= 0:
            raise Unreadable("too long")
        if connection.sock is not None:
            connection.sock.settimeout(left)
    return body


def read(body: bytes, number: str) -> dict[str, Any]:
    """What is kept of an answer. Raises Unreadable."""
    try:
        results = json.loads(body)["results"]
        mine = list(associations(results, number) if number.startswith("W") else establishments(results, number))
        return asdict(company(*mine[0])) if mine else {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error


def establishments(results: list[dict[str, Any]], siret: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The unit and the place of this SIRET."""
    for unit in results:
        for place in [*(unit.get("matching_etablissements") or []), unit.get("siege") or {}]:
            if place.get("siret") == siret:
                yield unit, place


def associations(results: list[dict[str, Any]], rna: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The association of this RNA number and its seat; should there be two, the one that is open first."""
    mine = [unit for unit in results if text((unit.get("complements") or {}).get("identifiant_association")).upper() == rna]
    return [(unit, unit.get("siege") or {}) for unit in sorted(mine, key=lambda unit: unit.get("etat_administratif") != "A")]


def company(unit: dict[str, Any], place: dict[str, Any]) -> Company:
    more, seat = unit.get("complements") or {}, unit.get("siege") or {}
    is_ess, is_closed = more.get("est_ess") is True, place.get("etat_administratif") == "F"
    shows_address = "P" not in (unit.get("statut_diffusion"), place.get("statut_diffusion_etablissement"))
    is_seat_open = is_closed and seat.get("etat_administratif") == "A" and seat.get("siret") != place.get("siret")
    agreements = place.get("liste_idcc") or more.get("liste_idcc") or []
    agreement = text(agreements[0] if len(agreements) == 1 else "")
    rna, siret = text(more.get("identifiant_association")), text(place.get("siret"))
    return Company(
        name=text(unit.get("nom_raison_sociale") or unit.get("nom_complet"))[:200],
        family=family_of(text(unit.get("nature_juridique")), is_ess=is_ess),
        is_ess=is_ess,
        inclusion_kind=kind_of(more.get("type_siae")),
        naf=text(place.get("activite_principale") or unit.get("activite_principale"))[:6],
        idcc=agreement if re.fullmatch("[0-9]{1,4}", agreement) else "",
        headcount=HEADCOUNTS.get(text(unit.get("tranche_effectif_salarie"))),
        commune_code=text(place.get("commune"))[:5] if shows_address else "",
        address=text(place.get("adresse"))[:200] if shows_address else "",
        rna=rna if re.fullmatch("W[0-9A-Z]{9}", rna) else "",
        is_closed=is_closed,
        closed_on=day(place.get("date_fermeture")),
        open_siret=text(seat.get("siret"))[:14] if is_seat_open else "",
        open_commune=text(seat.get("libelle_commune"))[:100] if is_seat_open else "",
        siret=siret if re.fullmatch("[0-9]{14}", siret) else "",
    )


def text(value: object) -> str:
    """A text of the directory, without what no keyboard types."""
    return "".join(letter for letter in value if letter.isprintable()).strip() if isinstance(value, str) else ""


def day(value: object) -> str:
    try:
        return date.fromisoformat(text(value)).isoformat()
    except ValueError:
        return ""


def family_of(category: str, *, is_ess: bool) -> Family:
    """The family that the legal category says; a company is of the ESS only when the directory says so."""
    if COOPERATIVES.fullmatch(category):
        return Family.COOPERATIVE
    found = next((family for beginning, family in FAMILIES if category.startswith(beginning)), None)
    return found or (Family.ESS_COMPANY if is_ess else Family.COMPANY)


def kind_of(kinds: object) -> InclusionKind | None:
    """The kind of inclusion, when it is exactly one of ours."""
    found = {text(kind) for kind in (kinds if isinstance(kinds, list) else [kinds])} & set(InclusionKind)
    return InclusionKind(found.pop()) if len(found) == 1 else None
