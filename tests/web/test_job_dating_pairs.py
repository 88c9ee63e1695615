"""Structures that were found by a search, or that asked to come, have meetings: the host ticks what their announcements propose."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import (
    Answer,
    Channel,
    JobDating,
    Match,
    MatchStatus,
    Need,
    Offer,
    OutboxMail,
    Participant,
    ParticipantState,
    ProposalStatus,
    Status,
    Wish,
    WishKind,
)
from matchmaker.models.base import now
from matchmaker.services import (
    asking_rates,
    feedback,
    feedback_follow_up,
    indicators_loading,
    invitations,
    job_dating_guests,
    job_dating_pairs,
    job_datings,
    observatory,
)
from matchmaker.services.feedback import Said
from matchmaker.web.settings import mail_settings
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, UserFactory, venue
from tests.pages import forms, heading, words
from tests.web.test_job_dating_guests import participant
from tests.web.test_job_datings import host, place, published

__all__ = ["host", "place"]
PAIRS, GUESTS, PUBLIC = "/mes-job-datings/{}/rencontres", "/mes-job-datings/{}/invites", "/job-datings/{}"


@pytest.fixture(autouse=True)
def _application(app):
    """Rows are made in the transaction of the test."""


def draft(place, needs: int = 1, offers: int = 2) -> JobDating:
    """A draft to which the host added structures that never said yes to each other."""
    job_dating = JobDatingFactory(venue=place)
    for model, count, name in ((NeedFactory, needs, "Cantine"), (OfferFactory, offers, "Atelier")):
        for number in range(1, count + 1):
            organisation = OrganisationFactory(name=f"{name} {number}")
            model(organisation=organisation)
            job_dating_guests.add(job_dating, organisation)
    db.session.commit()
    return job_dating


def named(job_dating) -> set[frozenset[str]]:
    return {frozenset((one.match.need.organisation.name, one.match.offer.organisation.name)) for one in job_dating.planned}


def form_of(client, job_dating, **answers):
    page = client.get(PAIRS.format(job_dating.id) + "?tout=oui").text
    form = next(form for form in forms(page) if "meet" in form.choices)
    return page, form


def test_the_host_sees_what_the_announcements_propose_and_ticks_all_of_it(client, host, place):
    job_dating = draft(place)

    page, form = form_of(client, job_dating)
    response = client.post(PAIRS.format(job_dating.id), data=form.filled(), follow_redirects=True)

    assert heading(page) == "2 rencontres possibles"
    assert "Cantine 1 et Atelier 2" in words(page)
    assert "En commun : traiteur" in words(page)
    assert "Pour 3 structures sans entretien" in words(page)
    assert len(form.values["meet"]) == 2
    assert "2 rencontres sont ajoutées au plan." in words(response.text)
    db.session.expire_all()
    assert named(job_dating) == {frozenset(("Cantine 1", "Atelier 1")), frozenset(("Cantine 1", "Atelier 2"))}
    assert {one.match.status for one in job_dating.meetings} == {MatchStatus.PREVIEW}
    assert heading(client.get(PAIRS.format(job_dating.id)).text) == "Aucune autre rencontre possible"


def test_nothing_is_ticked_before_the_host_does_and_an_empty_answer_says_so(client, host, place):
    job_dating = draft(place)

    page = client.get(PAIRS.format(job_dating.id)).text
    response = client.post(PAIRS.format(job_dating.id), data={"version": job_dating.version})

    assert next(form for form in forms(page) if "meet" in form.choices).values.get("meet") is None
    assert response.status_code == 422
    assert "Cochez au moins une rencontre" in words(response.text)


def test_the_line_of_what_fits_follows_the_ticks_and_writes_nothing(client, host, place):
    job_dating = draft(place, offers=3)
    _page, form = form_of(client, job_dating)

    told = client.post(f"/mes-job-datings/{job_dating.id}/faisabilite", data=form.filled()).text
    none = client.post(f"/mes-job-datings/{job_dating.id}/faisabilite", data={"rencontres": "oui"}).text

    assert "3 entretiens, 3 tables, 3 tours : tout tient" in words(told)
    assert "entretiens au plus" in words(none)
    assert db.session.scalar(select(func.count()).select_from(Match)) == 0


def test_of_two_hosts_the_second_sees_that_the_plan_changed(client, host, place):
    job_dating = draft(place)
    _page, form = form_of(client, job_dating)
    client.post(PAIRS.format(job_dating.id), data=form.filled(meet=form.values["meet"][:1]))

    late = client.post(PAIRS.format(job_dating.id), data=form.filled(meet=form.values["meet"][1:]))

    assert late.status_code == 409
    assert "1 rencontre à ajouter" in words(late.text)
    db.session.expire_all()
    assert len(job_dating.meetings) == 1


@pytest.mark.parametrize("value", ["x", "", "1 2", "00000000-0000-4000-8000-000000000001 00000000-0000-4000-8000-000000000002", "😀 😀"])
def test_a_pair_that_is_none_of_these_is_refused(client, host, place, value):
    job_dating = draft(place)

    response = client.post(PAIRS.format(job_dating.id), data={"meet": value, "version": job_dating.version})

    assert response.status_code in {409, 422}
    db.session.expire_all()
    assert job_dating.meetings == []


def test_who_is_confidential_paused_refused_or_met_before_is_not_proposed(place):
    job_dating = draft(place, offers=4)
    offers = {name: participant(job_dating, name).organisation for name in ("Atelier 1", "Atelier 2", "Atelier 3")}
    need = db.session.scalars(select(Need)).one()
    for offer in db.session.scalars(select(Offer)):
        if offer.organisation is offers["Atelier 1"]:
            offer.status = Status.PAUSED
        elif offer.organisation is offers["Atelier 2"]:
            MatchFactory(need=need, offer=offer)
    buyer = participant(job_dating, "Cantine 1")
    buyer.wishes.append(Wish(organisation=offers["Atelier 3"], kind=WishKind.NOT_NOW))
    db.session.commit()

    assert [one.offer.organisation.name for one in job_dating_pairs.candidates(job_dating)] == ["Atelier 4"]


def test_what_is_planned_at_another_job_dating_is_not_proposed_here(place):
    job_dating = draft(place, offers=1)
    elsewhere = JobDatingFactory(venue=venue())
    for one in job_dating.participants:
        job_dating_guests.add(elsewhere, one.organisation)
    [found] = job_dating_pairs.candidates(elsewhere)
    job_dating_pairs.add(elsewhere, [found.ids], version=elsewhere.version)

    assert job_dating_pairs.candidates(job_dating) == []


def test_unticking_or_removing_a_structure_leaves_nothing_behind(client, host, place):
    job_dating = draft(place)
    _page, form = form_of(client, job_dating)
    client.post(PAIRS.format(job_dating.id), data=form.filled())
    db.session.expire_all()
    kept = next(one.match for one in job_dating.meetings if one.match.offer.organisation.name == "Atelier 1")

    choice = client.get(f"/mes-job-datings/{job_dating.id}/choix").text
    client.post(f"/mes-job-datings/{job_dating.id}/choix", data={"pairs": str(kept.id), "version": job_dating.version})

    assert "rencontre que vous proposez" in words(choice)
    db.session.expire_all()
    assert named(job_dating) == {frozenset(("Cantine 1", "Atelier 1"))}
    assert db.session.scalar(select(func.count()).select_from(Match)) == 1
    client.post(GUESTS.format(job_dating.id), data={"action": "remove", "structure": str(kept.offer.organisation_id)})
    assert db.session.scalar(select(func.count()).select_from(Match)) == 0


def test_a_pair_of_one_job_dating_is_no_pair_of_another(client, host, place):
    job_dating = draft(place)
    _page, form = form_of(client, job_dating)
    client.post(PAIRS.format(job_dating.id), data=form.filled())
    other = JobDatingFactory(venue=place, starts_at=job_dating.starts_at + timedelta(days=1))
    db.session.commit()

    assert "rencontre que vous proposez" not in words(client.get(f"/mes-job-datings/{other.id}/choix").text)
    job_datings.cancel(job_dating, settings=mail_settings())
    db.session.commit()
    assert "rencontre que vous proposez" not in words(client.get(f"/mes-job-datings/{other.id}/choix").text)


def test_the_invitation_tells_the_truth_about_who_brought_them_together(client, host, place):
    job_dating = draft(place)
    _page, form = form_of(client, job_dating)
    client.post(PAIRS.format(job_dating.id), data=form.filled())
    client.post(f"/mes-job-datings/{job_dating.id}/publication")

    mails = db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation")).all()
    assert len(mails) == 3
    told = [message_from_bytes(mail.message, policy=policy.default).get_body(("plain",)).get_content().replace("\u00a0", " ") for mail in mails]
    assert all("d’après vos annonces" in text and "a dit oui" not in text for text in told)


def test_who_asked_to_come_to_what_is_published_meets_somebody_and_only_those_concerned_are_told(client, place):
    job_dating = published(place, 1, is_registration_open=True)
    owner, asking = UserFactory(host=True, organisation=place.organisation), UserFactory(organisation=OrganisationFactory(name="Épicerie"))
    OfferFactory(organisation=asking.organisation)
    db.session.commit()
    client.sign_in(asking)
    before = words(client.get(PUBLIC.format(job_dating.id)).text)
    client.post(PUBLIC.format(job_dating.id) + "/inscription")
    asked = words(client.get(PUBLIC.format(job_dating.id)).text)
    client.sign_in(owner)
    client.post(GUESTS.format(job_dating.id), data={"action": "accept", "structure": str(asking.organisation.id)})
    guests = words(client.get(GUESTS.format(job_dating.id)).text)
    _page, form = form_of(client, job_dating)
    seats = {one.id: (one.round, one.table_id) for one in job_dating.planned}
    added = client.post(PAIRS.format(job_dating.id), data=form.filled(), follow_redirects=True)
    client.post(f"/mes-job-datings/{job_dating.id}/changements")

    assert "Vous pourriez rencontrer 1 structure attendue" in before
    assert "Picorée" not in before
    assert "Vous rencontrerez peut-être" in asked
    assert "1 structure n’a pas d’entretien : Épicerie." in guests
    assert "Publiez les changements" in words(added.text)
    db.session.expire_all()
    assert frozenset(("Picorée", "Épicerie")) in named(job_dating)
    assert {one.id: (one.round, one.table_id) for one in job_dating.planned if one.id in seats} == seats
    client.sign_in(asking)
    assert "Votre entretien" in words(client.get(PUBLIC.format(job_dating.id)).text)


def test_who_waits_without_a_meeting_is_let_in_with_one(client, host, place):
    job_dating = published(place, 1)
    waiting = OrganisationFactory(name="Épicerie")
    OfferFactory(organisation=waiting)
    job_dating.participants.append(Participant(organisation=waiting, state=ParticipantState.WAITING, waiting_since=now()))
    db.session.commit()
    _page, form = form_of(client, job_dating)

    client.post(PAIRS.format(job_dating.id), data=form.filled())

    db.session.expire_all()
    assert participant(job_dating, "Épicerie").state == "invited"
    assert frozenset(("Picorée", "Épicerie")) in named(job_dating)


def test_two_who_want_to_meet_again_are_from_then_on_two_who_said_yes(session, place):
    job_dating = draft(place, offers=1)
    job_dating_pairs.add(job_dating, [one.ids for one in job_dating_pairs.candidates(job_dating)], version=job_dating.version)
    job_datings.publish(job_dating, settings=mail_settings())
    for one in invitations.invitations_of(job_dating):
        invitations.answer(one, Answer.ACCEPTED, channel=Channel.LINK)
    [meeting] = job_dating.meetings
    session.commit()

    def say(name: str, said: Said) -> bool:
        return feedback_follow_up.agree(feedback.say(participant(job_dating, name), meeting.id, said), settings=mail_settings())

    with time_machine.travel(job_dating.ends_at, tick=False):
        assert [say("Cantine 1", Said.USEFUL), say("Cantine 1", Said.AGAIN)] == [False, False]
        assert meeting.match.is_mutual is False
        assert [say("Atelier 1", Said.NEXT_STEP), say("Atelier 1", Said.USEFUL)] == [True, False]

    assert meeting.match.is_mutual
    assert {one.status for one in meeting.match.proposals} == {ProposalStatus.ACCEPTED}
    assert session.scalar(select(func.count()).select_from(OutboxMail).where(OutboxMail.kind == "mutual_yes")) == 2
    # one mutual yes more, and no proposal: none was sent
    day = job_dating.ends_at.date()
    told = indicators_loading.world(day - timedelta(days=1), day)
    assert (len(told.asked), len(told.paired)) == (0, 1)
    assert session.execute(asking_rates.newest_answers()).all() == []
    figures = observatory.figures()
    assert (figures.proposals, figures.answered, figures.mutual) == (0, 0, 1)


def test_only_who_runs_it_and_before_it_begins(client, host, place):
    foreign, job_dating = JobDatingFactory(venue=venue()), draft(place)

    assert client.get(PAIRS.format(foreign.id)).status_code == 404
    assert client.post(PAIRS.format(foreign.id), data={"meet": "x"}).status_code == 404
    with time_machine.travel(job_dating.starts_at + timedelta(minutes=1), tick=False):
        client.sign_in(host)
        assert client.get(PAIRS.format(job_dating.id)).status_code == 302


def test_the_page_asks_no_more_questions_for_more_structures(client, host, place, queries):
    few, many = draft(place, 1, 2), draft(place, 3, 4)
    counts = []
    for job_dating in (few, many):
        queries.clear()
        assert client.get(PAIRS.format(job_dating.id)).status_code == 200
        counts.append(len(queries))

    assert counts[1] <= counts[0]


def test_who_met_is_proposed_again_only_when_one_of_them_wants_to(session, place):
    job_dating = draft(place, offers=2)
    job_dating_pairs.add(job_dating, [one.ids for one in job_dating_pairs.candidates(job_dating)], version=job_dating.version)
    job_datings.publish(job_dating, settings=mail_settings())
    again = next(one for one in job_dating.meetings if one.match.offer.organisation.name == "Atelier 2")
    following = JobDatingFactory(venue=place, starts_at=job_dating.starts_at + timedelta(days=30))
    session.commit()

    with time_machine.travel(job_dating.ends_at + timedelta(hours=1), tick=False):
        for one in job_dating.participants:
            job_dating_guests.add(following, one.organisation)
        assert job_dating_pairs.candidates(following) == []
        feedback.say(participant(job_dating, "Atelier 2"), again.id, Said.AGAIN)
        assert [one.offer.organisation.name for one in job_dating_pairs.candidates(following)] == ["Atelier 2"]
        wish = Wish(organisation=participant(job_dating, "Atelier 1").organisation, kind=WishKind.MEET)
        participant(following, "Cantine 1").wishes.append(wish)
        session.flush()
        assert {one.offer.organisation.name for one in job_dating_pairs.candidates(following)} == {"Atelier 1", "Atelier 2"}
