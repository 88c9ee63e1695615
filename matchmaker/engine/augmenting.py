"""The exact solver behind `assignment`: successive shortest augmenting paths on reduced costs.

This is the readable reference: plain lists and Python integers of any size. Each pair is taken at most once, a node of
either side takes several partners.

References
----------
Tomizawa, N. (1971). On some techniques useful for solution of transportation network problems. Networks 1.
Edmonds, J., Karp, R. M. (1972). Theoretical improvements in algorithmic efficiency for network flow problems. JACM 19.
"""

from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True)
class Graph:
    """A bipartite graph in plain lists; `bonus` is what the first partner of a left node is worth besides its weight."""

    left: list[int]
    right: list[int]
    weight: list[int]
    left_places: list[int]
    right_places: list[int]
    bonus: list[int]


def turned_around(graph: Graph) -> Graph:
    return Graph(graph.right, graph.left, graph.weight, graph.right_places, graph.left_places, [0] * len(graph.right_places))


def augment_all(graph: Graph) -> tuple[list[bool], list[int], list[int]]:
    """Give the left nodes their places one by one, each along a shortest augmenting path.

    Between two steps the answer is optimal for the places given so far, because these hold for every left node i with k
    partners and every right node j: chosen ⇒ u_i + v_j ≤ w_ij; left out ⇒ u_i + v_j ≥ w_ij; v_j ≥ 0, and 0 unless j is
    full; u_i ≤ 0 unless i is full; u_i ≥ -bonus_i, and u_i ≥ 0 when k ≥ 2.
    """
    search = _Search(graph)
    for i, places in enumerate(graph.left_places):
        for _ in range(places):
            if not search.give_place(i):
                break  # it keeps a free place, and its price says so: more places change nothing
    search.price_the_closed()
    return search.held, search.left_price, search.right_price


class _Search:
    """The state of the search: pairs held, loads, prices."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.held = [False] * len(graph.left)
        self.left_price = [0] * len(graph.left_places)
        self.right_price = [0] * len(graph.right_places)
        self.left_load = [0] * len(graph.left_places)
        self.at_right: list[list[int]] = [[] for _ in graph.right_places]  # pairs held; who enters takes the seat of who leaves
        # Only right nodes with a place take part. Arcs by descending weight let a scan stop early, since v ≥ 0.
        self.arcs: list[list[int]] = [[] for _ in graph.left_places]
        for e, (i, j) in enumerate(zip(graph.left, graph.right, strict=True)):
            if graph.right_places[j]:
                self.arcs[i].append(e)
        for arcs in self.arcs:
            arcs.sort(key=lambda e: -graph.weight[e])

    def give_place(self, start: int) -> bool:
        """Give `start` one more place; return whether the place is used."""
        first = self.left_load[start] == 0
        if first:
            self.left_price[start] = self._opening_price(start)
        # To leave the place unused costs this much against the prices; a path must do better.
        unused = self.left_price[start] + (self.graph.bonus[start] if first else 0)
        if unused <= 0:
            return False
        length, end_left, end_right, left_reached, right_reached = self._shortest_path(start, unused)

        for i, (distance, _) in left_reached.items():
            if distance < length:
                self.left_price[i] -= length - distance
        for j, (distance, _) in right_reached.items():
            if distance < length:
                self.right_price[j] += length - distance
        if end_left == start:
            return False
        self._flip(start, end_left, end_right, left_reached, right_reached)
        return True

    def _opening_price(self, i: int) -> int:
        graph, best = self.graph, -self.graph.bonus[i]
        for e in self.arcs[i]:
            if graph.weight[e] <= best:
                break
            best = max(best, graph.weight[e] - self.right_price[graph.right[e]])
        return best

    def _shortest_path(self, start: int, unused: int) -> tuple[int, int, int, dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
        """Dijkstra on reduced costs from `start` to the nearest right node with a free place or left node that yields.

        Returns the length, the end (left node or -1, right node or -1) and, a side, node → (distance, edge it was
        reached by).
        """
        graph, held, u, v = self.graph, self.held, self.left_price, self.right_price
        left_of, right_of, weight = graph.left, graph.right, graph.weight
        best, end_left, end_right = unused, start, -1
        left_reached: dict[int, tuple[int, int]] = {start: (0, -1)}
        right_reached: dict[int, tuple[int, int]] = {}
        rights = len(v)
        queue: list[tuple[int, int]] = []  # a node is j, or rights + i
        distance, at_once = 0, [start]  # left nodes reached at no further cost are scanned without passing through the queue

        while True:
            while at_once:
                i = at_once.pop()
                base = distance + u[i]
                if i != start:
                    yields = base + (graph.bonus[i] if self.left_load[i] == 1 else 0)
                    if yields < best:
                        best, end_left, end_right = yields, i, -1
                for e in self.arcs[i]:
                    if base - weight[e] >= best:
                        break
                    j = right_of[e]
                    reach = base - weight[e] + v[j]
                    if reach >= best or held[e] or (j in right_reached and reach >= right_reached[j][0]):
                        continue
                    right_reached[j] = (reach, e)
                    if len(self.at_right[j]) < graph.right_places[j]:
                        best, end_left, end_right = reach, -1, j
                    else:
                        heappush(queue, (reach, j))
            if not queue:
                break
            distance, node = heappop(queue)
            if distance >= best:
                break
            if node >= rights:
                if distance == left_reached[node - rights][0]:
                    at_once.append(node - rights)
            elif distance == right_reached[node][0]:
                for e in self.at_right[node]:
                    i = left_of[e]
                    reach = distance + weight[e] - u[i] - v[node]
                    if reach >= best or (i in left_reached and reach >= left_reached[i][0]):
                        continue
                    left_reached[i] = (reach, e)
                    if reach == distance:
                        at_once.append(i)
                    else:
                        heappush(queue, (reach, rights + i))
        return best, end_left, end_right, left_reached, right_reached

    def _flip(self, start: int, end_left: int, end_right: int, left_reached: dict[int, tuple[int, int]], right_reached: dict[int, tuple[int, int]]) -> None:
        """Walk the path back from its end: pairs that were left out enter, pairs that were held leave."""
        graph = self.graph
        self.left_load[start] += 1
        if end_left >= 0:
            self.left_load[end_left] -= 1
            leaving = left_reached[end_left][1]
        else:
            self.at_right[end_right].append(-1)  # the free seat
            leaving = -1
        while True:
            j = end_right if leaving < 0 else graph.right[leaving]
            entering = right_reached[j][1]
            if leaving >= 0:
                self.held[leaving] = False
            self.held[entering] = True
            self.at_right[j][self.at_right[j].index(leaving)] = entering
            if graph.left[entering] == start:
                return
            leaving = left_reached[graph.left[entering]][1]

    def price_the_closed(self) -> None:
        """A node without a place asks the price at which nobody would miss it: what its first place would be worth."""
        graph = self.graph
        for i, places in enumerate(graph.left_places):
            if places == 0:
                self.left_price[i] = max(self._opening_price(i), 0)
        for e, (i, j) in enumerate(zip(graph.left, graph.right, strict=True)):
            if graph.right_places[j] == 0:
                self.right_price[j] = max(self.right_price[j], graph.weight[e] - self.left_price[i])
