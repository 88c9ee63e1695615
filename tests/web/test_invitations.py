"""The page behind an invitation's link."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from matchmaker.extensions import db
from matchmaker.models import Answer, Invitation, InvitationAnswer, JobDatingStatus
from matchmaker.services import appointments, invitations
from tests.services.test_invitations import published


@pytest.fixture
def invitation(session):
    return published(matches=2)[1][0]


@pytest.fixture
def path(app, invitation):
    return f"/invitations/{invitations.token(invitation, app.config['SECRET_KEY'])}"


def answer_of(invitation) -> Answer | None:
    return db.session.scalar(select(Invitation.answer).where(Invitation.id == invitation.id))


def traces() -> int:
    return db.session.scalar(select(func.count()).select_from(InvitationAnswer))


def checked(page: str) -> list[str]:
    return re.findall(r'<input checked[^>]*value="([^"]+)"', page)


@pytest.mark.parametrize("method", ["get", "head"])
def test_following_a_link_changes_nothing_even_when_it_names_an_answer(client, invitation, path, method, queries):
    response = getattr(client, method)(f"{path}?reponse=oui")

    assert response.status_code == 200
    assert answer_of(invitation) is None
    assert traces() == 0
    assert not [query for query in queries if not query.lstrip().upper().startswith("SELECT")]


@pytest.mark.parametrize(
    ("query", "choice"), [("", []), ("?reponse=oui", ["oui"]), ("?reponse=peut-etre", ["peut-etre"]), ("?reponse=non", ["non"]), ("?reponse=<x>", [])]
)
def test_the_link_that_was_followed_chooses(client, path, query, choice):
    page = client.get(path + query).text

    assert checked(page) == choice
    assert "<x>" not in page


def test_the_page_says_when_where_and_with_whom(client, invitation, path):
    page = client.get(path).text

    partners = [one.partner for one in appointments.of(invitation.job_dating)[invitation.organisation_id]]
    assert invitation.organisation.name in page
    assert invitation.job_dating.venue.name in page
    assert partners
    assert all(declaration.organisation.name in page for declaration in partners)


@pytest.mark.parametrize(("choice", "meaning"), [("oui", Answer.ACCEPTED), ("peut-etre", Answer.TENTATIVE), ("non", Answer.DECLINED)])
def test_the_button_records_and_the_page_says_so(client, invitation, path, choice, meaning):
    response = client.post(path, data={"reponse": choice})
    after = client.get(path).text

    assert (response.status_code, response.location) == (302, path)
    assert answer_of(invitation) is meaning
    assert checked(after) == [choice]
    assert "est noté" in after


def test_one_may_change_until_the_deadline(client, invitation, path):
    client.post(path, data={"reponse": "oui"})
    client.post(path, data={"reponse": "oui"})
    client.post(path, data={"reponse": "non"})

    assert answer_of(invitation) is Answer.DECLINED
    assert traces() == 2


@pytest.mark.parametrize("data", [{}, {"reponse": ""}, {"reponse": "accepted"}])
def test_no_answer_is_asked_for_again(client, invitation, path, data):
    response = client.post(path, data=data)

    assert response.status_code == 422
    assert answer_of(invitation) is None
    assert 'role="alert"' in response.text


@pytest.mark.parametrize("token", ["x", "W10.x", "%00", "a" * 3000])
def test_a_link_that_we_did_not_sign_leads_nowhere(client, token):
    assert client.get(f"/invitations/{token}").status_code == 404
    assert client.post(f"/invitations/{token}", data={"reponse": "oui"}).status_code == 404


def test_one_altered_letter_is_enough(client, invitation, path):
    for place in range(len("/invitations/"), len(path), 3):
        altered = path[:place] + ("A" if path[place] != "A" else "B") + path[place + 1 :]
        assert client.post(altered, data={"reponse": "oui"}).status_code == 404

    assert answer_of(invitation) is None


@pytest.mark.parametrize("method", ["get", "post"])
def test_after_the_deadline_the_page_says_whom_to_tell(client, invitation, path, method):
    invitation.job_dating.venue.territory.contact_email = "orne@animation.test"
    db.session.commit()

    with time_machine.travel(invitation.answer_by + timedelta(seconds=1), tick=False):
        response = getattr(client, method)(path, data={"reponse": "oui"} if method == "post" else None)

    assert response.status_code == 410
    assert "Le temps de répondre est passé" in response.text
    assert "mailto:orne@animation.test" in response.text
    assert answer_of(invitation) is None


def test_a_cancelled_job_dating_says_not_to_come(client, invitation, path):
    invitation.job_dating.status = JobDatingStatus.CANCELLED
    db.session.commit()

    response = client.post(path, data={"reponse": "oui"})

    assert response.status_code == 410
    assert "Ne vous déplacez pas" in response.text
    assert answer_of(invitation) is None


def test_an_older_link_points_to_the_newer_mail(client, invitation, path):
    invitation.token_version = 2
    db.session.commit()

    response = client.get(path)

    assert response.status_code == 410
    assert "plus récent" in response.text


def test_the_address_is_kept_from_other_sites_engines_and_caches(client, path):
    for response in (client.get(path), client.post(path, data={"reponse": "oui"}), client.get("/invitations/x")):
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert response.headers["Cache-Control"] == "no-store"


def test_a_form_that_is_not_ours_records_nothing(app, client, invitation, path, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)

    # Over HTTPS and without a Referer, as browsers send it from this page.
    site = {"base_url": "https://croisee.test"}
    refused = client.post(path, data={"reponse": "oui"}, **site)
    forged = client.post(path, data={"reponse": "oui", "csrf_token": "x"}, **site)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path, **site).text)[1]
    taken = client.post(path, data={"reponse": "oui", "csrf_token": token}, **site)

    assert (refused.status_code, forged.status_code, taken.status_code) == (400, 400, 302)
    assert traces() == 1


def test_the_page_asks_the_database_as_often_for_many_meetings_as_for_one(client, app, queries):
    def count(matches: int) -> int:
        job_dating, invited = published(matches=matches)
        hosts = {meeting.match.need.organisation_id for meeting in job_dating.meetings}
        host = next(one for one in invited if one.organisation_id in hosts)
        address = f"/invitations/{invitations.token(host, app.config['SECRET_KEY'])}"
        db.session.commit()
        db.session.remove()
        queries.clear()
        assert client.get(address).status_code == 200
        return len(queries)

    assert count(1) == count(3)
