"""The nearest possible offer, against a double loop; coverage and groups on small worlds counted by hand."""

import math

import numpy as np
import pytest

from matchmaker.engine import clusters, supply
from matchmaker.engine.clusters import Links
from matchmaker.engine.reach import most_reached
from matchmaker.engine.scoring import Context, Profile
from matchmaker.engine.sides import Side, great_circle_km
from tests.engine.sides import random_side

WORDLESS = np.zeros(8, dtype=np.bool_)


def blank(count: int) -> Profile:
    nothing = np.full(count, np.nan)
    zeros = np.zeros(count, dtype=np.int64)
    return Profile(
        skills=(frozenset(),) * count,
        text=("",) * count,
        themes=zeros,
        volume=nothing,
        budget_low=nothing,
        budget_high=nothing,
        published_on=zeros,
        occupation=None,
    )


def context(needs: Side, offers: Side) -> Context:
    return Context(blank(len(needs.id)), blank(len(offers.id)), 738000, 0, np.zeros((0, 2), dtype=np.int64), None)


def by_hand(needs: Side, offers: Side, row: int) -> float:
    """How far the nearest offer is that nothing rules out."""
    best = math.inf
    for other in range(len(offers.id)):
        is_out = needs.category[row] != offers.category[other] or needs.organisation[row] == offers.organisation[other]
        if is_out or needs.required[row] & offers.denied[other]:
            continue
        if needs.remote_share[row] == 100 or offers.remote_share[other] == 100:
            return 0.0
        km = float(great_circle_km(needs.lat[row], needs.lon[row], offers.lat[other], offers.lon[other]))
        best = min(best, math.inf if math.isnan(km) else km)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_a_double_loop_finds_the_same_nearest_offers(seed):
    rng = np.random.default_rng(seed)
    needs, offers = random_side(rng, 30), random_side(rng, 50)

    found = supply.nearest_possible(needs, offers, context(needs, offers), WORDLESS)

    expected = np.array([by_hand(needs, offers, row) for row in range(30)])
    np.testing.assert_allclose(found.distance_km, expected, atol=1e-6)
    assert ((found.offer >= 0) == np.isfinite(expected)).all()


def test_only_the_nearest_offers_of_a_category_are_read_and_the_nearest_is_among_them(monkeypatch):
    rng = np.random.default_rng(9)
    needs, offers = random_side(rng, 20), random_side(rng, 60)
    whole = supply.nearest_possible(needs, offers, context(needs, offers), WORDLESS)
    monkeypatch.setattr(supply, "LOOKED_AT", 2)
    monkeypatch.setattr(supply, "_NEEDS_AT_ONCE", 3)

    few = supply.nearest_possible(needs, offers, context(needs, offers), WORDLESS)

    np.testing.assert_allclose(few.distance_km, whole.distance_km)


def test_nothing_is_near_nothing():
    rng = np.random.default_rng(1)
    needs, none = random_side(rng, 3), random_side(rng, 0)

    found = supply.nearest_possible(needs, none, context(needs, none), WORDLESS)

    assert found.offer.tolist() == [-1, -1, -1]
    assert np.isinf(found.distance_km).all()


def test_each_place_adds_the_most_that_is_left_and_none_adds_nothing():
    within = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0], [0, 0, 0, 1, 1, 0]], dtype=np.bool_)

    assert [(one.row, one.gain, one.new.tolist()) for one in most_reached(within)] == [(0, 3, [0, 1, 2]), (2, 2, [3, 4])]
    already = np.array([1, 1, 1, 0, 1, 0], dtype=np.bool_)
    assert [(one.row, one.gain) for one in most_reached(within, already=already)] == [(1, 1)]
    assert most_reached(np.zeros((0, 4), dtype=np.bool_)) == []
    assert most_reached(within, most=1)[0].row == 0


def test_the_first_place_is_the_best_there_is():
    rng = np.random.default_rng(4)
    for _ in range(20):
        within = rng.random((7, 30)) < 0.3
        assert most_reached(within)[0].gain == within.sum(axis=1).max()


def two_villages() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five structures around Flers that share a theme, five around Caen that share another, and one that shares none."""
    lat = np.array([48.74, 48.75, 48.76, 48.74, 48.75, 49.18, 49.19, 49.20, 49.18, 49.19, 48.75])
    lon = np.array([-0.56, -0.57, -0.56, -0.55, -0.58, -0.37, -0.36, -0.38, -0.35, -0.37, -0.56])
    return lat, lon, np.array([1] * 5 + [2] * 5 + [4])


def test_two_villages_are_two_groups_the_same_each_time():
    graph = clusters.graph_of(11, clusters.near_links(*two_villages(), reach_km=30))

    found = clusters.groups(graph, smallest=4, seed=2026)

    assert found == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert clusters.groups(graph, smallest=4, seed=2026) == found
    places = clusters.laid_out(graph, found[0], seed=2026)
    assert places == clusters.laid_out(graph, found[0], seed=2026)
    assert all(0 <= part <= 1 for place in places for part in place)


def test_a_cooperation_brings_who_shares_no_theme_into_a_group():
    work = Links(np.array([0, 1]), np.array([10, 10]), np.array([3.0, 3.0]))
    graph = clusters.graph_of(11, work, clusters.near_links(*two_villages(), reach_km=30))

    assert clusters.groups(graph, smallest=4, seed=2026)[0] == [0, 1, 2, 3, 4, 10]


def test_who_has_no_point_or_no_theme_has_no_such_link():
    lat, lon, themes = two_villages()
    lat[0], themes[1] = np.nan, 0

    near = clusters.near_links(lat, lon, themes, reach_km=30)

    assert not {0, 1} & {*near.one.tolist(), *near.other.tolist()}
    assert len(clusters.near_links(lat[:1], lon[:1], themes[:1], reach_km=30).one) == 0
    assert clusters.groups(clusters.graph_of(0), smallest=2, seed=1) == []
