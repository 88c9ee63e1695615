"""Learned rates: priors first, then what was seen; never falling where they must not fall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchmaker.engine.problem import BadProblem
from matchmaker.engine.rates import ACCEPT_PRIOR, BINS, acceptance_by_score, answer_posterior, explored, platform_mean, worth_learning

counts = st.integers(0, 60)


def rate(answered, silent, load=0.0, mean=0.3):
    return float(answer_posterior(np.array([float(answered)]), np.array([float(silent)]), np.array([load]), mean=mean).mean[0])


@given(counts, counts, st.floats(0, 5), st.floats(0.05, 0.95))
def test_an_answer_raises_the_rate_and_a_silence_or_a_load_lowers_it(answered, silent, load, mean):
    now = rate(answered, silent, load, mean)

    assert rate(answered, silent + 1, load, mean) < now < rate(answered + 1, silent, load, mean)
    assert rate(answered, silent, load + 1, mean) < now


def test_a_newcomer_starts_at_the_mean_of_the_platform():
    assert rate(0, 0, mean=0.42) == pytest.approx(0.42)


def test_the_mean_is_worth_three_propositions():
    assert rate(3, 0, mean=0.5) == pytest.approx((1.5 + 3) / 6)


def test_the_platform_starts_at_its_prior_and_ends_at_what_was_seen():
    assert platform_mean(np.zeros(0), np.zeros(0)) == 0.3
    assert platform_mean(np.array([6_000.0]), np.array([4_000.0])) == pytest.approx(0.6, abs=0.002)


def test_a_silent_organisation_gets_the_mean_again_after_a_quarter_and_a_good_one_keeps_its_own():
    posterior = answer_posterior(np.array([0.0, 9.0]), np.array([9.0, 0.0]), np.zeros(2), mean=0.3)

    answer, exploring = explored(posterior, np.array([60, 60]), mean=0.3)

    assert exploring.tolist() == [True, False]
    assert answer.tolist() == pytest.approx([0.3, posterior.mean[1]])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 600))
def test_a_better_score_is_never_less_likely_to_succeed(seed, count):
    rng = np.random.default_rng(seed)
    found = acceptance_by_score(rng.integers(1, 1_000_001, count), rng.random(count) < rng.random(), prior=ACCEPT_PRIOR)

    rates = found.at(np.arange(1, 1_000_001, 9_973))

    assert np.all(np.diff(rates) >= 0)
    assert rates[0] >= 0
    assert rates[-1] <= 1


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 300))
def test_one_more_success_never_lowers_a_rate(seed, count):
    rng = np.random.default_rng(seed)
    score, succeeded = rng.integers(1, 1_000_001, count), rng.random(count) < 0.4
    more = succeeded.copy()
    more[rng.integers(count)] = True

    assert np.all(acceptance_by_score(score, more, prior=ACCEPT_PRIOR).rate >= acceptance_by_score(score, succeeded, prior=ACCEPT_PRIOR).rate - 1e-12)


def test_the_prior_gives_way_to_what_is_seen_at_two_hundred_outcomes():
    """All in the last bin, one in two succeeds: the prior counts as ten outcomes at a hundred, as one at two hundred."""
    score = np.full(200, 950_000)
    succeeded = np.arange(200) % 2 == 0

    half = acceptance_by_score(score[:100], succeeded[:100], prior=(0.1, 0.1)).rate[-1]
    all_of_it = acceptance_by_score(score, succeeded, prior=(0.1, 0.1)).rate[-1]

    assert half == pytest.approx((10 * 0.1 + 50) / 110)
    assert all_of_it == pytest.approx((0.1 + 100) / 201)


def test_bins_that_contradict_the_order_are_merged():
    """Nine of ten at a low score, one of ten at a high one: both get the mean of the two, weighed by what is known of them."""
    score = np.concatenate((np.full(500, 450_000), np.full(500, 550_000)))
    succeeded = np.arange(1_000) % 10 < np.where(np.arange(1_000) < 500, 9, 1)

    found = acceptance_by_score(score, succeeded, prior=(0.5, 0.5)).rate

    assert len(found) == BINS
    assert found[4] == found[5] == pytest.approx(0.5)


@pytest.mark.parametrize("prior", [(0.5, 0.4), (-0.1, 0.4), (0.2, 1.1)])
def test_a_prior_that_falls_or_is_no_chance_is_refused(prior):
    with pytest.raises(BadProblem, match="prior"):
        acceptance_by_score(np.array([1]), np.array([True]), prior=prior)


def test_counts_and_means_out_of_range_are_refused():
    with pytest.raises(BadProblem, match="0 or more"):
        rate(-1, 0)
    with pytest.raises(BadProblem, match="between 0 and 1"):
        rate(0, 0, mean=1.0)


@given(st.integers(0, 30), st.floats(0, 30), st.floats(0, 3), st.floats(0.05, 0.9))
def test_the_less_is_known_the_more_an_answer_teaches_and_a_question_is_never_worth_less_for_it(answered, silent, load, mean):
    once, twice = np.array([float(answered)]), np.array([silent])
    some = answer_posterior(once, twice, np.array([load]), mean=mean)
    # Ten times as much of the same: the chance hardly moves, and it is better known.
    more = answer_posterior(10 * once + 27 * mean, 10 * twice + 27 * (1 - mean), np.array([load]), mean=mean)

    assert more.rested == pytest.approx(some.rested)
    assert 1.0 <= worth_learning(more)[0] <= worth_learning(some)[0] + 1e-9
    assert worth_learning(some)[0] * some.rested[0] <= 1.0 + 1e-9
    assert worth_learning(some, learning=0.0).tolist() == [1.0]
