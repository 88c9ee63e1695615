"""Families of matching instances, each hard for one method or another. The same seed gives the same instance."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from matchmaker.engine.problem import SCORE_MAX, Problem

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]  # need, offer, score

PUBLIC_OPTIMA = {"assign100": 305, "assign500": 991, "assign600": 1176, "assign700": 1362}
"""Least costs of OR-Library's assignment problems (Beasley 1990)."""


@dataclass(frozen=True)
class Family:
    """A name for the table and how to draw an instance: `make(seed)`."""

    name: str
    make: Callable[[int], Problem]


def geographic(seed: int, needs: int, offers: int, degree: int = 20, most: int = 1) -> Problem:
    """Towns, eight categories; each need knows up to `degree` near offers of its category, and some offers please everybody."""
    rng = np.random.default_rng(seed)
    towns = rng.random((max(needs // 100, 5), 2))
    size = rng.pareto(1.2, len(towns)) + 1

    def places(count: int) -> NDArray[np.float64]:
        return towns[rng.choice(len(towns), count, p=size / size.sum())] + rng.normal(0, 0.02, (count, 2))

    need_at, offer_at = places(needs), places(offers)
    need_category, offer_category = rng.integers(0, 8, needs), rng.integers(0, 8, offers)
    quality = rng.random(offers)
    found: list[Pairs] = []
    for category in range(8):
        mine, theirs = np.flatnonzero(need_category == category), np.flatnonzero(offer_category == category)
        count = min(degree, len(theirs))
        if not len(mine) or not count:
            continue
        distance, nearest = cKDTree(offer_at[theirs]).query(need_at[mine], k=np.arange(1, count + 1))
        skill = rng.random(distance.shape)
        score = _quantised(0.4 * np.exp(-distance / 0.03) + 0.3 * skill + 0.3 * quality[theirs][nearest])
        keep = rng.random(distance.shape) < 0.975
        found.append((np.broadcast_to(mine[:, None], distance.shape)[keep], theirs[nearest][keep], score[keep]))
    need, offer, score = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return problem_of(rng, (need, offer, score), needs, offers, most)


def sparse(seed: int, needs: int, offers: int, degree: int, scores: str, most: int = 1) -> Problem:
    """Pairs drawn at random; scores uniform, on five levels, one millionth apart, or the product of two qualities."""
    rng = np.random.default_rng(seed)
    cells = np.unique(rng.integers(0, needs * offers, needs * degree))
    i, j = cells // offers, cells % offers
    if scores == "uniform":
        score = rng.integers(1, SCORE_MAX + 1, len(cells))
    elif scores == "ties":
        score = rng.integers(1, 6, len(cells)) * (SCORE_MAX // 5)
    elif scores == "twins":
        score = 500_000 + rng.integers(0, 2, len(cells))
    else:
        score = _quantised(rng.random(needs)[i] * rng.random(offers)[j])
    return problem_of(rng, (i, j, score), needs, offers, most)


def chain(seed: int, needs: int, most: int = 1) -> Problem:
    """Need k meets offers k and k + 1, and each prefers the next one a little: one long path."""
    rng = np.random.default_rng(seed)
    i = np.repeat(np.arange(needs), 2)
    j = np.minimum(i + np.tile([0, 1], needs), needs - 1)
    keep = np.unique(i * needs + j, return_index=True)[1]
    i, j = i[keep], j[keep]
    return problem_of(rng, (i, j, 400_000 + i % 1000 * 10 + 5 * (j > i)), needs, needs, most)


def dense(seed: int, needs: int, offers: int, most: int = 1) -> Problem:
    """Everybody with everybody."""
    rng = np.random.default_rng(seed)
    i, j = np.repeat(np.arange(needs), offers), np.tile(np.arange(offers), needs)
    return problem_of(rng, (i, j, rng.integers(1, SCORE_MAX + 1, needs * offers)), needs, offers, most)


def or_library(path: Path) -> tuple[Problem, Callable[[int], int]]:
    """An assignment problem of OR-Library as a matching, and what turns the value of its optimum into the least cost."""
    numbers = np.array(path.read_text().split(), dtype=np.int64)
    size, cost = int(numbers[0]), numbers[1:]
    top = int(cost.max()) + 1
    cells = np.arange(size * size)
    problem = problem_of(None, (cells // size, cells % size, (top - cost) * 100), size, size, 1)
    return problem, lambda value: size * top - value // 100


def problem_of(rng: np.random.Generator | None, pairs: Pairs, needs: int, offers: int, most: int) -> Problem:
    """Shuffle the pairs (as a table of candidates is) and draw capacities from 1 to `most`."""
    need, offer, score = pairs
    order = np.arange(len(need)) if rng is None else rng.permutation(len(need))

    def capacity(count: int) -> NDArray[np.int32]:
        return np.ones(count, np.int32) if rng is None or most == 1 else rng.integers(1, most + 1, count).astype(np.int32)

    return Problem(
        need=need[order].astype(np.int32),
        offer=offer[order].astype(np.int32),
        score=score[order].astype(np.int64),
        need_capacity=capacity(needs),
        offer_capacity=capacity(offers),
        locked=np.zeros(len(need), np.bool_),
        need_id=np.arange(needs, dtype=np.int64),
        offer_id=np.arange(offers, dtype=np.int64),
    )


def _quantised(score: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.rint(score * SCORE_MAX), 1, SCORE_MAX).astype(np.int64)


SIZES = (2_000, 5_000, 10_000, 20_000, 50_000)

FAMILIES = [
    *(Family(f"geographic {n // 1000}k", lambda seed, n=n: geographic(seed, n, n * 3 // 2)) for n in SIZES),
    *(Family(f"geographic {n // 1000}k, capacities 1–3", lambda seed, n=n: geographic(seed, n, n * 3 // 2, most=3)) for n in (20_000, 50_000)),
    Family("as many offers as needs 20k", lambda seed: geographic(seed, 20_000, 20_000)),
    Family("as many offers as needs 20k, capacities 1–3", lambda seed: geographic(seed, 20_000, 20_000, most=3)),
    Family("random balanced 10k", lambda seed: sparse(seed, 10_000, 10_000, 20, "uniform")),
    Family("random balanced 10k, capacities 1–3", lambda seed: sparse(seed, 10_000, 10_000, 20, "uniform", 3)),
    Family("product 5k", lambda seed: sparse(seed, 5_000, 5_000, 20, "product")),
    Family("product 5k, capacities 1–3", lambda seed: sparse(seed, 5_000, 5_000, 20, "product", 3)),
    Family("chain 20k", lambda seed: chain(seed, 20_000)),
    Family("chain 20k, capacities 1–3", lambda seed: chain(seed, 20_000, 3)),
    Family("ties 10k", lambda seed: sparse(seed, 10_000, 10_000, 20, "ties")),
    Family("ties 10k, capacities 1–3", lambda seed: sparse(seed, 10_000, 10_000, 20, "ties", 3)),
    Family("twins 10k", lambda seed: sparse(seed, 10_000, 10_000, 20, "twins")),
    Family("twins 10k, capacities 1–3", lambda seed: sparse(seed, 10_000, 10_000, 20, "twins", 3)),
    Family("scarce offers 20k × 5k", lambda seed: geographic(seed, 20_000, 5_000)),
    Family("scarce offers 20k × 5k, capacities 1–3", lambda seed: geographic(seed, 20_000, 5_000, most=3)),
    Family("dense 1k × 1k", lambda seed: dense(seed, 1_000, 1_000)),
    Family("dense 1k × 1k, capacities 1–3", lambda seed: dense(seed, 1_000, 1_000, 3)),
]
