"""How well a candidate pair fits: a weighted sum of criteria in [0, 1], quantised once to millionths.

A pair of which the declarations do not say enough gets a neutral half for the criterion, and the mark « unknown », so that
people check it together. Many pairs go to the compiled `judging`; few, and all of them where numba is missing or cannot
compile, to the readable functions of `criteria`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from matchmaker.engine.criteria import CRITERIA, FRESH_DAYS, USUAL_REACH_KM, Context, Criterion, Pairs, Profile, Proximity
from matchmaker.engine.problem import SCORE_MAX, BadProblem, displayed
from matchmaker.engine.sides import Bools, Candidates, Floats, Ints, Side, part_of

__all__ = [
    "CRITERIA", "FRESH_DAYS", "USUAL_REACH_KM", "Context", "Criterion", "Pairs", "Profile", "Proximity", "Scored", "displayed", "points", "score",
    "totals", "warm",
]  # fmt: skip

NEUTRAL = 0.5
# Below this many pairs nothing is compiled or loaded: a web request scores as many.
_PAIRS_TO_COMPILE = 200_000
_PART = 100_000  # pairs scored together where not all values are kept


@dataclass(frozen=True)
class Scored:
    """Scores of the candidate pairs.

    Attributes
    ----------
    total : (E,) from 1 to 1,000,000, in millionths.
    parts : (E, K) value in single precision of each criterion of `CRITERIA`, in [0, 1]; a half where unknown.
    unknown : (E, K) whether the declarations do not say enough for this criterion.
    """

    total: Ints
    parts: NDArray[np.float32]
    unknown: NDArray[np.bool_]


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
    shares = _normalised(weights)
    judging = _compiled() if len(candidates.need) >= _PAIRS_TO_COMPILE else None
    if judging is not None:
        return Scored(*judging.judge(candidates, *judging.facts(needs, offers, context, shares)))
    return score_by_criteria(Pairs(candidates, needs, offers, context), shares)


def scored_and_kept(
    candidates: Candidates, needs: Side, offers: Side, context: Context, weights: Mapping[str, float] | None, by_words: Bools, least: NDArray[np.float32]
) -> tuple[Ints, Bools] | None:
    """Totals as `score` makes them, and which pairs to keep, see `relevance`: `by_words` is by row of need, `least` is of skills, text and occupation.

    None where nothing is compiled, or nothing need be: see `scored_in_parts` then.
    """
    judging = _compiled() if len(candidates.need) >= _PAIRS_TO_COMPILE else None
    if judging is None:
        return None
    total, keep = judging.judge_and_keep(candidates, *judging.facts(needs, offers, context, _normalised(weights)), by_words, least)
    return total, keep


def scored_in_parts(
    candidates: Candidates, needs: Side, offers: Side, context: Context, weights: Mapping[str, float] | None = None
) -> Iterator[tuple[slice, Scored]]:
    """As `score` without a compiler, rows of pairs after rows of pairs."""
    shares = _normalised(weights)
    for begin in range(0, len(candidates.need), _PART):
        rows = slice(begin, begin + _PART)
        yield rows, score_by_criteria(Pairs(part_of(candidates, rows), needs, offers, context), shares)


def score_by_criteria(pairs: Pairs, shares: Floats) -> Scored:
    """As `score`, criterion by criterion, with weights that sum to 1."""
    values = np.stack([criterion.function(pairs) for criterion in CRITERIA], axis=1)
    unknown = np.isnan(values)
    parts = np.where(unknown, NEUTRAL, values).astype(np.float32)
    return Scored(_quantised(parts, shares), parts, unknown)


def warm() -> bool:
    """Compile the criteria, or read what an earlier process compiled; return whether they are. See `assignment.warm`."""
    return _compiled() is not None


@cache
def _compiled() -> ModuleType | None:
    """The compiled criteria, tried on no pair; None where numba is missing, switched off or unable to compile."""
    try:
        from matchmaker.engine import judging

        judging.judge(*judging.NOTHING)
    except Exception:  # whatever compiling may raise: there is a slower way that needs no compiler
        return None
    return None if judging.DISABLED else judging


def totals(parts: NDArray[np.floating], weights: Mapping[str, float] | None = None) -> Ints:
    """(E,) totals of the (E, K) values of the criteria, in millionths, as `score` makes them.

    Examples
    --------
    >>> totals(np.full((2, len(CRITERIA)), 0.5)).tolist()
    [500000, 500000]
    """
    return _quantised(parts, _normalised(weights))


def points(parts_row: NDArray[np.floating], weights: Mapping[str, float] | None = None) -> list[tuple[Criterion, int, int]]:
    """Break one pair's score down into (criterion, points earned, points at most), in the order of `CRITERIA`.

    The points at most sum to 100 and the points earned to `displayed` of the pair's total, by the largest remainders;
    nothing earns more than its most.

    Examples
    --------
    >>> row = np.array([1.0, 0.5, 0.25, 0, 1, 1, 1, 1, 1, 0.5])
    >>> [(earned, most) for _, earned, most in points(row)]
    [(22, 22), (7, 13), (4, 18), (0, 9), (9, 9), (4, 4), (4, 4), (4, 4), (4, 4), (7, 13)]
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


def _quantised(parts: NDArray[np.floating], shares: Floats) -> Ints:
    # A sum over columns in a fixed order: a pair scores the same whatever the number of pairs beside it.
    total = np.zeros(len(parts))
    for column, share in enumerate(shares.tolist()):
        total += share * parts[:, column].astype(np.float64)
    return np.clip(np.rint(total * SCORE_MAX), 1, SCORE_MAX).astype(np.int64)


def _rounded(exact: Floats, total: int, most: Ints) -> Ints:
    """Round to integers of a given sum, none above its most: floors first, then one more by the largest remainders."""
    rounded = np.floor(exact).astype(np.int64)
    while (short := total - int(rounded.sum())) > 0:
        rest = np.where(rounded < most, exact - rounded, -np.inf)
        rounded[np.argsort(-rest, kind="stable")[: min(short, int(np.isfinite(rest).sum()))]] += 1
    return rounded
