"""Forgetting one's password, choosing another, adding a code of the telephone: by keyboard, on a small screen."""

import re
import time
from email import message_from_bytes, policy

import pyotp
from playwright.sync_api import Locator

from tests.browser.conftest import Person, Site
from tests.browser.keyboard import Keyboard

EMAIL, NEW = "nadia@signature.test", "le bocage sent bon le matin"


def link_in_mail(site: Site) -> str:
    """The path of the link that the mail catcher received."""
    for _try in range(120):
        for file in site.mails.glob("**/*.eml"):
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",)) if EMAIL in str(message["To"]) else None
            found = re.search(r"/mot-de-passe/[\w-]{40,}", body.get_content() if body else "")
            if found:
                return found[0]
        time.sleep(0.5)
    raise AssertionError("no mail came")


def tab_to(somebody: Person, place: Locator) -> None:
    """Reach it from where one is with the key Tab alone, and see where one is."""
    Keyboard(somebody).to(place)


def test_who_forgot_the_password_comes_in_by_keyboard_and_adds_a_code(site: Site, person) -> None:  # type: ignore[no-untyped-def]
    site.flask("accounts", "add", EMAIL, "--role", "admin", "--name", "Nadia Lebon")
    nadia = person(360)
    page = nadia.page

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def enter(*texts: str) -> None:
        """Type into the first field and those after it, then send."""
        for number, text in enumerate(texts):
            press(*(["Tab"] if number else []))
            page.keyboard.type(text)
        with page.expect_navigation():
            press("Enter")
        nadia.look()

    nadia.go("/connexion")
    tab_to(nadia, page.get_by_role("link", name="Mot de passe oublié"))
    press("Enter")
    page.wait_for_url("**/mot-de-passe-oublie")
    nadia.look()
    tab_to(nadia, page.locator("#email"))
    enter(EMAIL)
    assert "Regardez votre courrier" in nadia.text

    nadia.go(link_in_mail(site))
    tab_to(nadia, page.locator("#password"))
    enter("motdepasse2026", "motdepasse2026")
    assert "il est essayé en premier" in nadia.text
    tab_to(nadia, page.locator("#password"))
    enter(NEW, NEW)
    assert "Votre mot de passe est changé" in nadia.text

    tab_to(nadia, page.locator("#email"))
    enter(EMAIL, NEW)
    assert "Votre rôle en a besoin" in nadia.text
    tab_to(nadia, page.get_by_role("button", name="Commencer"))
    press("Enter")
    page.wait_for_selector("#code")
    nadia.look()
    secret = page.locator("strong[translate=no]").inner_text().replace(" ", "")
    tab_to(nadia, page.locator("#code"))
    # The code of half a minute ago: the present one serves for signing in.
    enter(pyotp.TOTP(secret).at(time.time() - 30))
    assert "Gardez ces codes sur papier" in nadia.text
    assert page.locator("#codes li").count() == 10

    nadia.go("/compte/appareils")
    tab_to(nadia, page.get_by_role("button", name="Me déconnecter"))
    press("Enter")
    page.wait_for_url(f"{site.url}/")
    nadia.go("/connexion")
    tab_to(nadia, page.locator("#email"))
    enter(EMAIL, NEW)
    assert page.url.endswith("/connexion/code")
    tab_to(nadia, page.locator("#code"))
    enter(pyotp.TOTP(secret).now())
    assert page.url.endswith("/comptes")


def test_who_comes_from_a_provider_types_the_password_once_and_leaves_both(site: Site, person) -> None:  # type: ignore[no-untyped-def]
    """With the keyboard, through a provider on another origin: the content policy lets the browser there and back."""
    site.provider.person = {"email": "membre.ess@demo.croisee.test", "email_verified": True}
    member = person(360)
    page = member.page

    def press_at(place: Locator, url: str) -> None:
        tab_to(member, place)
        with page.expect_navigation(url=url):
            page.keyboard.press("Enter")
        member.look()

    button = page.get_by_role("link", name="S’identifier avec ProConnect")
    member.go("/connexion?next=/compte")
    press_at(button, f"{site.url}/connexion/annuaire/compte")
    assert "membre.ess@demo.croisee.test" in member.text
    tab_to(member, page.locator("#password"))
    page.keyboard.type("une phrase au hasard")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    member.look()
    assert "ce n’est pas son mot de passe" in member.text
    tab_to(member, page.locator("#password"))
    page.keyboard.type("demo-croisee-2026")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/compte")
    member.look()
    assert "ProConnect ouvre votre compte" in member.text

    press_at(page.get_by_role("button", name="Me déconnecter"), f"{site.url}/")
    assert "Vous voilà hors connexion" in member.text
    assert [query["post_logout_redirect_uri"] for query in site.provider.left] == [f"{site.url}/connexion/annuaire/fin"]

    member.go("/connexion?next=/compte")
    press_at(button, f"{site.url}/compte")
    press_at(page.get_by_role("button", name="Ne plus relier"), f"{site.url}/compte/confirmer?next=/compte")
    tab_to(member, page.locator("#password"))
    page.keyboard.type("demo-croisee-2026")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/compte")
    press_at(page.get_by_role("button", name="Ne plus relier"), f"{site.url}/compte")
    assert "n’ouvre pas encore votre compte" in member.text
