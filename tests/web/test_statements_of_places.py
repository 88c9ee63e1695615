"""The directory, purchasing, the territories and their third places: a page asks the database as often for a thousand rows as for ten."""

from datetime import timedelta

from flask.testing import FlaskClient

from matchmaker.extensions import db
from matchmaker.models import CommunityMember, GroupAnswer, GroupMember, JobDatingStatus, Organisation, Room, SupplierSearch, Table, Venue
from matchmaker.models.base import now
from tests.factories import JobDatingFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, commune, departement

FEW, MANY = 10, 1000
OPEN = (
    "/annuaire",
    "/annuaire?q=traiteur&ou=Flers+(61)&rayon=30",
    "/annuaire?voir=besoins&departement=61",
    "/annuaire?voir=offres&tri=nouveautes",
    "/annuaire/points",
    "/annuaire/communes/61169",
    "/achats",
    "/achats?commune=Flers+(61)&secteur=restauration&q=traiteur",
    "/achats/recherches",
    "/territoires",
    "/territoires/region-28",
    "/territoires/departement-61",
    "/tiers-lieux",
)


def fill(number: int, whose: Organisation) -> None:
    """So many structures with an offer, a room and a date, that follow the Orne; and as many needs of one of them, all open to answers."""
    place = {"commune": commune(), "territory": departement()}
    for _ in range(number):
        one = OrganisationFactory.build(**place, is_third_place=True)
        venue = Venue(organisation=one, **place, name="Le Palonnier", authorised_headcount=49)
        venue.rooms = [Room(name="Grande salle", tables=[Table(number=1, venue=venue)])]
        search = SupplierSearch(need=NeedFactory.build(organisation=whose, **place, themes=["eau"]), closes_at=now() + timedelta(days=9))
        answer = GroupAnswer(search=search, lead=whose, members=[GroupMember(organisation=whose, share=100)])
        offer = OfferFactory.build(organisation=one, **place, details={"sector": "restauration"})
        date = JobDatingFactory.build(venue=venue, status=JobDatingStatus.PUBLISHED, published_at=now())
        db.session.add_all([one, venue, answer, offer, date, CommunityMember(territory=place["territory"], organisation=one)])
    db.session.commit()


def test_a_thousand_rows_take_as_many_statements_as_ten(client: FlaskClient, queries: list[str]) -> None:
    whose = OrganisationFactory(name="Tournebride", is_third_place=True)
    member, animator = UserFactory(organisation=whose), UserFactory(animator=True)
    own = (f"/structures/{whose.id}", f"/tiers-lieux/{whose.id}", f"/territoires/epci-{whose.commune.epci_code}")
    db.session.commit()

    def statements() -> dict[str, int]:
        found = {}
        for user, paths in ((member, (*OPEN, *own, "/achats/reponses", "/temoignages")), (animator, ("/tiers-lieux/ou-aller",))):
            client.sign_in(user)
            for path in paths:
                db.session.expire_all()
                queries.clear()
                assert client.get(path).status_code == 200, path
                found[path] = len(queries)
        return found

    fill(FEW, whose)
    few = statements()
    fill(MANY - FEW, whose)

    assert statements() == few
