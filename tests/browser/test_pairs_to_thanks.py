"""From structures that never said yes to each other to what follows: pairs proposed to the host, badges read by a phone's own camera, a minute after."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import JobDating, OutboxMail, Participant, PresenceState
from matchmaker.models.base import now
from matchmaker.services import check_in_links, feedback_thanks, job_dating_guests, job_datings, participant_links
from matchmaker.web.settings import mail_settings
from tests.browser.conftest import Person, Site
from tests.browser.test_day import database, set_hour, states
from tests.browser.test_loop import wait_until
from tests.factories import PASSWORD, JobDatingFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue

HOST, ANIMATOR = "hote.des.paires@structure.test", "animateur@demo.croisee.test"
CANTEEN, FIRST, SECOND = "Cantine du Lavoir", "Atelier des Tilleuls", "Atelier du Pont"


@pytest.fixture
def gathering(site: Site) -> UUID:
    """A draft to which a host added three structures that a search found."""
    with database(site):
        place = venue(tables=3)
        UserFactory(host=True, organisation=place.organisation, email=HOST)
        dating = JobDatingFactory(venue=place, title="Matinée des nouveaux")
        for model, name in ((NeedFactory, CANTEEN), (OfferFactory, FIRST), (OfferFactory, SECOND)):
            declaration = model(organisation=OrganisationFactory(name=name), skills=["vannerie", "osier"])
            job_dating_guests.add(dating, declaration.organisation)
        db.session.commit()
        return dating.id


def keys(site: Site, dating_id: UUID) -> dict[str, str]:
    """Name of each structure → the path of its personal page, as its badge bears it."""
    with database(site) as app:
        dating = job_datings.job_dating(dating_id)
        assert dating is not None
        return {one.organisation.name: f"/jour/{participant_links.token_of(one, app.config['SECRET_KEY'])}" for one in dating.participants}


def tap(guest: Person, name: str, said: str) -> None:
    """One answer about the meeting with this structure; the page comes back with it pressed."""
    buttons = guest.page.get_by_role("region", name=name).get_by_role("button")
    buttons.filter(has_text=re.compile(rf"^\s*{said}")).click()
    guest.settle()
    guest.page.get_by_role("region", name=name).locator("button[aria-pressed=true]").filter(has_text=said).wait_for()


def test_from_pairs_to_thanks(site: Site, person: Callable[..., Person], gathering: UUID) -> None:
    host, phone, guest = person(), person(360), person(360)

    # the host sees who could meet whom, with the reasons, ticks all, and publishes
    host.sign_in(HOST, PASSWORD)
    host.go(f"/mes-job-datings/{gathering}/invites")
    assert "3 structures n’ont pas d’entretien" in host.text.replace("\u00a0", " ")
    host.click("Voir qui peut rencontrer qui", role="link")
    assert "2 rencontres possibles" in host.text.replace("\u00a0", " ")
    assert "En commun" in host.text
    host.click("Tout cocher", role="link")
    host.page.set_viewport_size({"width": 360, "height": 800})
    host.look()
    host.page.set_viewport_size({"width": 1280, "height": 900})
    host.click("Planifier les rencontres cochées")
    assert "2 rencontres sont ajoutées au plan." in host.text.replace("\u00a0", " ")
    host.go(f"/mes-job-datings/{gathering}/publication")
    host.page.locator("form button[type=submit]").last.click()
    host.page.get_by_text("Le job dating est publié.").wait_for()

    # the day comes; a phone holds the desk, its own camera opens a badge, and one touch checks in
    with database(site) as app:
        dating = db.session.get_one(JobDating, gathering)
        dating.starts_at, dating.ends_at = now() + timedelta(minutes=5), now() + timedelta(minutes=185)
        link = check_in_links.make(dating, name="Salma", by=db.session.query(UserFactory._meta.model).filter_by(email=HOST).one())
        db.session.commit()
        desk = f"/jour/accueil/{check_in_links.token_of(link, app.config['SECRET_KEY'])}"
    badges = keys(site, gathering)
    guest.go(badges[CANTEEN])
    assert not guest.page.get_by_role("link", name="Noter l’arrivée").is_visible()
    phone.go(desk)
    phone.go(badges[CANTEEN])
    phone.click("Noter l’arrivée", role="link")
    wait_until(lambda: states(site, gathering)[CANTEEN] is PresenceState.PRESENT)
    assert "1 arrivée sur 3" in phone.text.replace("\u00a0", " ")
    phone.go(badges[CANTEEN])
    phone.click("Noter l’arrivée", role="link")
    phone.page.get_by_text("déjà arrivée").wait_for()

    # both rounds are held; each says in a tap what came of it
    set_hour(site, gathering, 85)
    guest.go(f"{badges[CANTEEN]}/retour")
    for name, said in ((FIRST, "Utile"), (FIRST, "À revoir"), (SECOND, "Pas utile")):
        tap(guest, name, said)
    assert "C’est noté, merci" in guest.text
    guest.look()
    guest.go(f"{badges[FIRST]}/retour")
    assert "chacune reçoit les coordonnées de l’autre" in guest.text
    tap(guest, CANTEEN, "Une suite est convenue")
    guest.page.get_by_text("Vous vous êtes dit oui").wait_for()
    guest.look()

    # the results are the host's and the animator's
    for who, email in ((host, None), (person(360), ANIMATOR)):
        if email:
            who.sign_in(email)
        who.go(f"/mes-job-datings/{gathering}/bilan")
        told = who.text.replace("\u00a0", " ")
        assert "2 entretiens tenus sur 2" in told
        assert "suite convenue" in told
        assert f"{CANTEEN} et {FIRST}" in told

    # the day after, thanks; who wants to meet again may, the other pair is not proposed a second time
    set_hour(site, gathering, 36 * 60)
    with database(site):
        feedback_thanks.thank_due(settings=mail_settings())
        db.session.commit()
        guests = select(Participant.organisation_id).where(Participant.job_dating_id == gathering)
        kinds = db.session.scalars(select(OutboxMail.kind).where(OutboxMail.organisation_id.in_(guests))).all()
        assert kinds.count("thanks") == 3
        assert kinds.count("mutual_yes") == 2
        place = db.session.get_one(JobDating, gathering).venue
        following = JobDatingFactory(venue=place, title="Matinée suivante")
        for one in db.session.get_one(JobDating, gathering).participants:
            job_dating_guests.add(following, one.organisation)
        db.session.commit()
        following_id = following.id
    host.go(f"/mes-job-datings/{following_id}/rencontres")
    assert "Aucune autre rencontre possible" in host.text
