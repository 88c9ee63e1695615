"""A run is explained from what it kept: the points of each pair, what others lacked, and what would serve who has nobody."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from matchmaker.engine.changes import Kind
from matchmaker.models import Category, Flag, MatchingRun, Need, Offer, PairDecision, Verdict
from matchmaker.models.base import now, today
from matchmaker.services import matching, matching_changes, matching_explanations
from matchmaker.services.matching_instances import Instance
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, departement

TODAY = today()


def run_of(code: str = "61") -> tuple[MatchingRun, Instance]:
    run = matching.rematch(departement(code), today=TODAY)
    instance = matching_explanations.instance_of(run)
    assert instance is not None
    return run, instance


def explained(run: MatchingRun, instance: Instance, need: Need) -> matching_explanations.Explanation:
    return matching_explanations.explain_need(run, instance, instance.need_ids.index(need.id))


def remedied(need: Need, code: str = "61") -> matching_changes.Remedies:
    run, instance = run_of(code)
    return matching_changes.remedies(run, instance, instance.need_ids.index(need.id))


@pytest.fixture
def contested(session: Session) -> tuple[Need, Need, Offer]:
    """Two needs for one place: the first is nearer, of more words in common, and takes it."""
    near = NeedFactory(title="Traiteur de saison pour un séminaire", skills=["traiteur", "buffet"], description="Vaisselle réutilisable, quarante personnes")
    far = NeedFactory(title="Repas d’équipe", skills=["traiteur", "vaisselle"], at="Argentan (61)", radius_km=60)
    offer = OfferFactory(title="Buffets de saison, vaisselle réutilisable", skills=["traiteur", "buffet"], radius_km=60)
    OfferFactory(title="Tonte", skills=["espaces verts"], description="Pelouses et haies, toute l’année")
    return near, far, offer


def test_the_breakdown_made_anew_is_the_one_that_the_run_stored(contested: tuple[Need, Need, Offer]) -> None:
    near, far, offer = contested
    offer.capacity = 2
    run, _instance = run_of()
    assert {match.need for match in run.matches} == {near, far}

    anew = matching_explanations.shown_pairs(run, [(match.need, match.offer, match.score, 0) for match in run.matches])

    assert [(pair.breakdown, pair.distance_km) for pair in anew] == [(match.breakdown, match.distance_km) for match in run.matches]


def test_the_points_of_an_alternative_sum_to_its_score_under_the_weights_of_the_run(contested: tuple[Need, Need, Offer]) -> None:
    near, far, offer = contested
    run, instance = run_of()

    told = explained(run, instance, far)

    assert told.matches == []
    assert [(pair.offer, pair.need) for pair in told.alternatives] == [(offer, far)]
    pair = told.alternatives[0]
    assert sum(line["earned"] for line in pair.breakdown) == pair.points
    assert sum(line["possible"] for line in pair.breakdown) == 100
    served = next(match.score for match in run.matches if match.need is near)
    assert pair.loss == served - pair.score


def test_a_declaration_that_changed_since_the_run_has_no_points_any_more(contested: tuple[Need, Need, Offer], session: Session) -> None:
    _near, far, offer = contested
    run, instance = run_of()
    offer.description = "Tout autre chose"
    session.flush()

    assert explained(run, instance, far).alternatives[0].breakdown == []


def test_two_organisations_that_said_yes_after_the_run_had_not_met_for_it(contested: tuple[Need, Need, Offer], session: Session) -> None:
    near, _far, offer = contested
    run, _instance = run_of()
    match = run.matches[0]
    other = MatchFactory(need=NeedFactory(organisation=near.organisation), offer=OfferFactory(organisation=offer.organisation), mutual=True)
    assert other.confirmed_at > run.started_at

    anew = matching_explanations.shown_pairs(run, [(match.need, match.offer, match.score, 0)])

    assert anew[0].breakdown == match.breakdown


def test_a_need_that_has_its_offer_is_shown_with_it_and_the_offer_with_its_need(contested: tuple[Need, Need, Offer]) -> None:
    near, far, offer = contested
    run, instance = run_of()

    served = explained(run, instance, near)
    of_offer = matching_explanations.explain_offer(run, instance, instance.offer_ids.index(offer.id))

    assert [(pair.offer, pair.loss) for pair in served.matches] == [(offer, 0)]
    assert served.matches[0].breakdown == run.matches[0].breakdown
    assert ([pair.need for pair in of_offer.matches], [pair.need for pair in of_offer.alternatives]) == ([near], [far])
    assert (of_offer.places, of_offer.taken, of_offer.candidates) == (1, 1, 2)
    assert of_offer.price > 0


def test_why_not_an_offer_names_who_holds_its_places(contested: tuple[Need, Need, Offer]) -> None:
    near, far, offer = contested
    run, instance = run_of()

    told = matching_explanations.explain_pair(run, instance, instance.need_ids.index(far.id), instance.offer_ids.index(offer.id))

    assert (told.holders, told.held, told.is_chosen) == ([near], [], False)
    assert told.pair is not None
    assert told.pair.loss > 0
    assert told.offer_price > 0


@pytest.mark.parametrize(
    ("offer", "obstacle"),
    [
        ({"at": "L'Aigle (61)"}, "distance"),
        ({"starts_on": TODAY + timedelta(days=90)}, "dates"),
        ({"halfdays": 0b1000}, "halfdays"),
        ({"denied_flags": [Flag.DELIVERY]}, "flags"),
        ({"title": "Tonte", "skills": ["haies"]}, "other_subject"),
        ({"category": Category.MATERIAL}, "category"),
    ],
)
def test_why_not_names_what_keeps_two_declarations_apart(session: Session, offer: dict[str, object], obstacle: str) -> None:
    need = NeedFactory(radius_km=30, ends_on=TODAY + timedelta(days=30), halfdays=0b11, flags=[Flag.DELIVERY])
    other = OfferFactory(**offer)
    run, instance = run_of()

    told = matching_explanations.explain_pair(run, instance, instance.need_ids.index(need.id), instance.offer_ids.index(other.id))

    assert (told.pair, told.obstacle) == (None, obstacle)


def test_offers_are_found_by_words_of_their_title_or_name_and_one_in_confidence_by_none(session: Session) -> None:
    need = NeedFactory(category=Category.SUCCESSION)
    known = OfferFactory(category=Category.SUCCESSION, title="Reprise d’atelier", organisation=OrganisationFactory(name="Les Ateliers du Houlme"))
    OfferFactory(category=Category.SUCCESSION, title="Direction à prendre", is_confidential=True, organisation=OrganisationFactory(name="Houlme Insertion"))
    OfferFactory(title="Houlme, autre catégorie")
    _run, instance = run_of()

    assert matching_explanations.find_offers(instance, need, "houlme") == [known]
    assert matching_explanations.find_offers(instance, need, "direction") == []
    assert matching_explanations.find_offers(instance, need, "  ") == []


def test_a_wider_radius_is_the_smallest_that_serves_and_the_next_run_proves_it(session: Session) -> None:
    need = NeedFactory(radius_km=10, at="Flers (61)")
    offer = OfferFactory(at="Argentan (61)", radius_km=100)

    found = remedied(need)

    change = next(one for one in found.changes if one.kind is Kind.RADIUS)
    assert (change.before, change.offer) == (10, offer)
    assert [(near.offer, near.obstacle) for near in found.nearest] == [(offer, "distance")]
    need.radius_km = int(change.after) - 1
    assert matching.rematch(departement(), today=TODAY).served_count == 0
    need.radius_km = int(change.after)
    assert matching.rematch(departement(), today=TODAY).served_count == 1


def test_one_place_more_serves_a_need_that_was_outbid_whatever_other_categories_hold(contested: tuple[Need, Need, Offer]) -> None:
    _near, far, offer = contested
    NeedFactory(category=Category.PREMISES), OfferFactory(category=Category.PREMISES)

    change = next(one for one in remedied(far).changes if one.kind is Kind.CAPACITY)

    assert (change.place_at, change.before, change.after) == (offer, 1, 2)
    assert change.gain > 0
    offer.capacity = 2
    run = matching.rematch(departement(), today=TODAY)
    assert far in {match.need for match in run.matches}


@pytest.mark.parametrize(
    ("kind", "need", "offer"),
    [
        (Kind.HALFDAYS, {"halfdays": 0b1}, {"halfdays": 0b10}),
        (Kind.FLAGS, {"flags": [Flag.DELIVERY]}, {"denied_flags": [Flag.DELIVERY]}),
        (Kind.DATES, {"ends_on": TODAY + timedelta(days=5)}, {"starts_on": TODAY + timedelta(days=9)}),
    ],
)
def test_each_kind_of_change_is_found(session: Session, kind: Kind, need: dict[str, object], offer: dict[str, object]) -> None:
    OfferFactory(**offer)

    found = remedied(NeedFactory(**need)).changes

    assert {change.kind for change in found} == {kind}


def test_a_served_need_and_one_without_remedy_have_none(contested: tuple[Need, Need, Offer]) -> None:
    near, _far, _offer = contested
    lonely = NeedFactory(category=Category.SUCCESSION)

    assert remedied(near) == remedied(lonely) == matching_changes.Remedies([], [])


def test_nothing_is_promised_when_an_offer_of_the_run_is_no_longer_there(contested: tuple[Need, Need, Offer], session: Session) -> None:
    _near, far, offer = contested
    run, instance = run_of()
    instance.offer_ids[instance.offer_ids.index(offer.id)] = uuid4()

    assert matching_changes.remedies(run, instance, instance.need_ids.index(far.id)).changes == []


def test_the_number_of_queries_does_not_grow_with_what_is_shown(session: Session, queries: list[str]) -> None:
    need = NeedFactory(title="Traiteur")
    OfferFactory(title="Traiteur un"), OfferFactory(title="Traiteur deux")

    def count() -> int:
        run, instance = run_of()
        session.flush()
        session.expire_all()
        run.matches, run.territory.themes, need.id  # noqa: B018
        queries.clear()
        matching_explanations.explain_need(run, instance, instance.need_ids.index(need.id))
        return len(queries)

    few = count()
    for number in range(8):
        OfferFactory(title=f"Traiteur {number}")
    many = count()

    assert few == many


def test_a_run_that_kept_nothing_has_nothing_to_explain(session: Session) -> None:
    assert matching_explanations.instance_of(RunFactory(started_at=now())) is None


def test_a_pair_that_a_locked_one_shuts_out_is_no_alternative_and_says_why(contested: tuple[Need, Need, Offer], session: Session) -> None:
    near, far, offer = contested
    session.add(PairDecision(need=far, offer=offer, verdict=Verdict.LOCKED))
    session.flush()
    run, instance = run_of()

    told = matching_explanations.explain_pair(run, instance, instance.need_ids.index(near.id), instance.offer_ids.index(offer.id))

    assert (told.pair, told.obstacle, told.holders) == (None, "locked", [far])
    assert explained(run, instance, near).alternatives == []
