"""The price of a mail: tried, kept, listed; and what was asked lately."""

import pytest
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import AskingPrice
from matchmaker.models.base import today
from matchmaker.services import asking_prices, matching
from matchmaker.web.settings import mail_settings
from tests.factories import NeedFactory, OfferFactory, UserFactory, departement
from tests.pages import heading, words


@pytest.fixture
def path(app, client) -> str:
    user = UserFactory(animator=True, name="Ana Martin")
    db.session.commit()
    client.sign_in(user)
    return f"/territoires/{departement('61').id}/courriels"


def typed(price: str = "2", **fields: str) -> dict[str, str]:
    return {"price": price, "newcomers": "1", "waiting": "1", **fields}


def rows() -> int:
    return db.session.scalar(select(func.count()).select_from(AskingPrice)) or 0


def test_the_page_says_what_the_price_means(client, path):
    page = client.get(path).text

    assert heading(page) == "Ce que doit valoir un courriel : Orne"
    assert "En vigueur : pas de courriel pour moins de 2 chances sur 100" in words(page)
    assert "Rien n’a encore été demandé" in words(page)


def test_trying_counts_the_mails_at_this_price_and_at_others_and_keeps_nothing(client, path):
    NeedFactory(), OfferFactory()
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=mail_settings(), asks=False)
    db.session.commit()

    part = client.post(f"{path}/apercu", data=typed("3"), headers={"HX-Request": "true"})
    whole = client.post(f"{path}/apercu", data=typed("3"))

    assert "<html" not in part.text
    for page in (part.text, whole.text):
        assert "3, votre réglage" in words(page)
    assert rows() == 0


def test_without_a_run_there_is_nothing_to_ask(client, path):
    assert "il n’y a rien à demander" in words(client.post(f"{path}/apercu", data=typed(), headers={"HX-Request": "true"}).text)


def test_a_price_that_is_kept_counts_and_stays_in_the_history(client, path):
    response = client.post(path, data=typed("0,5", newcomers="1.5"), follow_redirects=True)

    assert "C’est enregistré." in words(response.text)
    assert "pas de courriel pour moins de 0,5 chance sur 100" in words(response.text)
    assert "les nouvelles structures" in words(response.text)
    assert "Ana Martin" in response.text
    row = asking_prices.in_force(departement())
    assert (row.price, row.newcomers, row.waiting) == (0.005, 1.5, 1.0)


@pytest.mark.parametrize("price", ["", "0", "51", "deux", "NaN", "9" * 400, "-1", "1e99"])
def test_a_price_out_of_reach_is_refused_with_a_sentence(client, path, price):
    for address in (path, f"{path}/apercu"):
        response = client.post(address, data=typed(price))

        assert response.status_code == 422
        assert "Écrivez un nombre de 0,1 à 50" in words(response.text)
    assert rows() == 0


def test_a_run_that_was_sent_leads_to_its_days(client, path):
    NeedFactory(), OfferFactory()
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=mail_settings())
    db.session.commit()

    assert "Structures sollicitées" in words(client.get(path).text)
    assert path in client.get(f"/calculs/{run.id}").text
