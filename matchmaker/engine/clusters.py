"""Groups in a graph of structures: who already works together, or shares themes nearby; how they lie, and what stays of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from networkx.algorithms.community import louvain_communities
from scipy.spatial import cKDTree

from matchmaker.engine.sides import Floats, Ints, great_circle_km

NEIGHBOURS = 8
"""Of each structure, the links by theme and distance that are kept: the strongest."""
_LOOKED_AT = 64


@dataclass(frozen=True)
class Links:
    """Undirected links between nodes, the smaller first, each pair once.

    Attributes
    ----------
    one, other : (L,) rows.
    weight : (L,) how strong, above 0.
    """

    one: Ints
    other: Ints
    weight: Floats


def near_links(lat: Floats, lon: Floats, themes: Ints, *, reach_km: float) -> Links:
    """Link nodes that share themes and lie near each other: the part of their themes that they share, less the farther they are.

    Parameters
    ----------
    lat, lon : (N,) degrees, nan when unknown: such a node has no such link.
    themes : (N,) bits of the themes, 0 for none.
    reach_km : from this distance on there is no link.

    Notes
    -----
    Of each node the `NEIGHBOURS` strongest links are kept, among its nearest 64; a link stays when one of its ends keeps it.

    Examples
    --------
    Two share one theme of two, side by side; the third shares none.

    >>> near = near_links(np.array([48.7, 48.7, 48.7]), np.array([-0.5, -0.5, -0.5]), np.array([1, 3, 4]), reach_km=30)
    >>> near.one.tolist(), near.other.tolist(), near.weight.tolist()
    ([0], [1], [0.5])
    """
    rows = np.flatnonzero(~np.isnan(lat) & ~np.isnan(lon) & (themes != 0))
    if len(rows) < 2:
        return Links(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    flat = np.column_stack((lat[rows], lon[rows] * np.cos(np.radians(lat[rows].mean()))))
    _far, columns = cKDTree(flat).query(flat, k=min(len(rows), _LOOKED_AT))
    one = np.repeat(rows, columns.shape[1])
    other = rows[columns.ravel()]
    km = great_circle_km(lat[one], lon[one], lat[other], lon[other])
    shared = np.bitwise_count(themes[one] & themes[other]) / np.bitwise_count(themes[one] | themes[other])
    weight = np.round(shared * np.maximum(0.0, 1.0 - km / reach_km), 6)
    weight[one == other] = 0.0
    # The strongest of each node first; of equals the nearer, then the smaller row.
    order = np.lexsort((other, km, -weight, one))
    place = np.arange(len(order)) - np.searchsorted(one[order], one[order])
    kept = order[(place < NEIGHBOURS) & (weight[order] > 0)]
    pairs = np.unique(np.column_stack((np.minimum(one[kept], other[kept]), np.maximum(one[kept], other[kept]), weight[kept])), axis=0)
    return Links(pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), pairs[:, 2])


def graph_of(count: int, *parts: Links) -> nx.Graph:
    """The graph of these links, the weights of a pair added up; nodes and links in a fixed order, so that the same input gives the same groups."""
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    for links in parts:
        for one, other, weight in sorted(zip(links.one.tolist(), links.other.tolist(), links.weight.tolist(), strict=True)):
            before = graph[one][other]["weight"] if graph.has_edge(one, other) else 0.0
            graph.add_edge(one, other, weight=before + weight)
    return graph


def groups(graph: nx.Graph, *, smallest: int, seed: int, largest: int | None = None, resolution: float = 1.0) -> list[list[int]]:
    """The groups of a graph by Louvain's method, the largest first, of at least ``smallest`` nodes; each in rising order.

    Notes
    -----
    Blondel, Guillaume, Lambiotte, Lefebvre (2008), "Fast unfolding of communities in large networks". A fixed seed and a fixed order of
    nodes and links give the same groups each time. Its groups grow with the graph (the limit of resolution: Fortunato and Barthélemy,
    2007): one of more than ``largest`` nodes is looked into by itself, again and again, as long as that tells it apart.

    Examples
    --------
    >>> square = Links(np.array([0, 1, 2, 0, 4]), np.array([1, 2, 3, 3, 5]), np.ones(5))
    >>> groups(graph_of(7, square), smallest=2, seed=1)
    [[0, 1, 2, 3], [4, 5]]
    >>> ring = Links(np.arange(7), np.arange(1, 8), np.array([3.0, 3, 3, 1, 3, 3, 3]))
    >>> groups(graph_of(8, ring), smallest=2, largest=4, seed=1)
    [[0, 1, 2, 3], [4, 5, 6, 7]]
    """
    waiting, kept = [list(range(graph.number_of_nodes()))], []
    while waiting:
        part = waiting.pop()
        # Nodes and links in their order: a view of a part iterates over a set.
        piece = nx.Graph()
        piece.add_nodes_from(part)
        piece.add_weighted_edges_from(sorted((min(one, other), max(one, other), weight) for one, other, weight in graph.subgraph(part).edges(data="weight")))
        found = [sorted(group) for group in louvain_communities(piece, weight="weight", resolution=resolution, seed=seed)]
        for group in found:
            if largest is not None and len(group) > largest and len(found) > 1:
                waiting.append(group)
            elif len(group) >= smallest:
                kept.append(group)
    return sorted(kept, key=lambda group: (-len(group), group))


def laid_out(graph: nx.Graph, group: Sequence[int], *, seed: int) -> list[tuple[float, float]]:
    """Where to draw each node of a group, from 0 to 1 both ways: linked ones near each other."""
    part = nx.Graph()
    part.add_nodes_from(group)
    part.add_weighted_edges_from(sorted((one, other, weight) for one, other, weight in graph.subgraph(group).edges(data="weight")))
    places = nx.spring_layout(part, weight="weight", seed=seed, iterations=80)
    points = np.array([places[node] for node in group], dtype=np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    return [(round(float(x), 4), round(float(y), 4)) for x, y in scaled]


def stability(group: Sequence[object], before: Sequence[Sequence[object]]) -> float | None:
    """How much of a group was one group before: the largest share in common (Jaccard) with an earlier one, None when there was none.

    Examples
    --------
    >>> stability("abcd", ["abc", "de"]), stability("ab", ["cd"]), stability("ab", [])
    (0.75, 0.0, None)
    """
    mine = set(group)
    return max((len(mine & set(other)) / len(mine | set(other)) for other in before), default=None)
