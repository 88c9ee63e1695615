"""What would serve a need that a run left without an offer: the smallest changes, and the nearest offers with what keeps them away."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from uuid import UUID

import numpy as np
from sqlalchemy import select

from matchmaker.engine import changes
from matchmaker.engine.candidates import great_circle_km
from matchmaker.engine.changes import Kind
from matchmaker.engine.problem import Assignment, Objective, Problem
from matchmaker.extensions import db
from matchmaker.models import Category, MatchingRun, Need, Offer
from matchmaker.services import territories
from matchmaker.services.matching_explanations import by_id, closed_to, context_of, obstacle_between, one_of
from matchmaker.services.matching_inputs import BY_WORDS
from matchmaker.services.matching_instances import Instance
from matchmaker.services.matching_tables import Table, table

SHOWN_NEAREST = 3
# The rarity of words is counted over all texts of the run, as the run did; over those of the category alone beyond this many, which take seconds to read.
MOST_TEXTS = 2_000


@dataclass(frozen=True)
class ShownChange:
    """One change that would serve the need; see `matchmaker.engine.changes.Change`.

    Attributes
    ----------
    offer : the offer that it would then have.
    gain : change of the total, in millionths.
    place_at : the offer that would take one more partner, for CAPACITY.
    """

    kind: Kind
    before: float
    after: float
    offer: Offer
    gain: int
    place_at: Offer | None


@dataclass(frozen=True)
class Near:
    """An offer of the need's category, how far it is, and what keeps it away."""

    offer: Offer
    distance_km: float
    obstacle: str


@dataclass(frozen=True)
class Remedies:
    """What could be done for a need: changes, the smallest first, and the nearest offers that it cannot have."""

    changes: list[ShownChange]
    nearest: list[Near]


@dataclass(frozen=True)
class CategoryView:
    """The part of a run that a need belongs to: no pair goes over the border of a category.

    Attributes
    ----------
    need, offers : the need alone, at row 0; all offers of its category.
    problem, assignment : the part of the run, None when rows that it needs are no longer there.
    other_texts : texts of the run that only tell how rare words are.
    """

    need: Table
    offers: Table
    problem: Problem | None
    assignment: Assignment | None
    other_texts: tuple[str, ...]


@dataclass
class Reading:
    """A run, its instance, and what its needs have in common, read once however many of them are looked at."""

    run: MatchingRun
    instance: Instance
    offers_by_category: dict[Category, Table] = field(default_factory=dict)
    texts_by_category: dict[Category, list[tuple[UUID | None, str]]] = field(default_factory=dict)

    @cached_property
    def refused(self) -> np.ndarray:
        return closed_to(self.run)

    @cached_property
    def homes(self) -> dict[str, tuple[int, int, int]]:
        return territories.homes()

    @cached_property
    def need_rows(self) -> dict[UUID, int]:
        return {need_id: row for row, need_id in enumerate(self.instance.need_ids)}

    @cached_property
    def offer_rows(self) -> dict[UUID, int]:
        return {offer_id: row for row, offer_id in enumerate(self.instance.offer_ids)}

    def offers(self, category: Category) -> Table:
        """Those of the category that the run read."""
        if category not in self.offers_by_category:
            is_read = one_of(Offer, self.instance.offer_ids)
            self.offers_by_category[category] = table(Offer, Offer.category == category, is_read, homes=self.homes, taken={})
        return self.offers_by_category[category]

    def other_texts(self, need: Need) -> tuple[str, ...]:
        """Texts that the run read beside those of the need and of the offers of its category."""
        if need.category not in self.texts_by_category:
            self.texts_by_category[need.category] = texts_of(self.instance, need.category)
        return tuple(text for owner, text in self.texts_by_category[need.category] if owner != need.id)


def remedies(run: MatchingRun, instance: Instance, need_row: int) -> Remedies:
    """The smallest changes that would serve a need without an offer, each checked by solving again; and what is near.

    A need that has an offer, or that asks for none, needs no remedy.
    """
    if not needs_remedy(instance, need_row):
        return Remedies([], [])
    need, reading = by_id(Need, {instance.need_ids[need_row]})[instance.need_ids[need_row]], Reading(run, instance)
    view = category_view(reading, need, need_row)
    near = nearest(view)
    offers = by_id(Offer, {view.offers.ids[row] for row, _distance in near})
    return Remedies(
        shown_changes(reading, need, view),
        [Near(offers[view.offers.ids[row]], km, obstacle_between(need, offers[view.offers.ids[row]], refused=reading.refused)[0]) for row, km in near],
    )


def smallest_changes(reading: Reading, need: Need, need_row: int) -> list[ShownChange]:
    """The first part of `remedies`, for one of many needs."""
    return shown_changes(reading, need, category_view(reading, need, need_row)) if needs_remedy(reading.instance, need_row) else []


def needs_remedy(instance: Instance, need_row: int) -> bool:
    has_one = np.any(instance.assignment.chosen & (instance.problem.need == need_row))
    return bool(not has_one and instance.problem.need_capacity[need_row])


def shown_changes(reading: Reading, need: Need, view: CategoryView) -> list[ShownChange]:
    found = changes_of(reading.run, need, view, reading.refused)
    offers = by_id(Offer, {view.offers.ids[row] for change in found for row in (change.offer_row, change.place_at) if row is not None})
    return [shown(change, view, offers) for change in found]


def changes_of(run: MatchingRun, need: Need, view: CategoryView, refused: np.ndarray) -> list[changes.Change]:
    if view.problem is None or view.assignment is None:
        return []
    context = context_of(run, with_texts(view.need, view.other_texts), view.offers)
    weights = run.weights.get(need.category.value)
    inputs = changes.Inputs(view.need.side, view.offers.side, context, BY_WORDS, refused=refused, weights=weights)
    return changes.smallest_changes(view.problem, view.assignment, inputs, 0, objective=Objective(run.objective))


def shown(change: changes.Change, view: CategoryView, offers: dict[UUID, Offer]) -> ShownChange:
    place_at = None if change.place_at is None else offers[view.offers.ids[change.place_at]]
    return ShownChange(change.kind, change.before, change.after, offers[view.offers.ids[change.offer_row]], change.gain, place_at)


def nearest(view: CategoryView) -> list[tuple[int, float]]:
    """Rows and distances of the nearest offers of other organisations that the need may not have."""
    side, offers = view.need.side, view.offers.side
    distance = great_circle_km(side.lat[0], side.lon[0], offers.lat, offers.lon)
    distance[offers.organisation == side.organisation[0]] = np.nan
    if view.problem is not None:
        distance[view.problem.offer[view.problem.need == 0]] = np.nan
    order = np.lexsort((offers.id, distance))[:SHOWN_NEAREST]
    return [(row, round(float(distance[row]), 1)) for row in order.tolist() if not np.isnan(distance[row])]


def category_view(reading: Reading, need: Need, need_row: int) -> CategoryView:
    """The need, the offers of its category that the run read, and the part of the problem between them."""
    offers = reading.offers(need.category)
    rows = np.array([reading.offer_rows[offer_id] for offer_id in offers.ids], dtype=np.int64)
    problem, assignment = part_of(reading.instance, need_row, rows)
    return CategoryView(table(Need, Need.id == need.id, homes=reading.homes, taken={}), offers, problem, assignment, reading.other_texts(need))


def part_of(instance: Instance, need_row: int, offer_rows: np.ndarray) -> tuple[Problem | None, Assignment | None]:
    """The pairs of these offers, with the need at row 0; nothing when one of their needs has pairs elsewhere, for the best answer would be another."""
    problem, answer = instance.problem, instance.assignment
    at = np.full(len(problem.offer_id), -1, dtype=np.int32)
    at[offer_rows] = np.arange(len(offer_rows), dtype=np.int32)
    inside = at[problem.offer] >= 0
    others = np.unique(problem.need[inside])
    needs = np.concatenate(([need_row], others[others != need_row])).astype(np.int64)
    row = np.full(len(problem.need_id), -1, dtype=np.int32)
    row[needs] = np.arange(len(needs), dtype=np.int32)
    if np.any((row[problem.need] >= 0) & ~inside):
        return None, None
    part = Problem(
        need=row[problem.need[inside]],
        offer=at[problem.offer[inside]],
        score=problem.score[inside],
        need_capacity=problem.need_capacity[needs],
        offer_capacity=problem.offer_capacity[offer_rows],
        locked=problem.locked[inside],
        need_id=problem.need_id[needs],
        offer_id=problem.offer_id[offer_rows],
    )
    chosen = answer.chosen[inside]
    return part, Assignment(chosen, answer.need_price[needs], answer.offer_price[offer_rows], int(part.score[chosen].sum()))


def texts_of(instance: Instance, category: Category) -> list[tuple[UUID | None, str]]:
    """Id and text of the needs that the run read, then the texts of the offers of other categories."""
    needs = select(Need.id, Need.title + " " + Need.description).where(one_of(Need, instance.need_ids))
    offers = select(Offer.title + " " + Offer.description).where(one_of(Offer, instance.offer_ids), Offer.category != category)
    if len(instance.need_ids) + len(instance.offer_ids) > MOST_TEXTS:
        return [(need_id, text) for need_id, text in db.session.execute(needs.where(Need.category == category))]
    return [(need_id, text) for need_id, text in db.session.execute(needs)] + [(None, text) for text in db.session.scalars(offers)]


def with_texts(one: Table, texts: tuple[str, ...]) -> Table:
    """The same table, whose profile has more texts after its rows."""
    return replace(one, profile=replace(one.profile, text=(*one.profile.text, *texts)))
