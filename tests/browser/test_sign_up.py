"""From the home page to a first announcement in the directory, by keyboard alone, on a small screen: two minutes, a mail in between."""

import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest
import redis

from tests.browser.conftest import Person, Site
from tests.browser.keyboard import Keyboard

PASSWORD = "le bocage sent bon le matin"
LONG = "Brodequin des Collines et des Vallées du Bocage ornais et virois"
# A number, or none; what the structure is; and how many keys that may take a person, letters of their answers aside.
WAYS = {
    "siret": ("73282932000033", "Association", LONG),
    "rna": ("W611234567", "Association", "Les Amis du lavoir de Briouze"),
    "collective": ("", "Collectif en émergence", "Café des possibles de Tinchebray"),
}
# An average typist, in the keystroke-level model of Card, Moran and Newell (1980); of the two minutes, one is for reading and for the mail.
SECONDS_PER_KEY = 0.28
READING = 60


def link_in_mail(site: Site, email: str) -> str:
    """The path of the link that the mail catcher received."""
    for _try in range(240):
        for file in site.mails.glob("**/*.eml"):
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",)) if email in str(message["To"]) else None
            found = re.search(r"/inscription/fin/[\w-]{40,}", body.get_content() if body else "")
            if found:
                return found[0]
        time.sleep(0.5)
    raise AssertionError("no mail came")


def forget_how_often(site: Site) -> None:
    """All persons of these tests have the same address, from which two may sign up in an hour: the limits have tests of their own."""
    with redis.from_url(site.env["REDIS_URL"].replace("redis+socket", "unix").replace("virtual_host", "db")) as broker:
        for key in broker.scan_iter("LIMIT*"):
            broker.delete(key)


@pytest.mark.parametrize("way", WAYS)
def test_a_structure_signs_up_and_publishes_its_first_need_by_keyboard_in_two_minutes(site: Site, person: Callable[..., Person], way: str) -> None:
    number, family, name = WAYS[way]
    email = f"lou.{way}@atelier-neuf.test"
    forget_how_often(site)
    lou = person(360)
    page, keys = lou.page, Keyboard(lou)

    lou.go("/")
    keys.follow(page.get_by_role("main").get_by_role("link", name="Déclarer un besoin"))
    assert "Inscrire votre structure" in lou.text
    if number:
        keys.fill(page.locator("#number"), number)
        keys.send()
    else:
        keys.follow(page.get_by_role("button", name="Nous n’avons pas de numéro"))

    keys.fill(page.locator("#organisation"), name)
    # Of a set of choices, Tab leads to the first and the arrows to the others.
    keys.to(page.get_by_role("radio").first)
    keys.press("Space")
    while not page.get_by_role("radio", name=family, exact=True).is_checked():
        keys.press("ArrowDown")
    keys.fields += 1
    keys.fill(page.locator("#commune"), "Flers (61)")
    keys.send()

    assert f"Vous parlerez pour {name}" in lou.text
    keys.fill(page.locator("#name"), "Lou Rivière")
    keys.fill(page.locator("#email"), email)
    keys.fill(page.locator("#password"), PASSWORD)
    keys.tick(page.locator("#terms"))
    keys.send()
    assert "Regardez votre courrier" in lou.text

    print(f"\n{way}, {keys.told('three steps')}")
    lou.go(link_in_mail(site, email))
    keys.follow(page.get_by_role("button", name="Terminer l’inscription"))
    assert "Bienvenue" in lou.text
    print(f"{way}, {keys.told('to the structure in the directory')}")
    assert keys.fields <= 9
    assert SECONDS_PER_KEY * (keys.typed + keys.moves) + READING <= 120, keys.told(way)

    keys.follow(page.get_by_role("main").get_by_role("link", name="Déclarer un besoin").first)
    keys.follow(page.get_by_role("link", name="Locaux"))
    keys.fill(page.get_by_label("Dites-le en une phrase"), "Un atelier pour réparer nos vélos")
    # All questions at once: the place and how far are the structure's own.
    keys.to(page.get_by_role("button", name="Voir les cinq questions"))
    keys.press("Enter")
    keys.follow(page.get_by_role("button", name="Continuer"))
    assert "Qui pourrait répondre" in lou.text
    keys.follow(page.get_by_role("button", name="Publier"))
    assert "publiée jusqu’au" in lou.text
    print(f"{way}, {keys.told('to the first need')}")

    page.set_viewport_size({"width": 1280, "height": 900})
    lou.go("/compte")
    assert page.evaluate("document.querySelector('.lc-header').offsetHeight") < 90, "the menu and a long name are one line"


def test_a_wrong_number_is_mended_and_a_team_begins_by_keyboard(site: Site, person: Callable[..., Person]) -> None:
    lou = person(360)
    page, keys = lou.page, Keyboard(lou)
    lou.go("/connexion")
    keys.follow(page.get_by_role("link", name="Inscrivez votre structure"))
    keys.fill(page.locator("#number"), "1234567820001")
    keys.send()
    assert "Il manque 1 chiffre au SIRET" in lou.text

    lou.go("/connexion")
    keys.fill(page.locator("#email"), "membre.ess@demo.croisee.test")
    keys.fill(page.get_by_role("textbox", name="Mot de passe"), "demo-croisee-2026")
    keys.send()
    lou.go("/compte")
    keys.follow(page.get_by_role("link", name="Notre équipe"))
    keys.follow(page.get_by_role("link", name="Inviter une personne"))
    keys.fill(page.locator("#email"), "noe@atelier-neuf.test")
    keys.send()
    assert "1\u00a0invitation en route" in lou.text
    lou.go("/compte/quitter")
    assert "Vous êtes la seule personne qui administre" in lou.text
