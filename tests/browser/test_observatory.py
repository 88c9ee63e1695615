"""The observatory as the public and as an animator read it."""

from collections.abc import Callable

from tests.browser.conftest import Person


def test_a_figure_is_followed_from_the_region_to_the_answers_behind_it(person: Callable[..., Person]) -> None:
    public = person(360)
    public.site.flask("snapshot")
    public.go("/observatoire")
    public.click("Voir les 24 indicateurs, territoire par territoire", role="link")
    assert "Les nombres de 1 à 4 ne sont pas publiés" in public.text
    public.click("Besoins publiés", role="link")
    assert public.page.locator("figure svg.lc-map[role=img]").count() == 1
    public.go("/observatoire/indicateurs?territoire=nulle-part")
    assert "Ce territoire n’est pas dans l’observatoire" in public.text
    public.go("/donnees")
    with public.page.expect_download() as download:
        public.page.get_by_role("link", name="Télécharger indicateurs.csv").click()
    assert download.value.suggested_filename == "indicateurs.csv"

    animator = person()
    animator.sign_in("animateur@demo.croisee.test")
    animator.go("/observatoire/indicateurs?territoire=departement-61")
    animator.click("Oui des deux côtés", role="link")
    animator.click("Voir les lignes comptées", role="link")
    assert "dans le chiffre" in animator.text
    animator.go("/observatoire/impact?territoire=departement-61")
    assert "coopération" in animator.text
