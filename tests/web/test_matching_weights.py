"""The page of the weights: tried, kept, listed, and taken back."""

import pytest
from sqlalchemy import func, select

from matchmaker.engine.scoring import CRITERIA
from matchmaker.extensions import db
from matchmaker.models import Category, CriteriaWeights, Territory
from matchmaker.services import matching_inputs, matching_weights
from tests.factories import NeedFactory, OfferFactory, UserFactory, departement
from tests.pages import forms, heading, words


@pytest.fixture
def animator(app, client):
    user = UserFactory(animator=True, name="Ana Martin")
    db.session.commit()
    client.sign_in(user)
    return user


@pytest.fixture
def path(animator) -> str:
    return f"/territoires/{departement('61').id}/ponderations/purchase"


# No occupation is said where the official list was not imported, nor of a purchase.
SHOWN = [criterion for criterion in CRITERIA if criterion.name != "occupation"]


def typed(**points: object) -> dict[str, object]:
    """What the form sends: the usual weights, but these."""
    return {f"poids-{criterion.name}": points.get(criterion.name, round(criterion.default_weight * 100)) for criterion in SHOWN}


def rows() -> int:
    return db.session.scalar(select(func.count()).select_from(CriteriaWeights)) or 0


def test_the_form_starts_from_the_usual_weights_with_a_label_for_each(client, path):
    page = client.get(path).text

    shown = next(form for form in forms(page) if "poids-skills" in form.values)
    assert {name: int(values[0]) for name, values in shown.values.items() if name.startswith("poids-")} == typed()
    assert all(criterion.label_fr in words(page) for criterion in SHOWN)
    assert heading(page) == "Ce qui compte en « Achat responsable »"


def test_trying_shows_what_would_change_and_keeps_nothing(client, path):
    NeedFactory(skills=["buffet", "vaisselle"], radius_km=60)
    OfferFactory(title="Traiteur du coin", skills=["buffet"], radius_km=60)
    OfferFactory(title="Traiteur complet", skills=["buffet", "vaisselle"], at="Argentan (61)", radius_km=60)
    db.session.commit()
    part = client.post(f"{path}/apercu", data=typed(distance=100, skills=0, text=0), headers={"HX-Request": "true"})
    whole = client.post(f"{path}/apercu", data=typed(distance=100, skills=0, text=0))

    assert part.status_code == whole.status_code == 200
    assert "<html" not in part.text
    for page in (part.text, whole.text):
        assert "1 → 1 besoin servi , sur 1 en « Achat responsable »" in words(page).replace("servi,", "servi ,")
    assert 'value="100"' in whole.text
    assert rows() == 0


def test_keeping_adds_to_the_history_with_who_and_one_may_go_back(client, path, animator):
    assert client.post(path, data=typed(distance=60)).location == path
    first = db.session.scalars(select(CriteriaWeights)).one()
    assert (first.category, first.set_by_id, first.weights["distance"]) == (Category.PURCHASE, animator.id, 0.6)
    client.post(path, data=typed(distance=5))

    page = client.get(path).text
    assert "Ana Martin" in words(page)
    assert "Distance 60, Compétences et mots-clés 25" in words(page)
    back = next(form for form in forms(page) if form.values.get("row") == [str(first.id)])
    assert client.post(back.action, data=back.values).location == path

    assert matching_weights.weights_in_force(departement("61"), Category.PURCHASE)["distance"] == 0.6
    assert rows() == 3


def test_back_to_the_usual_weights(client, path):
    client.post(path, data=typed(distance=60))
    usual = forms(client.get(path).text)[-1]
    assert "row" not in usual.values

    client.post(usual.action, data=usual.values)

    assert matching_weights.weights_in_force(departement("61"), Category.PURCHASE) == matching_inputs.WITHOUT_OCCUPATION
    assert "Revenir aux poids habituels" not in client.get(path).text


@pytest.mark.parametrize("value", ["-1", "101", "NaN", "", "1e3", "beaucoup", "9" * 5000])
def test_a_weight_that_is_none_is_refused_with_a_sentence(client, path, value):
    for address in (path, f"{path}/apercu"):
        response = client.post(address, data=typed(distance=value))
        assert response.status_code == 422
        assert "Écrivez un nombre entier de 0 à 100." in words(response.text)
    assert rows() == 0


def test_only_zeros_and_unknown_criteria_are_refused(client, path):
    zeros = client.post(path, data=dict.fromkeys(typed(), 0))
    stranger = client.post(path, data=typed() | {"poids-luck": 3})
    part = client.post(f"{path}/apercu", data=dict.fromkeys(typed(), 0), headers={"HX-Request": "true"})

    assert (zeros.status_code, stranger.status_code) == (422, 422)
    assert "Tous les critères sont à zéro" in words(zeros.text)
    assert "n’existe pas" in words(stranger.text)
    assert "Tous les critères sont à zéro" in words(part.text)
    assert rows() == 0


def test_the_overview_tells_each_category_in_as_many_queries(client, path, queries):
    overview = path.removesuffix("/purchase")
    client.get(overview)
    queries.clear()
    assert "les poids habituels" in words(client.get(overview).text)
    few = len(queries)
    client.post(path, data=typed(distance=60)), client.post(path.replace("purchase", "job"), data=typed(text=0))

    queries.clear()
    page = client.get(overview).text
    assert len(queries) <= few + 1
    assert "Distance 60" in words(page)
    assert len([form for form in forms(page) if form.action]) == 0


def test_other_territories_levels_categories_and_rows_are_not_there(client, path):
    region = db.session.scalars(select(Territory).where(Territory.level == "region")).first()
    foreign = matching_weights.set_weights(departement("76"), Category.PURCHASE, {}, by=UserFactory(admin=True))
    db.session.commit()

    assert client.get(path.replace("purchase", "voiture")).status_code == 404
    assert client.get(f"/territoires/{departement('76').id}/ponderations").status_code == 404
    for row in (str(foreign.id), "x"):
        assert client.post(f"{path}/reprendre", data={"row": row}).status_code == 404
    client.sign_in(UserFactory(admin=True))
    assert client.get(f"/territoires/{region.id}/ponderations").status_code == 404
