"""The directory as it is asked for: addresses, filters, counts, the map's data, and whatever else stands in an address."""

import re

import pytest

from matchmaker.models import Category, Family
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, commune
from tests.pages import words


def asked(client, **query):
    return client.get("/annuaire", query_string=query)


def test_a_search_has_an_address_and_each_filter_a_way_out(client):
    OrganisationFactory(name="Tournebride", at="Flers (61)")
    OrganisationFactory(name="Menuiserie Lierre", at="Flers (61)", family=Family.COOPERATIVE)

    page = asked(client, q="menuiserie", ou="flers", rayon="20", famille=["cooperative", "nothing"], tri="nom").text

    assert "<strong>1\u00a0structure</strong> à moins de 20\u00a0km de Flers" in page
    assert "Menuiserie Lierre" in page
    assert "Tournebride" not in page
    chips = dict(re.findall(r'<li>\s*<a href="([^"]+)">([^<]+?) <svg', page, re.DOTALL))
    assert chips == {
        "/annuaire?ou=Flers+(61)&amp;rayon=20&amp;famille=cooperative&amp;tri=nom": "«\u00a0menuiserie\u00a0»",
        "/annuaire?q=menuiserie&amp;famille=cooperative&amp;tri=nom": "à moins de 20\u00a0km de Flers",
        "/annuaire?q=menuiserie&amp;ou=Flers+(61)&amp;rayon=20&amp;tri=nom": "coopérative",
    }


def test_the_page_counts_each_choice_and_each_kind(client):
    house = OrganisationFactory(name="Tournebride", is_third_place=True)
    OrganisationFactory(family=Family.COMPANY)
    NeedFactory(organisation=house, category=Category.PREMISES)
    OfferFactory(organisation=house, category=Category.MATERIAL)

    page = words(asked(client).text)

    assert "Structures (2) Besoins (1) Offres (1)" in page
    for counted in ("Association (1)", "Entreprise (1)", "Locaux (1)", "Matériel et réemploi (1)", "Tiers-lieu (1)", "Orne (2)"):
        assert counted in page
    assert "Fondation" not in page
    assert "Cherche : Traiteur zéro déchet pour un séminaire" in page


def test_filters_are_folded_behind_how_many_there_are(client):
    OrganisationFactory(at="Flers (61)")

    assert "<summary>Filtrer</summary>" in asked(client, q="atelier", ou="Flers (61)", rayon="30", tri="nom").text
    assert "<summary>Filtrer (3)</summary>" in asked(client, departement="61", famille=["association", "cooperative"], voir="structures").text
    assert "<summary>Filtrer (2)</summary>" in client.get("/achats?cadre=clause&secteur=restauration&q=pain").text
    assert '<details class="lc-fold" open>' in client.get("/achats?commune=Atlantide").text


def test_the_map_names_the_commune_around_which_one_looks(client):
    OrganisationFactory(at="Flers (61)")

    page = asked(client, ou="Flers (61)").text

    assert re.search(r"<text [^>]*>Flers</text>", page)
    assert ">Flers</text>" not in asked(client).text


def test_needs_and_offers_have_their_own_lists(client):
    need = NeedFactory(title="Un local de plain-pied", organisation=OrganisationFactory(name="Tournebride"))
    OfferFactory(title="Une salle claire")

    page = asked(client, voir="besoins").text

    assert f'href="/structures/{need.organisation_id}#annonce-{need.id}">Un local de plain-pied</a>' in page
    assert "Une salle claire" not in page
    assert '<input type="hidden" name="voir" value="besoins">' in page
    assert "Une salle claire" in asked(client, voir="offres").text
    assert "<strong>2\u00a0structures</strong>" in asked(client, voir="tout").text


def test_distances_are_from_commune_to_commune(client):
    OrganisationFactory(name="Ici", at="Flers (61)", latitude=48.9, longitude=-0.9)
    OrganisationFactory(name="Plus loin", commune=commune("Domfront en Poiraie (61)"))

    page = words(asked(client, ou="61100", rayon="30").text)

    assert "Flers (61), sur place" in page
    assert re.search(r"Domfront en Poiraie \(61\), à \d+\skm", page)
    assert page.index("Ici") < page.index("Plus loin")


def test_a_slip_is_said_and_what_was_meant_is_shown(client):
    OrganisationFactory(name="Menuiserie du Bocage")

    page = words(asked(client, q="menuizerie").text)

    assert "Rien pour « menuizerie ». Voici ce qui répond à « menuiserie »." in page
    assert "Menuiserie du Bocage" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"ou": "Vire", "rayon": "10"}, "à moins de 10\u00a0km de Vire Normandie"),
        ({"ou": "Lyon"}, "à moins de 30\u00a0km de Lyon"),
        ({"ou": "Alencon", "rayon": "10"}, "à moins de 10\u00a0km d’Alençon"),
        ({"ou": "Flerz"}, "Nous ne connaissons pas la commune «\u00a0Flerz\u00a0»\u00a0: nous avons compris Flers (61)."),
        ({"ou": "Nulle-Part-les-Bains"}, "Nous ne connaissons pas la commune «\u00a0Nulle-Part-les-Bains\u00a0»"),
        ({"ou": "Flers (61)", "rayon": "1000000"}, "Nous cherchons au plus à 200\u00a0km"),
        ({"ou": "Flers (61)", "rayon": "9" * 5000}, "Nous cherchons au plus à 200\u00a0km"),
        ({"ou": "Flers (61)", "rayon": "-3"}, "Le rayon est un nombre de kilomètres\u00a0: nous avons pris 30\u00a0km"),
        ({"ou": "Flers (61)", "rayon": "deux"}, "Le rayon est un nombre de kilomètres"),
        ({"ou": "Flers (61)", "rayon": "0"}, "à Flers même"),
        ({"ou": "Saint-Pierre"}, "Plusieurs communes correspondent. Nous avons compris Saint-Pierre"),
        ({"q": "e\u0301te\u0301 " * 2500}, "nous n’avons pris que les premiers mots"),
        ({"q": "a" * 10_000}, "nous n’avons pris que les premiers mots"),
        ({"page": str(10**9)}, "La liste s’arrête avant cette page"),
        ({"page": "9" * 5000}, "structure"),
        ({"q": 'ÉTÉ’"«»'}, "Rien ne répond à cette recherche"),
        ({"q": "' OR 1=1 --"}, "Rien ne répond"),
        ({"q": "a & b | !c:*"}, "Rien ne répond"),
        ({"departement": "99999999999", "epci": "' OR", "famille": "\x00", "theme": "{{7*7}}", "tri": "x", "voir": "<b>"}, "Structures (1)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_whatever_is_asked_is_answered_in_plain_words(client, query, said):
    OrganisationFactory(name="Tournebride", at="Flers (61)")

    response = asked(client, **query)

    assert response.status_code == 200
    assert said.replace("\u00a0", " ") in words(response.text)
    for path in ("/annuaire/points", "/annuaire/communes/61169"):
        assert client.get(path, query_string=query).status_code == 200


def test_the_map_counts_by_commune_and_places_nobody_closer(client):
    OrganisationFactory(name="Un", at="Flers (61)", latitude=48.70, longitude=-0.50)
    OrganisationFactory(name="Deux", at="Flers (61)")
    OrganisationFactory(name="Trois", at="Caen (14)")
    OrganisationFactory(name="Dehors", commune=commune("Lille (59)"), territory=None)

    told = client.get("/annuaire/points").json
    page = asked(client).text

    assert [(code, name, count) for code, name, _x, _y, count in told["points"]] == [("14118", "Caen", 1), ("61169", "Flers", 2)]
    assert told["noun"] == ["structure", "structures"]
    assert page.count('<circle class="pin-dark" data-pin') == 2
    assert "1\u00a0structure hors de la carte" in page


def test_many_communes_are_one_circle_for_each_epci_where_no_script_clusters_them(client, session):
    from sqlalchemy import select

    from matchmaker.models import Commune

    for place in session.scalars(select(Commune).where(Commune.departement_code == "61").order_by(Commune.code).limit(80)):
        OrganisationFactory(commune=place)

    page = asked(client).text

    assert len(client.get("/annuaire/points").json["points"]) == 80
    assert 5 <= page.count('<circle class="pin-dark" data-pin') <= 25
    assert sum(int(count) for count in re.findall(r"data-pin x=[^>]+>(\d+)<", page)) == 80


def test_the_window_of_a_commune_names_what_answers_there(client):
    for number in range(10):
        OrganisationFactory(name=f"Atelier {number}", at="Flers (61)")
    OrganisationFactory(name="Atelier de Caen", at="Caen (14)")

    window = client.get("/annuaire/communes/61169", query_string={"q": "atelier", "departement": "61"}).text

    assert "10\u00a0structures" in window
    assert window.count("<li>") == 8
    assert 'href="/annuaire?q=atelier&amp;ou=Flers+(61)&amp;rayon=0">Voir la liste entière' in window
    assert "Caen" not in window
    assert client.get("/annuaire/communes/99999").status_code == 404


@pytest.mark.parametrize("kind", ["structures", "besoins"])
def test_the_page_takes_as_many_statements_for_a_full_page_as_for_one(client, queries, kind):
    def statements() -> int:
        queries.clear()
        assert asked(client, voir=kind, ou="Flers (61)").status_code == 200
        return len(queries)

    NeedFactory(organisation=OrganisationFactory())
    asked(client)
    for_one = statements()
    for _ in range(30):
        NeedFactory(organisation=OrganisationFactory())

    assert statements() == for_one


def test_a_page_without_answers_has_no_map_and_says_what_to_do(client):
    page = asked(client, voir="besoins").text

    assert "Aucune annonce publiée pour le moment" in page
    assert "data-directory-map" not in page
