"""Every count, place and page of the directory against a count by hand of the rows, for questions drawn at random."""

import random
from collections import Counter

import pytest
from sqlalchemy import select

from matchmaker import reference
from matchmaker.extensions import db
from matchmaker.models import Category, EntryKind, Family, SearchEntry, Theme, Trait
from matchmaker.models.search import CATEGORY_BITS, FAMILY_BITS, THEME_BITS, TRAIT_BITS
from matchmaker.services import search, search_places, search_text
from matchmaker.services.search import Question, Sort
from tests.factories import NeedFactory, OfferFactory, OrganisationFactory

TOWNS = ("Flers (61)", "Argentan (61)", "Alençon (61)", "Vire Normandie (14)", "Caen (14)", "Saint-Lô (50)")
WORDS = ("couture", "menuiserie", "traiteur")


@pytest.fixture
def directory(session) -> list[SearchEntry]:
    rng = random.Random(7)
    for number in range(60):
        house = OrganisationFactory(
            name=f"{rng.choice(WORDS)} {number}", at=rng.choice(TOWNS), family=rng.choice(list(Family)), is_third_place=rng.random() < 0.2
        )
        for factory in (NeedFactory, OfferFactory):
            if rng.random() < 0.4:
                factory(organisation=house, commune=house.commune, title=f"{rng.choice(WORDS)} à façon", themes=rng.sample([one.value for one in Theme], 1))
    session.flush()
    return list(db.session.scalars(select(SearchEntry)))


def draw(rng: random.Random) -> Question:
    def some(members: type) -> frozenset:
        return frozenset(rng.sample(list(members), rng.choice((1, 2)))) if rng.random() < 0.3 else frozenset()

    around = rng.choice(["", "", "61169", "14118"])
    return Question(
        kind=rng.choice(list(EntryKind)),
        text=rng.choice(["", *WORDS]),
        around=around,
        radius_km=rng.choice([0, 30, 60]),
        departement=rng.choice(["", "", "61", "14"]),
        families=some(Family),
        categories=some(Category),
        themes=some(Theme),
        traits=frozenset({Trait.THIRD_PLACE}) if rng.random() < 0.1 else frozenset(),
        sort=rng.choice([Sort.DISTANCE, Sort.NAME, None]),
    )


def answers(question: Question, row: SearchEntry, saying: set, *, territory: bool = True, but: str = "") -> bool:
    """Does this row answer, read one condition after the other; without the one of ``but``? ``saying``: whom the words find."""
    where = reference.communes()[row.commune_code]
    bits = {"families": FAMILY_BITS, "categories": CATEGORY_BITS, "themes": THEME_BITS}
    asked = {facet: getattr(question, facet) for facet in bits if facet != but}
    return (
        row.subject_id in saying
        and (not question.around or row.commune_code in search_places.within(question.around, question.radius_km))
        and (not territory or question.departement in ("", where.departement))
        and all(not members or any(row.facets >> bits[facet][member] & 1 for member in members) for facet, members in asked.items())
        and all(row.facets >> TRAIT_BITS[trait] & 1 for trait in question.traits)
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_is_counted_and_listed_is_what_a_count_by_hand_gives(directory, seed):
    rng = random.Random(seed)
    asked, found = 60, 0
    for question in (draw(rng) for _one in range(asked)):
        saying = {row.subject_id for row in directory}
        if question.text:
            saying = set(db.session.scalars(select(SearchEntry.subject_id).where(SearchEntry.vector.bool_op("@@")(search_text.query(question.text)))))
        results = search.results(question)
        mine = [row for row in directory if row.kind is question.kind]
        listed = {row.subject_id for row in mine if answers(question, row, saying)}
        assert results.page.total == len(listed)
        assert results.kinds == {kind: sum(answers(question, row, saying) for row in directory if row.kind is kind) for kind in EntryKind}
        assert results.places == Counter(row.commune_code for row in mine if answers(question, row, saying))
        everywhere = Counter(reference.communes()[row.commune_code].departement for row in mine if answers(question, row, saying, territory=False))
        assert results.departements == everywhere
        for category, bit in CATEGORY_BITS.items():
            left = [row for row in mine if answers(question, row, saying, but="categories") and row.facets >> bit & 1]
            assert results.counts.categories[category] == len(left)
        assert every_page(question) == listed
        found += bool(listed)
    assert found > asked / 4


def every_page(question: Question) -> set:
    """All that is listed, each once and in the order of the distance where one asks for it."""
    first = search.results(question)
    ids = [one for page in range(1, first.page.pages + 1) for one in search.results(question, page=page).page.ids]
    assert len(ids) == len(set(ids))
    if question.order is Sort.DISTANCE:
        where = dict(db.session.execute(select(SearchEntry.subject_id, SearchEntry.commune_code)).all())
        far = [first.distances[where[one]] for one in ids]
        assert far == sorted(far)
    return set(ids)
