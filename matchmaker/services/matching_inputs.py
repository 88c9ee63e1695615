"""What a computation reads of the database, and the problem that the engine makes of it."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from matchmaker.engine import scoring
from matchmaker.engine.candidates import Candidates, candidates
from matchmaker.engine.problem import Problem
from matchmaker.engine.relevance import relevant
from matchmaker.extensions import db
from matchmaker.models import Category, CriteriaWeights, Match, MatchStatus, Need, Offer, PairDecision, Territory, Theme, Verdict
from matchmaker.services import declarations, territories
from matchmaker.services.matching_places import closed_pairs, places_taken
from matchmaker.services.matching_tables import CATEGORIES, Table, bits, pairs_of_ids, table

# Where any two declarations may fit whatever their words: a room is a room.
WORDLESS = frozenset({Category.PREMISES, Category.SUCCESSION})
BY_WORDS = np.array([category not in WORDLESS for category in CATEGORIES], dtype=np.bool_)

Weights = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Inputs:
    """Both sides of a territory, and what animators and answers decided about pairs.

    Attributes
    ----------
    refused, locked : (R, 2) engine ids of need and offer.
    weights : category → criterion → weight; a category without an entry has the default ones.
    """

    needs: Table
    offers: Table
    refused: np.ndarray
    locked: np.ndarray
    context: scoring.Context
    weights: Weights


@dataclass(frozen=True)
class Scored:
    """The problem, and the candidate pairs that it keeps with all that their score is made of.

    Attributes
    ----------
    keep : (E,) rows of `found` and of `scored`, one for each pair of the problem.
    """

    problem: Problem
    found: Candidates
    scored: scoring.Scored
    keep: np.ndarray


def read(territory: Territory, *, today: date) -> Inputs:
    """Open needs of the territory, open offers from everywhere."""
    taken = places_taken()
    homes = territories.homes()
    needs = table(declarations.open_needs(territory), homes=homes, taken=taken)
    offers = table(declarations.open_offers(), homes=homes, taken=taken)
    context = scoring.Context(needs.profile, offers.profile, today.toordinal(), bits(territory.themes, Theme), met_organisations())
    refused = np.concatenate((closed_pairs(today=today), decided_pairs(Verdict.REFUSED)))
    return Inputs(needs, offers, refused, decided_pairs(Verdict.LOCKED), context, weights_of(territory))


def problem(inputs: Inputs) -> Scored:
    """Candidates, scores and the pairs that speak of the same thing; a locked pair stays in whatever its words."""
    needs, offers = inputs.needs, inputs.offers
    found = candidates(needs.side, offers.side, refused=inputs.refused)
    scored = scoring.score(found, needs.side, offers.side, inputs.context)
    total = weighted_totals(scored, needs.side.category[found.need], inputs.weights)
    locked = is_one_of(needs.side.id[found.need], offers.side.id[found.offer], inputs.locked)
    keep = np.flatnonzero(relevant(scored, BY_WORDS[needs.side.category[found.need]]) | locked)
    made = Problem(
        need=found.need[keep],
        offer=found.offer[keep],
        score=total[keep],
        need_capacity=needs.capacity,
        offer_capacity=offers.capacity,
        locked=locked[keep],
        need_id=needs.side.id,
        offer_id=offers.side.id,
    )
    return Scored(made, found, scored, keep)


def weighted_totals(scored: scoring.Scored, category: np.ndarray, weights: Weights) -> np.ndarray:
    """(E,) totals in millionths, each pair by the weights of its category."""
    total = scored.total.copy()
    for name, of_category in weights.items():
        rows = category == CATEGORIES.index(Category(name))
        total[rows] = scoring.totals(scored.parts[rows], of_category)
    return total


def weights_of(territory: Territory) -> Weights:
    """The weights in force: for each category, the newest that were set."""
    newest = select(CriteriaWeights).where(CriteriaWeights.territory_id == territory.id).order_by(CriteriaWeights.category, CriteriaWeights.set_at.desc())
    rows = db.session.scalars(newest.ext(distinct_on(CriteriaWeights.category)))
    return {row.category.value: dict(row.weights) for row in rows if row.weights}


def is_one_of(need_ids: np.ndarray, offer_ids: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(E,) whether each pair of ids is among the few pairs."""
    found = np.zeros(len(need_ids), dtype=np.bool_)
    for need, offer in pairs.tolist():
        found |= (need_ids == need) & (offer_ids == offer)
    return found


def decided_pairs(verdict: Verdict) -> np.ndarray:
    """(K, 2) engine ids of the pairs that animators locked, or refused."""
    query = select(PairDecision.need_id, PairDecision.offer_id).where(PairDecision.verdict == verdict)
    return pairs_of_ids((need, offer) for need, offer in db.session.execute(query.order_by(PairDecision.need_id, PairDecision.offer_id)))


def met_organisations() -> np.ndarray:
    """(K, 2) engine ids of the organisations that said yes to each other before."""
    query = (
        select(Need.organisation_id, Offer.organisation_id).select_from(Match).join(Match.need).join(Match.offer).where(Match.status == MatchStatus.CONFIRMED)
    )
    return pairs_of_ids((one, other) for one, other in db.session.execute(query.distinct()))
