"""The whole loop, as four people and one who only has a mail: declare, match, propose, say yes twice, meet, invite, answer."""

import email
import email.policy
import re
import time
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from matchmaker.models.base import today
from tests.browser.conftest import Person, Site

NEED = "Soudure de garde-corps pour notre atelier partagé"
OFFER = "Atelier de soudure : garde-corps et petites séries"


def mails_to(site: Site, recipient: str) -> list[EmailMessage]:
    """What the SMTP server received for this address, oldest first."""
    found = []
    for path in sorted(site.mails.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if recipient in str(message["To"]):
            found.append(message)
    return found  # type: ignore[return-value]


def wait_until(true: Callable[[], object], *, seconds: float = 40) -> object:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := true():
            return value
        time.sleep(0.3)
    raise AssertionError("nothing came in time")


def declare(someone: Person, kind: str, category: str, title: str) -> None:
    someone.go("/annonces")
    someone.click(kind, role="link")
    someone.click(category, role="link")
    someone.click("Voir les cinq questions")
    someone.page.get_by_label("Dites-le en une phrase").fill(title)
    someone.page.get_by_label("Mots qui comptent").fill("soudure, garde-corps")
    someone.click("Continuer")
    assert title in someone.text
    someone.click("Publier")
    assert "publiée jusqu’au" in someone.text


def say_yes(someone: Person, title: str) -> None:
    someone.go("/propositions")
    card = someone.page.locator("article", has_text=title)
    card.get_by_role("button", name="Oui, les rencontrer").click()
    someone.settle()
    someone.look()


def test_the_whole_loop(site: Site, person: Callable[..., Person]) -> None:
    ess, company, animator, host = person(360), person(), person(), person()
    ess.sign_in("membre.ess@demo.croisee.test")
    company.sign_in("membre.entreprise@demo.croisee.test")
    animator.sign_in("animateur@demo.croisee.test")
    host.sign_in("hote@demo.croisee.test")

    # declare: a need on a phone, an offer at a desk
    ess.click("Menu")
    declare(ess, "Déclarer un besoin", "Achat responsable", NEED)
    declare(company, "Proposer une offre", "Achat responsable", OFFER)

    # match: the animator runs the Orne, reads the result with its proof, sends it
    for _time in range(4):
        # One that was under way, because of what others did meanwhile, has not read what was just declared.
        animator.go("/calculs")
        animator.click("Orne")
        animator.page.wait_for_selector("h1:has-text('trouvé une offre')", timeout=150_000)
        animator.go(re.sub(r"^https?://[^/]+", "", animator.page.url).partition("?")[0] + "?tout=1")
        if OFFER in animator.text:
            break
    assert "C’est le meilleur résultat possible." in animator.text
    assert NEED in animator.text
    assert OFFER in animator.text
    animator.click("Relire et envoyer", role="link")
    animator.click("Envoyer")
    assert "Chaque structure reçoit un seul courriel" in animator.text

    # propose and answer: both sides see why, contact details come with the second yes only
    ess.go("/propositions")
    card = ess.page.locator("article", has_text=OFFER)
    assert "En commun : garde-corps et soudure" in card.inner_text().replace("\u00a0", " ")
    assert "@" not in card.inner_text()
    say_yes(ess, OFFER)
    say_yes(company, NEED)
    assert "vous êtes dit oui" in company.text
    assert "@" in company.page.locator("#coordonnees").inner_text()

    # meet: the host prepares a morning, picks the mutual matches, publishes
    host.go("/mes-job-datings/nouveau")
    host.page.get_by_label("Titre").fill("Matinée des ateliers")
    host.click("Continuer")
    host.page.get_by_label("Date").fill((today() + timedelta(days=40)).isoformat())
    host.click("Continuer")
    host.page.get_by_role("searchbox").fill("soudure")
    host.page.get_by_role("listitem").filter(has_text=OFFER).get_by_role("checkbox").check()
    host.click("Planifier")
    assert "Tout le monde se rencontre en" in host.text
    host.click("Relire et inviter", role="link")
    host.click("Publier et inviter")

    # invite: one mail a structure, with a calendar part and a link, through a real worker and a real SMTP server
    ess.go("/compte")
    address = contact_of(ess)
    invitation = wait_until(lambda: next((message for message in reversed(mails_to(site, address)) if has_calendar(message)), None))
    assert isinstance(invitation, EmailMessage)
    calendar = next(part for part in invitation.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "REQUEST"
    assert "ATTENDEE" in calendar.get_content()
    link = re.search(r"(/invitations/[\w.\-]+)", body_of(invitation))
    assert link

    # answer: by the link, without any account; looking changes nothing, the button does
    guest = person(360)
    guest.go(link.group(1))
    guest.go(link.group(1))
    guest.page.get_by_label("Oui, je viens").check()
    guest.click("Envoyer ma réponse")
    assert "noté" in guest.text

    host.page.reload()
    host.look()
    assert "vient" in host.text


def contact_of(member: Person) -> str:
    """The address of the organisation, from its own form."""
    member.click("Modifier", role="link")
    return member.page.get_by_label("Adresse électronique de la structure").input_value()


def has_calendar(message: EmailMessage) -> bool:
    return any(part.get_content_type() == "text/calendar" for part in message.walk()) and OFFER in body_of(message)


def body_of(message: EmailMessage) -> str:
    return str(message.get_body(preferencelist=("plain",)).get_content())  # type: ignore[union-attr]
