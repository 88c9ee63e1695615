"""The life of a territory in front of a browser: following it, its news, its white zones, its third places, its nursery."""

from collections.abc import Callable

from tests.browser.conftest import Person, Site
from tests.browser.test_after_two_yes import link_in_mails


def test_a_structure_follows_a_territory_whose_animator_writes_and_tells_what_it_found(person: Callable[..., Person]) -> None:
    member = person(360)
    member.go("/territoires")
    member.click("Orne", role="link")
    assert "besoins cherchent une réponse" in member.text
    member.sign_in("membre.entreprise@demo.croisee.test")
    member.go("/territoires/departement-61")
    if "Ne plus suivre" in member.text:
        member.click("Ne plus suivre ce territoire")
    member.click("Suivre ce territoire")
    assert "Vous suivez ce territoire" in member.text
    member.click("Écrire un témoignage", role="link")
    member.page.get_by_label("Ce que cela a donné").fill("Un camion qui roulait à vide sert deux structures.")
    member.click("Confier ce témoignage")
    assert "Sans cet accord" in member.text
    member.page.get_by_label("J’accepte").check()
    member.click("Confier ce témoignage")
    assert "l’animation le lit" in member.text

    animator = person()
    animator.sign_in("animateur@demo.croisee.test")
    animator.go("/territoires/departement-61")
    animator.click("Publier le témoignage")
    animator.click("Écrire une nouvelle", role="link")
    animator.page.get_by_label("Titre").fill("Une salle de plus")
    animator.page.get_by_label("La nouvelle").fill("Dix tables, à Argentan.")
    animator.click("Publier cette nouvelle")
    member.go("/territoires/departement-61")
    assert "Dix tables, à Argentan." in member.text
    assert "Un camion qui roulait à vide" in member.text
    member.go("/temoignages")
    member.click("Reprendre ces mots")
    member.go("/territoires/departement-61")
    assert "Un camion qui roulait à vide" not in member.text


def test_an_animator_goes_from_what_is_missing_to_where_to_meet(person: Callable[..., Person]) -> None:
    public = person(360)
    public.go("/zones-blanches")
    for area in ("Lyons Andelle", "Normandie Sud Eure"):
        assert area in public.text
    public.go("/tiers-lieux")
    public.click("Le Palonnier", role="link")
    assert "Comment venir" in public.text

    animator = person()
    animator.sign_in("animateur@demo.croisee.test")
    animator.go("/zones-blanches?territoire=departement-27")
    animator.click("Préparer un job dating pour", role="link")
    assert "Titre" in animator.text
    animator.go("/zones-blanches?territoire=departement-27")
    animator.click("Interco Normandie Sud Eure", role="link")
    assert "Ce qui manque" in animator.text
    animator.page.locator("details summary").first.click()
    assert animator.page.locator("svg.lc-spark").first.is_visible()
    animator.look()
    animator.go("/tiers-lieux/ou-aller")
    assert "sans oui" in animator.text


def test_an_animator_invites_a_member_of_a_group_by_keyboard_who_answers_from_the_mail(person: Callable[..., Person], site: Site) -> None:
    animator = person()
    animator.sign_in("animateur@demo.croisee.test")
    animator.go("/pepiniere?territoire=departement-76")
    animator.page.get_by_role("link", name="Groupe").first.click()
    # One drawing for screens, one for telephones.
    assert [drawing.is_visible() for drawing in animator.page.locator("svg.lc-graph[role=img]").all()] == [True, False]
    animator.page.locator("input[name=members]").first.focus()
    animator.page.keyboard.press("Space")
    animator.page.get_by_label("Votre message").fill("On en parle jeudi ?")
    animator.page.get_by_role("button", name="Inviter les structures cochées").focus()
    with animator.page.expect_navigation():
        animator.page.keyboard.press("Enter")
    animator.look()
    assert "1 structure est invitée" in animator.text.replace("\u00a0", " ")
    assert "invitée le" in animator.text

    invited = person(360)
    invited.go(link_in_mails(site, r"(/pepiniere/reponses/[\w.\-]+\?reponse=oui)"))
    assert "On en parle jeudi" in invited.text
    invited.look()
    invited.click("Envoyer ma réponse")
    assert "Votre réponse est notée" in invited.text
    invited.look()
    animator.page.reload()
    assert "intéressée, par son lien" in animator.text
