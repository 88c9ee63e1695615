"""Weights of the criteria for a territory and a category: setting them, going back to earlier ones, and seeing first what they would change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from matchmaker.engine import scoring
from matchmaker.engine.capping import assign_capped
from matchmaker.engine.problem import BadProblem
from matchmaker.extensions import db
from matchmaker.models import Category, CriteriaWeights, Need, Offer, Status, Territory, User
from matchmaker.services import matching_inputs, occupations
from matchmaker.services.errors import DomainError

MOST_SHOWN = 20


class BadWeights(DomainError):
    """A criterion that does not exist, a weight that is negative or no number, or only zeros."""


@dataclass(frozen=True)
class Preview:
    """What other weights would change, on the announcements of now in one category.

    Attributes
    ----------
    needs : needs with a free place.
    served_now, served_then : how many of them have an offer under the weights in force, and under the others.
    entered, left : pairs that would come, and that would go.
    """

    needs: int
    served_now: int
    served_then: int
    entered: int
    left: int


def weights_in_force(territory: Territory, category: Category) -> dict[str, float]:
    """Every criterion and its weight: what was set last, else the usual one."""
    return matching_inputs.weights_of(territory)[category.value]


def looks_at_occupations(category: Category) -> bool:
    """Can announcements of the category name an occupation, so that it may count?"""
    return matching_inputs.usual_weights(category, occupations.are_imported()) is matching_inputs.DEFAULTS


def set_weights(territory: Territory, category: Category, weights: Mapping[str, float], *, by: User) -> CriteriaWeights:
    """Set the weights of all criteria for the next runs; nothing means the default ones. Raises BadWeights. What was set before stays as history."""
    if weights:
        check(weights)
    row = CriteriaWeights(territory=territory, category=category, weights=dict(weights), set_by=by)
    db.session.add(row)
    db.session.flush()
    return row


def check(weights: Mapping[str, float]) -> None:
    """Raises BadWeights for what no run could use."""
    try:
        scoring.totals(np.zeros((0, len(scoring.CRITERIA))), weights)
    except BadProblem as error:
        raise BadWeights(str(error)) from None


def history(territory: Territory, category: Category) -> list[CriteriaWeights]:
    """What was set for this category, the newest first, with who did."""
    query = select(CriteriaWeights).where(CriteriaWeights.territory_id == territory.id, CriteriaWeights.category == category)
    query = query.options(joinedload(CriteriaWeights.set_by)).order_by(CriteriaWeights.set_at.desc(), CriteriaWeights.id)
    return list(db.session.scalars(query.limit(MOST_SHOWN)))


def latest(territory: Territory) -> dict[Category, CriteriaWeights]:
    """Category → what was set last, for the categories where anything was."""
    query = select(CriteriaWeights).where(CriteriaWeights.territory_id == territory.id).options(joinedload(CriteriaWeights.set_by))
    return {row.category: row for row in db.session.scalars(query.order_by(CriteriaWeights.set_at, CriteriaWeights.id.desc()))}


def earlier(territory: Territory, category: Category, row_id: UUID) -> CriteriaWeights | None:
    """One row of the history of this category, None for a row of another."""
    row = db.session.get(CriteriaWeights, row_id)
    return row if row is not None and row.territory_id == territory.id and row.category is category else None


def preview(territory: Territory, category: Category, weights: Mapping[str, float], *, today: date) -> Preview:
    """Match the category twice, under the weights in force and under these, and compare. Writes nothing. Raises BadWeights.

    Only this category is read: no pair goes over its border. The rarity of words is that of its texts, so that the numbers may differ by
    a little from those of a run.
    """
    check(weights)
    is_needed = (Need.status == Status.PUBLISHED, Need.territory_id == territory.id, Need.category == category)
    is_offered = (Offer.status == Status.PUBLISHED, Offer.category == category)
    made = matching_inputs.problem(matching_inputs.read_where(territory, is_needed, is_offered, today=today))
    now = made.problem
    then = replace(now, score=scoring.totals(made.scored.parts[made.keep], weights))
    before, after = assign_capped(now).chosen, assign_capped(then).chosen
    return Preview(
        needs=int(np.count_nonzero(now.need_capacity)),
        served_now=len(np.unique(now.need[before])),
        served_then=len(np.unique(now.need[after])),
        entered=int(np.count_nonzero(after & ~before)),
        left=int(np.count_nonzero(before & ~after)),
    )
