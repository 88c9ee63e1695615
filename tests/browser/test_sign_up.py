"""Inscribing a structure by keyboard, on a small screen: three steps, a mail, a button."""

import re
import time
from email import message_from_bytes, policy

from tests.browser.conftest import Site

EMAIL, PASSWORD = "lou@atelier-neuf.test", "le bocage sent bon le matin"


def link_in_mail(site: Site) -> str:
    """The path of the link that the mail catcher received."""
    for _try in range(240):
        for file in site.mails.glob("**/*.eml"):
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",)) if EMAIL in str(message["To"]) else None
            found = re.search(r"/inscription/fin/[\w-]{40,}", body.get_content() if body else "")
            if found:
                return found[0]
        time.sleep(0.5)
    raise AssertionError("no mail came")


def test_a_structure_is_inscribed_by_keyboard_and_its_team_begins(site: Site, person) -> None:  # type: ignore[no-untyped-def]
    lou = person(360)
    page = lou.page

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def send() -> None:
        with page.expect_navigation():
            press("Enter")
        lou.look()

    lou.go("/connexion")
    page.get_by_role("link", name="Inscrivez votre structure").focus()
    send()
    page.locator("#number").focus()
    page.keyboard.type("1234567820001")
    send()
    assert "Il manque 1 chiffre au SIRET" in lou.text
    page.locator("#number").focus()
    press("End")
    page.keyboard.type("0")
    send()

    assert "Qui est votre structure" in lou.text
    page.locator("#organisation").focus()
    page.keyboard.type("Brodequin des Collines")
    press("Tab", "Space", "Tab")
    page.keyboard.type("Flers (61)")
    send()

    assert "Vous parlerez pour Brodequin des Collines" in lou.text
    page.locator("#name").focus()
    for number, text in enumerate(("Lou Rivière", EMAIL, PASSWORD)):
        press(*(["Tab"] if number else []))
        page.keyboard.type(text)
    press("Tab", "Tab", "Space")
    send()
    assert "Regardez votre courrier" in lou.text

    lou.go(link_in_mail(site))
    page.get_by_role("button", name="Terminer l’inscription").focus()
    send()
    assert "Bienvenue" in lou.text

    lou.go("/compte")
    page.get_by_role("link", name="Notre équipe").focus()
    send()
    assert "1\u00a0personne parle pour Brodequin des Collines" in lou.text
    page.get_by_role("link", name="Inviter une personne").focus()
    send()
    page.locator("#email").focus()
    page.keyboard.type("noe@atelier-neuf.test")
    send()
    assert "1\u00a0invitation en route" in lou.text
    lou.go("/compte/quitter")
    assert "Vous êtes la seule personne qui administre" in lou.text
