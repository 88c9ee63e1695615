"""What is kept on a person: read, taken away and erased on a small screen; and the log in which the administration finds it."""

import io
import time
import zipfile
from pathlib import Path

from tests.browser.conftest import Person, Site

EMAIL = "membre.ess@demo.croisee.test"


def wait_for_the_file(person: Person) -> None:
    for _try in range(60):
        person.go("/compte/donnees")
        if "Télécharger mes données" in person.text:
            return
        time.sleep(1)
    raise AssertionError("no worker wrote the file")


def test_a_person_reads_takes_away_and_erases_what_is_kept(site: Site, person) -> None:  # type: ignore[no-untyped-def]
    mireille: Person = person(360)
    mireille.sign_in(EMAIL)
    mireille.go("/compte")
    mireille.click("Voir mes données", role="link")
    mireille.click("Je les accepte")
    assert "Les textes que vous avez acceptés" in mireille.text
    assert "Vous êtes la seule personne qui parle pour" in mireille.text
    mireille.page.get_by_text("Votre compte (1)").click()
    assert EMAIL in mireille.text
    mireille.look()

    mireille.click("Préparer le fichier")
    wait_for_the_file(mireille)
    with mireille.page.expect_download() as taken:
        mireille.page.get_by_role("link", name="Télécharger mes données").click()
    with zipfile.ZipFile(io.BytesIO(Path(taken.value.path()).read_bytes())) as file:
        assert EMAIL in file.read("donnees.json").decode()

    mireille.click("Effacer mon compte dans sept jours")
    assert "Votre compte sera effacé le" in mireille.text
    mireille.click("Garder mon compte")
    assert "Votre compte reste" in mireille.text

    for path in ("/conditions", "/vos-donnees", "/mentions-legales", "/accessibilite"):
        mireille.go(path)

    for width in (1280, 360):
        admin: Person = person(width)
        admin.sign_in("admin@demo.croisee.test")
        admin.go("/journal")
        assert "effacement annulé" in admin.text
        admin.go("/journal?acte=erasure_asked")
        assert "effacement demandé" in admin.text
