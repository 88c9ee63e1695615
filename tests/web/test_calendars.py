"""Calendars to subscribe to, and answers of calendars that wait for who is in charge."""

from datetime import timedelta
from uuid import uuid4

import icalendar
import pytest
import vobject
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import Answer, CalendarReply, Channel, Invitation, ReplyStatus
from matchmaker.services import calendar_feeds, incoming, invitations, job_datings
from matchmaker.web.settings import mail_settings
from tests.factories import OrganisationFactory, UserFactory, venue
from tests.pages import forms, words
from tests.services.test_calendar_replies import reply
from tests.services.test_job_dating_moves import move
from tests.web.test_job_datings import PLAN, host, place, planned, published

__all__ = ["host", "place"]


def path(app, owner) -> str:
    return f"/agenda/{calendar_feeds.token(owner, app.config['SECRET_KEY'])}.ics"


def events(text: str) -> list:
    """What two parsers agree that a calendar holds; the lines are checked on the way."""
    raw = text.encode()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert "METHOD" not in text
    found = icalendar.Calendar.from_ical(text).walk("VEVENT")
    others = vobject.readOne(text).contents.get("vevent", [])
    assert [str(one["uid"]) for one in found] == [one.uid.value for one in others]
    return found


@pytest.fixture
def job_dating(place):
    return published(place, 2)


@pytest.fixture
def member(job_dating):
    user = UserFactory(organisation=job_dating.meetings[0].match.need.organisation)
    db.session.commit()
    return user


def test_a_person_reads_their_meetings_with_hours_and_tables(app, client, job_dating, member):
    response = client.get(path(app, member))

    (event,) = events(response.text)
    assert response.content_type == "text/calendar; charset=utf-8"
    assert event.decoded("dtstart") == job_dating.starts_at
    assert str(event["summary"]) == job_dating.title
    assert str(event["status"]) == "TENTATIVE"
    assert "Atelier 1" in event["description"]
    assert "table" in event["description"]
    assert str(event["url"]) == f"http://croisee.test/job-datings/{job_dating.id}"


def test_an_answer_changes_what_is_read(app, client, job_dating, member):
    invitation = invitations.invitation_to(job_dating, member.organisation)
    invitations.answer(invitation, Answer.ACCEPTED, channel=Channel.LINK)
    db.session.commit()
    assert str(events(client.get(path(app, member)).text)[0]["status"]) == "CONFIRMED"

    invitations.answer(invitation, Answer.DECLINED, channel=Channel.LINK)
    db.session.commit()
    assert events(client.get(path(app, member)).text) == []


def test_what_is_cancelled_or_not_published_or_somebody_elses_is_not_in_it(app, client, place, job_dating, member):
    stranger, owner = UserFactory(), UserFactory(host=True, organisation=place.organisation)
    planned(place, 1, title="Brouillon")
    db.session.commit()
    assert events(client.get(path(app, stranger)).text) == []
    assert [str(one["summary"]) for one in events(client.get(path(app, owner)).text)] == [job_dating.title]

    job_datings.cancel(job_dating, settings=mail_settings())
    db.session.commit()
    assert events(client.get(path(app, owner)).text) == events(client.get(path(app, member)).text) == []


def test_a_guest_who_was_removed_reads_it_no_more(app, client, job_dating):
    guest = job_dating.meetings[0].match.offer.organisation
    user = UserFactory(organisation=guest)
    move(job_dating, matches=[job_dating.meetings[1].match])
    db.session.commit()

    assert events(client.get(path(app, user)).text) == []


def test_a_venue_shows_its_bookings_and_names_no_guest(app, client, place, job_dating):
    text = client.get(path(app, place)).text

    (event,) = events(text)
    assert "3 structures" in str(event["description"]).replace("\u00a0", " ")
    assert "Picorée" not in text
    assert "Le Palonnier" in text


def test_an_animator_reads_the_territory_and_an_administrator_nothing(app, client, job_dating):
    animator, admin = UserFactory(animator=True), UserFactory(admin=True)
    db.session.commit()

    assert len(events(client.get(path(app, animator)).text)) == 1
    assert events(client.get(path(app, admin)).text) == []


def test_the_same_is_not_sent_twice(app, client, job_dating, member):
    first = client.get(path(app, member))
    again = client.get(path(app, member), headers={"If-None-Match": first.headers["ETag"]})
    later = client.get(path(app, member), headers={"If-Modified-Since": first.headers["Last-Modified"]})

    assert first.headers["Cache-Control"] == "private, max-age=300"
    assert (again.status_code, later.status_code, again.data) == (304, 304, b"")
    assert client.get(path(app, member)).data == first.data

    job_dating.title = "Autre titre"
    db.session.commit()
    assert client.get(path(app, member), headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_an_altered_address_leads_nowhere(app, client, member):
    address = path(app, member)
    for at in range(len("/agenda/"), len(address) - len(".ics"), 2):
        altered = address[:at] + ("A" if address[at] != "A" else "B") + address[at + 1 :]
        assert client.get(altered).status_code == 404
    for token in ("x", "W10.x", "%00", "a" * 3000, f"{uuid4()}"):
        assert client.get(f"/agenda/{token}.ics").status_code == 404


def test_the_address_is_kept_from_other_sites_and_engines(app, client, member):
    for response in (client.get(path(app, member)), client.get("/agenda/x.ics")):
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "private" in response.headers["Cache-Control"]


def test_a_closed_account_reads_nothing(app, client, member):
    address = path(app, member)
    member.is_active = False
    db.session.commit()

    assert client.get(address).status_code == 404


def test_a_demo_account_reads_nothing_elsewhere(app, client, member, monkeypatch):
    member.is_demo = True
    db.session.commit()
    monkeypatch.setitem(app.config, "DEMO", False)

    assert client.get(path(app, member)).status_code == 404


def test_the_account_page_shows_the_address_and_renews_it(app, client, member):
    client.sign_in(member)
    old = path(app, member)
    page = client.get("/compte").text
    assert f"http://croisee.test{old}" in page
    assert f'href="webcal://croisee.test{old}"' in page

    response = client.post("/compte/agenda")

    assert (response.status_code, response.location) == (302, "/compte")
    assert client.get(old).status_code == 404
    db.session.refresh(member)
    assert client.get(path(app, member)).status_code == 200
    assert path(app, member) in client.get("/compte").text


def test_the_venue_page_does_the_same_for_who_runs_it(app, client, host, place):
    old = path(app, place)
    assert old in client.get(f"/lieux/{place.id}").text

    assert client.post(f"/lieux/{place.id}/agenda").location == f"/lieux/{place.id}"

    assert client.get(old).status_code == 404
    assert client.post(f"/lieux/{venue(OrganisationFactory()).id}/agenda").status_code == 404


def test_a_feed_takes_as_many_queries_for_many_meetings_as_for_few(app, client, place, queries):
    counts = []
    for meetings in (2, 6):
        made = published(place, meetings, starts_at=job_datings.now() + timedelta(days=10 * meetings))
        user = UserFactory(organisation=made.meetings[0].match.need.organisation)
        db.session.commit()
        address = path(app, user)
        db.session.expire_all()
        queries.clear()
        assert client.get(address).status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.fixture
def waiting(host, job_dating) -> CalendarReply:
    invitation = db.session.scalars(select(Invitation).where(Invitation.job_dating_id == job_dating.id)).first()
    incoming.take(reply(invitation, results=None), trusted="mx.croisee.test")
    db.session.commit()
    return db.session.scalars(select(CalendarReply)).one()


def test_an_answer_that_nobody_vouches_for_is_shown_and_noted_by_a_button(client, host, job_dating, waiting):
    page = client.get(PLAN.format(job_dating.id)).text
    assert "1 réponse à vérifier" in words(page)
    assert f"Pour {waiting.invitation.organisation.name} : oui" in words(page)
    action = next(form.action for form in forms(page) if form.action.endswith("/noter"))

    done = client.post(action, follow_redirects=True).text
    again = client.post(action, follow_redirects=True).text

    assert "est notée" in done
    assert "déjà traitée" in again
    db.session.expire_all()
    assert (waiting.status, waiting.invitation.answer) == (ReplyStatus.APPLIED, Answer.ACCEPTED)
    assert "à vérifier" not in words(client.get(PLAN.format(job_dating.id)).text)


def test_or_set_aside(client, host, job_dating, waiting):
    action = next(form.action for form in forms(client.get(PLAN.format(job_dating.id)).text) if form.action.endswith("/ecarter"))

    client.post(action)

    db.session.expire_all()
    assert (waiting.status, waiting.invitation.answer) == (ReplyStatus.DISMISSED, None)


def test_nobody_else_settles_it_and_not_under_another_job_dating(client, host, place, job_dating, waiting):
    other = published(place, 1, starts_at=job_dating.starts_at + timedelta(days=7))
    assert client.post(f"/mes-job-datings/{other.id}/reponses/{waiting.id}/noter").status_code == 404
    stranger = UserFactory(host=True)
    db.session.commit()
    client.sign_in(stranger)

    assert client.post(f"/mes-job-datings/{job_dating.id}/reponses/{waiting.id}/noter").status_code == 404
