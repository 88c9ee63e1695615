"""Two sides that said yes, on phones: one with an account, one from the mail's link; then what came of it, in a click."""

import re
from collections.abc import Callable

from tests.browser.conftest import Person, Site
from tests.browser.test_loop import body_of, mails_to, wait_until


def link_in_mails(site: Site, pattern: str) -> str:
    """The newest address of this kind that a mail carried."""

    def look() -> str | None:
        found = [link for mail in mails_to(site, "@") for link in re.findall(pattern, body_of(mail))]
        return found[-1] if found else None

    link = wait_until(look, seconds=120)
    assert isinstance(link, str)
    return link


def test_two_sides_write_to_each_other_and_call_for_help(site: Site, person: Callable[..., Person]) -> None:
    member, guest, animator = person(360), person(360), person()
    member.sign_in("membre.ess@demo.croisee.test")
    member.go("/propositions")
    card = member.page.locator("article", has_text="Rayonnages à palettes")
    assert "@" not in card.inner_text()
    card.get_by_role("link", name="Leur écrire").click()
    member.settle()
    member.look()
    assert "Jeudi à 9 h, c’est parfait." in member.text.replace("\u00a0", " ")
    member.click("Voir leurs coordonnées")
    assert "@" in member.page.locator("#coordonnees").inner_text()
    member.page.get_by_label("Votre message").fill("Nous apportons aussi des sangles.\nÀ demain.")
    member.click("Envoyer")
    assert "Votre message est parti" in member.text
    assert "Nous apportons aussi des sangles." in member.text

    # the other side, from its mail, without any account
    guest.go(link_in_mails(site, r"(?s)sangles.*?(/echanges/[\w.\-]+)"))
    assert "À demain." in guest.text
    assert "@" not in guest.text
    guest.page.get_by_label("Votre message").fill("Merci, à demain.")
    guest.click("Envoyer à")
    assert "Merci, à demain." in guest.text
    guest.click("Appeler l’animation du territoire")
    assert "L’animation de votre territoire est prévenue" in guest.text

    # the animator reads what they were called to, then no longer
    animator.sign_in("animateur@demo.croisee.test")
    animator.go("/rencontres/aide")
    animator.click("Transports Vélaure", role="link")
    assert "sangles" in animator.text
    animator.page.get_by_label("Votre message").fill("Bonjour à vous deux, je passe jeudi.")
    animator.click("Envoyer aux deux structures")
    address = animator.page.url
    guest.page.reload()
    guest.look()
    assert "je passe jeudi" in guest.text
    guest.click("C’est réglé")
    response = animator.page.goto(address)
    assert response is not None
    assert response.status == 404

    member.go("/coordonnees-vues")
    assert "Transports Vélaure" in member.text


def test_what_came_of_it_is_said_in_a_click(site: Site, person: Callable[..., Person]) -> None:
    guest = person(360)
    guest.go(link_in_mails(site, r"(/suites/[\w.\-]+\?reponse=rencontre)"))
    assert guest.page.get_by_label("Nous nous sommes rencontrés").is_checked()
    assert not guest.page.get_by_label("En jours, par an").is_visible()

    guest.page.get_by_label("C’est signé").check()
    guest.page.get_by_label("En jours, par an").select_option(label="6 à 20 jours")
    guest.page.get_by_role("radio", name="Non").check()
    guest.click("Envoyer ma réponse")
    assert "Bravo à vous deux" in guest.text
    assert "Votre réponse est notée : c’est signé" in guest.text.replace("\u00a0", " ")

    guest.page.get_by_label("C’est convenu").check()
    guest.click("Envoyer ma réponse")
    assert "Votre réponse est notée : c’est convenu" in guest.text.replace("\u00a0", " ")
