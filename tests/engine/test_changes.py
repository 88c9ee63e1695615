"""Every change that is proposed serves the need when all is computed anew, and a smaller one of its kind does not."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.assignment import assign
from matchmaker.engine.candidates import OPEN_END, OPEN_START, candidates
from matchmaker.engine.changes import Inputs, Kind, smallest_changes
from matchmaker.engine.problem import Objective, Problem
from matchmaker.engine.relevance import relevant
from matchmaker.engine.scoring import score
from tests.engine.sides import random_context, random_side
from tests.engine.test_explanation import world

PROVEN = [Objective.SCORE, Objective.SERVED_FIRST]


def problem_from(inputs, need_capacity, offer_capacity):
    """The problem as a run makes it."""
    found = candidates(inputs.needs, inputs.offers, refused=inputs.refused, never_with=inputs.never_with)
    scored = score(found, inputs.needs, inputs.offers, inputs.context, inputs.weights)
    keep = np.flatnonzero(relevant(scored, inputs.by_words[inputs.needs.category[found.need]]))
    return Problem(
        need=found.need[keep], offer=found.offer[keep], score=scored.total[keep], need_capacity=need_capacity, offer_capacity=offer_capacity,
        locked=np.zeros(keep.size, bool), need_id=inputs.needs.id, offer_id=inputs.offers.id,
    )  # fmt: skip


def random_inputs(seed, count):
    rng = np.random.default_rng(seed)
    needs, offers = random_side(seed, count), random_side(seed + 1, count)
    if seed % 2:  # distances decide: all near each other, needs that do not look far, offers that do
        needs = dataclasses.replace(needs, remote_share=np.zeros(count, int), category=needs.category % 2, radius_km=rng.integers(5, 30, count).astype(float))
        offers = dataclasses.replace(offers, remote_share=np.zeros(count, int), category=offers.category % 2, radius_km=np.full(count, 90.0))
    refused = np.stack((rng.choice(needs.id, 4), rng.choice(offers.id, 4)), axis=1)
    weights = {"availability": float(rng.integers(0, 4)), "distance": 0.5}
    inputs = Inputs(needs, offers, random_context(seed, count, count), rng.random(4) < 0.5, refused, rng.integers(1, 12, (2, 2)), weights)
    return inputs, rng.integers(1, 3, count).astype(np.int32), rng.integers(0, 2, count).astype(np.int32)


def with_need(inputs, row, **columns):
    changed = {name: getattr(inputs.needs, name).copy() for name in columns}
    for name, value in columns.items():
        changed[name][row] = value
    return dataclasses.replace(inputs, needs=dataclasses.replace(inputs.needs, **changed))


def surely_serves(problem, row, objective):
    """Whether the best answer with the need is better than the best one without it."""

    def best(capacity):
        other = dataclasses.replace(problem, need_capacity=capacity)
        answer = assign(other, objective)
        served = len(np.unique(problem.need[answer.chosen])) if objective is Objective.SERVED_FIRST else 0
        return (served, answer.value), bool(np.any(answer.chosen & (problem.need == row)))

    without = problem.need_capacity.copy()
    without[row] = 0
    return best(problem.need_capacity)[0] > best(without)[0]


def applied(inputs, capacity, row, change):
    """The inputs and the capacities of offers after the change."""
    needs = inputs.needs
    if change.kind is Kind.CAPACITY:
        assert capacity[change.place_at] == change.before
        return inputs, np.where(np.arange(len(capacity)) == change.place_at, int(change.after), capacity).astype(np.int32)
    if change.kind is Kind.DATES:
        starts, ends = int(needs.starts[row]), int(needs.ends[row])
        moved = {"starts": starts if starts == OPEN_START else starts + int(change.after), "ends": ends if ends == OPEN_END else ends + int(change.after)}
        return with_need(inputs, row, **moved), capacity
    column = {Kind.RADIUS: "radius_km", Kind.HALFDAYS: "halfdays", Kind.FLAGS: "required"}[change.kind]
    assert getattr(needs, column)[row] == change.before
    return with_need(inputs, row, **{column: change.after}), capacity


def unserved(problem, answer):
    return [i for i in range(len(problem.need_id)) if problem.need_capacity[i] and not np.any(answer.chosen & (problem.need == i))]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 14), st.sampled_from(PROVEN))
def test_changes_serve_and_lesser_ones_do_not(seed, count, objective):
    inputs, asked, places = random_inputs(seed, count)
    problem = problem_from(inputs, asked, places)
    answer = assign(problem, objective)

    for row in unserved(problem, answer)[:3]:
        changes = smallest_changes(problem, answer, inputs, row, objective=objective, most_km=150, most_days=12, most_offers=99)

        assert [change.size for change in changes] == sorted(change.size for change in changes)
        for change in changes:
            other, room = applied(inputs, places, row, change)
            again = problem_from(other, asked, room)
            best = assign(again, objective)
            assert best.value - answer.value == change.gain
            assert surely_serves(again, row, objective)
            assert np.any((again.need == row) & (again.offer == change.offer_row))
        kinds = {kind: [change for change in changes if change.kind is kind] for kind in Kind}
        serves = {
            kind: [value for value in values if surely_serves(problem_from(with_need(inputs, row, **columns(value)), asked, places), row, objective)]
            for kind, (values, columns) in alternatives_of(inputs, row, kinds).items()
        }
        assert sorted(serves[Kind.HALFDAYS]) == sorted(change.after for change in kinds[Kind.HALFDAYS])
        assert sorted(serves[Kind.FLAGS]) == sorted(change.after for change in kinds[Kind.FLAGS])
        assert serves[Kind.RADIUS] == []
        assert serves[Kind.DATES] == []
        near = sorted(set(problem.offer[problem.need == row].tolist()))
        more = [np.where(np.arange(count) == j, places + 1, places).astype(np.int32) for j in near]
        helped = [j for j, room in zip(near, more, strict=True) if surely_serves(dataclasses.replace(problem, offer_capacity=room), row, objective)]
        assert helped == sorted(change.place_at for change in kinds[Kind.CAPACITY])


def alternatives_of(inputs, row, kinds):
    """For each kind, the values that the answer must have tried: all bits, and what is smaller than the change that was found."""
    needs = inputs.needs
    halfdays, required, radius = int(needs.halfdays[row]), int(needs.required[row]), needs.radius_km[row]
    starts, ends = int(needs.starts[row]), int(needs.ends[row])
    fixed = starts == OPEN_START and ends == OPEN_END
    found_km = kinds[Kind.RADIUS][0].after if kinds[Kind.RADIUS] else 151
    found_days = abs(kinds[Kind.DATES][0].after) if kinds[Kind.DATES] else 13
    return {
        Kind.HALFDAYS: ([halfdays | 1 << k for k in range(10) if halfdays and not halfdays >> k & 1], lambda mask: {"halfdays": mask}),
        Kind.FLAGS: ([required & ~(1 << k) for k in range(3) if required >> k & 1], lambda mask: {"required": mask}),
        Kind.RADIUS: ([] if np.isnan(radius) or found_km - 1 <= radius else [found_km - 1], lambda km: {"radius_km": km}),
        Kind.DATES: (
            [] if fixed else [sign * days for days in range(1, found_days) for sign in (1, -1)],
            lambda days: {"starts": starts if starts == OPEN_START else starts + days, "ends": ends if ends == OPEN_END else ends + days},
        ),
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 10), st.sampled_from([Objective.GENEROUS, Objective.STABLE]))
def test_the_other_objectives_are_explained_too(seed, count, objective):
    inputs, asked, places = random_inputs(seed, count)
    problem = problem_from(inputs, asked, places)
    answer = assign(problem, objective)

    for row in unserved(problem, answer)[:2]:
        for change in smallest_changes(problem, answer, inputs, row, objective=objective, most_days=5):
            other, room = applied(inputs, places, row, change)
            again = problem_from(other, asked, room)
            assert np.any((again.need == row) & (again.offer == change.offer_row))
            assert assign(again, objective).value - answer.value == change.gain


def alone(need=None, **columns):
    """The changes proposed to one need that meets two offers, with a place each."""
    needs, offers = world(need, **columns)
    context = dataclasses.replace(random_context(1, 1, 2), met=np.zeros((0, 2), int))
    inputs = Inputs(needs, offers, context, np.zeros(1, bool))
    one, two = np.ones(1, np.int32), np.ones(2, np.int32)
    problem = problem_from(inputs, one, two)
    return [(change.kind, change.before, change.after, change.offer_row) for change in smallest_changes(problem, assign(problem), inputs, 0)]


def test_one_thing_in_the_way_is_named():
    assert alone(lat=[49.3, 49.5], radius_km=[90.0, 90.0]) == [(Kind.RADIUS, 30.0, 34, 0)]
    assert alone(halfdays=[0b100, 0b1000]) == [(Kind.HALFDAYS, 0b11, 0b111, 0), (Kind.HALFDAYS, 0b11, 0b1011, 1)]
    assert alone({"required": [0b10]}, denied=[0b10, 0b10])[0][:3] == (Kind.FLAGS, 0b10, 0)
    days = {"starts": [739_000], "ends": [739_009]}
    assert alone(days, starts=[739_012, 739_040], ends=[739_030, 739_050]) == [(Kind.DATES, 0, 3, 0)]
    assert alone(days, starts=[738_900, 738_900], ends=[738_999, 738_900]) == [(Kind.DATES, 0, -1, 0)]


def test_nothing_is_proposed_when_nothing_helps():
    assert alone(lat=[49.3, 49.5]) == []  # the offers do not come that far
    assert alone(category=[1, 1]) == []
    assert alone(lat=[49.3, 49.5], radius_km=[90.0, 90.0], halfdays=[0b100, 0b100]) == []  # two things at once


def test_a_place_more_at_a_disputed_offer_is_proposed():
    needs, offers = random_side(1, 2), random_side(2, 1)
    needs = dataclasses.replace(needs, category=np.zeros(2, int), radius_km=np.full(2, np.nan), organisation=np.array([1, 2]), required=np.zeros(2, int))
    needs = dataclasses.replace(needs, area_start=np.zeros(3, int), area=np.zeros(0, int), halfdays=np.zeros(2, int), starts=np.full(2, OPEN_START))
    offers = dataclasses.replace(offers, category=np.zeros(1, int), radius_km=np.full(1, np.nan), organisation=np.array([3]), starts=np.full(1, OPEN_START))
    needs = dataclasses.replace(needs, ends=np.full(2, OPEN_END))
    offers = dataclasses.replace(offers, ends=np.full(1, OPEN_END), area_start=np.zeros(2, int), area=np.zeros(0, int))
    inputs = Inputs(needs, offers, random_context(1, 2, 1), np.zeros(1, bool))
    problem = problem_from(inputs, np.ones(2, np.int32), np.ones(1, np.int32))
    answer = assign(problem)
    (row,) = unserved(problem, answer)

    (change,) = smallest_changes(problem, answer, inputs, row)

    assert (change.kind, change.before, change.after, change.offer_row, change.place_at) == (Kind.CAPACITY, 1, 2, 0, 0)
    assert change.gain == int(problem.score[problem.need == row][0])


def test_a_place_for_which_others_are_as_good_is_not_proposed():
    one, offers = world(offers=1)
    fixed = {"id", "organisation", "area_start", "area"}
    same = {name: np.repeat(values, 3, axis=0) for name, values in vars(one).items() if name not in fixed}
    needs = dataclasses.replace(one, id=np.arange(3), organisation=np.arange(3), area_start=np.zeros(4, int), **same)
    alike = random_context(1, 1, 1).needs
    profile = {name: values * 3 if isinstance(values, tuple) else np.repeat(values, 3) for name, values in vars(alike).items()}
    context = dataclasses.replace(random_context(1, 3, 1), needs=dataclasses.replace(alike, **profile), met=np.zeros((0, 2), int))
    inputs = Inputs(needs, offers, context, np.zeros(1, bool))
    problem = problem_from(inputs, np.ones(3, np.int32), np.ones(1, np.int32))
    answer = assign(problem)

    assert len(set(problem.score.tolist())) == 1
    assert [smallest_changes(problem, answer, inputs, row) for row in unserved(problem, answer)] == [[], []]


def test_a_served_need_asks_for_no_change():
    needs, offers = world()
    inputs = Inputs(needs, offers, random_context(1, 1, 2), np.zeros(1, bool))
    problem = problem_from(inputs, np.ones(1, np.int32), np.ones(2, np.int32))

    with pytest.raises(ValueError, match="is served, or asks for nobody"):
        smallest_changes(problem, assign(problem), inputs, 0)
