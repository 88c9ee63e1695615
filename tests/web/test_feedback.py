"""A minute behind the personal link, and the results for who is in charge."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine

from matchmaker.extensions import db
from matchmaker.models import Feedback, JobDatingStatus, MeetingStatus
from matchmaker.services import feedback, participant_links
from matchmaker.services.feedback import Said
from tasks.feedback import thank
from tests.factories import UserFactory, venue
from tests.pages import forms, heading, words
from tests.services.test_feedback import held, meeting_between, participant_of, structures, thanked


@pytest.fixture
def world(app):
    host = UserFactory(host=True)
    buyer, first, second = structures(3)
    first.name = "=1+1 Picorée"
    job_dating = held((buyer, first), (buyer, second), place=venue(host.organisation))
    db.session.commit()
    return host, job_dating, buyer, first


def page_of(app, job_dating, organisation):
    token = participant_links.token_of(participant_of(job_dating, organisation), app.config["SECRET_KEY"])
    return f"/jour/{token}/retour"


def test_one_tap_one_answer_without_account_or_cookie(app, world):
    _host, job_dating, buyer, first = world
    path = page_of(app, job_dating, buyer)
    with time_machine.travel(job_dating.ends_at, tick=False):
        client = app.test_client(use_cookies=False)
        shown = client.get(path)
        form = next(form for form in forms(shown.text) if form.values["meeting"] == [str(meeting_between(job_dating, buyer, first).id)])
        tapped = client.post(path, data=form.filled(said="useful"))
        after = client.get(path)

    assert heading(shown.text) == "Qu’ont donné vos entretiens ?"
    assert (tapped.status_code, tapped.location.partition("#")[0]) == (302, path)
    assert db.session.query(Feedback).one().is_useful is True
    assert after.text.count('aria-pressed="true"') == 1
    assert (after.headers["Referrer-Policy"], after.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_before_and_long_after_the_page_says_when_it_is_open(app, client, world):
    _host, job_dating, buyer, _first = world
    path = page_of(app, job_dating, buyer)

    early = client.get(path)
    with time_machine.travel(job_dating.ends_at + timedelta(days=15), tick=False):
        late = client.get(path)

    assert (early.status_code, late.status_code) == (410, 410)
    assert "pas encore commencé" in words(early.text)
    assert "plus de deux semaines" in words(late.text)


@pytest.mark.parametrize(
    "typed", [{"said": "everything"}, {"said": ""}, {"meeting": "x"}, {"csrf_token": "x"}, {"meeting": "00000000-0000-4000-8000-000000000000"}]
)
def test_a_tap_that_is_none_of_ours_changes_nothing(app, client, world, typed):
    app.config["WTF_CSRF_ENABLED"] = True
    _host, job_dating, buyer, _first = world
    path = page_of(app, job_dating, buyer)
    try:
        with time_machine.travel(job_dating.ends_at, tick=False):
            form = forms(client.get(path).text)[0]
            answer = client.post(path, data=form.filled(said="useful") | {name: [value] for name, value in typed.items()})
    finally:
        app.config["WTF_CSRF_ENABLED"] = False

    assert answer.status_code in {400, 404}
    assert db.session.query(Feedback).count() == 0


def test_a_false_link_is_not_there(client):
    assert client.get("/jour/inconnu/retour").status_code == 404


def test_the_results_are_the_hosts_and_the_animators_and_nobody_elses(app, client, world):
    host, job_dating, buyer, first = world
    path = f"/mes-job-datings/{job_dating.id}/bilan"
    with time_machine.travel(job_dating.ends_at, tick=False):
        feedback.say(participant_of(job_dating, buyer), meeting_between(job_dating, buyer, first).id, Said.NEXT_STEP)
        db.session.commit()
        client.sign_in(host)
        shown = client.get(path)
        client.sign_in(UserFactory(animator=True))
        animators = client.get(path)
        client.sign_in(UserFactory(host=True))
        others = client.get(path)

    assert heading(shown.text) == "2 entretiens tenus sur 2"
    assert "suite convenue" in words(shown.text)
    assert (animators.status_code, others.status_code) == (200, 404)


def test_before_the_day_there_is_nothing_to_count(client, world):
    host, job_dating, _buyer, _first = world
    client.sign_in(host)

    assert heading(client.get(f"/mes-job-datings/{job_dating.id}/bilan").text) == "Le bilan viendra après la rencontre"
    job_dating.status = JobDatingStatus.CANCELLED
    db.session.commit()
    assert heading(client.get(f"/mes-job-datings/{job_dating.id}/bilan").text) == "Le bilan viendra après la rencontre"


def test_a_meeting_that_was_missed_and_lost_its_place_has_a_line_without_an_hour(client, world):
    host, job_dating, buyer, first = world
    missed = meeting_between(job_dating, buyer, first)
    missed.status, missed.round, missed.table = MeetingStatus.MISSED, None, None
    db.session.commit()
    client.sign_in(host)

    lines = list(csv.DictReader(io.StringIO(client.get(f"/mes-job-datings/{job_dating.id}/bilan.csv").data.decode("utf-8-sig")), delimiter=";"))

    assert [(line["heure"], line["tenu"]) for line in lines if "Picorée" in line["offre"]] == [("", "non")]


def test_the_file_has_a_line_for_each_meeting_and_no_formula(client, world):
    host, job_dating, buyer, first = world
    client.sign_in(host)
    with time_machine.travel(job_dating.ends_at, tick=False):
        feedback.say(participant_of(job_dating, first), meeting_between(job_dating, buyer, first).id, Said.USEFUL)
        db.session.commit()
        client.sign_in(host)
        answer = client.get(f"/mes-job-datings/{job_dating.id}/bilan.csv")

    assert answer.mimetype == "text/csv"
    lines = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert len(lines) == 2
    theirs = next(line for line in lines if "Picorée" in line["offre"])
    assert theirs["offre"] == "'=1+1 Picorée"
    assert (theirs["tenu"], theirs["utile (besoin)"], theirs["utile (offre)"], theirs["suite convenue"]) == ("oui", "", "oui", "non")


def test_the_task_thanks_once_and_the_link_of_the_mail_opens_the_page(app, client, world, nudged):
    _host, job_dating, _buyer, _first = world
    with time_machine.travel(job_dating.ends_at + timedelta(days=1), tick=False):
        thank()
        thank()

    assert len(thanked()) == 3
    assert nudged == [("tasks.outbox.drain",)]
