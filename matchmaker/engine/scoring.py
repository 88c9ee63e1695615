"""How well a candidate pair fits: a weighted sum of criteria in [0, 1], quantised once to millionths.

A criterion is one small function. It returns nan where the declarations do not say enough: the pair then gets a neutral
half, and the mark « unknown », so that people check it together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.candidates import OPEN_END, OPEN_START, Candidates, Floats, Ints, Side
from matchmaker.engine.problem import SCORE_MAX, BadProblem, displayed
from matchmaker.engine.wording import cosine, fold, shared_words, word_table

NEUTRAL = 0.5
FRESH_DAYS = 90
USUAL_REACH_KM = 50.0


@dataclass(frozen=True)
class Profile:
    """What scoring reads of a side besides its `Side` table, row by row.

    Attributes
    ----------
    skills : (N,) skills and keywords, none when unknown.
    text : (N,) title and description, empty when unknown.
    themes : (N,) bits of the themes of the declaration, 0 when unknown.
    volume : (N,) quantity asked or offered in the unit of the category, nan when unknown.
    budget_low, budget_high : (N,) band in euros, nan when unknown.
    published_on : (N,) day of publication as an ordinal, 0 when unknown.
    """

    skills: tuple[frozenset[str], ...]
    text: tuple[str, ...]
    themes: Ints
    volume: Floats
    budget_low: Floats
    budget_high: Floats
    published_on: Ints


@dataclass(frozen=True)
class Context:
    """What the criteria read besides the two sides.

    Attributes
    ----------
    needs, offers : the two profiles.
    today : day of the calculation as an ordinal.
    territory_themes : bits of the priority themes of the territory, 0 when it has none.
    met : (K, 2) organisations that have met already, in any order.
    """

    needs: Profile
    offers: Profile
    today: int
    territory_themes: int
    met: Ints


@dataclass(frozen=True)
class Pairs:
    """The candidate pairs with all that a criterion may read."""

    candidates: Candidates
    needs: Side
    offers: Side
    context: Context

    @cached_property
    def need(self) -> NDArray[np.int32]:
        return self.candidates.need

    @cached_property
    def offer(self) -> NDArray[np.int32]:
        return self.candidates.offer


@dataclass(frozen=True)
class Criterion:
    """A named function from pairs to (E,) values in [0, 1], nan where unknown. `unit` is that of the fact it looks at."""

    name: str
    label_fr: str
    unit: str
    default_weight: float
    function: Callable[[Pairs], Floats]


@dataclass(frozen=True)
class Scored:
    """Scores of the candidate pairs.

    Attributes
    ----------
    total : (E,) from 1 to 1,000,000, in millionths.
    parts : (E, K) value of each criterion of `CRITERIA`, in [0, 1]; a half where unknown.
    unknown : (E, K) whether the declarations do not say enough for this criterion.
    """

    total: Ints
    parts: Floats
    unknown: NDArray[np.bool_]


def skills(pairs: Pairs) -> Floats:
    """Share of the skills asked for that the offer brings."""
    needs = word_table(tuple(frozenset(map(fold, words)) for words in pairs.context.needs.skills))
    offers = word_table(tuple(frozenset(map(fold, words)) for words in pairs.context.offers.skills), needs.vocabulary)
    asked = needs.sizes[pairs.need]
    known = (asked > 0) & (offers.sizes[pairs.offer] > 0)
    return np.where(known, shared_words(needs, offers, pairs.need, pairs.offer) / np.maximum(asked, 1), np.nan)


def text(pairs: Pairs) -> Floats:
    """Likeness of the two texts: cosine of their stems, the rarer the heavier."""
    return cosine(pairs.context.needs.text, pairs.context.offers.text, pairs.need, pairs.offer)


def distance(pairs: Pairs) -> Floats:
    """1 on the spot, 0 at the lesser radius of the two (50 km when none is stated); 1 for work done from afar."""
    radius = np.fmin(pairs.needs.radius_km[pairs.need], pairs.offers.radius_km[pairs.offer])
    reach = np.where(np.isnan(radius), USUAL_REACH_KM, np.maximum(radius, 1e-9))
    remote = (pairs.needs.remote_share[pairs.need] == 100) | (pairs.offers.remote_share[pairs.offer] == 100)
    return np.where(remote, 1.0, np.clip(1.0 - pairs.candidates.distance_km / reach, 0.0, 1.0))


def themes(pairs: Pairs) -> Floats:
    """1 when both are about the same priority theme of the territory, a half when one of them is about any."""
    need, offer = pairs.context.needs.themes[pairs.need], pairs.context.offers.themes[pairs.offer]
    priority = pairs.context.territory_themes
    value = np.where((need & offer & priority) != 0, 1.0, np.where(((need | offer) & priority) != 0, 0.5, 0.0))
    return np.where(((need | offer) == 0) | (priority == 0), np.nan, value)


def availability(pairs: Pairs) -> Floats:
    """Mean of the share of the need's half-days and of the need's days that the offer covers, where they are known."""
    asked, given = pairs.needs.halfdays[pairs.need], pairs.offers.halfdays[pairs.offer]
    known = (asked != 0) & (given != 0)
    halfdays = np.where(known, np.bitwise_count(asked & given) / np.maximum(np.bitwise_count(asked), 1), 0.0)

    starts, ends = pairs.needs.starts[pairs.need], pairs.needs.ends[pairs.need]
    closed = (starts != OPEN_START) & (ends != OPEN_END)
    length = np.where(closed, ends - starts, 0) + 1
    covered = np.minimum(ends, pairs.offers.ends[pairs.offer]) - np.maximum(starts, pairs.offers.starts[pairs.offer])
    days = np.where(closed, (np.where(closed, covered, 0) + 1) / length, 0.0)
    count = known.astype(np.int64) + closed
    return np.where(count > 0, np.clip((halfdays + days) / np.maximum(count, 1), 0.0, 1.0), np.nan)


def volume(pairs: Pairs) -> Floats:
    """The lesser quantity over the greater."""
    need, offer = pairs.context.needs.volume[pairs.need], pairs.context.offers.volume[pairs.offer]
    greater = np.fmax(need, offer)
    return np.where(greater > 0, np.minimum(need, offer) / np.where(greater > 0, greater, 1.0), np.where(np.isnan(need + offer), np.nan, 1.0))


def budget(pairs: Pairs) -> Floats:
    """1 when the two bands meet; else the upper end of the lower band over the lower end of the upper one."""
    needs, offers = pairs.context.needs, pairs.context.offers
    low = np.maximum(needs.budget_low[pairs.need], offers.budget_low[pairs.offer])
    high = np.minimum(needs.budget_high[pairs.need], offers.budget_high[pairs.offer])
    return np.where(low <= high, 1.0, np.clip(high / np.where(low > 0, low, 1.0), 0.0, 1.0))


def freshness(pairs: Pairs) -> Floats:
    """1 when both were published today, 0 when the older one is 90 days old."""
    need, offer = pairs.context.needs.published_on[pairs.need], pairs.context.offers.published_on[pairs.offer]
    age = pairs.context.today - np.minimum(need, offer)
    return np.where((need == 0) | (offer == 0), np.nan, np.clip(1.0 - age / FRESH_DAYS, 0.0, 1.0))


def never_met(pairs: Pairs) -> Floats:
    """1 unless the two organisations have met already."""
    met = np.sort(pairs.context.met.reshape(-1, 2), axis=1)
    own = np.stack((pairs.needs.organisation[pairs.need], pairs.offers.organisation[pairs.offer]), axis=1)
    both = np.concatenate((met, np.sort(own, axis=1)))
    _, code = np.unique(both, axis=0, return_inverse=True)
    code = code.ravel()
    return np.where(np.isin(code[len(met) :], code[: len(met)]), 0.0, 1.0)


CRITERIA = (
    Criterion("skills", "Compétences et mots-clés", "compétences", 0.25, skills),
    Criterion("text", "Proximité des descriptions", "mots", 0.15, text),
    Criterion("distance", "Distance", "km", 0.20, distance),
    Criterion("themes", "Priorités du territoire", "thèmes", 0.10, themes),
    Criterion("availability", "Disponibilités", "demi-journées", 0.10, availability),
    Criterion("volume", "Volume", "quantité", 0.05, volume),
    Criterion("budget", "Budget", "€", 0.05, budget),
    Criterion("freshness", "Annonces récentes", "jours", 0.05, freshness),
    Criterion("never_met", "Première rencontre", "rencontres", 0.05, never_met),
)


def score(candidates: Candidates, needs: Side, offers: Side, context: Context, weights: Mapping[str, float] | None = None) -> Scored:
    """Score each candidate pair.

    Parameters
    ----------
    weights : criterion name → weight, 0 or more; a criterion that is not named keeps its default weight.

    Raises
    ------
    BadProblem
        A weight of an unknown criterion, a negative or infinite weight, or only zeros.
    """
    pairs = Pairs(candidates, needs, offers, context)
    values = np.stack([criterion.function(pairs) for criterion in CRITERIA], axis=1)
    unknown = np.isnan(values)
    parts = np.where(unknown, NEUTRAL, values)
    return Scored(totals(parts, weights), parts, unknown)


def totals(parts: Floats, weights: Mapping[str, float] | None = None) -> Ints:
    """(E,) totals of the (E, K) values of the criteria, in millionths, as `score` makes them.

    Examples
    --------
    >>> totals(np.full((2, len(CRITERIA)), 0.5)).tolist()
    [500000, 500000]
    """
    return _quantised(parts, _normalised(weights))


def points(parts_row: Floats, weights: Mapping[str, float] | None = None) -> list[tuple[Criterion, int, int]]:
    """Break one pair's score down into (criterion, points earned, points at most), in the order of `CRITERIA`.

    The points at most sum to 100 and the points earned to `displayed` of the pair's total, by the largest remainders;
    nothing earns more than its most.

    Examples
    --------
    >>> row = np.array([1.0, 0.5, 0.25, 0, 1, 1, 1, 1, 1])
    >>> [(earned, most) for _, earned, most in points(row)]
    [(25, 25), (8, 15), (5, 20), (0, 10), (10, 10), (5, 5), (5, 5), (5, 5), (5, 5)]
    """
    shares = _normalised(weights)
    total = int(_quantised(parts_row[None, :], shares)[0])
    most = _rounded(shares * 100, 100, np.full(len(shares), 100))
    earned = _rounded(shares * parts_row * 100, displayed(total), most)
    return list(zip(CRITERIA, earned.tolist(), most.tolist(), strict=True))


def _normalised(weights: Mapping[str, float] | None) -> Floats:
    given = dict(weights or {})
    strangers = sorted(set(given) - {criterion.name for criterion in CRITERIA})
    if strangers:
        raise BadProblem("unknown criterion: " + ", ".join(strangers))
    shares = np.array([given.get(criterion.name, criterion.default_weight) for criterion in CRITERIA], dtype=np.float64)
    if not np.all(np.isfinite(shares)) or np.any(shares < 0) or shares.sum() == 0:
        raise BadProblem("weights must be finite, 0 or more, and not all 0")
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _quantised(parts: Floats, shares: Floats) -> Ints:
    # A sum over columns in a fixed order: a pair scores the same whatever the number of pairs beside it.
    total = np.zeros(len(parts))
    for column, share in enumerate(shares.tolist()):
        total += share * parts[:, column]
    return np.clip(np.rint(total * SCORE_MAX), 1, SCORE_MAX).astype(np.int64)


def _rounded(exact: Floats, total: int, most: Ints) -> Ints:
    """Round to integers of a given sum, none above its most: floors first, then one more by the largest remainders."""
    rounded = np.floor(exact).astype(np.int64)
    while (short := total - int(rounded.sum())) > 0:
        rest = np.where(rounded < most, exact - rounded, -np.inf)
        rounded[np.argsort(-rest, kind="stable")[: min(short, int(np.isfinite(rest).sum()))]] += 1
    return rounded
