"""Instances and independent oracles for the tests of the engine. Nothing here imports the solver."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from matchmaker.engine.problem import Assignment, Objective, Problem


def problem_of(pairs, need_capacity, offer_capacity, locked=(), need_id=None, offer_id=None) -> Problem:
    """Build a problem from (need, offer, score) triples."""
    return Problem(
        need=np.array([p[0] for p in pairs], dtype=np.int32),
        offer=np.array([p[1] for p in pairs], dtype=np.int32),
        score=np.array([p[2] for p in pairs], dtype=np.int64),
        need_capacity=np.array(need_capacity, dtype=np.int32),
        offer_capacity=np.array(offer_capacity, dtype=np.int32),
        locked=np.array([k in set(locked) for k in range(len(pairs))], dtype=np.bool_),
        need_id=np.arange(len(need_capacity)) if need_id is None else np.array(need_id, dtype=np.int64),
        offer_id=np.arange(len(offer_capacity)) if offer_id is None else np.array(offer_id, dtype=np.int64),
    )


@st.composite
def small_problems(draw, largest=4, most_pairs=9, locks=True):
    """Up to `largest` needs and offers, capacities 0 to 3, few distinct scores (ties), some locked pairs."""
    needs, offers = draw(st.integers(0, largest)), draw(st.integers(0, largest))
    cells = [(i, j) for i in range(needs) for j in range(offers)]
    chosen = draw(st.lists(st.sampled_from(cells), unique=True, max_size=most_pairs)) if cells else []
    score = st.one_of(st.integers(1, 4), st.integers(999_998, 1_000_000), st.integers(1, 1_000_000))
    pairs = [(i, j, draw(score)) for i, j in chosen]
    capacity = st.integers(0, 3)
    need_capacity, offer_capacity = draw(st.lists(capacity, min_size=needs, max_size=needs)), draw(st.lists(capacity, min_size=offers, max_size=offers))
    locked = []
    if locks:
        need_left, offer_left = list(need_capacity), list(offer_capacity)
        for k, (i, j, _) in enumerate(pairs):
            if need_left[i] and offer_left[j] and draw(st.integers(0, 4)) == 0:
                need_left[i] -= 1
                offer_left[j] -= 1
                locked.append(k)
    ids = st.integers(-1_000, 1_000)
    return problem_of(
        pairs, need_capacity, offer_capacity, locked,
        draw(st.lists(ids, min_size=needs, max_size=needs, unique=True)), draw(st.lists(ids, min_size=offers, max_size=offers, unique=True)),
    )  # fmt: skip


def random_problem(seed, needs, offers, degree, most=1, family="uniform", locked_share=0.0) -> Problem:
    """A larger instance of a family that is known to be hard for one method or another."""
    rng = np.random.default_rng(seed)
    cells = np.unique(rng.integers(0, needs * offers, needs * degree))
    i, j = cells // offers, cells % offers
    if family == "uniform":
        score = rng.integers(1, 1_000_001, len(cells))
    elif family == "ties":
        score = rng.integers(1, 6, len(cells)) * 200_000
    elif family == "twins":
        score = 500_000 + rng.integers(0, 2, len(cells))
    elif family == "product":
        a, b = rng.random(needs), rng.random(offers)
        score = np.maximum(1, (1e6 * a[i] * b[j]).astype(np.int64))
    else:  # chain: need k meets offers k and k + 1, each step a little better
        i = np.repeat(np.arange(needs), 2)
        j = np.minimum(i + np.tile([0, 1], needs), offers - 1)
        keep = np.unique(i * offers + j, return_index=True)[1]
        i, j = i[keep], j[keep]
        score = 400_000 + 10 * i + 5 * (j > i)
    order = rng.permutation(len(i))
    i, j, score = i[order], j[order], score[order]
    need_capacity, offer_capacity = rng.integers(1, most + 1, needs), rng.integers(1, most + 1, offers)
    need_left, offer_left, locked = need_capacity.copy(), offer_capacity.copy(), []
    for e in np.flatnonzero(rng.random(len(i)) < locked_share).tolist():
        if need_left[i[e]] and offer_left[j[e]]:
            need_left[i[e]] -= 1
            offer_left[j[e]] -= 1
            locked.append(e)
    return problem_of(list(zip(i.tolist(), j.tolist(), score.tolist(), strict=True)), need_capacity, offer_capacity, locked)


def answers(problem: Problem):
    """Every feasible choice of pairs, as tuples of edges."""
    edges = range(len(problem.need))
    locked = set(np.flatnonzero(problem.locked).tolist())
    for size in range(len(locked), len(problem.need) + 1):
        for choice in itertools.combinations(edges, size):
            if locked <= set(choice) and fits(problem, choice):
                yield choice


def fits(problem: Problem, choice) -> bool:
    for rows, capacity in ((problem.need, problem.need_capacity), (problem.offer, problem.offer_capacity)):
        counts = [0] * len(capacity)
        for e in choice:
            counts[rows[e]] += 1
        if any(count > places for count, places in zip(counts, capacity.tolist(), strict=True)):
            return False
    return True


def worth(problem: Problem, choice, objective: Objective):
    """What the objective compares, greatest first."""
    score = sum(int(problem.score[e]) for e in choice)
    served = len({int(problem.need[e]) for e in choice})
    if objective is Objective.SCORE:
        return (score,)
    if objective is Objective.SERVED_FIRST:
        return (served, score)
    levels = [0] * 10
    for e in choice:
        levels[(1_000_000 - int(problem.score[e])) // 100_000] += 1
    return (served, len(choice), *(-count for count in reversed(levels[1:])), score)


def best_by_highs(problem: Problem) -> int:
    """The greatest total score, by an independent exact solver."""
    count = len(problem.need)
    rows = np.concatenate((problem.need, problem.offer + len(problem.need_id)))
    matrix = csr_array((np.ones(2 * count), (rows, np.tile(np.arange(count), 2))), shape=(len(problem.need_id) + len(problem.offer_id), count))
    limits = np.concatenate((problem.need_capacity, problem.offer_capacity))
    found = milp(
        -problem.score.astype(np.float64), integrality=np.ones(count), bounds=Bounds(problem.locked.astype(np.float64), 1),
        constraints=LinearConstraint(matrix, -np.inf, limits), options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return int(problem.score[found.x > 0.5].sum())


def plain_dual(problem: Problem, answer: Assignment) -> int:
    """Σ c u + Σ d v + Σ max(0, s - u - v), with s - u - v for a locked pair, in Python integers of any size."""
    u, v = answer.need_price.tolist(), answer.offer_price.tolist()
    dual = sum(c * p for c, p in zip(problem.need_capacity.tolist(), u, strict=True))
    dual += sum(d * p for d, p in zip(problem.offer_capacity.tolist(), v, strict=True))
    for i, j, s, locked in zip(problem.need.tolist(), problem.offer.tolist(), problem.score.tolist(), problem.locked.tolist(), strict=True):
        dual += s - u[i] - v[j] if locked else max(0, s - u[i] - v[j])
    return dual


def shuffled(problem: Problem, seed: int) -> tuple[Problem, np.ndarray, np.ndarray, np.ndarray]:
    """The same problem with its pairs, needs and offers in another order, and the three orders."""
    rng = np.random.default_rng(seed)
    pairs, needs, offers = (rng.permutation(n) for n in (len(problem.need), len(problem.need_id), len(problem.offer_id)))
    need_at, offer_at = np.argsort(needs), np.argsort(offers)
    other = Problem(
        need=need_at[problem.need[pairs]].astype(np.int32),
        offer=offer_at[problem.offer[pairs]].astype(np.int32),
        score=problem.score[pairs],
        need_capacity=problem.need_capacity[needs],
        offer_capacity=problem.offer_capacity[offers],
        locked=problem.locked[pairs],
        need_id=problem.need_id[needs],
        offer_id=problem.offer_id[offers],
    )
    return other, pairs, needs, offers
