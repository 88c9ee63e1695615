"""Looking for suppliers of the ESS: the same facts of each, in an order that nobody can buy and that favours no name."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import ColumnElement, Subquery, Text, and_, false, func, literal, null, or_, select
from sqlalchemy.orm import joinedload, selectinload

from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Commune,
    EntryKind,
    EssLabel,
    Frame,
    InclusionKind,
    Level,
    Match,
    MatchStatus,
    Need,
    Offer,
    Organisation,
    Proposal,
    SearchEntry,
    Sector,
    Side,
    Territory,
)
from matchmaker.models.organisations import ESS_FAMILIES
from matchmaker.models.purchasing import BOUGHT, CLAUSE, DISABILITY, INSERTION
from matchmaker.services import search_text
from matchmaker.services.declarations import public
from matchmaker.services.declarations_reach import distance_km
from matchmaker.services.organisations import LAST_PAGE, lies_in

# Who may answer under each frame; None for a rule about the family and not about the kind.
KINDS: dict[Frame, frozenset[InclusionKind] | None] = {
    Frame.OPEN: None,
    Frame.CLAUSE: CLAUSE,
    Frame.RESERVED_DISABILITY: DISABILITY,
    Frame.RESERVED_INSERTION: INSERTION,
    Frame.RESERVED_BOTH: DISABILITY | INSERTION,
    Frame.RESERVED_ESS: None,
}


@dataclass(frozen=True)
class Wanted:
    """What a buyer looks for. Without a commune there is no distance; ``radius_km`` is asked for around it only."""

    category: Category = Category.PURCHASE
    sector: Sector | None = None
    frame: Frame = Frame.OPEN
    text: str = ""
    territory: Territory | None = None
    commune: Commune | None = None
    radius_km: int | None = None


@dataclass(frozen=True)
class Supplier:
    """A structure with all that it offers publicly of the kind that was asked for. ``km``: of its nearest offer, where a place was asked for."""

    organisation: Organisation
    offers: list[Offer] = field(default_factory=list)
    km: float | None = None


@dataclass(frozen=True)
class Found:
    """One page of suppliers. ``unsaid``: how many more did not tell their sector, and may be what is looked for. ``wanted``: what was looked
    for in the end; other words than those typed where nobody says these."""

    page: Pagination
    suppliers: list[Supplier]
    unsaid: int
    wanted: Wanted


def suppliers(wanted: Wanted, *, day: date, page: int = 1, per_page: int = 20) -> Found:
    """Who offers what is wanted: the nearest first where a place is named; for the rest in an order drawn anew each day, the same for all."""
    found = page_of(wanted, day=day, page=page, per_page=per_page)
    if found.page.total or not wanted.text:
        return found
    meant = replace(wanted, text=" ".join(search_text.nearest(wanted.text)))
    other = page_of(meant, day=day, page=page, per_page=per_page) if meant.text else found
    return other if other.page.total else found


def page_of(wanted: Wanted, *, day: date, page: int, per_page: int) -> Found:
    """In a fixed number of statements."""
    each = nearest(wanted)
    query = select(Organisation).join(each, each.c.organisation_id == Organisation.id).options(joinedload(Organisation.commune))
    rows = db.paginate(
        query.order_by(each.c.km.nulls_last(), lot(day), Organisation.id),
        page=max(1, min(page, LAST_PAGE)),
        per_page=per_page,
        max_per_page=100,
        error_out=False,
    )
    ids = [organisation.id for organisation in rows.items]
    told = offers_of(ids, wanted)
    distances = dict(db.session.execute(select(each.c.organisation_id, each.c.km).where(each.c.organisation_id.in_(ids))).all())
    found = [Supplier(one, told.get(one.id, []), distances.get(one.id)) for one in rows.items]
    return Found(rows, found, unsaid(wanted) if wanted.sector else 0, wanted)


def lot(day: date) -> ColumnElement[str]:
    """A draw that is the same for everybody on one day and another on the next."""
    return func.md5(func.concat(Organisation.id.cast(Text), literal(day.isoformat())))


def nearest(wanted: Wanted) -> Subquery:
    """Organisation and distance of its nearest offer that is wanted; rounded to a kilometre, so that neighbours are drawn too."""
    km = func.round(distance_km(wanted.commune, Offer)) if wanted.commune else null()
    query = select(Offer.organisation_id, func.min(km).label("km")).select_from(Offer).join(Offer.organisation).join(Offer.commune)
    return query.where(*conditions(wanted)).group_by(Offer.organisation_id).subquery()


def conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Of an offer, joined with its organisation and commune."""
    asked = [Offer.category == wanted.category, *public(Offer), is_supplier(), is_within(wanted.frame), *holds(wanted.text)]
    if wanted.sector:
        asked.append(Offer.details["sector"].astext == wanted.sector.value)
    if wanted.territory:
        asked.append(lies_in(wanted.territory))
    if wanted.commune and wanted.radius_km is not None:
        asked.append(func.round(distance_km(wanted.commune, Offer)) <= wanted.radius_km)
    return asked


def is_supplier() -> ColumnElement[bool]:
    """Of the ESS by family or by a list, or of insertion or disability by its kind."""
    known = Organisation.ess_label.in_((EssLabel.LISTED, EssLabel.VERIFIED))
    return or_(Organisation.family.in_(ESS_FAMILIES), known, Organisation.inclusion_kind.in_(DISABILITY | INSERTION | {InclusionKind.EITI, InclusionKind.GEIQ}))


def is_within(frame: Frame) -> ColumnElement[bool]:
    """May answer under this rule, as far as its kind tells."""
    kinds = KINDS[frame]
    if kinds is not None:
        return Organisation.inclusion_kind.in_(kinds)
    return Organisation.family.in_(ESS_FAMILIES) if frame is Frame.RESERVED_ESS else Offer.id.is_not(None)


def holds(text: str) -> list[ColumnElement[bool]]:
    """Each word is in what the offer or its structure says, by its French stem or its beginning. Signs alone are in nothing."""
    if not text.strip():
        return []
    asked = search_text.query(text)
    said = select(SearchEntry.subject_id).where(SearchEntry.kind == EntryKind.OFFER)
    return [false() if asked is None else Offer.id.in_(said.where(SearchEntry.vector.bool_op("@@")(asked)))]


def unsaid(wanted: Wanted) -> int:
    """How many structures offer what is wanted but for the sector, which they did not tell."""
    anywhere = replace(wanted, sector=None)
    query = select(func.count(Offer.organisation_id.distinct())).select_from(Offer).join(Offer.organisation).join(Offer.commune)
    return db.session.scalar(query.where(*conditions(anywhere), Offer.details["sector"].astext.is_(None))) or 0


def offers_of(organisation_ids: Sequence[UUID], wanted: Wanted | None = None) -> dict[UUID, list[Offer]]:
    """Organisation id → its public offers that are wanted, or all that can be bought, in one query."""
    query = select(Offer).join(Offer.organisation).join(Offer.commune).where(Offer.organisation_id.in_(organisation_ids))
    query = query.where(*conditions(wanted)) if wanted else query.where(*public(Offer), Offer.category.in_(BOUGHT))
    found: dict[UUID, list[Offer]] = {}
    for offer in db.session.scalars(query.options(selectinload(Offer.areas), joinedload(Offer.commune)).order_by(Offer.title, Offer.id)):
        found.setdefault(offer.organisation_id, []).append(offer)
    return found


def is_known_supplier(organisation: Organisation) -> bool:
    """Is this structure one that a search of suppliers may show?"""
    return db.session.scalar(select(Organisation.id).where(Organisation.id == organisation.id, is_supplier())) is not None


def already_met(buyer: Organisation, organisation_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Organisation id → the buyer's proposal by which the two said yes to each other, where they did: contact details are behind it."""
    both = and_(Match.status == MatchStatus.CONFIRMED, Proposal.organisation_id == buyer.id)
    theirs = select(Need.organisation_id, Offer.organisation_id, Proposal.side, Proposal.id).select_from(Proposal).join(Proposal.match)
    theirs = theirs.join(Match.need).join(Match.offer).where(both, or_(Need.organisation_id.in_(organisation_ids), Offer.organisation_id.in_(organisation_ids)))
    rows = db.session.execute(theirs.order_by(Proposal.proposed_at)).all()
    met = {(offering if side is Side.NEED else needing): proposal_id for needing, offering, side, proposal_id in rows}
    return {row_id: proposal_id for row_id, proposal_id in met.items() if row_id in set(organisation_ids)}


def places() -> list[tuple[Territory, list[Territory]]]:
    """The départements of the loaded regions, by code, each with its EPCI by name."""
    query = select(Territory).where(Territory.level == Level.DEPARTEMENT).options(selectinload(Territory.children)).order_by(Territory.code)
    return [(departement, departement.children) for departement in db.session.scalars(query)]
