"""Looking for suppliers, and keeping them: the same facts of each, in an order that nobody can buy."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from matchmaker.models import Category, Family, Frame, InclusionKind, Organisation, Sector, Shortlist
from matchmaker.models.base import today
from matchmaker.services import purchasing, purchasing_shortlists
from matchmaker.services.purchasing import Wanted
from matchmaker.services.purchasing_shortlists import NameTaken, TooMany
from tests.factories import OfferFactory, OrganisationFactory, UserFactory, commune, departement, kept, mutual_match


def names(wanted: Wanted, **arguments: object) -> list[str]:
    return [one.organisation.name for one in purchasing.suppliers(wanted, day=today(), **arguments).suppliers]


def supplier(name: str, kind: InclusionKind | None = None, *, family: Family = Family.ASSOCIATION, at: str = "Flers (61)", **offer: object) -> Organisation:
    organisation = OrganisationFactory(name=name, inclusion_kind=kind, family=family, at=at)
    OfferFactory(organisation=organisation, at=at, **offer)
    return organisation


def test_only_structures_of_the_ess_of_insertion_or_of_disability_are_found_and_only_what_is_public(session) -> None:
    supplier("Association")
    supplier("Entreprise d’insertion", InclusionKind.EI, family=Family.COMPANY)
    supplier("Entreprise", family=Family.COMPANY)
    supplier("Brouillon", draft=True)
    supplier("Autre catégorie", category=Category.MATERIAL)

    assert sorted(names(Wanted())) == ["Association", "Entreprise d’insertion"]


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (Frame.OPEN, {"EI", "EITI", "EA", "ESAT", "GEIQ", "sans"}),
        (Frame.CLAUSE, {"EI", "EA", "ESAT", "GEIQ"}),
        (Frame.RESERVED_DISABILITY, {"EA", "ESAT"}),
        (Frame.RESERVED_INSERTION, {"EI"}),
        (Frame.RESERVED_BOTH, {"EI", "EA", "ESAT"}),
        (Frame.RESERVED_ESS, {"sans"}),
    ],
)
def test_each_frame_lets_in_the_kinds_of_its_article(session, frame: Frame, found: set[str]) -> None:
    for kind in ("EI", "EITI", "EA", "ESAT", "GEIQ"):
        supplier(kind, InclusionKind(kind), family=Family.COMPANY)
    supplier("sans")

    assert set(names(Wanted(frame=frame))) == found


def test_a_sector_keeps_who_told_it_and_counts_who_told_none(session) -> None:
    supplier("Verts", details={"sector": "espaces_verts"})
    supplier("Traiteur", details={"sector": "restauration"})
    supplier("Muette")

    result = purchasing.suppliers(Wanted(sector=Sector.GREEN), day=today())

    assert ([one.organisation.name for one in result.suppliers], result.unsaid) == (["Verts"], 1)


def test_near_a_commune_the_nearest_comes_first_within_the_radius_and_with_its_distance(session) -> None:
    supplier("Alençon", at="Alençon (61)")
    supplier("Flers")
    supplier("Condé", at="Condé-en-Normandie (14)")

    result = purchasing.suppliers(Wanted(commune=commune(), radius_km=30), day=today())

    assert [one.organisation.name for one in result.suppliers] == ["Flers", "Condé"]
    assert result.suppliers[0].km == 0
    assert 5 < (result.suppliers[1].km or 0) < 20


def test_a_territory_keeps_what_is_offered_there(session) -> None:
    supplier("Flers")
    supplier("Caen", at="Caen (14)")

    assert names(Wanted(territory=departement("14"))) == ["Caen"]


def test_words_are_looked_for_without_accents_and_signs_alone_find_nobody(session) -> None:
    supplier("Fauche", title="Fauche tardive", skills=["désherbage manuel"])
    supplier("Autre", title="Autre chose")

    assert names(Wanted(text="DESHERBAGE fauche")) == ["Fauche"]
    assert names(Wanted(text="%_")) == []


def test_words_are_found_by_their_stem_and_a_slip_of_the_keyboard_is_told(session) -> None:
    supplier("Picorée", title="Un buffet froid", skills=[])

    assert names(Wanted(text="buffets")) == ["Picorée"]
    slipped = purchasing.suppliers(Wanted(text="picoree bufet"), day=today())
    assert [one.organisation.name for one in slipped.suppliers] == ["Picorée"]
    assert "buffet" in slipped.wanted.text


def test_the_order_is_drawn_anew_each_day_and_is_the_same_for_all_on_one_day_over_all_pages(session) -> None:
    for number in range(12):
        supplier(f"Structure {number:02d}")

    def order(days: int) -> list[str]:
        pages = [purchasing.suppliers(Wanted(), day=today() + timedelta(days=days), page=page, per_page=5).suppliers for page in (1, 2, 3)]
        return [one.organisation.name for page in pages for one in page]

    orders = [order(days) for days in range(3)]

    assert order(0) == orders[0]
    assert all(len(set(one)) == 12 for one in orders)
    assert len({tuple(one) for one in orders} | {tuple(sorted(orders[0]))}) == 4


def test_the_number_of_queries_does_not_grow_with_the_suppliers(session, queries) -> None:
    counts = []
    for more in (2, 10):
        for _one in range(more):
            supplier("Structure")
        session.expire_all()
        queries.clear()
        for one in purchasing.suppliers(Wanted(commune=commune()), day=today(), per_page=50).suppliers:
            assert one.organisation.commune.label
            assert [offer.areas for offer in one.offers] == [[]]
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("page", [0, -4, 10**9])
def test_a_page_that_is_none_is_the_first_or_an_empty_one(session, page: int) -> None:
    supplier("Seule")

    assert names(Wanted(), page=page) == (["Seule"] if page < 1 else [])


def test_who_said_yes_with_a_supplier_finds_the_way_to_its_contact_details(session) -> None:
    match = mutual_match()
    buyer, theirs, other = match.need.organisation, match.offer.organisation, OrganisationFactory()
    question = next(one for one in match.proposals if one.organisation_id == buyer.id)

    assert purchasing.already_met(buyer, [theirs.id, other.id]) == {theirs.id: question.id}
    assert purchasing.already_met(other, [theirs.id]) == {}


# Lists


def test_a_structure_is_kept_once_taken_off_and_put_back_with_its_note(session) -> None:
    person = UserFactory()
    entry = kept(by=person)
    purchasing_shortlists.annotate(entry, " À rappeler ")
    purchasing_shortlists.remove(entry)
    assert (entry.shortlist.kept, entry.shortlist.removed) == ([], [entry])

    again = purchasing_shortlists.keep(entry.shortlist, entry.supplier, by=person)

    assert (again.id, again.note, again.removed_at) == (entry.id, "À rappeler", None)
    assert len(purchasing_shortlists.shortlist_of(person.organisation, entry.shortlist_id).kept) == 1


def test_a_name_is_given_to_one_list_of_a_structure_and_to_those_of_others(session) -> None:
    person = UserFactory()
    kept(by=person, name="Traiteurs")

    with pytest.raises(NameTaken):
        purchasing_shortlists.make(person.organisation, " traiteurs ")

    assert purchasing_shortlists.make(OrganisationFactory(), "Traiteurs").name == "Traiteurs"


def test_lists_and_structures_in_a_list_have_a_limit(session, monkeypatch) -> None:
    monkeypatch.setattr(purchasing_shortlists, "MOST_LISTS", 1)
    monkeypatch.setattr(purchasing_shortlists, "MOST_ENTRIES", 1)
    person = UserFactory()
    entry = kept(by=person)

    with pytest.raises(TooMany):
        purchasing_shortlists.make(person.organisation, "Une autre")
    with pytest.raises(TooMany):
        purchasing_shortlists.keep(entry.shortlist, OrganisationFactory(), by=person)


def test_a_list_is_its_structures_alone_and_goes_with_its_notes(session) -> None:
    person = UserFactory()
    entry = kept(by=person)
    stranger = OrganisationFactory()
    assert purchasing_shortlists.shortlist_of(stranger, entry.shortlist_id) is None
    assert purchasing_shortlists.entry_of(stranger, entry.id) is None
    assert purchasing_shortlists.kept_in(stranger, [entry.supplier_id]) == {}

    purchasing_shortlists.delete(entry.shortlist)

    assert session.scalars(select(Shortlist)).all() == []
