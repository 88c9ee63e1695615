"""An animator works through the queue without a mouse."""

from collections.abc import Callable

from tests.browser.conftest import Person


def focused(someone: Person) -> str:
    return str(someone.page.evaluate("document.activeElement.textContent.trim()"))


def focused_row(someone: Person) -> int:
    """Which row of the list the focus is in, from 0; -1 outside of it."""
    return int(someone.page.evaluate("[...document.querySelectorAll('[data-roving] > *')].findIndex((row) => row.contains(document.activeElement))"))


def test_the_queue_is_worked_through_by_the_keyboard(person: Callable[..., Person]) -> None:
    ana = person()
    ana.sign_in("animateur@demo.croisee.test")
    ana.go("/a-faire?quoi=silent")
    before = int(ana.page.locator("h1").inner_text().split()[0].replace("\u00a0", ""))
    rows = ana.page.locator("[data-roving] > *")
    assert rows.count() >= 3

    # one row at a time is on the way of Tab; j and k go from row to row
    ana.page.locator("[data-roving-to]").first.focus()
    for key, row in (("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("k", 0)):
        ana.page.keyboard.press(key)
        assert focused_row(ana) == row
    ana.page.keyboard.press("Tab")
    assert "Je m’en occupe" in focused(ana)
    for _key in range(8):
        ana.page.keyboard.press("Tab")
        if focused_row(ana) == -1:
            break
    assert focused_row(ana) == -1

    # a letter presses the button of the row
    ana.page.locator("[data-roving-to]").first.focus()
    name = focused(ana)
    with ana.page.expect_navigation():
        ana.page.keyboard.press("m")
    ana.look()
    assert "vous vous en occupez" in ana.text
    ana.page.locator("[data-roving-to]").first.focus()
    assert focused(ana) == name
    ana.page.keyboard.press("f")
    assert rows.first.get_by_label("Pourquoi est-ce fait").is_visible()
    ana.look()
    with ana.page.expect_navigation():
        ana.page.keyboard.press("p")
    ana.look()
    assert f"{before - 1} choses" in ana.page.locator("h1").inner_text().replace("\u00a0", " ")

    # back as it was
    ana.click("Annuler")
    assert "C’est annulé" in ana.text
    assert f"{before} choses" in ana.page.locator("h1").inner_text().replace("\u00a0", " ")

    # the call sheet opens by Enter
    ana.page.locator("[data-roving-to]").first.focus()
    with ana.page.expect_navigation():
        ana.page.keyboard.press("Enter")
    ana.look()
    assert "Ce qui a été dit" in ana.text


def test_the_queue_and_a_call_sheet_hold_on_a_phone(person: Callable[..., Person]) -> None:
    ana = person(360)
    ana.sign_in("animateur@demo.croisee.test")
    ana.go("/a-faire?quoi=silent")
    ana.page.locator("[data-roving-to]").first.click()
    ana.page.wait_for_load_state("load")
    ana.page.locator("details", has_text="Répondre à sa place").first.locator("summary").click()
    ana.look()

    assert ana.page.locator("a[href^='tel:']").count() >= 1
