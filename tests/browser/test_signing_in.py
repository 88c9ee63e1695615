"""Forgetting one's password, choosing another, adding a code of the telephone: by keyboard, on a small screen."""

import re
import time
from email import message_from_bytes, policy

import pyotp

from tests.browser.conftest import Site

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
    page.get_by_role("link", name="Mot de passe oublié").focus()
    press("Enter")
    page.wait_for_url("**/mot-de-passe-oublie")
    nadia.look()
    page.locator("#email").focus()
    enter(EMAIL)
    assert "Regardez votre courrier" in nadia.text

    nadia.go(link_in_mail(site))
    page.locator("#password").focus()
    enter("motdepasse2026", "motdepasse2026")
    assert "il est essayé en premier" in nadia.text
    page.locator("#password").focus()
    enter(NEW, NEW)
    assert "Votre mot de passe est changé" in nadia.text

    page.locator("#email").focus()
    enter(EMAIL, NEW)
    assert "Votre rôle en a besoin" in nadia.text
    page.get_by_role("button", name="Commencer").focus()
    press("Enter")
    page.wait_for_selector("#code")
    nadia.look()
    secret = page.locator("strong[translate=no]").inner_text().replace(" ", "")
    page.locator("#code").focus()
    # The code of half a minute ago: the present one serves for signing in.
    enter(pyotp.TOTP(secret).at(time.time() - 30))
    assert "Gardez ces codes sur papier" in nadia.text
    assert page.locator("#codes li").count() == 10

    nadia.go("/compte/appareils")
    page.get_by_role("button", name="Me déconnecter").focus()
    press("Enter")
    page.wait_for_url(f"{site.url}/")
    nadia.go("/connexion")
    page.locator("#email").focus()
    enter(EMAIL, NEW)
    assert page.url.endswith("/connexion/code")
    page.locator("#code").focus()
    enter(pyotp.TOTP(secret).now())
    assert page.url.endswith("/comptes")
