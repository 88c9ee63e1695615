"""The directory: structures, published needs and published offers that answer a question, with how many each further choice would leave.

A place is a set of communes: where somebody is, to the metre, is nobody's. What answers is counted by facets and by commune, never
fetched row by row, so that a hundred thousand structures take as many statements as ten.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, CompoundSelect, Float, Select, Text, and_, any_, case, cast, false, func, null, or_, select, tuple_, union_all

from matchmaker.extensions import db
from matchmaker.models import Category, EntryKind, Family, Organisation, SearchEntry, Theme, Trait
from matchmaker.models.search import CATEGORY_BITS, FAMILY_BITS, THEME_BITS, TRAIT_BITS
from matchmaker.services import search_places, search_text
from matchmaker.services.search_facets import Counts, Tally, any_of

PER_PAGE = 20
# Beyond, the order by closeness to the words is that of the names: it would sort a whole dictionary for nobody.
RANKED_AT_MOST = 2000


class Sort(StrEnum):
    RELEVANCE = "relevance"
    DISTANCE = "distance"
    NAME = "name"
    FRESH = "fresh"


@dataclass(frozen=True)
class Question:
    """What is looked for.

    Attributes
    ----------
    text : words, as they were typed.
    around, radius_km : code of a commune, and how far from its middle; 0 is the commune itself.
    departement, epci : codes of territories; empty for everywhere.
    families, categories, themes : one of these each; empty for any.
    traits : all of these.
    since : only what came to the directory after that moment.
    """

    kind: EntryKind = EntryKind.ORGANISATION
    text: str = ""
    around: str = ""
    radius_km: int = 30
    departement: str = ""
    epci: str = ""
    families: frozenset[Family] = frozenset()
    categories: frozenset[Category] = frozenset()
    themes: frozenset[Theme] = frozenset()
    traits: frozenset[Trait] = frozenset()
    since: datetime | None = None
    sort: Sort | None = None

    @property
    def masks(self) -> list[int]:
        """Of each mask, what answers has one bit at least."""
        chosen = (
            any_of(FAMILY_BITS, self.families),
            any_of(CATEGORY_BITS, self.categories),
            any_of(THEME_BITS, self.themes),
            *(any_of(TRAIT_BITS, {trait}) for trait in sorted(self.traits)),
        )
        return [mask for mask in chosen if mask]

    @property
    def order(self) -> Sort:
        """As asked where that makes sense, else the nearest words, else the nearest place, else the name."""
        fits = {Sort.RELEVANCE: bool(self.text), Sort.DISTANCE: bool(self.around), Sort.NAME: True, Sort.FRESH: True}
        if self.sort is not None and fits[self.sort]:
            return self.sort
        return next(sort for sort in Sort if fits[sort])


@dataclass(frozen=True)
class Page:
    """One page of the list: the rows' kind and ids, and where it stands among the pages."""

    ids: Sequence[UUID]
    page: int
    total: int
    per_page: int = PER_PAGE

    @property
    def pages(self) -> int:
        return -(-self.total // self.per_page)

    @property
    def first(self) -> int:
        return (self.page - 1) * self.per_page + 1

    @property
    def has_prev(self) -> bool:
        return 1 < self.page <= self.pages + 1

    @property
    def has_next(self) -> bool:
        return self.page < self.pages

    @property
    def prev_num(self) -> int:
        return self.page - 1

    @property
    def next_num(self) -> int:
        return self.page + 1


@dataclass(frozen=True)
class Results:
    """What answers.

    Attributes
    ----------
    question : as it was answered: with other words where those typed were found nowhere.
    kinds : how many structures, needs and offers answer.
    counts : how many rows of this kind each further choice would leave.
    places : commune code → how many rows answer there. Their communes are within the territory and the radius.
    departements, epcis : code → how many would answer there, whatever territory is chosen.
    distances : commune code → kilometres from the middle of the commune around which one looks.
    corrected : did the words change?
    """

    question: Question
    page: Page
    kinds: Mapping[EntryKind, int]
    counts: Counts
    places: Mapping[str, int]
    departements: Mapping[str, int]
    epcis: Mapping[str, int]
    distances: Mapping[str, float] = field(default_factory=dict)
    corrected: bool = False


def results(question: Question, *, page: int = 1) -> Results:
    """The page of what answers, in two statements; two more where the words are found nowhere as they were typed."""
    near = search_places.within(question.around, question.radius_km) if question.around else None
    area = search_places.area(near, question.departement, question.epci)
    (tally, by_commune), corrected = counted(question, near, area), False
    if question.text and not tally:
        words = search_text.nearest(question.text)
        if words and words != search_text.words(question.text):
            other = replace(question, text=" ".join(words))
            found, there = counted(other, near, area)
            if found:
                question, tally, by_commune, corrected = other, found, there, True
    kinds = {kind: tally.total(kind, question.masks) for kind in EntryKind}
    departements, epcis = search_places.territories_of(by_commune, departement=question.departement)
    places = {code: count for code, count in by_commune.items() if area is None or code in area}
    ids = ids_of(question, near, area, places, page=page, total=kinds[question.kind])
    return Results(
        question,
        Page(ids, page, kinds[question.kind]),
        kinds,
        tally.counts(question),
        places,
        departements,
        epcis,
        near or {},
        corrected,
    )


def counted(question: Question, near: Collection[str] | None, area: Collection[str] | None) -> tuple[Tally, dict[str, int]]:
    """How many rows there are of each kind and facets, whatever facets are asked for; and in each commune, whatever territory is. One statement.

    As arrays: there are thousands of each. Both tell null for what they leave out.
    """
    tally: dict[EntryKind, tuple[list[int], list[int]]] = {}
    found: dict[str, int] = {}
    for kind, combinations, codes, numbers in db.session.execute(in_one_pass(question, near, area) if said(question) else from_indexes(question, near, area)):
        if combinations is not None:
            tally[EntryKind(kind)] = combinations, numbers
        elif codes is not None:
            found = dict(zip(codes, numbers, strict=True))
    return Tally(tally), found


def in_one_pass(question: Question, near: Collection[str] | None, area: Collection[str] | None) -> Select[Any]:
    """What the words find is fetched from the table, and is read once for both counts."""
    facets = one_if(SearchEntry.facets, lies_in(SearchEntry.commune_code, area)).label("facets")
    place = one_if(SearchEntry.commune_code, chosen(question)).label("place")
    hit = select(SearchEntry.kind, facets, place).where(*said(question), *lies_in(SearchEntry.commune_code, near)).subquery().c
    sets = func.grouping_sets(tuple_(hit.kind, hit.facets), tuple_(hit.kind, hit.place))
    rows = select(hit.kind, hit.facets, hit.place, func.grouping(hit.place).label("of_facets"), func.count().label("number")).group_by(sets).subquery().c
    lists = func.array_agg(rows.facets).filter(rows.of_facets == 1), func.array_agg(rows.place).filter(rows.of_facets == 0)
    return (
        select(rows.kind, *lists, func.array_agg(rows.number)).where(or_(rows.facets.is_not(None), rows.place.is_not(None))).group_by(rows.kind, rows.of_facets)
    )


def from_indexes(question: Question, near: Collection[str] | None, area: Collection[str] | None) -> CompoundSelect[Any]:
    """Without words each count is read from an index alone, in its order."""
    row = SearchEntry
    facets = select(row.kind, row.facets, func.count().label("number")).where(*lies_in(row.commune_code, area)).group_by(row.kind, row.facets).subquery().c
    places = select(row.commune_code, func.count().label("number")).where(*chosen(question), *lies_in(row.commune_code, near)).group_by(row.commune_code)
    place = places.subquery().c
    return union_all(
        select(facets.kind, func.array_agg(facets.facets), null(), func.array_agg(facets.number)).group_by(facets.kind),
        select(null(), null(), func.array_agg(place.commune_code), func.array_agg(place.number)),
    )


def one_if(column: Any, conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[Any]:
    """The column, null where a condition fails."""
    return case((and_(*conditions), column)) if conditions else column


def ids_of(
    question: Question, near: Mapping[str, float] | None, area: Collection[str] | None, places: Mapping[str, int], *, page: int, total: int
) -> Sequence[UUID]:
    """The rows of one page; none after the last. ``places``: how many answer in each commune."""
    if (page - 1) * PER_PAGE >= total:
        return []
    if question.order is Sort.DISTANCE and near is not None:
        area = near = search_places.nearest(near, places, enough=page * PER_PAGE)
    query: Select[Any] = select(SearchEntry.subject_id).where(*said(question), *chosen(question), *lies_in(SearchEntry.commune_code, area))
    by_name = (SearchEntry.sort_name, SearchEntry.subject_id)
    order = question.order
    if order is Sort.DISTANCE and near is not None:
        columns = cast(list(near), ARRAY(Text)), cast(list(near.values()), ARRAY(Float))
        far = func.unnest(*columns).table_valued("code", "km").render_derived(name="far")
        query = query.join(far, far.c.code == SearchEntry.commune_code).order_by(far.c.km, *by_name)
    elif order is Sort.RELEVANCE and total <= RANKED_AT_MOST:
        query = query.order_by(func.ts_rank(SearchEntry.vector, search_text.query(question.text)).desc(), *by_name)
    elif order is Sort.FRESH:
        query = query.order_by(SearchEntry.fresh_at.desc(), SearchEntry.subject_id.desc())
    else:
        query = query.order_by(*by_name)
    return db.session.scalars(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()


def said(question: Question) -> list[ColumnElement[bool]]:
    """The words, and the moment from which news count."""
    conditions: list[ColumnElement[bool]] = []
    if question.text:
        asked = search_text.query(question.text)
        conditions.append(false() if asked is None else SearchEntry.vector.bool_op("@@")(asked))
    if question.since is not None:
        conditions.append(SearchEntry.fresh_at > question.since)
    return conditions


def has_each(facets: Any, question: Question) -> list[ColumnElement[bool]]:
    return [facets.bitwise_and(mask) != 0 for mask in question.masks]


def chosen(question: Question) -> list[ColumnElement[bool]]:
    """The kind and the facets."""
    return [SearchEntry.kind == question.kind, *has_each(SearchEntry.facets, question)]


def lies_in(column: Any, codes: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if codes is None else [column == any_(cast(list(codes), ARRAY(Text)))]


def ids_at(question: Question, commune_code: str, *, limit: int) -> tuple[Sequence[UUID], int]:
    """The first rows that answer in one commune, by name, and how many there are."""
    where = (*said(question), *chosen(question), SearchEntry.commune_code == commune_code)
    query = select(SearchEntry.subject_id, func.count().over()).where(*where).order_by(SearchEntry.sort_name, SearchEntry.subject_id).limit(limit)
    rows = db.session.execute(query).all()
    return [row[0] for row in rows], rows[0][1] if rows else 0


def traits_of(organisation: Organisation) -> frozenset[Trait]:
    """What the directory says that a structure is, or has."""
    facets = db.session.scalar(select(SearchEntry.facets).where(SearchEntry.subject_id == organisation.id)) or 0
    return frozenset(trait for trait, bit in TRAIT_BITS.items() if facets >> bit & 1)
