"""The pages that explain, and the public counts."""

import re

import pytest

from matchmaker.models import Category, DeclineReason, Match, MatchStatus, ProposalStatus
from matchmaker.models.base import now
from matchmaker.web.observatory import shown
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, departement, proposals_of

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
UNDER_FIVE = "<\u00a05"


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
    assert "proposition envoyée" in page


def test_the_observatory_counts_with_denominators(client, session):
    match = MatchFactory(need=NeedFactory(category=Category.JOB), offer=OfferFactory(category=Category.JOB))
    asked, _other = proposals_of(match)
    asked.status, asked.decline_reason, asked.answered_at = ProposalStatus.DECLINED, DeclineReason.TOO_FAR, now()
    NeedFactory(draft=True)
    OrganisationFactory(at="Caen (14)")
    session.flush()

    page = client.get("/observatoire").text

    assert "1 oui ou non, sur 2\u00a0propositions envoyées" in page
    assert "1\u00a0besoin et 1\u00a0offre" in page
    assert "Part des 2\u00a0annonces" in page
    assert '<rect width="1" height="8" />' in page
    assert re.search(r"50 <small>%</small>", page)


def test_the_observatory_does_not_show_few_enough_to_be_recognised(client, session):
    for _number in range(3):
        MatchFactory(mutual=True)

    page = client.get("/observatoire").text

    assert session.query(Match).filter_by(status=MatchStatus.CONFIRMED).count() == 3
    mutual = re.findall(r'data-label="Oui des deux côtés">([^<]*(?:&lt;)?[^<]*)</td>', page)
    assert mutual.count("&lt;\u00a05") == 3  # the Orne, purchases, and the total
    assert "3" not in mutual
    assert '<dd class="figure">&lt;\u00a05</dd>' in page


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], []),
        ([0, 5, 1200], ["0", "5", "1\u00a0200"]),
        ([3], [UNDER_FIVE]),
        ([2, 3, 9], [UNDER_FIVE, UNDER_FIVE, "9"]),
        ([2, 9, 6, 0], [UNDER_FIVE, "9", "non montré", "0"]),
        ([1, 1, 8, 9], [UNDER_FIVE, UNDER_FIVE, "non montré", "9"]),
        ([4, 4, 8, 9], [UNDER_FIVE, UNDER_FIVE, "non montré", "9"]),
    ],
)
def test_a_hidden_count_cannot_be_found_by_subtracting_from_the_total(counts, expected):
    assert shown(counts) == expected
