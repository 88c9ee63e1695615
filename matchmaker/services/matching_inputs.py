"""What a computation reads of the database, and the problem that the engine makes of it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, select, union
from sqlalchemy.dialects.postgresql import distinct_on

from matchmaker.engine import scoring
from matchmaker.engine.candidates import Candidates, candidates
from matchmaker.engine.problem import SCORE_MAX, Problem
from matchmaker.engine.relevance import relevant
from matchmaker.extensions import db
from matchmaker.models import Category, CriteriaWeights, Match, MatchStatus, Need, Offer, PairDecision, Status, Territory, Theme, Verdict
from matchmaker.services import occupations, refusal_bounds, territories
from matchmaker.services.first_in_line import first_in_line
from matchmaker.services.matching_places import closed_pairs, places_taken
from matchmaker.services.matching_tables import CATEGORIES, Table, bits, engine_id, pairs_of_ids, table

# Where any two declarations may fit whatever their words: a room is a room.
WORDLESS = frozenset({Category.PREMISES, Category.SUCCESSION})
BY_WORDS = np.array([category not in WORDLESS for category in CATEGORIES], dtype=np.bool_)

# What announcements of these are about may be an occupation of the official list, where it was imported.
BY_OCCUPATION = frozenset({Category.JOB, Category.POOLED_JOB, Category.PEER_TRAINING, Category.SKILLS_SPONSORSHIP})
DEFAULTS = {criterion.name: criterion.default_weight for criterion in scoring.CRITERIA}
WITHOUT_OCCUPATION = DEFAULTS | {"occupation": 0.0}

# What the pairs of who said yes and was not chosen count more, in millionths: less than a better fit, more than chance.
TURN = 30_000

Weights = dict[str, dict[str, float]]
# Ids of a need and of an offer.
PairIds = tuple[UUID, UUID]


@dataclass(frozen=True)
class Inputs:
    """Both sides of a territory, and what animators and answers decided about pairs.

    Attributes
    ----------
    closed : (R, 2) engine ids of the pairs that answers closed, or that are put to both sides now.
    refused_pairs, locked_pairs : what animators decided of the needs of the territory, the oldest decision first.
    weights : category → criterion → weight.
    waiting : ids of the declarations that said yes and were not chosen.
    """

    needs: Table
    offers: Table
    closed: np.ndarray
    refused_pairs: list[PairIds]
    locked_pairs: list[PairIds]
    context: scoring.Context
    weights: Weights
    waiting: frozenset[UUID] = frozenset()

    @property
    def refused(self) -> np.ndarray:
        """(R, 2) engine ids of all pairs that are not to be, whoever said so."""
        return np.concatenate((self.closed, pairs_of_ids(self.refused_pairs)))


@dataclass(frozen=True)
class Scored:
    """The problem, and the candidate pairs that it keeps with all that their score is made of.

    Attributes
    ----------
    keep : (E,) rows of `found` and of `scored`, one for each pair of the problem.
    turn : (E,) what of the score of each pair of the problem it owes to its turn.
    refused : (R, 3) row of need, row of offer and score of the pairs that only an animator's refusal keeps out.
    set_aside : locked pairs that cannot be in the answer any more.
    """

    problem: Problem
    found: Candidates
    scored: scoring.Scored
    keep: np.ndarray
    turn: np.ndarray
    refused: np.ndarray
    set_aside: list[PairIds]


def read(territory: Territory, *, today: date) -> Inputs:
    """Open needs of the territory, open offers from everywhere; those of which nothing is wanted before a later day are left out."""
    resting = list(refusal_bounds.resting(today=today))
    is_needed = (Need.status == Status.PUBLISHED, Need.territory_id == territory.id, Need.id.not_in(resting))
    return read_where(territory, is_needed, (Offer.status == Status.PUBLISHED, Offer.id.not_in(resting)), today=today)


def read_where(territory: Territory, needs: Sequence[ColumnElement[bool]], offers: Sequence[ColumnElement[bool]], *, today: date) -> Inputs:
    """The same for the needs and offers that meet these conditions."""
    asked, given, context = sides(territory, needs, offers, taken=places_taken(), today=today)
    refused, locked = (decided_pairs(territory, verdict) for verdict in (Verdict.REFUSED, Verdict.LOCKED))
    return Inputs(asked, given, closed_pairs(today=today), refused, locked, context, weights_of(territory), frozenset(first_in_line()))


def read_few(territory: Territory, need_ids: Collection[UUID], offer_ids: Collection[UUID], *, today: date) -> Inputs:
    """The same for a few announcements whose pairs were chosen already: nothing is read of what closes pairs, or weighs the criteria."""
    asked, given, context = sides(territory, (Need.id.in_(need_ids),), (Offer.id.in_(offer_ids),), taken={}, today=today)
    return Inputs(asked, given, pairs_of_ids(()), [], [], context, {}, frozenset(first_in_line({*need_ids, *offer_ids})))


def sides(
    territory: Territory, needs: Sequence[ColumnElement[bool]], offers: Sequence[ColumnElement[bool]], *, taken: Mapping[UUID, int], today: date
) -> tuple[Table, Table, scoring.Context]:
    """Both tables, and what their scores depend on beside them."""
    homes = territories.homes(union(select(Need.commune_code).where(*needs), select(Offer.commune_code).where(*offers)))
    asked, given = table(Need, *needs, homes=homes, taken=taken), table(Offer, *offers, homes=homes, taken=taken)
    proximity = occupations.proximity() if occupations.are_imported() else None
    return asked, given, scoring.Context(asked.profile, given.profile, today.toordinal(), bits(territory.themes, Theme), met_organisations(), proximity)


def problem(inputs: Inputs) -> Scored:
    """Candidates, scores and the pairs that speak of the same thing; a locked pair stays in whatever its words."""
    needs, offers = inputs.needs, inputs.offers
    found = candidates(needs.side, offers.side, refused=inputs.closed)
    scored = scoring.score(found, needs.side, offers.side, inputs.context, WITHOUT_OCCUPATION)
    total = weighted_totals(scored, needs.side.category[found.need], inputs.weights)
    turn = turns(inputs, found, total)
    total = total + turn
    held, set_aside = locks_that_hold(inputs, found)
    locked = np.zeros(len(found.need), dtype=np.bool_)
    locked[held] = True
    fits = relevant(scored, BY_WORDS[needs.side.category[found.need]]) | locked
    out = np.zeros(len(found.need), dtype=np.bool_)
    out[rows_of_pairs(inputs, found, inputs.refused_pairs)] = True
    keep, refused = np.flatnonzero(fits & ~out), np.flatnonzero(fits & out)
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
    return Scored(made, found, scored, keep, turn[keep], np.stack((found.need[refused], found.offer[refused], total[refused]), axis=1), set_aside)


def turns(inputs: Inputs, found: Candidates, total: np.ndarray) -> np.ndarray:
    """(E,) what is added to the totals of who said yes and was not chosen: they stay first in line."""
    need, offer = (np.array([one in inputs.waiting for one in side.ids], dtype=np.bool_) for side in (inputs.needs, inputs.offers))
    return np.where(need[found.need] | offer[found.offer], np.minimum(TURN, SCORE_MAX - total), 0)


def locks_that_hold(inputs: Inputs, found: Candidates) -> tuple[list[int], list[PairIds]]:
    """Rows in ``found`` of the locked pairs that can be kept together, and the others: no candidate any more, or no place left.

    An older lock goes before a newer one. A pair that is live, or that was answered, is no business of this run.
    """
    closed = {tuple(pair) for pair in inputs.closed.tolist()}
    asked = [pair for pair in inputs.locked_pairs if (engine_id(pair[0]), engine_id(pair[1])) not in closed]
    need_left, offer_left = Counter[int](), Counter[int]()
    held, set_aside = [], []
    at = candidate_rows(inputs, found, asked)
    for pair in asked:
        row = at.get(pair)
        if row is None:
            set_aside.append(pair)
            continue
        need, offer = int(found.need[row]), int(found.offer[row])
        if need_left[need] < inputs.needs.capacity[need] and offer_left[offer] < inputs.offers.capacity[offer]:
            need_left[need] += 1
            offer_left[offer] += 1
            held.append(row)
        else:
            set_aside.append(pair)
    return held, set_aside


def rows_of_pairs(inputs: Inputs, found: Candidates, pairs: Sequence[PairIds]) -> list[int]:
    return list(candidate_rows(inputs, found, pairs).values())


def candidate_rows(inputs: Inputs, found: Candidates, pairs: Sequence[PairIds]) -> dict[PairIds, int]:
    """Each pair of ids that is a candidate → its row. Candidates stand by rising row of need, then of offer."""
    if not pairs:
        return {}
    need_rows, offer_rows = inputs.needs.rows_of(), inputs.offers.rows_of()
    rows: dict[PairIds, int] = {}
    for pair in pairs:
        need, offer = need_rows.get(pair[0]), offer_rows.get(pair[1])
        if need is not None and offer is not None:
            first, last = np.searchsorted(found.need, (need, need + 1))
            place = first + np.searchsorted(found.offer[first:last], offer)
            if place < last and found.offer[place] == offer:
                rows[pair] = int(place)
    return rows


def weighted_totals(scored: scoring.Scored, category: np.ndarray, weights: Weights) -> np.ndarray:
    """(E,) totals in millionths, each pair by the weights of its category. ``scored`` was made with those without occupations."""
    total = scored.total.copy()
    for name, of_category in weights.items():
        if of_category == WITHOUT_OCCUPATION:
            continue
        rows = category == CATEGORIES.index(Category(name))
        total[rows] = scoring.totals(scored.parts[rows], of_category)
    return total


def weights_of(territory: Territory) -> Weights:
    """The weights in force in each category: the newest that were set, else the usual ones."""
    newest = select(CriteriaWeights).where(CriteriaWeights.territory_id == territory.id).order_by(CriteriaWeights.category, CriteriaWeights.set_at.desc())
    rows = db.session.scalars(newest.ext(distinct_on(CriteriaWeights.category)))
    chosen = {row.category: dict(row.weights) for row in rows}
    knows_occupations = occupations.are_imported()
    return {category.value: usual_weights(category, knows_occupations) | chosen.get(category, {}) for category in Category}


def usual_weights(category: Category, knows_occupations: bool) -> dict[str, float]:
    """Every criterion and its weight as long as nobody set another; occupations count where announcements can name one."""
    return DEFAULTS if knows_occupations and category in BY_OCCUPATION else WITHOUT_OCCUPATION


def decided_pairs(territory: Territory, verdict: Verdict) -> list[PairIds]:
    """The pairs of the territory's needs that animators locked, or refused; the oldest decision first."""
    query = select(PairDecision.need_id, PairDecision.offer_id).join(PairDecision.need)
    query = query.where(Need.territory_id == territory.id, PairDecision.verdict == verdict).order_by(PairDecision.decided_at, PairDecision.id)
    return [(need, offer) for need, offer in db.session.execute(query)]


def met_organisations() -> np.ndarray:
    """(K, 2) engine ids of the organisations that said yes to each other before."""
    query = (
        select(Need.organisation_id, Offer.organisation_id).select_from(Match).join(Match.need).join(Match.offer).where(Match.status == MatchStatus.CONFIRMED)
    )
    return pairs_of_ids((one, other) for one, other in db.session.execute(query.distinct()))
