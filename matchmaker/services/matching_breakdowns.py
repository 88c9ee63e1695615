"""The points of pairs by criterion: of all that a run chose, or of a few pairs of a run that was computed before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from matchmaker.engine import scoring
from matchmaker.engine.candidates import candidates
from matchmaker.engine.problem import SCORE_MAX, displayed
from matchmaker.engine.relevance import TEXT
from matchmaker.models import MatchingRun
from matchmaker.models.base import PARIS, now
from matchmaker.services import matching_inputs
from matchmaker.services.matching_inputs import PairIds, Weights, candidate_rows
from matchmaker.services.matching_tables import CATEGORIES

Breakdown = list[dict[str, Any]]
# The line of what is no criterion: see matching_inputs.turns.
TURN_LINE = "turn"


@dataclass(frozen=True)
class Detail:
    """What a pair's score is made of, as a match keeps it."""

    distance_km: float | None
    breakdown: Breakdown


def details(run: MatchingRun, scores: Mapping[PairIds, int]) -> dict[PairIds, Detail]:
    """Detail of some pairs of a run, from their declarations alone. ``scores``: pair → its score in the run, in millionths.

    How much a word weighs depends on all the texts of the territory: the likeness of two texts is what the other criteria leave of the
    score. A pair whose declarations were changed since, so that it may not be any more, has a detail without lines.
    """
    needs, offers = {need for need, _offer in scores}, {offer for _need, offer in scores}
    today = (run.started_at or now()).astimezone(PARIS).date()
    inputs = matching_inputs.read_few(run.territory, needs, offers, today=today)
    found = candidates(inputs.needs.side, inputs.offers.side)
    scored = scoring.score(found, inputs.needs.side, inputs.offers.side, inputs.context)
    at = candidate_rows(inputs, found, list(scores))
    rows = np.array(list(at.values()), dtype=np.int64)
    category, score = inputs.needs.side.category[found.need[rows]], np.array([scores[pair] for pair in at], dtype=np.int64)
    turn = np.minimum(matching_inputs.turns(inputs, found, scored.total)[rows], score - 1)
    parts = with_likeness(scored.parts[rows], score - turn, category, run.weights)
    lines = breakdowns(score, parts, scored.unknown[rows], category, run.weights, turn)
    distances = [None if np.isnan(km) else round(km, 1) for km in found.distance_km[rows].tolist()]
    told = {pair: Detail(km, breakdown) for pair, km, breakdown in zip(at, distances, lines, strict=True)}
    return {pair: told.get(pair, Detail(None, [])) for pair in scores}


def with_likeness(parts: np.ndarray, score: np.ndarray, category: np.ndarray, weights: Weights) -> np.ndarray:
    """The parts with the value for the texts that makes the score."""
    mended = parts.copy()
    for row, number in enumerate(category.tolist()):
        share = shares(weights.get(CATEGORIES[number].value))
        if share[TEXT] > 0:
            others = float(share @ parts[row] - share[TEXT] * parts[row, TEXT])
            mended[row, TEXT] = np.clip((score[row] / SCORE_MAX - others) / share[TEXT], 0.0, 1.0)
    return mended


def breakdowns(score: np.ndarray, parts: np.ndarray, unknown: np.ndarray, category: np.ndarray, weights: Weights, turn: np.ndarray) -> list[Breakdown]:
    """For each of E pairs its lines as they are stored; the points earned sum to the displayed score, those at most of the criteria to 100.

    ``score``: (E,) millionths, of which ``turn`` for having waited its turn, told in a line of its own; ``parts``, ``unknown``: (E, K) of the
    criteria; ``category``: (E,) rows of CATEGORIES.
    """
    whole, score = score, score - turn
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
            lines[row] = [{"criterion": name, "earned": got, "possible": possible, "unknown": none} for name, got, possible, none in told if possible]
    for row in np.flatnonzero(turn).tolist():
        earned_by_turn = displayed(int(whole[row])) - displayed(int(score[row]))
        if earned_by_turn:
            lines[row].append({"criterion": TURN_LINE, "earned": earned_by_turn, "possible": earned_by_turn, "unknown": False})
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
