"""From rows of the database to the engine's arrays, and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np

from matchmaker.engine.candidates import OPEN_END, OPEN_START, Side
from matchmaker.engine.scoring import Profile
from matchmaker.models import Category, Flag, Need, Offer, Theme

CATEGORIES = tuple(Category)


@dataclass(frozen=True)
class Table:
    """The declarations of one side with what the engine reads of them, row by row."""

    rows: Sequence[Need | Offer]
    side: Side
    profile: Profile
    capacity: np.ndarray


def engine_id(row_id: UUID) -> int:
    """The 63 first bits of a random identifier: stable, and as good as unique."""
    return row_id.int >> 65


def pairs_of_ids(pairs: Iterable[tuple[UUID, UUID]]) -> np.ndarray:
    """(R, 2) engine ids of pairs of row ids."""
    return np.array([(engine_id(one), engine_id(other)) for one, other in pairs], dtype=np.int64).reshape(-1, 2)


def bits(codes: Sequence[str], enum: type[StrEnum]) -> int:
    """A mask with the bit of each code, by the order of the enum."""
    places = {member.value: place for place, member in enumerate(enum)}
    return sum(1 << places[code] for code in set(codes) if code in places)


def point_of(declaration: Need | Offer) -> tuple[float, float]:
    """The organisation's own point when the declaration is in its commune, else the commune's centroid; nan when unknown."""
    organisation, commune = declaration.organisation, declaration.commune
    if declaration.commune_code == organisation.commune_code and organisation.latitude is not None and organisation.longitude is not None:
        return organisation.latitude, organisation.longitude
    return (np.nan, np.nan) if commune.latitude is None or commune.longitude is None else (commune.latitude, commune.longitude)


def table(declarations: Sequence[Need | Offer], *, homes: Mapping[str, tuple[int, int, int]], taken: Mapping[UUID, int]) -> Table:
    """Arrays of one side.

    ``homes``: commune code → territory ids of its EPCI, département and region, -1 where not loaded.
    ``taken``: declaration id → how many of its places live matches hold already.
    """

    def integers(values: Sequence[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    points = np.array([point_of(declaration) for declaration in declarations], dtype=np.float64).reshape(-1, 2)
    areas = [[area.id for area in declaration.areas] for declaration in declarations]
    is_need = [isinstance(declaration, Need) for declaration in declarations]
    flags = [bits(declaration.flags, Flag) for declaration in declarations]
    side = Side(
        id=integers([engine_id(declaration.id) for declaration in declarations]),
        organisation=integers([engine_id(declaration.organisation_id) for declaration in declarations]),
        category=integers([CATEGORIES.index(declaration.category) for declaration in declarations]),
        lat=points[:, 0],
        lon=points[:, 1],
        radius_km=np.array([declaration.radius_km for declaration in declarations], dtype=np.float64),
        halfdays=integers([declaration.halfdays for declaration in declarations]),
        starts=integers([declaration.starts_on.toordinal() if declaration.starts_on else OPEN_START for declaration in declarations]),
        ends=integers([declaration.ends_on.toordinal() if declaration.ends_on else OPEN_END for declaration in declarations]),
        required=integers([mask if need else 0 for mask, need in zip(flags, is_need, strict=True)]),
        held=integers([0 if need else mask for mask, need in zip(flags, is_need, strict=True)]),
        denied=integers([bits(declaration.denied_flags, Flag) for declaration in declarations]),
        remote_share=integers([declaration.remote_share for declaration in declarations]),
        home=np.array([homes.get(declaration.commune_code, (-1, -1, -1)) for declaration in declarations], dtype=np.int64).reshape(-1, 3),
        area_start=np.concatenate(([0], np.cumsum([len(ids) for ids in areas], dtype=np.int64))).astype(np.int64),
        area=integers([area for ids in areas for area in ids]),
    )
    capacity = np.array([max(0, declaration.capacity - taken.get(declaration.id, 0)) for declaration in declarations], dtype=np.int32)
    return Table(declarations, side, profile(declarations), capacity)


def profile(declarations: Sequence[Need | Offer]) -> Profile:
    def floats(values: Sequence[float | None]) -> np.ndarray:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    return Profile(
        skills=tuple(frozenset(declaration.skills) for declaration in declarations),
        text=tuple(f"{declaration.title} {declaration.description}" for declaration in declarations),
        themes=np.array([bits(declaration.themes, Theme) for declaration in declarations], dtype=np.int64),
        volume=floats([None if declaration.volume is None else float(declaration.volume) for declaration in declarations]),
        budget_low=floats([declaration.budget_min if declaration.budget_max is not None else None for declaration in declarations]),
        budget_high=floats([declaration.budget_max for declaration in declarations]),
        published_on=np.array([declaration.published_on.toordinal() for declaration in declarations], dtype=np.int64),
    )
