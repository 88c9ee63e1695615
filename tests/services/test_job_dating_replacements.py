"""Whom a host can invite in place of those who said no."""

from datetime import timedelta

import pytest

from matchmaker.extensions import db
from matchmaker.models import Answer, Channel
from matchmaker.models.base import now
from matchmaker.services import invitations, job_dating_guests, job_datings
from matchmaker.services.job_dating_replacements import declined, replacements
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def pair(one, other, **fields):
    return MatchFactory(mutual=True, need=NeedFactory(organisation=one), offer=OfferFactory(organisation=other), **fields)


@pytest.fixture
def town():
    return {name: OrganisationFactory(name=name) for name in ("Cantine", "Mairie", "Atelier", "Ferme", "Moulin", "Verger")}


@pytest.fixture
def job_dating(town):
    """Published: Atelier meets Cantine and Mairie, Ferme meets Cantine; Moulin and Verger are not invited."""
    dating = JobDatingFactory(venue=venue(tables=4), starts_at=now() + timedelta(days=20), ends_at=now() + timedelta(days=20, hours=3))
    met = [pair(town["Cantine"], town["Atelier"]), pair(town["Mairie"], town["Atelier"]), pair(town["Cantine"], town["Ferme"])]
    job_datings.choose(dating, met)
    job_datings.publish(dating, settings=mail_settings())
    return dating


def say_no(job_dating, organisation):
    [invitation] = [one for one in job_datings.answers(job_dating).values() if one.organisation_id == organisation.id]
    invitations.answer(invitation, Answer.DECLINED, channel=Channel.LINK)
    db.session.expire_all()
    job_dating_guests.settle(job_dating, settings=mail_settings())


def told(job_dating):
    return [(one.organisation.name, [other.name for other in one.meets]) for one in replacements(job_dating)]


def test_as_long_as_nobody_says_no_nobody_is_proposed(town, job_dating):
    pair(town["Mairie"], town["Moulin"])

    assert declined(job_dating) == []
    assert replacements(job_dating) == []


def test_who_fills_the_gap_comes_first_and_says_whom_it_would_meet(town, job_dating):
    pair(town["Cantine"], town["Verger"])
    pair(town["Verger"], town["Ferme"])
    pair(town["Mairie"], town["Moulin"])
    pair(town["Cantine"], town["Moulin"])
    say_no(job_dating, town["Atelier"])

    assert [one.organisation.name for one in declined(job_dating)] == ["Atelier"]
    assert told(job_dating) == [("Moulin", ["Cantine", "Mairie"]), ("Verger", ["Cantine", "Ferme"])]


def test_who_is_added_is_proposed_no_more_and_takes_the_tables(town, job_dating):
    pair(town["Mairie"], town["Moulin"])
    say_no(job_dating, town["Atelier"])

    job_dating_guests.add(job_dating, replacements(job_dating)[0].organisation)

    assert told(job_dating) == []
    assert any(one.round is not None and one.match.offer.organisation is town["Moulin"] for one in job_dating.meetings)


def test_who_accepts_no_more_who_is_only_proposed_and_who_met_before_are_left_out(town, job_dating):
    before = JobDatingFactory(venue=job_dating.venue, starts_at=now() + timedelta(days=2), ends_at=now() + timedelta(days=2, hours=2))
    job_datings.choose(before, [pair(town["Mairie"], town["Verger"])])
    job_datings.publish(before, settings=mail_settings())
    before.starts_at, before.ends_at = now() - timedelta(days=9), now() - timedelta(days=8, hours=22)
    for name in ("Moulin", "Verger"):
        pair(town["Mairie"], town[name])
    MatchFactory(need=NeedFactory(organisation=town["Mairie"]), offer=OfferFactory(organisation=OrganisationFactory(name="Étang")))
    town["Moulin"].weekly_budget = town["Moulin"].monthly_budget = 0
    say_no(job_dating, town["Atelier"])

    assert told(job_dating) == []


def test_the_queries_do_not_grow_with_those_who_could_come(town, job_dating, queries):
    say_no(job_dating, town["Atelier"])
    pair(town["Mairie"], town["Moulin"])
    db.session.flush()
    queries.clear()
    assert len(replacements(job_dating)) == 1
    few = len(queries)
    for _ in range(8):
        pair(town["Mairie"], OrganisationFactory())
    db.session.flush()
    queries.clear()

    assert len(replacements(job_dating)) == 6

    assert len(queries) <= few
