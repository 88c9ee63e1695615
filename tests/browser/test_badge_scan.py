"""A phone at the desk scans badges with its camera: Chromium is given a film in place of one, made from the badges' own codes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import segno
from PIL import Image
from playwright.sync_api import Browser

from matchmaker.extensions import db
from matchmaker.models import JobDating, PresenceState, User
from matchmaker.models.base import now
from matchmaker.services import check_in_links, job_datings
from matchmaker.web.settings import mail_settings
from tests.browser.conftest import FLAGS, Person, Site, browser_path
from tests.browser.test_day import database, states
from tests.browser.test_loop import wait_until
from tests.browser.test_pairs_to_thanks import keys
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue

WIDTH, HEIGHT, EACH = 640, 480, 10
FIRST, SECOND = "Cantine du Lavoir", "Atelier des Tilleuls"


def picture(text: str, *, angle: float) -> Image.Image:
    """What a camera sees of a badge: its code on white card, a little turned, in front of something grey."""
    scene = Image.new("L", (WIDTH, HEIGHT), 96)
    if text:
        code = BytesIO()
        # As the badges are written: see papers_canvas.
        segno.make(text, error="m", micro=False).save(code, kind="png", scale=8, border=4)
        card = Image.new("L", (420, 300), 245)
        card.paste(Image.open(code).convert("L").resize((230, 230)), (170, 50))
        mask = Image.new("L", card.size, 255).rotate(angle, expand=True)
        scene.paste(card.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC), (90, 60), mask)
    return scene


def film(path: Path, texts: list[str]) -> None:
    """One second of each, as an uncompressed film that Chromium takes for a camera and plays again and again."""
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{EACH}:1 Ip A1:1 C420jpeg\n".encode())
        for place, text in enumerate(texts):
            frame = picture(text, angle=(-14, 9, 23)[place % 3]).tobytes()
            out.write((b"FRAME\n" + frame + grey) * EACH)


@pytest.fixture
def gathering(site: Site) -> UUID:
    """Two structures that meet in five minutes."""
    with database(site):
        place = venue(tables=2)
        need = NeedFactory(organisation=OrganisationFactory(name=FIRST))
        offer = OfferFactory(organisation=OrganisationFactory(name=SECOND))
        dating = JobDatingFactory(venue=place, title="Matinée des badges", starts_at=now() + timedelta(days=5), ends_at=now() + timedelta(days=5, hours=3))
        job_datings.choose(dating, [MatchFactory(mutual=True, need=need, offer=offer)])
        job_datings.publish(dating, settings=mail_settings())
        dating.starts_at, dating.ends_at = now() + timedelta(minutes=5), now() + timedelta(minutes=185)
        db.session.commit()
        return dating.id


def desk_of(site: Site, dating_id: UUID) -> str:
    with database(site) as app:
        dating = db.session.get_one(JobDating, dating_id)
        host: User = UserFactory(host=True, organisation=dating.venue.organisation)
        link = check_in_links.make(dating, name="Salma", by=host)
        db.session.commit()
        return f"/jour/accueil/{check_in_links.token_of(link, app.config['SECRET_KEY'])}"


@pytest.fixture
def phone(site: Site, chromium: Browser, gathering: UUID, tmp_path: Path) -> Iterator[Person]:
    """A phone whose camera sees nothing, then both badges, then a code of something else."""
    badges = keys(site, gathering)
    film(tmp_path / "badges.y4m", ["", site.url + badges[FIRST], site.url + badges[SECOND], "https://exemple.test/menu"])
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={tmp_path / 'badges.y4m'}"]
    browser = chromium.browser_type.launch(executable_path=browser_path(), headless=True, args=[*FLAGS, *camera])
    context = browser.new_context(viewport={"width": 360, "height": 800}, locale="fr-FR", timezone_id="Europe/Paris", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield Person(site, context, page)
    browser.close()


def test_badges_in_front_of_the_camera_are_noted_also_without_network(site: Site, phone: Person, gathering: UUID) -> None:
    refused: list[str] = []
    phone.page.on("console", lambda message: refused.append(message.text) if "olicy" in message.text else None)

    phone.go(desk_of(site, gathering))
    phone.page.wait_for_selector("html[data-kept]")
    phone.context.set_offline(True)
    phone.click("Scanner")
    phone.page.get_by_text("2 arrivées sur 2".replace(" ", "\u00a0", 1)).wait_for()
    phone.page.get_by_text("Ce badge n’est pas sur la liste").wait_for()
    phone.look()
    assert set(states(site, gathering).values()) == {PresenceState.EXPECTED}

    phone.context.set_offline(False)
    wait_until(lambda: set(states(site, gathering).values()) == {PresenceState.PRESENT})
    phone.click("Arrêter")
    assert not phone.page.locator("video").is_visible()
    assert phone.page.evaluate("document.querySelector('video').srcObject") is None
    assert refused == []


def test_a_phone_without_a_camera_is_told_another_way(site: Site, person: Callable[..., Person], gathering: UUID) -> None:
    phone = person(360)
    phone.go(desk_of(site, gathering))
    assert "ouvrez l’appareil photo du téléphone" not in phone.text

    phone.click("Scanner")

    phone.page.get_by_text("Cette page n’a pas accès à l’appareil photo.").wait_for()
    assert "ouvrez l’appareil photo du téléphone" in phone.text
    assert not phone.page.locator("video").is_visible()
    phone.look()
