"""A need is begun on a phone, and gone on with elsewhere."""

from collections.abc import Callable

from tests.browser.conftest import Person

TITLE = "Un atelier pour réparer nos vélos"


def next_question(someone: Person, words: str) -> None:
    someone.page.get_by_role("button", name="Question suivante").click()
    assert someone.page.evaluate("document.activeElement.textContent").strip().endswith(words)
    someone.look()


def test_a_need_is_begun_on_a_phone_and_published_from_another_device(person: Callable[..., Person]) -> None:
    phone = person(360)
    phone.sign_in("membre.entreprise@demo.croisee.test")
    phone.go("/besoins/nouveau/premises")
    assert "Question 1 sur 5" in phone.text
    assert "Question 2 sur 5" not in phone.text
    phone.page.get_by_label("Dites-le en une phrase").fill(TITLE)
    next_question(phone, "Combien, et à quel prix\u00a0?")
    phone.page.get_by_label("Surface").fill("80")
    phone.page.get_by_label("Surface").press("Enter")
    phone.page.get_by_text("Brouillon enregistré à").wait_for()
    next_question(phone, "Où, et jusqu’où\u00a0?")
    shown = phone.page.locator("aside")
    with phone.page.expect_response(lambda response: "/autour" in response.url):
        phone.page.get_by_label("100 km").check()
    phone.page.get_by_text("répondre à moins de 100 km").wait_for()
    assert "structure" in shown.inner_text()
    with phone.page.expect_response(lambda response: response.url.endswith("/brouillon")):
        phone.page.get_by_role("button", name="Question précédente").click()

    # another device: at the question where one was, with what was typed
    desk = person()
    desk.sign_in("membre.entreprise@demo.croisee.test")
    desk.go("/annonces")
    desk.click(TITLE, role="link")
    assert "Voici votre brouillon" in desk.text
    assert "Question 3 sur 5" in desk.text
    desk.click("Voir les cinq questions")
    assert desk.page.get_by_label("Surface").input_value() == "80"
    assert desk.page.get_by_label("100 km").is_checked()
    desk.click("Continuer")
    assert "Qui pourrait répondre" in desk.text
    desk.click("Publier")
    assert "publiée jusqu’au" in desk.text
    desk.go("/annonces")
    assert "Commencé, pas encore fini" not in desk.text
