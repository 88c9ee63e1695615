"""Fairness figures in words."""

from flask import Flask, get_template_attribute

from matchmaker.extensions import db
from matchmaker.models import Category
from matchmaker.models.base import today
from matchmaker.services import matching
from matchmaker.web import fairness_words
from tests.conftest import Client
from tests.factories import NeedFactory, OfferFactory, UserFactory, departement
from tests.pages import words

PLACE = {
    "needs_asked": 5,
    "needs_served": 3,
    "organisations_asked": 4,
    "organisations_served": 2,
    "small_asked": 2,
    "small_served": 1,
    "unsized_asked": 1,
    "unsized_served": 0,
    "new_asked": 0,
    "new_served": 0,
    "partners_least": 0,
    "partners_median": 0.5,
    "partners_gini": 0.625,
}


def section(app: Flask, fairness: dict[str, object]) -> str:
    return str(get_template_attribute("matching/_fairness.html", "fairness_section")(fairness, fairness_words, lambda code: f"EPCI {code}"))


def test_each_figure_has_its_denominator_and_its_meaning(app: Flask) -> None:
    told = words(section(app, PLACE | {"by_epci": [{"code": "1", **PLACE}, {"code": "2", **PLACE}]}))

    assert "Besoins servis 3 sur 5" in told
    assert "Nouvelles venues servies aucune" in told
    assert "0 au moins, 0,5 pour celle du milieu" in told
    assert "Elles font 50 % des structures servies et 67 % de celles qui demandent. 1 structure ne dit pas sa taille." in told
    assert "EPCI 2 3 sur 5 2 sur 4 1 sur 2 aucune 0,5 0,62" in told


def test_where_nobody_asked_nothing_is_divided(app: Flask) -> None:
    empty = dict.fromkeys(PLACE, 0) | {"partners_least": None, "partners_median": None, "partners_gini": None, "by_epci": []}

    told = words(section(app, empty))

    assert "Inégalité entre structures sans objet" in told
    assert "par intercommunalité" not in told


def test_a_run_from_before_shows_no_figures(app: Flask) -> None:
    assert section(app, {}).strip() == ""


def test_the_page_of_a_run_shows_its_figures_and_leads_to_its_explanations(app: Flask, client: Client) -> None:
    NeedFactory(), OfferFactory()
    lonely = NeedFactory(category=Category.PREMISES)
    run = matching.rematch(departement(), today=today())
    db.session.commit()
    client.sign_in(UserFactory(animator=True))

    page = client.get(f"/calculs/{run.id}").text

    assert "À qui profite ce calcul Équité de ce calcul" in words(page)
    assert "Structures servies 1 sur 2" in words(page)
    assert f"/calculs/{run.id}/besoins/{run.matches[0].need_id}" in page
    assert f"/calculs/{run.id}/besoins/{lonely.id}" in page
    assert f"/territoires/{run.territory_id}/ponderations" in page
