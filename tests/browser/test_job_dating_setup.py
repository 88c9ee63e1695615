"""A host sets up a job dating in four steps and moves a meeting by keyboard and by pointer, at a desk and on a phone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from matchmaker.models.base import today
from tests.browser.conftest import Person


@pytest.mark.parametrize("width", [1280, 360])
def test_four_steps_that_say_what_fits_then_a_meeting_moved_by_hand(person: Callable[..., Person], width: int) -> None:
    host = person(width)
    host.sign_in("animateur@demo.croisee.test")
    host.go("/mes-job-datings/nouveau")
    host.page.get_by_label("Titre").fill(f"Rencontres du bocage {width}")
    host.click("Continuer")
    host.page.get_by_label("Date").fill((today() + timedelta(days=60 + width % 7)).isoformat())
    host.page.keyboard.press("Tab")
    host.page.locator("#faisabilite", has_text="entretiens au plus").wait_for()
    host.look()
    host.click("Continuer")

    boxes = host.page.locator("input[name=pairs]")
    for number in range(min(6, boxes.count())):
        boxes.nth(number).check()
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

    host.click("Libérer")
    if width < 500:
        return
    # by pointer: onto the first seat where nothing stands in the way
    card = host.page.locator(f"[data-meeting='{key}']")
    before = card.evaluate(at)
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    assert box is not None
    host.page.mouse.move(box["x"] + 8, box["y"] + 6)
    host.page.mouse.down()
    host.page.mouse.move(box["x"] + 30, box["y"] + 20, steps=4)
    host.page.wait_for_selector("td.can")
    seats = host.page.locator("td.can.free")
    place = next(found for number in range(seats.count()) if (found := seats.nth(number).bounding_box()) and 100 < found["y"] < 800)
    host.page.mouse.move(place["x"] + 20, place["y"] + 20, steps=6)
    host.page.mouse.up()
    host.page.wait_for_selector(".lc-flashes")
    assert re.search(r"tour \d+, table \d+", host.text)
    assert host.page.locator(f"[data-meeting='{key}']").evaluate(at) != before
