"""Why a run chose these pairs and not others: read from its stored instance, with the score broken down for what is shown only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, cast, select
from sqlalchemy.orm import defer, joinedload, selectinload

from matchmaker.engine import explanation, scoring
from matchmaker.engine.candidates import Candidates, great_circle_km, why_none
from matchmaker.engine.components import resolve
from matchmaker.engine.problem import BadProblem, Objective, displayed
from matchmaker.extensions import db
from matchmaker.models import Match, MatchingRun, MatchStatus, Need, Offer, Organisation, RunStatus, Theme, Verdict
from matchmaker.models.base import PARIS
from matchmaker.services import matching_instances, occupations, territories
from matchmaker.services.matching_inputs import decided_pairs
from matchmaker.services.matching_instances import Instance
from matchmaker.services.matching_places import closed_pairs
from matchmaker.services.matching_tables import Table, bits, pairs_of_ids, table
from matchmaker.services.territories import plain

D = TypeVar("D", Need, Offer)
SHOWN_ALTERNATIVES = 5
# Regrets bound losses from below: among the pairs of least regret, those of least loss are shown.
LOOKED_AT = 10
MOST_FOUND = 10
# The score is rounded once to millionths, and the likeness of texts is found back from it.
ROUNDING = 1e-4
TEXT = next(column for column, criterion in enumerate(scoring.CRITERIA) if criterion.name == "text")


@dataclass(frozen=True)
class ShownPair:
    """A pair as its page shows it, chosen or not. It reads like a Match.

    Attributes
    ----------
    score, loss : in millionths; the loss is what the best answer with this pair is below the best one: what the pair lacked; 0 for a chosen pair.
    breakdown : as a Match has it; empty when a declaration changed since the run, so that its points can no longer be told.
    """

    need: Need
    offer: Offer
    score: int
    loss: int
    distance_km: float | None
    breakdown: list[dict[str, Any]]

    @property
    def points(self) -> int:
        return displayed(self.score)


@dataclass(frozen=True)
class WhyNotPair:
    """Why a need was not given a certain offer.

    Attributes
    ----------
    pair : the pair with its score, None when the two may not meet at all.
    is_chosen : whether they do meet.
    obstacle : what keeps them apart when they may not meet: a constraint, « category », « locked » or « other_subject ».
    distance_km : how far they are from each other, None when it is not known.
    need_price, offer_price : what one more place on that side is worth, in millionths.
    holders : needs that hold the offer's places, best score first; held : offers that the need has.
    """

    need: Need
    offer: Offer
    pair: ShownPair | None
    is_chosen: bool
    obstacle: str
    distance_km: float | None
    need_price: int
    offer_price: int
    holders: list[Need]
    held: list[Offer]


@dataclass(frozen=True)
class Explanation:
    """What a run found for one declaration.

    Attributes
    ----------
    places, taken : places that it had, and how many the run filled.
    price : what one more place would be worth, in millionths.
    candidates : how many pairs were possible.
    matches, alternatives : the chosen pairs, best first; the others by rising loss.
    """

    places: int
    taken: int
    price: int
    candidates: int
    matches: list[ShownPair]
    alternatives: list[ShownPair]


def instance_of(run: MatchingRun) -> Instance | None:
    """What the run was computed from, None for a run that kept nothing."""
    return None if run.instance is None else matching_instances.unpack(run.instance.arrays)


def last_word(need: Need) -> tuple[MatchingRun, dict[str, Any]] | None:
    """The run that was sent last in the need's territory and why it left the need without an offer; None when it did not, or never saw it."""
    told = MatchingRun.unserved[str(need.id)]
    query = select(MatchingRun, told).where(MatchingRun.territory_id == need.territory_id, MatchingRun.status == RunStatus.PUBLISHED)
    found = db.session.execute(query.options(defer(MatchingRun.unserved)).where(told.is_not(None))).one_or_none()
    return None if found is None else (found[0], found[1])


def row_of(ids: Sequence[UUID], row_id: UUID) -> int | None:
    """The row of a declaration in the run, None when the run did not read it."""
    return ids.index(row_id) if row_id in ids else None


def explain_need(run: MatchingRun, instance: Instance, row: int) -> Explanation:
    """The offers that a need was given, and those that it was not."""
    problem, answer = instance.problem, instance.assignment
    missed = explanation.alternatives(problem, answer, row, LOOKED_AT)
    return Explanation(
        places=int(problem.need_capacity[row]),
        taken=int(np.count_nonzero(answer.chosen & (problem.need == row))),
        price=int(answer.need_price[row]),
        candidates=int(np.count_nonzero(problem.need == row)),
        matches=chosen_pairs(run, Match.need_id == instance.need_ids[row]),
        alternatives=shown(run, instance, missed),
    )


def explain_offer(run: MatchingRun, instance: Instance, row: int) -> Explanation:
    """The needs that an offer was given to, and those that it was not."""
    problem, answer = instance.problem, instance.assignment
    missed = explanation.offer_alternatives(problem, answer, row, LOOKED_AT)
    return Explanation(
        places=int(problem.offer_capacity[row]),
        taken=int(np.count_nonzero(answer.chosen & (problem.offer == row))),
        price=int(answer.offer_price[row]),
        candidates=int(np.count_nonzero(problem.offer == row)),
        matches=chosen_pairs(run, Match.offer_id == instance.offer_ids[row]),
        alternatives=shown(run, instance, missed),
    )


def explain_pair(run: MatchingRun, instance: Instance, need_row: int, offer_row: int) -> WhyNotPair:
    """Why a need was not given an offer: who holds its places, or what keeps the two apart."""
    told = explanation.why_not(instance.problem, instance.assignment, need_row, offer_row)
    needs = by_id(Need, {instance.need_ids[row] for row in (need_row, *told.holders)})
    offers = by_id(Offer, {instance.offer_ids[row] for row in (offer_row, *told.held)})
    need, offer = needs[instance.need_ids[need_row]], offers[instance.offer_ids[offer_row]]
    pair, obstacle, distance = None, "locked", None
    if told.score is None:
        obstacle, distance = obstacle_between(need, offer, refused=closed_to(run))
    elif (loss := loss_of(run, instance, need_row, offer_row)) is not None:
        pair, obstacle = shown_pairs(run, [(need, offer, told.score, loss)])[0], ""
    return WhyNotPair(
        need=need,
        offer=offer,
        pair=pair,
        is_chosen=told.is_chosen,
        obstacle=obstacle,
        distance_km=distance,
        need_price=told.need_price,
        offer_price=told.offer_price,
        holders=[needs[instance.need_ids[row]] for row in told.holders],
        held=[offers[instance.offer_ids[row]] for row in told.held],
    )


def find_offers(instance: Instance, need: Need, text: str) -> list[Offer]:
    """Offers of the run in the need's category whose title, or organisation, has these words. No word finds a succession in confidence."""
    words = plain(text).split()
    if not words:
        return []
    query = select(Offer.id, Offer.title, Organisation.name).join(Offer.organisation).where(Offer.is_confidential.is_(False))
    rows = db.session.execute(query.where(Offer.category == need.category, one_of(Offer, instance.offer_ids)).order_by(Offer.title, Offer.id))
    found: list[UUID] = []
    for offer_id, title, name in rows:
        told = plain(f"{title} {name}")
        if len(found) < MOST_FOUND and all(word in told for word in words):
            found.append(offer_id)
    offers = by_id(Offer, found)
    return [offers[offer_id] for offer_id in found]


def one_of(model: type[Need] | type[Offer], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """A condition that takes tens of thousands of ids as one parameter."""
    return model.id == any_(cast(list(ids), ARRAY(Uuid)))


def chosen_pairs(run: MatchingRun, which: Any) -> list[ShownPair]:
    """The run's matches of one declaration, as they were stored, best first."""
    query = select(Match).where(Match.run_id == run.id, which).order_by(Match.score.desc(), Match.id)
    matches = db.session.scalars(query).all()
    needs, offers = by_id(Need, {match.need_id for match in matches}), by_id(Offer, {match.offer_id for match in matches})
    return [ShownPair(needs[match.need_id], offers[match.offer_id], match.score, 0, match.distance_km, match.breakdown) for match in matches]


def loss_of(run: MatchingRun, instance: Instance, need_row: int, offer_row: int) -> int | None:
    """By how much the best answer with this pair is below the best one, in millionths: solved, not bounded.

    None when the places of one side are all held by pairs that an animator locked.
    """
    try:
        forced = resolve(instance.problem, instance.assignment, lock=[(need_row, offer_row)], objective=Objective(run.objective))
    except BadProblem:
        return None
    return instance.assignment.value - forced.assignment.value


def losses(run: MatchingRun, instance: Instance, missed: Sequence[explanation.Alternative]) -> list[tuple[explanation.Alternative, int]]:
    """The pairs of least loss, each with it. One that locked pairs shut out is no alternative."""
    found = [(one, loss) for one in missed if (loss := loss_of(run, instance, one.need_row, one.offer_row)) is not None]
    return sorted(found, key=lambda pair: pair[1])[:SHOWN_ALTERNATIVES]


def shown(run: MatchingRun, instance: Instance, missed: Sequence[explanation.Alternative]) -> list[ShownPair]:
    """Alternatives with their loss and their points."""
    kept = losses(run, instance, missed)
    needs = by_id(Need, {instance.need_ids[one.need_row] for one, _ in kept})
    offers = by_id(Offer, {instance.offer_ids[one.offer_row] for one, _ in kept})
    return shown_pairs(run, [(needs[instance.need_ids[one.need_row]], offers[instance.offer_ids[one.offer_row]], one.score, loss) for one, loss in kept])


def by_id(model: type[D], ids: Collection[UUID]) -> dict[UUID, D]:
    """Declarations with all that is shown or scored of them, in two queries whatever their number."""
    if not ids:
        return {}
    query = select(model).where(model.id.in_(ids)).options(*whole(model))
    return {row.id: row for row in db.session.scalars(query)}


def whole(model: type[D]) -> tuple[Any, ...]:
    """What the pages and the engine read of a declaration beside its own columns."""
    organisation = joinedload(model.organisation).joinedload(Organisation.commune)
    return organisation, joinedload(model.commune), joinedload(model.territory), selectinload(model.areas)


def shown_pairs(run: MatchingRun, pairs: Sequence[tuple[Need, Offer, int, int]]) -> list[ShownPair]:
    """Pairs with their score broken down anew; each is (need, offer, score, loss)."""
    if not pairs:
        return []
    needs = table(Need, Need.id.in_({need.id for need, *_ in pairs}), homes={}, taken={})
    offers = table(Offer, Offer.id.in_({offer.id for _, offer, *_ in pairs}), homes={}, taken={})
    need_row, offer_row = needs.rows_of(), offers.rows_of()
    found = candidates_of(needs, offers, [(need_row[need.id], offer_row[offer.id]) for need, offer, *_ in pairs])
    scored = scoring.score(found, needs.side, offers.side, context_of(run, needs, offers))
    return [
        ShownPair(need, offer, score, loss, rounded(found.distance_km[row]), breakdown(run, need, offer, score, scored, row))
        for row, (need, offer, score, loss) in enumerate(pairs)
    ]


def breakdown(run: MatchingRun, need: Need, offer: Offer, score: int, scored: scoring.Scored, row: int) -> list[dict[str, Any]]:
    """One pair's score in points of one hundred, by criterion; empty when the two no longer say what the run read.

    The likeness of two texts depends on all the texts of the run: here it is what the other criteria leave of the score.
    """
    if any(side.updated_at > instant(run) for side in (need, offer)):
        return []
    weights = run.weights.get(need.category.value)
    ends = np.repeat(scored.parts[row][None, :], 2, axis=0)
    if not scored.unknown[row, TEXT]:
        ends[:, TEXT] = (0.0, 1.0)
    least, most = scoring.totals(ends, weights).tolist()
    share = (score - least) / (most - least) if most > least else 0.0
    if not -ROUNDING <= share <= 1 + ROUNDING or (most == least and abs(score - least) > 1):
        return []
    ends[0, TEXT] += (ends[1, TEXT] - ends[0, TEXT]) * min(1.0, max(0.0, share))
    return [
        {"criterion": criterion.name, "earned": earned, "possible": possible, "unknown": bool(scored.unknown[row, column])}
        for column, (criterion, earned, possible) in enumerate(scoring.points(ends[0], weights))
        if possible
    ]


def candidates_of(needs: Table, offers: Table, rows: Sequence[tuple[int, int]]) -> Candidates:
    """These pairs of rows, as the engine takes them, whatever the constraints say."""
    need, offer = np.array(rows, dtype=np.int32).reshape(-1, 2).T
    one, other = needs.side, offers.side
    distance = great_circle_km(one.lat[need], one.lon[need], other.lat[offer], other.lon[offer])
    return Candidates(need, offer, distance, np.zeros(len(need), dtype=np.uint8))


def context_of(run: MatchingRun, needs: Table, offers: Table) -> scoring.Context:
    """What the criteria read beside the two sides, as it was when the run was computed."""
    proximity = occupations.proximity() if needs.profile.occupation is not None and offers.profile.occupation is not None else None
    return scoring.Context(needs.profile, offers.profile, day_of(run).toordinal(), bits(run.territory.themes, Theme), met_before(run), proximity)


def met_before(run: MatchingRun) -> np.ndarray:
    """(K, 2) engine ids of the organisations that had said yes to each other before the run."""
    query = select(Need.organisation_id, Offer.organisation_id).select_from(Match).join(Match.need).join(Match.offer)
    query = query.where(Match.status == MatchStatus.CONFIRMED, Match.confirmed_at < instant(run))
    return pairs_of_ids((one, other) for one, other in db.session.execute(query.distinct()))


def obstacle_between(need: Need, offer: Offer, *, refused: np.ndarray) -> tuple[str, float | None]:
    """What keeps two declarations apart that are no candidates for each other, and their distance."""
    if need.category is not offer.category:
        return "category", None
    homes = territories.homes()
    needs, offers = table(Need, Need.id == need.id, homes=homes, taken={}), table(Offer, Offer.id == offer.id, homes=homes, taken={})
    why = why_none(needs.side, offers.side, 0, refused=refused)
    obstacle = next((name for name, count in why.removed.items() if count), "other_subject")
    return obstacle, rounded(candidates_of(needs, offers, [(0, 0)]).distance_km[0])


def closed_to(run: MatchingRun) -> np.ndarray:
    """(R, 2) engine ids of the pairs that were closed to the run: refused, or answered before."""
    return np.concatenate((closed_pairs(today=day_of(run)), pairs_of_ids(decided_pairs(run.territory, Verdict.REFUSED))))


def instant(run: MatchingRun) -> datetime:
    return run.started_at or run.created_at


def day_of(run: MatchingRun) -> date:
    return instant(run).astimezone(PARIS).date()


def rounded(distance: float) -> float | None:
    return None if np.isnan(distance) else round(float(distance), 1)
