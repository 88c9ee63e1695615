"""The fast version of the criteria of `scoring`: every criterion over the pairs of one need, then the next criterion.

`scoring` says what each criterion means. What a need asks for (words, skills, occupations, organisations that it has met)
is spread over tables once, and read by each of its pairs; what it does not say is settled for all of them at once. What the
offers say is copied into short rows that fit the nearest cache, over which a processor computes several pairs at a time.
Fastest when the pairs stand by need. Importing this module imports numba.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matchmaker.engine.compiling import DISABLED
from matchmaker.engine.criteria import FRESH_DAYS, Context, Profile, Proximity
from matchmaker.engine.judging_kernel import CRITERIA_COUNT, HALF, WHOLE, judge_runs
from matchmaker.engine.sides import Bools, Candidates, Floats, Ints, Side, position

__all__ = ["DISABLED", "NOTHING", "facts", "judge", "judge_and_keep"]


class Sparse(NamedTuple):
    """Rows of cells: those of row k are start[k] … start[k + 1] of `column` and `value`."""

    start: Ints
    column: NDArray[np.uint32]
    value: NDArray[np.float32]


class Facts(NamedTuple):
    """What the criteria read of a side: for each declaration a row of whole numbers and one of others, so that a pair reads few lines.

    The rows stand by category, so that those that are read together stand together: `place` tells that of each row of the
    side. `whole` and `number` hold what the names of the columns say in `judging_kernel`; a list of skills or words is a
    range of the columns.
    """

    place: Ints  # (N,)
    whole: Ints  # (N, 8)
    number: Floats  # (N, 8)
    skill: NDArray[np.uint32]
    word: NDArray[np.uint64]  # number of the word, and in the lower half its weight in 2**20ths


class Common(NamedTuple):
    """What they read besides: widths of the tables of skills, words, occupations and organisations that met somebody."""

    priority: int
    met: Sparse
    near: Sparse
    knows_occupations: bool
    widths: Ints
    shares: Floats


def judge(pairs: Candidates, needs: Facts, offers: Facts, common: Common) -> tuple[Ints, NDArray[np.float32], Bools]:
    """Totals, values and marks of the pairs, as `scoring.score` states them."""
    count = len(pairs.need)
    parts, unknown = np.empty((count, CRITERIA_COUNT), np.float32), np.empty((count, CRITERIA_COUNT), np.bool_)
    every_need, any_value = np.zeros(len(needs.place), np.bool_), np.zeros(3, np.float32)
    total, _ = _judged(pairs, needs, offers, common, every_need, any_value, parts, unknown)
    return total, parts, unknown


def judge_and_keep(pairs: Candidates, needs: Facts, offers: Facts, common: Common, by_words: Bools, least: NDArray[np.float32]) -> tuple[Ints, Bools]:
    """Totals of the pairs, and which to keep: those of needs not `by_words`, and those that agree.

    They agree in skills, text or occupations, at least by so much, or in saying nothing of the three.
    """
    no_part, no_mark = np.empty((0, CRITERIA_COUNT), np.float32), np.empty((0, CRITERIA_COUNT), np.bool_)
    return _judged(pairs, needs, offers, common, by_words, least, no_part, no_mark)


def _judged(
    pairs: Candidates, needs: Facts, offers: Facts, common: Common, by_words: Bools, least: NDArray[np.float32], parts: NDArray[np.float32], unknown: Bools
) -> tuple[Ints, Bools]:
    # Taken by numpy, in large pages, as in `nearby.find`.
    total, keep = np.empty(len(pairs.need), np.int64), np.empty(len(pairs.need), np.bool_)
    runs = _runs(pairs.need, needs)
    judge_runs(pairs.need, pairs.offer, pairs.distance_km, runs, needs, offers, common, by_words, least, total, keep, parts, unknown)
    return total, keep


def _runs(need: NDArray[np.int32], needs: Facts) -> Ints:
    """(R, 2) first and last + 1 of the stretches of pairs of one need, by category of the need."""
    bounds = np.concatenate(([0], np.flatnonzero(need[1:] != need[:-1]) + 1, [len(need)])) if len(need) else np.zeros(1, np.int64)
    order = np.argsort(needs.place[need[bounds[:-1]]], kind="stable")
    return np.stack((bounds[:-1][order], bounds[1:][order]), axis=1).astype(np.int64)


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
        priority=context.territory_themes,
        met=Sparse(np.searchsorted(met[:, 0], np.arange(len(names) + 1)).astype(np.int64), met[:, 1].astype(np.uint32), np.zeros(0, np.float32)),
        near=Sparse(near.start, near.other.astype(np.uint32), near.value.astype(np.float32)),
        knows_occupations=context.occupation_proximity is not None,
        widths=np.array([asked.matrix.shape[1], texts[0].shape[1], len(near.start), len(names) + 1], dtype=np.int64),
        shares=shares,
    )
    return (
        _facts(needs, context.needs, context.today, names, asked.matrix, asked.sizes, texts[0]),
        _facts(offers, context.offers, context.today, names, given.matrix, given.sizes, texts[1]),
        common,
    )


def _facts(side: Side, profile: Profile, today: int, names: Ints, skills: csr_array[np.float64], skill_count: Ints, text: csr_array[np.float64]) -> Facts:
    order = np.argsort(side.category, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    number, reach = position(names, side.organisation), np.maximum(side.radius_km, 1e-9)
    skill, word = skills[order], text[order]
    # Of the older of two declarations, freshness is the lesser of both: it may be read off each by itself.
    fresh = np.where(profile.published_on == 0, np.nan, np.clip(1.0 - (today - profile.published_on) / FRESH_DAYS, 0.0, 1.0))
    whole = (side.halfdays, profile.themes, profile.occupations, np.where(number < len(names), number, -1))
    others = (
        np.where(side.remote_share == 100, -1.0, np.where(np.isnan(reach), np.inf, reach)),
        profile.volume, profile.budget_low, profile.budget_high, side.starts, side.ends, fresh, skill_count,
    )  # fmt: skip
    ranges = (skill.indptr[:-1], skill.indptr[1:], word.indptr[:-1], word.indptr[1:])
    return Facts(
        place=place,
        whole=np.stack([*(column[order] for column in whole), *ranges], axis=1).astype(np.int64),
        number=np.stack([column[order] for column in others], axis=1).astype(np.float64),
        skill=skill.indices.astype(np.uint32),
        word=(word.indices.astype(np.uint64) << HALF) | np.rint(word.data * WHOLE).astype(np.uint64),
    )


def _nothing() -> tuple[Candidates, Facts, Facts, Common]:
    """No pair of no declarations, in the types of any other call."""
    none, no_number = np.zeros(0, np.int64), np.zeros(0)
    side = Side(
        id=none, organisation=none, category=none, lat=no_number, lon=no_number, radius_km=no_number, halfdays=none, starts=none, ends=none,
        required=none, held=none, denied=none, remote_share=none, home=np.zeros((0, 1), np.int64), area_start=np.zeros(1, np.int64), area=none,
    )  # fmt: skip
    profile = Profile((), (), none, no_number, no_number, no_number, none)
    no_pair = Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32), no_number, np.zeros(0, np.uint8))
    return no_pair, *facts(side, side, Context(profile, profile, 0, 0, np.zeros((0, 2), np.int64)), np.full(CRITERIA_COUNT, 0.1))


NOTHING = _nothing()
