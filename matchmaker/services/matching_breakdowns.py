"""The points of many pairs by criterion, at once: what `scoring.points` tells of one."""

from typing import Any

import numpy as np

from matchmaker.engine import scoring
from matchmaker.engine.problem import displayed
from matchmaker.services.matching_inputs import Weights
from matchmaker.services.matching_tables import CATEGORIES

Breakdown = list[dict[str, Any]]


def breakdowns(score: np.ndarray, parts: np.ndarray, unknown: np.ndarray, category: np.ndarray, weights: Weights) -> list[Breakdown]:
    """For each of E pairs its lines as they are stored; the points earned sum to the displayed score, those at most to 100.

    ``score``: (E,) millionths; ``parts``, ``unknown``: (E, K) of the criteria; ``category``: (E,) rows of CATEGORIES.
    """
    lines: list[Breakdown] = [[] for _pair in score]
    names = [criterion.name for criterion in scoring.CRITERIA]
    for number in np.unique(category).tolist():
        rows = np.flatnonzero(category == number)
        of_category = weights.get(CATEGORIES[number].value)
        most = [possible for _criterion, _earned, possible in scoring.points(np.zeros(len(names)), of_category)]
        total = np.array([displayed(one) for one in score[rows].tolist()])
        earned = rounded(shares(of_category) * parts[rows] * 100, total, np.array(most))
        for row, points, is_unknown in zip(rows.tolist(), earned.tolist(), unknown[rows].tolist(), strict=True):
            told = zip(names, points, most, is_unknown, strict=True)
            lines[row] = [{"criterion": name, "earned": got, "possible": possible, "unknown": none} for name, got, possible, none in told]
    return lines


def shares(weights: dict[str, float] | None) -> np.ndarray:
    """(K,) weights of the criteria that sum to 1."""
    given = np.array([(weights or {}).get(criterion.name, criterion.default_weight) for criterion in scoring.CRITERIA], dtype=np.float64)
    return np.asarray(given / given.sum())


def rounded(exact: np.ndarray, total: np.ndarray, most: np.ndarray) -> np.ndarray:
    """(E, K) whole numbers that sum to ``total`` in each row, none above its most: floors first, then one more by the largest remainders."""
    whole = np.floor(exact).astype(np.int64)
    while np.any(short := total - whole.sum(axis=1)):
        rest = np.where(whole < most, exact - whole, -np.inf)
        rank = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1)
        whole += (rank < short[:, None]) & np.isfinite(rest)
    return np.asarray(whole)
