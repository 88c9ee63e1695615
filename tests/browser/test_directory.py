"""The directory as somebody without a mouse reads it: a search, its map, the page of a structure; and a search that is kept."""

from collections.abc import Callable

from tests.browser.conftest import Person


def test_a_search_is_read_on_its_map_by_the_keyboard_and_kept(person: Callable[..., Person]) -> None:
    visitor = person()
    visitor.go("/annuaire")
    visitor.page.get_by_label("Nom, activité ou mot").fill("insertion")
    visitor.page.get_by_label("Autour de").fill("Flers (61)")
    visitor.page.get_by_label("Autour de").press("Enter")
    visitor.page.wait_for_url("**/annuaire?*q=insertion*")
    visitor.look()
    marker = visitor.page.locator(".lc-live-map .leaflet-marker-icon[tabindex='0']").first
    marker.wait_for()
    zoomed = visitor.page.locator(".lc-live-map")
    assert zoomed.get_attribute("aria-label")
    marker.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.locator(".leaflet-popup-content a").first.wait_for()
    visitor.look()
    assert visitor.page.evaluate("document.querySelector('.leaflet-popup-content').contains(document.activeElement)")
    visitor.page.keyboard.press("Escape")
    visitor.page.locator(".leaflet-popup-content").wait_for(state="detached")

    small = person(360)
    small.sign_in("membre.ess@demo.croisee.test")
    small.go("/annuaire?q=insertion&voir=offres")
    department = small.page.get_by_label("Département")
    assert not department.is_visible()
    small.page.get_by_text("Filtrer", exact=True).focus()
    small.page.keyboard.press("Enter")
    department.wait_for()
    small.page.get_by_text("Voir la carte").click()
    small.page.locator(".lc-live-map .leaflet-marker-icon[tabindex='0']").first.wait_for()
    small.look()
    small.page.get_by_text("Garder cette recherche").click()
    small.click("Garder")
    assert "C’est gardé" in small.text
    small.go("/recherches")
    assert "Offres, «\u00a0insertion\u00a0»" in small.text
    small.go("/annuaire")
    small.click("Aide Merlette", role="link")
    small.click("Signaler cette fiche", role="link")
    small.page.get_by_label("Cette structure n’existe plus").check()
    small.click("Signaler")
    assert "Merci, c’est transmis" in small.text
