"""The day as its host sees it: phones, the screen, and changing the plan."""

import re
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import CheckInLink, JobDating, PresenceState, Side
from matchmaker.models.base import now
from matchmaker.services import day_board, presence, replanning
from tests.conftest import Client
from tests.factories import UserFactory
from tests.pages import forms, words
from tests.services.test_replanning import arrived, busy_morning, loaded, seats


@pytest.fixture
def dating(app: Flask) -> JobDating:
    return busy_morning()


@pytest.fixture
def host(client: Client, dating: JobDating) -> Client:
    client.sign_in(UserFactory(host=True, organisation=dating.venue.organisation))
    return client


def desk(dating: JobDating) -> str:
    return f"/mes-job-datings/{dating.id}/jour-j"


def replan(dating: JobDating) -> str:
    return f"/mes-job-datings/{dating.id}/replanification"


def say(dating: JobDating, name: str, state: str) -> None:
    one = next(one for one in dating.participants if one.organisation.name == name)
    presence.record(dating, [presence.Act(uuid4(), one.id, PresenceState(state), now())])
    db.session.commit()


def test_a_link_is_made_for_a_phone_and_ended(host: Client, dating: JobDating) -> None:
    assert host.post(desk(dating), data={"name": "Salma"}).status_code == 302
    link = db.session.scalars(select(CheckInLink)).one()
    page = host.get(desk(dating)).text
    address = re.search(r"http://croisee.test(/jour/accueil/[\w.-]+)", page)
    assert address
    assert host.get(address.group(1)).status_code == 200

    host.post(f"{desk(dating)}/telephones/{link.id}/fin")

    assert host.get(address.group(1)).status_code == 410
    assert "Liens fermés : Salma" in words(host.get(desk(dating)).text)


def test_a_phone_without_a_name_is_asked_for_one(host: Client, dating: JobDating) -> None:
    response = host.post(desk(dating), data={"name": " "})

    assert response.status_code == 422
    assert "Donnez-lui un nom" in words(response.text)


def test_a_draft_has_no_day_yet(host: Client, dating: JobDating) -> None:
    dating.status, dating.published_at = "draft", None
    db.session.commit()

    for path in (desk(dating), replan(dating)):
        assert host.get(path).location == f"/mes-job-datings/{dating.id}"


def test_the_moves_are_shown_and_nothing_changes_before_the_button(host: Client, dating: JobDating) -> None:
    say(dating, "Besoin 0", "no_show")
    before = seats(dating)

    said = words(host.get(replan(dating)).text)

    assert "3 entretiens changent" in said
    assert said.count("n’a plus lieu") == 3
    assert "À prévenir (3) : Offre 0, Offre 1, Offre 2" in said
    assert seats(loaded(dating)) == before


def test_the_button_makes_the_moves_that_were_shown(host: Client, dating: JobDating) -> None:
    say(dating, "Besoin 0", "no_show")
    form = forms(host.get(replan(dating)).text)[-1]

    response = host.post(replan(dating), data=form.filled(apply="1"), follow_redirects=True)

    assert "3 entretiens ont changé" in words(response.text)
    assert sum(one.round is None for one in loaded(dating).meetings) == 3
    assert "Rien ne change" in words(host.get(replan(dating)).text)


def test_what_the_host_says_there_is_a_gesture_of_the_desk_too(host: Client, dating: JobDating) -> None:
    one = next(one for one in dating.participants if one.organisation.name == "Offre 4")
    form = forms(host.get(replan(dating)).text)[-1]
    sent = form.filled(**{f"p-{one.id}": "late:2", "lost": [str(dating.venue.tables[0].id)]})
    shown = host.post(replan(dating), data=sent)
    assert shown.status_code == 200
    assert "changent" in words(shown.text)

    host.post(replan(dating), data=forms(shown.text)[-1].filled(apply="1"))

    [line] = [line for line in presence.roster(dating) if line.participant.id == one.id]
    assert (line.state, line.act and line.act.round) == (PresenceState.LATE, 2)
    assert all(meeting.round is None or meeting.table_id != dating.venue.tables[0].id for meeting in loaded(dating).meetings)


def test_two_who_change_the_plan_at_once_are_told_with_both_versions(host: Client, dating: JobDating) -> None:
    say(dating, "Besoin 0", "no_show")
    form = forms(host.get(replan(dating)).text)[-1]
    dating.version += 1
    db.session.commit()
    before = seats(loaded(dating))

    response = host.post(replan(dating), data=form.filled(apply="1"))

    said = words(response.text)
    assert response.status_code == 409
    assert f"vous regardiez la version {dating.version - 1}, il en est à la version {dating.version}" in said
    assert seats(loaded(dating)) == before
    assert host.post(replan(dating), data=forms(response.text)[-1].filled(apply="1")).status_code == 302


def test_when_a_round_begins_meanwhile_the_new_moves_are_shown(host: Client, dating: JobDating) -> None:
    say(dating, "Besoin 0", "no_show")
    form = forms(host.get(replan(dating)).text)[-1]
    dating.starts_at -= timedelta(minutes=30)
    db.session.commit()

    response = host.post(replan(dating), data=form.filled(apply="1"))

    assert response.status_code == 409
    assert "Un tour a commencé entre-temps" in words(response.text)


def test_after_the_end_the_plan_changes_no_more(host: Client, dating: JobDating) -> None:
    dating.starts_at, dating.ends_at = now() - timedelta(hours=4), now() - timedelta(hours=1)
    db.session.commit()

    response = host.get(replan(dating), follow_redirects=True)

    assert "son plan ne change plus" in words(response.text)
    assert host.post(replan(dating), data={"apply": "1"}).status_code == 302


def test_somebody_unexpected_gets_meetings_with_who_is_there(host: Client, dating: JobDating) -> None:
    arrived(dating)
    page = host.get(replan(dating)).text
    assert "Les Ateliers du Pont et Offre" in words(page)
    form = forms(page)[-1]
    pairs = form.choices["pairs"][:2]

    shown = host.post(replan(dating), data=form.filled(pairs=pairs))
    assert len(loaded(dating).meetings) == 15
    assert words(shown.text).count("nouveau") == 2
    host.post(replan(dating), data=forms(shown.text)[-1].filled(apply="1"))

    mine = [one for one in loaded(dating).meetings if one.match.need.organisation.name == "Les Ateliers du Pont"]
    assert len(mine) == 2
    assert all(one.round is not None for one in mine)


def board(app: Flask, dating: JobDating) -> str:
    return f"/jour/ecran/{day_board.token_of(dating, app.config['SECRET_KEY'])}"


def test_the_screen_needs_no_account_and_is_asked_for_cheaply(app: Flask, client: Client, dating: JobDating, queries: list[str]) -> None:
    first = client.get(board(app, dating))
    assert first.status_code == 200
    assert "Bienvenue" in words(first.text)
    queries.clear()

    again = client.get(board(app, dating), headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, len(queries)) == (304, 1)
    assert "X-Server-Time" in again.headers
    assert client.get(board(app, dating) + "x").status_code == 404


def test_the_screen_tried_out_days_before_says_when_it_begins(app: Flask, client: Client, dating: JobDating) -> None:
    with time_machine.travel(dating.starts_at - timedelta(days=9), tick=False):
        page = client.get(board(app, dating)).text

    live = re.search(r'<div class="lc-board-clock"(?![^>]*hidden)[^>]*>.*?</div>\s*</div>', page, re.DOTALL)
    assert live
    assert "Nous commençons le" in words(live.group())
    assert "Tour 1 à" in words(page)


def test_the_scenes_of_the_screen_follow_one_another_without_a_gap(dating: JobDating) -> None:
    dating.break_minutes, dating.break_after_round = 15, 2
    scenes = day_board.scenes(dating)

    assert all(one.until == other.since for one, other in pairwise(scenes))
    assert [one.kind for one in scenes[:2]] == ["welcome", "round"]
    assert scenes[-1].kind == "over"
    assert sum(one.kind == "break" for one in scenes) == 1
    shown = {one.shown for one in scenes}
    assert shown >= set(range(dating.rounds))


def test_who_has_a_meeting_to_come_is_at_a_table_or_in_the_line_of_the_pause(dating: JobDating) -> None:
    for number in range(dating.rounds):
        seats_now = [cell.meeting for cell in day_board.cells(dating, number, {}) if cell.meeting]
        seated = {one.organisation_of(side).id for one in seats_now for side in Side}
        to_come = {one.organisation_of(side).id for one in dating.meetings if one.round > number for side in Side}
        assert {one.id for one in day_board.pausing(dating, number)} == to_come - seated


def test_a_lost_table_leaves_the_screen_from_its_round_on(dating: JobDating) -> None:
    table = dating.venue.tables[0]

    assert table in [cell.table for cell in day_board.cells(dating, 0, {table.id: 1})]
    assert table not in [cell.table for cell in day_board.cells(dating, 1, {table.id: 1})]


def test_who_lost_a_meeting_still_reads_the_others(client: Client, dating: JobDating) -> None:
    say(dating, "Besoin 0", "no_show")
    asked = replanning.asked_by(dating, presence.roster(dating), now())
    shown = replanning.propose(dating, asked)
    replanning.apply(dating, asked, version=dating.version, fingerprint=shown.fingerprint)
    db.session.commit()
    loser = next(one for one in shown.told)
    client.sign_in(UserFactory(organisation=loser))

    response = client.get(f"/job-datings/{dating.id}")

    assert response.status_code == 200
    assert "Besoin 0" not in words(response.text)
