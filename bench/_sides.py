"""Tables of needs and offers of a made-up département or country, for `candidates` and `score`. The same seed, the same tables."""

import numpy as np

from matchmaker.engine.candidates import OPEN_END, OPEN_START, Ints, Side
from matchmaker.engine.scoring import Context, Profile

TODAY = 739_000
CATEGORIES = 8
_WORDS_OF_A_TEXT, _VOCABULARY = 14, 4_000


def sides(seed: int, needs: int, offers: int, degrees: float = 1.2) -> tuple[Side, Side]:
    """Two tables over a square of so many degrees; most rows state a radius, some areas, some neither, some work from afar."""
    rng = np.random.default_rng(seed)
    towns = np.stack((49.3 - degrees * rng.random(120), 0.3 + 1.5 * degrees * rng.random(120)), axis=1)
    size = rng.pareto(1.2, len(towns)) + 1
    return _side(rng, needs, towns, size / size.sum(), 0), _side(rng, offers, towns, size / size.sum(), 10_000_000)


def _side(rng: np.random.Generator, count: int, towns: np.ndarray, share: np.ndarray, first_id: int) -> Side:
    town = rng.choice(len(towns), count, p=share)
    at = towns[town] + rng.normal(0, 0.04, (count, 2))
    unknown = rng.random(count) < 0.01
    kind = rng.random(count)
    areas = np.where(kind > 0.9, rng.integers(1, 4, count), 0)
    starts = np.where(rng.random(count) < 0.6, OPEN_START, TODAY + rng.integers(0, 120, count))
    held = rng.integers(0, 16, count)
    return Side(
        id=first_id + rng.permutation(4 * count)[:count],
        organisation=rng.integers(0, max(count // 3, 1), count),
        category=rng.integers(0, CATEGORIES, count),
        lat=np.where(unknown, np.nan, at[:, 0]),
        lon=np.where(unknown, np.nan, at[:, 1]),
        radius_km=np.where(kind > 0.87, np.nan, rng.choice([10.0, 20.0, 30.0, 50.0], count)),
        halfdays=np.where(rng.random(count) < 0.5, 0, rng.integers(1, 1024, count)),
        starts=starts,
        ends=np.where(rng.random(count) < 0.6, OPEN_END, np.maximum(starts, TODAY) + rng.integers(30, 200, count)),
        required=rng.integers(0, 16, count) & rng.integers(0, 16, count) & rng.integers(0, 16, count),
        held=held,
        denied=rng.integers(0, 16, count) & rng.integers(0, 16, count) & rng.integers(0, 16, count) & ~held,
        remote_share=np.where(rng.random(count) < 0.01, 100, 0),
        home=np.where(unknown[:, None], -1, np.stack((town % 20, 100 + town % 5, np.full(count, 200)), axis=1)),
        area_start=np.concatenate(([0], np.cumsum(areas))),
        area=np.where(rng.random(int(areas.sum())) < 0.8, rng.integers(0, 20, int(areas.sum())), rng.integers(100, 105, int(areas.sum()))),
    )


def context(seed: int, needs: Side, offers: Side) -> Context:
    rng = np.random.default_rng(seed)
    return Context(_profile(rng, needs.category), _profile(rng, offers.category), TODAY, 5, rng.integers(0, 1_000, (200, 2)))


def _profile(rng: np.random.Generator, category: Ints) -> Profile:
    """Skills and texts of about fourteen words, drawn by the category from words that are rarer the later they stand."""
    count = len(category)
    ranks = np.minimum(rng.zipf(1.3, (count, _WORDS_OF_A_TEXT)), _VOCABULARY)
    low = np.where(rng.random(count) < 0.5, np.nan, rng.integers(0, 50, count) * 100.0)
    skills = rng.integers(0, 40, (count, 3)) + 40 * category[:, None]
    return Profile(
        skills=tuple(frozenset(f"savoir {word}" for word in row) for row in skills.tolist()),
        text=tuple(" ".join(f"mot{kind}x{word}" for word in row) for kind, row in zip(category.tolist(), ranks.tolist(), strict=True)),
        themes=rng.integers(0, 16, count) & rng.integers(0, 16, count),
        volume=np.where(rng.random(count) < 0.5, np.nan, rng.integers(1, 40, count).astype(np.float64)),
        budget_low=low,
        budget_high=low + rng.integers(0, 2_000, count),
        published_on=TODAY - rng.integers(0, 120, count),
    )
