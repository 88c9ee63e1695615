"""Random tables of needs and offers for the tests of candidates and scores."""

import dataclasses

import numpy as np

from matchmaker.engine.candidates import OPEN_END, OPEN_START, Side
from matchmaker.engine.scoring import Context, Profile, Proximity

WORDS = ["Soudure", "soudure ", "Cuisine", "Paie", "Vélo", "Éco-conception", "Logistique"]
TEXTS = ["Réparation de vélos pour l’atelier", "réparer un vélo", "Cuisine centrale et repas", "", "Transport de matériaux de réemploi"]


def random_side(seed: int, count: int) -> Side:
    """Rows that reach every branch: unknown points, no radius, areas, remote work, open dates, unknown half-days and flags."""
    rng = np.random.default_rng(seed)
    areas = rng.integers(0, 3, count) * (rng.random(count) < 0.5)
    held = rng.integers(0, 8, count)
    starts = np.where(rng.random(count) < 0.4, OPEN_START, 739_000 + rng.integers(0, 30, count))
    known = rng.random(count) > 0.15
    return Side(
        id=rng.permutation(10 * count)[:count] + 1,
        organisation=rng.integers(1, 12, count),
        category=rng.integers(0, 4, count),
        lat=np.where(known, 48.5 + rng.random(count), np.nan),
        lon=np.where(known, -1.0 + 2 * rng.random(count), np.nan),
        radius_km=np.where(rng.random(count) < 0.3, np.nan, rng.integers(5, 80, count).astype(np.float64)),
        halfdays=np.where(rng.random(count) < 0.3, 0, rng.integers(1, 1024, count) & rng.integers(1, 1024, count)),
        starts=starts,
        ends=np.where(rng.random(count) < 0.4, OPEN_END, np.maximum(starts, 739_000) + rng.integers(0, 20, count)),
        required=rng.integers(0, 8, count) & rng.integers(0, 8, count),
        held=held,
        denied=rng.integers(0, 8, count) & ~held,
        remote_share=rng.choice([0, 50, 100], count, p=[0.6, 0.2, 0.2]),
        home=np.where(known[:, None], np.stack((rng.integers(0, 5, count), rng.integers(10, 12, count)), axis=1), -1),
        area_start=np.concatenate(([0], np.cumsum(areas))),
        area=rng.choice([0, 1, 2, 3, 4, 10, 11], int(areas.sum())),
    )


def over_the_world(side: Side, seed: int) -> Side:
    """The same rows from pole to pole and across the date line, some of them at one spot, with radii from 0 to half the globe."""
    rng = np.random.default_rng(seed)
    count = len(side.id)
    lat, lon = rng.choice([rng.uniform(-90, 90, count), rng.choice([-90.0, 89.9, 90.0, 49.0, 100.0], count)]), rng.uniform(-180, 180, count)
    at_the_date_line = rng.random(count) < 0.4
    return dataclasses.replace(
        side,
        lat=np.where(np.isnan(side.lat), np.nan, lat),
        lon=np.where(at_the_date_line, rng.choice([-180.0, -179.99, 179.99, 180.0, 0.0], count), lon),
        radius_km=np.where(np.isnan(side.radius_km), np.nan, rng.choice([0.0, 1.0, 30.0, 500.0, 9_000.0, 20_100.0, -1.0, np.inf], count)),
    )


def random_profile(seed: int, count: int) -> Profile:
    rng = np.random.default_rng(seed)
    low = np.where(rng.random(count) < 0.3, np.nan, rng.integers(0, 50, count) * 100.0)
    return Profile(
        skills=tuple(frozenset(rng.choice(WORDS, rng.integers(0, 4), replace=False).tolist()) for _ in range(count)),
        text=tuple(rng.choice(TEXTS, count).tolist()),
        themes=rng.integers(0, 8, count),
        volume=np.where(rng.random(count) < 0.3, np.nan, rng.integers(0, 6, count).astype(np.float64)),
        budget_low=low,
        budget_high=low + rng.integers(0, 2_000, count),
        published_on=np.where(rng.random(count) < 0.2, 0, 739_000 - rng.integers(0, 200, count)),
        occupation=rng.integers(-1, 8, count),
    )


def random_proximity(seed: int) -> Proximity:
    rng = np.random.default_rng(seed)
    near = np.triu(rng.random((8, 8)) < 0.2, 1)
    near |= near.T
    one, other = np.nonzero(near)
    return Proximity(np.concatenate(([0], np.cumsum(near.sum(axis=1)))), other, rng.choice([0.3, 0.5, 1.0], len(one)))


def random_context(seed: int, needs: int, offers: int) -> Context:
    rng = np.random.default_rng(seed)
    themes, met = int(rng.integers(0, 8)), rng.integers(1, 12, (5, 2))
    return Context(random_profile(seed + 1, needs), random_profile(seed + 2, offers), 739_000, themes, met, random_proximity(seed + 3))
