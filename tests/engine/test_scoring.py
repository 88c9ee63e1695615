"""Scores are what their criteria say, and their points add up."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.candidates import OPEN_END, OPEN_START, candidates
from matchmaker.engine.criteria import Pairs
from matchmaker.engine.problem import BadProblem
from matchmaker.engine.relevance import judged, relevant
from matchmaker.engine.scoring import CRITERIA, Context, Profile, Proximity, displayed, points, score, score_by_criteria
from tests.engine.sides import random_context, random_side

NAMES = [criterion.name for criterion in CRITERIA]
weight_sets = st.one_of(st.none(), st.dictionaries(st.sampled_from(NAMES), st.floats(0.001, 10), min_size=1))


def _scored(seed, count, weights=None):
    needs, offers = random_side(seed, count), random_side(seed + 1, count)
    return score(candidates(needs, offers), needs, offers, random_context(seed, count, count), weights)


def _one_pair(need=None, offer=None, need_profile=None, offer_profile=None, **context):
    """Criterion → (value, unknown) for a single pair of which everything is unknown unless given."""
    blank = random_side(1, 1)
    side = dataclasses.replace(
        blank, organisation=np.array([1]), category=np.array([0]), lat=np.array([49.0]), lon=np.array([0.0]), radius_km=np.array([np.nan]),
        halfdays=np.array([0]), starts=np.array([OPEN_START]), ends=np.array([OPEN_END]), required=np.array([0]), denied=np.array([0]),
        remote_share=np.array([0]), home=np.array([[-1]]), area_start=np.array([0, 0]), area=np.zeros(0, dtype=np.int64),
    )  # fmt: skip
    unknown = np.array([np.nan])
    profile = Profile((frozenset(),), ("",), np.array([0]), unknown, unknown, unknown, np.array([0]), np.array([-1]))
    needs = dataclasses.replace(side, **{name: np.array([value]) for name, value in (need or {}).items()})
    offers = dataclasses.replace(side, **{"organisation": np.array([2])} | {name: np.array([value]) for name, value in (offer or {}).items()})

    def filled(given):
        return dataclasses.replace(profile, **{name: (value,) if name in ("skills", "text") else np.array([value]) for name, value in (given or {}).items()})

    defaults = {"today": 739_000, "territory_themes": 0, "met": np.zeros((0, 2), dtype=np.int64)}
    scored = score(candidates(needs, offers), needs, offers, Context(filled(need_profile), filled(offer_profile), **(defaults | context)))
    return {name: (round(float(scored.parts[0, k]), 4), bool(scored.unknown[0, k])) for k, name in enumerate(NAMES)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 25), weight_sets)
def test_totals_are_the_weighted_sums_and_stay_in_range(seed, count, weights):
    scored = _scored(seed, count, weights)

    shares = np.array([(weights or {}).get(criterion.name, criterion.default_weight) for criterion in CRITERIA])
    shares /= shares.sum()
    assert np.all((scored.parts >= 0) & (scored.parts <= 1))
    assert np.all(scored.parts[scored.unknown] == 0.5)
    assert np.all((scored.total >= 1) & (scored.total <= 1_000_000))
    assert np.all(np.abs(scored.total - np.maximum(1, scored.parts @ shares * 1e6)) <= 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), weight_sets)
def test_the_points_of_a_scored_pair_sum_to_its_displayed_score(seed, count, weights):
    scored = _scored(seed, count, weights)

    for total, row in zip(scored.total.tolist(), scored.parts, strict=True):
        assert sum(earned for _, earned, _ in points(row, weights)) == displayed(total)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1)), min_size=len(CRITERIA), max_size=len(CRITERIA)), weight_sets)
def test_no_criterion_earns_more_than_its_most(row, weights):
    broken_down = points(np.array(row), weights)

    assert [criterion for criterion, _, _ in broken_down] == list(CRITERIA)
    assert sum(most for _, _, most in broken_down) == 100
    assert all(0 <= earned <= most for _, earned, most in broken_down)


def test_a_pair_scores_the_same_whatever_stands_beside_it():
    needs, offers, context = random_side(3, 20), random_side(4, 20), random_context(3, 20, 20)
    found = candidates(needs, offers)
    whole = score(found, needs, offers, context)

    half = dataclasses.replace(found, **{name: values[::2] for name, values in vars(found).items()})
    assert score(half, needs, offers, context).total.tolist() == whole.total[::2].tolist()


def test_no_candidate_has_no_score():
    none = random_side(1, 0)
    scored = score(candidates(none, none), none, none, random_context(1, 0, 0))

    assert scored.total.shape == (0,)
    assert scored.parts.shape == (0, len(CRITERIA))


def test_what_is_unknown_counts_half_and_is_marked():
    values = _one_pair(need={"lat": np.nan})

    assert all(values[name] == (0.5, True) for name in NAMES if name != "never_met")
    assert values["never_met"] == (1.0, False)


def test_skills_are_the_share_of_what_is_asked_without_regard_to_accents():
    asked, given = {"skills": frozenset({"Éco-conception", "paie"})}, {"skills": frozenset({"eco-conception ", "vente"})}

    assert _one_pair(need_profile=asked, offer_profile=given)["skills"] == (0.5, False)
    assert _one_pair(need_profile=asked, offer_profile={"skills": frozenset({"vente"})})["skills"] == (0.0, False)


def test_texts_meet_by_their_stems():
    near = _one_pair(need_profile={"text": "Réparer des vélos"}, offer_profile={"text": "La réparation du vélo"})

    assert near["text"] == (1.0, False)


def test_distance_goes_down_to_the_lesser_radius_and_is_nothing_for_remote_work():
    tenth = {"lat": 49.1}  # 11.12 km north

    assert _one_pair(offer=tenth)["distance"] == (round(1 - 11.11949 / 50, 4), False)
    assert _one_pair(need={"radius_km": 20.0}, offer=tenth | {"radius_km": 30.0})["distance"] == (round(1 - 11.11949 / 20, 4), False)
    assert _one_pair(need={"lat": np.nan, "remote_share": 100})["distance"] == (1.0, False)


def test_themes_count_when_they_are_priorities_of_the_territory():
    assert _one_pair(need_profile={"themes": 6}, offer_profile={"themes": 2}, territory_themes=3)["themes"] == (1.0, False)
    assert _one_pair(need_profile={"themes": 6}, offer_profile={"themes": 8}, territory_themes=3)["themes"] == (0.5, False)
    assert _one_pair(need_profile={"themes": 4}, territory_themes=3)["themes"] == (0.0, False)
    assert _one_pair(need_profile={"themes": 4})["themes"] == (0.5, True)


def test_availability_is_the_share_of_the_need_that_is_covered():
    assert _one_pair(need={"halfdays": 0b1111}, offer={"halfdays": 0b0001})["availability"] == (0.25, False)
    assert _one_pair(need={"starts": 739_000, "ends": 739_009}, offer={"starts": 739_005})["availability"] == (0.5, False)
    both = _one_pair(need={"halfdays": 0b11, "starts": 739_000, "ends": 739_009}, offer={"halfdays": 0b11, "starts": 739_005})
    assert both["availability"] == (0.75, False)
    assert _one_pair(need={"starts": 739_000})["availability"] == (0.5, True)


def test_volume_and_budget_fit_by_their_ratio():
    assert _one_pair(need_profile={"volume": 4.0}, offer_profile={"volume": 1.0})["volume"] == (0.25, False)
    assert _one_pair(need_profile={"volume": 0.0}, offer_profile={"volume": 0.0})["volume"] == (1.0, False)
    assert _one_pair(need_profile={"volume": 4.0})["volume"] == (0.5, True)
    band = {"budget_low": 100.0, "budget_high": 200.0}
    assert _one_pair(need_profile=band, offer_profile={"budget_low": 200.0, "budget_high": 900.0})["budget"] == (1.0, False)
    assert _one_pair(need_profile=band, offer_profile={"budget_low": 800.0, "budget_high": 900.0})["budget"] == (0.25, False)


def test_fresh_declarations_and_new_acquaintances_come_first():
    assert _one_pair(need_profile={"published_on": 739_000}, offer_profile={"published_on": 738_955})["freshness"] == (0.5, False)
    assert _one_pair(need_profile={"published_on": 739_000}, offer_profile={"published_on": 738_000})["freshness"] == (0.0, False)
    assert _one_pair(met=np.array([[2, 1], [7, 8]]))["never_met"] == (0.0, False)


def test_occupations_are_near_as_the_table_says_and_nearest_to_themselves():
    table = Proximity(np.array([0, 1, 1, 1]), np.array([1]), np.array([0.25]))

    def value(one, other, proximity=table):
        return _one_pair(need_profile={"occupation": one}, offer_profile={"occupation": other}, occupation_proximity=proximity)["occupation"]

    assert [value(0, 1), value(1, 1), value(0, 2), value(1, 0)] == [(0.25, False), (1.0, False), (0.0, False), (0.0, False)]
    assert value(-1, 1) == value(1, -1) == value(1, 1, None) == (0.5, True)


def test_near_occupations_are_one_subject_and_others_are_not():
    needs, offers = random_side(3, 40), random_side(4, 40)
    found = candidates(needs, offers)
    context = random_context(3, 40, 40)
    silent = [dataclasses.replace(profile, skills=(frozenset(),) * 40, text=("",) * 40) for profile in (context.needs, context.offers)]
    scored = score(found, needs, offers, dataclasses.replace(context, needs=silent[0], offers=silent[1]))
    occupation = NAMES.index("occupation")

    keep = relevant(scored, np.ones(len(found.need), dtype=bool))

    assert keep.tolist() == (scored.unknown[:, occupation] | (scored.parts[:, occupation] > 0)).tolist()
    assert 0 < keep.sum() < len(keep)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 40), weight_sets)
def test_the_compiled_criteria_give_the_same_values_and_totals(seed, count, weights):
    judging = pytest.importorskip("matchmaker.engine.judging")
    needs, offers, context = random_side(seed, count), random_side(seed + 1, count), random_context(seed, count, count)
    found = candidates(needs, offers)
    shares = np.array([(weights or {}).get(criterion.name, criterion.default_weight) for criterion in CRITERIA])
    shares /= shares.sum()

    plain = score_by_criteria(Pairs(found, needs, offers, context), shares)
    total, parts, unknown = judging.judge(found, *judging.facts(needs, offers, context, shares))

    assert np.array_equal(unknown, plain.unknown)
    assert np.array_equal(parts, plain.parts)
    assert np.array_equal(total, plain.total)


def test_a_need_with_more_pairs_than_are_taken_together_scores_as_any_other():
    kernel, judging = pytest.importorskip("matchmaker.engine.judging_kernel"), pytest.importorskip("matchmaker.engine.judging")
    needs, offers, context = random_side(1, 3), random_side(2, 12_000), random_context(1, 3, 12_000)
    found, shares = candidates(needs, offers), np.full(len(CRITERIA), 1 / len(CRITERIA))
    assert np.bincount(found.need).max() > kernel.ROOM

    total, parts, unknown = judging.judge(found, *judging.facts(needs, offers, context, shares))

    plain = score_by_criteria(Pairs(found, needs, offers, context), shares)
    assert np.array_equal(unknown, plain.unknown)
    assert np.array_equal(parts, plain.parts)
    assert np.array_equal(total, plain.total)


@pytest.mark.parametrize("at_least", [1, 10**9])
def test_scores_and_relevance_part_by_part_are_those_of_the_whole(monkeypatch, at_least):
    monkeypatch.setattr("matchmaker.engine.scoring._PAIRS_TO_COMPILE", at_least)
    monkeypatch.setattr("matchmaker.engine.scoring._PART", 50)
    needs, offers, context = random_side(7, 60), random_side(8, 60), random_context(7, 60, 60)
    found, by_words = candidates(needs, offers), np.array([True, False, True, False])

    scored = score(found, needs, offers, context, {"text": 0.4})
    total, keep = judged(found, needs, offers, context, by_words, {"text": 0.4})

    assert len(total) > 100
    assert total.tolist() == scored.total.tolist()
    assert keep.tolist() == relevant(scored, by_words[needs.category[found.need]]).tolist()


@pytest.mark.parametrize("weights", [{"charm": 1.0}, {"skills": -1.0}, {"skills": float("nan")}, dict.fromkeys(NAMES, 0.0)])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(BadProblem):
        points(np.ones(len(CRITERIA)), weights)
