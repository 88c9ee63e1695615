"""What stands between a structure and its propositions."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import ObjectionSource, RunStatus, Status, Topic
from matchmaker.models.base import now, today
from matchmaker.services import addresses, asking_budgets, asking_rhythms, diagnosis, matching
from matchmaker.services.diagnosis import Cause
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, departement


def causes(organisation):
    return [finding.cause for finding in diagnosis.diagnose(organisation, today=today())]


def sent_run():
    """A run over what there is now, sent to both sides."""
    db.session.commit()
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=mail_settings())
    return run


def test_who_declared_nothing_is_told_so(app):
    assert causes(OrganisationFactory()) == [Cause.NOTHING_DECLARED]


def test_a_pause_a_spent_budget_and_a_dead_address_come_first(app):
    organisation = OrganisationFactory(paused_until=today(), monthly_budget=0)
    addresses.note_bounce(organisation.email, key="1:1", status="5.1.1")
    NeedFactory(organisation=organisation, draft=True)

    assert causes(organisation) == [Cause.PAUSED, Cause.BUDGET, Cause.BLOCKED, Cause.DRAFT]
    diagnosis.end_pause(organisation)
    assert diagnosis.accept_more(organisation) == 2
    assert causes(organisation) == [Cause.BLOCKED, Cause.DRAFT]


def test_days_of_absence_and_a_week_that_is_full_are_told(app):
    organisation = NeedFactory(draft=True).organisation
    later = today() + timedelta(days=3)
    asking_rhythms.add_absence(organisation, starts_on=later, ends_on=later)
    assert causes(organisation) == [Cause.DRAFT]

    asking_rhythms.add_absence(organisation, starts_on=today(), ends_on=later)
    organisation.weekly_budget = 1
    db.session.flush()
    asking_budgets.take_one(organisation, day=today())

    away, week, _draft = diagnosis.diagnose(organisation, today=today())
    assert (away.cause, away.until, week.cause, week.asked) == (Cause.AWAY, later, Cause.WEEK, 1)


def test_a_budget_is_never_raised_above_what_the_database_allows(app):
    assert diagnosis.accept_more(OrganisationFactory(monthly_budget=59)) == 60


def test_a_refused_topic_and_a_missing_address(app):
    objecting, mute = OrganisationFactory(), OrganisationFactory(email="")
    addresses.object_to(addresses.digest(objecting.email), [Topic.PROPOSALS], source=ObjectionSource.ACCOUNT)

    assert causes(objecting) == [Cause.OBJECTED, Cause.NOTHING_DECLARED]
    assert causes(mute) == [Cause.NO_ADDRESS, Cause.NOTHING_DECLARED]


@pytest.mark.parametrize(("status", "cause"), [(Status.PAUSED, Cause.STOPPED), (Status.EXPIRED, Cause.EXPIRED)])
def test_what_does_not_search_is_told_by_its_state(app, status, cause):
    assert causes(NeedFactory(status=status).organisation) == [cause]
    assert causes(OfferFactory(status=status).organisation) == [cause]


def test_a_closed_one_is_left_out(app):
    assert causes(NeedFactory(status=Status.CLOSED).organisation) == [Cause.NOTHING_DECLARED]


def test_what_no_sent_run_has_read_waits(app):
    need = NeedFactory()
    RunFactory(status=RunStatus.READY, started_at=now())

    assert causes(need.organisation) == [Cause.NOT_READ_YET]


def test_a_need_and_an_offer_without_a_candidate(app):
    need, offer = NeedFactory(skills=["traiteur"]), OfferFactory(at="Cherbourg-en-Cotentin (50)")
    sent_run()

    found = diagnosis.diagnose(need.organisation, today=today())
    assert [finding.cause for finding in found] == [Cause.NO_CANDIDATE]
    assert found[0].told["nearest_km"] > 90
    # No run of its own département was sent.
    assert causes(offer.organisation) == [Cause.NOT_READ_YET]


def test_an_outbid_need_learns_by_how_much_and_the_other_is_asked(app):
    better, worse = NeedFactory(skills=["traiteur", "bio"]), NeedFactory(skills=["traiteur", "vaisselle", "salle", "musique"])
    offer = OfferFactory(skills=["traiteur", "bio"])
    sent_run()

    assert causes(better.organisation) == [Cause.ASKED]
    assert causes(offer.organisation) == [Cause.ASKED]
    found = diagnosis.diagnose(worse.organisation, today=today())[0]
    assert found.cause is Cause.OUTBID
    assert found.lack is not None
    assert found.lack > 0


def test_an_outbid_offer_learns_it_too(app):
    NeedFactory(skills=["traiteur", "bio"])
    OfferFactory(skills=["traiteur", "bio"])
    worse = OfferFactory(skills=["traiteur", "vaisselle", "salle", "musique"])
    sent_run()

    found = diagnosis.diagnose(worse.organisation, today=today())[0]
    assert (found.cause, found.lack is not None) == (Cause.OUTBID, True)


def test_two_yes_are_told_and_a_pair_without_a_follow_up(app):
    agreed = MatchFactory(run=RunFactory(status=RunStatus.SUPERSEDED), mutual=True)
    assert causes(agreed.need.organisation) == [Cause.AGREED]

    NeedFactory()
    over = OfferFactory()
    run = sent_run()
    for match in run.matches:
        match.status = "ended"
    db.session.flush()
    assert causes(over.organisation) == [Cause.ENDED]


def test_an_announcement_that_was_changed_since_waits_for_the_next_run(app):
    need = NeedFactory()
    sent_run()
    need.updated_at = now() + timedelta(seconds=5)
    db.session.flush()

    assert causes(need.organisation) == [Cause.NOT_READ_YET]
