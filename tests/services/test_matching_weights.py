"""Weights: kept with their history, tried on the announcements of now, used by the next run."""

import math

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matchmaker.engine.scoring import CRITERIA
from matchmaker.models import Category, CriteriaWeights, Need, Offer
from matchmaker.models.base import today
from matchmaker.services import matching, matching_inputs, matching_weights
from matchmaker.services.matching_weights import BadWeights, Preview
from tests.factories import NeedFactory, OfferFactory, UserFactory, departement

TODAY = today()


def only(name: str) -> dict[str, float]:
    """All the weight on one criterion."""
    return {criterion.name: float(criterion.name == name) for criterion in CRITERIA}


@pytest.fixture
def far_but_alike(session: Session) -> tuple[Need, Offer, Offer]:
    """A need with two offers: one close by, one that says the same further away."""
    need = NeedFactory(skills=["buffet", "vaisselle"], radius_km=60)
    near = OfferFactory(title="Traiteur du coin", skills=["buffet"], radius_km=60)
    alike = OfferFactory(title="Traiteur complet", skills=["buffet", "vaisselle"], at="Argentan (61)", radius_km=60)
    return need, near, alike


def test_a_preview_tells_what_would_change_and_writes_nothing(far_but_alike: tuple[Need, Offer, Offer], session: Session, queries: list[str]) -> None:
    user = UserFactory(animator=True)
    matching_weights.set_weights(departement(), Category.PURCHASE, only("distance"), by=user)
    queries.clear()

    told = matching_weights.preview(departement(), Category.PURCHASE, only("skills"), today=TODAY)

    assert told == Preview(needs=1, served_now=1, served_then=1, entered=1, left=1)
    assert [query for query in queries if not query.lstrip().startswith("SELECT")] == []


def test_the_weights_in_force_change_nothing_and_another_category_is_not_counted(far_but_alike: tuple[Need, Offer, Offer]) -> None:
    NeedFactory(category=Category.PREMISES), OfferFactory(category=Category.PREMISES)

    told = matching_weights.preview(departement(), Category.PURCHASE, matching_inputs.WITHOUT_OCCUPATION, today=TODAY)

    assert told == Preview(needs=1, served_now=1, served_then=1, entered=0, left=0)


def test_the_next_run_does_what_the_preview_said(far_but_alike: tuple[Need, Offer, Offer]) -> None:
    _need, near, alike = far_but_alike
    user = UserFactory(animator=True)
    chosen = []
    for name in ("distance", "skills"):
        matching_weights.set_weights(departement(), Category.PURCHASE, only(name), by=user)
        chosen.append(matching.rematch(departement(), today=TODAY).matches[0].offer)

    assert chosen == [near, alike]


def test_an_empty_territory_has_a_preview(session: Session) -> None:
    assert matching_weights.preview(departement(), Category.JOB, only("text"), today=TODAY) == Preview(0, 0, 0, 0, 0)


def test_history_keeps_each_setting_and_the_newest_counts(session: Session) -> None:
    user = UserFactory(animator=True)
    place = departement()
    for name in ("distance", "skills"):
        matching_weights.set_weights(place, Category.JOB, only(name), by=user)
    matching_weights.set_weights(place, Category.MATERIAL, only("volume"), by=user)

    assert [row.weights for row in matching_weights.history(place, Category.JOB)] == [only("skills"), only("distance")]
    assert matching_weights.weights_in_force(place, Category.JOB) == only("skills")
    assert {category: row.weights for category, row in matching_weights.latest(place).items()} == {
        Category.JOB: only("skills"),
        Category.MATERIAL: only("volume"),
    }

    matching_weights.set_weights(place, Category.JOB, {}, by=user)

    assert matching_weights.weights_in_force(place, Category.JOB) == matching_inputs.WITHOUT_OCCUPATION


def test_a_row_of_another_territory_or_category_is_not_there(session: Session) -> None:
    row = matching_weights.set_weights(departement("76"), Category.JOB, only("text"), by=UserFactory(admin=True))

    assert matching_weights.earlier(departement("76"), Category.JOB, row.id) is row
    assert matching_weights.earlier(departement("61"), Category.JOB, row.id) is None
    assert matching_weights.earlier(departement("76"), Category.PURCHASE, row.id) is None


@pytest.mark.parametrize(
    "weights", [only("nothing"), {"luck": 0.5}, only("text") | {"distance": -0.1}, only("text") | {"distance": math.nan}, {"text": math.inf}]
)
def test_weights_that_no_run_could_use_are_refused(session: Session, weights: dict[str, float]) -> None:
    with pytest.raises(BadWeights):
        matching_weights.set_weights(departement(), Category.JOB, weights, by=UserFactory(admin=True))
    with pytest.raises(BadWeights):
        matching_weights.preview(departement(), Category.JOB, weights, today=TODAY)

    assert session.scalar(select(func.count()).select_from(CriteriaWeights)) == 0
