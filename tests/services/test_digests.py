"""The mail of Monday morning: when it leaves, to whom, and that it says something."""

import email
import email.policy
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select

from matchmaker.extensions import db
from matchmaker.models import ObjectionSource, Organisation, OutboxMail, RunStatus, Status, Topic
from matchmaker.models.base import PARIS, today
from matchmaker.services import addresses, digests
from matchmaker.web.settings import mail_settings
from tests.factories import MatchFactory, NeedFactory, OfferFactory, OrganisationFactory, RunFactory, UserFactory, departement, proposals_of


def moment(year: int, month: int, day: int, hour: int) -> datetime:
    return datetime(year, month, day, hour, 30, tzinfo=PARIS)


# The morning of a coming week's first working day.
MORNING = datetime.combine(digests.day_of_the_week(today() + timedelta(days=7)), time(9), PARIS)


def send(at: datetime = MORNING) -> list[OutboxMail]:
    digests.send_due(at=at, settings=mail_settings())
    return list(db.session.scalars(select(OutboxMail).where(OutboxMail.kind.startswith("digest")).order_by(OutboxMail.id)))


def text_of(mail: OutboxMail) -> str:
    body = email.message_from_bytes(mail.message, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\u00a0", " ")


def both_end_soon() -> tuple[Organisation, Organisation]:
    """Two structures, each with an announcement that ends soon."""
    soon = MORNING.date() + timedelta(days=3)
    return NeedFactory(expires_on=soon).organisation, OfferFactory(expires_on=soon).organisation


@pytest.mark.parametrize(
    ("at", "is_time"),
    [
        (moment(2026, 11, 23, 9), True),
        (moment(2026, 11, 23, 7), False),
        (moment(2026, 11, 23, 18), False),
        (moment(2026, 11, 25, 9), True),
        (moment(2026, 11, 26, 9), False),
        (moment(2026, 11, 22, 9), False),
        # Easter Monday, and the days after it
        (moment(2026, 4, 6, 9), False),
        (moment(2026, 4, 7, 9), True),
        (moment(2026, 4, 9, 9), True),
        # A Wednesday that is a holiday
        (moment(2026, 11, 11, 9), False),
    ],
)
def test_it_leaves_on_the_first_working_day_of_the_week_by_day(at, is_time):
    assert digests.is_time(at) is is_time


def test_nobody_is_written_to_when_there_is_nothing(app):
    UserFactory(animator=True)
    OrganisationFactory()

    assert send() == []


def test_an_animator_learns_what_is_to_be_done_and_what_happened(app):
    animator = UserFactory(animator=True)
    UserFactory(animator=True, territories=[departement("14")])
    need = NeedFactory(published_at=MORNING - timedelta(days=10), organisation=OrganisationFactory(name="Picorée", email=""))
    proposals_of(MatchFactory(run=RunFactory(status=RunStatus.SUPERSEDED), need=need, offer=OfferFactory(organisation=OrganisationFactory(email=""))))
    NeedFactory(published_at=MORNING - timedelta(days=2))

    mails = send()

    assert [mail.recipient for mail in mails] == [animator.email]
    text = text_of(mails[0])
    for told in ("1 chose est à faire", "Sans oui : 1", "Picorée", f"/a-faire/{need.id}", "1 besoin publié"):
        assert told in text
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in mails[0].message


def test_a_structure_learns_what_happened_to_its_announcements(app):
    organisation = OrganisationFactory(name="Picorée")
    agreed = NeedFactory(organisation=organisation, title="Un traiteur")
    MatchFactory(mutual=True, need=agreed, confirmed_at=MORNING - timedelta(days=1), offer=OfferFactory(organisation=OrganisationFactory(email="")))
    NeedFactory(organisation=organisation, title="Un local", expires_on=MORNING.date() + timedelta(days=3))
    OfferFactory(organisation=organisation, title="Vingt chaises", status=Status.EXPIRED, expires_on=MORNING.date() - timedelta(days=2))
    OfferFactory(organisation=organisation, title="Une salle", expires_on=MORNING.date() + timedelta(days=60))

    mails = send()

    assert [mail.recipient for mail in mails] == [organisation.email]
    text = text_of(mails[0])
    for told in ("Un oui des deux côtés : Un traiteur", "Un local", "Expirée, ne cherche plus : Vingt chaises", "/annonces/diagnostic"):
        assert told in text
    assert "Une salle" not in text
    assert b"List-Unsubscribe-Post" in mails[0].message


def test_questions_that_wait_are_counted_beside_other_news_and_bring_no_mail_by_themselves(app):
    match = MatchFactory()
    proposals_of(match)
    NeedFactory(organisation=match.need.organisation, expires_on=MORNING.date() + timedelta(days=3))

    subjects = {mail.recipient: mail.subject.replace("\u00a0", " ") for mail in send()}

    assert subjects == {match.need.organisation.email: "1 proposition attend votre réponse"}


def test_a_week_has_one_mail_however_often_it_is_asked_for(app):
    both_end_soon()
    UserFactory(animator=True)
    RunFactory(finished_at=MORNING - timedelta(hours=1), created_at=MORNING)

    first = len(send())
    assert first == 3
    assert len(send(MORNING + timedelta(hours=3))) == first
    assert len(send(MORNING - timedelta(hours=5))) == first
    later = datetime.combine(digests.day_of_the_week(MORNING.date() + timedelta(days=7)), time(9), PARIS)
    assert len(send(later)) == 2 * first


def test_who_objected_or_cannot_be_reached_gets_none_and_no_row(app):
    objecting, gone = both_end_soon()
    addresses.object_to(addresses.digest(objecting.email), [Topic.DIGEST], source=ObjectionSource.ONE_CLICK)
    addresses.note_bounce(gone.email, key="1:1", status="5.1.1")

    assert {mail.recipient for mail in send()}.isdisjoint({objecting.email, gone.email})


def test_what_is_many_goes_in_turns(app, monkeypatch):
    monkeypatch.setattr(digests, "MOST_AT_ONCE", 3)
    for _twice in range(2):
        both_end_soon()

    assert [len(send()) for _turn in range(3)] == [3, 4, 4]


def test_the_queries_do_not_grow_with_the_structures(app, queries):
    def cost(count: int) -> int:
        for _match in range(count):
            match = MatchFactory(run=RunFactory(status=RunStatus.SUPERSEDED))
            proposals_of(match)
        db.session.flush()
        db.session.expire_all()
        queries.clear()
        digests.member_weeks(at=MORNING)
        return len(queries)

    assert cost(2) == cost(10) == 7
