"""The page of refusals: what follows from each, lifted and brought back, by the territory's animators only."""

import pytest

from matchmaker.extensions import db
from matchmaker.models import DeclineReason, Proposal, Side
from matchmaker.services import proposals
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, UserFactory, departement, proposals_of
from tests.pages import heading, words


@pytest.fixture
def proposal(app) -> Proposal:
    """« Too far », at 38 km."""
    asked = next(one for one in proposals_of(MatchFactory(distance_km=38.0)) if one.side is Side.NEED)
    proposals.decline(asked, reason=DeclineReason.TOO_FAR, comment="Sans voiture", settings=mail_settings())
    db.session.commit()
    return asked


@pytest.fixture
def path(app, client) -> str:
    user = UserFactory(animator=True)
    db.session.commit()
    client.sign_in(user)
    return f"/territoires/{departement('61').id}/refus"


def test_without_refusals_the_page_says_so(client, path):
    page = client.get(path).text

    assert heading(page) == "Ce que disent les refus : Orne"
    assert "Aucun refus ne compte aujourd’hui" in words(page)


def test_a_refusal_is_shown_with_what_follows_lifted_and_brought_back(client, path, proposal, nudged):
    assert "Cette annonce ne rencontre plus rien à 38 km ou plus" in words(client.get(path).text)
    assert "Sans voiture" in words(client.get(path).text)

    client.post(f"{path}/{proposal.id}/lever")

    assert "Ce dont les calculs ne tiennent plus compte" in words(client.get(path).text)
    assert "Aucun refus ne compte aujourd’hui" in words(client.get(path).text)
    db.session.expire_all()
    assert db.session.get_one(Proposal, proposal.id).lifted_by_id is not None

    client.post(f"{path}/{proposal.id}/remettre")

    db.session.expire_all()
    assert db.session.get_one(Proposal, proposal.id).lifted_at is None
    assert nudged


def test_the_structure_sees_what_follows_from_its_own_refusals(client, proposal):
    user = UserFactory(organisation=proposal.organisation)
    db.session.commit()
    client.sign_in(user)

    page = words(client.get(f"/structures/{proposal.organisation_id}/rythme").text)

    assert "Cette annonce ne rencontre plus rien à 38 km ou plus" in page
    assert proposal.other.organisation.name not in page


def test_a_refusal_of_another_territory_is_not_found(client, path, proposal):
    there = UserFactory(animator=True, territories=[departement("14")])
    db.session.commit()
    client.sign_in(there)

    assert client.get(path).status_code == 404
    assert client.post(f"/territoires/{departement('14').id}/refus/{proposal.id}/lever").status_code == 404
