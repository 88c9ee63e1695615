"""Structures: creating and changing them, the directory, and what a SIRET or an RNA number is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager, joinedload
from stdnum import exceptions
from stdnum.fr import siret as siret_number

from matchmaker.extensions import db
from matchmaker.models import Commune, EssLabel, Family, Level, Organisation, Territory
from matchmaker.services.asking_budgets import usual_weekly
from matchmaker.services.errors import DomainError, SiretTaken
from matchmaker.services.territories import departement_of, fold, plain

SIGNED_UP = "inscription"
ANIMATION = "animation"
DEMONSTRATION = "démonstration"
# Written by people on the site: no import may write over these.
OWN_SOURCES = frozenset({SIGNED_UP, ANIMATION, DEMONSTRATION})
RNA = re.compile(r"W[0-9A-Z]{9}")
LAST_PAGE = 100_000
# From this share of common trigrams on, two names are perhaps of one structure.
ALIKE = 0.5


class BadSiret(DomainError):
    """Not a SIRET. ``how``: « digits » (something else than digits), « length », « checksum » or « zeros »."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class BadRna(DomainError):
    """Not a number of the national register of associations."""


def read_siret(text: str) -> str:
    """Return the 14 digits, spaces and points left out; La Poste has a rule of its own. Raises BadSiret.

    >>> read_siret("732 829 320 00074")
    '73282932000074'
    """
    try:
        siret: str = siret_number.validate(text)
    except exceptions.InvalidLength as error:
        raise BadSiret("length") from error
    except exceptions.InvalidFormat as error:
        raise BadSiret("digits") from error
    except exceptions.InvalidChecksum as error:
        raise BadSiret("checksum") from error
    # The key of nothing but zeros is right, and test data is full of them.
    if siret.startswith("000000000"):
        raise BadSiret("zeros")
    return siret


def read_rna(text: str) -> str:
    """Return the W and its nine signs (digits; letters too overseas). Raises BadRna.

    >>> read_rna("w 751 000 001")
    'W751000001'
    """
    rna = "".join(text.split()).upper()
    if not RNA.fullmatch(rna):
        raise BadRna(rna)
    return rna


def create_organisation(*, name: str, family: Family, commune: Commune, **fields: Any) -> Organisation:
    """A structure, in the département of its commune if that is loaded. Raises BadSiret, BadRna, SiretTaken."""
    organisation = Organisation(source=SIGNED_UP)
    with numbers_taken_refused():
        write(organisation, name=name, family=family, commune=commune, **fields)
        db.session.add(organisation)
    return organisation


def update_organisation(organisation: Organisation, **fields: Any) -> None:
    """Write what its own people say of it: from now on no import writes over that. Raises BadSiret, BadRna, SiretTaken."""
    family = organisation.family
    with numbers_taken_refused():
        write(organisation, **fields)
        if organisation.family is not family:
            # What was vouched for was the other family.
            organisation.ess_label = EssLabel.DECLARED
        if organisation.source != DEMONSTRATION:
            organisation.source = SIGNED_UP


def vouch(organisation: Organisation, *, is_verified: bool) -> None:
    """An animator has seen that it is of the ESS; or takes that back, and it is what the structure says of itself."""
    organisation.ess_label = EssLabel.VERIFIED if is_verified else EssLabel.DECLARED


@contextmanager
def numbers_taken_refused() -> Iterator[None]:
    """Write all of the block or nothing. Raises SiretTaken when another structure has the SIRET or the RNA number."""
    try:
        with db.session.begin_nested():
            yield
    except IntegrityError as error:
        if "uq_organisation_" in str(error.orig):
            raise SiretTaken from error
        raise


def write(organisation: Organisation, *, commune: Commune | None = None, **fields: Any) -> None:
    """Set the columns. Numbers are read in whatever form they come; an empty one is no number."""
    if "siret" in fields:
        fields["siret"] = read_siret(fields["siret"]) if fields["siret"] else None
    if "rna" in fields:
        fields["rna"] = read_rna(fields["rna"]) if fields["rna"] else None
    if commune is not None:
        organisation.commune = commune
        organisation.territory = departement_of(commune)
    if "monthly_budget" in fields and "weekly_budget" not in fields and fields["monthly_budget"] != organisation.monthly_budget:
        fields["weekly_budget"] = usual_weekly(fields["monthly_budget"])
    for column, value in fields.items():
        setattr(organisation, column, value)


def organisation(organisation_id: UUID) -> Organisation | None:
    """A structure with its commune and territory; none when it was erased."""
    query = select(Organisation).where(Organisation.id == organisation_id, Organisation.erased_at.is_(None))
    return db.session.scalars(query.options(joinedload(Organisation.commune), joinedload(Organisation.territory))).one_or_none()


def with_number(*, siret: str | None, rna: str | None) -> Organisation | None:
    """The structure that has this SIRET, else this RNA number."""
    query = select(Organisation).where(or_(Organisation.siret == siret if siret else false(), Organisation.rna == rna if rna else false()))
    return db.session.scalars(query.order_by(Organisation.siret.is_(None))).first()


def perhaps_same(name: str, commune: Commune, *, siret: str | None = None, rna: str | None = None) -> list[Organisation]:
    """Structures of which one is perhaps meant, the most alike first: of this commune with nearly this name or the same SIREN, or with this RNA."""
    likeness = func.similarity(func.unaccent(func.lower(Organisation.name)), plain(name))
    same_siren = Organisation.siret.startswith(siret[:9]) if siret else false()
    is_here = and_(Organisation.commune_code == commune.code, or_(likeness >= ALIKE, same_siren))
    query = select(Organisation).where(Organisation.erased_at.is_(None), or_(is_here, Organisation.rna == rna if rna else false()))
    return list(db.session.scalars(query.order_by(likeness.desc(), Organisation.id).limit(5)))


def organisation_by_siret(siret: str) -> Organisation | None:
    return db.session.scalars(select(Organisation).where(Organisation.siret == siret)).one_or_none()


def search_organisations(text: str = "", territory: Territory | None = None, *, page: int = 1, per_page: int = 20) -> Pagination:
    """The directory: structures whose name, commune or SIRET holds each word of the text, by name, with their commune."""
    query = select(Organisation).join(Organisation.commune).where(Organisation.erased_at.is_(None)).options(contains_eager(Organisation.commune))
    name = func.unaccent(func.lower(Organisation.name))
    # A word holds letters and digits only: no wildcard of LIKE is left in it.
    words = plain(text).split()
    if text.strip() and not words:
        query = query.where(false())
    for word in words:
        query = query.where(or_(name.contains(word), name.contains(fold(word)), Commune.folded_name.contains(fold(word)), Organisation.siret.startswith(word)))
    if territory is not None:
        query = query.where(lies_in(territory))
    query = query.order_by(name, Organisation.id)
    return db.paginate(query, page=max(1, min(page, LAST_PAGE)), per_page=per_page, max_per_page=100, error_out=False)


def lies_in(territory: Territory) -> ColumnElement[bool]:
    """Is the commune in this territory, whatever its level?"""
    if territory.level is Level.EPCI:
        return Commune.epci_code == territory.code
    if territory.level is Level.DEPARTEMENT:
        return Commune.departement_code == territory.code
    return Commune.departement_code.in_(select(Territory.code).where(Territory.parent_id == territory.id))
