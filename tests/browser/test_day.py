"""A whole morning of twenty-four structures: absentees, somebody unexpected, a table that breaks, and a desk without network for two rounds."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from config import TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import JobDating, MeetingStatus, PresenceAct, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services import day_board, job_datings, participant_links, presence
from matchmaker.web.settings import mail_settings
from tests.browser.conftest import Person, Site
from tests.browser.test_loop import wait_until
from tests.factories import PASSWORD, JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue

STRUCTURES, MEETINGS, TABLES = 24, 70, 10
WALK_IN = "Les Ateliers du Pont"
HOST = "hote.du.matin@structure.test"


@contextmanager
def database(site: Site) -> Iterator[Flask]:
    """The site's own rows, read and written beside it."""
    settings = {"SQLALCHEMY_DATABASE_URI": site.env["DATABASE_URL"], "REDIS_URL": site.env["REDIS_URL"], "PUBLIC_URL": site.url}
    app = create_app(TestConfig, SECRET_KEY=site.env["SECRET_KEY"], **settings)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def morning(site: Site) -> UUID:
    """A published morning of the size that the issue asks for; it begins in five minutes, and its first round half an hour later."""
    with database(site):
        needs = [NeedFactory(organisation=OrganisationFactory(name=f"Atelier {k + 1}")) for k in range(STRUCTURES // 2)]
        offers = [OfferFactory(organisation=OrganisationFactory(name=f"Maison {k + 1}")) for k in range(STRUCTURES // 2)]
        pairs = [(need, offer) for need in needs for offer in offers]
        random.Random(5).shuffle(pairs)
        degree: Counter[UUID] = Counter()
        chosen = []
        for need, offer in pairs:
            if len(chosen) < MEETINGS and degree[need.id] < 6 and degree[offer.id] < 6:
                degree.update((need.id, offer.id))
                chosen.append(MatchFactory(mutual=True, need=need, offer=offer))
        place = venue(tables=TABLES, accessible=2)
        UserFactory(host=True, organisation=place.organisation, email=HOST)
        dating = JobDatingFactory(
            venue=place, title="Matinée des vingt-quatre", starts_at=now() + timedelta(days=5), ends_at=now() + timedelta(days=5, hours=3)
        )
        job_datings.choose(dating, chosen)
        job_datings.publish(dating, settings=mail_settings())
        dating.starts_at, dating.ends_at = now() + timedelta(minutes=5), now() + timedelta(minutes=185)
        db.session.commit()
        assert len(dating.meetings) == MEETINGS
        return dating.id


def set_hour(site: Site, morning: UUID, minutes: float) -> None:
    """It is now so many minutes after the beginning, however long the test took until here."""
    with database(site):
        dating = db.session.get_one(JobDating, morning)
        lasts, dating.starts_at = dating.ends_at - dating.starts_at, now() - timedelta(minutes=minutes)
        dating.ends_at = dating.starts_at + lasts
        db.session.commit()


def plan_of(site: Site, morning: UUID) -> dict[frozenset[str], tuple[int, int]]:
    """Who meets whom → round and table, checked on the way: nobody in two places, no table twice, nobody who is not there."""
    with database(site):
        dating = job_datings.job_dating(morning)
        assert dating is not None
        held = [one for one in dating.meetings if one.round is not None and one.table is not None]
        assert len({(one.round, one.table_id) for one in held}) == len(held)
        busy = Counter((one.round, one.organisation_of(side).id) for one in held for side in Side)
        assert max(busy.values()) == 1
        assert max(one.round for one in held if one.round is not None) < dating.rounds_that_fit
        plan = {frozenset(one.organisation_of(side).name for side in Side): (one.round or 0, one.table.number if one.table else 0) for one in held}
        assert len(plan) == len(held)
        return plan


def states(site: Site, morning: UUID) -> dict[str, PresenceState]:
    with database(site):
        dating = job_datings.job_dating(morning)
        assert dating is not None
        return {line.participant.organisation.name: line.state for line in presence.roster(dating)}


def row(phone: Person, name: str):  # type: ignore[no-untyped-def]
    return phone.page.locator(f'[data-participant][data-name="{name}"]')


def answered_in(host: Person) -> int:
    """Milliseconds from the touch to the first byte of the page that came, as the browser counts them."""
    taken = round(host.page.evaluate("performance.getEntriesByType('navigation')[0].responseStart"))
    print(f"replan of {STRUCTURES} structures and {MEETINGS} meetings, {host.page.title()}: {taken} ms")
    return taken


def touch(phone: Person, name: str, label: str) -> None:
    one = row(phone, name)
    if label != "Arrivée":
        one.locator("summary").click()
    one.get_by_role("button", name=label, exact=True).first.click()


def test_a_whole_morning(site: Site, person: Callable[..., Person], morning: UUID) -> None:
    host, phone, screen, guest = person(), person(360), person(), person(360)
    with database(site) as app:
        dating = job_datings.job_dating(morning)
        assert dating is not None
        secret = app.config["SECRET_KEY"]
        board = f"/jour/ecran/{day_board.token_of(dating, secret)}"
        of = {one.organisation.name: f"/jour/{participant_links.token_of(one, secret)}" for one in dating.participants}
        names = sorted(of)
    before = plan_of(site, morning)
    absent = ["Atelier 3", "Maison 5"]
    late_to_touch = ["Atelier 7", "Maison 8"]
    faithful = [name for name in names if name not in absent + late_to_touch]

    # the host gives a helper's phone its link, and opens the screen
    host.sign_in(HOST, PASSWORD)
    host.go(f"/mes-job-datings/{morning}/jour-j")
    host.page.get_by_label("À qui est ce téléphone").fill("Salma")
    host.click("Ajouter un téléphone")
    link = host.page.locator("a.lc-long-link").inner_text().removeprefix(site.url)
    screen.go(board)
    assert "Bienvenue" in screen.text
    assert not screen.page.get_by_role("button", name="Couper le son").count()
    phone.go(link)
    phone.page.wait_for_selector("html[data-kept]", timeout=15_000)
    guest.go(of["Maison 8"])
    guest.page.wait_for_selector("html[data-kept]", timeout=15_000)
    assert "Votre prochain entretien, dans" in guest.text

    # twenty arrive, one by a mistake that is undone
    for name in faithful:
        touch(phone, name, "Arrivée")
    touch(phone, absent[0], "Arrivée")
    phone.page.get_by_role("button", name="Annuler ce geste").click()
    wait_until(lambda: phone.page.evaluate("window.dayQueue.waiting()") == 0)
    assert Counter(states(site, morning).values()) == {PresenceState.PRESENT: len(faithful), PresenceState.EXPECTED: STRUCTURES - len(faithful)}
    phone.look()
    assert f"{len(faithful)} arrivées sur {STRUCTURES}" in phone.text.replace("\u00a0", " ")

    # the network goes; two rounds pass; the desk goes on, also after its page was opened again
    phone.context.set_offline(True)
    for name in absent:
        touch(phone, name, "Absente")
    set_hour(site, morning, 31)
    phone.page.reload()
    assert f"{len(faithful)} arrivées sur {STRUCTURES}" in phone.text.replace("\u00a0", " ")
    assert "Hors ligne, 2 gestes en attente." in phone.text.replace("\u00a0", " ")
    set_hour(site, morning, 46)
    touch(phone, late_to_touch[0], "Arrivée")
    assert row(phone, late_to_touch[0]).get_by_text("à envoyer").is_visible()
    assert "Hors ligne, 3 gestes en attente." in phone.text.replace("\u00a0", " ")
    assert states(site, morning)[absent[0]] is PresenceState.EXPECTED
    phone.look()

    # meanwhile somebody who has a page reads it without network too
    guest.context.set_offline(True)
    guest.page.reload()
    assert "Votre journée" in guest.text
    guest.context.set_offline(False)

    # it comes back: all three gestures arrive, each once
    phone.context.set_offline(False)
    wait_until(lambda: states(site, morning)[absent[1]] is PresenceState.NO_SHOW)
    wait_until(lambda: phone.page.evaluate("window.dayQueue.waiting()") == 0)
    touch(phone, late_to_touch[1], "Arrivée")
    wait_until(lambda: Counter(states(site, morning).values()) == {PresenceState.PRESENT: STRUCTURES - 2, PresenceState.NO_SHOW: 2})
    with database(site):
        assert db.session.query(PresenceAct).join(PresenceAct.participant).filter_by(job_dating_id=morning).count() == len(faithful) + 2 + 2 + 2

    # the host sees what two absences change, and changes it: two rounds have begun, and stay
    host.go(f"/mes-job-datings/{morning}/replanification")
    assert "2 tours ont commencé" in host.text.replace("\u00a0", " ")
    waits = [answered_in(host)]
    host.click("Appliquer ces changements")
    waits.append(answered_in(host))
    after = plan_of(site, morning)
    assert {pair: place for pair, place in before.items() if place[0] < 2} == {pair: place for pair, place in after.items() if place[0] < 2}
    assert not [pair for pair, place in after.items() if place[0] >= 2 and pair & set(absent)]

    # somebody comes who was not expected, and meets two of those who are there
    phone.page.get_by_text("Une structure arrive sans inscription").click()
    phone.page.get_by_label("Nom de la structure").fill(WALK_IN)
    phone.page.get_by_label("Elle cherche ou propose").select_option("need:purchase")
    phone.page.get_by_label("En une phrase").fill("Traiteur de saison, vaisselle réutilisable")
    phone.page.get_by_role("button", name="Elle est arrivée").click()
    row(phone, WALK_IN).wait_for()
    host.go(f"/mes-job-datings/{morning}/replanification")
    boxes = host.page.get_by_role("checkbox", name=WALK_IN)
    for place in range(2):
        boxes.nth(place).check()
    host.click("Voir ce que changent mes choix")
    waits.append(answered_in(host))
    assert host.text.count("nouveau") == 2
    host.click("Appliquer ces changements")
    waits.append(answered_in(host))

    # a table breaks
    host.go(f"/mes-job-datings/{morning}/replanification")
    host.page.get_by_label("Table 4", exact=True).check()
    host.click("Voir ce que changent mes choix")
    waits.append(answered_in(host))
    host.click("Appliquer ces changements")
    waits.append(answered_in(host))
    # The machine may be at something else during some of them: what it can do is the quickest.
    assert min(waits) < 1000, waits

    # nothing is lost, and everybody reads the new plan
    last = plan_of(site, morning)
    assert not [pair for pair, place in last.items() if place[0] >= 2 and place[1] == 4]
    gone = [pair for pair, place in before.items() if place[0] >= 2 and pair & set(absent)]
    mine = [pair for pair in last if WALK_IN in pair]
    assert len(mine) == 2
    assert len(last) == MEETINGS - len(gone) + len(mine)
    with database(site):
        dating = job_datings.job_dating(morning)
        assert dating is not None
        lost = [one for one in dating.meetings if one.round is None]
        assert {one.status for one in lost} == {MeetingStatus.MISSED}
        assert len(lost) == len(gone)
    wait_until(lambda: WALK_IN in (screen.page.locator("main").text_content() or ""))
    screen.look()
    for page in (screen, host):
        page.page.set_viewport_size({"width": 360, "height": 800})
        page.look()
        page.page.set_viewport_size({"width": 1280, "height": 900})
    assert "Tour 2 sur" in screen.text.replace("\u00a0", " ")
    partner = next(iter(mine[0] - {WALK_IN}))
    guest.go(of[partner])
    assert WALK_IN in guest.text

    # the screen goes on without network, by the server's clock
    screen.context.set_offline(True)
    counted = screen.page.locator("[data-countdown]:visible").inner_text()
    wait_until(lambda: screen.page.locator("[data-countdown]:visible").inner_text() != counted)
    screen.context.set_offline(False)

    # the host ends the phone's link: the phone learns it by itself
    host.go(f"/mes-job-datings/{morning}/jour-j")
    host.click("Fermer")
    phone.page.get_by_text("L’accueil a fermé ce lien").wait_for()
