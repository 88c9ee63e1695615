from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from matchmaker.models import Category, MatchStatus, Status
from matchmaker.services import declarations
from matchmaker.services.errors import NoReach, NotAllowedNow
from matchmaker.services.outbox import MailSettings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, commune, proposals_of

TODAY = date(2026, 11, 23)


def test_a_declared_need_is_a_draft_in_the_departement_of_its_commune(session: Session) -> None:
    need = declarations.declare_need(
        OrganisationFactory(), category=Category.PURCHASE, title="Traiteur", commune=commune("Caen (14)"), skills=["Buffet ", "buffet", "végétarien"]
    )

    assert need.status is Status.DRAFT
    assert need.territory.name == "Calvados"
    assert need.skills == ["buffet", "végétarien"]


def test_a_commune_outside_the_loaded_regions_is_refused(session: Session) -> None:
    with pytest.raises(NoReach):
        declarations.declare_need(OrganisationFactory(), category=Category.JOB, title="Poste", commune=commune("Rennes (35)"))


def test_publishing_lasts_ninety_days(session: Session) -> None:
    offer = OfferFactory(draft=True)

    declarations.publish(offer, today=TODAY)

    assert offer.status is Status.PUBLISHED
    assert offer.expires_on == date(2027, 2, 21)


@pytest.mark.parametrize(
    ("before", "after"), [(Status.DRAFT, Status.PAUSED), (Status.CLOSED, Status.PAUSED), (Status.PUBLISHED, Status.PUBLISHED), (Status.PAUSED, Status.EXPIRED)]
)
def test_impossible_turns_are_refused(session: Session, before: Status, after: Status) -> None:
    need = NeedFactory(status=before)

    with pytest.raises(NotAllowedNow):
        declarations.change_status(need, after)


def test_only_published_declarations_past_their_day_expire_with_their_open_questions(session: Session, app: Flask) -> None:
    old = NeedFactory(expires_on=TODAY - timedelta(days=1))
    last_day = NeedFactory(expires_on=TODAY)
    paused = OfferFactory(status=Status.PAUSED, expires_on=TODAY - timedelta(days=30))

    match = MatchFactory(need=old)
    proposals_of(match)

    assert declarations.expire_due(today=TODAY, settings=MailSettings.from_config(app.config)) == 1
    assert match.status is MatchStatus.ENDED
    assert [row.status for row in (old, last_day, paused)] == [Status.EXPIRED, Status.PUBLISHED, Status.PAUSED]


def test_confidential_successions_are_not_public(session: Session) -> None:
    organisation = OrganisationFactory()
    NeedFactory(organisation=organisation, category=Category.SUCCESSION, is_confidential=True)
    shown = NeedFactory(organisation=organisation)

    assert declarations.public_declarations_of(organisation) == ([shown], [])


def test_only_a_draft_can_be_deleted(session: Session) -> None:
    with pytest.raises(NotAllowedNow):
        declarations.delete_draft(NeedFactory())

    declarations.delete_draft(NeedFactory(draft=True))
