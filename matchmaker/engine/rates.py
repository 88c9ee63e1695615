"""What past answers say about the next one: who answers, and which scores lead to a cooperation.

Every rate starts from a prior, so that a territory without history works on its first day, and moves towards what was
observed. These are estimates for deciding whom to ask: they rank questions, they exclude nobody.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from matchmaker.engine.problem import SCORE_MAX, BadProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ANSWER_MEAN = 0.3
"""Answers per proposition on a platform that knows nothing yet: about what caps and dashboards brought the peers to."""
PRIOR_WEIGHT = 3.0
"""Propositions that the platform's mean is worth against an organisation's own history."""
PLATFORM_WEIGHT = 50.0
"""Propositions that `ANSWER_MEAN` is worth against the platform's own history."""
FATIGUE = 1.0
"""How much a month at the declared comfort weighs on attention: 1 / (1 + FATIGUE) of it is left."""
QUIET_DAYS = 60
"""Working days (a quarter) after which an organisation that nobody asked counts as one that answers like the others."""
LEARNING = 0.3
"""Standard deviations above its mean at which the chance of an answer counts when it is decided whom to ask: the answer teaches."""
OUTCOMES_KNOWN = 200
"""Outcomes from which the observed rates by score stand alone."""
ACCEPT_PRIOR = (0.15, 0.55)
"""Chance of a yes among the answers, at score 0 and at score 1, before anything is known."""
CONCLUDE_PRIOR = (0.15, 0.45)
"""Chance that a yes ends in a cooperation, at score 0 and at score 1, before anything is known."""
BINS = 10


@dataclass(frozen=True)
class AnswerPosterior:
    """What is known of the chance that an organisation answers.

    Attributes
    ----------
    alpha, beta : (M,) of the Beta distribution of its chance when it is rested.
    attention : (M,) share of it that its recent load leaves.
    """

    alpha: Floats
    beta: Floats
    attention: Floats

    @property
    def rested(self) -> Floats:
        """(M,) mean chance of an answer without recent load."""
        return np.asarray(self.alpha / (self.alpha + self.beta), dtype=np.float64)

    @property
    def spread(self) -> Floats:
        """(M,) standard deviation of that chance: large where little is known."""
        known = self.alpha + self.beta
        return np.asarray(np.sqrt(self.alpha * self.beta / (known + 1.0)) / known, dtype=np.float64)

    @property
    def mean(self) -> Floats:
        """(M,) mean chance of an answer today."""
        return self.rested * self.attention


@dataclass(frozen=True)
class RateByScore:
    """A chance that never falls when the score rises: straight lines between the middles of the bins.

    Attributes
    ----------
    rate : (K,) chance at the middle of each of K equal bins of score, increasing.
    """

    rate: Floats

    def at(self, score: Ints) -> Floats:
        """(E,) chance at each score, in millionths."""
        count = len(self.rate)
        return np.asarray(np.interp(score / SCORE_MAX, (np.arange(count) + 0.5) / count, self.rate), dtype=np.float64)


def attention(load: Floats) -> Floats:
    """Share of an organisation's attention that its recent load leaves.

    Parameters
    ----------
    load : (M,) solicitations of the last 20 working days over the declared comfort, 0 or more.

    Examples
    --------
    >>> attention(np.array([0.0, 1.0, 2.0])).round(3).tolist()
    [1.0, 0.5, 0.333]
    """
    return np.asarray(1.0 / (1.0 + FATIGUE * load), dtype=np.float64)


def platform_mean(answered: Floats, silent: Floats) -> float:
    """Mean chance of an answer over the platform, from `ANSWER_MEAN` towards what was observed.

    Parameters
    ----------
    answered, silent : (M,) as for `answer_posterior`.

    Examples
    --------
    >>> platform_mean(np.zeros(3), np.zeros(3))
    0.3
    >>> platform_mean(np.array([20.0, 15.0]), np.array([5.0, 10.0]))
    0.5
    """
    answers, asked = float(np.sum(answered)), float(np.sum(answered) + np.sum(silent))
    return (ANSWER_MEAN * PLATFORM_WEIGHT + answers) / (PLATFORM_WEIGHT + asked)


def answer_posterior(answered: Floats, silent: Floats, load: Floats, *, mean: float, weight: float = PRIOR_WEIGHT) -> AnswerPosterior:
    """Chance that each organisation answers a proposition made today.

    Parameters
    ----------
    answered : (M,) propositions that got a yes or a no.
    silent : (M,) propositions that got nothing within their time, each weighed by the `attention` there was when it was
        sent: the silence of somebody who was asked too much says less.
    load : (M,) as for `attention`.
    mean : the platform's mean, see `platform_mean`.
    weight : propositions that the mean is worth.

    Raises
    ------
    BadProblem
        Negative counts or load, a mean outside ]0, 1[, a weight that is not positive.

    Examples
    --------
    A newcomer, one who always answers, one who never does; then the same with a month at their comfort behind them.

    >>> answered, silent = np.array([0.0, 6.0, 0.0]), np.array([0.0, 0.0, 6.0])
    >>> answer_posterior(answered, silent, np.zeros(3), mean=0.3).mean.round(3).tolist()
    [0.3, 0.767, 0.1]
    >>> answer_posterior(answered, silent, np.ones(3), mean=0.3).mean.round(3).tolist()
    [0.15, 0.383, 0.05]
    """
    if np.any(answered < 0) or np.any(silent < 0) or np.any(load < 0):
        raise BadProblem("answers, silences and loads are 0 or more")
    if not 0 < mean < 1 or weight <= 0:
        raise BadProblem("the platform's mean lies between 0 and 1, and its weight above 0")
    return AnswerPosterior(weight * mean + answered, weight * (1 - mean) + silent, attention(load))


def explored(posterior: AnswerPosterior, days_since_asked: Ints, *, mean: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Give the benefit of the doubt to organisations that nobody asked for a quarter.

    Parameters
    ----------
    days_since_asked : (M,) working days since the last proposition, a large number for never.
    mean : the platform's mean.

    Returns
    -------
    answer : (M,) chance of an answer today, at least the platform's mean after `QUIET_DAYS`.
    exploring : (M,) where that raised it.

    Examples
    --------
    >>> posterior = answer_posterior(np.zeros(2), np.array([6.0, 6.0]), np.zeros(2), mean=0.3)
    >>> answer, exploring = explored(posterior, np.array([10, 60]), mean=0.3)
    >>> answer.round(3).tolist(), exploring.tolist()
    ([0.1, 0.3], [False, True])
    """
    own, hoped = posterior.mean, mean * posterior.attention
    exploring = (days_since_asked >= QUIET_DAYS) & (own < hoped)
    return np.where(exploring, hoped, own), exploring


def worth_learning(posterior: AnswerPosterior, *, learning: float = LEARNING) -> Floats:
    """(M,) times, 1 or more, that a question is worth what it may bring because the answer teaches who answers.

    Parameters
    ----------
    learning : standard deviations by which the chance of an answer is raised, never above 1.

    Notes
    -----
    A weight on the gain, not a chance: what a question may bring, and what is under way, are counted without it.

    Examples
    --------
    A newcomer, one who always answers, one who never does, and one of whom much is known:

    >>> answered, silent = np.array([0.0, 6.0, 0.0, 30.0]), np.array([0.0, 0.0, 6.0, 30.0])
    >>> worth_learning(answer_posterior(answered, silent, np.zeros(4), mean=0.3)).round(2).tolist()
    [1.23, 1.05, 1.28, 1.04]
    """
    raised = np.minimum(1.0, posterior.rested + learning * posterior.spread)
    return np.asarray(raised / posterior.rested, dtype=np.float64)


def acceptance_by_score(score: Ints, succeeded: NDArray[np.bool_], *, prior: tuple[float, float]) -> RateByScore:
    """Chance of success by score, from outcomes: the same for « accepts » and for « concludes ».

    Parameters
    ----------
    score : (K,) scores of the outcomes that are known, in millionths.
    succeeded : (K,) whether it was a yes, or a cooperation.
    prior : chance at score 0 and at score 1 before anything is known, such as `ACCEPT_PRIOR`; it must not fall.

    Returns
    -------
    RateByScore

    Raises
    ------
    BadProblem
        Lengths that differ, or a prior that falls or leaves [0, 1].

    Notes
    -----
    The prior counts as the outcomes that are missing to `OUTCOMES_KNOWN`, spread evenly over the bins, and as one for each
    bin from then on. The rates are then made to increase by the isotonic regression whose weights are these counts.

    Examples
    --------
    >>> nothing = np.zeros(0, dtype=np.int64)
    >>> acceptance_by_score(nothing, nothing.astype(bool), prior=(0.2, 0.6)).at(np.array([50_000, 500_000, 950_000])).round(2).tolist()
    [0.22, 0.4, 0.58]

    A thousand outcomes, a half of those above 0.5 and a tenth of the others:

    >>> score = np.arange(1_000) * 1_000 + 500
    >>> succeeded = np.where(score > 500_000, np.arange(1_000) % 2 == 0, np.arange(1_000) % 10 == 0)
    >>> acceptance_by_score(score, succeeded, prior=(0.2, 0.6)).at(np.array([100_000, 900_000])).round(1).tolist()
    [0.1, 0.5]
    """
    low, high = prior
    if len(score) != len(succeeded):
        raise BadProblem("score and succeeded must have the same length")
    if not 0 <= low <= high <= 1:
        raise BadProblem("a prior goes from a chance to one that is not lower")
    at = np.clip(np.asarray(score, dtype=np.int64) * BINS // SCORE_MAX, 0, BINS - 1)
    tried = np.bincount(at, minlength=BINS).astype(np.float64)
    succeeded_there = np.bincount(at, weights=np.asarray(succeeded, dtype=np.float64), minlength=BINS)
    believed = max(1.0, (OUTCOMES_KNOWN - len(score)) / BINS)
    guess = low + (high - low) * (np.arange(BINS) + 0.5) / BINS
    rate = (believed * guess + succeeded_there) / (believed + tried)
    return RateByScore(np.asarray(isotonic_regression(rate, weights=believed + tried).x, dtype=np.float64))
