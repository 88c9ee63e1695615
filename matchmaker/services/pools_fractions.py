"""What the composition of shared jobs reads of the database: the open fractions of a territory, as the engine's arrays."""

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from math import floor
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from matchmaker.engine.pool_problem import ALL_HALFDAYS, ALL_MONTHS, Fractions, Rules
from matchmaker.extensions import db
from matchmaker.models import Category, Family, Need, NeedPairRule, Organisation, PairRule, Pool, PoolShare, Status, Territory, Unit
from matchmaker.models.base import today
from matchmaker.models.declarations import NO_HALF_DAY
from matchmaker.models.pools import GONE, LIVE_POOL
from matchmaker.services import refusal_bounds
from matchmaker.services.territories import commune_point, kilometres, plain

# In the country two places that share somebody lie further apart than in a town.
USUAL = Rules(max_km=40.0)
# Words of many occupations: they bring nobody together.
VAGUE_WORDS = """
agent agente aide animateur assistant assistante associatif associative cadre charge chargee chef cheffe directeur direction employe employee
gestion gestionnaire jour jours mission polyvalent polyvalente poste responsable service technicien technicienne temps
"""
VAGUE = frozenset(VAGUE_WORDS.split())
SHORTEST_WORD, STEM = 4, 7


@dataclass(frozen=True)
class Asked:
    """The needs of a composition, row by row of ``fractions``; ``left_out``: those that no pool can hold as they are, and why.

    Reasons: "volume" (no part of a full time is given), "few_halfdays" (fewer suit than are wanted), "place" (nobody knows where it is).
    """

    needs: list[Need]
    fractions: Fractions
    left_out: list[tuple[Need, str]]

    def row_of(self) -> dict[UUID, int]:
        return {need.id: row for row, need in enumerate(self.needs)}


def free_fractions(territory: Territory) -> Asked:
    """The open fractions of a département that no proposed, agreed or signed pool holds."""
    return asked(needs_where(Need.territory_id == territory.id, Need.id.not_in(select(PoolShare.need_id).where(is_held()))))


def is_held() -> ColumnElement[bool]:
    """The share keeps its need from other pools: the pool lives, and its employer did not leave."""
    return PoolShare.pool.has(Pool.status.in_(LIVE_POOL)) & PoolShare.status.not_in(GONE)


def needs_where(*conditions: ColumnElement[bool]) -> list[Need]:
    """Published fractions with all that a composition and its page read, in one query; the same order each time."""
    query = select(Need).where(Need.status == Status.PUBLISHED, Need.category == Category.POOLED_JOB, *conditions)
    query = query.options(
        joinedload(Need.organisation).joinedload(Organisation.commune), joinedload(Need.commune), joinedload(Need.occupation), selectinload(Need.areas)
    )
    return list(db.session.scalars(query.order_by(Need.id)))


def asked(needs: Sequence[Need], *, bound: Collection[UUID] = ()) -> Asked:
    """These needs as the engine's arrays; what an animator decided of two of them is kept.

    Two structures of which one asked for « never again » are in no group together, but for the one of these ``bound`` needs, which they are in.
    """
    whole, left_out = [], []
    for need in needs:
        reason = why_left_out(need)
        if reason:
            left_out.append((need, reason))
        else:
            whole.append(need)
    row_of = {need.id: row for row, need in enumerate(whole)}
    employers: dict[UUID, int] = {}
    points = [point_of(need) or (0.0, 0.0) for need in whole]
    apart = parted(whole)
    decisions = {rule: decided(rule, row_of) for rule in PairRule}
    decisions[PairRule.TOGETHER] = [pair for pair in decisions[PairRule.TOGETHER] if pair not in apart]
    decisions[PairRule.APART] += sorted(pair for pair in apart - {*decisions[PairRule.APART]} if not {*pair} <= {*bound})
    pairs = {rule: [(row_of[one], row_of[other]) for one, other in found] for rule, found in decisions.items()}
    fractions = Fractions(
        employer=np.array([employers.setdefault(need.organisation_id, len(employers)) for need in whole], dtype=np.int64),
        occupations=[occupations_of(need) for need in whole],
        halfdays=np.array([halfdays_of(need) for need in whole], dtype=np.int64),
        months=np.array([months_of(need) for need in whole], dtype=np.int64),
        allowed=np.array([allowed_of(need) for need in whole], dtype=np.int64),
        lat=np.array([point[0] for point in points], dtype=np.float64),
        lon=np.array([point[1] for point in points], dtype=np.float64),
        is_public=np.array([need.organisation.family is Family.PUBLIC for need in whole], dtype=np.bool_),
        priority=np.ones(len(whole)),
        apart=np.array(pairs[PairRule.APART], dtype=np.int64).reshape(-1, 2),
        together=np.array(pairs[PairRule.TOGETHER], dtype=np.int64).reshape(-1, 2),
        reach_km=np.array([reach_of(need) for need in whole], dtype=np.float64),
        is_remote=np.array([need.remote_share == 100 for need in whole], dtype=np.bool_),
        start=np.array([start_of(need) for need in whole], dtype=np.float64),
    )
    return Asked(whole, fractions, left_out)


def decided(rule: PairRule, among: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """The pairs of these needs that animators want so."""
    query = select(NeedPairRule.first_need_id, NeedPairRule.second_need_id).where(NeedPairRule.rule == rule)
    both = query.where(NeedPairRule.first_need_id.in_(among), NeedPairRule.second_need_id.in_(among))
    return [(one, other) for one, other in db.session.execute(both.order_by(NeedPairRule.id))]


def parted(needs: Sequence[Need]) -> set[tuple[UUID, UUID]]:
    """The pairs of these needs, the smaller id first, of whose structures one does not want to be put in touch with the other."""
    by_organisation: dict[UUID, list[UUID]] = {}
    for need in needs:
        by_organisation.setdefault(need.organisation_id, []).append(need.id)
    apart = [sorted(pair) for pair in refusal_bounds.parted(by_organisation.keys(), in_confidence=True)]
    found = [sorted((one, other)) for first, second in apart for one in by_organisation[first] for other in by_organisation[second]]
    return {(one, other) for one, other in found}


def pair_rules(territory: Territory) -> list[NeedPairRule]:
    """What animators decided of the open needs of a territory, with both needs and their employers."""
    first, second = aliased(Need), aliased(Need)
    query = select(NeedPairRule).join(first, NeedPairRule.first_need_id == first.id).join(second, NeedPairRule.second_need_id == second.id)
    query = query.where(first.territory_id == territory.id, first.status == Status.PUBLISHED, second.status == Status.PUBLISHED)
    loaded = (joinedload(side).joinedload(Need.organisation) for side in (NeedPairRule.first_need, NeedPairRule.second_need))
    return list(db.session.scalars(query.options(*loaded).order_by(NeedPairRule.decided_at, NeedPairRule.id)))


def why_left_out(need: Need) -> str:
    """Why no pool can hold the need as it is: see Asked. Nothing when one can."""
    if need.volume is None or need.volume_unit is not Unit.FTE or need.volume > 1:
        return "volume"
    if allowed_of(need).bit_count() < halfdays_of(need):
        return "few_halfdays"
    return "" if point_of(need) else "place"


def halfdays_of(need: Need) -> int:
    """Half-days a week that a part of a full time is, at least one."""
    return max(1, floor(10 * float(need.volume or 0) + 0.5))


def allowed_of(need: Need) -> int:
    """Bits of the half-days that suit: all, when nobody said which."""
    return ALL_HALFDAYS if need.halfdays == NO_HALF_DAY else need.halfdays


def months_of(need: Need) -> int:
    """Bits of the active months: the whole year, when nobody said which."""
    return sum(1 << int(month) - 1 for month in set(need.details.get("months", ()))) or ALL_MONTHS


def reach_of(need: Need) -> float:
    """How far from its place somebody may live, in km; no limit but the rules' where it names whole territories beside."""
    return float("inf") if need.areas else float(need.radius_km)


def start_of(need: Need) -> float:
    """The day on which it wants to begin, as a number; NaN when any day does. A day that has passed is today."""
    return float(max(need.starts_on, today()).toordinal()) if need.starts_on else float("nan")


def point_of(need: Need) -> tuple[float, float] | None:
    """Where somebody would work: at the organisation, or in the commune that the need names instead."""
    return need.organisation.point if need.commune_code == need.organisation.commune_code else commune_point(need.commune)


def distance_km(one: Need, other: Need) -> float | None:
    """Between the places of two needs, as the crow flies."""
    here, there = point_of(one), point_of(other)
    return kilometres(here, there) if here and there else None


def occupations_of(need: Need) -> tuple[str, ...]:
    """What brings needs together: the official occupation, then the words of what its people call it."""
    official = (need.occupation_code,) if need.occupation_code else ()
    return (*official, *occupation_words(need.details.get("occupation") or need.title))


def occupation_words(text: str) -> tuple[str, ...]:
    """The words that name an occupation, without their endings.

    >>> occupation_words("Gestionnaire de paie et comptable"), occupation_words("Chargé·e de communication")
    (('paie', 'comptab'), ('communi',))
    >>> occupation_words("DAF")
    ('daf',)
    """
    words = [re.sub("trice$", "teur", word)[:STEM] for word in plain(text).split() if len(word) >= SHORTEST_WORD and word not in VAGUE]
    return tuple(dict.fromkeys(words)) or (plain(text),)


def rules_from(stored: dict[str, Any]) -> Rules:
    """Rules as a run keeps them; what it does not say is as usual."""
    return replace(USUAL, **{name: value for name, value in stored.items() if name in asdict(USUAL)})
