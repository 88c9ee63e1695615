"""What the directory finds, how it counts, and that it never tells more than the pages do."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from matchmaker.extensions import db
from matchmaker.models import Category, EntryKind, Family, InclusionKind, Need, SearchEntry, Status, Theme, Trait
from matchmaker.models.base import now
from matchmaker.models.search import CATEGORY_BITS, CLAUSE_KINDS, FAMILY_BITS, THEME_BITS, TRAIT_BITS
from matchmaker.services import search, search_rows, search_text
from matchmaker.services.search import Question, Sort
from matchmaker.web import labels
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory, commune, venue


def names(question: Question, page: int = 1) -> list[str]:
    return [row.name for row in search_rows.organisations_of(search.results(question, page=page).page.ids)]


def found(text: str) -> list[str]:
    return sorted(names(Question(text=text)))


def code(label: str) -> str:
    return commune(label).code


# Words


def test_words_find_whatever_their_accents_and_endings(session):
    OrganisationFactory(name="Les Recycleurs", description="Des bénévoles pour la comptabilité des associations.")
    OrganisationFactory(name="Autre chose")

    for typed in ("benevole comptabilite", "bénévoles", "COMPTABILITÉ", "association", "l’association", "recycleur", "recyc", "les recycleurs"):
        assert found(typed) == ["Les Recycleurs"], typed
    assert found("comptabilite cuisine") == []


def test_a_structure_is_found_by_what_it_seeks_and_offers_in_public(session):
    house = OrganisationFactory(name="Tournebride")
    NeedFactory(organisation=house, title="Un local de plain-pied", skills=["stockage"])
    OfferFactory(organisation=house, title="Chantiers de tri", draft=True)

    assert found("plain pied") == ["Tournebride"]
    assert found("stockage") == ["Tournebride"]
    assert found("chantiers") == []


def test_names_communes_and_numbers_are_found_by_their_beginning(session):
    OrganisationFactory(name="Bobinelle", at="Saint-Lô (50)", siret="73282932000074")
    OrganisationFactory(name="Atelier ST Vincent")

    assert found("bobinel") == ["Bobinelle"]
    assert found("st lo") == ["Bobinelle"]
    assert found("73282932") == ["Bobinelle"]
    assert found("saint vincent") == found("st vincent") == ["Atelier ST Vincent"]


def test_a_name_comes_before_a_description(session):
    OrganisationFactory(name="A. Martin", description="Elle fait de la menuiserie, entre autres.")
    OrganisationFactory(name="Menuiserie du Bocage")

    assert names(Question(text="menuiserie")) == ["Menuiserie du Bocage", "A. Martin"]
    assert names(Question(text="menuiserie", sort=Sort.NAME)) == ["A. Martin", "Menuiserie du Bocage"]


@pytest.mark.parametrize(("typed", "meant"), [("menuizerie", "menuiserie"), ("Menuiserrie Bocage", "menuiserie bocage"), ("ressourserie", "ressourcerie")])
def test_a_word_that_is_nowhere_is_taken_for_the_likest_of_a_name(session, typed, meant):
    OrganisationFactory(name="Menuiserie du Bocage")
    NeedFactory(organisation=OrganisationFactory(name="Autre"), title="Une ressourcerie pour nos chutes")

    results = search.results(Question(text=typed))

    assert results.corrected
    assert results.question.text == meant
    assert results.page.total == 1


@pytest.mark.parametrize(("typed", "meant"), [("Alençom", "alencon"), ("maréchage", "maraichage"), ("soudurre", "soudure"), ("benevolles", "benevoles")])
def test_a_slip_in_any_word_of_the_directory_is_understood_from_the_next_night_on(session, typed, meant):
    house = OrganisationFactory(name="La Ruche", description="Des bénévoles de tous âges.", at="Alençon (61)")
    NeedFactory(organisation=house, title="Un appui en maraîchage", skills=["soudure"])
    search_text.gather_words()

    results = search.results(Question(text=typed))

    assert (results.corrected, results.question.text, results.page.total) == (True, meant, 1)


@pytest.mark.parametrize("typed", ["ré-emploi", "Tourne bride", "compatble"])
def test_one_word_written_as_two_and_letters_that_changed_places_are_understood(session, typed):
    OrganisationFactory(name="Tournebride", description="Réemploi et comptable à temps partagé.")
    search_text.gather_words()

    assert search.results(Question(text=typed)).page.total == 1


def test_structures_are_found_by_the_words_of_what_they_are(session):
    for kind in InclusionKind:
        OrganisationFactory(name=f"Maison {kind}", inclusion_kind=kind)
    OrganisationFactory(name="La Halle", is_third_place=True)

    for kind in InclusionKind:
        assert f"Maison {kind}" in found(labels.label(kind)), kind
    assert found("entreprise adaptée") == ["Maison EA"]
    assert found("tiers-lieux") == found("tiers lieu") == ["La Halle"]


def test_the_words_of_what_is_not_public_are_nobodys(session):
    OfferFactory(organisation=OrganisationFactory(name="La Ruche"), title="Quincaillerie", draft=True)
    search_text.gather_words()

    assert db.session.scalars(text("SELECT word FROM search_word WHERE word LIKE 'quinc%'")).all() == []


@pytest.mark.parametrize("typed", ["%", "_", "\\", "'", "''';--", "a" * 200, "🙂", "x:* & | !", "<->", "zzzzzz"])
def test_what_is_no_word_finds_nothing(session, typed):
    OrganisationFactory(name="Bobinelle")

    results = search.results(Question(text=typed))

    assert (results.page.total, results.page.ids, dict(results.places)) == (0, [], {})


# Places


def test_a_radius_reaches_communes_by_their_middle(session):
    for label in ("Flers (61)", "Domfront en Poiraie (61)", "Caen (14)", "Rouen (76)"):
        OrganisationFactory(name=label, commune=commune(label))

    def around(radius_km: int) -> list[str]:
        return names(Question(around=code("Flers (61)"), radius_km=radius_km))

    assert around(0) == ["Flers (61)"]
    assert around(30) == ["Flers (61)", "Domfront en Poiraie (61)"]
    assert around(60) == ["Flers (61)", "Domfront en Poiraie (61)", "Caen (14)"]
    assert names(Question(around=code("Flers (61)"), radius_km=60, departement="14")) == ["Caen (14)"]
    assert names(Question(around=code("Flers (61)"), radius_km=60, sort=Sort.NAME))[0] == "Caen (14)"


def test_territories_are_counted_whatever_territory_is_chosen(session):
    for label in ("Flers (61)", "Alençon (61)", "Caen (14)"):
        OrganisationFactory(commune=commune(label))

    results = search.results(Question(departement="61"))

    assert results.departements == {"61": 2, "14": 1}
    assert results.epcis == {commune(label).epci_code: 1 for label in ("Flers (61)", "Alençon (61)")}
    assert results.places == {code(label): 1 for label in ("Flers (61)", "Alençon (61)")}
    assert search.results(Question(departement="61", epci=commune("Flers (61)").epci_code)).page.total == 1
    assert search.results(Question(departement="999")).page.total == 0


# Facets


def test_each_choice_is_counted_beside_those_of_the_other_facets(session):
    OrganisationFactory(family=Family.ASSOCIATION, is_third_place=True)
    OrganisationFactory(family=Family.ASSOCIATION, inclusion_kind=InclusionKind.ACI)
    shop = OrganisationFactory(family=Family.COMPANY)
    NeedFactory(organisation=shop, category=Category.PREMISES, themes=[Theme.FOOD.value, "unknown"])
    OfferFactory(organisation=shop, category=Category.MATERIAL, themes=[Theme.WATER.value])

    everything = search.results(Question()).counts
    companies = search.results(Question(families=frozenset({Family.COMPANY})))
    third = search.results(Question(traits=frozenset({Trait.THIRD_PLACE}))).counts

    assert (everything.families[Family.ASSOCIATION], everything.families[Family.COMPANY]) == (2, 1)
    assert (everything.traits[Trait.THIRD_PLACE], everything.traits[Trait.CLAUSE], everything.traits[Trait.ACCESSIBLE]) == (1, 1, 0)
    assert companies.page.total == 1
    assert (companies.counts.families[Family.ASSOCIATION], companies.counts.categories[Category.PREMISES]) == (2, 1)
    assert (companies.counts.themes[Theme.FOOD], companies.counts.themes[Theme.WATER], companies.counts.themes[Theme.HOUSING]) == (1, 1, 0)
    assert (third.families[Family.ASSOCIATION], third.traits[Trait.CLAUSE]) == (1, 0)


def test_choices_of_one_facet_add_up_and_traits_narrow(session):
    association, company = OrganisationFactory(name="A"), OrganisationFactory(name="B", company=True)
    OfferFactory(organisation=association, category=Category.MATERIAL, flags=["wheelchair"])
    venue(company, accessible=0).is_accessible = True
    db.session.flush()

    assert names(Question(families=frozenset({Family.ASSOCIATION, Family.COMPANY}))) == ["A", "B"]
    assert names(Question(traits=frozenset({Trait.ACCESSIBLE}))) == ["A", "B"]
    assert names(Question(traits=frozenset({Trait.ACCESSIBLE}), families=frozenset({Family.COMPANY}))) == ["B"]
    # Who opens a venue is a third place.
    assert names(Question(traits=frozenset({Trait.ACCESSIBLE, Trait.THIRD_PLACE}))) == ["B"]
    assert names(Question(categories=frozenset({Category.MATERIAL, Category.JOB}))) == ["A"]


@pytest.mark.parametrize("kind", list(InclusionKind))
def test_clauses_are_for_the_kinds_that_they_count(session, kind):
    OrganisationFactory(inclusion_kind=kind)

    assert search.results(Question(traits=frozenset({Trait.CLAUSE}))).page.total == (kind in CLAUSE_KINDS)


def test_the_database_gives_each_member_of_a_facet_the_bit_that_we_read(session):
    for family in Family:
        OrganisationFactory(family=family, name=family.value)
    for category in Category:
        NeedFactory(category=category, title=category.value, themes=[])
    for theme in Theme:
        NeedFactory(title=theme.value, category=Category.JOB, themes=[theme.value])
    known = dict(db.session.execute(select(SearchEntry.sort_name, SearchEntry.facets).order_by(SearchEntry.kind.desc())).all())

    def folded(value: str) -> str:
        return value.replace("_", " ")

    assert all(known[folded(family)] & 0xFF == 1 << FAMILY_BITS[family] for family in Family)
    assert all(known[folded(category)] >> 8 & 0xFF == 1 << CATEGORY_BITS[category] - 8 for category in Category)
    assert all(known[folded(theme)] >> 16 & 0xFFFFFF == 1 << THEME_BITS[theme] - 16 for theme in Theme)
    bits = [*FAMILY_BITS.values(), *CATEGORY_BITS.values(), *THEME_BITS.values(), *TRAIT_BITS.values()]
    assert len(set(bits)) == len(bits)
    assert max(bits) < 63


# Announcements


def test_needs_and_offers_are_searched_like_structures(session):
    house = OrganisationFactory(name="Tournebride", is_third_place=True)
    need = NeedFactory(organisation=house, title="Un comptable", at="Caen (14)")
    OfferFactory(organisation=house, title="Une salle")

    results = search.results(Question(kind=EntryKind.NEED, text="comptables", departement="14"))

    assert results.page.ids == [need.id]
    assert results.kinds == {EntryKind.ORGANISATION: 0, EntryKind.NEED: 1, EntryKind.OFFER: 0}
    assert search.results(Question(kind=EntryKind.OFFER, traits=frozenset({Trait.THIRD_PLACE}))).page.total == 1
    assert search.results(Question(kind=EntryKind.OFFER, text="tournebride")).page.total == 1


def test_only_what_is_published_and_not_in_confidence_is_there(session):
    house = OrganisationFactory(name="Discrète")
    secret = NeedFactory(organisation=house, category=Category.SUCCESSION, is_confidential=True, title="Fraxinelle cherche une direction")
    draft = NeedFactory(organisation=house, title="Fraxinelle brouillon", draft=True)
    told = NeedFactory(organisation=house, title="Fraxinelle ouverte")

    assert search.results(Question(kind=EntryKind.NEED, text="fraxinelle")).page.ids == [told.id]
    assert search.results(Question(categories=frozenset({Category.SUCCESSION}))).page.total == 0

    told.status = Status.PAUSED
    db.session.flush()
    assert search.results(Question(text="fraxinelle")).page.total == 0
    assert search.results(Question(kind=EntryKind.NEED)).page.total == 0
    # In one statement, of one published and one that becomes a secret.
    told.status, told.is_confidential, told.category = Status.PUBLISHED, True, Category.SUCCESSION
    db.session.flush()
    assert search.results(Question(kind=EntryKind.NEED)).page.total == 0
    assert {secret.id, draft.id}.isdisjoint(db.session.scalars(select(SearchEntry.subject_id)))


def test_the_directory_follows_every_change(session):
    house = OrganisationFactory(name="Avant")
    need = NeedFactory(organisation=house, title="Un camion")
    house.name, house.commune = "Après", commune("Caen (14)")
    need.title = "Une remorque"
    db.session.flush()

    assert (found("avant"), found("camion")) == ([], [])
    assert (found("apres caen"), found("remorque")) == (["Après"], ["Après"])

    db.session.delete(need)
    db.session.flush()
    assert (found("remorque"), found("apres")) == ([], ["Après"])
    db.session.delete(house)
    db.session.flush()
    assert db.session.scalar(select(func.count()).select_from(SearchEntry)) == 0


def test_whom_was_erased_is_no_longer_there_and_does_not_come_back(session):
    house = OrganisationFactory(name="Effacée")
    need = NeedFactory(organisation=house)
    house.erased_at = now()
    db.session.flush()
    need.status = Status.CLOSED
    db.session.flush()

    assert db.session.scalar(select(func.count()).select_from(SearchEntry)) == 0


def test_what_nobody_sees_rewrites_nothing(session):
    house = OrganisationFactory()
    NeedFactory(organisation=house)
    before = list(db.session.scalars(text("SELECT ctid::text FROM search_entry ORDER BY subject_id")))

    house.monthly_budget, house.phone = 3, "02 33 11 22 33"
    NeedFactory(organisation=house, draft=True)
    db.session.flush()

    assert list(db.session.scalars(text("SELECT ctid::text FROM search_entry ORDER BY subject_id"))) == before


# Pages and orders


def test_pages_follow_each_other_without_a_gap_and_end(session):
    for number in range(45):
        OrganisationFactory(name=f"Atelier {number:02}")

    pages = [names(Question(text="atelier"), page=page) for page in (1, 2, 3, 4, 10**6)]

    assert [len(page) for page in pages] == [20, 20, 5, 0, 0]
    assert [name for page in pages for name in page] == [f"Atelier {number:02}" for number in range(45)]


def test_the_newest_first_and_only_what_is_new(session):
    old, new = OrganisationFactory(name="Ancienne"), OrganisationFactory(name="Nouvelle")
    old.created_at = now() - timedelta(days=30)
    old.description = "change"
    db.session.flush()

    assert names(Question(sort=Sort.FRESH)) == ["Nouvelle", "Ancienne"]
    assert names(Question(since=now() - timedelta(days=1))) == [new.name]


@pytest.mark.parametrize("asked", [Question(), Question(text="structure"), Question(around="61169", radius_km=30), Question(kind=EntryKind.NEED)], ids=str)
def test_ten_rows_take_as_many_statements_as_a_hundred(session, queries, asked):
    def statements() -> int:
        queries.clear()
        results = search.results(asked)
        if asked.kind is EntryKind.NEED:
            search_rows.declarations_of(Need, results.page.ids)
        else:
            search_rows.organisations_of(results.page.ids)
            search_rows.said_by(results.page.ids)
        return len(queries)

    for _ in range(10):
        NeedFactory(organisation=OrganisationFactory())
    db.session.commit()
    for_ten = statements()
    for _ in range(90):
        NeedFactory(organisation=OrganisationFactory())
    db.session.commit()

    assert statements() == for_ten <= 5
