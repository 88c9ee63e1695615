"""An animator follows a mail that did not arrive, and somebody refuses some, each in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from config import TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import Organisation, Topic, User
from matchmaker.services import addresses
from tests.browser.conftest import Person, Site
from tests.factories import MailFactory


@pytest.fixture
def inside(site: Site) -> Iterator[Flask]:
    """The site's own database, under our hands."""
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=site.env["DATABASE_URL"], REDIS_URL=site.env["REDIS_URL"])
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def structure_in_care() -> Organisation:
    animator = db.session.scalars(select(User).where(User.email == "animateur@demo.croisee.test")).one()
    query = select(Organisation).where(Organisation.phone != "", Organisation.email != "")
    return next(each for each in db.session.scalars(query.order_by(Organisation.name)) if animator.looks_after(each.territory))


@pytest.mark.parametrize("width", [1280, 360])
def test_a_mail_that_came_back_is_seen_called_about_and_sent_again(inside: Flask, person: Callable[..., Person], width: int) -> None:
    organisation = structure_in_care()
    lost = MailFactory(bounced=True, organisation=organisation, idempotency_key=f"lost-{width}")
    addresses.note_bounce(lost.recipient, key=f"{lost.id}:report", status="5.1.1")
    db.session.commit()
    animator = person(width)
    animator.sign_in("animateur@demo.croisee.test")

    animator.go("/courriels?etat=bounced")
    assert "Cette adresse n’existe pas, ou plus." in animator.text
    animator.go("/courriels/a-appeler")
    assert organisation.phone in animator.text
    animator.go(f"/courriels/{lost.id}")
    animator.click("Renvoyer ce courriel")
    assert "corrigez-la d’abord" in animator.text
    animator.click("L’adresse marche de nouveau")
    animator.click("Renvoyer ce courriel")
    assert "Il repart vers" in animator.text
    animator.go("/courriels/a-appeler")
    assert organisation.name not in animator.text


@pytest.mark.parametrize("width", [1280, 360])
def test_somebody_refuses_mails_by_the_link_at_their_foot(site: Site, person: Callable[..., Person], width: int) -> None:
    link = addresses.token(addresses.digest(f"{width}@picoree.test"), Topic.PROPOSALS, site.env["SECRET_KEY"])
    reader = person(width)

    reader.go(f"/courriels/refuser/{link}")
    reader.click("Ne plus les recevoir")
    assert "Vous ne recevez plus ces courriels" in reader.text
    reader.page.get_by_label("Propositions et leurs rappels").check()
    reader.click("Enregistrer mes choix")
    assert "Ne plus recevoir ces courriels" in reader.text


def test_a_member_finds_the_choice_of_mails_in_their_account(person: Callable[..., Person]) -> None:
    member = person(360)
    member.sign_in("membre.ess@demo.croisee.test")

    member.go("/compte")
    member.click("Mes courriels", role="link")

    assert "Enregistrer mes choix" in member.text
