"""The network of third places: the map and the list, one's page, and which is best placed next."""

from datetime import timedelta

from matchmaker.extensions import db
from matchmaker.models import JobDatingStatus, Meeting
from matchmaker.models.base import now
from matchmaker.services import third_places
from tests.factories import JobDatingFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement, mutual_match, venue
from tests.pages import words


def published(place, *, days: int, meetings: int = 0):
    """A job dating so many days from now, with meetings in round after round at the first table."""
    starts_at = now() + timedelta(days=days)
    dating = JobDatingFactory(venue=place, status=JobDatingStatus.PUBLISHED, published_at=now(), starts_at=starts_at)
    for number in range(meetings):
        dating.meetings.append(Meeting(match=mutual_match(), round=number // 2, table=place.tables[number % 2]))
    db.session.commit()
    return dating


def test_no_third_place_yet(client):
    page = client.get("/tiers-lieux?territoire=departement-61")

    assert "Aucun tiers-lieu n’est inscrit ici" in page.text
    assert client.get("/tiers-lieux?territoire=lune-1").status_code == 404
    assert client.get("/tiers-lieux?territoire=" + "9" * 3000).status_code == 404


def test_the_list_says_what_was_held_how_full_it_was_and_what_comes_next(client):
    place = venue(OrganisationFactory(name="Le Palonnier"), tables=4)
    published(place, days=-40, meetings=6)
    coming = published(place, days=20)
    venue(OrganisationFactory(name="La Criée", at="Dieppe (76)"))
    db.session.commit()

    page = client.get("/tiers-lieux").text

    # Six meetings in three rounds of four tables.
    assert "50 %" in words(page)
    assert f"/job-datings/{coming.id}" in page
    assert "pas encore de date" in page
    assert "lc-map" in page
    assert "La Criée" not in client.get("/tiers-lieux?territoire=departement-61").text


def test_a_long_list_has_pages_and_an_end(client):
    for number in range(41):
        OrganisationFactory(name=f"Lieu {number:02}", is_third_place=True)

    first, second, far = (words(client.get(f"/tiers-lieux?page={page}").text) for page in (1, 2, 10**9))

    assert "41 tiers-lieux" in first
    assert "Lieu 39" in first
    assert "Lieu 40" not in first
    assert "Lieu 40" in second
    assert "La liste s’arrête avant cette page" in far


def test_few_meetings_are_not_published(client):
    place = venue(OrganisationFactory(name="Le Palonnier"))
    published(place, days=-40, meetings=3)

    assert "non publié" in client.get("/tiers-lieux").text


def test_one_has_its_page_and_another_structure_has_none(client):
    place = venue(OrganisationFactory(name="Le Palonnier", description="Une filature."))
    published(place, days=-40)
    OfferFactory(organisation=place.organisation, title="Une salle à la journée")
    db.session.commit()

    page = client.get(f"/tiers-lieux/{place.organisation_id}").text

    for told in ("Une filature.", "Une salle à la journée", "Ceux qui ont eu lieu", "Pas encore de date"):
        assert told in page
    assert client.get(f"/tiers-lieux/{OrganisationFactory().id}").status_code == 404


def test_the_list_takes_as_many_queries_for_many_as_for_few(client, queries):
    def count() -> int:
        db.session.expire_all()
        queries.clear()
        client.get("/tiers-lieux")
        return len(queries)

    published(venue(), days=-9, meetings=2)
    few = count()
    for _ in range(4):
        published(venue(), days=-9, meetings=2)
    assert count() == few


def test_the_best_place_reaches_most_needs_that_nobody_reaches_yet(app):
    """Three needs around Flers, one of them also near Argentan's venue; two needs near Alençon; one at Dieppe, out of reach."""
    flers, alencon = venue(OrganisationFactory(name="Flers")), venue(OrganisationFactory(name="Alençon", at="Alençon (61)"))
    flers.name, alencon.name = "A Flers", "B Alençon"
    one = NeedFactory()
    NeedFactory(organisation=one.organisation)
    NeedFactory(at="Domfront en Poiraie (61)")
    NeedFactory(at="Alençon (61)")
    NeedFactory(at="Alençon (61)")
    NeedFactory(at="Dieppe (76)")
    mutual_match()
    OfferFactory()
    db.session.flush()

    found = third_places.best_placed([departement()])

    assert [(row.venue.name, row.needs, row.new, row.organisations) for row in found] == [("A Flers", 3, 3, 2), ("B Alençon", 2, 2, 2)]
    assert found[0].offers == 2

    JobDatingFactory(venue=alencon, status=JobDatingStatus.PUBLISHED, published_at=now())
    assert [row.venue.name for row in third_places.best_placed([departement()])] == ["A Flers"]


def test_only_who_looks_after_territories_reads_where_to_go(client):
    venue()
    NeedFactory()
    db.session.commit()
    client.sign_in(UserFactory(host=True))
    assert client.get("/tiers-lieux/ou-aller").status_code == 403
    client.sign_in(UserFactory(animator=True))
    assert "Le Palonnier atteint 1 besoin sans oui" in words(client.get("/tiers-lieux/ou-aller").text)
    client.sign_in(UserFactory(animator=True, territories=[departement("76")]))
    assert "Rien à proposer pour l’instant" in client.get("/tiers-lieux/ou-aller").text
