"""Candidates are exactly the pairs that the constraints allow, found here by a naive double loop."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.candidates import Missing, candidates, find_in_blocks, great_circle_km, why_none
from matchmaker.engine.constraints import Barred
from matchmaker.engine.problem import BadProblem
from tests.engine.sides import over_the_world, random_side

STEPS = ["category", "organisation", "never_with", "refused", "distance", "dates", "halfdays", "flags"]


def kilometres(a, i, b, j):
    """Spherical law of cosines, one pair at a time."""
    if math.isnan(a.lat[i]) or math.isnan(b.lat[j]):
        return math.nan
    p, q, turn = math.radians(a.lat[i]), math.radians(b.lat[j]), math.radians(b.lon[j] - a.lon[i])
    return 6371.0088 * math.acos(min(1.0, math.sin(p) * math.sin(q) + math.cos(p) * math.cos(q) * math.cos(turn)))


def reaches(a, i, b, j, km):
    areas = set(a.area[a.area_start[i] : a.area_start[i + 1]].tolist())
    homes = {home for home in b.home[j].tolist() if home >= 0}
    if math.isnan(a.radius_km[i]) and not areas:
        return True
    if not math.isnan(a.radius_km[i]) and (math.isnan(km) or km <= a.radius_km[i]):
        return True
    return bool(areas) and (not homes or bool(areas & homes))


def first_obstacle(needs, offers, i, j, refused, never):
    """The first constraint, in the order of STEPS, that forbids the pair; None for a candidate."""
    if needs.category[i] != offers.category[j]:
        return "category"
    own, other = int(needs.organisation[i]), int(offers.organisation[j])
    if own == other:
        return "organisation"
    if (own, other) in never or (other, own) in never:
        return "never_with"
    if (int(needs.id[i]), int(offers.id[j])) in refused:
        return "refused"
    km = kilometres(needs, i, offers, j)
    remote = needs.remote_share[i] == 100 or offers.remote_share[j] == 100
    if not remote and not (reaches(needs, i, offers, j, km) and reaches(offers, j, needs, i, km)):
        return "distance"
    if needs.starts[i] > offers.ends[j] or offers.starts[j] > needs.ends[i]:
        return "dates"
    if needs.halfdays[i] and offers.halfdays[j] and not needs.halfdays[i] & offers.halfdays[j]:
        return "halfdays"
    return "flags" if needs.required[i] & offers.denied[j] else None


def _world(seed, count):
    rng = np.random.default_rng(seed + 2)
    needs, offers = random_side(seed, count), random_side(seed + 1, count + 3)
    refused = np.stack((rng.choice(needs.id, 40), rng.choice(offers.id, 40)), axis=1)
    refused = np.concatenate((refused, [[-5, -6], [int(needs.id[0]), -6]]))
    return needs, offers, refused, rng.integers(1, 14, (6, 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_a_double_loop_finds_the_same_pairs(seed, count):
    needs, offers, refused, never_with = _world(seed, count)
    barred, never = set(map(tuple, refused.tolist())), set(map(tuple, never_with.tolist()))

    found = candidates(needs, offers, refused=refused, never_with=never_with)

    expected = [(i, j) for i in range(len(needs.id)) for j in range(len(offers.id)) if first_obstacle(needs, offers, i, j, barred, never) is None]
    assert list(zip(found.need.tolist(), found.offer.tolist(), strict=True)) == expected
    for k, (i, j) in enumerate(expected):
        km = kilometres(needs, i, offers, j)
        assert math.isnan(km) == math.isnan(found.distance_km[k]) == bool(found.missing[k] & Missing.DISTANCE)
        assert math.isnan(km) or abs(km - found.distance_km[k]) < 0.01
        assert bool(found.missing[k] & Missing.HALFDAYS) == (needs.halfdays[i] == 0 or offers.halfdays[j] == 0)
        to_check = int(needs.required[i]) & ~int(offers.held[j])
        assert bool(found.missing[k] & Missing.FLAGS) == (to_check != 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 15))
def test_why_none_counts_each_offer_at_its_first_obstacle(seed, count):
    needs, offers, refused, never_with = _world(seed, count)
    barred, never = set(map(tuple, refused.tolist())), set(map(tuple, never_with.tolist()))

    for i in range(count):
        told = why_none(needs, offers, i, refused=refused, never_with=never_with)

        obstacles = [first_obstacle(needs, offers, i, j, barred, never) for j in range(len(offers.id))]
        assert told.removed == {step: obstacles.count(step) for step in STEPS}
        assert told.left == obstacles.count(None)
        distances = [kilometres(needs, i, offers, j) for j, obstacle in enumerate(obstacles) if obstacle not in ("category", "organisation")]
        distances = [km for km in distances if not math.isnan(km)]
        assert (told.nearest_km is None) == (not distances)
        assert told.nearest_km is None or abs(told.nearest_km - min(distances)) < 0.01


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 40), st.booleans())
def test_the_compiled_search_finds_the_same_pairs_at_the_same_distances(seed, count, wide):
    nearby = pytest.importorskip("matchmaker.engine.nearby")
    needs, offers, refused, never_with = _world(seed, count) if count else (random_side(1, 0), random_side(seed, 9), None, None)
    if wide:
        needs, offers = over_the_world(needs, seed), over_the_world(offers, seed + 1)
    barred = Barred(refused, never_with)

    plain, compiled = find_in_blocks(needs, offers, barred), nearby.find(needs, offers, barred)

    for name, values in vars(plain).items():
        assert values.dtype == getattr(compiled, name).dtype
        assert np.array_equal(values, getattr(compiled, name), equal_nan=name == "distance_km"), name


def test_small_tables_that_are_compiled_all_the_same_have_the_same_candidates(monkeypatch):
    needs, offers = random_side(1, 60), random_side(2, 60)
    plain = candidates(needs, offers)

    monkeypatch.setattr("matchmaker.engine.candidates._CELLS_TO_COMPILE", 0)
    compiled = candidates(needs, offers)

    assert len(plain.need) > 0
    for name, values in vars(plain).items():
        assert np.array_equal(values, getattr(compiled, name), equal_nan=name == "distance_km")


def test_large_tables_are_cut_into_blocks_without_a_difference(monkeypatch):
    needs, offers = random_side(1, 60), random_side(2, 60)
    whole = candidates(needs, offers)

    monkeypatch.setattr("matchmaker.engine.candidates._BLOCK_CELLS", 40)
    cut = candidates(needs, offers)

    assert len(whole.need) > 0
    for name, values in vars(whole).items():
        assert np.array_equal(values, getattr(cut, name), equal_nan=name == "distance_km")


def test_an_empty_side_has_no_candidate():
    some, none = random_side(1, 5), random_side(1, 0)

    for needs, offers in ((some, none), (none, some), (none, none)):
        assert len(candidates(needs, offers).need) == 0
    assert why_none(some, none, 0).nearest_km is None


def test_a_table_that_contradicts_itself_is_refused():
    side = random_side(1, 3)

    with pytest.raises(BadProblem, match="need: lat has 2 rows for 3 ids"):
        candidates(dataclasses.replace(side, lat=side.lat[:2]), side)
    with pytest.raises(BadProblem, match="offer: an id is given twice"):
        candidates(side, dataclasses.replace(side, id=np.array([4, 4, 5])))


def test_distances_are_those_of_the_sphere():
    quarter = great_circle_km(np.float64(0), np.float64(0), np.float64(90), np.float64(0))

    assert float(quarter) == pytest.approx(6371.0088 * math.pi / 2)
    assert float(great_circle_km(np.float64(12), np.float64(34), np.float64(12), np.float64(34))) == 0
