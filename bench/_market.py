"""A year of a region's market, drawn from a seed: who needs what, who would answer, who would agree, who would leave.

What is assumed, in plain words:

- 800 organisations and 1,000 needs around the towns of Normandy, in eight categories. A need can be put to every
  organisation of its category within 45 km: about thirty, many more in Rouen than in the Orne.
- The platform sees a score. How well a pair truly fits is hidden; the two have a correlation (of ranks) of about 0.5.
- An organisation answers a mail with a chance of its own, which it never tells; one in eight never answers. The mails of
  the last weeks, set against what the organisation finds comfortable (six a month in the median), wear its attention down.
  Answers take 2.5 working days in the median, one in ten more than ten. A reminder is one more mail, with two fifths of
  the chance of a first one. Asked at sign-up for how many mails a month at most, people choose the answer below what they
  can bear, give or take a fifth.
- The better the fit, the likelier a yes and, after it, a cooperation: 23 % and 23 % for a middling fit, 79 % and 79 % for
  the best tenth. A need talks with three organisations at a time, first come first served, 5 to 25 working days each; who
  waits loses interest by half in 20.
- A need has one place and is open for six months; an organisation has one to three places a year.
- 8.5 % of the organisations leave within a year whatever happens; each mail beyond comfort makes one in a hundred leave.
- The asking side, who posted the need, is taken to be willing. Its mails are counted for no policy.

Where the numbers come from. The chance of an answer and its wear are set on the public figures of immersion-facile: one
request in three answered by organisations that are asked little (what its caps, dashboards and reminders led to), 17 %
when everybody may write to everybody (before them). No public figure says how much a better fit helps: its slope was set
so that the policies of the peers conclude about what an earlier simulation of such a market found for them. That slope, and
what people answer at sign-up, were settled after a first look at all policies, ours among them, which gained by it:
read the comparisons with that in mind; `python -m bench.outcomes --worlds` shows what changes when they are wrong.

Everything random is drawn in advance and belongs to a pair, an organisation or a need, never to a policy: all policies
meet the same answers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from matchmaker.engine.candidates import great_circle_km
from matchmaker.engine.problem import SCORE_MAX

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

YEAR = 252
"""Working days."""
LIFE = 130
"""Working days that a need stays open: six months."""
ORGANISATIONS, NEEDS, CATEGORIES = 800, 1_000, 8
REACH_KM = 45.0

REMINDER = 0.4
"""Of the chance of an answer to a first mail, what a reminder has."""
MEMORY = 20.0
"""Working days over which a mail is forgotten."""
ASKED_COMFORT = (2, 4, 6, 10)
"""The answers of the sign-up form."""
TALKS = 3
WAITING_HALVES = 20.0

TOWNS = (
    (49.18, -0.37, 27), (49.44, 1.10, 33), (49.49, 0.11, 22), (49.64, -1.62, 12), (49.02, 1.15, 9), (48.43, 0.09, 6), (49.12, -1.09, 5),
    (49.92, 1.08, 6), (49.15, 0.23, 5), (48.75, -0.57, 4), (48.74, -0.02, 3), (48.68, -1.36, 4), (48.84, -1.60, 4), (49.28, -0.70, 4),
    (48.84, -0.89, 3), (49.76, 0.37, 4), (48.76, 0.63, 2), (49.09, 1.48, 5), (49.22, 1.17, 5), (49.09, 0.60, 3), (49.05, -1.44, 2),
)  # fmt: skip
"""Latitude, longitude and weight of the towns."""


@dataclass(frozen=True)
class World:
    """What is assumed of people.

    Attributes
    ----------
    never_answer : share of the organisations that answers nothing; `attention` is the Beta law of the others' chance.
    wear : attention is multiplied by exp(-wear × mails lately / comfort).
    delay : median working days of an answer, and the spread of its lognormal law.
    comfort : mails in 20 working days, in the same way.
    correlation : of score and true fit, both on a normal scale.
    level, slope : of the logit of the chance of a yes, and of the chance that a yes ends in a cooperation, by the fit.
    leaves_anyway : share in a year; `leaves_per_mail` : of those who are there, by one mail beyond comfort.
    """

    never_answer: float = 0.125
    attention: tuple[float, float] = (1.6, 2.6)
    wear: float = 1.05
    delay: tuple[float, float] = (2.5, 1.1)
    comfort: tuple[float, float] = (6.0, 0.6)
    correlation: float = 0.5
    level: float = -1.2
    slope: float = 1.5
    leaves_anyway: float = 0.085
    leaves_per_mail: float = 0.01


@dataclass(frozen=True)
class Board:
    """What the platform knows. E pairs that it may propose, sorted by need; N needs; M organisations.

    Attributes
    ----------
    need, organisation, score : (E,) the pair; the score in millionths.
    posted_on : (N,) working day from 0.
    monthly : (M,) solicitations a month that the organisation accepted at sign-up.
    badge : (M,) rank in the directory, 0 first: has nothing to do with fit or answers.
    lot : (E,) a random order.
    """

    need: Ints
    organisation: Ints
    score: Ints
    posted_on: Ints
    monthly: Ints
    badge: Ints
    lot: Floats


@dataclass(frozen=True)
class Hidden:
    """What nobody knows but the simulation.

    Attributes
    ----------
    attention, comfort, places, leaves_on, patience : (M,) chance of an answer when rested, comfortable mails in 20 working
        days, cooperations that it can take, day it leaves anyway, and how much annoyance it bears.
    accepts, concludes : (E,) chances, by the true fit.
    reads, reads_reminder, agrees, signs : (E,) uniform draws compared with the chances.
    delay, delay_reminder, talk : (E,) working days.
    """

    attention: Floats
    comfort: Floats
    places: Ints
    leaves_on: Floats
    patience: Floats
    accepts: Floats
    concludes: Floats
    reads: Floats
    reads_reminder: Floats
    agrees: Floats
    signs: Floats
    delay: Ints
    delay_reminder: Ints
    talk: Ints


@dataclass(frozen=True)
class Market:
    board: Board
    hidden: Hidden
    world: World


def market(seed: int, world: World | None = None) -> Market:
    """Draw a year."""
    world = world or World()
    rng = np.random.default_rng(seed)
    need, organisation = _pairs(rng)
    count = len(need)
    fit = rng.normal(size=count)
    seen = world.correlation * fit + np.sqrt(1 - world.correlation**2) * rng.normal(size=count)
    score = np.clip(np.rint(norm.cdf(seen) * SCORE_MAX), 1, SCORE_MAX).astype(np.int64)

    attention = np.where(rng.random(ORGANISATIONS) < world.never_answer, 0.0, rng.beta(*world.attention, ORGANISATIONS))
    comfort = np.clip(world.comfort[0] * np.exp(world.comfort[1] * rng.normal(size=ORGANISATIONS)), 1.0, 40.0)
    said = comfort * np.exp(0.2 * rng.normal(size=ORGANISATIONS))
    monthly = np.array(ASKED_COMFORT)[np.maximum((said[:, None] >= np.array(ASKED_COMFORT)).sum(axis=1) - 1, 0)]

    def delays() -> Ints:
        return np.ceil(world.delay[0] * np.exp(world.delay[1] * rng.normal(size=count))).astype(np.int64)

    hidden = Hidden(
        attention=attention,
        comfort=comfort,
        places=rng.integers(1, 4, ORGANISATIONS),
        leaves_on=rng.exponential(-YEAR / np.log(1 - world.leaves_anyway), ORGANISATIONS),
        patience=rng.exponential(size=ORGANISATIONS),
        accepts=expit(world.level + world.slope * fit),
        concludes=expit(world.level + world.slope * fit),
        reads=rng.random(count),
        reads_reminder=rng.random(count),
        agrees=rng.random(count),
        signs=rng.random(count),
        delay=delays(),
        delay_reminder=delays(),
        talk=rng.integers(5, 26, count),
    )
    board = Board(
        need=need,
        organisation=organisation,
        score=score,
        posted_on=np.sort(rng.integers(0, YEAR, NEEDS)),
        monthly=monthly,
        badge=rng.permutation(ORGANISATIONS),
        lot=rng.random(count),
    )
    return Market(board, hidden, world)


def _pairs(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Every need with every organisation of its category within reach."""
    lat, lon, weight = np.array(TOWNS).T
    weight /= weight.sum()

    def places(count: int) -> tuple[Floats, Floats]:
        town = rng.choice(len(lat), count, p=weight)
        return lat[town] + rng.normal(0, 0.08, count), lon[town] + rng.normal(0, 0.12, count)

    need_lat, need_lon = places(NEEDS)
    own_lat, own_lon = places(ORGANISATIONS)
    category = rng.integers(0, CATEGORIES, NEEDS)
    does = rng.random((ORGANISATIONS, CATEGORIES)) < 0.1
    does[np.arange(ORGANISATIONS), rng.integers(0, CATEGORIES, ORGANISATIONS)] = True
    near = great_circle_km(need_lat[:, None], need_lon[:, None], own_lat[None, :], own_lon[None, :]) <= REACH_KM
    need, organisation = np.nonzero(near & does.T[category])
    return need.astype(np.int64), organisation.astype(np.int64)
