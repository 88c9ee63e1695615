"""The page where a structure says how often, and when, it may be asked."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Absence, Organisation
from matchmaker.models.base import today
from matchmaker.services import asking_budgets
from tests.factories import OrganisationFactory, UserFactory
from tests.pages import words


@pytest.fixture
def mine(app, client) -> Organisation:
    user = UserFactory()
    db.session.commit()
    client.sign_in(user)
    return user.organisation


def path(organisation: Organisation) -> str:
    return f"/structures/{organisation.id}/rythme"


def typed(**fields: object) -> dict[str, object]:
    usual = {"monthly_budget": "6", "weekly_budget": "2", "working_days": ["0", "1"], "opens_at": "9", "closes_at": "17", "paused_until": ""}
    return usual | fields


def absence_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Absence)) or 0


def test_it_says_what_is_left(client, mine):
    asking_budgets.take({mine.id: 2}, day=today())
    db.session.commit()

    assert "Vous avez reçu tout ce que vous acceptez pour cette semaine." in words(client.get(path(mine)).text)
    mine.weekly_budget = 4
    db.session.commit()
    assert "Il vous reste 4 sollicitations ce mois-ci, dont 2 cette semaine au plus." in words(client.get(path(mine)).text)


def test_a_rhythm_is_kept(client, mine):
    response = client.post(path(mine), data=typed(monthly_budget="4", paused_until=(today() + timedelta(days=3)).isoformat()), follow_redirects=True)

    assert "C’est enregistré." in words(response.text)
    db.session.refresh(mine)
    assert (mine.monthly_budget, mine.weekly_budget, mine.working_days, mine.opens_at, mine.closes_at) == (4, 2, 0b11, 9, 17)
    assert mine.paused_until == today() + timedelta(days=3)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"monthly_budget": "61"}, "Écrivez un nombre entier de 0 à 60."),
        ({"weekly_budget": "9" * 400}, "Écrivez un nombre entier de 0 à 15."),
        ({"working_days": []}, "Gardez un jour au moins."),
        ({"opens_at": "17", "closes_at": "9"}, "La fin doit venir après le début."),
    ],
)
def test_a_rhythm_that_cannot_be_is_refused_with_a_sentence(client, mine, wrong, sentence):
    response = client.post(path(mine), data=typed(**wrong))

    assert response.status_code == 422
    assert sentence in words(response.text)


def test_an_absence_is_added_and_taken_away(client, mine):
    start, end = today() + timedelta(days=10), today() + timedelta(days=20)
    url = f"/structures/{mine.id}/absences"
    backwards = client.post(url, data={"starts_on": end.isoformat(), "ends_on": start.isoformat()})
    assert (backwards.status_code, absence_count()) == (422, 0)
    assert "Le dernier jour vient après le premier" in words(backwards.text)

    client.post(url, data={"starts_on": start.isoformat(), "ends_on": end.isoformat()})
    absence = db.session.scalars(select(Absence)).one()
    assert client.post(f"/structures/{OrganisationFactory().id}/absences/{absence.id}/retirer").status_code == 404
    client.post(f"{url}/{absence.id}/retirer")

    assert absence_count() == 0


def test_the_past_is_forgotten(client, mine):
    response = client.post(f"/structures/{mine.id}/historique/oublier", follow_redirects=True)

    assert "depuis le" in words(response.text)
    db.session.refresh(mine)
    assert mine.history_from == today()


def test_a_week_follows_the_month_that_was_chosen_at_sign_up(app):
    assert [asking_budgets.usual_weekly(month) for month in (2, 4, 6, 10)] == [1, 2, 2, 4]
