"""What a refusal says of later runs: a pair, two structures, a distance; and that an animator may lift it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import DeclineReason, Match, MatchStatus, Need, Offer, Proposal, Side
from matchmaker.models.base import today
from matchmaker.services import asking_reading, matching, proposals, refusals
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, departement, proposals_of


def refused(need: Need, offer: Offer, reason: DeclineReason, **fields: object) -> Proposal:
    """The need's side says no."""
    match = MatchFactory(need=need, offer=offer, **fields)
    proposal = next(one for one in proposals_of(match) if one.side is Side.NEED)
    proposals.decline(proposal, reason=reason, settings=mail_settings())
    return proposal


def chosen() -> set[tuple[Need, Offer]]:
    """What a new run finds."""
    run = matching.rematch(departement(), today=today())
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

    assert (need.organisation_id, offer.organisation_id) not in refusals.apart()
    assert refusals.barred_pairs() == set()


def test_too_far_shortens_the_reach_of_the_announcement_that_said_so_and_of_no_other(session: Session) -> None:
    need, other = NeedFactory(radius_km=90), NeedFactory(radius_km=90)
    near, far = OfferFactory(at="La Ferté Macé (61)", radius_km=90), OfferFactory(at="Alençon (61)", radius_km=90)
    proposal = refused(need, OfferFactory(at="Argentan (61)", radius_km=90), DeclineReason.TOO_FAR, distance_km=38.0)

    assert refusals.limits() == {need.id: 38.0}
    barred = refusals.barred_pairs()
    assert (need.id, far.id) in barred
    assert (need.id, near.id) not in barred
    assert not [pair for pair in barred if pair.need_id == other.id]

    refusals.lift(proposal, by=UserFactory(animator=True))

    assert refusals.barred_pairs() == set()


def test_the_run_that_is_being_asked_about_is_bound_by_refusals_too(session: Session) -> None:
    buyer, seller = OrganisationFactory(), OrganisationFactory()
    need, offer = NeedFactory(organisation=buyer), OfferFactory(organisation=seller)
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=mail_settings(), asks=False)
    assert len(asking_reading.pairs(run, day=today()).score) == 1

    for _time in range(2):
        refused(NeedFactory(organisation=buyer), OfferFactory(organisation=seller), DeclineReason.WRONG_FIT)

    assert len(asking_reading.pairs(run, day=today()).score) == 0
    assert (need.id, offer.id) in refusals.barred_pairs()


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


@pytest.mark.parametrize("reason", list(DeclineReason))
def test_refusals_are_counted_by_category_and_reason(session: Session, reason: DeclineReason) -> None:
    proposal = refused(NeedFactory(), OfferFactory(), reason)

    shown = refusals.of_territories([departement().id])

    assert refusals.counts(shown) == [(proposal.match.need.category, reason, 1)]
    assert [one.proposal for one in refusals.of_organisation(proposal.organisation_id)] == [proposal]
    assert refusals.of_organisation(OrganisationFactory().id) == []
