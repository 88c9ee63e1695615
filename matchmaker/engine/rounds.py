"""Rounds of a job dating: every meeting in as few rounds as anybody could, by edge colouring.

A participant meets one partner a round, a round holds at most as many meetings as there are tables. The meetings are the
edges of a bipartite multigraph, the rounds its colours. By König's theorem and its balanced form (de Werra 1971) the
number of rounds is the greatest of two evident bounds: the meetings of the busiest participant, and meetings / tables.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

from matchmaker.engine.problem import BadProblem

Ints = NDArray[np.int64] | NDArray[np.int32]


def rounds_bound(left: Ints, right: Ints, tables: int, *, accessible: NDArray[np.bool_] | None = None, accessible_tables: int | None = None) -> tuple[int, str]:
    """Fewest rounds that any plan needs, and why.

    Returns
    -------
    bound, reason
        The reason is « degree of left 3 », « degree of right 0 », « tables », « accessible tables » or « no meeting ».

    Raises
    ------
    BadProblem
        Meetings without a table, or meetings that need an accessible table without one.

    Examples
    --------
    >>> rounds_bound(np.array([0, 0, 1]), np.array([0, 1, 1]), tables=5)
    (2, 'degree of left 0')
    >>> rounds_bound(np.array([0, 1, 2]), np.array([0, 1, 2]), tables=1)
    (3, 'tables')
    """
    _check(left, right, tables, accessible, accessible_tables)
    if len(left) == 0:
        return 0, "no meeting"
    bounds = []
    for side, rows in (("left", left), ("right", right)):
        names, degrees = np.unique(rows, return_counts=True)
        bounds.append((int(degrees.max()), f"degree of {side} {names[np.argmax(degrees)]}"))
    bounds.append((-(-len(left) // tables), "tables"))
    if accessible is not None and accessible_tables is not None and np.any(accessible):
        bounds.append((-(-int(accessible.sum()) // accessible_tables), "accessible tables"))
    return max(bounds, key=lambda bound: bound[0])


def plan_rounds(
    left: Ints, right: Ints, *, tables: int, accessible: NDArray[np.bool_] | None = None, accessible_tables: int | None = None
) -> NDArray[np.int64]:
    """Give each meeting a round, in the fewest rounds.

    Parameters
    ----------
    left, right : (E,) the two participants of each meeting; the same two may meet several times.
    tables : greatest number of meetings in a round.
    accessible : (E,) meetings that need an accessible table, because one of their participants does.
    accessible_tables : how many of the tables are accessible.

    Returns
    -------
    (E,) rounds from 0. Nobody has two meetings in a round; the sizes of two rounds differ by one at most; the number of
    rounds is `rounds_bound`. Only when participants of both sides need accessible tables, and these are the bottleneck,
    can it be greater.

    Raises
    ------
    BadProblem
        See `rounds_bound`.

    Notes
    -----
    The graph is padded to a regular one in which every perfect matching holds the same number of meetings, then halved
    along Euler tours while the degree is even; an odd degree gives up one perfect matching first.

    References
    ----------
    Gabow, H. N. (1976). Using Euler partitions to edge color bipartite multigraphs. IJCIS 5.

    Examples
    --------
    >>> plan = plan_rounds(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), tables=2)
    >>> bool(plan[0] == plan[3] != plan[1] == plan[2])
    True
    """
    rounds, _ = rounds_bound(left, right, tables, accessible=accessible, accessible_tables=accessible_tables)
    if rounds == 0:
        return np.zeros(0, dtype=np.int64)
    while True:
        plan = _colour(left, right, rounds, accessible)
        if accessible is None or accessible_tables is None or np.bincount(plan[accessible], minlength=1).max() <= accessible_tables:
            return plan
        rounds += 1


def split_delegates(rows: Ints, delegates: Ints) -> NDArray[np.int64]:
    """Share a participant's meetings out among its delegates, so that each delegate is a participant of its own.

    Parameters
    ----------
    rows : (E,) participant of each meeting.
    delegates : (N,) number of delegates of each participant, 1 or more.

    Examples
    --------
    >>> split_delegates(np.array([0, 0, 0, 1]), np.array([2, 1])).tolist()
    [0, 1, 0, 2]
    """
    order = np.argsort(rows, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(delegates)))[:-1]))
    turn = np.empty(len(rows), dtype=np.int64)
    turn[order] = np.arange(len(rows)) - starts[rows[order]]
    offsets = np.concatenate(([0], np.cumsum(delegates)[:-1]))
    return np.asarray(offsets[rows] + turn % delegates[rows], dtype=np.int64)


def _check(left: Ints, right: Ints, tables: int, accessible: NDArray[np.bool_] | None, accessible_tables: int | None) -> None:
    if len(left) != len(right) or (accessible is not None and len(accessible) != len(left)):
        raise BadProblem("left, right and accessible must have the same length")
    if len(left) and tables < 1:
        raise BadProblem("there are meetings and no table")
    if accessible is not None and np.any(accessible) and accessible_tables is not None and accessible_tables < 1:
        raise BadProblem("there are meetings that need an accessible table and none is accessible")


def _colour(left: Ints, right: Ints, rounds: int, accessible: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Colour with `rounds` colours of equal size (± 1). Edges of a group form a regular graph of the current degree."""
    u, v, size = _regular(left, right, rounds, accessible)
    edges, group = np.arange(len(u)), np.zeros(len(u), dtype=np.int64)
    colour = np.empty(len(u), dtype=np.int64)
    degree, groups, given = rounds, 1, 0
    while degree:
        at_left, at_right = u[edges] + group * size, v[edges] + group * size
        if degree % 2:
            taken = _perfect_matchings(at_left, at_right, groups * size) if degree > 1 else np.ones(len(edges), dtype=np.bool_)
            colour[edges[taken]] = given + group[taken]
            edges, group = edges[~taken], group[~taken]
            given += groups
            degree -= 1
        else:
            group = group * 2 + _halve(at_left, at_right)
            groups *= 2
            degree //= 2
    return colour[: len(left)]


def _regular(left: Ints, right: Ints, rounds: int, accessible: NDArray[np.bool_] | None) -> tuple[Ints, Ints, int]:
    """Pad to a `rounds`-regular graph in which every perfect matching holds ⌈E / rounds⌉ meetings, or one less.

    A pair of extra nodes meets until the number of meetings is a multiple K of `rounds`. The free rounds of a side of n
    nodes are then exactly those of n - K extra nodes opposite, which meet nobody else: a perfect matching must give all
    of them a partner, which leaves K nodes for meetings. The participants who need an accessible table come first, so
    that some extra nodes are theirs alone: this evens out their meetings over the rounds in the same way.
    """
    left_names, u = np.unique(left, return_inverse=True)
    right_names, v = np.unique(right, return_inverse=True)
    each = -(-len(left) // rounds)
    filler = each * rounds - len(left)
    sides = []
    for nodes, count in ((u.astype(np.int64), len(left_names)), (v.astype(np.int64), len(right_names))):
        all_accessible = np.zeros(count + 1, dtype=np.bool_)
        if accessible is not None:
            all_accessible[:count] = np.bincount(nodes[~accessible], minlength=count) == 0
        ends = np.concatenate((nodes, np.full(filler, count)))
        free = rounds - np.bincount(ends, minlength=count + 1)
        if not filler:
            free[count] = 0
        order = np.argsort(~all_accessible, kind="stable")
        sides.append((ends, np.repeat(order, free[order]), count + (filler > 0)))
    (left_ends, left_open, lefts), (right_ends, right_open, rights) = sides
    extra_right = rights + np.arange(len(left_open)) // rounds
    extra_left = lefts + np.arange(len(right_open)) // rounds
    return (
        np.concatenate((left_ends, left_open, extra_left)).astype(np.int64),
        np.concatenate((right_ends, extra_right, right_open)).astype(np.int64),
        lefts + rights - each,
    )


def _halve(u: Ints, v: Ints) -> NDArray[np.int64]:
    """Split a graph of even degrees into two halves (0 and 1) of half the degrees: alternate along closed Euler tours.

    The edges are paired at each left node and at each right node. A tour alternates the two pairings, so that every
    other edge of it is an orbit of « the right mate of the left mate », and the left mates of an orbit are its twin.
    """
    left_mate, right_mate = _mates(u), _mates(v)
    count = len(u)
    hops = csr_array((np.ones(count, dtype=np.int8), (np.arange(count), right_mate[left_mate])), shape=(count, count))
    _, orbit = connected_components(hops, directed=False)
    return (orbit > orbit[left_mate]).astype(np.int64)


def _mates(nodes: Ints) -> NDArray[np.int64]:
    order = np.argsort(nodes, kind="stable")
    mate = np.empty_like(order)
    mate[order[0::2]], mate[order[1::2]] = order[1::2], order[0::2]
    return mate.astype(np.int64)


def _perfect_matchings(u: Ints, v: Ints, size: int) -> NDArray[np.bool_]:
    """Mark the edges of one perfect matching of a regular graph (several disjoint graphs at a time)."""
    graph = csr_array((np.ones(len(u), dtype=np.int32), (u, v)), shape=(size, size))
    partner = maximum_bipartite_matching(graph, perm_type="column").astype(np.int64)
    keys, first = np.unique(u * size + v, return_index=True)
    taken = np.zeros(len(u), dtype=np.bool_)
    taken[first[np.searchsorted(keys, np.arange(size) * size + partner)]] = True
    return taken
