"""A shared job from three declarations to a signed contract, with one employer who leaves on the way."""

from collections.abc import Callable

from config import TestConfig
from matchmaker.app import create_app
from matchmaker.extensions import db
from matchmaker.models import Family
from matchmaker.services import accounts, organisations, territories
from tests.browser.conftest import Person, Site

PASSWORD = "demo-croisee-2026"
OCCUPATION = "luthier"
# Address → name, commune, part of a full time, half-days.
EMPLOYERS = {
    "a@bois.test": ("Fabrique Quatrevents", "Flers (61)", "0.4", (0, 1, 2, 3)),
    "b@bois.test": ("Atelier Mirabeau", "Domfront en Poiraie (61)", "0.3", (4, 5, 6)),
    "c@bois.test": ("Musée Tournesac", "Putanges-le-Lac (61)", "0.3", (7, 8, 9)),
    "d@bois.test": ("École Vieilleroche", "Flers (61)", "0.3", (4, 5, 6)),
}


def open_accounts(site: Site) -> None:
    """Four structures that nobody else of the demonstration's knows."""
    app = create_app(TestConfig, SQLALCHEMY_DATABASE_URI=site.env["DATABASE_URL"])
    with app.app_context():
        for email, (name, place, _part, _halfdays) in EMPLOYERS.items():
            commune = territories.find_commune(place)
            assert commune is not None
            organisation = organisations.create_organisation(name=name, family=Family.ASSOCIATION, commune=commune, email=email)
            accounts.create_account(email=email, password=PASSWORD, name="Dominique", organisation=organisation)
        db.session.commit()
        db.engine.dispose()


def declare(someone: Person, email: str) -> None:
    _name, _place, part, halfdays = EMPLOYERS[email]
    someone.go("/besoins/nouveau/pooled_job")
    someone.click("Voir les cinq questions")
    someone.page.get_by_label("Dites-le en une phrase").fill(f"Un {OCCUPATION} pour une partie de la semaine")
    someone.page.get_by_label("Métier", exact=True).fill(OCCUPATION)
    someone.page.get_by_label("Quelle part d’un temps plein").fill(part)
    for bit in halfdays:
        someone.page.locator(f'input[name="halfdays"][value="{bit}"]').check()
    someone.click("Continuer")
    someone.click("Publier")
    assert "publiée jusqu’au" in someone.text


def answer(someone: Person, words: str, told: str) -> None:
    """Read the group from the list, and say so."""
    someone.go("/emplois-partages")
    someone.click("Luthier", role="link")
    someone.click(words)
    assert told in someone.text


def test_three_fractions_become_a_signed_contract_though_one_leaves(site: Site, person: Callable[..., Person]) -> None:
    open_accounts(site)
    people = {}
    for email, width in zip(EMPLOYERS, (1280, 360, 1280, 360), strict=True):
        people[email] = person(width)
        people[email].sign_in(email, PASSWORD)
    a, b, c, d = people.values()
    animator = person(360)
    animator.sign_in("animateur@demo.croisee.test")

    # three declarations add up to a week
    for email in list(EMPLOYERS)[:3]:
        declare(people[email], email)
    animator.go("/calculs")
    animator.click("Emplois partagés\u00a0: Orne", role="link")
    animator.click("Chercher de nouveau")
    card = animator.page.locator("article", has_text="Luthier, 1,00")
    card.wait_for(timeout=40_000)
    animator.look()
    assert "Fabrique Quatrevents" in card.inner_text()
    card.get_by_role("button", name="Proposer à ce groupe").click()
    animator.settle()
    assert "3\u00a0structures reçoivent" in animator.text

    # one says yes, one leaves: no name was told
    answer(a, "Intéressé", "Votre intérêt est noté")
    assert "Atelier Mirabeau" not in a.text

    # one says yes by its days: another half-day is possible too
    c.go("/emplois-partages")
    c.click("Luthier", role="link")
    c.page.locator("summary", has_text="Proposer d’autres jours").click()
    c.page.locator('input[name="halfdays"][value="0"]').check()
    c.click("Refaire la semaine")
    assert "la semaine du groupe les suit" in c.text
    answer(b, "Non merci", "Votre non est noté")

    # another employer came meanwhile: it is proposed first, and is the only one who is asked anew
    declare(d, "d@bois.test")
    animator.page.reload()
    animator.look()
    animator.click("Proposer à École Vieilleroche")
    assert "Seules les structures nouvelles sont interrogées" in animator.text
    answer(d, "Intéressé", "Tout le groupe est intéressé")
    assert "Fabrique Quatrevents" in d.text

    # the contract is signed
    animator.page.reload()
    animator.click("Le contrat est signé")
    assert "Contrat signé. 1,00" in animator.text
    animator.look()
    a.page.reload()
    a.look()
    assert "Contrat signé." in a.text

    # anyone may try the simulator
    guest = person(360)
    guest.go("/emplois-partages/simulateur")
    guest.page.get_by_label("Quel métier").fill("comptable")
    guest.page.get_by_label("Où travaillerait la personne").fill("Flers (61)")
    guest.page.get_by_label("Combien de demi-journées").fill("2")
    guest.click("Compter")
    assert "autour de Flers (61)" in guest.text
