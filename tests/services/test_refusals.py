"""What a refusal says of later runs: a pair, two structures, a distance; and that an animator may lift it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Channel, DeclineReason, Match, MatchStatus, Need, Offer, Proposal, ProposalStatus, Side, Status, Unit
from matchmaker.models.base import today
from matchmaker.services import asking_reading, matching, proposal_answers, proposals, refusal_bounds, refusals
from matchmaker.services.proposal_answers import Reply
from matchmaker.services.refusal_bounds import NO_BOUNDS, Bounds
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement, proposals_of


def refused(need: Need, offer: Offer, reason: DeclineReason, *, bounds: Bounds = NO_BOUNDS, side: Side = Side.NEED, **fields: object) -> Proposal:
    """One side says no, the need's unless said otherwise."""
    match = MatchFactory(need=need, offer=offer, **fields)
    proposal = next(one for one in proposals_of(match) if one.side is side)
    proposals.decline(proposal, reason=reason, bounds=bounds, settings=mail_settings())
    return proposal


def chosen(*, on: date | None = None) -> set[tuple[Need, Offer]]:
    """What a new run finds."""
    run = matching.rematch(departement(), today=on or today())
    return {(match.need, match.offer) for match in run.matches}


def test_two_structures_that_do_not_fit_twice_are_kept_apart_until_an_animator_lifts_it(session: Session) -> None:
    buyer, seller = OrganisationFactory(), OrganisationFactory()
    for _time in range(2):
        last = refused(NeedFactory(organisation=buyer, skills=["peinture"]), OfferFactory(organisation=seller, skills=["peinture"]), DeclineReason.WRONG_FIT)
    need, offer = NeedFactory(organisation=buyer), OfferFactory(organisation=seller)
    assert refusals.of_territories([departement().id])[0].never
    assert (need, offer) not in chosen()

    refusals.lift(last, by=UserFactory(animator=True))

    assert (need, offer) in chosen()
    assert [one.proposal for one in refusals.of_territories([departement().id], lifted=True)] == [last]

    refusals.restore(last)

    assert (need, offer) not in chosen()


def test_once_is_not_twice(session: Session) -> None:
    buyer, seller = OrganisationFactory(), OrganisationFactory()
    refused(NeedFactory(organisation=buyer), OfferFactory(organisation=seller), DeclineReason.WRONG_FIT)
    need = NeedFactory(organisation=buyer)
    offer = OfferFactory(organisation=seller)

    assert (need.organisation_id, offer.organisation_id) not in refusal_bounds.apart()
    assert refusal_bounds.barred_pairs() == set()


def test_too_far_shortens_the_reach_of_the_announcement_that_said_so_and_of_no_other(session: Session) -> None:
    need, other = NeedFactory(radius_km=90), NeedFactory(radius_km=90)
    near, far = OfferFactory(at="La Ferté Macé (61)", radius_km=90), OfferFactory(at="Alençon (61)", radius_km=90)
    proposal = refused(need, OfferFactory(at="Argentan (61)", radius_km=90), DeclineReason.TOO_FAR, distance_km=38.0)

    assert refusal_bounds.limits() == {need.id: 38.0}
    barred = refusal_bounds.barred_pairs()
    assert (need.id, far.id) in barred
    assert (need.id, near.id) not in barred
    assert not [pair for pair in barred if pair.need_id == other.id]

    refusals.lift(proposal, by=UserFactory(animator=True))

    assert refusal_bounds.barred_pairs() == set()


def test_the_run_that_is_being_asked_about_is_bound_by_refusals_too(session: Session) -> None:
    buyer, seller = OrganisationFactory(), OrganisationFactory()
    need, offer = NeedFactory(organisation=buyer), OfferFactory(organisation=seller)
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=mail_settings(), asks=False)
    assert len(asking_reading.pairs(run, day=today()).score) == 1

    for _time in range(2):
        refused(NeedFactory(organisation=buyer), OfferFactory(organisation=seller), DeclineReason.WRONG_FIT)

    assert len(asking_reading.pairs(run, day=today()).score) == 0
    assert (need.id, offer.id) in refusal_bounds.barred_pairs()


def test_a_lifted_refusal_lets_its_own_pair_come_back_and_a_new_one_counts_again(session: Session) -> None:
    need, offer = NeedFactory(), OfferFactory()
    proposal = refused(need, offer, DeclineReason.NO_TIME)
    assert chosen() == set()

    refusals.lift(proposal, by=UserFactory(animator=True))

    assert chosen() == {(need, offer)}
    match = db.session.scalars(select(Match).where(Match.status == MatchStatus.PREVIEW)).one()
    match.status = MatchStatus.PROPOSED
    again = proposals.put(match, Side.NEED, need.organisation, answer_by=today())
    proposals.put(match, Side.OFFER, offer.organisation, answer_by=today())
    db.session.flush()
    proposals.decline(again, reason=DeclineReason.NO_TIME, settings=mail_settings())
    assert chosen() == set()


@pytest.mark.parametrize("side", list(Side))
def test_who_wants_no_more_of_a_structure_meets_it_no_more_in_either_direction(session: Session, side: Side) -> None:
    one, other = OrganisationFactory(), OrganisationFactory()
    last = refused(
        NeedFactory(organisation=one, skills=["peinture"]),
        OfferFactory(organisation=other, skills=["peinture"]),
        DeclineReason.OTHER,
        bounds=Bounds(never=True),
        side=side,
    )
    there, back = (NeedFactory(organisation=one), OfferFactory(organisation=other)), (NeedFactory(organisation=other), OfferFactory(organisation=one))

    assert chosen() == set()
    assert [refusal.never for refusal in refusals.of_organisation(last.organisation_id)] == [True]

    refusals.lift(last, by=UserFactory(animator=True))

    assert chosen() >= {there, back}


def test_a_third_structure_is_met_all_the_same(session: Session) -> None:
    need = NeedFactory()
    refused(need, OfferFactory(), DeclineReason.OTHER, bounds=Bounds(never=True))
    third = OfferFactory()

    assert chosen() == {(need, third)}


def test_an_announcement_is_not_proposed_before_the_day_that_its_structure_said_and_then_again(session: Session) -> None:
    busy, free = NeedFactory(), NeedFactory()
    offers = [OfferFactory(), OfferFactory()]
    day = today() + timedelta(days=30)
    refused(busy, offers[0], DeclineReason.NO_TIME, bounds=Bounds(not_before=day))

    assert {need for need, _offer in chosen()} == {free}
    assert {need for need, _offer in chosen(on=day - timedelta(days=1))} == {free}
    assert {need for need, _offer in chosen(on=day)} == {busy, free}
    # The refused pair itself too: nobody else is left.
    free.status = offers[1].status = Status.PAUSED
    session.flush()
    assert chosen(on=day) == {(busy, offers[0])}
    assert chosen(on=day - timedelta(days=1)) == set()


def test_without_a_day_no_time_closes_its_pair_for_good(session: Session) -> None:
    need, offer = NeedFactory(), OfferFactory()
    refused(need, offer, DeclineReason.NO_TIME)

    assert chosen(on=today() + timedelta(days=60)) == set()


def test_the_run_that_is_being_asked_about_waits_for_that_day_too(session: Session) -> None:
    need = NeedFactory(capacity=2)
    OfferFactory()
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=mail_settings(), asks=False)
    day = today() + timedelta(days=20)
    refused(need, OfferFactory(), DeclineReason.NO_TIME, bounds=Bounds(not_before=day))

    assert len(asking_reading.pairs(run, day=day - timedelta(days=1)).score) == 0
    assert len(asking_reading.pairs(run, day=day).score) == 1

    refusals.end_rest(need)

    assert len(asking_reading.pairs(run, day=today()).score) == 1
    assert refusal_bounds.resting(today=today()) == {}


def days(number: float) -> dict[str, object]:
    return {"volume": Decimal(str(number)), "volume_unit": Unit.DAYS}


@pytest.mark.parametrize(
    ("bounds", "suiting"),
    [
        (Bounds(most=Decimal(5), unit=Unit.DAYS), {3.0, 5.0, None}),
        (Bounds(least=Decimal(5), unit=Unit.DAYS), {5.0, 8.0, None}),
        (Bounds(least=Decimal(4), most=Decimal(6), unit=Unit.DAYS), {5.0, None}),
        (Bounds(most=Decimal(1), unit=Unit.FTE), {3.0, 5.0, 8.0, None}),
    ],
)
def test_needs_out_of_the_volume_that_was_said_are_not_put_to_that_offer_again(session: Session, bounds: Bounds, suiting: set[float | None]) -> None:
    offer, other = OfferFactory(**days(5), capacity=9), OfferFactory(**days(5), capacity=9)
    refused(NeedFactory(**days(20)), offer, DeclineReason.WRONG_VOLUME, bounds=bounds, side=Side.OFFER)
    needs = {number: NeedFactory(capacity=9, **(days(number) if number else {})) for number in (3.0, 5.0, 8.0, None)}

    found = chosen()

    assert {number for number, need in needs.items() if (need, offer) in found} == suiting
    assert {number for number, need in needs.items() if (need, other) in found} == set(needs)


def test_the_narrowest_of_several_volumes_counts(session: Session) -> None:
    offer = OfferFactory(**days(5))
    for most in (9, 6):
        refused(NeedFactory(**days(20)), offer, DeclineReason.WRONG_VOLUME, bounds=Bounds(most=Decimal(most), unit=Unit.DAYS), side=Side.OFFER)

    assert refusal_bounds.volumes() == {offer.id: [(Unit.DAYS, -float("inf"), 6.0)]}


def test_another_mind_takes_back_what_was_asked_with_the_refusal(session: Session) -> None:
    need, offer = NeedFactory(), OfferFactory()
    asked = refused(need, offer, DeclineReason.NO_TIME, bounds=Bounds(never=True, not_before=today() + timedelta(days=9)))

    proposal_answers.answer(asked, Reply(ProposalStatus.ACCEPTED), channel=Channel.LINK, settings=mail_settings())

    assert Bounds.of(asked) == NO_BOUNDS
    assert (refusal_bounds.apart(), refusal_bounds.resting(today=today())) == (set(), {})


@pytest.mark.parametrize("bounds", [Bounds(never=True), Bounds(not_before=date(2027, 1, 4)), Bounds(most=Decimal(3), unit=Unit.DAYS)])
def test_the_database_keeps_bounds_to_refusals(session: Session, bounds: Bounds) -> None:
    asked = proposals_of(MatchFactory())[0]
    bounds.write_on(asked)

    with pytest.raises(IntegrityError, match="bounds_belong_to_a_refusal"):
        session.flush()
    session.rollback()


@pytest.mark.parametrize("reason", list(DeclineReason))
def test_refusals_are_counted_by_category_and_reason(session: Session, reason: DeclineReason) -> None:
    proposal = refused(NeedFactory(), OfferFactory(), reason)

    shown = refusals.of_territories([departement().id])

    assert refusals.counts(shown) == [(proposal.match.need.category, reason, 1)]
    assert [one.proposal for one in refusals.of_organisation(proposal.organisation_id)] == [proposal]
    assert refusals.of_organisation(OrganisationFactory().id) == []
