"""What a structure could find before it declares anything: how many fractions go with its own, and the likely groups. Nothing is written."""

from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select

from matchmaker.engine.pool_problem import Fractions, check_fractions
from matchmaker.engine.pooling import pools_with
from matchmaker.models import Commune, Need, PoolShare
from matchmaker.services.pools_fractions import USUAL, asked, is_held, needs_where, occupation_words, point_of
from matchmaker.services.territories import commune_point, departement_of, departements_of, kilometres

MOST_GROUPS = 3
# Beyond so many within reach, the nearest ones are looked at.
MOST_FRACTIONS = 80
NOBODY = -1


@dataclass(frozen=True)
class Group:
    """A likely group: the others, each with its distance in km from the structure, and what all make together."""

    others: tuple[tuple[Need, float], ...]
    fte: float
    widest_km: float


@dataclass(frozen=True)
class Simulation:
    """How many fractions of the occupation are within reach, with how many of them a week is possible, and the likely groups."""

    around: int
    compatible: int
    groups: tuple[Group, ...]


def simulate(commune: Commune, *, occupation: str, halfdays: int, allowed: int, months: int) -> Simulation:
    """Look for partners of a fraction that is nowhere written.

    ``halfdays`` a week, among the bits ``allowed``, in the bits ``months``. Raises BadProblem when that contradicts itself.
    """
    here = commune_point(commune) or (0.0, 0.0)
    words = occupation_words(occupation)
    reach = [
        need
        for need in needs_where(Need.territory_id.in_(neighbours(commune)), Need.id.not_in(select(PoolShare.need_id).where(is_held())))
        if (there := point_of(need)) and kilometres(here, there) <= USUAL.max_km
    ]
    nearest = sorted(reach, key=lambda need: kilometres(here, point_of(need) or here))
    read = asked([need for need in nearest if set(words) & set(words_of(need))][:MOST_FRACTIONS])
    fractions = with_own(read.fractions, here, words, halfdays, allowed, months)
    check_fractions(fractions)
    own = len(read.needs)
    found = pools_with(fractions, USUAL, own, most=MOST_GROUPS)
    pairs = pools_with(
        fractions, replace(USUAL, max_employers=2, min_fte=0.0, public_share_max=1.0, per_extra_employer=0.0, per_km=0.0), own, most=MOST_FRACTIONS
    )
    groups = []
    for pool in found:
        others = tuple((read.needs[row], kilometres(here, point_of(read.needs[row]) or here)) for row in pool.needs if row != own)
        groups.append(Group(others, pool.fte, pool.widest_km))
    return Simulation(own, len(pairs), tuple(groups))


def words_of(need: Need) -> tuple[str, ...]:
    return occupation_words(need.details.get("occupation") or need.title)


def neighbours(commune: Commune) -> list[int]:
    """The départements of the region: what is within reach is in one of them, or out of our sight."""
    departement = departement_of(commune)
    if departement is None or departement.parent is None:
        return []
    return [territory.id for territory in departements_of(departement.parent)]


def with_own(others: Fractions, point: tuple[float, float], words: tuple[str, ...], halfdays: int, allowed: int, months: int) -> Fractions:
    """The same fractions and one more at the end, of an employer of its own."""
    return Fractions(
        employer=np.append(others.employer, NOBODY),
        occupations=[*others.occupations, words],
        halfdays=np.append(others.halfdays, halfdays),
        months=np.append(others.months, months),
        allowed=np.append(others.allowed, allowed),
        lat=np.append(others.lat, point[0]),
        lon=np.append(others.lon, point[1]),
        is_public=np.append(others.is_public, False),
        priority=np.append(others.priority, 1.0),
        apart=others.apart,
        together=others.together,
        reach_km=np.append(others.reach_km, np.inf) if others.reach_km is not None else None,
        is_remote=np.append(others.is_remote, False) if others.is_remote is not None else None,
        start=np.append(others.start, np.nan) if others.start is not None else None,
    )
