"""The fast version of the criteria of `scoring`: all of them in one compiled pass over the pairs.

`scoring` says what each criterion means; here they run pair by pair, in the order of `scoring.CRITERIA`. What a need asks
for (words, skills, occupations, organisations that it has met) is spread over tables once, and read by each of its pairs:
fastest when the pairs stand by need. Importing this module imports numba.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matchmaker.engine.compiling import DISABLED, compiled
from matchmaker.engine.criteria import FRESH_DAYS, USUAL_REACH_KM, Context, Profile, Proximity
from matchmaker.engine.problem import SCORE_MAX
from matchmaker.engine.sides import OPEN_END, OPEN_START, Bools, Candidates, Floats, Ints, Side, position

__all__ = ["DISABLED", "NOTHING", "facts", "judge", "room"]

NEUTRAL = 0.5
SKILLS, TEXT, DISTANCE, THEMES, AVAILABILITY, VOLUME, BUDGET, FRESHNESS, NEVER_MET, OCCUPATION = range(10)
CRITERIA_COUNT = 10


class Sparse(NamedTuple):
    """Rows of cells: those of row k are start[k] … start[k + 1] of `column` and `value`."""

    start: Ints
    column: NDArray[np.uint32]
    value: NDArray[np.float32]


class Facts(NamedTuple):
    """What the criteria read of a side: for each declaration a row of whole numbers and one of others, so that a pair reads few lines.

    `whole` holds, in the order of the names below, what its name says; a list of skills or words is a range of the columns.
    """

    whole: Ints  # (N, 13)
    number: Floats  # (N, 4)
    skill: NDArray[np.uint32]
    word: NDArray[np.uint32]
    weight: NDArray[np.float32]


HALFDAYS, STARTS, ENDS, THEME_BITS, PUBLISHED, JOB, MET, REMOTE, SKILL_COUNT, SKILL_FROM, SKILL_TO, WORD_FROM, WORD_TO = range(13)
RADIUS, QUANTITY, LOW, HIGH = range(4)


class Common(NamedTuple):
    """What they read besides: widths of the tables of skills, words, occupations and organisations that met somebody."""

    today: int
    priority: int
    met: Sparse
    near: Sparse
    knows_occupations: bool
    widths: Ints
    shares: Floats


Room = tuple[Ints, NDArray[np.float32], Bools]


def room(pairs: int) -> Room:
    """Arrays for the totals, values and marks of so many pairs."""
    return np.empty(pairs, np.int64), np.empty((pairs, CRITERIA_COUNT), np.float32), np.empty((pairs, CRITERIA_COUNT), np.bool_)


def judge(pairs: Candidates, needs: Facts, offers: Facts, common: Common, into: Room | None = None) -> Room:
    """Totals, values and marks of the pairs, as `scoring.score` states them; in new arrays, or at the start of those given."""
    total, parts, unknown = into or room(len(pairs.need))
    total, parts, unknown = total[: len(pairs.need)], parts[: len(pairs.need)], unknown[: len(pairs.need)]
    judge_into(pairs.need, pairs.offer, pairs.distance_km, needs, offers, common, total, parts, unknown)
    return total, parts, unknown


def facts(needs: Side, offers: Side, context: Context, shares: Floats) -> tuple[Facts, Facts, Common]:
    """What `judge` reads of two sides: their tables, by row."""
    names, code = np.unique(context.met.ravel(), return_inverse=True)
    met = code.reshape(-1, 2)
    met = np.unique(np.concatenate((met, met[:, ::-1])), axis=0)
    nobody = Proximity(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))
    near = context.occupation_proximity or nobody
    asked, given = context.skill_tables
    texts = context.texts
    common = Common(
        today=context.today,
        priority=context.territory_themes,
        met=Sparse(np.searchsorted(met[:, 0], np.arange(len(names) + 1)).astype(np.int64), met[:, 1].astype(np.uint32), np.zeros(0, np.float32)),
        near=Sparse(near.start, near.other.astype(np.uint32), near.value.astype(np.float32)),
        knows_occupations=context.occupation_proximity is not None,
        widths=np.array([asked.matrix.shape[1], texts[0].shape[1], len(near.start), len(names) + 1], dtype=np.int64),
        shares=shares,
    )
    return (
        _facts(needs, context.needs, names, _sparse(asked.matrix), asked.sizes, _sparse(texts[0])),
        _facts(offers, context.offers, names, _sparse(given.matrix), given.sizes, _sparse(texts[1])),
        common,
    )


def _facts(side: Side, profile: Profile, names: Ints, skills: Sparse, skill_count: Ints, text: Sparse) -> Facts:
    number = position(names, side.organisation)
    whole = (
        side.halfdays, side.starts, side.ends, profile.themes, profile.published_on, profile.occupations, np.where(number < len(names), number, -1),
        side.remote_share == 100, skill_count, skills.start[:-1], skills.start[1:], text.start[:-1], text.start[1:],
    )  # fmt: skip
    others = (side.radius_km, profile.volume, profile.budget_low, profile.budget_high)
    return Facts(np.stack(whole, axis=1).astype(np.int64), np.stack(others, axis=1).astype(np.float64), skills.column, text.column, text.value)


def _sparse(table: csr_array[np.float64]) -> Sparse:
    return Sparse(table.indptr.astype(np.int64), table.indices.astype(np.uint32), table.data.astype(np.float32))


def _nothing() -> tuple[Candidates, Facts, Facts, Common]:
    """No pair of no declarations, in the types of any other call."""
    none, no_number = np.zeros(0, np.int64), np.zeros(0)
    side = Side(
        id=none, organisation=none, category=none, lat=no_number, lon=no_number, radius_km=no_number, halfdays=none, starts=none, ends=none,
        required=none, held=none, denied=none, remote_share=none, home=np.zeros((0, 1), np.int64), area_start=np.zeros(1, np.int64), area=none,
    )  # fmt: skip
    profile = Profile((), (), none, no_number, no_number, no_number, none)
    no_pair = Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32), no_number, np.zeros(0, np.uint8), none)
    return no_pair, *facts(side, side, Context(profile, profile, 0, 0, np.zeros((0, 2), np.int64)), np.full(CRITERIA_COUNT, 0.1))


NOTHING = _nothing()


@compiled
def judge_into(need, offer, km, needs, offers, common, total, parts, unknown):  # type: ignore[no-untyped-def]
    """As `judge`, into arrays that have the room."""
    pairs, criteria = len(need), len(common.shares)
    asked = np.zeros(common.widths[0], np.uint8)
    word = np.zeros(common.widths[1], np.float32)
    near = np.zeros(common.widths[2], np.float32)
    met = np.zeros(common.widths[3], np.uint8)
    row = np.empty(criteria)
    before = -1
    for e in range(pairs):
        i, j = need[e], offer[e]
        if i != before:
            if before >= 0:
                spread(before, needs, common, asked, word, near, met, 0)
            spread(i, needs, common, asked, word, near, met, 1)
            before = i

        a, b, x, y = needs.whole[i], offers.whole[j], needs.number[i], offers.number[j]
        row[SKILLS] = row[TEXT] = row[FRESHNESS] = row[OCCUPATION] = math.nan
        if a[SKILL_COUNT] and b[SKILL_COUNT]:
            shared = 0
            for k in range(b[SKILL_FROM], b[SKILL_TO]):
                shared += asked[offers.skill[k]]
            row[SKILLS] = shared / a[SKILL_COUNT]
        if a[WORD_FROM] < a[WORD_TO] and b[WORD_FROM] < b[WORD_TO]:
            row[TEXT] = min(product(word, offers.word, offers.weight, b[WORD_FROM], b[WORD_TO]), 1.0)
        row[DISTANCE] = 1.0 if a[REMOTE] or b[REMOTE] else distance(x[RADIUS], y[RADIUS], km[e])
        row[THEMES] = themes(a[THEME_BITS], b[THEME_BITS], common.priority)
        row[AVAILABILITY] = availability(a[HALFDAYS], b[HALFDAYS], a[STARTS], a[ENDS], b[STARTS], b[ENDS])
        row[VOLUME] = volume(x[QUANTITY], y[QUANTITY])
        row[BUDGET] = budget(x[LOW], x[HIGH], y[LOW], y[HIGH])
        if a[PUBLISHED] and b[PUBLISHED]:
            row[FRESHNESS] = clipped(1.0 - (common.today - min(a[PUBLISHED], b[PUBLISHED])) / FRESH_DAYS)
        row[NEVER_MET] = 0.0 if a[MET] >= 0 and b[MET] >= 0 and met[b[MET]] else 1.0
        if common.knows_occupations and a[JOB] >= 0 and b[JOB] >= 0:
            row[OCCUPATION] = 1.0 if a[JOB] == b[JOB] else near[b[JOB]]

        points = 0.0
        for k in range(criteria):
            unknown[e, k] = math.isnan(row[k])
            parts[e, k] = NEUTRAL if unknown[e, k] else row[k]
            points += common.shares[k] * np.float64(parts[e, k])
        total[e] = min(max(np.int64(np.rint(points * SCORE_MAX)), 1), SCORE_MAX)


@compiled
def product(word, column, weight, start, end):  # type: ignore[no-untyped-def]
    """Sum of the products of weights, in two sums that the processor makes side by side; both are exact."""
    one, two = 0.0, 0.0
    for k in range(np.uint64(start), np.uint64(end - 1), np.uint64(2)):
        one += np.float64(word[column[k]]) * np.float64(weight[k])
        two += np.float64(word[column[k + 1]]) * np.float64(weight[k + 1])
    if (end - start) & 1:
        one += np.float64(word[column[end - 1]]) * np.float64(weight[end - 1])
    return one + two


@compiled
def spread(i, needs, common, asked, word, near, met, on):  # type: ignore[no-untyped-def]
    """Write what need `i` asks for into the tables, or, with `on` 0, wipe it out."""
    a = needs.whole[i]
    for k in range(a[SKILL_FROM], a[SKILL_TO]):
        asked[needs.skill[k]] = on
    for k in range(a[WORD_FROM], a[WORD_TO]):
        word[needs.word[k]] = on * needs.weight[k]
    if a[MET] >= 0:
        for k in range(common.met.start[a[MET]], common.met.start[a[MET] + 1]):
            met[common.met.column[k]] = on
    if common.knows_occupations and a[JOB] >= 0:
        for k in range(common.near.start[a[JOB]], common.near.start[a[JOB] + 1]):
            near[common.near.column[k]] = on * common.near.value[k]


@compiled
def distance(radius, other_radius, km):  # type: ignore[no-untyped-def]
    least = other_radius if math.isnan(radius) or other_radius < radius else radius
    reach = USUAL_REACH_KM if math.isnan(least) else max(least, 1e-9)
    return clipped(1.0 - km / reach)


@compiled
def themes(need, offer, priority):  # type: ignore[no-untyped-def]
    if priority == 0 or (need | offer) == 0:
        return math.nan
    if need & offer & priority:
        return 1.0
    return 0.5 if (need | offer) & priority else 0.0


@compiled
def availability(asked, given, starts, ends, other_starts, other_ends):  # type: ignore[no-untyped-def]
    value, count = 0.0, 0
    if asked and given:
        value += bits(asked & given) / bits(asked)
        count += 1
    if starts != OPEN_START and ends != OPEN_END:
        value += (min(ends, other_ends) - max(starts, other_starts) + 1) / (max(ends - starts, 0) + 1)
        count += 1
    return clipped(value / count) if count else math.nan


@compiled
def bits(mask):  # type: ignore[no-untyped-def]
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@compiled
def volume(need, offer):  # type: ignore[no-untyped-def]
    if math.isnan(need) or math.isnan(offer):
        return math.nan
    greater = max(need, offer)
    return min(need, offer) / greater if greater > 0 else 1.0


@compiled
def budget(low, high, other_low, other_high):  # type: ignore[no-untyped-def]
    if math.isnan(high) or math.isnan(other_high):
        return math.nan
    highest_low, lowest_high = max(low, other_low), min(high, other_high)
    if math.isnan(low) or math.isnan(other_low):
        return clipped(lowest_high)
    return 1.0 if highest_low <= lowest_high else clipped(lowest_high / (highest_low if highest_low > 0 else 1.0))


@compiled
def clipped(value):  # type: ignore[no-untyped-def]
    if value < 0.0:
        return 0.0
    return 1.0 if value > 1.0 else value  # nan stays nan
