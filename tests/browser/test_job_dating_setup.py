"""A host sets up a job dating in four steps and moves a meeting by keyboard, on a narrow screen."""

from collections.abc import Callable
from datetime import timedelta

from matchmaker.models.base import today
from tests.browser.conftest import Person


def test_four_steps_that_say_what_fits_then_a_meeting_moved_by_hand(person: Callable[..., Person]) -> None:
    host = person(360)
    host.sign_in("animateur@demo.croisee.test")
    host.go("/mes-job-datings/nouveau")
    host.page.get_by_label("Titre").fill("Rencontres du bocage")
    host.click("Continuer")
    host.page.get_by_label("Date").fill((today() + timedelta(days=63)).isoformat())
    host.page.keyboard.press("Tab")
    host.page.locator("#faisabilite", has_text="entretiens au plus").wait_for()
    host.look()
    host.click("Continuer")

    folds = host.page.locator("details[data-fold]")
    for number in range(min(6, folds.count())):
        if folds.nth(number).get_attribute("open") is None:
            folds.nth(number).locator("summary").click()
        folds.nth(number).get_by_role("checkbox").first.check()
    host.page.locator("#faisabilite", has_text="tout tient").wait_for()
    host.click("Continuer")
    host.page.get_by_label("Entretiens par structure, au plus").fill("4")
    host.page.keyboard.press("Tab")
    host.click("Calculer le plan")
    assert "Le plan" in host.text
    host.click("Déplacer à la main", role="link")

    # by keyboard: pick up, arrows, drop
    meeting = host.page.locator("td [data-meeting]").first
    key = meeting.get_attribute("data-meeting")
    at = "e => [e.closest('td').dataset.round, e.closest('td').dataset.table].join()"
    before = meeting.evaluate(at)
    meeting.locator("[data-pick]").focus()
    host.page.keyboard.press("Enter")
    said = host.page.locator("#grille-dit")
    host.page.wait_for_selector("td.can")
    for _row in range(9):
        host.page.keyboard.press("ArrowDown")
        if "possible" in said.inner_text():
            break
    host.page.keyboard.press("Enter")
    host.page.wait_for_selector(".lc-flashes")
    host.look()
    moved = host.page.locator(f"[data-meeting='{key}']")
    assert moved.evaluate(at) != before
    assert "fixé" in moved.inner_text()
