"""The page of a territory: for anybody, for a structure that follows it, for who looks after it."""

import re

import pytest

from matchmaker.extensions import db
from matchmaker.models import CommunityMember, JobDatingStatus, News, Status, Story, StoryStatus, Theme
from matchmaker.models.base import now
from matchmaker.services import communities
from tests.factories import JobDatingFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, commune, departement, given_story, news, venue
from tests.pages import words

ORNE = "/territoires/departement-61"


def test_an_empty_territory_says_what_would_fill_it(client):
    page = words(client.get(ORNE).text)

    assert "Orne : aucun besoin publié en ce moment" in page
    for told in ("Pas encore de nouvelle", "Aucun job dating n’est annoncé ici", "Aucun tiers-lieu", "Pas encore de témoignage", "Personne ne suit encore"):
        assert told in page


def test_what_is_not_here_is_told_with_the_nearest_that_there_is(client):
    caen = OrganisationFactory(name="La Halle", at="Caen (14)", is_third_place=True)
    JobDatingFactory(venue=venue(caen), title="Job dating de Caen", status=JobDatingStatus.PUBLISHED, published_at=now())
    OrganisationFactory(name="Le Quai", at="Rouen (76)", is_third_place=True)

    page = words(client.get(ORNE).text)

    assert re.search(r"Le plus proche est à Caen \(\d\d km\), le .* : Job dating de Caen", page)
    assert re.search(r"Le plus proche est La Halle ?, à Caen \(\d\d km\)", page)
    assert "visibles de tout le monde" not in page


def test_themes_beyond_the_first_are_folded(client):
    NeedFactory(title="Un atelier", themes=[theme.value for theme in list(Theme)[2:11]])

    page = words(client.get(ORNE).text)

    assert "Voir 4 autres thèmes" in page
    assert page.count("Un atelier") == 9


def test_all_levels_have_their_page_and_nothing_else(client):
    for code in ("region-28", "departement-61", f"epci-{commune().epci_code}"):
        assert client.get(f"/territoires/{code}").status_code == 200, code
    for code in ("departement-99", "departement-28", "pays-61", "61", "departement-", "-", "epci-" + "9" * 400, "a" * 3000):
        assert client.get(f"/territoires/{code}").status_code == 404, code
    assert client.get(f"{ORNE}?membres=1000000000&nouvelles=-4").status_code == 200
    assert client.get(f"{ORNE}?membres=abc&nouvelles={'9' * 5000}").status_code == 200
    page = words(client.get("/territoires").text)
    assert "5 territoires ont leur page" in page
    assert "Flers" in page


def test_needs_are_told_by_theme_the_territorys_own_first_and_never_in_confidence(client):
    NeedFactory(title="Un atelier", themes=["eau"])
    NeedFactory(title="Deux camions", themes=["eau", "cooperation"])
    NeedFactory(title="Rien de dit")
    NeedFactory(title="À Caen", at="Caen (14)", themes=["eau"])
    NeedFactory(title="Encore un brouillon", draft=True, themes=["eau"])
    NeedFactory(title="Une succession", category="succession", is_confidential=True, themes=["eau"])
    NeedFactory(title="En pause", status=Status.PAUSED, themes=["eau"])
    OfferFactory()

    page = words(client.get(ORNE).text)

    assert "Orne : 3 besoins cherchent une réponse" in page
    assert page.index("Coopération entre acteurs") < page.index("Eau")
    for hidden in ("À Caen", "Encore un brouillon", "Une succession", "En pause"):
        assert hidden not in page
    assert "1 besoin n’en nomme aucun" in page
    assert "À Caen" in words(client.get("/territoires/region-28").text)


def test_a_page_takes_as_many_queries_for_many_rows_as_for_few(client, queries):
    def fill(number: int) -> None:
        for _ in range(number):
            NeedFactory(themes=["eau", "habitat"])
            communities.join(departement(), OrganisationFactory(is_third_place=True))
            news()
            given_story(status=StoryStatus.PUBLISHED)
            JobDatingFactory(venue=venue(), status=JobDatingStatus.PUBLISHED, published_at=now())
        db.session.commit()
        db.session.expire_all()
        queries.clear()
        assert client.get(ORNE).status_code == 200

    fill(1)
    few = len(queries)
    fill(5)
    assert len(queries) == few


def test_the_contact_of_the_departement_answers_for_an_epci_that_has_none(client):
    departement().contact_name, departement().contact_email = "Animation de l’Orne", "orne@croisee.test"
    db.session.commit()

    page = client.get(f"/territoires/epci-{commune().epci_code}").text

    assert "Animation de l’Orne" in page
    assert "mailto:orne@croisee.test" in page
    assert "pour : Orne" in words(page)


def test_a_structure_follows_and_leaves(client):
    user = UserFactory()
    client.sign_in(user)
    assert "Suivre ce territoire" in client.get(ORNE).text

    client.post("/territoires/communaute", data={"territoire": "departement-61"})
    client.post("/territoires/communaute", data={"territoire": "departement-61"})

    page = client.get(ORNE).text
    assert "Ne plus suivre ce territoire" in page
    assert "1 structure suit ce territoire" in words(page)
    assert db.session.query(CommunityMember).count() == 1
    assert "suit 1 territoire" in words(client.get("/temoignages").text)
    client.post("/territoires/communaute/depart", data={"territoire": "departement-61"})
    assert db.session.query(CommunityMember).count() == 0
    for wrong in ({}, {"territoire": "lune-1"}, {"territoire": "departement-" + "9" * 99}):
        assert client.post("/territoires/communaute", data=wrong).status_code == 422


def test_an_animator_writes_corrects_and_removes_a_news_as_plain_text(client):
    client.sign_in(UserFactory(animator=True))
    path = f"/territoires/{departement().id}/nouvelles/nouvelle"
    assert client.post(path, data={"title": "", "text": "x" * 2001}).status_code == 422

    client.post(path, data={"title": "Un <b>lieu</b>", "text": "Trois salles.\n\nhttps://ailleurs.test"})

    page = client.get(ORNE).text
    assert "Un &lt;b&gt;lieu&lt;/b&gt;" in page
    assert 'href="https://ailleurs.test"' not in page
    one = db.session.query(News).one()
    client.post(f"/nouvelles/{one.id}/modifier", data={"title": "Un lieu", "text": "Deux salles."})
    assert "Deux salles." in client.get(ORNE).text
    client.post(f"/nouvelles/{one.id}/retrait")
    assert db.session.query(News).count() == 0


@pytest.mark.parametrize("path", ["/territoires/{territory}/nouvelles/nouvelle", "/nouvelles/{news}/modifier"])
def test_who_looks_after_another_territory_writes_nothing_here(client, path):
    one = news()
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))

    assert client.get(path.format(territory=departement().id, news=one.id)).status_code == 404
    assert "Écrire une nouvelle" not in client.get(ORNE).text


def test_a_story_needs_consent_waits_for_an_animator_and_is_taken_back(client):
    user = UserFactory()
    client.sign_in(user)
    typed = {"territory": "departement-61", "text": "Un atelier trouvé.", "signature": "Camille"}
    refused = client.post("/temoignages/nouveau", data=typed)
    assert refused.status_code == 422
    assert "Sans cet accord" in refused.text
    assert client.post("/temoignages/nouveau", data=typed | {"consent": "y", "territory": "departement-76"}).status_code == 422

    client.post("/temoignages/nouveau", data=typed | {"consent": "y"})
    assert "Un atelier trouvé." not in client.get(ORNE).text
    assert "l’animation le lit" in client.get("/temoignages").text
    one = db.session.query(Story).one()

    client.sign_in(UserFactory(animator=True))
    assert "À lire avant de publier" in client.get(ORNE).text
    client.post(f"/temoignages/{one.id}/decision", data={"publier": "1"})
    assert "Camille" in client.get(ORNE).text

    client.sign_in(user)
    client.post(f"/temoignages/{one.id}/retrait")
    assert "Un atelier trouvé." not in client.get(ORNE).text
    assert db.session.query(Story.text).scalar() == ""
    assert client.post(f"/temoignages/{one.id}/retrait").status_code == 404


def test_words_taken_back_meanwhile_are_not_published(client):
    one = given_story(status=StoryStatus.DECLINED)
    given_story(one.organisation)
    client.sign_in(UserFactory(animator=True))

    client.post(f"/temoignages/{one.id}/decision", data={"publier": "1"})

    assert "Rien n’a changé." in client.get(ORNE).text
    db.session.expire_all()
    assert db.session.get(Story, one.id).status is StoryStatus.DECLINED
