"""Pooled jobs: value of the composed pools against greedy and against a bound, on planted and random territories.

`python -m bench.pools` runs the small families; `--all` adds 1,000 and 2,000 needs; `--save` writes docs/figures/pools.md.

A planted family is made of pools that fill a week exactly, cut into fractions and scattered, with lone needs between them: the
value of the planted pools is a floor that the answer must reach. Greedy takes the pool of the greatest value that still fits.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matchmaker.engine.pool_columns import Groups, joined, pools, value_of
from matchmaker.engine.pool_problem import ALL_MONTHS, Fractions, Rules, check_fractions
from matchmaker.engine.pool_relaxation import greedy
from matchmaker.engine.pooling import compose

FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures" / "pools.md"
RULES = Rules()
KM_A_DEGREE = 111.0


@dataclass(frozen=True)
class Family:
    """One territory: its needs, and the pools planted in it."""

    name: str
    fractions: Fractions
    planted: tuple[tuple[int, ...], ...]
    budget_s: float
    most_gap: float


@dataclass(frozen=True)
class Line:
    """What one family gave; gap in per cent of the bound, ratios to greedy and to the planted value."""

    name: str
    needs: int
    columns: int
    seconds: float
    value: float
    gap: float
    over_greedy: float
    over_planted: float | None
    most_gap: float


def needs_at(lat: np.ndarray, lon: np.ndarray, occupations: list[tuple[str, ...]], halfdays: np.ndarray, allowed: np.ndarray, months: np.ndarray) -> Fractions:
    count = len(lat)
    none = np.zeros((0, 2), dtype=np.int64)
    public = np.arange(count) % 7 == 3
    return Fractions(np.arange(count), occupations, halfdays, months, allowed, lat, lon, public, np.ones(count), none, none)


def random_family(count: int, occupations: int, seed: int, budget_s: float, most_gap: float) -> Family:
    rng = np.random.default_rng(seed)
    lat, lon = 49 + rng.random(count) * 60 / KM_A_DEGREE, rng.random(count) * 60 / 73
    codes = [(f"M{a:03d}", f"M{(a + 1) % occupations:03d}")[: 1 + int(rng.random() < 0.25)] for a in rng.integers(occupations, size=count).tolist()]
    halfdays = rng.integers(1, 7, count)
    months = np.where(rng.random(count) < 0.7, ALL_MONTHS, rng.integers(1, ALL_MONTHS + 1, count))
    allowed = np.array([mask_of(rng, min(10, wanted + int(rng.integers(0, 5)))) for wanted in halfdays.tolist()])
    return Family(f"random, {occupations} occupations", needs_at(lat, lon, codes, halfdays, allowed, months), (), budget_s, most_gap)


def planted_family(count: int, occupations: int, seed: int, budget_s: float, most_gap: float) -> Family:
    """Two needs in three come from pools of 8 to 10 half-days cut in two to four, near one another; the others stand alone."""
    rng = np.random.default_rng(seed)
    lat, lon, codes, halfdays, allowed, planted = [], [], [], [], [], []
    while len(lat) < count * 2 // 3:
        week = rng.permutation(10)[: int(rng.integers(8, 11))]
        cuts = np.sort(rng.choice(np.arange(1, len(week)), size=int(rng.integers(1, 4)), replace=False))
        at = (49 + rng.random() * 60 / KM_A_DEGREE, rng.random() * 60 / 73)
        code = f"M{rng.integers(occupations):03d}"
        planted.append(tuple(range(len(lat), len(lat) + len(cuts) + 1)))
        for part in np.split(week, cuts):
            lat.append(at[0] + (rng.random() - 0.5) * 10 / KM_A_DEGREE)
            lon.append(at[1] + (rng.random() - 0.5) * 10 / 73)
            codes.append((code,))
            halfdays.append(len(part))
            allowed.append(sum(1 << int(one) for one in part) | mask_of(rng, 1))
    lone = random_family(count - len(lat), occupations, seed + 1, 0, 0).fractions
    fractions = needs_at(
        np.append(lat, lone.lat),
        np.append(lon, lone.lon),
        [*codes, *lone.occupations],
        np.append(halfdays, lone.halfdays),
        np.append(allowed, lone.allowed),
        np.append(np.full(len(lat), ALL_MONTHS), lone.months),
    )
    # Public employers are few enough among the planted ones: a planted pool that breaks the rule is no floor.
    kept = [pool for pool in planted if fractions.parts[list(pool)][fractions.is_public[list(pool)]].sum() <= 0.75 * fractions.parts[list(pool)].sum()]
    return Family(f"planted, {occupations} occupations", fractions, tuple(kept), budget_s, most_gap)


def mask_of(rng: np.random.Generator, size: int) -> int:
    return sum(1 << int(one) for one in rng.choice(10, size=size, replace=False))


def families(everything: bool) -> list[Family]:
    few = [
        planted_family(150, 4, 1, 30, 0.5),
        planted_family(300, 6, 2, 30, 0.5),
        random_family(300, 8, 3, 30, 0.5),
        random_family(300, 5, 4, 30, 0.5),
    ]
    many = [planted_family(1000, 15, 5, 40, 2.0), random_family(1000, 15, 6, 40, 2.0), random_family(2000, 25, 7, 60, 3.0)]
    return few + (many if everything else [])


def measure(family: Family) -> Line:
    check_fractions(family.fractions)
    groups = Groups(family.fractions, RULES)
    columns = joined(list(pools(groups)), RULES.max_employers)
    by_greed = float(columns.value[greedy(columns.needs, columns.value, len(family.fractions))].sum())
    began = time.perf_counter()
    found = compose(family.fractions, RULES, budget_s=family.budget_s)
    seconds = time.perf_counter() - began
    planted = sum(float(value_of(groups, np.array([pool], dtype=np.int32))[0]) for pool in family.planted)
    gap = 100 * (found.bound / found.value - 1)
    over_planted = found.value / planted if planted else None
    return Line(family.name, len(family.fractions), len(columns), seconds, found.value, gap, found.value / by_greed, over_planted, family.most_gap)


def table(lines: list[Line]) -> str:
    rows = [
        "| Family | Needs | Pools | Seconds | Value (FTE less distance) | Gap to the bound | Target | Against greedy | Against planted |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for line in lines:
        planted = "" if line.over_planted is None else f"{line.over_planted:.3f}"
        rows.append(
            f"| {line.name} | {line.needs} | {line.columns} | {line.seconds:.1f} | {line.value:.2f} | {line.gap:.2f} % | ≤ {line.most_gap:g} % |"
            f" {line.over_greedy:.3f} | {planted} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="1,000 and 2,000 needs as well (about three minutes)")
    parser.add_argument("--save", action="store_true", help="write docs/figures/pools.md")
    chosen = parser.parse_args()
    lines = []
    for family in families(chosen.all):
        lines.append(measure(family))
        print(table(lines[-1:]).splitlines()[-1], flush=True)
    print("\n" + table(lines))
    if chosen.save:
        FIGURES.parent.mkdir(parents=True, exist_ok=True)
        FIGURES.write_text(
            "# Pooled jobs: value against greedy and against the bound\n\n"
            "Written by `python -m bench.pools --all --save`. The bound is that of branch and bound up to about 300 needs, of the linear\n"
            "relaxation above. A gap of 0 % is a proof; the target is that of the same size.\n\n" + table(lines) + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
