"""A buyer looks for suppliers, keeps and prints; structures answer an open search together, on a phone and by keyboard."""

from collections.abc import Callable

from tests.browser.conftest import Person, Site

BUYER, MEMBER, HOST = "membre.entreprise@demo.croisee.test", "membre.ess@demo.croisee.test", "hote@demo.croisee.test"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_buyer_finds_keeps_notes_prints_and_takes_the_list_away(site: Site, person: Callable[..., Person]) -> None:
    buyer = person()
    buyer.sign_in(BUYER)
    buyer.click("Achats", role="link")
    buyer.page.get_by_label("Ce que vous cherchez").fill("buffet")
    buyer.page.get_by_label("Autour de").fill("Flers (61)")
    buyer.page.get_by_label("À combien de là").select_option("60")
    buyer.click("Chercher")
    assert "De la plus proche de Flers (61)" in plain(buyer.text)
    assert "@" not in buyer.text

    buyer.click("Garder Fourneau Trèflin")
    assert "C’est gardé." in plain(buyer.text)
    buyer.click("Voir la liste", role="link")
    entry = buyer.page.locator("li", has_text="Fourneau Trèflin").first
    entry.get_by_label("Votre note").fill("Goûter avant de choisir")
    entry.get_by_role("button", name="Enregistrer la note").click()
    buyer.settle()
    assert "La note est enregistrée." in buyer.text
    buyer.click("Retirer de la liste : Fourneau Trèflin".replace(" :", "\u00a0:"))
    buyer.click("Remettre Fourneau Trèflin")
    assert buyer.page.locator("li", has_text="Fourneau Trèflin").first.get_by_label("Votre note").input_value() == "Goûter avant de choisir"

    with buyer.page.expect_download() as csv:
        buyer.page.get_by_role("link", name="CSV").click()
    assert csv.value.suggested_filename == "liste-espaces-verts-du-depot.csv"
    buyer.click("Feuille à imprimer", role="link")
    buyer.page.emulate_media(media="print")
    assert "Goûter avant de choisir" in buyer.text
    assert not buyer.page.get_by_role("button", name="Imprimer").is_visible()


def test_anybody_reads_a_search_on_a_phone_and_its_buyer_reads_what_was_handed_in(site: Site, person: Callable[..., Person]) -> None:
    passer_by, buyer = person(360), person(360)
    passer_by.go("/achats")
    passer_by.click("Recherches ouvertes", role="link")
    passer_by.click("Entretien des abords de notre dépôt", role="link")
    assert "À pied sur trente mètres" in plain(passer_by.text)
    assert "Bâti Merisol" not in passer_by.text
    assert passer_by.page.get_by_role("link", name="Me connecter").first.is_visible()

    buyer.sign_in(BUYER)
    buyer.go("/achats/recherches")
    buyer.click("Entretien des abords de notre dépôt", role="link")
    assert "Bâti Merisol" in buyer.text
    buyer.click("Lire les réponses", role="link")
    assert "Douvelle et 1 autre structure" in plain(buyer.text)
    assert "mandataire, parle pour tous" in plain(buyer.text)


def test_two_structures_answer_together_one_of_them_by_keyboard(site: Site, person: Callable[..., Person]) -> None:
    host, member = person(), person(360)
    host.sign_in(HOST)
    host.go("/achats/recherches")
    host.click("Collecte et réemploi", role="link")
    host.click("Préparer une réponse")
    host.page.get_by_label("Quelle structure").fill("Tournebride")
    host.page.get_by_label("Ce qu’elle ferait").fill("Le tri des bureaux et des chaises")
    host.page.locator("#invite-share").fill("40")
    host.click("L’inviter")
    assert "C’est demandé." in plain(host.text)
    host.page.get_by_label("Ce que vous proposez").fill("Nous recevons, Tournebride trie.")
    host.page.get_by_label("Ce qu’elle fait", exact=True).first.fill("L’accueil et le transport")
    host.click("Enregistrer")
    assert "Tout le monde n’a pas encore dit oui." in plain(host.text)

    member.sign_in(MEMBER)
    member.go("/achats/reponses")
    assert "attendent votre réponse" in plain(member.text)
    member.page.get_by_role("link", name="Collecte et réemploi").first.focus()
    with member.page.expect_navigation():
        member.page.keyboard.press("Enter")
    member.look()
    assert "Le Palonnier vous propose de répondre ensemble" in plain(member.text)
    member.page.get_by_role("button", name="Oui, avec ces termes").focus()
    with member.page.expect_navigation():
        member.page.keyboard.press("Enter")
    member.look()
    assert "Votre oui est noté." in plain(member.text)

    host.page.reload()
    host.click("Remettre la réponse")
    assert "Votre réponse est remise" in plain(host.text)
    member.page.reload()
    member.look()
    assert "Votre réponse est remise" in plain(member.text)
