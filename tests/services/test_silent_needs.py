"""Forty-five days without a yes: one honest mail, with changes that were solved for."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from matchmaker.extensions import db
from matchmaker.models import Channel, DeclineReason, OutboxMail, RunStatus
from matchmaker.models.base import now, today
from matchmaker.services import mails, matching, proposal_ends, proposals, silent_needs
from matchmaker.services.outbox import MailSettings
from matchmaker.services.refusal_bounds import Bounds
from tests.factories import MatchFactory, NeedFactory, OfferFactory, departement, proposals_of

LONG_AGO = timedelta(days=46)


@pytest.fixture
def settings(app) -> MailSettings:
    return MailSettings.from_config(app.config)


def told() -> list[OutboxMail]:
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind == "silent_need")))


def test_its_structure_is_told_once_with_what_would_have_been_enough(session: Session, settings: MailSettings) -> None:
    need = NeedFactory(at="Flers (61)", radius_km=10, published_at=now() - LONG_AGO)
    OfferFactory(at="Argentan (61)", radius_km=100)
    run = matching.rematch(departement(), today=today())
    matching.publish(run, today=today(), settings=settings)
    assert run.status is RunStatus.PUBLISHED

    assert silent_needs.tell_due(today=today(), settings=settings) == 1
    assert silent_needs.tell_due(today=today(), settings=settings) == 0

    mail = told()[0]
    assert mail.recipient == need.organisation.email
    text = mails.text_of(mail).replace("\u00a0", " ")
    assert "Nous n’avons trouvé personne à qui le demander" in text
    assert "- Chercher jusqu’à 4" in text
    assert "au lieu de 10 km" in text


def test_a_yes_that_stands_is_an_answer_and_one_that_led_nowhere_is_not(session: Session, settings: MailSettings) -> None:
    match = MatchFactory(need=NeedFactory(published_at=now() - LONG_AGO))
    _mine, theirs = proposals_of(match)
    proposals.accept(theirs, settings=settings, channel=Channel.LINK)
    assert silent_needs.tell_due(today=today(), settings=settings) == 0

    proposal_ends.end(match, settings=settings)
    session.flush()

    assert silent_needs.tell_due(today=today(), settings=settings) == 1
    assert "Nous avons demandé à 1 structure." in mails.text_of(told()[0]).replace("\u00a0", " ")


def test_a_need_that_its_structure_lets_rest_is_not_called_silent(session: Session, settings: MailSettings) -> None:
    mine, _theirs = proposals_of(MatchFactory(need=NeedFactory(published_at=now() - LONG_AGO)))
    day = today() + timedelta(days=10)
    proposals.decline(mine, reason=DeclineReason.NO_TIME, bounds=Bounds(not_before=day), settings=settings)
    session.flush()

    assert silent_needs.tell_due(today=today(), settings=settings) == 0
    assert silent_needs.tell_due(today=day, settings=settings) == 1


def test_a_need_of_last_month_waits(session: Session, settings: MailSettings) -> None:
    NeedFactory(published_at=now() - timedelta(days=30))

    assert silent_needs.tell_due(today=today(), settings=settings) == 0
