"""Importing structures from a CSV list, row by row; safe to run again.

A row is known by its SIRET, else by its RNA number. What the list says is written; an empty cell says nothing and
erases nothing. Structures that signed up, or that have changed their page since, are left as they are. Communes and
territories must be loaded before: a structure outside the loaded regions is kept without a territory.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import or_, select

from matchmaker.extensions import db
from matchmaker.models import EssLabel, Family, InclusionKind, Level, Organisation, Territory
from matchmaker.models.organisations import ESS_FAMILIES
from matchmaker.services.commune_index import CommuneIndex
from matchmaker.services.errors import DomainError
from matchmaker.services.organisation_csv import ImportRefused, Table, read_csv
from matchmaker.services.organisations import OWN_SOURCES, BadRna, BadSiret, read_rna, read_siret
from matchmaker.services.territories import kilometres, plain

__all__ = ["ImportRefused", "ImportReport", "Remark", "import_organisations", "read_csv"]

MAX_KM = 30.0
BATCH = 5_000
FAMILIES = {plain(family.value): family for family in Family}
ASSOCIATION_KINDS = frozenset({InclusionKind.ACI, InclusionKind.AI, InclusionKind.GE, InclusionKind.GEIQ, InclusionKind.ESAT})
DEGREES = re.compile(r"[+-]?[0-9]{1,3}([.,][0-9]+)?(e-[0-9]{1,2})?", re.IGNORECASE)
PHONE = re.compile(r"\+?[0-9 ().-]{6,30}")
IDCC = re.compile(r"[0-9]{1,4}")

Notes = list[tuple[str, str]]


class Remark(NamedTuple):
    """What there is to say of a row, by its number in a spreadsheet, where the titles are row 1."""

    number: int
    siret: str
    reason: str
    detail: str


@dataclass
class ImportReport:
    """What an import did.

    ``refused`` rows wrote nothing: bad_siret (digits, length, checksum, zeros, missing), bad_rna, missing_name,
    unknown_commune, bad_coordinates, too_far (kilometres), duplicate (the row or the number), too_many_cells.
    ``noted`` rows were written, without what the note names: siret_repaired (the SIRET), rna_taken, bad_rna, bad_idcc,
    bad_phone, bad_email, bad_website, unknown_kind, unknown_family (what stood there).
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    refused: list[Remark] = field(default_factory=list)
    noted: list[Remark] = field(default_factory=list)


class RowRefused(DomainError):
    """One row is refused; the others go on."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason = reason
        self.detail = detail


class ReadRow(NamedTuple):
    """A row that can be written: the columns of Organisation of which it says something."""

    number: int
    values: dict[str, Any]


def import_organisations(stream: BinaryIO, *, source: str) -> ImportReport:
    """Create or update the structures of a CSV file. ``source`` names the list, for rows that do not.

    Raises ImportRefused before anything is written.
    """
    table = read_csv(stream)
    report = ImportReport(ignored_columns=table.ignored_columns)
    rows = readable_rows(table, source=source, report=report)
    written: set[UUID] = set()
    for start in range(0, len(rows), BATCH):
        write_rows(rows[start : start + BATCH], written, report)
    report.refused.sort()
    report.noted.sort()
    return report


def readable_rows(table: Table, *, source: str, report: ImportReport) -> list[ReadRow]:
    """Read each row; what is refused or left out goes into the report."""
    communes = CommuneIndex()
    query = select(Territory.code, Territory.id).where(Territory.level == Level.DEPARTEMENT)
    departements = dict(db.session.execute(query).all())
    first_rows: dict[str, int] = {}
    rows = []
    for number, row in table.rows:
        notes: Notes = []
        try:
            if row["surplus"]:
                raise RowRefused("too_many_cells", row["surplus"])
            values = numbers_of(row, notes, first_rows) | place_of(row, communes) | presentation_of(row, notes)
        except RowRefused as refusal:
            report.refused.append(Remark(number, row["siret"], refusal.reason, refusal.detail))
            continue
        values |= family_of(row, values, notes)
        values["source"] = source if row["source"].lower() in {"", *OWN_SOURCES} else row["source"]
        first_rows |= {values[key]: number for key in ("siret", "rna") if values[key]}
        report.noted.extend(Remark(number, row["siret"], reason, detail) for reason, detail in notes)
        said = {column: value for column, value in values.items() if value not in (None, "")}
        # The territory follows the commune, and is none outside the loaded regions.
        said["territory_id"] = departements.get(communes.by_code[said["commune_code"]].departement_code)
        rows.append(ReadRow(number, said))
    return rows


def numbers_of(row: dict[str, str], notes: Notes, first_rows: dict[str, int]) -> dict[str, Any]:
    """SIRET and RNA number, at least one of them, each once in a file."""
    siret = siret_of(row["siret"], notes) if row["siret"] else None
    rna = rna_of(row["rna"], notes, needed=siret is None) if row["rna"] else None
    identity = siret or rna
    if identity is None:
        raise RowRefused("bad_siret", "missing")
    if identity in first_rows:
        raise RowRefused("duplicate", str(first_rows[identity]))
    if rna in first_rows:
        # Two places of one association: the second is known by its SIRET alone.
        notes.append(("rna_taken", row["rna"]))
        rna = None
    return {"siret": siret, "rna": rna}


def siret_of(text: str, notes: Notes) -> str:
    """The SIRET of a cell. Spreadsheets lose the first zero: it is given back when the key then proves right."""
    try:
        return read_siret(text)
    except BadSiret as error:
        with suppress(BadSiret):
            repaired = read_siret("0" + text)
            notes.append(("siret_repaired", repaired))
            return repaired
        raise RowRefused("bad_siret", error.how) from error


def rna_of(text: str, notes: Notes, *, needed: bool) -> str | None:
    try:
        return read_rna(text)
    except BadRna as error:
        if needed:
            raise RowRefused("bad_rna", text) from error
        notes.append(("bad_rna", text))
        return None


def place_of(row: dict[str, str], communes: CommuneIndex) -> dict[str, Any]:
    """Commune, address and point; the point must be near the commune."""
    code = communes.find(insee_code=row["insee_code"], name=row["commune"], postal_code=row["postal_code"], departement=row["departement"])
    if code is None:
        raise RowRefused("unknown_commune", " ".join(filter(None, (row["insee_code"], row["postal_code"], row["commune"]))))
    if not row["latitude"] and not row["longitude"]:
        return {"commune_code": code, "address": row["address"]}
    point = (degrees(row["latitude"], 90), degrees(row["longitude"], 180))
    centroid = communes.point(code)
    if centroid and (distance := kilometres(point, centroid)) > MAX_KM:
        raise RowRefused("too_far", f"{distance:.0f}")
    return {"commune_code": code, "address": row["address"], "latitude": point[0], "longitude": point[1]}


def degrees(text: str, limit: int) -> float:
    value = float(text.replace(",", ".")) if DEGREES.fullmatch(text) else None
    if value is None or abs(value) > limit:
        raise RowRefused("bad_coordinates", text or "missing")
    return value


def presentation_of(row: dict[str, str], notes: Notes) -> dict[str, Any]:
    """Name, activity and ways to be reached. The name on the door comes before that of the statutes."""
    if not (row["brand"] or row["name"]):
        raise RowRefused("missing_name")

    def checked(name: str, is_good: Callable[[str], object]) -> str:
        if row[name] and not is_good(row[name]):
            notes.append((f"bad_{name}", row[name]))
            return ""
        return row[name]

    idcc, website = checked("idcc", IDCC.fullmatch), checked("website", is_web_address)
    return {
        "name": row["brand"] or row["name"],
        "naf": row["naf"].replace(".", "").upper(),
        "description": row["description"],
        "idcc": idcc and idcc.zfill(4),
        "phone": checked("phone", PHONE.fullmatch),
        "email": checked("email", is_mail_address).lower(),
        "website": f"https://{website}" if website and "://" not in website else website,
    }


def is_web_address(text: str) -> bool:
    """Of the web only: a `javascript:` address in a list must not become a link."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        return parts.scheme in {"http", "https"} and "." in (parts.hostname or "") and " " not in text
    except ValueError:
        return False


def is_mail_address(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def family_of(row: dict[str, str], numbers: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Legal family, as far as the row says it.

    The column « famille » decides. Without it: a SIREN in 1 or 2 is a public body, an RNA number an association; then
    ACI, AI, GE, GEIQ and ESAT count as associations, which most of them are, and the other kinds as companies of the
    ESS. A row that says none of this says nothing of its family: no form proves that a company is of the ESS.
    """
    kind = InclusionKind(row["kind"].upper()) if row["kind"].upper() in InclusionKind.__members__ else None
    if row["kind"] and kind is None:
        notes.append(("unknown_kind", row["kind"]))
    family = FAMILIES.get(plain(row["family"]))
    if row["family"] and family is None:
        notes.append(("unknown_family", row["family"]))
    if family is None and (numbers["siret"] or "").startswith(("1", "2")):
        family = Family.PUBLIC
    if family is None and (numbers["rna"] or kind in ASSOCIATION_KINDS):
        family = Family.ASSOCIATION
    if family is None and kind is not None:
        family = Family.ESS_COMPANY
    return {"family": family, "inclusion_kind": kind, "ess_label": EssLabel.LISTED if family in ESS_FAMILIES else None}


def write_rows(rows: Sequence[ReadRow], written: set[UUID], report: ImportReport) -> None:
    """Write a batch in few queries, whatever its size."""
    sirets = [row.values["siret"] for row in rows if "siret" in row.values]
    rnas = [row.values["rna"] for row in rows if "rna" in row.values]
    query = select(Organisation).where(or_(Organisation.siret.in_(sirets), Organisation.rna.in_(rnas)))
    by_siret: dict[str | None, Organisation] = {}
    by_rna: dict[str | None, Organisation] = {}
    for organisation in db.session.scalars(query):
        if organisation.siret:
            by_siret[organisation.siret] = organisation
        if organisation.rna:
            by_rna[organisation.rna] = organisation
    for number, values in rows:
        known = by_siret.get(values.get("siret"))
        holder = by_rna.get(values.get("rna"))
        if known is None and holder is not None and (holder.siret is None or "siret" not in values):
            known = holder
        elif holder is not known and holder is not None:
            report.noted.append(Remark(number, values["siret"], "rna_taken", values.pop("rna")))
        if known is None:
            db.session.add(Organisation(**{"family": Family.COMPANY} | values))
            report.created += 1
        elif known.id in written:
            report.refused.append(Remark(number, values.get("siret", ""), "duplicate", values.get("rna", "")))
        else:
            written.add(known.id)
            if known.source not in OWN_SOURCES and bring_up_to_date(known, values):
                report.updated += 1
            else:
                report.unchanged += 1
    db.session.flush()


def bring_up_to_date(organisation: Organisation, values: dict[str, Any]) -> bool:
    """Write what the list says. Returns whether that changed anything."""
    if organisation.commune_code != values["commune_code"]:
        # It has moved: its old point must not stay.
        values = {"latitude": None, "longitude": None} | values
    if organisation.ess_label is EssLabel.VERIFIED:
        values = values | {"ess_label": EssLabel.VERIFIED}
    changes = {column: value for column, value in values.items() if getattr(organisation, column) != value}
    for column, value in changes.items():
        setattr(organisation, column, value)
    return bool(changes)
