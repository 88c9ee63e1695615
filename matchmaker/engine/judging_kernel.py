"""What `judging` compiles: the value of each criterion for the pairs of a need, one criterion after the other. Importing it imports numba."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.compiling import compiled, compiled_without_traps
from matchmaker.engine.criteria import USUAL_REACH_KM
from matchmaker.engine.problem import SCORE_MAX
from matchmaker.engine.sides import OPEN_END, OPEN_START, Floats, Ints

NEUTRAL = 0.5
SKILLS, TEXT, DISTANCE, THEMES, AVAILABILITY, VOLUME, BUDGET, FRESHNESS, NEVER_MET, OCCUPATION = range(10)
CRITERIA_COUNT = 10
ROOM = 512  # pairs taken together
WHOLE = 2**20  # weights of words are whole numbers of its parts, see `wording.weighed`
HALF, LOWER = np.uint64(32), np.uint64(2**32 - 1)

# What the columns of `judging.Facts.whole` hold.
HALFDAYS, THEME_BITS, JOB, MET, SKILL_FROM, SKILL_TO, WORD_FROM, WORD_TO = range(8)
# And those of `number`: how far it reaches (infinity when not stated, -1 for work from afar), days exact in double precision, freshness by itself.
REACH, QUANTITY, LOW, HIGH, STARTS, ENDS, FRESH, SKILL_COUNT = range(8)


class Tables(NamedTuple):
    """What one need asks for, and room for what its pairs are worth."""

    asked: NDArray[np.uint8]
    word: Ints
    near: Floats
    met: NDArray[np.uint8]
    at: Ints  # (ROOM,) places of the offers
    value: Floats  # (ROOM,) of one criterion, nan where unknown
    points: Floats  # (ROOM,)
    agrees: NDArray[np.uint8]  # (ROOM,)
    silent: NDArray[np.uint8]  # (ROOM,)
    bits: Ints  # (ROOM,)
    more: Floats  # (2, ROOM)


@compiled_without_traps
def judge_runs(need, offer, km, runs, needs, offers, common, by_words, least, total, keep, parts, unknown):  # type: ignore[no-untyped-def]
    """As `judge_and_keep`, stretch by stretch; values and marks are written where there is room for them."""
    tables = Tables(
        np.zeros(common.widths[0], np.uint8), np.zeros(common.widths[1], np.int64), np.zeros(common.widths[2]), np.zeros(common.widths[3], np.uint8),
        np.empty(ROOM, np.int64), np.empty(ROOM), np.empty(ROOM), np.empty(ROOM, np.uint8), np.empty(ROOM, np.uint8), np.empty(ROOM, np.int64),
        np.empty((2, ROOM)),
    )  # fmt: skip
    for r in range(len(runs)):
        i, any_word = needs.place[need[runs[r, 0]]], not by_words[need[runs[r, 0]]]
        spread(needs.whole[i], needs, common, tables, 1)
        for begin in range(runs[r, 0], runs[r, 1], ROOM):
            judge_some(i, begin, min(runs[r, 1] - begin, ROOM), offer, km, needs, offers, common, tables, least, parts, unknown)
            for k in range(min(runs[r, 1] - begin, ROOM)):
                points = np.rint(tables.points[k] * SCORE_MAX)
                total[begin + k] = np.int64(1.0 if points < 1.0 else SCORE_MAX if points > SCORE_MAX else points)
                keep[begin + k] = bool(any_word | tables.agrees[k] | tables.silent[k])
        spread(needs.whole[i], needs, common, tables, 0)


@compiled_without_traps
def judge_some(i, begin, n, offer, km, needs, offers, common, tables, least, parts, unknown):  # type: ignore[no-untyped-def]
    """Points of n pairs of need i, from `begin` on, and whether they agree."""
    a, x, at, value = needs.whole[i], needs.number[i], tables.at, tables.value
    for k in range(n):
        at[k] = offers.place[np.uint64(offer[begin + k])]
        tables.points[k] = 0.0
        tables.agrees[k] = 0
        tables.silent[k] = 1
    for c in range(CRITERIA_COUNT):
        if c == SKILLS and x[SKILL_COUNT]:
            skills(x[SKILL_COUNT], tables.asked, at, offers, value, n)
        elif c == TEXT and a[WORD_FROM] < a[WORD_TO]:
            text(tables.word, at, offers, value, n)
        elif c == DISTANCE:
            distance(x[REACH], km, begin, at, offers.number, value, tables.more[0], n)
        elif c == THEMES and common.priority:
            themes(a[THEME_BITS], common.priority, at, offers.whole, value, tables.bits, n)
        elif c == AVAILABILITY:
            availability(a[HALFDAYS], x[STARTS], x[ENDS], at, offers, value, tables.more, tables.bits, n)
        elif c == VOLUME and not math.isnan(x[QUANTITY]):
            volume(x[QUANTITY], at, offers.number, value, tables.more[0], n)
        elif c == BUDGET and not (math.isnan(x[LOW]) and math.isnan(x[HIGH])):
            budget(x[LOW], x[HIGH], at, offers.number, value, tables.more[0], tables.more[1], n)
        elif c == FRESHNESS and not math.isnan(x[FRESH]):
            for k in range(n):
                value[k] = offers.number[np.uint64(at[k]), FRESH]
            for k in range(n):
                value[k] = x[FRESH] if value[k] > x[FRESH] else value[k]
        elif c == NEVER_MET and a[MET] >= 0:
            for k in range(n):
                other = offers.whole[np.uint64(at[k]), MET]
                value[k] = 0.0 if other >= 0 and tables.met[other] else 1.0
        elif c == OCCUPATION and common.knows_occupations and a[JOB] >= 0:
            for k in range(n):
                other = offers.whole[np.uint64(at[k]), JOB]
                value[k] = math.nan if other < 0 else 1.0 if other == a[JOB] else tables.near[other]
        else:
            for k in range(n):
                value[k] = 1.0 if c == NEVER_MET else math.nan
        add_up(common.shares[c], value, tables.points, n)
        if c in (SKILLS, TEXT, OCCUPATION):
            note(least[0 if c == SKILLS else 1 if c == TEXT else 2], value, tables.agrees, tables.silent, n)
        if len(parts):
            for k in range(n):
                unknown[begin + k, c] = math.isnan(value[k])
                parts[begin + k, c] = NEUTRAL if math.isnan(value[k]) else value[k]


@compiled_without_traps
def add_up(share, value, points, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        v = value[k]
        points[k] += share * np.float64(np.float32(v if v == v else NEUTRAL))


@compiled_without_traps
def note(least, value, agrees, silent, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        v = np.float32(value[k])
        agrees[k] |= np.uint8(v >= least)
        silent[k] &= np.uint8(v != v)


@compiled_without_traps
def spread(a, needs, common, tables, on):  # type: ignore[no-untyped-def]
    """Write what a need asks for into the tables, or, with `on` 0, wipe it out."""
    for k in range(a[SKILL_FROM], a[SKILL_TO]):
        tables.asked[needs.skill[k]] = on
    for k in range(a[WORD_FROM], a[WORD_TO]):
        tables.word[needs.word[k] >> HALF] = on * np.int64(needs.word[k] & LOWER)
    if a[MET] >= 0:
        for k in range(common.met.start[a[MET]], common.met.start[a[MET] + 1]):
            tables.met[common.met.column[k]] = on
    if common.knows_occupations and a[JOB] >= 0:
        for k in range(common.near.start[a[JOB]], common.near.start[a[JOB] + 1]):
            tables.near[common.near.column[k]] = on * np.float64(common.near.value[k])


@compiled_without_traps
def copied(table, column, at, into, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        into[k] = table[np.uint64(at[k]), column]


@compiled_without_traps
def skills(count, asked, at, offers, value, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        s = np.uint64(at[k])
        shared = 0
        for cell in range(np.uint64(offers.whole[s, SKILL_FROM]), np.uint64(offers.whole[s, SKILL_TO])):
            shared += asked[offers.skill[cell]]
        value[k] = shared if offers.number[s, SKILL_COUNT] else math.nan
    for k in range(n):
        value[k] /= count


@compiled_without_traps
def text(word, at, offers, value, n):  # type: ignore[no-untyped-def]
    """Sums of products of weights: whole numbers, so they are exact in any order."""
    for k in range(n):
        s = np.uint64(at[k])
        shared = 0
        for cell in range(np.uint64(offers.whole[s, WORD_FROM]), np.uint64(offers.whole[s, WORD_TO])):
            shared += word[offers.word[cell] >> HALF] * np.int64(offers.word[cell] & LOWER)
        value[k] = shared if offers.whole[s, WORD_FROM] < offers.whole[s, WORD_TO] else math.nan
    for k in range(n):
        v = value[k] / np.float64(WHOLE * WHOLE)
        value[k] = 1.0 if v > 1.0 else v


@compiled_without_traps
def distance(reach, km, begin, at, number, value, other, n):  # type: ignore[no-untyped-def]
    copied(number, REACH, at, other, n)
    for k in range(n):
        least = other[k] if other[k] < reach else reach
        v = clipped(1.0 - km[begin + k] / (USUAL_REACH_KM if least == math.inf else least))
        value[k] = 1.0 if least < 0 else v


@compiled_without_traps
def themes(need, priority, at, whole, value, offer, n):  # type: ignore[no-untyped-def]
    copied(whole, THEME_BITS, at, offer, n)
    for k in range(n):
        v = 0.5 if (need | offer[k]) & priority else 0.0
        v = 1.0 if need & offer[k] & priority else v
        value[k] = v if need | offer[k] else math.nan


@compiled_without_traps
def availability(asked, starts, ends, at, offers, value, more, given, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        given[k] = 0
        value[k] = 0.0
    if asked:
        copied(offers.whole, HALFDAYS, at, given, n)
        all_of_them = bits(asked)
        for k in range(n):
            value[k] = bits(asked & given[k]) / all_of_them
    closed = starts != OPEN_START and ends != np.float64(OPEN_END)
    if closed:
        copied(offers.number, STARTS, at, more[0], n)
        copied(offers.number, ENDS, at, more[1], n)
        days = max(ends - starts, 0.0) + 1.0
        for k in range(n):
            last = more[1, k] if more[1, k] < ends else ends
            first = more[0, k] if more[0, k] > starts else starts
            value[k] += (last - first + 1.0) / days
    for k in range(n):
        count = (1.0 if closed else 0.0) + (1.0 if given[k] else 0.0)
        value[k] = clipped(value[k] / count) if count > 0.0 else math.nan


@compiled
def bits(mask):  # type: ignore[no-untyped-def]
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@compiled_without_traps
def volume(need, at, number, value, offer, n):  # type: ignore[no-untyped-def]
    copied(number, QUANTITY, at, offer, n)
    for k in range(n):
        greater = offer[k] if offer[k] > need else need
        lesser = need if offer[k] > need else offer[k]
        v = lesser / greater if greater > 0.0 else 1.0
        value[k] = v if offer[k] == offer[k] else math.nan


@compiled_without_traps
def budget(low, high, at, number, value, other_high, other_low, n):  # type: ignore[no-untyped-def]
    copied(number, LOW, at, other_low, n)
    copied(number, HIGH, at, other_high, n)
    for k in range(n):
        one, two = other_low[k], other_high[k]
        top = (high if two > high else two) if two == two and high == high else math.nan
        bottom = (low if one < low else one) if one == one and low == low else math.nan
        v = clipped(top / (bottom if bottom > 0.0 else 1.0))
        value[k] = 1.0 if bottom <= top else v


@compiled_without_traps
def clipped(value):  # type: ignore[no-untyped-def]
    least = 0.0 if value < 0.0 else value
    return 1.0 if least > 1.0 else least  # nan stays nan
