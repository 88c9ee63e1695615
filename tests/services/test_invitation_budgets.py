"""An invitation to a job dating counts as a solicitation; who was asked often enough waits until a week begins."""

from datetime import timedelta

import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.models import Invitation, JobDating, Organisation, OutboxMail, Participant, ParticipantState
from matchmaker.models.base import now, today
from matchmaker.services import asking_budgets, invitation_budgets, job_dating_guests, job_datings
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory


def prepared(*sellers: Organisation, buyer: Organisation | None = None) -> JobDating:
    """A draft at which one structure meets each of the others."""
    buyer = buyer or OrganisationFactory()
    job_dating = JobDatingFactory()
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer), offer=OfferFactory(organisation=one)) for one in sellers]
    job_datings.choose(job_dating, matches)
    return job_dating


def tired() -> Organisation:
    """A structure that was solicited as often as it accepts this week."""
    organisation = OrganisationFactory(name="Picorée", weekly_budget=1)
    asking_budgets.take_one(organisation, day=today())
    return organisation


def invited(job_dating: JobDating, session: Session) -> set[Organisation]:
    query = select(Invitation).where(Invitation.job_dating_id == job_dating.id, Invitation.withdrawn_at.is_(None))
    return {one.organisation for one in session.scalars(query)}


def participant_of(job_dating: JobDating, organisation: Organisation) -> Participant:
    return next(one for one in job_dating.participants if one.organisation is organisation)


def test_each_invitation_takes_a_unit_and_a_cancelled_publication_gives_it_back(session: Session) -> None:
    seller = OrganisationFactory()
    job_dating = prepared(seller)

    job_datings.publish(job_dating, settings=mail_settings())

    assert invitation_budgets.counted_for(job_dating) == 2
    assert asking_budgets.left(seller, day=today()) == asking_budgets.Left(week=1, month=5)

    job_datings.cancel(job_dating, settings=mail_settings())

    assert invitation_budgets.counted_for(job_dating) == 0
    assert asking_budgets.left(seller, day=today()) == asking_budgets.Left(week=2, month=6)


def test_who_was_asked_often_enough_is_not_invited_waits_and_leaves_its_partner_to_the_others(session: Session) -> None:
    spent, seller = tired(), OrganisationFactory()
    job_dating = prepared(spent, seller)
    assert invitation_budgets.spent(job_dating, day=today()) == [spent]

    job_datings.publish(job_dating, settings=mail_settings())

    assert invited(job_dating, session) == {job_dating.meetings[0].match.need.organisation, seller}
    assert participant_of(job_dating, spent).state is ParticipantState.WAITING
    assert [meeting.round is None for meeting in job_dating.meetings if meeting.match.offer.organisation is spent] == [True]
    assert session.scalars(select(OutboxMail).where(OutboxMail.organisation_id == spent.id)).all() == []


def test_who_loses_its_only_meeting_by_that_is_not_counted(session: Session) -> None:
    spent, partner = tired(), OrganisationFactory()
    job_dating = prepared(spent, buyer=partner)

    job_datings.publish(job_dating, settings=mail_settings())

    assert invited(job_dating, session) == set()
    assert asking_budgets.left(partner, day=today()).week == 2


def test_who_waited_for_its_budget_is_invited_when_a_week_begins(session: Session) -> None:
    spent = tired()
    job_dating = prepared(spent, OrganisationFactory())
    job_datings.publish(job_dating, settings=mail_settings())
    assert job_dating_guests.to_settle() == []

    with time_machine.travel(now() + timedelta(days=7)):
        assert job_dating_guests.to_settle() == [job_dating.id]
        promoted = job_dating_guests.settle(job_dating, settings=mail_settings())

        assert [one.organisation for one in promoted] == [spent]
        assert asking_budgets.left(spent, day=today()).week == 0
    assert spent in invited(job_dating, session)
