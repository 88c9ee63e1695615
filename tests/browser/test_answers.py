"""Somebody answers the propositions of one mail on a phone, without any account."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from playwright.sync_api import Route

from matchmaker.models.base import today
from tests.browser.conftest import Person, Site
from tests.browser.test_loop import body_of, mails_to, wait_until

LINK = r"(/reponses/[\w.\-]+\?reponse={choice})"


def mails_with_questions(site: Site) -> list[EmailMessage]:
    """The mails of the demonstration that put questions to its accounts' structures, once they have left."""
    found = wait_until(lambda: [mail for mail in mails_to(site, "@") if links(mail, "oui")], seconds=120)
    assert isinstance(found, list)
    return found


def links(mail: EmailMessage, choice: str) -> list[str]:
    return re.findall(LINK.format(choice=choice), body_of(mail))


def unanswered(site: Site, someone: Person, choice: str, *, by_both: bool = True) -> str:
    """A link that leads to an open question, by default one to which neither side said anything: the demonstration has answered some of them."""
    for mail in mails_with_questions(site):
        for link in links(mail, choice):
            someone.go(link)
            asks = someone.page.get_by_role("button", name="Envoyer ma réponse").count()
            if asks and (not by_both or "Personne n’a encore répondu" in someone.page.content()):
                return link
    raise AssertionError("every question is answered")


def test_a_mail_is_answered_on_a_phone_without_an_account(site: Site, person: Callable[..., Person]) -> None:
    guest = person(360)
    question = unanswered(site, guest, "non")

    # « no »: its reasons are there, those of the other answers are not
    guest.go(question)
    assert guest.page.get_by_label("Non merci").is_checked()
    assert guest.page.get_by_label("Trop loin").is_visible()
    assert not guest.page.get_by_label("Quand pourrez-vous répondre").is_visible()
    assert guest.page.locator(".lc-reasons li").count() <= 3
    assert "@" not in guest.text
    guest.click("Envoyer ma réponse")
    assert "Une réponse à corriger" in guest.text
    guest.page.get_by_label("Non merci").check()
    guest.page.get_by_label("Trop loin").check()
    guest.click("Envoyer ma réponse")
    assert "Votre réponse est notée" in guest.text

    # another mind, by the same link: later, then yes
    guest.go(question.replace("=non", "=plus-tard"))
    assert guest.page.get_by_label("Quand pourrez-vous répondre").is_visible()
    assert not guest.page.get_by_label("Trop loin").is_visible()
    guest.click("Envoyer ma réponse")
    assert "Réponse attendue le" in guest.text
    guest.go(question.replace("=non", "=oui"))
    guest.page.get_by_label("Oui, les rencontrer").press("Tab")
    assert guest.page.evaluate("document.activeElement.textContent") == "Envoyer ma réponse"
    with guest.page.expect_navigation():
        guest.page.keyboard.press("Enter")
    guest.look()
    assert "Votre oui est noté" in guest.text


def test_the_page_is_whole_without_script_style_or_cookie(site: Site, person: Callable[..., Person]) -> None:
    guest = person(360)
    question = unanswered(site, guest, "oui", by_both=False)
    guest.context.clear_cookies()

    def without(route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
        if route.request.resource_type in {"script", "stylesheet"}:
            route.abort()
        else:
            route.continue_(headers=headers)

    guest.page.route("**/*", without)
    guest.page.goto(f"{site.url}{question}")
    guest.page.get_by_label("Plus tard").check()
    guest.page.get_by_role("button", name="Envoyer ma réponse").click()
    guest.settle()

    assert "Votre réponse est notée" in guest.text


def test_a_member_puts_a_question_off_then_says_no_and_when_to_come_back(site: Site, person: Callable[..., Person]) -> None:
    member = person(360)
    member.sign_in("membre.entreprise@demo.croisee.test")
    member.go("/propositions")
    before = member.page.get_by_role("button", name="Oui, les rencontrer").count()
    assert before

    member.click("Plus tard", role="link")
    member.click("Répondre ce jour-là")
    assert "La question vous attend jusqu’au" in member.text
    assert member.page.get_by_role("button", name="Oui, les rencontrer").count() == before

    member.click("Non merci", role="link")
    assert not member.page.get_by_label("Ne rien nous proposer").is_visible()
    member.page.get_by_label("Pas le bon volume").check()
    assert member.page.get_by_label("Ce qui nous irait, au plus").is_visible()
    member.look()
    member.page.get_by_label("Pas le temps en ce moment").check()
    assert not member.page.get_by_label("Ce qui nous irait, au plus").is_visible()
    member.page.get_by_label("Ne rien nous proposer").fill((today() + timedelta(days=60)).isoformat())
    member.page.get_by_label("Ne plus nous mettre en relation").check()
    member.look()
    member.click("Envoyer mon non")
    assert "Votre non est noté" in member.text
    member.go("/annonces/diagnostic")
    assert "Rien n’est proposé pour elle avant le" in member.text
    member.click("Chercher dès maintenant")
    assert "Cette annonce cherche de nouveau" in member.text
