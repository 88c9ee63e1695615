"""Families of job datings, and the other ways to plan them. The same seed gives the same instance."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import rustworkx
from ortools.sat.python import cp_model
from scipy.optimize import linear_sum_assignment

from matchmaker.engine.programme import Programme, programme


@dataclass(frozen=True)
class Family:
    """A name for the table, `make(seed)`, and whether the rounds of the programme are all there are."""

    name: str
    kind: str
    make: Callable[[int], Programme]


def _people(rng: np.random.Generator, count: int, people: int) -> tuple[np.ndarray, np.ndarray]:
    cells = rng.choice(people * people, count, replace=False)
    return cells // people, cells % people + people


def drawn(seed: int, count: int, people: int, tables: int, rounds: int = 1, days: int = 1) -> Programme:
    """Meetings drawn at random between two sides of as many people."""
    rng = np.random.default_rng(seed)
    left, right = _people(rng, count, people)
    given = {"score": rng.integers(100, 1000, count) / 1000, "days": np.arange(rounds) * days // rounds}
    return programme(left, right, participants=2 * people, rounds=rounds, tables=np.ones(tables, dtype=np.bool_), **given)


def complete(_seed: int, people: int) -> Programme:
    """Everybody of one side meets everybody of the other."""
    cells = np.arange(people * people)
    return programme(cells // people, cells % people + people, participants=2 * people, rounds=1, tables=np.ones(people, dtype=np.bool_))


def regular(seed: int, people: int, degree: int) -> Programme:
    """Everybody has as many meetings: disjoint shifts of a random order."""
    order = np.random.default_rng(seed).permutation(people)
    left = np.repeat(np.arange(people), degree)
    right = order[(left + np.tile(np.arange(degree), people)) % people] + people
    return programme(left, right, participants=2 * people, rounds=1, tables=np.ones(people, dtype=np.bool_))


def planted(seed: int, count: int, people: int, rounds: int, tables: int, spare: float) -> Programme:
    """Windows around a plan that holds everything: the rounds that it uses, and others with some probability."""
    rng = np.random.default_rng(seed)
    seen: set[tuple[int, int]] = set()
    found: list[tuple[int, int, int]] = []
    for r in range(rounds):
        pairs = [pair for pair in zip(rng.permutation(people).tolist(), rng.permutation(people).tolist(), strict=True) if pair not in seen]
        seen.update(pairs[: count // rounds])
        found += [(i, people + j, r) for i, j in pairs[: count // rounds]]
    left, right, at = (np.array(column) for column in zip(*found, strict=True))
    available = rng.random((2 * people, rounds)) < spare
    available[left, at] = available[right, at] = True
    score = rng.integers(100, 1000, len(left)) / 1000
    return programme(left, right, participants=2 * people, rounds=rounds, tables=np.ones(tables, dtype=np.bool_), available=available, score=score)


def overloaded(seed: int, count: int, people: int, rounds: int, tables: int) -> Programme:
    """Twice as many meetings as fit between arrivals and departures."""
    rng = np.random.default_rng(seed)
    one = drawn(seed, count, people, tables, rounds)
    first, last = rng.integers(0, rounds // 3, 2 * people), rng.integers(2 * rounds // 3, rounds, 2 * people)
    at = np.arange(rounds)
    return replace(one, available=(at >= first[:, None]) & (at <= last[:, None]))


QUICK = [
    Family("morning 70, 10 tables", "free", lambda seed: drawn(seed, 70, 12, 10)),
    Family("complete 24 × 24", "free", lambda seed: complete(seed, 24)),
    Family("regular 60 × 12", "free", lambda seed: regular(seed, 60, 12)),
    Family("table-bound 1,000, 40 tables", "free", lambda seed: drawn(seed, 1000, 100, 40)),
    Family("limited 900 in 12 rounds", "limited", lambda seed: drawn(seed, 900, 60, 40, 12)),
    Family("two days, 250", "limited", lambda seed: drawn(seed, 250, 25, 25, 16, days=2)),
    Family("planted windows 300", "windows", lambda seed: planted(seed, 300, 40, 10, 30, 0.3)),
    Family("planted windows 2,200", "windows", lambda seed: planted(seed, 2200, 110, 22, 100, 0.3)),
    Family("overloaded 300", "windows", lambda seed: overloaded(seed, 300, 25, 12, 20)),
]
FULL = [
    Family("table-bound 10,000", "free", lambda seed: drawn(seed, 10_000, 400, 150)),
    Family("drawn 100,000", "free", lambda seed: drawn(seed, 100_000, 1500, 1200)),
    Family("limited 5,000 in 20 rounds", "limited", lambda seed: drawn(seed, 5000, 200, 120, 20)),
    Family("overloaded 1,200", "windows", lambda seed: overloaded(seed, 1200, 50, 20, 40)),
    Family("overloaded 6,000", "windows", lambda seed: overloaded(seed, 6000, 150, 30, 120)),
]


def first_fit(one: Programme) -> int:
    """Rounds of the plan that puts each meeting in the first round that fits."""
    tables, busy, load = len(one.tables), [0] * len(one.delegates), [0]
    full = 0
    for u, v in zip(one.left.tolist(), one.right.tolist(), strict=True):
        taken = busy[u] | busy[v] | full
        at = (~taken & (taken + 1)).bit_length() - 1
        load += [0] * (at + 1 - len(load))
        load[at] += 1
        full |= (load[at] >= tables) << at
        busy[u] |= 1 << at
        busy[v] |= 1 << at
    return len(load)


def by_rounds(one: Programme) -> int:
    """Rounds of the plan that fills each round with the most meetings of those that remain, the busiest people first."""
    people, rounds = len(one.delegates), 0
    waiting = np.ones(len(one.left), dtype=np.bool_)
    while waiting.any():
        rows = np.flatnonzero(waiting)
        load = np.bincount(one.left[rows], minlength=people) + np.bincount(one.right[rows], minlength=people)
        table = np.zeros((people, people))
        table[one.left[rows], one.right[rows]] = 1 + (load[one.left[rows]] + load[one.right[rows]]) / (4 * load.max() * people)
        _, j = linear_sum_assignment(table, maximize=True)
        chosen = [k for k in rows if j[one.left[k]] == one.right[k]]
        waiting[chosen[: len(one.tables)]] = False
        rounds += 1
    return rounds


def rustworkx_colours(one: Programme) -> tuple[float, int]:
    """Seconds and colours of rustworkx, which does not know of tables."""
    graph = rustworkx.PyGraph(multigraph=True)
    graph.add_nodes_from(range(len(one.delegates)))
    graph.add_edges_from_no_data(list(zip(one.left.tolist(), one.right.tolist(), strict=True)))
    start = time.process_time()
    colours = rustworkx.graph_bipartite_edge_color(graph)
    return time.process_time() - start, len(set(colours.values()))


def cp_sat(one: Programme, rounds: int, seconds: float) -> tuple[float, str, float]:
    """Seconds by the wall (its limit counts so), status and score of CP-SAT with a variable a meeting and round."""
    model = cp_model.CpModel()
    place = {}
    for e, (u, v) in enumerate(zip(one.left.tolist(), one.right.tolist(), strict=True)):
        for r in range(rounds):
            if r >= one.rounds or (one.available[u, r] and one.available[v, r]):
                place[e, r] = model.new_bool_var("")
    groups: dict[tuple[str, int, int], list[cp_model.IntVar]] = {}
    for (e, r), variable in place.items():
        for key in (("meeting", e, 0), ("person", int(one.left[e]), r), ("person", int(one.right[e]), r)):
            groups.setdefault(key, []).append(variable)
        groups.setdefault(("table", 0, r), []).append(variable)
    for (kind, _, _), variables in groups.items():
        if kind == "table":
            model.add(sum(variables) <= len(one.tables))
        else:
            model.add_at_most_one(variables)
    model.maximize(sum(round(float(one.score[e]) * 1000) * variable for (e, _), variable in place.items()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers = seconds, 1
    start = time.perf_counter()
    status = solver.status_name(solver.solve(model))
    return time.perf_counter() - start, status, solver.objective_value / 1000 if status in ("OPTIMAL", "FEASIBLE") else 0.0
