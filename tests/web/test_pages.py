"""The pages that explain, and the public counts."""

import re

import pytest

from tests.factories import departement

PAGES = (
    "/comment-ca-marche",
    "/aide",
    "/vos-donnees",
    "/accessibilite",
    "/mentions-legales",
    "/observatoire",
    "/annuaire",
    "/connexion",
    "/inscription",
    "/demo/courriels",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_public_page_has_one_title_and_nothing_that_the_policy_forbids(client, path):
    response = client.get(path)

    assert response.status_code == 200
    assert response.text.count("<h1") == 1
    assert re.search(r"<title>\S", response.text)
    assert " style=" not in response.text
    assert not re.search(r"<script(?! src=)|\son[a-z]+=|<style", response.text)
    assert not re.search(r'(src|action)="https?:', response.text)
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_a_public_page_is_written_in_french_typography(client, path):
    words = re.sub(r"<(script|style|pre|meta)\b[^>]*>.*?(</\1>|$)|<[^>]+>", "", client.get(path).text, flags=re.DOTALL)

    assert not re.search(r"\w [:;?!»%](?!\w)|« |\w'\w", words)


def test_help_names_the_contact_of_each_territory_that_has_one(client, session):
    assert "Pas encore de contact ici" in client.get("/aide").text
    orne = departement("61")
    orne.contact_name, orne.contact_email, orne.contact_phone = "Dominique Lenoir", "orne@croisee.test", "02 33 00 00 01"
    session.flush()

    page = client.get("/aide").text

    assert "Dominique Lenoir" in page
    assert 'href="mailto:orne@croisee.test"' in page
    assert 'href="tel:0233000001"' in page
    assert "Calvados" not in page


def test_the_legal_page_invents_no_publisher_and_says_where_the_source_is(client, monkeypatch):
    page = client.get("/mentions-legales").text
    assert "Cette installation n’a pas encore d’éditeur déclaré" in page
    assert "AGPL-3.0-or-later" in page
    assert "C’est une démonstration" in page

    monkeypatch.setitem(client.application.config, "DEMO", False)

    assert "démonstration" not in client.get("/mentions-legales").text


def test_an_observatory_of_nothing_is_a_page_too(client):
    page = client.get("/observatoire").text

    assert "Ce que la région cherche, et trouve" in page
    assert "Pas encore de relevé" in page
