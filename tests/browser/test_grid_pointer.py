"""A host moves a meeting with the mouse: it goes where the pointer lets go, wherever the page is scrolled to."""

from collections.abc import Callable

from tests.browser.conftest import Person

AT = "e => [e.closest('td').dataset.round, e.closest('td').dataset.table].join()"


def test_a_meeting_goes_where_the_pointer_lets_go(person: Callable[..., Person]) -> None:
    host = person(1280)
    host.sign_in("animateur@demo.croisee.test")
    host.go("/mes-job-datings")
    # The demonstration's own: those of other tests may have begun.
    plan = host.page.get_by_role("link", name="Job dating du bocage", exact=True).get_attribute("href")
    host.page.goto(f"{host.site.url}{plan}/grille")
    host.look()
    card = host.page.locator("td [data-meeting]").first
    key = card.get_attribute("data-meeting")
    host.page.evaluate("window.scrollTo(0, 240)")
    free = host.page.locator("td.free")
    seats = host.page.evaluate("url => fetch(url).then(answer => answer.json())", card.get_attribute("data-seats"))["seats"]
    goal = next(cell for cell in free.all() if seats[f"{cell.get_attribute('data-round')}:{cell.get_attribute('data-table')}"] == "")
    wanted = f"{goal.get_attribute('data-round')},{goal.get_attribute('data-table')}"
    goal.scroll_into_view_if_needed()

    grip, place = card.locator(".who").first.bounding_box(), goal.bounding_box()
    assert grip
    assert place
    host.page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    host.page.mouse.down()
    host.page.mouse.move(grip["x"] + 30, grip["y"] + 30, steps=3)
    host.page.wait_for_selector("td.can")
    host.page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2, steps=8)
    host.page.mouse.up()
    host.page.wait_for_selector(".lc-flashes")
    host.look()

    assert host.page.locator(f"[data-meeting='{key}']").evaluate(AT) == wanted
