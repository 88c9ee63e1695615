"""« Pourquoi je n’ai rien reçu ? »: each cause with its button."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import DeclineReason, Organisation, Status
from matchmaker.models.base import today
from matchmaker.services import asking_rhythms, proposals, refusal_bounds
from matchmaker.services.refusal_bounds import Bounds
from matchmaker.web import formats
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, proposals_of
from tests.pages import forms, heading, words


@pytest.fixture
def organisation(client) -> Organisation:
    organisation = OrganisationFactory()
    client.sign_in(UserFactory(organisation=organisation))
    return organisation


def test_the_page_is_reached_from_the_announcements(client, organisation):
    NeedFactory(organisation=organisation)
    db.session.commit()

    assert "/annonces/diagnostic" in client.get("/annonces").text
    page = client.get("/annonces/diagnostic").text
    assert heading(page) == "Rien ne bloque de votre côté"
    assert "le prochain calcul en tiendra compte" in words(page)


def test_each_cause_has_the_act_that_changes_it(client, organisation):
    organisation.paused_until, organisation.monthly_budget = today() + timedelta(days=3), 0
    NeedFactory(organisation=organisation, status=Status.EXPIRED, title="Un traiteur")
    db.session.commit()

    page = client.get("/annonces/diagnostic").text
    assert heading(page) == "Trois choses vous privent de propositions"
    for form in forms(page):
        client.post(form.action, data=form.values)

    db.session.refresh(organisation)
    assert (organisation.paused_until, organisation.monthly_budget, organisation.needs[0].status) == (None, 2, Status.PUBLISHED)
    assert heading(client.get("/annonces/diagnostic").text) == "Rien ne bloque de votre côté"


def test_an_absence_and_a_full_week_lead_to_the_rhythm(client, organisation):
    NeedFactory(organisation=organisation)
    asking_rhythms.add_absence(organisation, starts_on=today(), ends_on=today())
    organisation.weekly_budget = 0
    db.session.commit()

    page = client.get("/annonces/diagnostic").text

    assert "Vous êtes en congé" in words(page)
    assert "Le nombre de la semaine est atteint" in words(page)
    assert page.count(f"/structures/{organisation.id}/rythme") == 2


def test_nobody_else_is_named(client, organisation):
    NeedFactory(organisation=organisation)
    OfferFactory(organisation=OrganisationFactory(name="Le Lavoir"))
    db.session.commit()

    assert "Le Lavoir" not in client.get("/annonces/diagnostic").text


def test_the_page_costs_the_same_however_many_announcements_there_are(client, organisation, queries):
    def cost(count: int) -> int:
        for _one in range(count):
            NeedFactory(organisation=organisation, status=Status.PAUSED)
            OfferFactory(organisation=organisation)
        db.session.commit()
        queries.clear()
        assert client.get("/annonces/diagnostic").status_code == 200
        return len(queries)

    assert cost(2) == cost(10)


def test_an_announcement_that_rests_says_until_when_and_looks_again_at_a_click(client, organisation, nudged):
    need = NeedFactory(organisation=organisation)
    asked = proposals_of(MatchFactory(need=need))[0]
    day = today() + timedelta(days=30)
    proposals.decline(asked, reason=DeclineReason.NO_TIME, bounds=Bounds(not_before=day), settings=mail_settings())
    db.session.commit()

    page = client.get("/annonces/diagnostic").text
    assert f"Rien n’est proposé pour elle avant le {formats.long_date(day)}" in words(page)

    client.post(f"/besoins/{need.id}/reprendre")

    assert "Rien n’est proposé pour elle avant" not in words(client.get("/annonces/diagnostic").text)
    assert refusal_bounds.resting(today=today()) == {}
    assert nudged[-1] == ("tasks.matching.run_due",)


def test_nobody_ends_the_rest_of_the_announcement_of_another_structure(client, organisation):
    need, offer = NeedFactory(), OfferFactory()
    db.session.commit()

    assert [client.post(path).status_code for path in (f"/besoins/{need.id}/reprendre", f"/offres/{offer.id}/reprendre")] == [404, 404]
