"""The criteria of a score: what each one looks at, and how it turns a pair of declarations into a value in [0, 1].

A criterion is one small function. It returns nan where the declarations do not say enough. `judging` does the same in one
compiled pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matchmaker.engine.sides import OPEN_END, OPEN_START, Candidates, Floats, Ints, Side, position
from matchmaker.engine.wording import WordTable, cosine_of, fold, shared_words, weighed, word_table

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
    occupation : (N,) number of the occupation in the table of `Proximity`, -1 when unknown; None when all are.
    """

    skills: tuple[frozenset[str], ...]
    text: tuple[str, ...]
    themes: Ints
    volume: Floats
    budget_low: Floats
    budget_high: Floats
    published_on: Ints
    occupation: Ints | None = None

    @cached_property
    def skill_sets(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(map(fold, words)) for words in self.skills)

    @cached_property
    def occupations(self) -> Ints:
        """`occupation`, all unknown where none is given."""
        return np.full(len(self.text), -1, dtype=np.int64) if self.occupation is None else self.occupation


@dataclass(frozen=True)
class Proximity:
    """How near occupations are to each other, as a sparse table; an occupation is as near as can be to itself.

    Attributes
    ----------
    start : (O + 1,) those near occupation k are other[start[k]:start[k + 1]].
    other : occupations by rising number within each list.
    value : how near, above 0 and up to 1.
    """

    start: Ints
    other: Ints
    value: Floats

    def near(self, one: Ints, another: Ints) -> Floats:
        """Values of pairs of occupations, nan where either is unknown (-1).

        Examples
        --------
        >>> table = Proximity(np.array([0, 1, 1]), np.array([1]), np.array([0.5]))
        >>> table.near(np.array([0, 0, 1, 0]), np.array([0, 1, 0, -1])).tolist()
        [1.0, 0.5, 0.0, nan]
        """
        count = len(self.start) - 1
        keys = np.repeat(np.arange(count), np.diff(self.start)) * count + self.other
        wanted = one * count + another
        at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        listed = (keys[at] == wanted) if len(keys) else np.zeros(len(wanted), dtype=np.bool_)
        value = np.where(listed, self.value[at] if len(keys) else 0.0, 0.0)
        return np.where((one < 0) | (another < 0), np.nan, np.where(one == another, 1.0, value))


@dataclass(frozen=True)
class Context:
    """What the criteria read besides the two sides.

    Attributes
    ----------
    needs, offers : the two profiles.
    today : day of the calculation as an ordinal.
    territory_themes : bits of the priority themes of the territory, 0 when it has none.
    met : (K, 2) organisations that have met already, in any order.
    occupation_proximity : how near occupations are; None when nobody knows.
    """

    needs: Profile
    offers: Profile
    today: int
    territory_themes: int
    met: Ints
    occupation_proximity: Proximity | None = None

    @cached_property
    def texts(self) -> tuple[csr_array[np.float64], csr_array[np.float64]]:
        """The texts of needs and of offers, weighed."""
        return weighed(self.needs.text, self.offers.text)

    @cached_property
    def skill_tables(self) -> tuple[WordTable, WordTable]:
        """The skills of needs and of offers, over those that needs ask for."""
        asked = word_table(self.needs.skill_sets)
        return asked, word_table(self.offers.skill_sets, asked.vocabulary)


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


def skills(pairs: Pairs) -> Floats:
    """Share of the skills asked for that the offer brings."""
    needs, offers = pairs.context.skill_tables
    asked = needs.sizes[pairs.need]
    known = (asked > 0) & (offers.sizes[pairs.offer] > 0)
    return np.where(known, shared_words(needs, offers, pairs.need, pairs.offer) / np.maximum(asked, 1), np.nan)


def text(pairs: Pairs) -> Floats:
    """Likeness of the two texts: cosine of their stems, the rarer the heavier."""
    return cosine_of(*pairs.context.texts, pairs.need, pairs.offer)


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
    length = np.where(closed, np.maximum(ends - starts, 0), 0) + 1
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
    names, code = np.unique(pairs.context.met.ravel(), return_inverse=True)
    met = code.reshape(-1, 2)
    keys = np.unique(np.concatenate((met, met[:, ::-1])) @ np.array([len(names) + 1, 1]))
    need, offer = (position(names, side.organisation)[rows] for side, rows in ((pairs.needs, pairs.need), (pairs.offers, pairs.offer)))
    return np.where(np.isin(need * (len(names) + 1) + offer, keys), 0.0, 1.0)


def occupation(pairs: Pairs) -> Floats:
    """How near the two occupations are: 1 for the same one, what the table says for others, 0 where it says nothing."""
    needs, offers, table = pairs.context.needs, pairs.context.offers, pairs.context.occupation_proximity
    return np.full(len(pairs.need), np.nan) if table is None else table.near(needs.occupations[pairs.need], offers.occupations[pairs.offer])


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
    # Added to the others, not taken from them: where occupations are not known every total t becomes (t + 0.075) / 1.15,
    # so the order of the pairs is what it was.
    Criterion("occupation", "Proximité des métiers", "métier", 0.15, occupation),
)
