"""The page of somebody who takes part, on the day."""

from datetime import timedelta

import pytest
from flask import Flask

from matchmaker.extensions import db
from matchmaker.models import JobDating, Organisation, Participant
from matchmaker.models.base import now
from matchmaker.services import job_datings, participant_links
from matchmaker.web.settings import mail_settings
from tests.conftest import Client
from tests.factories import JobDatingFactory, MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, venue
from tests.pages import words


def morning(*, starts_in: timedelta = timedelta(minutes=10)) -> tuple[JobDating, Organisation]:
    """A published job dating of three meetings of one buyer, that begins soon."""
    buyer = OrganisationFactory(name="Picorée")
    dating = JobDatingFactory(venue=venue(tables=3), starts_at=now() + timedelta(days=3), welcome_minutes=0, break_after_round=1)
    matches = [MatchFactory(mutual=True, need=NeedFactory(organisation=buyer, title=f"Besoin {k}"), offer=OfferFactory()) for k in range(3)]
    job_datings.choose(dating, matches)
    job_datings.publish(dating, settings=mail_settings())
    dating.starts_at = now() + starts_in
    dating.ends_at = dating.starts_at + timedelta(hours=3)
    db.session.commit()
    return dating, buyer


def participant_of(dating: JobDating, organisation: Organisation) -> Participant:
    return next(one for one in dating.participants if one.organisation_id == organisation.id)


def path_of(app: Flask, participant: Participant) -> str:
    return f"/jour/{participant_links.token_of(participant, app.config['SECRET_KEY'])}"


def test_the_page_says_the_next_meeting_first_then_the_day(app: Flask, client: Client) -> None:
    dating, buyer = morning()

    page = client.get(path_of(app, participant_of(dating, buyer)))

    said = words(page.text)
    first = next(meeting for meeting in dating.meetings if meeting.round == 0)
    assert "Votre prochain entretien, dans 10 minutes" in said
    assert f"Table {first.table.number}" in said
    assert first.match.offer.organisation.name in said
    assert said.count("Pause pour tous") == 1
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_who_has_a_round_without_meeting_reads_pause(app: Flask, client: Client) -> None:
    dating, buyer = morning()
    last = max(dating.meetings, key=lambda meeting: meeting.round)
    last.round += 1
    db.session.commit()

    assert "Pause pour vous" in words(client.get(path_of(app, participant_of(dating, buyer))).text)


def test_the_page_is_not_sent_again_until_the_plan_changes(app: Flask, client: Client, queries: list[str]) -> None:
    dating, buyer = morning()
    path = path_of(app, participant_of(dating, buyer))
    stamp = client.get(path).headers["ETag"]
    queries.clear()

    same = client.get(path, headers={"If-None-Match": stamp})

    assert (same.status_code, same.data, len(queries)) == (304, b"", 1)
    assert abs(int(same.headers["X-Server-Time"]) - now().timestamp() * 1000) < 60_000
    dating.version += 1
    db.session.commit()
    assert client.get(path, headers={"If-None-Match": stamp}).status_code == 200


@pytest.mark.parametrize("minutes", [-30, -400])
def test_during_and_after_the_day_the_page_is_there(app: Flask, client: Client, minutes: int) -> None:
    dating, buyer = morning(starts_in=timedelta(minutes=minutes))

    assert client.get(path_of(app, participant_of(dating, buyer))).status_code == 200


def test_a_cancelled_job_dating_says_so(app: Flask, client: Client) -> None:
    dating, buyer = morning()
    job_datings.cancel(dating, settings=mail_settings())
    db.session.commit()

    page = client.get(path_of(app, participant_of(dating, buyer)))

    assert page.status_code == 410
    assert "annulé" in words(page.text)


def test_a_draft_and_a_forged_link_are_not_there(app: Flask, client: Client) -> None:
    dating, buyer = morning()
    path = path_of(app, participant_of(dating, buyer))
    dating.status, dating.published_at = "draft", None
    db.session.commit()

    assert client.get(path).status_code == 404
    assert client.get(f"{path}x").status_code == 404


def test_the_worker_is_read_anew_and_rules_the_pages_of_the_day(client: Client) -> None:
    answer = client.get("/jour/hors-ligne.js")

    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
