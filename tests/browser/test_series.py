"""A venue shown as it is, with its calendar, and a year of job datings prepared."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

from PIL import Image

from matchmaker.models.base import today
from tests.browser.conftest import Person, Site

HOST = "hote@demo.croisee.test"


def picture() -> bytes:
    written = BytesIO()
    Image.new("RGB", (640, 480), "teal").save(written, "JPEG")
    return written.getvalue()


def test_a_host_shows_the_venue_and_prepares_the_year(site: Site, person: Callable[..., Person]) -> None:
    host = person()
    host.sign_in(HOST)
    host.go("/lieux")
    host.page.locator("main table a").first.click()
    host.settle()
    host.click("Photos", role="link")
    host.page.get_by_label("Photo", exact=True).set_input_files({"name": "salle.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    host.page.get_by_label("Ce qu’on y voit").fill("La grande salle, avec ses tables rondes")
    host.click("Ajouter cette photo")
    assert host.page.get_by_alt_text("La grande salle, avec ses tables rondes").evaluate("picture => picture.naturalWidth") == 640

    host.page.go_back()
    host.go("/lieux")
    host.page.locator("main table a").first.click()
    host.settle()
    host.click("Calendrier", role="link")
    day = f"{today() + timedelta(days=400)}"
    host.page.get_by_label("Du", exact=True).fill(day)
    host.page.get_by_label("Au", exact=True).fill(day)
    host.page.get_by_label("Pour quoi").fill("Travaux de peinture")
    host.click("Bloquer ces heures")
    assert "Travaux de peinture" in host.text

    host.go("/mes-job-datings/series")
    host.click("Préparer une série", role="link")
    host.page.get_by_label("Titre").fill("Les jeudis")
    host.page.get_by_label("Première date").fill(f"{today() + timedelta(days=120)}")
    host.click("Préparer ces dates")
    host.click("Répartir les paires")
    assert "4\u00a0dates" in host.page.locator("h1").inner_text()
