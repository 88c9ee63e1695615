"""The pages that change what is published: first what it does and to whom, then the button that does it."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Answer, Channel, Invitation, JobDating, OutboxMail
from matchmaker.services import invitations, job_datings
from tests.factories import MatchFactory, OrganisationFactory, UserFactory, venue
from tests.pages import forms, heading, words
from tests.services.test_invitations import send_all
from tests.services.test_job_dating_moves import move
from tests.web.test_job_datings import PLAN, host, place, planned, published, typed

MOVE, MEETINGS = "/mes-job-datings/{}/deplacer", "/mes-job-datings/{}/entretiens"
__all__ = ["host", "place"]


@pytest.fixture
def job_dating(place) -> JobDating:
    made = published(place, 2)
    send_all()
    db.session.commit()
    return made


def mails() -> int:
    return db.session.scalar(select(func.count()).select_from(OutboxMail))


def filled(client, address: str, **answers: object) -> dict[str, list[str]]:
    """The page's form as it is shown, with these answers changed."""
    return next(form for form in forms(client.get(address).text) if "version" in form.values).filled(**answers)


def confirmed(page: str) -> dict[str, list[str]]:
    return next(form for form in forms(page) if "confirmed" in form.values).values


def test_the_first_button_shows_before_and_after_and_who_is_told_and_changes_nothing(client, host, job_dating):
    address, before = MOVE.format(job_dating.id), mails()
    old = job_dating.starts_at

    page = client.post(address, data=filled(client, address, held_on=f"{old + timedelta(days=7):%Y-%m-%d}", title="Un autre titre"))

    assert page.status_code == 200
    assert heading(page.text) == "Déplacer le job dating ?"
    text = words(page.text)
    assert "3 structures recevront une mise à jour de leur agenda." in text
    assert "Un autre titre" in text
    assert job_dating.title in text
    db.session.expire_all()
    assert (mails(), job_dating.starts_at, job_dating.version) == (before, old, 2)


def test_the_second_button_does_it_once(client, host, job_dating, nudged):
    address = MOVE.format(job_dating.id)
    old, before = job_dating.starts_at, mails()
    shown = client.post(address, data=filled(client, address, held_on=f"{old + timedelta(days=7):%Y-%m-%d}"))

    done = client.post(address, data=confirmed(shown.text))
    told = words(client.get(done.location).text)
    again = client.post(address, data=confirmed(shown.text))

    assert (done.status_code, done.location) == (302, PLAN.format(job_dating.id))
    assert "3 structures sont prévenues par courriel." in told
    db.session.expire_all()
    assert (mails() - before, job_dating.starts_at, job_dating.version) == (3, old + timedelta(days=7), 3)
    assert nudged == [("tasks.outbox.drain",)]
    assert again.status_code == 409


def test_changing_nothing_says_so(client, host, job_dating):
    address, before = MOVE.format(job_dating.id), mails()

    page = client.post(address, data=filled(client, address), follow_redirects=True)

    assert "Vous n’avez rien changé." in page.text
    assert mails() == before


def test_two_editors_see_both_versions_and_either_can_be_kept(client, host, job_dating):
    address = MOVE.format(job_dating.id)
    mine = filled(client, address, title="Ma version")
    theirs = client.post(address, data=filled(client, address, title="Leur version"))
    client.post(address, data=confirmed(theirs.text))

    conflict = client.post(address, data=mine | {"confirmed": "y"})

    assert conflict.status_code == 409
    assert "Ma version" in conflict.text
    assert "Leur version" in conflict.text
    resent = next(form for form in forms(conflict.text) if "version" in form.values).values
    shown = client.post(address, data=resent)
    assert client.post(address, data=confirmed(shown.text)).status_code == 302
    db.session.expire_all()
    assert job_dating.title == "Ma version"


def test_a_draft_has_the_same_conflict(client, host, place):
    draft = planned(place)
    address = f"/mes-job-datings/{draft.id}/modifier"
    mine, theirs = filled(client, address, title="Ma version"), filled(client, address, title="Leur version", break_minutes="0")
    client.post(address, data=theirs)

    conflict = client.post(address, data=mine)

    assert conflict.status_code == 409
    assert "0 minute, après 4" in words(conflict.text)
    resent = next(form for form in forms(conflict.text) if "version" in form.values).values
    assert client.post(address, data=resent).status_code == 302
    db.session.expire_all()
    assert (draft.title, draft.break_minutes) == ("Ma version", 15)


def test_a_place_that_is_taken_is_told_and_what_was_typed_is_kept(client, host, place, job_dating):
    other = published(place, 1, starts_at=job_dating.starts_at + timedelta(days=7), title="Celui d’après")
    address, before = MOVE.format(job_dating.id), mails()

    page = client.post(address, data=filled(client, address, held_on=f"{other.starts_at:%Y-%m-%d}", title="Titre gardé"))

    assert page.status_code == 422
    assert "accueille déjà « Celui d’après »" in words(page.text)
    assert "Titre gardé" in page.text
    assert mails() == before


def test_only_a_venue_in_ones_hands_can_be_chosen(client, host, place, job_dating):
    address = MOVE.format(job_dating.id)
    mine, foreign = venue(host.organisation, tables=5), venue(OrganisationFactory())
    mine.name = "La Filature"
    db.session.commit()

    assert client.post(address, data=filled(client, address, venue_id=foreign.id)).status_code == 422
    shown = client.post(address, data=filled(client, address, venue_id=mine.id))
    assert "La Filature, Flers" in words(shown.text)
    client.post(address, data=confirmed(shown.text))
    db.session.expire_all()
    assert job_dating.venue_id == mine.id


def test_meetings_are_changed_the_same_way(client, host, job_dating):
    new, address, before = MatchFactory(mutual=True), MEETINGS.format(job_dating.id), mails()
    db.session.commit()
    kept, removed = job_dating.meetings[0].match, job_dating.meetings[1].match
    gone = removed.offer.organisation

    shown = client.post(address, data=filled(client, address, pairs=[kept.id, new.id]))
    text = words(shown.text)
    assert "1 structure recevra une mise à jour" in text
    assert "2 structures recevront une invitation" in text
    assert f"1 structure n’est plus attendue et recevra une annulation. {gone.name}" in text
    assert mails() == before
    client.post(address, data=confirmed(shown.text))

    db.session.expire_all()
    assert {meeting.match_id for meeting in job_dating.meetings} == {kept.id, new.id}
    assert mails() - before == 4
    page = words(client.get(PLAN.format(job_dating.id)).text)
    assert gone.name not in page


def test_meetings_that_two_change_are_shown_as_both_want_them(client, host, job_dating):
    address = MEETINGS.format(job_dating.id)
    first, second = (meeting.match for meeting in job_dating.meetings)
    mine = filled(client, address, pairs=[first.id])
    client.post(address, data=confirmed(client.post(address, data=filled(client, address, pairs=[second.id])).text))

    conflict = client.post(address, data=mine)

    assert conflict.status_code == 409
    assert f"et {first.offer.organisation.name} se rencontrent ne se rencontrent pas" in words(conflict.text)


@pytest.mark.parametrize("pairs", [[], ["x"]])
def test_a_choice_of_nothing_is_told(client, host, job_dating, pairs):
    address = MEETINGS.format(job_dating.id)

    assert client.post(address, data=filled(client, address, pairs=pairs)).status_code == 422


def test_the_planner_leads_there_until_it_begins(client, host, job_dating):
    addresses = [MOVE.format(job_dating.id), MEETINGS.format(job_dating.id)]

    page = client.get(PLAN.format(job_dating.id)).text
    assert all(address in page for address in addresses)
    with time_machine.travel(job_dating.starts_at + timedelta(minutes=1), tick=False):
        client.sign_in(host)
        assert not any(address in client.get(PLAN.format(job_dating.id)).text for address in addresses)
        for address in addresses:
            assert "Ce job dating a commencé." in client.get(address, follow_redirects=True).text


def test_a_draft_is_changed_elsewhere(client, host, place):
    draft = planned(place)

    for address in (MOVE, MEETINGS):
        assert client.get(address.format(draft.id)).location == PLAN.format(draft.id)


@pytest.mark.parametrize("address", [MOVE, MEETINGS])
def test_it_is_nobody_elses(client, job_dating, place, address):
    stranger = UserFactory(host=True)
    db.session.commit()
    client.sign_in(stranger)

    assert client.get(address.format(job_dating.id)).status_code == 404
    assert client.post(address.format(job_dating.id), data=typed(place)).status_code == 404


def test_an_answer_for_another_day_is_asked_again_on_its_page_and_marked_in_the_plan(app, client, host, job_dating):
    invitation = db.session.scalars(select(Invitation)).first()
    invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)
    db.session.commit()
    address = MOVE.format(job_dating.id)
    shown = client.post(address, data=filled(client, address, held_on=f"{job_dating.starts_at + timedelta(days=7):%Y-%m-%d}"))
    assert "chacun est invité à les confirmer" in words(shown.text)
    client.post(address, data=confirmed(shown.text))
    link = f"/invitations/{invitations.token(invitation, app.config['SECRET_KEY'])}"

    assert "est-ce toujours d’accord ?" in words(client.get(link).text)
    assert "vient, à confirmer" in words(client.get(PLAN.format(job_dating.id)).text)
    client.post(link, data={"reponse": "oui"})
    assert "est-ce toujours" not in client.get(link).text
    assert "à confirmer" not in client.get(PLAN.format(job_dating.id)).text


def test_who_is_not_expected_any_more_reads_so(app, client, job_dating):
    invitation = invitations.invitation_to(job_dating, job_dating.meetings[0].match.offer.organisation)
    link = f"/invitations/{invitations.token(invitation, app.config['SECRET_KEY'])}"
    move(job_dating, matches=[job_dating.meetings[1].match])
    db.session.commit()

    response = client.get(link)
    assert response.status_code == 410
    assert heading(response.text) == "Vous n’êtes plus attendus à ce job dating"


def test_pages_take_as_many_queries_for_eight_meetings_as_for_two(client, host, place, queries):
    counts = []
    for meetings in (2, 8):
        made = published(place, meetings, starts_at=job_datings.now() + timedelta(days=30 + meetings))
        for address in (MOVE, MEETINGS):
            queries.clear()
            assert client.get(address.format(made.id)).status_code == 200
            counts.append(len(queries))

    assert counts[:2] == counts[2:]
