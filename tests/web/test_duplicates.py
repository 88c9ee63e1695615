"""The pages on which an animator merges two entries of one structure."""

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from matchmaker.extensions import db
from matchmaker.models import AuditAction, AuditEntry, EssLabel, Need, Organisation, User, UserSession
from matchmaker.models.base import now
from matchmaker.services import sessions
from tests.conftest import Client
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement
from tests.pages import heading, words


@pytest.fixture
def animator(client: Client) -> User:
    user: User = UserFactory(animator=True)
    client.sign_in(user)
    return user


@pytest.fixture
def pair(app: Flask) -> tuple[Organisation, Organisation]:
    return OrganisationFactory(name="Les Ateliers du Bocage", phone=""), OrganisationFactory(name="Ateliers du bocage", phone="02 33 00 00 09")


def test_an_animator_finds_compares_and_merges(client: Client, animator: User, pair: tuple[Organisation, Organisation]) -> None:
    kept, gone = pair
    need = NeedFactory(organisation=gone)
    assert heading(client.get("/doublons").text) == "1 paire à regarder"
    page = client.get(f"/doublons/{kept.id}/{gone.id}").text
    assert "1\u00a0besoin" in page
    assert "Garder la première" in page
    old = gone.id

    response = client.post(f"/doublons/{kept.id}/{old}/reunir")

    assert response.location == f"/structures/{kept.id}"
    db.session.expire_all()
    assert db.session.scalars(select(Need.organisation_id).where(Need.id == need.id)).one() == kept.id
    assert kept.phone == "02 33 00 00 09"
    moved = client.get(f"/structures/{old}")
    assert (moved.status_code, moved.location) == (301, f"/structures/{kept.id}")
    assert "Chaque structure est là une fois" in client.get("/doublons").text
    line = db.session.scalars(select(AuditEntry).where(AuditEntry.action == AuditAction.ORGANISATIONS_MERGED)).one()
    assert (line.actor_id, line.object_id, line.changes["merged"][0]) == (animator.id, str(kept.id), str(old))


def test_what_must_be_settled_first_is_said(client: Client, animator: User, pair: tuple[Organisation, Organisation]) -> None:
    kept, gone = pair
    MatchFactory(need=NeedFactory(organisation=kept), offer=OfferFactory(organisation=gone))

    response = client.post(f"/doublons/{kept.id}/{gone.id}/reunir")

    assert response.status_code == 409
    assert "proposées l’une à l’autre" in words(response.text)
    assert client.post(f"/doublons/{kept.id}/{kept.id}/reunir").status_code == 409
    assert db.session.scalar(select(func.count()).select_from(Organisation).where(Organisation.id.in_((kept.id, gone.id)))) == 2


def test_two_structures_are_told_apart(client: Client, animator: User, pair: tuple[Organisation, Organisation]) -> None:
    first, second = pair

    assert client.post(f"/doublons/{second.id}/{first.id}/distinctes").location == "/doublons"

    assert "Chaque structure est là une fois" in client.get("/doublons").text


def test_the_password_is_asked_again_before_merging(client: Client, animator: User, pair: tuple[Organisation, Organisation]) -> None:
    kept, gone = pair
    late = now() - sessions.CONFIRMED * 2
    db.session.execute(update(UserSession).values(confirmed_at=late, created_at=late), execution_options={"synchronize_session": False})
    db.session.commit()

    assert client.post(f"/doublons/{kept.id}/{gone.id}/reunir").location.startswith("/compte/confirmer?next=/doublons/")


def test_structures_elsewhere_are_not_there(client: Client, pair: tuple[Organisation, Organisation]) -> None:
    kept, gone = pair
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))

    assert client.get(f"/doublons/{kept.id}/{gone.id}").status_code == 404
    assert client.post(f"/doublons/{kept.id}/{gone.id}/reunir").status_code == 404


def test_an_animator_vouches_for_what_no_structure_can_say_of_itself(client: Client, animator: User, pair: tuple[Organisation, Organisation]) -> None:
    structure = pair[0]
    assert "J’ai vérifié" in client.get(f"/structures/{structure.id}").text

    client.post(f"/structures/{structure.id}/ess", data={"verified": "yes"})
    db.session.expire_all()
    assert structure.ess_label is EssLabel.VERIFIED
    assert "ESS vérifiée par l’animation" in client.get(f"/structures/{structure.id}").text
    client.post(f"/structures/{structure.id}/ess", data={"verified": "no"})
    db.session.expire_all()
    assert structure.ess_label is EssLabel.DECLARED

    structure.ess_label = EssLabel.VERIFIED
    db.session.commit()
    client.sign_in(UserFactory(organisation=structure))
    assert client.post(f"/structures/{structure.id}/ess", data={"verified": "yes"}).status_code == 403
    answers = {
        "name": structure.name,
        "family": "entreprise",
        "commune": "Flers (61)",
        "eligibility": "unknown",
        "inclusion_kind": "",
        "headcount": "",
        "vat": "",
    }
    client.post(f"/structures/{structure.id}/modifier", data=answers)
    db.session.expire_all()
    assert structure.ess_label is EssLabel.DECLARED, "what was vouched for was another family"
