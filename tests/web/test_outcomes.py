"""Saying what two yes led to: from the mail in a click and a button, or with an account."""

from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import OutboxMail, Outcome, Proposal, Result
from matchmaker.models.base import PARIS, now
from matchmaker.services import outcome_links, outcomes
from matchmaker.web.settings import mail_settings
from tasks.outcomes import ask
from tests.conftest import Client
from tests.factories import UserFactory, mutual_match
from tests.pages import forms, heading, words


@pytest.fixture
def mine(app: Flask) -> Proposal:
    match = mutual_match(confirmed_at=now() - timedelta(days=31))
    match.offer.organisation.name = "La Navette"
    outcomes.ask_due(at=now(), settings=mail_settings())
    db.session.commit()
    return min(match.proposals, key=lambda proposal: proposal.side)


@pytest.fixture
def path(app: Flask, mine: Proposal) -> str:
    return f"/suites/{outcome_links.token(mine, app.config['SECRET_KEY'])}"


def stored(mine: Proposal) -> Outcome:
    db.session.expire_all()
    return db.session.scalars(select(Outcome).where(Outcome.match_id == mine.match_id, Outcome.side == mine.side)).one()


def test_the_link_of_the_mail_chooses_and_the_button_records(client: Client, mine: Proposal, path: str) -> None:
    mail = db.session.scalars(select(OutboxMail).where(OutboxMail.recipient == mine.organisation.email)).one()
    assert path[:60] in mail.message.decode().replace("=\r\n", "")

    page = client.get(f"{path}?reponse=signe")
    assert heading(page.text).startswith("Où en êtes-vous avec La Navette")
    (form,) = forms(page.text)
    assert form.values["reponse"] == ["signe"]
    assert stored(mine).result is None

    assert client.post(path, data=form.filled(days="6-20", found_anyway="no")).status_code == 302

    outcome = stored(mine)
    assert (outcome.result, outcome.days, outcome.found_anyway) == (Result.SIGNED, "6-20", "no")
    assert "Votre réponse est notée : c’est signé" in words(client.get(path).text)


def test_an_answer_can_be_changed_and_shows_what_was_said(client: Client, mine: Proposal, path: str) -> None:
    client.post(path, data={"reponse": "accord", "euros": "1000-5000"})
    (form,) = forms(client.get(path).text)
    assert (form.values["reponse"], form.values["euros"]) == (["accord"], ["1000-5000"])

    client.post(path, data=form.filled(reponse="rien"))

    assert (stored(mine).result, stored(mine).euros) == (Result.NOTHING, None)


@pytest.mark.parametrize("sent", [{}, {"reponse": "oui"}, {"reponse": "signe", "fte": "beaucoup"}, {"reponse": "signe", "found_anyway": "x"}])
def test_what_is_no_answer_is_said_and_not_recorded(client: Client, mine: Proposal, path: str, sent: dict[str, str]) -> None:
    assert client.post(path, data=sent).status_code == 422
    assert stored(mine).result is None


def test_an_altered_link_is_absent_and_a_replaced_one_gone(client: Client, mine: Proposal, path: str) -> None:
    assert client.get(path[:-1]).status_code == 404

    mine.token_version += 1
    db.session.commit()

    assert client.get(path).status_code == 410


def test_with_an_account_it_is_said_from_the_conversation(client: Client, mine: Proposal) -> None:
    client.sign_in(UserFactory(organisation=mine.organisation))
    assert "Dire où cela en est" in client.get(f"/rencontres/{mine.id}").text

    assert client.post(f"/rencontres/{mine.id}/suite", data={"reponse": "rencontre"}).status_code == 302

    assert stored(mine).result is Result.MET
    client.sign_in(UserFactory())
    assert client.get(f"/rencontres/{mine.id}/suite").status_code == 404


def test_before_the_first_question_there_is_nothing_to_say(app: Flask, client: Client) -> None:
    proposal = min(mutual_match().proposals, key=lambda proposal: proposal.side)
    db.session.commit()

    assert client.get(f"/suites/{outcome_links.token(proposal, app.config['SECRET_KEY'])}").status_code == 404


def test_the_task_asks_once_and_only_when_people_work(app: Flask) -> None:
    monday = datetime(2026, 11, 16, 9, 5, tzinfo=PARIS)
    mutual_match(confirmed_at=monday - timedelta(days=31))
    db.session.commit()

    asked = []
    # A Sunday, the Monday at night, then twice in the morning.
    for moment in (monday - timedelta(days=1), monday - timedelta(hours=4), monday, monday + timedelta(hours=1)):
        with time_machine.travel(moment, tick=False):
            ask()
        asked.append(len(db.session.scalars(select(Outcome)).all()))

    assert asked == [0, 0, 2, 2]


def test_the_mail_waits_for_the_hours_of_its_structure(app: Flask) -> None:
    monday = datetime(2026, 11, 16, 9, 5, tzinfo=PARIS)
    late, early = mutual_match(confirmed_at=monday - timedelta(days=31)).proposals
    late.organisation.opens_at = 11
    db.session.commit()

    with time_machine.travel(monday, tick=False):
        ask()

    leaves = {mail.recipient: mail.not_before for mail in db.session.scalars(select(OutboxMail))}
    assert leaves[late.organisation.email] == monday.replace(hour=11, minute=0)
    assert leaves[early.organisation.email] == monday
