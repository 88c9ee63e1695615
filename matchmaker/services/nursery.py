"""The nursery of territorial poles of cooperation: groups of structures that work together, or share themes nearby, found week by week.

The graph is that of a whole region: what lies on both sides of the border of a département is near all the same. Nobody is told or invited by
this: an animator reads the groups that touch their territory, and invites whom they choose there.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from matchmaker.engine import clusters
from matchmaker.engine.clusters import Links
from matchmaker.extensions import db
from matchmaker.models import (
    Category,
    Cluster,
    ClusterMember,
    Commune,
    Family,
    Function,
    InclusionKind,
    Level,
    Match,
    Need,
    NurserySnapshot,
    Offer,
    Organisation,
    Pool,
    PoolShare,
    PoolStatus,
    Territory,
    Theme,
)
from matchmaker.models.pools import GONE
from matchmaker.services import indicators_loading, outcomes
from matchmaker.services.declarations import public
from matchmaker.services.matching_tables import bits

SEED = 2026
REACH_KM = 30.0
# So many to begin with; above that a group is looked into again, for people must be able to sit around one table.
SMALLEST, LARGEST = 4, 24
# A cooperation that was concluded, a job that is shared: as much as several likenesses.
TOGETHER = 3.0
INCLUSIVE = frozenset(InclusionKind) - {InclusionKind.GE}
TOGETHER_KIND, NEAR_KIND = "together", "near"
# Two workers at once: the second finds the week taken.
LOCK = 0x6E757273


@dataclass
class Node:
    """A structure as the graph knows it."""

    id: UUID
    family: Family
    inclusion_kind: InclusionKind | None
    is_third_place: bool
    point: tuple[float, float]
    themes: set[Theme]
    categories: Counter[Category]
    trains: bool = False


def take_due(region: Territory, *, at: datetime) -> bool:
    """Look for the groups of this week, unless that was done."""
    return take(region, day=monday_of(indicators_loading.paris_day(at)))


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def due(*, at: datetime) -> list[int]:
    """Ids of the regions whose groups of this week are not written down."""
    day = monday_of(indicators_loading.paris_day(at))
    done = select(NurserySnapshot.territory_id).where(NurserySnapshot.day == day)
    return list(db.session.scalars(select(Territory.id).where(Territory.level == Level.REGION, Territory.id.not_in(done)).order_by(Territory.code)))


def take(region: Territory, *, day: date) -> bool:
    """Write the groups of a region down as they are now. False, and nothing changed, when that day was taken."""
    db.session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if db.session.scalar(select(NurserySnapshot.id).where(NurserySnapshot.territory_id == region.id, NurserySnapshot.day == day)):
        return False
    nodes = nodes_of(region)
    together, near = cooperations(nodes), likenesses(nodes)
    graph = clusters.graph_of(len(nodes), together, near)
    snapshot = NurserySnapshot(territory=region, day=day, organisations=len(nodes))
    before, themes = members_before(region, day), themes_of(region)
    place_before = {one: place for place, group in enumerate(before) for one in group}
    pairs = {(one, other) for one, other in zip(together.one.tolist(), together.other.tolist(), strict=True)}
    for position, group in enumerate(clusters.groups(graph, smallest=SMALLEST, largest=LARGEST, seed=SEED)):
        places = clusters.laid_out(graph, group, seed=SEED)
        members = [nodes[row] for row in group]
        snapshot.clusters.append(
            Cluster(
                position=position,
                theme=sector(members, themes),
                category=most_frequent(category for one in members for category in one.categories.elements()),
                missing=[function.value for function in Function if not any(holds(one, function) for one in members)],
                stability=stability([one.id for one in members], before, place_before),
                links=[
                    [group.index(min(edge)), group.index(max(edge)), TOGETHER_KIND if (min(edge), max(edge)) in pairs else NEAR_KIND]
                    for edge in sorted(graph.subgraph(group).edges, key=sorted)
                ],
                members=[
                    ClusterMember(organisation_id=one.id, position=place, x=x, y=y) for place, (one, (x, y)) in enumerate(zip(members, places, strict=True))
                ],
            )
        )
    db.session.add(snapshot)
    db.session.flush()
    return True


def nodes_of(region: Territory) -> list[Node]:
    """The structures of a region that anybody may see something of, by id. Successions in confidence tell nothing. Four queries."""
    columns = (Organisation.id, Organisation.family, Organisation.inclusion_kind, Organisation.is_third_place)
    place = (Organisation.latitude, Organisation.longitude, Commune.latitude, Commune.longitude)
    query = select(*columns, *place).join(Organisation.commune).where(Organisation.territory_id.in_(inside(region))).order_by(Organisation.id)
    nodes = {}
    for one, family, kind, is_third_place, lat, lon, commune_lat, commune_lon in db.session.execute(query):
        known = (lat, lon) if lat is not None else (commune_lat, commune_lon)
        nodes[one] = Node(one, family, kind, is_third_place, tuple(np.nan if part is None else part for part in known), set(), Counter())  # type: ignore[arg-type]
    for model in (Need, Offer):
        told = select(model.organisation_id, model.category, model.themes).where(*public(model), model.organisation_id.in_(nodes))
        for one, category, themes in db.session.execute(told):
            nodes[one].themes.update(Theme(code) for code in themes)
            nodes[one].categories[category] += 1
            nodes[one].trains |= model is Offer and category is Category.PEER_TRAINING
    worked = {one for pair in worked_together(nodes) for one in pair}
    return [node for node in nodes.values() if node.categories or node.is_third_place or node.id in worked]


def cooperations(nodes: Sequence[Node]) -> Links:
    """Who concluded something with whom, as both sides tell it, and who shares a job."""
    row = {node.id: place for place, node in enumerate(nodes)}
    found = Counter((min(row[one], row[other]), max(row[one], row[other])) for one, other in worked_together(row))
    pairs = sorted(found)
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Links(columns[:, 0], columns[:, 1], np.array([TOGETHER * found[pair] for pair in pairs], dtype=np.float64))


def worked_together(known: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Pairs among these structures: a cooperation that was concluded outside confidence, or a place in one shared job."""
    concluded = [one.match_id for one in outcomes.concluded(list(db.session.scalars(select(Territory.id).where(Territory.level == Level.DEPARTEMENT))))]
    query = select(Need.organisation_id, Offer.organisation_id).select_from(Match).join(Match.need).join(Match.offer)
    query = query.where(Match.id.in_(concluded), Need.is_confidential.is_(False), Offer.is_confidential.is_(False)).order_by(Match.id)
    pairs = [(one, other) for one, other in db.session.execute(query)]
    shares = select(PoolShare.pool_id, Need.organisation_id).join(PoolShare.pool).join(PoolShare.need)
    shares = shares.where(Pool.status.in_((PoolStatus.AGREED, PoolStatus.SIGNED)), PoolShare.status.not_in(GONE)).order_by(
        PoolShare.pool_id, PoolShare.position
    )
    pools: dict[UUID, list[UUID]] = defaultdict(list)
    for pool_id, organisation_id in db.session.execute(shares):
        pools[pool_id].append(organisation_id)
    pairs += [(one, other) for people in pools.values() for place, one in enumerate(people) for other in people[place + 1 :]]
    return [(one, other) for one, other in pairs if one != other and one in known and other in known]


def likenesses(nodes: Sequence[Node]) -> Links:
    points = np.array([node.point for node in nodes], dtype=np.float64).reshape(-1, 2)
    themes = np.array([bits([theme.value for theme in node.themes], Theme) for node in nodes], dtype=np.int64)
    return clusters.near_links(points[:, 0], points[:, 1], themes, reach_km=REACH_KM)


def inside(region: Territory) -> Select[int]:
    """The ids of a region and of its départements: structures belong to these."""
    return select(Territory.id).where(or_(Territory.id == region.id, Territory.parent_id == region.id))


def themes_of(region: Territory) -> set[str]:
    """What the region and its départements call their own."""
    return {theme for themes in db.session.scalars(select(Territory.themes).where(Territory.id.in_(inside(region)))) for theme in themes}


def sector(members: Sequence[Node], own: Collection[str]) -> str:
    """The theme of most members; of equals, one that the territories call their own."""
    counts = Counter(theme for one in members for theme in one.themes)
    return max(counts, key=lambda theme: (counts[theme], theme.value in own, theme.value)).value if counts else ""


def most_frequent(categories: Iterable[Category]) -> str:
    counts = Counter(categories)
    return max(counts, key=lambda category: (counts[category], category.value)).value if counts else ""


def holds(node: Node, function: Function) -> bool:
    """Would this structure take this function in a pole?"""
    is_company, is_public = node.family is Family.COMPANY, node.family is Family.PUBLIC
    return {
        Function.ESS: not is_company and not is_public and node.family is not Family.COLLECTIVE,
        Function.COMPANY: is_company,
        Function.PUBLIC: is_public,
        Function.TRAINING: node.trains or node.inclusion_kind is InclusionKind.GEIQ,
        Function.THIRD_PLACE: node.is_third_place,
        Function.INCLUSION: node.inclusion_kind in INCLUSIVE,
    }[function]


def members_before(region: Territory, day: date) -> list[list[UUID]]:
    """The groups of the snapshot before this day; in the first week of a region, those of its départements."""
    earlier = (NurserySnapshot.territory_id.in_(inside(region)), NurserySnapshot.day < day)
    last = select(func.max(NurserySnapshot.day)).where(*earlier).scalar_subquery()
    query = select(ClusterMember.cluster_id, ClusterMember.organisation_id).join(ClusterMember.cluster).join(Cluster.snapshot)
    rows = db.session.execute(query.where(*earlier, NurserySnapshot.day == last).order_by(ClusterMember.cluster_id, ClusterMember.position))
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for cluster_id, organisation_id in rows:
        found[cluster_id].append(organisation_id)
    return list(found.values())


def stability(group: Sequence[UUID], before: Sequence[Sequence[UUID]], place_before: dict[UUID, int]) -> float | None:
    """What a group has in common with one of before; only with those that a member comes from, for there may be thousands."""
    places = {place_before[one] for one in group if one in place_before}
    return clusters.stability(group, [before[place] for place in sorted(places)]) if places or not before else 0.0


def newest(territory: Territory) -> NurserySnapshot | None:
    """The last snapshot of the region of a territory."""
    region = territory
    while region.parent is not None:
        region = region.parent
    query = select(NurserySnapshot).where(NurserySnapshot.territory_id == region.id).order_by(NurserySnapshot.day.desc()).limit(1)
    return db.session.scalars(query).one_or_none()


def touching(snapshot: NurserySnapshot, territory: Territory) -> list[Cluster]:
    """The groups with a member in this département, the largest first, with all their members; in a fixed number of queries."""
    here = exists().where(ClusterMember.cluster_id == Cluster.id, ClusterMember.organisation_id == Organisation.id, Organisation.territory_id == territory.id)
    query = select(Cluster).where(Cluster.snapshot_id == snapshot.id, here).order_by(Cluster.position)
    return list(db.session.scalars(query.options(*with_members())))


def with_members() -> tuple[ORMOption, ...]:
    people = selectinload(Cluster.members).joinedload(ClusterMember.organisation)
    return people.joinedload(Organisation.commune), people.selectinload(Organisation.territory)


def cluster(cluster_id: UUID) -> Cluster | None:
    query = select(Cluster).where(Cluster.id == cluster_id).options(joinedload(Cluster.snapshot).joinedload(NurserySnapshot.territory))
    return db.session.scalars(query.options(*with_members())).one_or_none()
