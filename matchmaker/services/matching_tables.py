"""From rows of the database to the engine's arrays, and back. Columns are read, not objects: a département has tens of thousands of rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import BigInteger, ColumnElement, Date, Double, Text, case, cast, func, literal_column, select, type_coerce

from matchmaker.engine.candidates import OPEN_END, OPEN_START, Side
from matchmaker.engine.scoring import Profile
from matchmaker.extensions import db
from matchmaker.models import Category, Commune, Flag, Need, Offer, Organisation, Theme
from matchmaker.models.declarations import need_area, offer_area
from matchmaker.services import occupations

CATEGORIES = tuple(Category)
# Between the words of a list: a sign that nobody types.
SEPARATOR = "\x1f"
# The day before the first that Python knows.
DAY_ZERO: ColumnElement[int] = literal_column("DATE '0001-12-31 BC'")
CATEGORY_ROWS = {category.value: row for row, category in enumerate(CATEGORIES)}


@dataclass(frozen=True)
class Table:
    """The declarations of one side with what the engine reads of them, row by row.

    Attributes
    ----------
    ids : (N,) ids of the declarations.
    capacity : (N,) places that live matches leave.
    """

    ids: list[UUID]
    side: Side
    profile: Profile
    capacity: np.ndarray

    def rows_of(self) -> dict[UUID, int]:
        """Id of each declaration → its row."""
        return {one: row for row, one in enumerate(self.ids)}


def engine_id(row_id: UUID) -> int:
    """The 63 first bits of a random identifier: stable, and as good as unique."""
    return row_id.int >> 65


def engine_ids(row_ids: Sequence[UUID]) -> np.ndarray:
    """(N,) the same of many."""
    halves = np.frombuffer(b"".join(one.bytes for one in row_ids), dtype=">u8").reshape(-1, 2)
    return (halves[:, 0] >> np.uint64(1)).astype(np.int64)


def pairs_of_ids(pairs: Iterable[tuple[UUID, UUID]]) -> np.ndarray:
    """(R, 2) engine ids of pairs of row ids."""
    return np.array([(engine_id(one), engine_id(other)) for one, other in pairs], dtype=np.int64).reshape(-1, 2)


def bits(codes: Sequence[str], enum: type[StrEnum]) -> int:
    """A mask with the bit of each code, by the order of the enum."""
    places = {member.value: place for place, member in enumerate(enum)}
    return sum(1 << places[code] for code in set(codes) if code in places)


def masks(column: Sequence[str], enum: type[StrEnum]) -> np.ndarray:
    """(N,) masks of lists as `joined` gives them; the same few come again and again."""
    known = {codes: bits(codes.split(SEPARATOR), enum) for codes in set(column)}
    return integers([known[codes] for codes in column])


def joined(column: Any) -> ColumnElement[str]:
    """A list as one text: the driver takes a third of the time to read it."""
    return func.array_to_string(column, SEPARATOR)


def ordinal(day: Any) -> ColumnElement[int]:
    """The day as Python counts them."""
    return type_coerce(day - DAY_ZERO, BigInteger)


def integers(values: Sequence[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def table(model: type[Need] | type[Offer], *conditions: ColumnElement[bool], homes: Mapping[str, tuple[int, int, int]], taken: Mapping[UUID, int]) -> Table:
    """Arrays of the declarations that meet the conditions, by id, in two queries.

    ``homes``: commune code → territory ids of its EPCI, département and region, -1 where not loaded.
    ``taken``: declaration id → how many of its places live matches hold already.
    """
    columns = read_columns(model, conditions)
    ids = columns["id"]
    area_start, area = areas_of(model, conditions, ids)
    nothing = np.zeros(len(ids), dtype=np.int64)
    flags = masks(columns["flags"], Flag)
    side = Side(
        id=engine_ids(ids),
        organisation=engine_ids(columns["organisation_id"]),
        category=integers([CATEGORY_ROWS[name] for name in columns["category"]]),
        lat=floats(columns["lat"]),
        lon=floats(columns["lon"]),
        radius_km=np.array(columns["radius_km"], dtype=np.float64),
        halfdays=integers(columns["halfdays"]),
        starts=integers(columns["starts"]),
        ends=integers(columns["ends"]),
        required=flags if model is Need else nothing,
        held=nothing if model is Need else flags,
        denied=masks(columns["denied_flags"], Flag),
        remote_share=integers(columns["remote_share"]),
        home=np.array([homes.get(code, (-1, -1, -1)) for code in columns["commune_code"]], dtype=np.int64).reshape(-1, 3),
        area_start=area_start,
        area=area,
    )
    held_places = np.array([taken.get(one, 0) for one in ids], dtype=np.int32) if taken else nothing
    capacity = np.maximum(0, np.array(columns["capacity"], dtype=np.int32) - held_places).astype(np.int32)
    return Table(ids, side, profile(columns), capacity)


def read_columns(model: type[Need] | type[Offer], conditions: Sequence[ColumnElement[bool]]) -> dict[str, list[Any]]:
    """Name → the values of all rows. A declaration in its organisation's commune stands at the organisation's own point, when that is known."""
    at_home = (model.commune_code == Organisation.commune_code) & Organisation.latitude.is_not(None) & Organisation.longitude.is_not(None)
    asked = {
        "id": model.id,
        "organisation_id": model.organisation_id,
        "category": type_coerce(model.category, Text),
        "commune_code": model.commune_code,
        "lat": case((at_home, Organisation.latitude), else_=Commune.latitude),
        "lon": case((at_home, Organisation.longitude), else_=Commune.longitude),
        "radius_km": model.radius_km,
        "remote_share": model.remote_share,
        "starts": func.coalesce(ordinal(model.starts_on), OPEN_START),
        "ends": func.coalesce(ordinal(model.ends_on), OPEN_END),
        "halfdays": model.halfdays,
        "volume": cast(model.volume, Double),
        "budget_min": model.budget_min,
        "budget_max": model.budget_max,
        "skills": joined(model.skills),
        "themes": joined(model.themes),
        "occupation": model.occupation_code,
        "capacity": model.capacity,
        "flags": joined(model.flags),
        "denied_flags": joined(model.denied_flags),
        "text": model.title + " " + model.description,
        "published_on": func.coalesce(ordinal(func.timezone("UTC", model.published_at).cast(Date)), 0),
    }
    query = select(*asked.values()).join(Organisation, model.organisation_id == Organisation.id).join(Commune, model.commune_code == Commune.code)
    # On the connection itself: the session would make an object of each row.
    rows = db.session.connection().execute(query.where(*conditions).order_by(model.id)).all()
    return {name: list(values) for name, values in zip(asked, zip(*rows, strict=True), strict=True)} if rows else {name: [] for name in asked}


def areas_of(model: type[Need] | type[Offer], conditions: Sequence[ColumnElement[bool]], ids: Sequence[UUID]) -> tuple[np.ndarray, np.ndarray]:
    """Where the areas of each row start, and the areas: ids of territories."""
    links = need_area if model is Need else offer_area
    owner = links.c.need_id if model is Need else links.c.offer_id
    query = select(owner, links.c.territory_id).join(model, owner == model.id).where(*conditions).order_by(owner, links.c.territory_id)
    rows = db.session.execute(query).all()
    starts = np.zeros(len(ids) + 1, dtype=np.int64)
    if rows:
        row_of = {one: row for row, one in enumerate(ids)}
        np.add.at(starts, integers([row_of[one] + 1 for one, _area in rows]), 1)
    return np.cumsum(starts), integers([area for _one, area in rows])


def profile(columns: Mapping[str, list[Any]]) -> Profile:
    """What scoring reads besides. Half a band of money tells nothing."""
    row_of = occupations.rows() if any(columns["occupation"]) else {}
    return Profile(
        skills=tuple(frozenset(words.split(SEPARATOR)) if words else frozenset() for words in columns["skills"]),
        text=tuple(columns["text"]),
        themes=masks(columns["themes"], Theme),
        volume=floats(columns["volume"]),
        budget_low=floats([low if high is not None else None for low, high in zip(columns["budget_min"], columns["budget_max"], strict=True)]),
        budget_high=floats(columns["budget_max"]),
        published_on=integers(columns["published_on"]),
        occupation=integers([row_of.get(code, -1) for code in columns["occupation"]]) if row_of else None,
    )
